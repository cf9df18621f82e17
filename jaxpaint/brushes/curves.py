"""Brushes that follow a quadratic Bézier curve: `watercolor` (a round brush) and `markerpen` (a square nib).

`B(t) = a t² + b t + p0` with `a = p0 − 2 p1 + p2`, `b = 2 (p1 − p0)`. For each pixel the brush is where it comes
nearest: at the t that minimises `|B(t) − p| − r(t)`, so that a tapered stroke is what a growing disc sweeps. It is
searched on a few samples, then refined by Newton's method, and differentiated by the implicit function theorem.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.lax import stop_gradient
from jaxtyping import Array, Float

from jaxpaint.brushes import textures
from jaxpaint.brushes.base import HAIR, Brush, Pixels, Plane, Scalar, Stroke

_SAMPLES = np.linspace(0.0, 1.0, 9)
_NEWTON_STEPS = 3
_TINY = 1e-12
# Speed of a curve, in frame units over its length, below which it has no direction.
_STILL = 1e-4
# How much thinner the paint is in the middle of a stroke than at its rim.
_POOLING = 0.3


class _Curve(NamedTuple):
    """`B(t)`, and the radii at its ends, in frame units."""

    p0: Float[Array, "2"]
    a: Float[Array, "2"]
    b: Float[Array, "2"]
    r0: Float[Array, ""]
    r2: Float[Array, ""]


def _curve(stroke: Float[Array, "d"], tapered: bool) -> _Curve:
    p0, control, p2 = stroke[0:2], stroke[2:4], stroke[4:6]
    p1 = p0 + (p2 - p0) * control
    radius = HAIR + stroke[6:8] / 4
    return _Curve(p0, p0 - 2 * p1 + p2, 2 * (p1 - p0), radius[0], radius[int(tapered)])


def _nearest(aa, ab, bb, ca, cb, cc, growth):
    """The t in [0, 1] minimising `|B(t) − p| − growth t`, from the dot products of a, b and `c = p0 − p`; no gradient.

    Where the radius does not grow (None), that is the nearest point of the curve.
    """

    def squared(t):
        return (((aa * t + 2 * ab) * t + bb + 2 * ca) * t + 2 * cb) * t + cc

    def outside(t):
        return squared(t) if growth is None else _root(squared(t)) - growth * t

    best, least = jnp.zeros_like(cc), outside(0.0)
    for t in _SAMPLES[1:]:
        value = outside(t)
        best, least = jnp.where(value < least, t, best), jnp.minimum(value, least)
    t = best
    for _ in range(_NEWTON_STEPS):
        along = ((2 * aa * t + 3 * ab) * t + bb + 2 * ca) * t + cb
        curvature = (6 * aa * t + 6 * ab) * t + bb + 2 * ca
        slope, curvature = _stationarity(along, curvature, squared(t), growth)
        t = jnp.clip(t - slope / jnp.maximum(curvature, _TINY), 0.0, 1.0)
    # Inside tight bends Newton's method may run to another extremum, further away.
    return jnp.where(outside(t) <= least, t, best)


def _stationarity(along, curvature, squared, growth):
    """First and second derivative of what is minimised, times the distance, from those of `|B(t) − p|²`, halved."""
    if growth is None:
        return along, curvature
    distance = _root(squared)
    return along - growth * distance, curvature - growth * along / distance


def _root(squared: Float[Array, "..."]) -> Float[Array, "..."]:
    """The square root, with a gradient at 0 too."""
    return jnp.sqrt(jnp.maximum(squared, 0.0) + _TINY)


class _Swept(NamedTuple):
    """Where the brush comes nearest to each pixel: its t, the way there from the pixel, and its tangent."""

    t: Plane
    way: tuple[Plane, Plane]
    tangent: tuple[Plane, Plane]


def _sweep(curve: _Curve, pixels: Pixels, *, tapered: bool) -> _Swept:
    a, b = curve.a, curve.b
    growth = pixels.constant(curve.r2 - curve.r0) if tapered else None
    (ax, ay), (bx, by) = ([pixels.constant(w[i]) for i in range(2)] for w in (a, b))
    x0, y0 = _offset(curve.p0, pixels)

    def at(t):
        return ((ax * t + bx) * t + x0, (ay * t + by) * t + y0), (2 * ax * t + bx, 2 * ay * t + by)

    ca, cb = (pixels.affine(jnp.append(-w, w @ curve.p0)) for w in (a, b))
    t = stop_gradient(_nearest(a @ a, a @ b, b @ b, ca, cb, x0**2 + y0**2, growth))
    # One differentiable Newton step: the implicit function theorem. At the ends t does not move.
    (dx, dy), (tx, ty) = at(t)
    along, curvature = dx * tx + dy * ty, tx**2 + ty**2 + 2 * (dx * ax + dy * ay)
    slope, curvature = _stationarity(along, curvature, dx**2 + dy**2, growth)
    curvature = stop_gradient(curvature)
    inside = (t > 0) & (t < 1) & (curvature > _TINY)
    t = t - jnp.where(inside, slope - stop_gradient(slope), 0.0) / jnp.where(inside, curvature, 1.0)
    way, (tx, ty) = at(t)
    # Where a curve stands still at its end, it is about to go towards the other.
    return _Swept(t, way, (tx + 1e-3 * (ax + bx), ty + 1e-3 * (ay + by)))


def _offset(point: Float[Array, "2"], pixels: Pixels) -> tuple[Plane, Plane]:
    """The way from each pixel to a point."""
    x, y = (pixels.affine(-jnp.eye(3)[i] + jnp.zeros(3).at[2].set(point[i])) for i in range(2))
    return x, y


def _within(distance: Plane, radius: Plane, pixels: Pixels) -> Plane:
    """Coverage of pixels at a distance from the middle of a line of half width `radius`."""
    near, far = (radius - distance) * pixels.sharpness, (radius + distance) * pixels.sharpness
    return jax.lax.clamp(0.0, near + 0.5, 1.0) + jax.lax.clamp(0.0, far + 0.5, 1.0) - 1.0


def _length(curve: _Curve) -> Float[Array, ""]:
    """About the length of a curve, between that of its chord and that of its control polygon."""
    chord, first, second = (_root(w @ w) for w in (curve.a + curve.b, curve.b / 2, curve.a + curve.b / 2))
    return (2 * chord + first + second) / 3


def _wash(distance: Plane, radius: Plane, look: textures.Look) -> Plane | Scalar:
    """Pigment: it settles at the rim, so that the middle of a stroke lets more through."""
    depth = _POOLING * look.contrast
    if look.flat or depth == 0:
        return 1.0 - depth * 2 / 3
    return 1.0 - depth * (1.0 - jnp.clip(distance / radius, 0.0, 1.0) ** 2)


def _rasterize_watercolor(stroke: Float[Array, "15"], pixels: Pixels, look: textures.Look) -> Stroke:
    curve = _curve(stroke, tapered=True)
    swept = _sweep(curve, pixels, tapered=True)
    radius = pixels.constant(curve.r0) + pixels.constant(curve.r2 - curve.r0) * swept.t
    distance = _root(swept.way[0] ** 2 + swept.way[1] ** 2)
    coverage = _within(distance, radius, pixels)
    alpha = coverage * _wash(distance, radius, look) * pixels.constant(stroke[14])
    start, end = stroke[8:11], stroke[11:14]
    colors = (pixels.constant(start[c]) + pixels.constant(end[c] - start[c]) * swept.t for c in range(3))
    return Stroke(tuple((alpha > 0) * color for color in colors), (alpha,))


def _rasterize_markerpen(stroke: Float[Array, "12"], pixels: Pixels, look: textures.Look) -> Stroke:
    curve = _curve(stroke, tapered=False)
    swept = _sweep(curve, pixels, tapered=False)
    radius = pixels.constant(curve.r0)
    (dx, dy), (tx, ty) = swept.way, swept.tangent
    # A point has no direction: there the nib lies along x.
    moving = tx**2 + ty**2 > _STILL**2
    tx, ty = jnp.where(moving, tx, 1.0), jnp.where(moving, ty, 0.0)
    speed = _root(tx**2 + ty**2)
    along, across = (dx * tx + dy * ty) / speed, jnp.abs(dy * tx - dx * ty) / speed
    length = pixels.constant(_length(curve))
    before, after = swept.t * length - along, (1.0 - swept.t) * length + along
    lengthwise = jax.lax.clamp(0.0, (radius + before) * pixels.sharpness + 0.5, 1.0)
    lengthwise += jax.lax.clamp(0.0, (radius + after) * pixels.sharpness + 0.5, 1.0) - 1.0
    coverage = lengthwise * _within(across, radius, pixels)
    alpha = coverage * _wash(across, radius, look) * pixels.constant(stroke[11])
    return Stroke(tuple((alpha > 0) * pixels.constant(color) for color in stroke[8:11]), (alpha,))


def _distance(
    stroke: Float[Array, "d"], point: Float[Array, "2"], *, tapered: bool, corner: float = 1.0
) -> Float[Array, ""]:
    """`corner`: how many radii the brush reaches."""
    curve = _curve(stroke, tapered)
    a, b, c = curve.a, curve.b, curve.p0 - point
    growth = curve.r2 - curve.r0 if tapered else None
    t = _nearest(a @ a, a @ b, b @ b, a @ c, b @ c, c @ c, growth)
    radius = curve.r0 + growth * t if tapered else curve.r0
    return jnp.linalg.norm((a * t + b) * t + c) - corner * radius


def _edges(stroke: Float[Array, "d"], point: Float[Array, "2"], *, tapered: bool) -> Float[Array, "1"]:
    return _distance(stroke, point, tapered=tapered)[None]


def _lay(position, heading, length, width, color, alpha, *, ends: int) -> Float[np.ndarray, "n d"]:
    half = np.stack([np.cos(heading), np.sin(heading)], axis=1) * (length - width)[:, None] / 2
    radius = ((width / 2 - HAIR) * 4)[:, None]
    middle = np.full_like(position, 0.5)
    shape = [position - half, middle, position + half, radius, radius]
    return np.concatenate([*shape, *[color] * ends, alpha[:, None]], axis=1)


_CURVE_FIELDS = dict(x0="x", y0="y", x1="control", y1="control", x2="x", y2="y", r0="size")

WATERCOLOR = Brush(
    name="watercolor",
    fields=_CURVE_FIELDS
    | {"r2": "size"}
    | dict.fromkeys(("R0", "G0", "B0", "R2", "G2", "B2"), "color")
    | {"A": "alpha"},
    rasterize=_rasterize_watercolor,
    distance=functools.partial(_distance, tapered=True),
    edges=functools.partial(_edges, tapered=True),
    lay=functools.partial(_lay, ends=2),
    size_per_width=2.0,
)

MARKERPEN = Brush(
    name="markerpen",
    fields=_CURVE_FIELDS | {"r2": "unused"} | dict.fromkeys(("R", "G", "B"), "color") | {"A": "alpha"},
    rasterize=_rasterize_markerpen,
    # A square nib reaches as far as its corners.
    distance=functools.partial(_distance, tapered=False, corner=np.sqrt(2.0)),
    edges=functools.partial(_edges, tapered=False),
    lay=functools.partial(_lay, ends=1),
    size_per_width=2.0,
)
