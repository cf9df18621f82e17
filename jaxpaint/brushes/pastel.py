"""`pastel`: a soft stick along a curve. Pigment stays on the tops of the ground's grain; alpha is the pressure."""

from __future__ import annotations

import functools

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxpaint.brushes import pigment
from jaxpaint.brushes.base import HAIR, Brush, Pixels, Plane, Scalar, Stroke
from jaxpaint.brushes.bezier import (
    FIELDS,
    brushed,
    curve_of,
    disc,
    distance,
    lay,
    length_of,
    outline,
    radius_at,
    sweep,
    vectors,
    within,
)
from jaxpaint.brushes.textures import Look
from jaxpaint.brushes.waves import seen, wave

# Width of the thin borders at a stroke's sides, in radii.
_SOFT = 0.45
# Distance, in widths, over which the stick is set down and lifted, and its pressure at the tips.
_LIFT, _TIP = 1.2, 0.25
# Grit in the stick draws lines along a stroke. The first number is the lines' effect on the pressure. Then, for each
# family of lines, come the frequency across the stroke and the frequency of coming and going along it, per width.
_GRIT, _LINES = 0.65, ((6.1, 0.31), (13.3, 0.83))


def _grit(s: Plane, before: Plane, shift: Float[Array | np.ndarray, "6"], footprint: Scalar) -> Plane:
    """Lines along a stroke, about -1 to 1, of mean 0.

    Args:
      s: position across the stroke, -0.5 to 0.5.
      before: distance from its start, in widths.
      shift: shift of each pattern, in periods.
      footprint: width of a pixel, in widths of the stroke.
    """
    at = s + 0.06 * wave(1.7 * s + 0.23 * before + shift[0]) + 0.02 * wave(0.6 * before + shift[1])
    lines = jnp.zeros_like(s)
    for i, (frequency, rate) in enumerate(_LINES):
        presence = jnp.clip(0.5 + 0.8 * wave(rate * before + 2.3 * s + shift[2 + i]), 0.0, 1.0)
        lines += seen(frequency, footprint) * presence * wave(frequency * at + shift[4 + i])
    return lines


def _rasterize(stroke: Float[Array, "12"], pixels: Pixels, look: Look) -> Stroke:
    curve, contrast = curve_of(stroke, tapered=True), min(look.contrast, 1.0)
    pressure = pixels.constant(stroke[11])
    if look.flat or contrast == 0:
        t, away = sweep(curve, pixels, disc, tapered=False)
        radius = radius_at(t, curve, pixels)
    else:
        t, away, along, across = sweep(curve, pixels, brushed, tapered=False)
        radius, width = radius_at(t, curve, pixels), curve.r0 + curve.r2
        before = (t * pixels.constant(length_of(curve)) - along) * pixels.constant(1.0 / width)
        shift = pigment.shifts(jnp.concatenate([stroke[2:4], stroke[8:12]]), 6)
        lines = _grit(across / (2.0 * radius), before, shift, 1.0 / (width * pixels.sharpness))
        pressure = jnp.clip(pressure * (1.0 + contrast * _GRIT * lines), 0.0, 1.0)
    alpha = within(away, radius, pixels) * pressure
    # The pressure is lower at the tips.
    from_tip = jnp.minimum(t, 1.0 - t) * pixels.constant(length_of(curve) / (_LIFT * (curve.r0 + curve.r2)))
    alpha *= 1.0 - contrast * (1.0 - _TIP) * (1.0 - jnp.minimum(from_tip, 1.0))
    # Strokes only a pixel or two wide have no soft borders.
    soft = contrast * jnp.clip(radius * pixels.sharpness / 2 - 1.0, 0.0, 1.0)
    alpha *= 1.0 - soft * jnp.clip((away / radius - 1.0) / _SOFT + 1.0, 0.0, 1.0)
    # The grain belongs to the ground, so that `compositing.caught` applies it.
    return Stroke(tuple((alpha > 0) * pixels.constant(color) for color in stroke[8:11]), (alpha,))


BRUSH = Brush(
    name="pastel",
    fields=FIELDS | {"r2": "size"} | dict.fromkeys(("R", "G", "B"), "color") | {"A": "alpha"},
    rasterize=_rasterize,
    distance=functools.partial(distance, tapered=True),
    edges=outline,
    lay=functools.partial(lay, ends=1),
    size_per_width=2.0,
    hair=4 * HAIR,
    vectors=functools.partial(vectors, tapered=True),
    ground="paper",
    settles="tops",
)
