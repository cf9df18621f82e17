"""`watercolor`: a round brush along a curve, of growing width, whose pigment pools at the rim."""

from __future__ import annotations

import functools

from jaxtyping import Array, Float

from jaxpaint.brushes.base import Brush, Pixels, Stroke
from jaxpaint.brushes.bezier import FIELDS, curve_of, disc, distance, edges, lay, radius_at, sweep, within
from jaxpaint.brushes.pigment import wash
from jaxpaint.brushes.textures import Look


def _rasterize(stroke: Float[Array, "15"], pixels: Pixels, look: Look) -> Stroke:
    curve = curve_of(stroke, tapered=True)
    t, away = sweep(curve, pixels, disc, tapered=True)
    radius = radius_at(t, curve, pixels)
    coverage = within(away, radius, pixels)
    alpha = coverage * wash(away, radius, look) * pixels.constant(stroke[14])
    start, end = stroke[8:11], stroke[11:14]
    colors = (pixels.constant(start[c]) + pixels.constant(end[c] - start[c]) * t for c in range(3))
    return Stroke(tuple((alpha > 0) * color for color in colors), (alpha,))


BRUSH = Brush(
    name="watercolor",
    fields=FIELDS | {"r2": "size"} | dict.fromkeys(("R0", "G0", "B0", "R2", "G2", "B2"), "color") | {"A": "alpha"},
    rasterize=_rasterize,
    distance=functools.partial(distance, tapered=True),
    edges=functools.partial(edges, tapered=True),
    lay=functools.partial(lay, ends=2),
    size_per_width=2.0,
    ground="paper",
)
