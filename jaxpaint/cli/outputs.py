"""The files that a command writes: where they go, what they may replace, and reports."""

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
        if new and runtime.is_first():
            with contextlib.suppress(OSError):
                folder.rmdir()


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
            except JaxpaintError as error:
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
    """A video of the drawing, ten seconds long and at most 1920 pixels wide or high."""
    frames = drawing.timelapse(painting, size=min(size, TIMELAPSE_SIZE), frames=TIMELAPSE_FRAMES)
    videos.write_video(path, frames, fps=FRAMES_PER_SECOND)
