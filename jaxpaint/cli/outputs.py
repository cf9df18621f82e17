"""The output files of a command: their folder, protection of other files, and reports."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import mimetypes
import os
import pathlib
import tempfile
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from absl import flags
from jaxtyping import Float

from jaxpaint import drawing, metrics, pictures, runtime
from jaxpaint.brushes import BRUSHES
from jaxpaint.cli import options, progress
from jaxpaint.cli.app import Refused, complain
from jaxpaint.errors import JaxpaintError
from jaxpaint.io import images, origins, videos
from jaxpaint.io.atomic import locked, remove_leftovers, replacing
from jaxpaint.io.exports import EXPORTS, export
from jaxpaint.types import Painting

# Python's own list of endings: a machine's list may contain .1 and .art, which folder names may also have.
_FILES = mimetypes.MimeTypes()
# File name endings of drawings.
PICTURES = (".png", ".jpg", ".jpeg")
TIMELAPSE_SIZE = 1920
TIMELAPSE_FRAMES = 300
FRAMES_PER_SECOND = 30.0


@contextlib.contextmanager
def output_folder(folder: pathlib.Path) -> Iterator[None]:
    """Makes the folder if needed, and tests it with a temporary file, so that nothing is painted in vain.

    Temporary files of processes that were killed are removed; so is a new folder, at the end, if it is empty.

    Raises:
      Refused: the folder can't be written to.
    """
    new = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        remove_leftovers(folder)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except FileExistsError:
        raise Refused(f"{folder}: cannot write there: it is a file, not a folder") from None
    except OSError as error:
        raise Refused(f"{folder}: cannot write there: {error.strerror}") from None
    try:
        yield
    finally:
        if new and runtime.is_first():
            with contextlib.suppress(OSError):
                folder.rmdir()


def placed(out: str, name: str, endings: Sequence[str]) -> pathlib.Path:
    """The output file for `--out`: the path itself if it has a file's ending, else a file in that folder.

    Args:
      out: value of the flag.
      name: name of a file in the folder, without its ending.
      endings: allowed endings; a file in the folder gets the first ending.

    Raises:
      Refused: `out` has the ending of another kind of file.
    """
    path = pathlib.Path(out)
    ending = path.suffix.lower()
    is_file = ending in {*endings, *videos.ENDINGS, ".npz", ".film"} or _FILES.guess_type(path.name)[0]
    if path.is_dir() or not is_file:
        return path / f"{name}{endings[0]}"
    if ending not in endings:
        raise Refused(f"--out={out}: expected a folder, or a name that ends in {', '.join(endings)}")
    return path


def timelapse_ending(transparent: bool) -> str:
    """Ending of the name of a timelapse."""
    return videos.WITH_ALPHA if transparent else ".mp4"


class Made(NamedTuple):
    """A file that a command is going to write.

    Attributes:
      path: path of the file.
      origin: what it is made from, which the file will carry (see `jaxpaint.io.origins`).
      source: the input that it is made from, for error messages.
    """

    path: pathlib.Path
    origin: str
    source: pathlib.Path


class PaintingFiles(NamedTuple):
    """The files that `paint` and `stylize` make of one input.

    Attributes:
      source: the input.
      origin: see `Made`.
      png, npz: the drawing, and the strokes.
      mp4, json: the timelapse, a WebM if it has alpha, and the report; None if the flags do not ask for them.
      exports: the painting in other formats.
    """

    source: pathlib.Path
    origin: str
    png: pathlib.Path
    npz: pathlib.Path
    mp4: pathlib.Path | None
    json: pathlib.Path | None
    exports: tuple[pathlib.Path, ...]

    @classmethod
    def of(
        cls,
        source: pathlib.Path,
        kind: str,
        values: flags.FlagValues,
        *others: pathlib.Path,
        transparent: bool = False,
    ) -> PaintingFiles:
        """Names the files.

        Args:
          source: the input.
          kind: what is made of it.
          values: the flags out, formats, page, timelapse and report.
          others: further inputs that decide what is made.
          transparent: whether the painting is transparent, and its timelapse a WebM.
        """
        png = placed(values.out, source.stem, PICTURES)
        npz, mp4, report = (
            png.with_name(f"{png.stem}{ending}") for ending in (".npz", timelapse_ending(transparent), ".json")
        )
        asked = mp4 if values.timelapse else None, report if values.report else None
        kind += f", page {values.page}" if (values.page or 1) > 1 else ""
        exports = tuple(png.with_name(f"{png.stem}{ending}") for ending in options.formats_of(values))
        if values.report and report in exports:
            raise Refused(f"--report, --formats=json: both would become {report}; bin/export writes strokes elsewhere")
        return cls(source, origin_of(kind, source, *others), png, npz, *asked, exports)

    @property
    def part(self) -> pathlib.Path:
        """Where an unfinished painting is kept while there is a finished one in its place."""
        return self.npz.with_stem(f"{self.npz.stem}-part")

    def renamed(self, name: str) -> PaintingFiles:
        """The same files under another name."""

        def other(path: pathlib.Path) -> pathlib.Path:
            return path.with_name(name + path.name.removeprefix(self.png.stem))

        png, npz = other(self.png), other(self.npz)
        mp4, report = (path and other(path) for path in (self.mp4, self.json))
        return PaintingFiles(self.source, self.origin, png, npz, mp4, report, tuple(map(other, self.exports)))

    @property
    def made(self) -> list[Made]:
        """The files for `check_outputs`."""
        # The name may be longer than the file system allows.
        part = self.part if os.path.exists(self.part) else None
        paths = (self.png, self.npz, self.mp4, self.json, part, *self.exports)
        return [Made(path, self.origin, self.source) for path in paths if path]


def for_each(planned: Sequence[PaintingFiles], values: flags.FlagValues, do: Callable[[PaintingFiles], None]) -> int:
    """Runs a function on each input's files, while no other process writes them, and reports those for which it fails.

    Args:
      planned: the files of each input, checked by `check_outputs`; they are checked again when it is their turn.
      values: the flags out and overwrite.
      do: function that makes the files.

    Returns:
      The exit status: 1 if the function failed for any input.
    """
    status = 0
    with output_folder(planned[0].png.parent):
        for files in planned:
            try:
                with locked(files.npz):
                    check_outputs(files.made, [], overwrite=values.overwrite)
                    do(files)
                    if values.overwrite:
                        _tell_of_others(files)
            except JaxpaintError as error:
                complain(error)
                status = 1
    return status


def _tell_of_others(files: PaintingFiles) -> None:
    """Warns of a timelapse or a report of another input, whose painting has just been replaced."""
    for path in (files.png.with_suffix(".mp4"), files.png.with_suffix(".json")):
        if path not in files and path.is_file() and origins.of_file(path) not in ("", files.origin):
            complain(f"{path}: stays as it was, made from something else than {files.source}")


def check_sources(sources: Sequence[pathlib.Path], kind: str) -> None:
    """Refuses missing files, and an empty command line.

    Args:
      sources: files to paint or to style, and others that are read.
      kind: noun for the sources, for error messages.

    Raises:
      Refused: one line names the problem.
    """
    if not sources:
        raise Refused(f"no {kind} given; see --help")
    for path in sources:
        if not path.exists():
            raise Refused(f"{path}: no such file")


def origin_of(kind: str, *sources: pathlib.Path) -> str:
    """The origin of what is made from files; empty if one can't be read, which its reader will tell."""
    if not all(source.is_file() for source in sources):
        return ""
    with contextlib.suppress(OSError):
        return origins.made_from(kind, *sources)
    return ""


def check_outputs(made: Sequence[Made], inputs: Sequence[pathlib.Path], *, overwrite: bool) -> None:
    """Refuses to write over an input, over a file that was not made from the same input, and twice over the same file.

    The rule of all commands: a file may be replaced only if it was made from this input and has not changed since.

    Args:
      made: all files that the command is going to write.
      inputs: all files that the command reads, and does not write.
      overwrite: whether other files, but no inputs, may be replaced, too.

    Raises:
      Refused: one line names the file.
    """
    sources: dict[str, pathlib.Path] = {}
    for path, _, source in made:
        # Some file systems know no capitals, and one form of each letter.
        name = unicodedata.normalize("NFC", str(path)).casefold()
        if name in sources:
            raise Refused(f"{sources[name]} and {source} would both become {path}")
        sources[name] = source
    for path, *_ in made:
        if path.is_symlink() and not os.path.isdir(os.path.dirname(target := os.path.realpath(path))):
            raise Refused(f"{path}: a link to {target}, whose folder is not there")
    there = [each for each in made if each.path.exists()]
    for path, *_ in there:
        for read in inputs:
            if read.exists() and path.samefile(read):
                raise Refused(f"{read} would be overwritten; choose another --out")
        if not path.is_file():
            raise Refused(f"{path} is there already, and is no file; choose another --out")
    for path, origin, source in () if overwrite else there:
        earlier = origins.of_file(path)
        what = ""
        if not earlier:
            what = "and does not say that jaxpaint made it"
        elif not origin or earlier != origin:
            what = f"made from something else than {source}"
        elif not origins.is_unchanged(path):
            what = "and was changed after jaxpaint made it"
        if what:
            raise Refused(f"{path} is there already, {what}; choose another --out, or --overwrite to replace it")


def write_painting(
    files: PaintingFiles,
    result: Painting,
    wanted: Float[np.ndarray, "H W 3"],
    *,
    size: int,
    values: flags.FlagValues,
    watch: runtime.Stopwatch,
    **facts: object,
) -> None:
    """Draws a painting and writes all of its files but the npz, and prints their paths.

    Args:
      files: the painting's files.
      result: the painting.
      wanted: the wanted picture, in [0, 1], for the report.
      size: long side of the drawing in pixels.
      values: the flags dpi and quiet.
      watch: counts the time of drawing.
      facts: further entries of the report.
    """
    with watch("drawing"):
        drawn = drawing.draw_layers(result, size=size)
    write_drawing(files.png, result, drawing.shown(result.settings, drawn), dpi=values.dpi)
    print(files.png)
    if files.mp4:
        write_timelapse(files.mp4, result, size)
        print(files.mp4)
    if files.json:
        write_report(files.json, wanted, drawn, result, watch.seconds, **facts)
        print(files.json)
    for path in files.exports:
        with progress.waiting(path.name, quiet=values.quiet):
            export(result, path)
        print(path)


def write_drawing(
    path: pathlib.Path, painting: Painting, picture: Float[np.ndarray, "h w c"], *, dpi: int | None
) -> None:
    """Writes the drawing of a painting; of a transparent painting, with alpha, or in a JPEG on the canvas colour."""
    if path.suffix.lower() not in images.WITH_ALPHA:
        picture = drawing.opaque(painting.settings, picture)
    images.write_image(path, picture, origin=painting.origin, dpi=dpi)


def write_report(
    path: pathlib.Path,
    wanted: Float[np.ndarray, "H W 3"],
    drawn: Float[np.ndarray, "h w c"],
    result: Painting,
    seconds: Mapping[str, float],
    **facts: object,
) -> None:
    """Writes a report as JSON, with the closeness of the drawing to the wanted picture.

    Closeness is measured at the drawing's size, without light and with light.

    Args:
      path: path of the file.
      wanted: the wanted picture, in [0, 1].
      drawn: the painting's layers, as `drawing.draw_layers` returns them.
      result: the painting.
      seconds: duration of each part of the work, in seconds.
      facts: further entries of the report.
    """
    wanted, settings = pictures.resize(wanted, drawn.shape[:2]), result.settings
    report = {
        **metrics.closeness(drawn[..., :3], wanted),
        "psnr_lit": metrics.closeness(drawing.opaque(settings, drawing.shown(settings, drawn)), wanted)["psnr"],
        "height": drawn.shape[0],
        "width": drawn.shape[1],
        "strokes": len(result.strokes),
        "renderer": result.settings.renderer,
        "brush": result.brush,
        "seconds": {"fitting": 0.0} | dict(seconds),
        **runtime.report(),
        **facts,
        "settings": dataclasses.asdict(result.settings),
    }
    write_json(path, report, origin=result.origin)


def check_exports(values: flags.FlagValues, brush: str) -> None:
    """Refuses formats that need the outlines of strokes, for a brush that has none, before anything is painted.

    Args:
      values: the flag formats.
      brush: name of the brush.

    Raises:
      ExportError: one line names the brush.
    """
    if any(EXPORTS[ending].outlined for ending in options.formats_of(values)):
        BRUSHES[brush].shapes(np.zeros((0, BRUSHES[brush].dim), np.float32))


def write_json(path: pathlib.Path, report: Mapping[str, object], *, origin: str) -> None:
    """Writes a report atomically, signed with its origin."""
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
        origins.sign(temporary, origin)


def write_timelapse(path: pathlib.Path, painting: Painting, size: int) -> None:
    """Writes a video of the drawing, ten seconds long and at most 1920 pixels wide or high.

    The video of a transparent painting has alpha, or in an MP4 lies on the canvas colour.
    """
    if path.suffix.lower() != videos.WITH_ALPHA:
        painting = drawing.relit(painting, {"transparent": False})
    frames = drawing.timelapse(painting, size=min(size, TIMELAPSE_SIZE), frames=TIMELAPSE_FRAMES)
    videos.write_video(path, frames, fps=FRAMES_PER_SECOND, origin=painting.origin)
