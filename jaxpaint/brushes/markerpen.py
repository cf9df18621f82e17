"""`markerpen`: a square nib along a curve."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxpaint.brushes.base import Brush, Pixels, Plane, Stroke
from jaxpaint.brushes.bezier import FIELDS, Swept, curve_of, distance, edges, heading, lay, length_of, sweep, within
from jaxpaint.brushes.pigment import wash
from jaxpaint.brushes.textures import Look


def _nib(swept: Swept) -> tuple[Plane, Plane, Plane]:
    """Its t, and how far it is along the nib's heading and across it."""
    along, across = heading(swept)
    return swept.t, along, jnp.abs(across)


def _rasterize(stroke: Float[Array, "12"], pixels: Pixels, look: Look) -> Stroke:
    curve = curve_of(stroke, tapered=False)
    t, along, across = sweep(curve, pixels, _nib, tapered=False)
    radius = pixels.constant(curve.r0)
    length = pixels.constant(length_of(curve))
    before, after = t * length - along, (1.0 - t) * length + along
    lengthwise = jax.lax.clamp(0.0, (radius + before) * pixels.sharpness + 0.5, 1.0)
    lengthwise += jax.lax.clamp(0.0, (radius + after) * pixels.sharpness + 0.5, 1.0) - 1.0
    coverage = lengthwise * within(across, radius, pixels)
    alpha = coverage * wash(across, radius, look) * pixels.constant(stroke[11])
    return Stroke(tuple((alpha > 0) * pixels.constant(color) for color in stroke[8:11]), (alpha,))


BRUSH = Brush(
    name="markerpen",
    fields=FIELDS | {"r2": "unused"} | dict.fromkeys(("R", "G", "B"), "color") | {"A": "alpha"},
    rasterize=_rasterize,
    # A square nib reaches as far as its corners.
    distance=functools.partial(distance, tapered=False, corner=2.0**0.5),
    edges=functools.partial(edges, tapered=False),
    lay=functools.partial(lay, ends=1),
    size_per_width=2.0,
)
