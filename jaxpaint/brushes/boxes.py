"""Brushes whose silhouette is a turned box: `oilpaintbrush` and `rectangle`.

Lengths: `full` is the box's full width at size parameter 1, and `hair` its full width at 0, in frame units.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxpaint.brushes import textures
from jaxpaint.brushes.base import HAIR, Affine, Brush, Pixels, Plane, Scalar, Stroke


class _Box(NamedTuple):
    """Coefficients of the coordinates along the box's own axes, and its half extents."""

    u: Affine
    v: Affine
    half_width: Float[Array, ""]
    half_height: Float[Array, ""]


def _box(stroke: Float[Array, "d"], *, turn: float, full: float, hair: float) -> _Box:
    xc, yc, width, height, theta = stroke[:5]
    cos, sin = jnp.cos(turn * theta), jnp.sin(turn * theta)
    u = jnp.stack([cos, sin, -(cos * xc + sin * yc)])
    v = jnp.stack([-sin, cos, sin * xc - cos * yc])
    return _Box(u, v, (hair + full * width) / 2, (hair + full * height) / 2)


def _distance(
    stroke: Float[Array, "d"], point: Float[Array, "2"], *, turn: float, full: float, hair: float
) -> Float[Array, ""]:
    box = _box(stroke, turn=turn, full=full, hair=hair)
    at = jnp.append(point, 1.0)
    across = jnp.abs(box.u @ at) - box.half_width
    along = jnp.abs(box.v @ at) - box.half_height
    outside = jnp.hypot(jnp.maximum(across, 0.0), jnp.maximum(along, 0.0))
    return outside + jnp.minimum(jnp.maximum(across, along), 0.0)


def _edges(
    stroke: Float[Array, "d"], point: Float[Array, "2"], *, ragged: bool = False, **lengths
) -> Float[Array, "4"]:
    """Signed distances to the sides; `ragged` ones end where bristles do, which run along the longer extent."""
    box = _box(stroke, **lengths)
    at = jnp.append(point, 1.0)
    half = jnp.stack([box.half_width, box.half_height])
    middle = jnp.stack([box.u @ at, box.v @ at])
    if not ragged:
        return jnp.concatenate([middle - half, -middle - half])
    upright = box.half_height >= box.half_width
    half_across, across = jnp.where(upright, half, half[::-1])[0], jnp.where(upright, middle, middle[::-1])[0]
    start, end = textures.ends(jnp.clip(across / (2 * half_across), -0.5, 0.5))
    before, after = jnp.where(upright, start, end), jnp.where(upright, end, start)
    short = textures.RAGGED * half_across * jnp.stack([~upright, upright])
    return jnp.concatenate([middle - half + short * after, -middle - half + short * before])


def _lay(
    position,
    heading,
    length,
    width,
    color,
    alpha,
    *,
    turn: float,
    full: float,
    hair: float,
    ends: int,
) -> Float[np.ndarray, "n d"]:
    """Strokes whose own vertical axis runs along the heading; `ends` says how many colours each has."""
    theta = (np.sign(turn) * (heading - np.pi / 2) / np.pi) % 1.0
    sizes = [(extent - hair) / full for extent in (width, length)]
    shape = np.stack([position[:, 0], position[:, 1], *sizes, theta], axis=1)
    return np.concatenate([shape, *[color] * ends, alpha[:, None]], axis=1)


def _flip(strokes: Float[np.ndarray, "n d"], *, swap: tuple[int, ...]) -> Float[np.ndarray, "n d"]:
    """Half a turn, which exchanges the two ends: θ of 0 and of 1 are the same but for that."""
    at_end = (strokes[:, 4] <= 0) | (strokes[:, 4] >= 1)
    flipped = strokes[:, np.array(swap)]
    flipped[:, 4] = 1 - strokes[:, 4]
    return np.where(at_end[:, None], flipped, strokes)


def _paint(alpha, shade, colors) -> Stroke:
    visible = (alpha > 0) * shade
    return Stroke(tuple(visible * color for color in colors), (alpha,))


_OIL: dict[str, Any] = dict(turn=np.pi, full=1.0, hair=HAIR)
_RECTANGLE: dict[str, Any] = dict(turn=-np.pi, full=0.5, hair=2 * HAIR)


def _inside(pixels, look, across, along, half_across, half_along) -> tuple[Plane, Plane | Scalar]:
    """How much of each pixel is painted, sides apart, and the shade of the paint."""
    contrast = min(look.contrast, 1.0)
    if look.contrast == 0:
        return pixels.slab(along, half_along), 1.0
    if look.picture is not None and look.flat:
        shade, coverage = textures.picture_average(look.picture)
        shortened = half_along * (1 - contrast * (1 - coverage))
        return pixels.slab(along, shortened), textures.contrasted(shade, look)
    ragged = textures.RAGGED * contrast * half_across
    if look.flat:
        return pixels.slab(along, half_along - ragged / 2), textures.shade(look)
    s, t = pixels.affine(across / (2 * half_across)), pixels.affine(along / (2 * half_along))
    footprint = 1.0 / (2 * half_across * pixels.sharpness)
    if look.picture is not None:
        shade, coverage = textures.sample(look.picture, s, t, footprint)
        return pixels.slab(along, half_along) * (1 - contrast * (1 - coverage)), textures.contrasted(shade, look)
    bristles = textures.bristles(s, t, footprint, pixels.always)
    short = pixels.constant(ragged * pixels.sharpness)
    inside = pixels.slab(along, half_along, short * bristles.start, short * bristles.end)
    return inside, textures.shade(look, bristles.groove)


def _rasterize_oil(stroke: Float[Array, "12"], pixels: Pixels, look: textures.Look) -> Stroke:
    box = _box(stroke, **_OIL)
    # Bristles run along the longer side.
    upright = box.half_height >= box.half_width
    across, along = jnp.where(upright, box.u, box.v), jnp.where(upright, box.v, -box.u)
    half_across = jnp.where(upright, box.half_width, box.half_height)
    half_along = jnp.where(upright, box.half_height, box.half_width)
    inside, shade = _inside(pixels, look, across, along, half_across, half_along)
    alpha = pixels.slab(across, half_across) * inside
    top, bottom = stroke[5:8], stroke[8:11]
    # Strokes thinner than a pixel would run through all their colours, and beyond, between two of them.
    slope = (bottom - top) / (2 * jnp.maximum(box.half_height, 0.5 / pixels.sharpness))
    middle = jnp.zeros((3, 3)).at[:, 2].set((top + bottom) / 2)
    colors = (pixels.affine(slope[c] * box.v + middle[c]) for c in range(3))
    return _paint(alpha, shade, [jnp.minimum(jnp.maximum(color, 0.0), 1.0) for color in colors])


def _rasterize_rectangle(stroke: Float[Array, "9"], pixels: Pixels, look: textures.Look) -> Stroke:
    del look
    box = _box(stroke, **_RECTANGLE)
    silhouette = pixels.slab(box.u, box.half_width) * pixels.slab(box.v, box.half_height)
    alpha = silhouette * pixels.constant(stroke[8])
    return _paint(alpha, 1.0, [pixels.constant(color) for color in stroke[5:8]])


_BOX_FIELDS = dict(xc="x", yc="y", w="size", h="size", theta="angle")

OILPAINTBRUSH = Brush(
    name="oilpaintbrush",
    fields=_BOX_FIELDS | dict.fromkeys(("R0", "G0", "B0", "R2", "G2", "B2"), "color") | {"A": "unused"},
    rasterize=_rasterize_oil,
    distance=functools.partial(_distance, **_OIL),
    edges=functools.partial(_edges, ragged=True, **_OIL),
    lay=functools.partial(_lay, ends=2, **_OIL),
    flip=functools.partial(_flip, swap=(0, 1, 2, 3, 4, 8, 9, 10, 5, 6, 7, 11)),
    size_per_width=1.0,
    pictured=True,
)

RECTANGLE = Brush(
    name="rectangle",
    fields=_BOX_FIELDS | dict.fromkeys(("R", "G", "B"), "color") | {"A": "alpha"},
    rasterize=_rasterize_rectangle,
    distance=functools.partial(_distance, **_RECTANGLE),
    edges=functools.partial(_edges, **_RECTANGLE),
    lay=functools.partial(_lay, ends=1, **_RECTANGLE),
    flip=functools.partial(_flip, swap=tuple(range(9))),
    clockwise=False,
    textured=False,
    size_per_width=2.0,
)
