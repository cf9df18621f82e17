"""`filbert`: oil paint by a flat brush with rounded corners, along a curve.

Opaque; the width goes from that of its start to that of its end, bristles follow the curve and run dry.
"""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxpaint.brushes import bristles
from jaxpaint.brushes.base import Brush, Pixels, Plane, Stroke
from jaxpaint.brushes.bezier import (
    FIELDS,
    Swept,
    curve_of,
    disc,
    distance,
    edges,
    heading,
    lay,
    length_of,
    sweep,
    within,
)
from jaxpaint.brushes.textures import Look

# By how many widths a stroke is shorter on average: its round end without `bristles.END` of it.
_ENDS_EARLY = 0.12


def _seen(swept: Swept) -> tuple[Plane, ...]:
    """Its t, how far it is, and how far along its heading and across it."""
    return *disc(swept), *heading(swept)


def _rasterize(stroke: Float[Array, "15"], pixels: Pixels, look: Look) -> Stroke:
    curve = curve_of(stroke, tapered=True)
    grain = jax.lax.stop_gradient(stroke[14])
    width, length = curve.r0 + curve.r2, length_of(curve)
    contrast = min(look.contrast, 1.0)
    unit = contrast * width
    if look.flat or look.contrast == 0:
        kept = jnp.maximum(1.0 - _ENDS_EARLY * unit / length, 0.0)
        t, away = sweep(curve._replace(a=kept**2 * curve.a, b=kept * curve.b), pixels, disc, tapered=False)
        radius = pixels.constant(curve.r0) + pixels.constant(curve.r2 - curve.r0) * t
        alpha = within(away, (1.0 - 2.0 * contrast * bristles.SIDE) * radius, pixels)
        alpha *= bristles.covered_on_average(contrast, look.wet)
        shade, u = bristles.shade(0.0, grain, look.contrast), t
        height = (jnp.ones_like(alpha),) * look.height
    else:
        t, away, along, across = sweep(curve, pixels, _seen, tapered=False)
        radius = pixels.constant(curve.r0) + pixels.constant(curve.r2 - curve.r0) * t
        way = pixels.constant(length)
        per_width, far = pixels.constant(1.0 / width), pixels.constant(unit * pixels.sharpness)
        s = across / (2.0 * radius)
        before = (t * way - along + pixels.constant(curve.r0)) * per_width
        after = ((1.0 - t) * way + along + pixels.constant(curve.r2)) * per_width
        footprint = 1.0 / (width * pixels.sharpness)
        found = bristles.bristles(s, before, after, grain, footprint, pixels.always)
        inset = jnp.where(s < 0, found.left, found.right)
        alpha = within(away, (1.0 - 2.0 * contrast * inset) * radius, pixels)
        alpha *= jax.lax.clamp(0.0, (before - contrast * found.start) * far + 0.5, 1.0)
        alpha *= jax.lax.clamp(0.0, (after - contrast * found.end) * far + 0.5, 1.0)
        alpha *= bristles.covered(found, contrast, look.wet)
        shade = bristles.shade(found.streak, grain, look.contrast)
        u = jnp.clip(
            t + pixels.constant(width / (length + width)) * bristles.dragged(found.streak, grain, contrast), 0, 1
        )
        height = (bristles.height(found, s, after, grain, footprint),) * look.height
    visible = (alpha > 0) * shade
    start, end = stroke[8:11], stroke[11:14]
    colors = (pixels.constant(start[c]) + pixels.constant(end[c] - start[c]) * u for c in range(3))
    return Stroke(tuple(visible * color for color in colors), (alpha,), height)


BRUSH = Brush(
    name="filbert",
    fields=FIELDS | {"r2": "size"} | dict.fromkeys(("R0", "G0", "B0", "R2", "G2", "B2"), "color") | {"A": "grain"},
    rasterize=_rasterize,
    distance=functools.partial(distance, tapered=True),
    edges=functools.partial(edges, tapered=True),
    lay=functools.partial(lay, ends=2),
    size_per_width=2.0,
    ground="linen",
)
