"""`watercolor`: a round, wet brush along a curve, of changing width; its pigment pools at a wandering rim.

A stroke's texture is a formula in coordinates along the canvas's axes, from the stroke's middle, in units of its width.
"""

from __future__ import annotations

import functools

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxpaint.brushes import pigment
from jaxpaint.brushes.base import HAIR, Brush, Pixels, Plane, Stroke
from jaxpaint.brushes.bezier import (
    FIELDS,
    Curve,
    curve_of,
    disc,
    distance,
    edges,
    lay,
    length_of,
    radius_at,
    sweep,
    vectors,
    within,
)
from jaxpaint.brushes.textures import Look
from jaxpaint.brushes.waves import seen, wave

# Waves: cycles per width of the stroke, along x and y. The largest and the smallest scale shape the outline, and the
# scale between them shapes the flow inside.
_BENT, _COARSE, _FINE = ((0.43, 0.31), (-0.37, 0.53)), ((1.13, 0.67), (-0.71, 1.37)), ((3.1, 2.3), (-2.1, 4.1))
# Inset of the paint's edge from the outline, in radii: the mean, and the amplitude at each scale.
_INSET, _WANDERS = 0.09, (0.045, 0.065, 0.012)
# The rim: its width in radii, its greatest excess of pigment over the mean where alpha permits, and the mean share of
# that excess.
_RIM, _DARKER, _RIMMED = 0.05, 0.8, 0.45
# Distance, in radii, over which the edges of the softest strokes bleed, wet in wet. A third of all strokes are crisp.
_BLEEDS = 0.5
# Strength of the pigment's flow. A backrun is water that runs back into a drying wash and lightens it: its strength,
# the position of its edge, and its mean.
_FLOW, _BACKRUN, _EDGE, _MEAN_BACKRUN = 0.20, 0.30, 0.25, -0.17


def _paint(
    stroke: Float[Array, "15"], curve: Curve, pixels: Pixels, away: Plane, radius: Plane, contrast: float
) -> Plane:
    """Coverage times pigment, a factor of alpha; its mean over a stroke equals that of the flat look.

    Args:
      stroke: a stroke of the brush.
      curve: the stroke's curve.
      pixels: the square to draw on.
      away: distance from the middle of the stroke.
      radius: the stroke's radius at the nearest point.
      contrast: contrast of the texture.
    """
    width = curve.r0 + curve.r2
    middle = curve.p0 + curve.b / 2 + curve.a / 4
    x, y = (pixels.affine(jnp.zeros(3).at[axis].set(1.0).at[2].set(-middle[axis]) / width) for axis in range(2))
    footprint = 1.0 / (width * pixels.sharpness)
    shift = pigment.shifts(jnp.concatenate([stroke[2:4], stroke[8:15]]), 8)

    def waves(cycles: tuple[tuple[float, float], ...], x: Plane, y: Plane, first: int) -> list[Plane]:
        left = (seen(np.hypot(*each), footprint) for each in cycles)
        return [
            f * wave(a * x + b * y + shift[first + i]) for i, ((a, b), f) in enumerate(zip(cycles, left, strict=True))
        ]

    bent = waves(_BENT, x, y, 0)
    x, y = x + 0.22 * bent[0], y + 0.22 * bent[1]
    coarse, fine = waves(_COARSE, x, y, 2), waves(_FINE, x, y, 4)
    fray = (fine[0] + fine[1]) * (0.5 + 0.5 * bent[1])
    wanders = (bent[0], (coarse[0] + coarse[1]) / 2, fray)
    inset = _INSET + sum(by * wander for by, wander in zip(_WANDERS, wanders, strict=True))
    # A nearly opaque stroke leaves no room for variations of its pigment.
    spare = jnp.clip(3.0 * (1.0 - stroke[14]), 0.0, 1.0)
    bleeds = spare * contrast * _BLEEDS * jnp.clip(0.8 * wave(shift[7]) + 0.3, 0.0, 1.0)
    inset = contrast * jnp.maximum(inset, 0.0)
    blurred = pixels._replace(softness=pixels.softness + bleeds * width / 2.0 * pixels.size)
    coverage = within(away, (1.0 - inset - bleeds / 2.0) * radius, blurred)
    # The round ends' share of the stroke's area raises the rim's share.
    ends = np.pi / 4 * width / (length_of(curve) + np.pi / 4 * width)
    kept = 1.0 - contrast * _INSET - bleeds / 2.0
    mean = pigment.mean_wash(contrast, ends) / (kept * (1.0 - ends + ends * kept))
    spread = jnp.sqrt(_RIM**2 + (2.0 * footprint) ** 2)
    rim = jnp.exp(-(((1.0 - inset - away / radius) / spread - 0.5) ** 2)) * (_RIMMED + (1.0 - _RIMMED) * bent[1])
    # Integrals of exp(−(u − 0.5)²) and of u exp(−(u − 0.5)²) from 0 on.
    across = spread / kept
    in_rim = _RIMMED * ((1.0 - ends) * 1.347 * across + 2.0 * ends * (1.347 * across - 1.063 * across**2))
    room = jnp.clip(1.0 / (jnp.maximum(stroke[14], 0.01) * mean) - 1.0, 0.05, _DARKER) * jnp.clip(
        1.0 - 8.0 * bleeds, 0.0, min(contrast, 1.0)
    )
    behind = (coarse[0] + bent[0]) / 2 - _EDGE
    backrun = jnp.exp(-((behind / 0.07) ** 2)) * 0.6 - jnp.clip(4.0 * behind, 0.0, 1.0) * jnp.exp(-2.0 * behind)
    washed = jnp.clip(wave(shift[6]), 0.0, 1.0) * seen(2.0, footprint)
    flow = _FLOW * (0.6 * bent[0] + 0.4 * coarse[1])
    flow += pixels.constant(_BACKRUN * washed) * (backrun - _MEAN_BACKRUN)
    flow = 1.0 + pixels.constant(contrast * (0.2 + 0.8 * spare)) * flow
    return coverage * (pixels.constant(mean * (1.0 - room * in_rim)) * flow + pixels.constant(mean * room) * rim)


def _rasterize(stroke: Float[Array, "15"], pixels: Pixels, look: Look) -> Stroke:
    curve = curve_of(stroke, tapered=True)
    t, away = sweep(curve, pixels, disc, tapered=True)
    radius = radius_at(t, curve, pixels)
    if look.flat or look.contrast == 0:
        alpha = within(away, radius, pixels) * pigment.wash(away, radius, look.contrast) * pixels.constant(stroke[14])
    else:
        paint = _paint(stroke, curve, pixels, away, radius, look.contrast)
        alpha = jnp.clip(paint * pixels.constant(stroke[14]), 0.0, 1.0)
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
    hair=4 * HAIR,
    vectors=functools.partial(vectors, tapered=True),
    ground="paper",
    settles="pits",
    layering="glaze",
)
