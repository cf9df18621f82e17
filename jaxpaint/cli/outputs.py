"""The output files of a command: their folder, protection of other files, and reports."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import pathlib
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence

import numpy as np
from jaxtyping import Float

from jaxpaint import drawing, metrics, pictures, runtime
from jaxpaint.cli.app import Refused, complain
from jaxpaint.errors import JaxpaintError
from jaxpaint.io import videos
from jaxpaint.io.atomic import replacing
from jaxpaint.types import Painting

TIMELAPSE_SIZE = 1920
TIMELAPSE_FRAMES = 300
FRAMES_PER_SECOND = 30.0


@contextlib.contextmanager
def output_folder(folder: pathlib.Path) -> Iterator[None]:
    """Makes the folder if needed, and tests it with a temporary file, so that nothing is painted in vain.

    A new folder is removed at the end if it is empty.

    Raises:
      Refused: the folder can't be written to.
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
        if new and runtime.is_first():
            with contextlib.suppress(OSError):
                folder.rmdir()


def for_each(files: Sequence[pathlib.Path], out: pathlib.Path, do: Callable[[pathlib.Path], None]) -> int:
    """Runs a function on each file, and reports the files for which it fails.

    Args:
      files: input files.
      out: output folder.
      do: function of an input file that writes to the output folder.

    Returns:
      The exit status: 1 if the function failed for any file.
    """
    status = 0
    with output_folder(out):
        for file in files:
            try:
                do(file)
            except JaxpaintError as error:
                complain(error)
                status = 1
    return status


def check_sources(
    sources: Sequence[pathlib.Path], out: pathlib.Path, kind: str, *, kept: Sequence[pathlib.Path] = ()
) -> None:
    """Refuses missing files, and outputs that would overwrite an input or each other.

    Args:
      sources: files to paint or to style.
      out: output folder, in which each source gives a picture and a painting of its name.
      kind: noun for the sources, for error messages.
      kept: other input files.

    Raises:
      Refused: one line names the problem.
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
    wanted = pictures.resize(wanted, drawn.shape[:2])
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
    with replacing(path) as temporary:
        pathlib.Path(temporary).write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def write_timelapse(path: pathlib.Path, painting: Painting, size: int) -> None:
    """Writes a video of the drawing, ten seconds long and at most 1920 pixels wide or high."""
    frames = drawing.timelapse(painting, size=min(size, TIMELAPSE_SIZE), frames=TIMELAPSE_FRAMES)
    videos.write_video(path, frames, fps=FRAMES_PER_SECOND)
