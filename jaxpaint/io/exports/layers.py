"""Transparent layers of strokes, for programs that paint.

A layer shows its strokes under the painting's light. Its colours are chosen such that the layers up to it, laid over
each other in 8 bits, are the drawing of all strokes so far.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, UInt8

from jaxpaint import drawing, pictures
from jaxpaint.settings import Checked, setting
from jaxpaint.types import Painting

_TINY = 1e-9


@dataclasses.dataclass(frozen=True)
class Options(Checked):
    """Options of formats with layers."""

    groups = {"Options of layers": ""}
    prefix = ""

    layers: int = setting(8, "number of layers, besides the canvas", 1, 200)
    size: int = setting(0, "long side in pixels; 0: as painted", 0, pictures.LARGEST)


class Layer(NamedTuple):
    """A layer's name, its colours with alpha, and the picture of all layers up to it."""

    name: str
    colors: UInt8[np.ndarray, "h w c"]
    picture: UInt8[np.ndarray, "h w k"]


def layers_of(painting: Painting, options: Options) -> Iterator[Layer]:
    """Yields the canvas, unless the painting is transparent, and layers of successive strokes above it."""
    size = options.size or painting.settings.size
    stops = np.unique(np.linspace(0, len(painting.strokes), options.layers + 1).round().astype(int)).tolist()
    wanted = drawing.stages(painting, size=size, stops=stops)
    canvas = _opaque(painting, next(wanted))
    if not painting.settings.transparent:
        yield Layer("canvas", canvas, canvas)
    for (before, stop), seen in zip(itertools.pairwise(stops), wanted, strict=True):
        picture = _opaque(painting, seen)
        part = dataclasses.replace(painting, strokes=painting.strokes[before:stop])
        coverage = _coverage(part, size)
        colors, canvas = np.empty((*canvas.shape[:2], 4), np.uint8), canvas.copy()
        # In bands, since arithmetic takes several times the memory of the pictures.
        for rows in pictures.bands(*canvas.shape[:2]):
            colors[rows] = _between(canvas[rows], picture[rows], coverage[rows])
            canvas[rows] = _composite(canvas[rows], colors[rows])
        shown = seen if painting.settings.transparent else canvas
        yield Layer(f"strokes {before + 1} to {stop}", colors, shown)


def _opaque(painting: Painting, picture: UInt8[np.ndarray, "h w c"]) -> UInt8[np.ndarray, "h w 3"]:
    """A drawing on the canvas colour."""
    if picture.shape[-1] == 3:
        return picture
    return pictures.to_bytes(drawing.opaque(painting.settings, picture / np.float32(255.0)))


def _coverage(painting: Painting, size: int) -> Float[np.ndarray, "h w"]:
    """Share of what is below that the strokes hide, in [0, 1]."""
    alone = dataclasses.replace(painting.settings, wet=0.0, relief=0.0, transparent=True)
    return drawing.draw_layers(dataclasses.replace(painting, settings=alone), size=size)[..., -1]


def _between(
    below: UInt8[np.ndarray, "h w 3"], wanted: UInt8[np.ndarray, "h w 3"], coverage: Float[np.ndarray, "h w"]
) -> UInt8[np.ndarray, "h w 4"]:
    """The layer that turns the picture below into the wanted one, as opaque as the coverage, or more if need be."""
    low, high = below / 255.0, wanted / 255.0
    # At the least alpha, some channel of the layer's colour is 0 or 1. Differences of 1/255 may stay: most are rounding
    # errors, and beside white and black they would need opaque specks.
    change, room = np.maximum(np.abs(high - low) - 1.0 / 255.0, 0.0), np.where(high > low, 1.0 - low, low)
    least = np.ceil((change / np.maximum(room, _TINY)).max(axis=-1) * 255.0 - 1e-6)
    alpha = np.clip(np.maximum(np.rint(coverage * 255.0), least), 0.0, 255.0)[..., None]
    share = np.maximum(alpha / 255.0, _TINY)
    color = np.where(alpha > 0, (high - (1.0 - share) * low) / share, 0.0)
    return np.concatenate([np.rint(np.clip(color, 0.0, 1.0) * 255.0), alpha], axis=-1).astype(np.uint8)


def _composite(below: UInt8[np.ndarray, "h w 3"], layer: UInt8[np.ndarray, "h w 4"]) -> UInt8[np.ndarray, "h w 3"]:
    """A layer over a picture."""
    alpha = layer[..., 3:] / 255.0
    return np.rint(alpha * layer[..., :3] + (1.0 - alpha) * below).astype(np.uint8)
