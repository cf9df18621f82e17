"""The commands: flags and files in, files out; whatever is wrong is one line on standard error."""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import json
import os
import pathlib
import re
import runpy
import shlex
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from absl import flags

from jaxpaint.settings import LIGHT, Checked, Settings, unknown_key

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float

    from jaxpaint import directions
    from jaxpaint.painting import Painting, Progress

_Kind = TypeVar("_Kind", bound=Checked)

INTERRUPTED = 130
LARGEST = 16384
TIMELAPSE_SIZE = 1920
TIMELAPSE_FRAMES = 300
FRAMES_PER_SECOND = 30.0
SECONDS_BETWEEN_SAVES = 60.0
PROCESSES = """
Several processes that work together, on one host or many; the first one writes:

  --coordinator=HOST:PORT  where the first one listens; auto where the cluster knows (TPU, SLURM)
  --num_processes=N        how many there are
  --process_id=K           which of them this is, from 0
"""
LIGHT_HELP = """\
  --wet=X        how much of the wet paint below its start a stroke carries along, 0 to 1
  --relief=X     height of the paint that light falls on, 0 to 3; 0 shows the colours alone
  --light=X      where light comes from, in degrees, counter-clockwise from the right
  --gloss=X      strength of highlights, 0 to 3
  --ground=NAME  what is painted on: linen, paper or none"""
# New objects between two searches for garbage. What JAX makes as it traces stays, and so does what is imported; to look
# through it again and again takes up to a third of the tracing.
_GARBAGE = 50_000


class Refused(Exception):
    """What was asked cannot be done; the message is one line that says why."""


class Interrupted(Exception):
    """Ctrl-C, and what there was has been kept; the message is one line that says how to go on."""


def run(command: Callable[[list[str]], int], argv: Sequence[str] | None) -> int:
    """Runs a command and turns what may go wrong into one line and an exit status.

    Args:
      command: `argv -> status`.
      argv: the program's name and its arguments; None for the process's own.

    Returns:
      The exit status: the command's own, 1 for bad input, 130 for Ctrl-C.
    """
    gc.freeze()
    gc.set_threshold(_GARBAGE)
    try:
        with warnings.catch_warnings():
            warnings.showwarning = lambda message, *_, **__: complain(message)
            return command(list(sys.argv if argv is None else argv))
    except (KeyboardInterrupt, Interrupted) as error:
        complain(str(error) or "interrupted")
        return INTERRUPTED
    except Refused as error:
        complain(error)
    except bad_input() as error:
        complain(error)
    except OSError as error:
        complain(f"{error.filename}: {error.strerror}" if error.filename else error)
    return 1


def bad_input() -> tuple[type[Exception], ...]:
    """The exceptions that mean bad input rather than a fault of ours."""
    from jaxpaint.exports import PaintingFileError
    from jaxpaint.films import FilmFileError
    from jaxpaint.images import ImageError
    from jaxpaint.weights import WeightsError

    return Refused, FilmFileError, ImageError, PaintingFileError, WeightsError


def complain(message: object) -> None:
    """One line on standard error."""
    print("jaxpaint:", " ".join(str(message).split()), file=sys.stderr, flush=True)


@dataclasses.dataclass(frozen=True)
class CommandLine(Generic[_Kind]):
    """A command line with settings, understood.

    Attributes:
      files: the arguments that are not flags.
      flags: the flags.
      settings: what the file of settings and `--config.KEY` say.
      asked: the settings that the user spoke of; what is resumed has to agree with them.
      again: the command that goes on after Ctrl-C.
    """

    files: list[pathlib.Path]
    flags: flags.FlagValues
    settings: _Kind
    asked: list[str]
    again: str


def command_line(
    argv: Sequence[str], values: flags.FlagValues, kind: type[_Kind], *, config: str, usage: str
) -> CommandLine[_Kind] | None:
    """Parses a command line with settings.

    Args:
      argv: the program's name and its arguments.
      values: the flags that there are.
      kind: of settings.
      config: the file of settings that is taken where none is given.
      usage: what `--help` prints, above the settings.

    Returns:
      The command line; None if it asks for help, which is then printed.

    Raises:
      Refused: a flag, a file of settings or a setting is wrong.
    """
    path, rest = split_config(argv)
    config_path = find_config(path, default=config)
    chosen = load_config(config_path)
    define_config(values, kind.defaults(), rest)
    flags.DEFINE_string("coordinator", None, "the first process", flag_values=values)
    flags.DEFINE_integer("num_processes", None, "how many", 1, flag_values=values)
    flags.DEFINE_integer("process_id", None, "which", 0, flag_values=values)
    files = [pathlib.Path(name) for name in parse(values, rest)]
    if values.help:
        names = {"program": pathlib.Path(argv[0]).name, "config": config_path.name, "light": LIGHT_HELP}
        print(usage.format(**names), end="")
        print(describe(kind.defaults() | chosen, kind.meanings()))
        print(PROCESSES, end="")
        return None
    given = overrides(values)
    light = light_of(values) if issubclass(kind, Settings) else {}
    try:
        settings = kind.from_config({**chosen, **given, **light})
    except (ValueError, TypeError) as error:
        raise Refused(error) from None
    resumed = "resume" not in values or values.resume
    return CommandLine(
        files=files,
        flags=values,
        settings=settings,
        asked=[*given, *(chosen if path else ())],
        again=shlex.join(argv if resumed else [*argv, "--resume"]),
    )


def start(values: flags.FlagValues, *, divided: bool = True) -> None:
    """Readies JAX for a command; to be called before it computes anything.

    Args:
      values: the flags, which say whether there are other processes.
      divided: whether each core of a CPU is a device of its own.

    Raises:
      Refused: flags are missing, or the processes do not find each other.
    """
    from jaxpaint import runtime

    if divided:
        runtime.use_all_cores()
    runtime.keep_compilations()
    numbers = values.num_processes, values.process_id
    if values.coordinator is None:
        if numbers != (None, None):
            raise Refused("--num_processes and --process_id: expected only with a --coordinator")
        return
    if values.coordinator != "auto" and (None in numbers or numbers[1] >= numbers[0]):
        raise Refused("--coordinator: expected --num_processes, and a --process_id below it; or --coordinator=auto")
    try:
        runtime.join(values.coordinator, *numbers)
    except (ValueError, RuntimeError) as error:
        raise Refused(f"--coordinator={values.coordinator}: {error}") from None
    if not runtime.is_first():
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115


def define_flags(*, out: str | None = None) -> flags.FlagValues:
    """A set of flags of its own: size, timelapse and help.

    Args:
      out: the folder that a command writes to which can be resumed; defines out, report and resume, too.
    """
    values = flags.FlagValues()
    flags.DEFINE_integer("size", None, "long side in pixels", 1, LARGEST, flag_values=values)
    flags.DEFINE_boolean("timelapse", False, "also a video", flag_values=values)
    flags.DEFINE_boolean("help", False, "help", short_name="h", flag_values=values)
    if out is not None:
        flags.DEFINE_string("out", out, "folder", flag_values=values)
        flags.DEFINE_boolean("report", False, "also NAME.json", flag_values=values)
        flags.DEFINE_boolean("resume", False, "go on", flag_values=values)
    return values


def define_light(values: flags.FlagValues) -> None:
    """Defines a flag for each of the settings that say how light falls on a painting."""
    for field in dataclasses.fields(Settings):
        if field.name not in LIGHT:
            continue
        about = field.metadata
        if about["choices"]:
            flags.DEFINE_enum(field.name, None, about["choices"], about["meaning"], flag_values=values)
        else:
            bounds = about["low"], about["high"]
            flags.DEFINE_float(field.name, None, about["meaning"], *bounds, flag_values=values)


def light_of(values: flags.FlagValues) -> dict[str, Any]:
    """Those of the flags of `define_light` that were given."""
    return {name: values[name].value for name in LIGHT if name in values and values[name].value is not None}


def parse(values: flags.FlagValues, argv: Sequence[str]) -> list[str]:
    """Parses flags into `values`.

    Returns:
      The arguments that are not flags.

    Raises:
      Refused: an unknown flag or a bad value.
    """
    try:
        return values(argv)[1:]
    except flags.IllegalFlagValueError as error:
        message = str(error).removeprefix("flag ")
        for pattern, expected in _EXPECTED.items():
            message = re.sub(pattern, expected, message)
        raise Refused(message) from None
    except flags.Error as error:
        raise Refused(f"{str(error).removeprefix('ERROR:: ').rstrip('.')}; see --help") from None


# What Python and absl say of a value of the wrong type, and what we say.
_EXPECTED = {
    "invalid literal for int.*": "expected an integer",
    "could not convert string to float.*": "expected a number",
    r"\(?'?Non-boolean argument.*": "expected true or false",
}


def define_config(values: flags.FlagValues, defaults: dict[str, Any], argv: Sequence[str]) -> None:
    """Defines `--config.KEY` for every key of `defaults`, with the type that its default has.

    Raises:
      Refused: the command line names a key that there is not.
    """
    # Imported here, as everything is that takes a while.
    import ml_collections
    from ml_collections import config_flags

    flagged = argv[: argv.index("--")] if "--" in argv else argv
    matches = [match for word in flagged if (match := re.match(r"--?(?:no)?config\.([^=]*)", word))]
    for match in matches:
        if match[1] not in defaults:
            raise Refused(unknown_key(match[1], defaults))
    config_flags.DEFINE_config_dict(
        "config",
        ml_collections.ConfigDict(defaults),
        flag_values=values,
        sys_argv=[match[0] for match in matches],
    )


def overrides(values: flags.FlagValues) -> dict[str, Any]:
    """The keys that the command line gave with `--config.KEY`, and their values."""
    from ml_collections import config_flags

    return config_flags.get_override_values(values["config"])


def describe(config: Mapping[str, object], meanings: Mapping[str, str]) -> str:
    """A table of settings: key, value, meaning."""
    shown = [
        str(config[key]).lower() if isinstance(config[key], bool) else str(config[key]) or "none" for key in meanings
    ]
    keys, values = (max(map(len, column)) for column in (meanings, shown))
    rows = zip(meanings.items(), shown, strict=True)
    return "\n".join(f"  {key:<{keys}} {value:<{values}} {meaning}" for (key, meaning), value in rows)


def split_config(argv: Sequence[str]) -> tuple[str | None, list[str]]:
    """Takes `--config=FILE` out of the command line: (FILE, the rest)."""
    path, rest, arguments = None, [], iter(argv)
    for argument in arguments:
        if argument == "--":
            rest += [argument, *arguments]
        elif argument in ("--config", "-config"):
            path = next(arguments, "")
        elif match := re.fullmatch("--?config=(.*)", argument):
            path = match[1]
        else:
            rest.append(argument)
    return path, rest


def find_config(path: str | None, *, default: str, flag: str = "config") -> pathlib.Path:
    """A file of settings: the one given, else the one of that name that comes with the package.

    Raises:
      Refused: there is neither.
    """
    package = pathlib.Path(__file__).resolve().parents[1]
    shipped = next(f for f in (package / "configs", package.parent / "configs") if f.is_dir())
    given = pathlib.Path(default if path is None else path)
    candidates = [shipped / f"{given.stem}.py"] if path is None else [given, shipped / f"{given.stem}.py"]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    raise Refused(f"--{flag}={path}: no such file")


def load_config(path: pathlib.Path) -> dict[str, Any]:
    """What `get_config()` of a file of settings gives.

    Raises:
      Refused: the file fails, or has no `get_config`.
    """
    try:
        config = runpy.run_path(str(path))["get_config"]()
        return {key: config[key] for key in config}
    except Exception as error:  # It is anyone's program.
        raise Refused(f"--config={path}: {type(error).__name__}: {error}") from None


@contextlib.contextmanager
def output_folder(folder: pathlib.Path) -> Iterator[None]:
    """Makes the folder if need be and tries it out, so that nothing is painted in vain.

    If nothing gets written, it is as if it had never been made.

    Raises:
      Refused: nothing can be written there.
    """
    new = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except FileExistsError:
        raise Refused(f"{folder}: cannot write there: it is a file, not a folder") from None
    except OSError as error:
        raise Refused(f"{folder}: cannot write there: {error.strerror}") from None
    try:
        yield
    finally:
        if new and _is_first():
            with contextlib.suppress(OSError):
                folder.rmdir()


def _is_first() -> bool:
    from jaxpaint import runtime

    return runtime.is_first()


def for_each(files: Sequence[pathlib.Path], out: pathlib.Path, do: Callable[[pathlib.Path], None]) -> int:
    """Does something with each file that writes to a folder; complains of those with which it cannot be done.

    Returns:
      The exit status: 1 if there were any.
    """
    status = 0
    with output_folder(out):
        for file in files:
            try:
                do(file)
            except bad_input() as error:
                complain(error)
                status = 1
    return status


def check_sources(
    sources: Sequence[pathlib.Path], out: pathlib.Path, kind: str, *, kept: Sequence[pathlib.Path] = ()
) -> None:
    """Refuses files that are not there, and paintings that would overwrite something.

    Args:
      sources: what is painted, or styled.
      out: the folder in which each becomes a picture and a painting of its name.
      kind: what they are called.
      kept: other files that are read.

    Raises:
      Refused: one line says what is wrong.
    """
    if not sources:
        raise Refused(f"no {kind} given; see --help")
    taken: dict[str, pathlib.Path] = {}
    for path in [*sources, *kept]:
        if not path.exists():
            raise Refused(f"{path}: no such file")
    for source in sources:
        other = taken.setdefault(source.stem, source)
        if other is not source:
            raise Refused(f"{other} and {source} would both become {out / source.stem}.png")
    for path in [*sources, *kept]:
        for written in (out / f"{stem}{suffix}" for stem in taken for suffix in (".png", ".npz")):
            if written.exists() and written.samefile(path):
                raise Refused(f"{path} would be overwritten; choose another --out")


def paint_picture(
    image: Float[np.ndarray, "height width 3"],
    npz: pathlib.Path,
    *,
    settings: Settings,
    so_far: Painting | None,
    size: int,
    again: str,
    form: directions.Field | None = None,
) -> Painting:
    """Paints a picture, from the start or from where `so_far` got to; see `follow`."""
    import jax

    from jaxpaint import images, painting

    if so_far:
        settings, brush = so_far.settings, so_far.brush_image
    else:
        brush = images.read_brush(settings.brush_image) if settings.brush_image else None
    key = jax.random.key(settings.seed)
    stages = painting.paint_stages(image, key=key, settings=settings, brush_image=brush, form=form, resume=so_far)
    try:
        return follow(stages, npz, so_far=so_far, size=size, again=again)
    except painting.ResumeError as error:
        raise Refused(f"{npz}: {error}") from None


def follow(
    stages: Iterator[tuple[Painting, Progress]], npz: pathlib.Path, *, so_far: Painting | None, size: int, again: str
) -> Painting:
    """Has a painting made, shows how far it is, and saves it now and then and at the end.

    Args:
      stages: as `paint_stages` gives them.
      npz: the file.
      so_far: what they go on from, if anything.
      size: long side in pixels of the drawing that is left after Ctrl-C.
      again: the command that goes on then.

    Raises:
      Interrupted: Ctrl-C, after what there is has been written.
    """
    from jaxpaint import drawing, exports, images, progress

    result, saved = so_far, time.monotonic()
    try:
        with progress.display(npz.stem) as show:
            for result, how_far in stages:
                show(how_far)
                if time.monotonic() - saved > SECONDS_BETWEEN_SAVES:
                    exports.save_painting(npz, result)
                    saved = time.monotonic()
    except KeyboardInterrupt:
        if result is None:
            raise Interrupted("interrupted; there was nothing to keep yet") from None
        exports.save_painting(npz, result)
        images.write_image(npz.with_suffix(".png"), drawing.draw(result, size=size))
        raise Interrupted(f"interrupted; kept what is painted so far in {npz}. Go on with: {again}") from None
    assert result is not None
    exports.save_painting(npz, result)
    return result


def check_resumed(npz: pathlib.Path, earlier: Checked, settings: Checked, asked: Collection[str]) -> None:
    """Refuses to go on with other settings than those of before.

    Args:
      npz: the file that is gone on from.
      earlier: its settings.
      settings: those of now.
      asked: which of these the user spoke of.

    Raises:
      Refused: one of them differs.
    """
    for key in asked:
        old, new = getattr(earlier, key), getattr(settings, key)
        if old != new:
            raise Refused(
                f"{npz}: painted with config.{key}={old}, not {new}; --resume goes on as it began: "
                "leave that setting out, or leave out --resume to begin anew"
            )


def write_report(
    path: pathlib.Path,
    wanted: Float[np.ndarray, "H W 3"],
    drawn: Float[np.ndarray, "h w c"],
    result: Painting,
    seconds: Mapping[str, float],
    **facts: object,
) -> None:
    """Writes as JSON how close the drawing is to the wanted picture at its size, without light and with it.

    Args:
      path: of the file.
      wanted: the picture, in [0, 1].
      drawn: the painting's layers, as `drawing.draw_layers` gives them.
      result: the painting.
      seconds: that its parts took.
      facts: what else there is to say.
    """
    from jaxpaint import drawing, images, metrics, runtime

    wanted = images.resize(wanted, drawn.shape[:2])
    report = {
        **metrics.closeness(drawn[..., :3], wanted),
        "psnr_lit": metrics.closeness(drawing.shown(result.settings, drawn), wanted)["psnr"],
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
    with images.replacing(path) as temporary:
        pathlib.Path(temporary).write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def write_timelapse(path: pathlib.Path, painting: Painting, size: int) -> None:
    """A video of the drawing, ten seconds long and at most 1920 pixels wide or high."""
    from jaxpaint import drawing, videos

    frames = drawing.timelapse(painting, size=min(size, TIMELAPSE_SIZE), frames=TIMELAPSE_FRAMES)
    videos.write_video(path, frames, fps=FRAMES_PER_SECOND)
