"""`filbert`: oil paint by a flat brush with rounded corners, along a curve.

A stroke is opaque. Its width changes from start to end, and its bristles follow the curve and run dry.
"""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxpaint.brushes import bristles, textures
from jaxpaint.brushes.base import HAIR, Brush, Pixels, Plane, Scalar, Stroke
from jaxpaint.brushes.bezier import (
    FIELDS,
    Curve,
    brushed,
    curve_of,
    disc,
    distance,
    lay,
    length_of,
    outside,
    radius_at,
    sweep,
    vectors,
    within,
)
from jaxpaint.brushes.textures import Look, Stamps

# Mean loss of length at the ragged end, in widths. The loss is the area of the round end's tip beyond `bristles.END`.
_ENDS_EARLY = 0.12


def _on_average(curve: Curve, contrast: float) -> Curve:
    """Curve whose area is the mean area of strokes of all grains."""
    width = curve.r0 + curve.r2
    kept = jnp.maximum(1.0 - contrast * _ENDS_EARLY * width / length_of(curve), 0.0)
    narrower = 1.0 - 2.0 * contrast * bristles.SIDE
    return Curve(curve.p0, kept**2 * curve.a, kept * curve.b, narrower * curve.r0, narrower * curve.r2)


def _stamped(
    stamps: Stamps, curve: Curve, grain: Float[Array, ""], pixels: Pixels, look: Look
) -> tuple[Plane, Plane, tuple[Plane | Scalar, ...], tuple[Plane, ...]]:
    """Alpha, t, shades, and heights if asked for, of a stroke that shows a user's picture of a brush.

    The average of such strokes is a solid stroke, smaller on all sides, with the area that the stamp covers.
    """
    if look.flat:
        shade, coverage = textures.average(stamps, grain)
        kept = jnp.sqrt(1.0 - min(look.contrast, 1.0) * (1.0 - coverage))
        cut = (1.0 - kept) / 2.0
        start, heading = curve.p0 + cut * (curve.b + cut * curve.a), curve.b + 2.0 * cut * curve.a
        curve = Curve(start, kept**2 * curve.a, kept * heading, kept * curve.r0, kept * curve.r2)
        t, away = sweep(curve, pixels, disc, tapered=False)
        alpha = within(away, radius_at(t, curve, pixels), pixels)
        return alpha, t, (textures.contrasted(shade, look),) * 3, (jnp.ones_like(alpha),) * look.height
    width, length = curve.r0 + curve.r2, length_of(curve)
    t, away, along, across = sweep(curve, pixels, brushed, tapered=False)
    radius = radius_at(t, curve, pixels)
    before = t * pixels.constant(length) - along + pixels.constant(curve.r0)
    at = before * pixels.constant(1.0 / (length + width)) - 0.5
    footprint = 1.0 / (width * pixels.sharpness)
    covered, shades, height = textures.stamped(stamps, grain, -across / (2.0 * radius), at, footprint, look)
    return within(away, radius, pixels) * covered, t, shades, height


def _rasterize(stroke: Float[Array, "15"], pixels: Pixels, look: Look) -> Stroke:
    curve = curve_of(stroke, tapered=True)
    carried: tuple[Plane, ...] = ()
    grain = jax.lax.stop_gradient(stroke[14])
    contrast = min(look.contrast, 1.0)
    # Ignoring the taper makes the search for the nearest point cheaper; widths change little along a stroke.
    if look.picture is not None and look.contrast > 0:
        alpha, u, shades, height = _stamped(look.picture, curve, grain, pixels, look)
    elif look.flat or look.contrast == 0:
        curve = _on_average(curve, contrast)
        u, away = sweep(curve, pixels, disc, tapered=False)
        alpha = within(away, radius_at(u, curve, pixels), pixels)
        shades = bristles.shades(0.0, grain, look.contrast)
        height = (jnp.ones_like(alpha),) * look.height
    else:
        width, length = curve.r0 + curve.r2, length_of(curve)
        t, away, along, across = sweep(curve, pixels, brushed, tapered=False)
        radius, way = radius_at(t, curve, pixels), pixels.constant(length)
        per_width, sharpness = pixels.constant(1.0 / width), pixels.constant(width * pixels.sharpness)
        s = across / (2.0 * radius)
        before = (t * way - along + pixels.constant(curve.r0)) * per_width
        after = ((1.0 - t) * way + along + pixels.constant(curve.r2)) * per_width
        footprint = 1.0 / (width * pixels.sharpness)
        found = bristles.bristles(s, before, after, grain, footprint, contrast, pixels.always)
        alpha = within(away, (1.0 - 2.0 * contrast * found.inset) * radius, pixels)
        alpha *= jax.lax.clamp(0.0, found.inside * sharpness + 0.5, 1.0)
        alpha *= bristles.covered(found, contrast)
        shades = bristles.shades(found.streak, grain, look.contrast)
        dragged = pixels.constant(width / (length + width)) * bristles.dragged(found.streak, grain, contrast)
        u = jnp.clip(t + dragged, 0.0, 1.0)
        height = (bristles.height(found, s, before, after, grain, footprint, contrast),) * look.height
        carried = (bristles.carried(found.streak, before, contrast, look.wet),) * (look.wet > 0)
    start, end = stroke[8:11], stroke[11:14]
    colors = (pixels.constant(start[c]) + pixels.constant(end[c] - start[c]) * u for c in range(3))
    visible = alpha > 0
    return Stroke(tuple(visible * s * c for s, c in zip(shades, colors, strict=True)), (alpha,), height, carried)


def _edges(stroke: Float[Array, "15"], point: Float[Array, "2"]) -> Float[Array, "1"]:
    """Implements `Brush.edges`: the outline of the average stroke."""
    return outside(_on_average(curve_of(stroke, tapered=True), 1.0), point, tapered=False)[None]


BRUSH = Brush(
    name="filbert",
    fields=FIELDS | {"r2": "size"} | dict.fromkeys(("R0", "G0", "B0", "R2", "G2", "B2"), "color") | {"A": "grain"},
    rasterize=_rasterize,
    distance=functools.partial(distance, tapered=True),
    edges=_edges,
    lay=functools.partial(lay, ends=2),
    size_per_width=2.0,
    hair=4 * HAIR,
    vectors=functools.partial(vectors, tapered=True),
    start=lambda strokes: strokes[:, :2],
    ground="linen",
    pictured=True,
    bristled=True,
)
