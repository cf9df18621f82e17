"""Brushes that follow a quadratic Bézier curve: `watercolor` (a round brush) and `markerpen` (a square nib).

`B(t) = a t² + b t + p0` with `a = p0 − 2 p1 + p2`, `b = 2 (p1 − p0)`. The point of the curve nearest to a pixel is a
root
of a cubic whose coefficients are affine in the pixel; it is searched on a few samples, then refined by Newton's method,
and differentiated by the implicit function theorem.
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


def _nearest(aa, ab, bb, ca, cb):
    """The t in [0, 1] minimising `|B(t) − p|²`, from the dot products of a, b and `c = p0 − p`; no gradient."""

    def squared(t):
        return (((aa * t + 2 * ab) * t + bb + 2 * ca) * t + 2 * cb) * t

    best, least = jnp.zeros_like(ca), jnp.zeros_like(ca)
    for t in _SAMPLES[1:]:
        value = squared(t)
        best, least = jnp.where(value < least, t, best), jnp.minimum(value, least)
    refined = best
    for _ in range(_NEWTON_STEPS):
        slope, curvature = _stationarity(refined, aa, ab, bb, ca, cb)
        refined = jnp.clip(refined - slope / jnp.maximum(curvature, _TINY), 0.0, 1.0)
    # Inside tight bends Newton's method may run to another extremum, further away.
    return jnp.where(squared(refined) <= least, refined, best)


def _stationarity(t, aa, ab, bb, ca, cb):
    """Half the first and second derivatives of `|B(t) − p|²` in t."""
    slope = ((2 * aa * t + 3 * ab) * t + bb + 2 * ca) * t + cb
    curvature = (6 * aa * t + 6 * ab) * t + bb + 2 * ca
    return slope, curvature


class _Swept(NamedTuple):
    """Planes of a curve: the nearest point's parameter, and the way to it along the tangent and across."""

    t: Plane
    along: Plane
    across: Plane


def _sweep(curve: _Curve, pixels: Pixels) -> _Swept:
    a, b = curve.a, curve.b

    def products(constant):
        towards = [pixels.affine(jnp.append(-w, w @ curve.p0)) for w in (a, b)]
        return [*map(constant, (a @ a, a @ b, b @ b)), *towards]

    known = [stop_gradient(p) for p in products(lambda value: value)]
    t = _nearest(*known)
    # One differentiable Newton step: the implicit function theorem. At the ends t does not move.
    slope, _ = _stationarity(t, *products(pixels.constant))
    _, curvature = _stationarity(t, *known)
    inside = (t > 0) & (t < 1) & (curvature > _TINY)
    t = t - jnp.where(inside, slope - stop_gradient(slope), 0.0) / jnp.where(inside, curvature, 1.0)

    (ax, ay), (bx, by) = ([pixels.constant(w[i]) for i in range(2)] for w in (a, b))
    x0, y0 = _offset(curve.p0, pixels)
    dx, dy = (ax * t + bx) * t + x0, (ay * t + by) * t + y0
    # A stroke whose points coincide runs along x.
    tx, ty = 2 * ax * t + bx + 1e-6, 2 * ay * t + by
    speed = jnp.sqrt(tx**2 + ty**2 + _TINY)
    return _Swept(t, (dx * tx + dy * ty) / speed, (dy * tx - dx * ty) / speed)


def _offset(point: Float[Array, "2"], pixels: Pixels) -> tuple[Plane, Plane]:
    """The way from each pixel to a point."""
    x, y = (pixels.affine(-jnp.eye(3)[i] + jnp.zeros(3).at[2].set(point[i])) for i in range(2))
    return x, y


def _within(distance: Plane, radius: Plane, pixels: Pixels) -> Plane:
    """Coverage of pixels at a distance from the middle of a line of half width `radius`."""
    near, far = (radius - distance) * pixels.sharpness, (radius + distance) * pixels.sharpness
    return jax.lax.clamp(0.0, near + 0.5, 1.0) + jax.lax.clamp(0.0, far + 0.5, 1.0) - 1.0


def _wash(distance: Plane, radius: Plane, look: textures.Look) -> Plane | Scalar:
    """Pigment: it settles at the rim, so that the middle of a stroke lets more through."""
    depth = _POOLING * look.contrast
    if look.flat or depth == 0:
        return 1.0 - depth * 2 / 3
    return 1.0 - depth * (1.0 - jnp.clip(distance / radius, 0.0, 1.0) ** 2)


def _rasterize_watercolor(stroke: Float[Array, "15"], pixels: Pixels, look: textures.Look) -> Stroke:
    curve = _curve(stroke, tapered=True)
    swept = _sweep(curve, pixels)
    r0, r2 = pixels.constant(curve.r0), pixels.constant(curve.r2)
    radius = r0 + (r2 - r0) * swept.t
    distance = jnp.sqrt(swept.along**2 + swept.across**2 + _TINY)
    # Round ends, which a steep change of radius would otherwise cut off.
    coverage = _within(distance, radius, pixels)
    for end, r in ((curve.p0, r0), (curve.p0 + curve.a + curve.b, r2)):
        offset = _offset(end, pixels)
        coverage = jnp.maximum(coverage, _within(jnp.sqrt(offset[0] ** 2 + offset[1] ** 2 + _TINY), r, pixels))
    alpha = coverage * _wash(distance, radius, look) * pixels.constant(stroke[14])
    start, end = stroke[8:11], stroke[11:14]
    colors = (pixels.constant(start[c]) + pixels.constant(end[c] - start[c]) * swept.t for c in range(3))
    return Stroke(tuple((alpha > 0) * color for color in colors), (alpha,))


def _rasterize_markerpen(stroke: Float[Array, "12"], pixels: Pixels, look: textures.Look) -> Stroke:
    curve = _curve(stroke, tapered=False)
    swept = _sweep(curve, pixels)
    radius = pixels.constant(curve.r0)
    along, across = jnp.abs(swept.along), jnp.abs(swept.across)
    coverage = _within(along, radius, pixels) * _within(across, radius, pixels)
    alpha = coverage * _wash(across, radius, look) * pixels.constant(stroke[11])
    return Stroke(tuple((alpha > 0) * pixels.constant(color) for color in stroke[8:11]), (alpha,))


def _distance(stroke: Float[Array, "d"], point: Float[Array, "2"], *, tapered: bool) -> Float[Array, ""]:
    curve = _curve(stroke, tapered)
    c = curve.p0 - point
    a, b = curve.a, curve.b
    t = _nearest(a @ a, a @ b, b @ b, a @ c, b @ c)
    to_curve = jnp.linalg.norm((a * t + b) * t + c)
    # A square nib reaches as far as its corners, a taper no further than its larger end.
    reach = jnp.maximum(curve.r0, curve.r2) if tapered else np.sqrt(2.0) * curve.r0
    return to_curve - reach


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
    lay=functools.partial(_lay, ends=2),
    size_per_width=2.0,
)

MARKERPEN = Brush(
    name="markerpen",
    fields=_CURVE_FIELDS | {"r2": "unused"} | dict.fromkeys(("R", "G", "B"), "color") | {"A": "alpha"},
    rasterize=_rasterize_markerpen,
    distance=functools.partial(_distance, tapered=False),
    lay=functools.partial(_lay, ends=1),
    size_per_width=2.0,
)
