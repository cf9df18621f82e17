"""Geometry of the brushes that follow a quadratic Bézier curve.

`B(t) = a t² + b t + p0` with `a = p0 − 2 p1 + p2`, `b = 2 (p1 − p0)`. Each pixel p takes the t at which the brush comes
nearest, the minimiser of `|B(t) − p| − r(t)`. A tapered stroke is thus the area that a growing disc sweeps. The
minimum is searched on a few samples, refined by Newton's method, and differentiated by the implicit function theorem.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxpaint.brushes.base import HAIR, Pixels, Plane, centres, stored, total
from jaxpaint.brushes.vectors import AHEAD, Vectors, along

_SAMPLES = np.linspace(0.0, 1.0, 9)
_NEWTON_STEPS = 3
_TINY = 1e-12
# Values of t at which outlines have corners, and corners of a round end.
_OUTLINED, _CAP = np.linspace(0.0, 1.0, 13, dtype=np.float32), 8
# Length of a tangent, in canvas units, below which a curve has no direction.
_STILL = 1e-4


class Curve(NamedTuple):
    """Coefficients of `B(t)`, and the radii at its ends, in canvas units."""

    p0: Float[Array, "2"]
    a: Float[Array, "2"]
    b: Float[Array, "2"]
    r0: Float[Array, ""]
    r2: Float[Array, ""]


def curve_of(stroke: Float[Array, "d"], tapered: bool) -> Curve:
    """Curve of a stroke; a stroke that is not `tapered` has one width."""
    p0, control, p2 = stroke[0:2], stroke[2:4], stroke[4:6]
    p1 = p0 + (p2 - p0) * control
    radius = HAIR + stroke[6:8] / 4
    return Curve(p0, p0 - 2 * p1 + p2, 2 * (p1 - p0), radius[0], radius[int(tapered)])


def _nearest(aa: Any, ab: Any, bb: Any, ca: Any, cb: Any, cc: Any, growth: Any) -> Any:
    """Minimiser t in [0, 1] of `|B(t) − p| − growth t`, not differentiable.

    Args:
      aa, ab, bb, ca, cb, cc: dot products of a, b and `c = p0 − p`.
      growth: growth of the radius from end to end; None for a constant radius, which gives the curve's nearest point.
    """

    def squared(t: Any) -> Any:
        return (((aa * t + 2 * ab) * t + bb + 2 * ca) * t + 2 * cb) * t + cc

    def outside(t: Any) -> Any:
        return squared(t) if growth is None else root(squared(t)) - growth * t

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
    # Inside tight bends, Newton's method may converge to another extremum, further away.
    return jnp.where(outside(t) <= least, t, best)


def _stationarity(along: Any, curvature: Any, squared: Any, growth: Any) -> tuple[Any, Any]:
    """First and second derivative of the objective of `_nearest`, times the distance.

    Args:
      along, curvature: first and second derivative of `|B(t) − p|² / 2`.
      squared: `|B(t) − p|²`.
      growth: growth of the radius, or None.
    """
    if growth is None:
        return along, curvature
    distance = root(squared)
    return along - growth * distance, curvature - growth * along / distance


def root(squared: Float[Array, "..."]) -> Float[Array, "..."]:
    """Square root whose gradient is finite at 0, too."""
    return jnp.sqrt(jnp.maximum(squared, 0.0) + _TINY)


class Swept(NamedTuple):
    """The point where the brush comes nearest to each pixel: its t, the offset from the pixel, and the tangent."""

    t: Plane
    way: tuple[Plane, Plane]
    tangent: tuple[Plane, Plane]


_Seen = Callable[[Swept], tuple[Plane, ...]]


def sweep(curve: Curve, pixels: Pixels, seen: _Seen, *, tapered: bool) -> tuple[Plane, ...]:
    """Evaluates `seen` at the points where the brush comes nearest to the pixels.

    Args:
      curve: the stroke's curve.
      pixels: the square to draw on.
      seen: function of a `Swept` that acts on each pixel alone.
      tapered: whether the radius grows along the curve.
    """
    growth = curve.r2 - curve.r0 if tapered else None
    return _swept(curve.p0, curve.a, curve.b, growth, pixels.always, pixels.size, seen)


# The gradient is written by hand, since XLA computes most of JAX's own gradient anew for each parameter.
@functools.partial(jax.custom_vjp, nondiff_argnums=(5, 6))
def _swept(p0: Any, a: Any, b: Any, growth: Any, always: Any, size: int, seen: _Seen) -> tuple[Plane, ...]:
    return _swept_forward(p0, a, b, growth, always, size, seen)[0]


def _swept_forward(
    p0: Any, a: Any, b: Any, growth: Any, always: Any, size: int, seen: _Seen
) -> tuple[tuple[Plane, ...], Any]:
    def nearest(x0: Plane, y0: Plane) -> Plane:
        ca, cb = (w[0] * x0 + w[1] * y0 for w in (a, b))
        return _nearest(a @ a, a @ b, b @ b, ca, cb, x0**2 + y0**2, growth)

    t = stored(nearest, always)(*_ways(p0, size))
    return seen(_at(p0, a, b, t)), (p0, a, b, growth, always, t)


def _swept_backward(size: int, seen: _Seen, kept: Any, gradient: Any) -> tuple[Any, ...]:
    """Applies the implicit function theorem: t moves such that the objective's first derivative stays 0."""
    p0, a, b, growth, always, t = kept

    def planes(t: Plane, *gradient: Plane) -> Any:
        swept = _at(p0, a, b, t)
        ((to_t, to_way, to_tangent),) = jax.vjp(seen, swept)[1](gradient)
        way, velocity = swept.way, [2 * a[i] * t + b[i] for i in range(2)]
        squared = dot(way, way)
        curvature = dot(velocity, velocity) + 2 * dot(way, a)
        _, curvature = _stationarity(dot(way, velocity), curvature, squared, growth)
        # At the curve's ends, t is clipped and does not move.
        inside = (t > 0) & (t < 1) & (curvature > _TINY)
        to_t = jnp.where(inside, to_t + dot(to_way, velocity) + 2 * dot(to_tangent, a), 0.0)
        to_slope = -to_t / jnp.where(inside, curvature, 1.0)
        towards, to_growth = velocity, None
        if growth is not None:
            distance = root(squared)
            towards, to_growth = (
                [v - growth * w / distance for v, w in zip(velocity, way, strict=True)],
                -to_slope * distance,
            )
        to_p0 = [g + to_slope * v for g, v in zip(to_way, towards, strict=True)]
        axes = list(zip(to_p0, to_tangent, way, strict=True))
        to_a = [(p * t + 2 * to_slope * w) * t + (2 * t + AHEAD) * g for p, g, w in axes]
        to_b = [p * t + to_slope * w + (1 + AHEAD) * g for p, g, w in axes]
        return to_p0, to_a, to_b, to_growth

    *points, to_growth = jax.tree.map(total, stored(planes, always)(t, *gradient))
    return *map(jnp.stack, points), to_growth, None


_swept.defvjp(_swept_forward, _swept_backward)


def _at(p0: Any, a: Any, b: Any, t: Plane) -> Swept:
    way = tuple((a[i] * t + b[i]) * t + c for i, c in enumerate(_ways(p0, t.shape[-1])))
    # Where the velocity is 0, at the end of some curves, the tangent is the chord.
    tangent = tuple((2 * t + AHEAD) * a[i] + (1 + AHEAD) * b[i] for i in range(2))
    return Swept(t, way, tangent)


def dot(a: Any, b: Any) -> Any:
    """Dot product of two pairs."""
    return a[0] * b[0] + a[1] * b[1]


def _ways(point: Any, size: int) -> tuple[Plane, Plane]:
    """Offset from each pixel to a point, x and y."""
    x, y = centres(size)
    return point[0] - x, point[1] - y


def radius_at(t: Plane, curve: Curve, pixels: Pixels) -> Plane:
    """Radius at t, interpolated between the ends of the curve."""
    return pixels.constant(curve.r0) + pixels.constant(curve.r2 - curve.r0) * t


def within(distance: Plane, radius: Plane, pixels: Pixels) -> Plane:
    """Coverage of pixels, in [0, 1], at a distance from the middle of a line of half width `radius`."""
    near, far = (radius - distance) * pixels.sharpness, (radius + distance) * pixels.sharpness
    return jax.lax.clamp(0.0, near + 0.5, 1.0) + jax.lax.clamp(0.0, far + 0.5, 1.0) - 1.0


def length_of(curve: Curve) -> Float[Array, ""]:
    """Approximate length of a curve, between the lengths of its chord and of its control polygon."""
    chord, first, second = (root(w @ w) for w in (curve.a + curve.b, curve.b / 2, curve.a + curve.b / 2))
    return (2 * chord + first + second) / 3


def disc(swept: Swept) -> tuple[Plane, Plane]:
    """The t of the nearest point, and the distance to it."""
    return swept.t, root(dot(swept.way, swept.way))


def heading(swept: Swept) -> tuple[Plane, Plane]:
    """Signed distances from the brush to the pixel: backwards along the heading, and to its right."""
    (dx, dy), (tx, ty) = swept.way, swept.tangent
    # A curve that is a point has no direction, so the brush lies along x.
    moving = tx**2 + ty**2 > _STILL**2
    tx, ty = jnp.where(moving, tx, 1.0), jnp.where(moving, ty, 0.0)
    speed = root(tx**2 + ty**2)
    return (dx * tx + dy * ty) / speed, (dy * tx - dx * ty) / speed


def brushed(swept: Swept) -> tuple[Plane, ...]:
    """The results of `disc` and `heading`: the position of a pixel in a stroke whose texture follows the curve."""
    return *disc(swept), *heading(swept)


def distance(
    stroke: Float[Array, "d"], point: Float[Array, "2"], *, tapered: bool, corner: float = 1.0
) -> Float[Array, ""]:
    """Implements `Brush.distance`; the brush reaches `corner` radii."""
    return outside(curve_of(stroke, tapered), point, tapered=tapered, corner=corner)


def outside(curve: Curve, point: Float[Array, "2"], *, tapered: bool, corner: float = 1.0) -> Float[Array, ""]:
    """Signed distance from a point to a swept curve, negative inside."""
    a, b, c = curve.a, curve.b, curve.p0 - point
    growth = curve.r2 - curve.r0 if tapered else None
    # `dot` is written out: for many strokes and points, matrix products of two numbers would be called one by one.
    t = _nearest(dot(a, a), dot(a, b), dot(b, b), dot(a, c), dot(b, c), dot(c, c), growth)
    radius = curve.r0 + (curve.r2 - curve.r0) * t
    way = [(a[i] * t + b[i]) * t + c[i] for i in range(2)]
    return root(dot(way, way)) - corner * radius


def edges(stroke: Float[Array, "d"], point: Float[Array, "2"], *, tapered: bool) -> Float[Array, "1"]:
    """Implements `Brush.edges`: the outline."""
    return distance(stroke, point, tapered=tapered)[None]


def outline(stroke: Float[Array, "d"], point: Float[Array, "2"]) -> Float[Array, "1"]:
    """Implements `Brush.edges` for a tapered brush whose width is that at the curve's nearest point."""
    return outside(curve_of(stroke, tapered=True), point, tapered=False)[None]


def vectors(strokes: Float[np.ndarray, "n d"], *, tapered: bool, square: bool = False) -> Vectors:
    """Implements `Brush.vectors`: an outline at the radius from the curve, and colours from its start to its end.

    Args:
      strokes: strokes of the brush.
      tapered: whether the width changes from start to end.
      square: whether the ends are square, not round.
    """
    start, end = strokes[:, 0:2], strokes[:, 4:6]
    control = start + (end - start) * strokes[:, 2:4]
    path = np.stack([start, control, end], axis=1)
    radii = HAIR + strokes[:, [6, 7 if tapered else 6]] / 4
    points, tangent = along(path, _OUTLINED)
    right = np.stack([-tangent[..., 1], tangent[..., 0]], axis=-1)
    radius = (radii[:, :1] + (radii[:, 1:] - radii[:, :1]) * _OUTLINED)[..., None]

    def cap(at: int, sign: float) -> Float[np.ndarray, "n k 2"]:
        turn = np.array([-0.25, 0.25]) if square else (np.arange(1, _CAP) / _CAP - 0.5)
        cos, sin = np.cos(np.pi * turn)[:, None], np.sin(np.pi * turn)[:, None]
        reach = radius[:, [at]] * (np.sqrt(2.0) if square else 1.0)
        return points[:, [at]] + sign * reach * (cos * tangent[:, [at]] + sin * right[:, [at]])

    left, back = points - radius * right, (points + radius * right)[:, ::-1]
    outline = np.concatenate([left, cap(-1, 1.0), back, cap(0, -1.0)], axis=1)
    return Vectors(outline.astype(np.float32), path, 2 * radii, path[:, [0, 2]], "square" if square else "round")


def lay(
    position: Float[np.ndarray, "n 2"],
    heading: Float[np.ndarray, "n"],
    length: Float[np.ndarray, "n"],
    width: Float[np.ndarray, "n"],
    color: Float[np.ndarray, "n 3"],
    alpha: Float[np.ndarray, "n"],
    *,
    ends: int,
) -> Float[np.ndarray, "n d"]:
    """Implements `Brush.lay`: straight strokes of `ends` colours each."""
    half = np.stack([np.cos(heading), np.sin(heading)], axis=1) * (length - width)[:, None] / 2
    radius = ((width / 2 - HAIR) * 4)[:, None]
    middle = np.full_like(position, 0.5)
    shape = [position - half, middle, position + half, radius, radius]
    return np.concatenate([*shape, *[color] * ends, alpha[:, None]], axis=1)


FIELDS = dict(x0="x", y0="y", x1="control", y1="control", x2="x", y2="y", r0="size")
