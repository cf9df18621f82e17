"""Resumable paintings: made step by step, saved on Ctrl-C, and resumed later."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pathlib
import tempfile
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

import jax
import numpy as np
from absl import flags
from jaxtyping import Float

from jaxpaint import directions, drawing, painting
from jaxpaint.cli import outputs, progress
from jaxpaint.cli.app import Interrupted, Refused, complain
from jaxpaint.cli.options import CommandLine
from jaxpaint.cli.outputs import PaintingFiles
from jaxpaint.errors import PaintingFileError, ResumeError, WriteError
from jaxpaint.io.images import read_brush
from jaxpaint.io.npz import load_painting, save_painting
from jaxpaint.settings import Checked, Settings
from jaxpaint.types import Painting, Progress

SECONDS_BETWEEN_SAVES = 20.0


def paint_picture(
    image: Float[np.ndarray, "height width c"],
    files: PaintingFiles,
    *,
    settings: Settings,
    so_far: Painting | None,
    size: int,
    line: CommandLine[Any],
    form: directions.Field | None = None,
    detail: Float[np.ndarray, "rows columns"] | None = None,
    matte: Float[np.ndarray, "rows columns"] | None = None,
) -> Painting:
    """Paints a picture from the start, or resumes `so_far`; see `follow`."""
    if so_far:
        settings, brush = so_far.settings, so_far.brush_image
    else:
        brush = read_brush(settings.brush_image) if settings.brush_image else None
    key = jax.random.key(settings.seed)
    stages = painting.paint_stages(
        image,
        key=key,
        settings=settings,
        brush_image=brush,
        form=form,
        detail=detail,
        matte=matte,
        resume=so_far,
    )
    return follow(stages, files, so_far=so_far, size=size, line=line)


def follow(
    stages: Iterator[tuple[Painting, Progress]],
    files: PaintingFiles,
    *,
    so_far: Painting | None,
    size: int,
    line: CommandLine[Any],
) -> Painting:
    """Runs a painting's stages, shows the progress, and saves the painting now and then and at the end.

    Args:
      stages: paintings and their progress, as `paint_stages` yields them.
      files: the painting's files, and what it is made from.
      so_far: the painting that the stages resume, or None.
      size: long side, in pixels, of the drawing that is written after Ctrl-C.
      line: the command line, for the hint how to resume, and for the flags `quiet` and `preview`.

    Raises:
      Interrupted: Ctrl-C, after the painting so far was written.
      Refused: the painting can't be resumed.
    """
    result, saved, place = so_far, time.monotonic(), _place(files)
    asked = line.flags
    with progress.display(files.npz.stem, quiet=asked.quiet, preview=asked.preview) as show:
        try:
            for result, how_far in stages:
                result = dataclasses.replace(result, origin=files.origin)
                show(how_far, result)
                if time.monotonic() - saved > SECONDS_BETWEEN_SAVES:
                    saved = time.monotonic()
                    try:
                        save_painting(place, result)
                    except WriteError as error:
                        complain(f"{error}; painting on")
        except ResumeError as error:
            raise Refused(f"{place}: {error}") from None
        except (KeyboardInterrupt, OSError) as error:
            # Saved before the display ends, which fails if the terminal is gone; so may showing progress before.
            if result is not None:
                _save(place, result)
            if isinstance(error, OSError):
                raise
            if result is None:
                raise Interrupted("interrupted; there was nothing to keep yet") from None
            if place == files.npz:
                outputs.write_drawing(files.png, result, drawing.draw(result, size=size), dpi=asked.dpi)
            raise Interrupted(
                f"interrupted; kept what is painted so far in {place}. Continue with: {line.again}"
            ) from None
    assert result is not None
    _save(files.npz, result)
    if place != files.npz:
        place.unlink(missing_ok=True)
    return result


def earlier(files: PaintingFiles) -> tuple[pathlib.Path, Painting] | None:
    """Loads the painting to resume, an unfinished one rather than the finished one in its place.

    Returns:
      The painting's path and the painting, if there is one.

    Raises:
      PaintingFileError: the file can't be read.
    """
    path = files.part if os.path.exists(files.part) else files.npz
    return (path, load_painting(path)) if path.exists() else None


def check_unfinished(planned: Iterable[PaintingFiles], values: flags.FlagValues) -> None:
    """Refuses to paint over an unfinished painting, unless the user asked for it.

    Args:
      planned: the files of each input.
      values: the flags resume and overwrite.

    Raises:
      Refused: one line names the file, and the flags that say what to do.
    """
    for files in () if values.resume or values.overwrite else planned:
        found = None
        # A damaged painting can't be resumed.
        with contextlib.suppress(PaintingFileError):
            found = earlier(files)
        if found and found[1].state is not None:
            raise Refused(f"{found[0]}: not finished yet; --resume continues it, --overwrite starts over")


def _place(files: PaintingFiles) -> pathlib.Path:
    """Where an unfinished painting is kept, which does not take the place of a finished one."""
    with contextlib.suppress(PaintingFileError):
        if load_painting(files.npz).state is None:
            return files.part
    return files.npz


def _save(npz: pathlib.Path, painting: Painting) -> None:
    """Writes a painting; if its place fails, as on a full disk, into the folder for temporary files.

    Raises:
      WriteError: its place failed; the message says where it is instead.
    """
    try:
        save_painting(npz, painting)
    except WriteError as error:
        folder = None
        try:
            folder = pathlib.Path(tempfile.mkdtemp(prefix="jaxpaint-"))
            save_painting(elsewhere := folder / npz.name, painting)
        except (OSError, WriteError):
            if folder:
                folder.rmdir()
            raise error from None
        raise WriteError(f"{error}; the painting is kept in {elsewhere}") from None


def check_same(
    path: pathlib.Path, earlier: Mapping[str, object], now: Mapping[str, object], keys: Iterable[str], *, hint: str
) -> None:
    """Refuses to resume with settings that differ from the earlier run's.

    Args:
      path: path of the file or folder of the earlier run.
      earlier, now: settings of the earlier run, and of this run.
      keys: names of the settings that have to be equal.
      hint: advice for the error message.

    Raises:
      Refused: one of the settings differs.
    """
    for key in keys:
        if earlier.get(key) != now.get(key):
            raise Refused(f"{path}: made with config.{key}={earlier.get(key)}, not {now.get(key)}; {hint}")


def check_resumed(npz: pathlib.Path, earlier: Checked, settings: Checked, asked: Collection[str]) -> None:
    """Checks settings for `--resume`, which keeps the earlier ones: only the settings in `asked` have to agree."""
    hint = "--resume keeps the settings of the start: leave that setting out, or start over with --overwrite alone"
    check_same(npz, vars(earlier), vars(settings), asked, hint=hint)
