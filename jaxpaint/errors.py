"""What jaxpaint refuses: one hierarchy of errors, whose messages are one line each."""

_LONGEST = 200


def reason(error: Exception) -> str:
    """What another library's exception says, in one line of at most 200 characters, or else its name."""
    line = " ".join(str(error).split()) or type(error).__name__
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"


class JaxpaintError(ValueError):
    """Bad input. The message says in one line what was expected and what came."""


class ImageError(JaxpaintError):
    """A picture or a video that can't be read."""


class PaletteError(JaxpaintError):
    """A file that holds no palette."""


class WriteError(JaxpaintError):
    """A file that can't be written."""


class LockedError(WriteError):
    """A file that another process is writing."""


class ExportError(JaxpaintError):
    """A painting that can't be written in a format, or sorted."""


class PaintingFileError(JaxpaintError):
    """A file that is not a painting of ours, or a damaged one."""


class FilmFileError(JaxpaintError):
    """A file that is not a film of ours, or a damaged one."""


class WeightsError(JaxpaintError):
    """A file that holds no weights of ours, or damaged ones."""


class ResumeError(JaxpaintError):
    """A painting that can't be gone on from."""


class GoalError(JaxpaintError):
    """A goal that can't be reached on this machine."""
