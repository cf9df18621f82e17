"""`rectangle`: a translucent box of one colour, without texture."""

from __future__ import annotations

import functools
import math

from jaxtyping import Array, Float

from jaxpaint.brushes.base import HAIR, Brush, Pixels, Stroke
from jaxpaint.brushes.boxes import FIELDS, Units, box_of, distance, edges, flip, lay, vectors
from jaxpaint.brushes.textures import Look

_UNITS = Units(turn=-math.pi, full=0.5, hair=2 * HAIR)


def _rasterize(stroke: Float[Array, "9"], pixels: Pixels, look: Look) -> Stroke:
    del look
    box = box_of(stroke, _UNITS)
    silhouette = pixels.slab(box.u, box.half_width) * pixels.slab(box.v, box.half_height)
    alpha = silhouette * pixels.constant(stroke[8])
    return Stroke(tuple((alpha > 0) * pixels.constant(color) for color in stroke[5:8]), (alpha,))


BRUSH = Brush(
    name="rectangle",
    fields=FIELDS | dict.fromkeys(("R", "G", "B"), "color") | {"A": "alpha"},
    rasterize=_rasterize,
    distance=functools.partial(distance, units=_UNITS),
    edges=functools.partial(edges, units=_UNITS),
    lay=functools.partial(lay, ends=1, units=_UNITS),
    flip=functools.partial(flip, swap=tuple(range(9))),
    clockwise=False,
    textured=False,
    size_per_width=2.0,
    hair=4 * HAIR,
    vectors=functools.partial(vectors, units=_UNITS),
)
