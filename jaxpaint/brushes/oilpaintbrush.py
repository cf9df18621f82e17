"""`oilpaintbrush`: a flat bristle brush with two colours, pulled along a straight line."""

from __future__ import annotations

import functools
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxpaint.brushes import bristles, textures
from jaxpaint.brushes.base import HAIR, Affine, Brush, Pixels, Plane, Scalar, Stroke
from jaxpaint.brushes.boxes import FIELDS, Box, Units, box_of, distance, edges, flip, lay, vectors

_UNITS = Units(turn=math.pi, full=1.0, hair=HAIR)


class _Body(NamedTuple):
    """Paint within an oil stroke's box.

    Attributes:
      inside: share of each pixel that is painted.
      shades: factors of the paint's red, green and blue.
      dragged: distance along the stroke by which its pigment has been dragged, in canvas units.
      height, carried: see `Stroke`.
    """

    inside: Plane
    shades: tuple[Plane | Scalar, ...]
    dragged: Plane | None = None
    height: tuple[Plane, ...] = ()
    carried: tuple[Plane, ...] = ()


def _body(
    pixels: Pixels,
    look: textures.Look,
    grain: Float[Array, ""],
    across: Affine,
    along: Affine,
    half_across: Float[Array, ""],
    half_along: Float[Array, ""],
) -> _Body:
    contrast, width = min(look.contrast, 1.0), 2 * half_across
    if look.contrast == 0:
        inside = pixels.slab(across, half_across) * pixels.slab(along, half_along)
        return _Body(inside, (1.0,) * 3, height=(jnp.ones_like(inside),) * look.height)
    if look.picture is not None and look.flat:
        shade, coverage = textures.average(look.picture, grain)
        shortened = half_along * (1 - contrast * (1 - coverage))
        inside = pixels.slab(across, half_across) * pixels.slab(along, shortened)
        return _Body(inside, (textures.contrasted(shade, look),) * 3, height=(jnp.ones_like(inside),) * look.height)
    unit = contrast * width
    if look.flat:
        side = bristles.SIDE * unit
        sides = pixels.slab(across, half_across, side, side)
        ends = pixels.slab(along, half_along, bristles.START * unit, bristles.END * unit)
        height = (jnp.ones_like(sides),) * look.height
        return _Body(sides * ends, bristles.shades(0.0, grain, look.contrast), height=height)
    s = pixels.affine(across / width)
    footprint = 1.0 / (width * pixels.sharpness)
    if look.picture is not None:
        t = pixels.affine(along / (2 * half_along))
        covered, shades, height = textures.stamped(look.picture, grain, s, t, footprint, look)
        inside = pixels.slab(across, half_across) * pixels.slab(along, half_along) * covered
        return _Body(inside, shades, height=height)
    middle = jnp.zeros(3).at[2].set(half_along / width)
    before, after = pixels.affine(middle + along / width), pixels.affine(middle - along / width)
    found = bristles.bristles(s, before, after, grain, footprint, contrast, pixels.always)
    inset = pixels.constant(unit) * found.inset
    inside = pixels.slab(across, half_across, inset, inset) * pixels.slab(along, half_along)
    inside *= jax.lax.clamp(0.0, found.inside * pixels.constant(width * pixels.sharpness) + 0.5, 1.0)
    inside *= bristles.covered(found, contrast)
    return _Body(
        inside,
        bristles.shades(found.streak, grain, look.contrast),
        pixels.constant(width) * bristles.dragged(found.streak, grain, contrast),
        (bristles.height(found, s, before, after, grain, footprint, contrast),) * look.height,
        (bristles.carried(found.streak, before, contrast, look.wet),) * (look.wet > 0),
    )


def _inset(box: Box) -> tuple[Array, Array]:
    """Insets of the average stroke within its box, as `boxes.edges` takes them."""
    upright, width = box.half_height >= box.half_width, 2 * jnp.minimum(box.half_width, box.half_height)
    side, start, end = (width * short for short in (bristles.SIDE, bristles.START, bristles.END))
    # A lying stroke starts at its right side.
    low = jnp.where(upright, jnp.stack([side, start]), jnp.stack([end, side]))
    high = jnp.where(upright, jnp.stack([side, end]), jnp.stack([start, side]))
    return low, high


def _rasterize(stroke: Float[Array, "12"], pixels: Pixels, look: textures.Look) -> Stroke:
    box = box_of(stroke, _UNITS)
    # Bristles run along the longer side.
    upright = box.half_height >= box.half_width
    across, along = jnp.where(upright, box.u, box.v), jnp.where(upright, box.v, -box.u)
    half_across = jnp.where(upright, box.half_width, box.half_height)
    half_along = jnp.where(upright, box.half_height, box.half_width)
    grain = jax.lax.stop_gradient(stroke[11])
    alpha, shades, dragged, height, carried = _body(pixels, look, grain, across, along, half_across, half_along)
    top, bottom = stroke[5:8], stroke[8:11]
    # In a stroke thinner than a pixel, the colour would run past both of its ends between two pixels.
    slope = (bottom - top) / (2 * jnp.maximum(box.half_height, 0.5 / pixels.sharpness))
    middle = (top + bottom) / 2
    if dragged is None:
        middle = jnp.zeros((3, 3)).at[:, 2].set(middle)
        colors = [pixels.affine(slope[c] * box.v + middle[c]) for c in range(3)]
    else:
        down = pixels.affine(box.v) + dragged
        colors = [pixels.constant(slope[c]) * down + pixels.constant(middle[c]) for c in range(3)]
    visible = alpha > 0
    colors = [jnp.minimum(jnp.maximum(color, 0.0), 1.0) for color in colors]
    return Stroke(tuple(visible * s * c for s, c in zip(shades, colors, strict=True)), (alpha,), height, carried)


def _start(strokes: Float[np.ndarray, "n 12"]) -> Float[np.ndarray, "n 2"]:
    """Middle of the side where the bristles are set down."""
    middle, (width, height), turn = strokes[:, :2], strokes[:, 2:4].T + HAIR, math.pi * strokes[:, 4]
    # A lying stroke starts at its right side.
    heading = turn + np.where(height >= width, math.pi / 2, math.pi)
    half = np.maximum(width, height) / 2
    return middle - half[:, None] * np.stack([np.cos(heading), np.sin(heading)], axis=1)


BRUSH = Brush(
    name="oilpaintbrush",
    fields=FIELDS | dict.fromkeys(("R0", "G0", "B0", "R2", "G2", "B2"), "color") | {"A": "grain"},
    rasterize=_rasterize,
    distance=functools.partial(distance, units=_UNITS),
    edges=functools.partial(edges, inset=_inset, units=_UNITS),
    lay=functools.partial(lay, ends=2, units=_UNITS),
    flip=functools.partial(flip, swap=(0, 1, 2, 3, 4, 8, 9, 10, 5, 6, 7, 11)),
    size_per_width=1.0,
    vectors=functools.partial(vectors, units=_UNITS),
    start=_start,
    ground="linen",
    pictured=True,
    bristled=True,
)
