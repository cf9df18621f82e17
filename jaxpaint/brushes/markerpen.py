"""`markerpen`: a square nib along a curve. Sides are crisp, streaks run dry, and ink pools where the nib rests."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxpaint.brushes import pigment
from jaxpaint.brushes.base import HAIR, Brush, Pixels, Plane, Scalar, Stroke
from jaxpaint.brushes.bezier import (
    FIELDS,
    Swept,
    curve_of,
    distance,
    edges,
    heading,
    lay,
    length_of,
    sweep,
    vectors,
    within,
)
from jaxpaint.brushes.textures import Look
from jaxpaint.brushes.waves import seen, wave

# Streaks across the nib: frequency and strength.
_STREAKS = ((2.3, 0.30), (5.9, 0.35), (12.7, 0.35))
# Unevenness of the ink along the nib; share of the ink that dry streaks lack at the end; extra ink where the nib rests,
# and the length of that pool, in widths.
_UNEVEN, _DRY, _RESTS, _REST = 0.10, 0.75, 0.35, 0.16


def _nib(swept: Swept) -> tuple[Plane, Plane, Plane]:
    """The t of the nearest point, and the distances to it along the nib's heading and across it."""
    return swept.t, *heading(swept)


def _ink(
    stroke: Float[Array, "12"], s: Plane, before: Plane, after: Plane, footprint: Scalar, contrast: float
) -> Plane:
    """Ink at points of a stroke: a factor of the stroke's alpha, with the same mean as `pigment.wash`.

    Args:
      stroke: a stroke of the brush.
      s: position across the stroke, -0.5 to 0.5.
      before, after: distances from its start and its end, in widths.
      footprint: width of a pixel, in widths of the stroke.
      contrast: contrast of the texture.
    """
    shift = pigment.shifts(jnp.concatenate([stroke[2:4], stroke[8:12]]), 7)
    at = s + 0.01 * wave(0.31 * before + shift[0])
    streak = jnp.zeros_like(s)
    for i, (frequency, weight) in enumerate(_STREAKS):
        streak += weight * seen(frequency, footprint) * wave(frequency * at + shift[1 + i])
    # The clip leaves half of all nibs wet to the end.
    dryness = jnp.clip(1.5 * wave(shift[4]), 0.0, 1.0)
    way = jnp.clip(before / jnp.maximum(before + after, 1e-3), 0.0, 1.0)
    rested = jnp.exp(-((before / _REST) ** 2)) + jnp.exp(-((after / _REST) ** 2))
    at_rest = jnp.sqrt(jnp.pi) * _REST / jnp.maximum(before + after, 1.0)
    uneven = _UNEVEN * (1.0 + 0.6 * wave(0.23 * before + shift[5])) * streak
    dry = _DRY * dryness * (way**3 * jnp.clip(0.5 - 1.6 * streak, 0.0, 1.0) - 0.125)
    return pigment.mean_wash(contrast) * (1.0 + contrast * (uneven - dry + _RESTS * (rested - at_rest)))


def _rasterize(stroke: Float[Array, "12"], pixels: Pixels, look: Look) -> Stroke:
    curve = curve_of(stroke, tapered=False)
    t, along, across = sweep(curve, pixels, _nib, tapered=False)
    radius = pixels.constant(curve.r0)
    length = pixels.constant(length_of(curve))
    before, after = t * length - along, (1.0 - t) * length + along
    lengthwise = jax.lax.clamp(0.0, (radius + before) * pixels.sharpness + 0.5, 1.0)
    lengthwise += jax.lax.clamp(0.0, (radius + after) * pixels.sharpness + 0.5, 1.0) - 1.0
    aside = jnp.abs(across)
    coverage = lengthwise * within(aside, radius, pixels)
    if look.flat or look.contrast == 0:
        alpha = coverage * pigment.wash(aside, radius, look.contrast) * pixels.constant(stroke[11])
    else:
        footprint = 0.5 / (curve.r0 * pixels.sharpness)
        per_width = pixels.constant(0.5 / curve.r0)
        s, before, after = across * per_width, (before + radius) * per_width, (after + radius) * per_width
        ink = _ink(stroke, s, before, after, footprint, look.contrast)
        alpha = coverage * jnp.clip(ink * pixels.constant(stroke[11]), 0.0, 1.0)
    return Stroke(tuple((alpha > 0) * pixels.constant(color) for color in stroke[8:11]), (alpha,))


BRUSH = Brush(
    name="markerpen",
    fields=FIELDS | {"r2": "unused"} | dict.fromkeys(("R", "G", "B"), "color") | {"A": "alpha"},
    rasterize=_rasterize,
    # A square nib reaches out to its corners.
    distance=functools.partial(distance, tapered=False, corner=2.0**0.5),
    edges=functools.partial(edges, tapered=False),
    lay=functools.partial(lay, ends=1),
    size_per_width=2.0,
    hair=4 * HAIR,
    vectors=functools.partial(vectors, tapered=False, square=True),
    layering="glaze",
)
