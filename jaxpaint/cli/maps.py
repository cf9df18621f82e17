"""A user's maps as files: pictures of where something is or which way it runs, stretched over the photograph."""

from __future__ import annotations

import itertools
import os
import pathlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from absl import flags
from jaxtyping import Float

from jaxpaint import attention, directions, mattes, pictures
from jaxpaint.cli.app import Refused, complain
from jaxpaint.errors import ImageError, reason
from jaxpaint.io import videos
from jaxpaint.io.images import read_image
from jaxpaint.io.kinds import VIDEO_ENDINGS
from jaxpaint.io.videos import Video
from jaxpaint.settings import FilmSettings, Settings

Map = Float[np.ndarray, "rows columns"]
# Gives a map for all painted frames, or an iterator with a map for each frame from the first on.
FrameMaps = Callable[[int], Map | Iterable[Map]]

# Greatest quotient of proportions that are taken for equal.
ALIKE = 1.02


def define(values: flags.FlagValues, *, film: bool = False) -> None:
    """Defines the flags detail, flow and matte; of a film, detail alone."""
    flags.DEFINE_string("detail", None, "where details matter", flag_values=values)
    if not film:
        flags.DEFINE_string("flow", None, "directions of strokes", flag_values=values)
        flags.DEFINE_string("matte", None, "what is opaque", flag_values=values)


def check(values: flags.FlagValues, settings: Settings | FilmSettings) -> list[pathlib.Path]:
    """Refuses maps that the settings have no use for.

    Returns:
      Paths of the maps.

    Raises:
      Refused: one line names the map and the setting.
    """
    if values.detail and settings.mode == "blocks":
        raise Refused(f"--detail={values.detail}: expected without config.mode=blocks, where pixels have equal weights")
    flow = values.flow if "flow" in values else None
    if flow and (settings.mode == "blocks" or settings.upright or not settings.direction):
        raise Refused(
            f"--flow={flow}: expected without config.mode=blocks, config.upright and config.direction=0, "
            "where strokes follow no directions"
        )
    matte = values.matte if "matte" in values else None
    if matte and values.repaint:
        raise Refused(f"--matte={matte}: expected without --repaint, where the photograph's alpha counts")
    return [pathlib.Path(path) for path in (values.detail, flow, matte) if path]


def read(values: flags.FlagValues, image: Float[np.ndarray, "height width 3"]) -> dict[str, Any]:
    """Reads the user's maps for a photograph, as arguments of `painting.paint`.

    Raises:
      ImageError: a map can't be read.
      Refused: the matte is opaque or transparent everywhere.
    """
    given: dict[str, Any] = {}
    if values.detail:
        given["detail"] = read_map(values.detail, image.shape, uniform="all places have equal weight")
    if values.flow:
        given["form"] = directions.steered(read_directions(values.flow, image.shape), image)
    if values.matte:
        given["matte"] = read_map(values.matte, image.shape, uniform=None)
        try:
            mattes.checked(given["matte"], (1, 1))
        except ValueError as error:
            raise Refused(f"{values.matte}: {error}") from None
    return given


def read_map(path: str | os.PathLike[str], shape: tuple[int, ...], *, uniform: str | None) -> Map:
    """Reads a map as grey values in [0, 1]; transparent places are black.

    Warns of other proportions than the photograph's, and of a map of one value.

    Args:
      path: path of a picture.
      shape: height and width of the photograph, in pixels.
      uniform: what a map of one value means, for the warning; None for no warning.

    Raises:
      ImageError: the picture can't be read.
    """
    found = read_image(path, canvas_color=(0.0, 0.0, 0.0)).mean(axis=-1)
    _compare(path, found.shape, shape)
    if uniform and np.ptp(found) == 0:
        complain(f"{path}: uniform, so {uniform}")
    return found


def read_details(path: str | os.PathLike[str], video: Video, *, stride: int) -> FrameMaps:
    """Reads a map of detail for the frames of a video: a picture for all of them, or a video with a map for each.

    Warns as `read_map` does, and of a video of maps that is shorter than the video; its last frame then stays.

    Args:
      path: path of the picture or the video.
      video: the video that is painted.
      stride: distance between painted frames.

    Raises:
      ImageError: the map can't be read.
    """
    shape = (video.height, video.width)
    if pathlib.Path(path).suffix.lower() not in VIDEO_ENDINGS:
        still = read_map(path, shape, uniform="all places have equal weight")
        return lambda first: still
    found = videos.probe(path)
    _compare(path, (found.height, found.width), shape)
    if found.frames < video.frames:
        complain(f"{path}: {found.frames} frames for {video.frames}; the last one stays")
    size = min(max(found.height, found.width), attention.MAP)

    def read(first: int) -> Iterator[Map]:
        kept = min(first, max(found.frames - 1, 0) // stride)
        frames = videos.read(found, stride=stride, start=kept, size=size, canvas_color=(0.0, 0.0, 0.0))
        last = None
        for frame in frames:
            last = frame.mean(axis=-1, dtype=np.float32) / 255
            yield last
        yield from itertools.repeat(last)

    return read


def read_directions(path: str | os.PathLike[str], shape: tuple[int, ...]) -> directions.Field:
    """Reads directions: hues of a picture (`directions.of_hues`), or vectors in a .npy file (`directions.of_vectors`).

    Warns of other proportions than the photograph's, and of a map without directions.

    Args:
      path: path of the file.
      shape: height and width of the photograph, in pixels.

    Raises:
      ImageError: the file can't be read.
    """
    if pathlib.Path(path).suffix.lower() == ".npy":
        vectors = _read_vectors(path)
        _compare(path, vectors.shape, shape)
        field = directions.of_vectors(vectors)
    else:
        picture = read_image(path)
        _compare(path, picture.shape, shape)
        field = directions.of_hues(picture)
    if not field.any():
        complain(f"{path}: without colours, so strokes follow the photograph's forms")
    return field


def _read_vectors(path: str | os.PathLike[str]) -> Float[np.ndarray, "rows columns 2"]:
    try:
        vectors = pictures.floats(np.load(path, allow_pickle=False), "vectors")
        if vectors.ndim != 3 or vectors.shape[-1] != 2 or not vectors.size or not np.isfinite(vectors).all():
            raise ValueError(f"expected finite numbers of shape [rows, columns, 2], got {vectors.shape}")
    except FileNotFoundError:
        raise ImageError(f"{path}: no such file") from None
    except (OSError, ValueError, EOFError) as error:
        raise ImageError(f"{path}: not a map of directions (npy): {reason(error)}") from None
    return vectors


def _compare(path: str | os.PathLike[str], found: tuple[int, ...], shape: tuple[int, ...]) -> None:
    """Warns of a map with other proportions than the photograph's."""
    (height, width, *_), (rows, columns, *_) = found, shape
    if not 1 / ALIKE < width * rows / (height * columns) < ALIKE:
        complain(f"{path}: {width} × {height} pixels, stretched to {columns} × {rows}")
