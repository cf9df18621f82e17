"""`pastel`: a soft stick along a curve; its pigment stays on the tops of the ground's grain, alpha is its pressure."""

from __future__ import annotations

import functools

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxpaint.brushes.base import Brush, Pixels, Stroke
from jaxpaint.brushes.bezier import FIELDS, curve_of, disc, distance, lay, outline, radius_at, sweep, within
from jaxpaint.brushes.textures import Look

# Width of the thin borders at a stroke's sides, in radii.
_SOFT = 0.45


def _rasterize(stroke: Float[Array, "12"], pixels: Pixels, look: Look) -> Stroke:
    curve = curve_of(stroke, tapered=True)
    t, away = sweep(curve, pixels, disc, tapered=False)
    radius = radius_at(t, curve, pixels)
    alpha = within(away, radius, pixels) * pixels.constant(stroke[11])
    # Strokes of a pixel or two have no borders.
    soft = min(look.contrast, 1.0) * jnp.clip(radius * pixels.sharpness / 2 - 1.0, 0.0, 1.0)
    alpha *= 1.0 - soft * jnp.clip((away / radius - 1.0) / _SOFT + 1.0, 0.0, 1.0)
    # The grain is the ground's: see `blending.caught`.
    return Stroke(tuple((alpha > 0) * pixels.constant(color) for color in stroke[8:11]), (alpha,))


BRUSH = Brush(
    name="pastel",
    fields=FIELDS | {"r2": "size"} | dict.fromkeys(("R", "G", "B"), "color") | {"A": "alpha"},
    rasterize=_rasterize,
    distance=functools.partial(distance, tapered=True),
    edges=outline,
    lay=functools.partial(lay, ends=1),
    size_per_width=2.0,
    textured=False,
    ground="paper",
    settles="tops",
)
