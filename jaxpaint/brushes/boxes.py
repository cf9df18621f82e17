"""Geometry of the brushes whose silhouette is a rotated box."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxpaint.brushes.base import Affine
from jaxpaint.brushes.vectors import Vectors


class Units(NamedTuple):
    """Units of a brush's parameters.

    Attributes:
      turn: angle of a box at angle parameter 1, in radians.
      full, hair: full width of a box at size parameters 1 and 0, in canvas units.
    """

    turn: float
    full: float
    hair: float


class Box(NamedTuple):
    """Coefficients of the coordinates along the box's own axes, and its half extents."""

    u: Affine
    v: Affine
    half_width: Float[Array, ""]
    half_height: Float[Array, ""]


def box_of(stroke: Float[Array, "d"], units: Units) -> Box:
    """Box of a stroke."""
    turn, full, hair = units
    xc, yc, width, height, theta = stroke[:5]
    cos, sin = jnp.cos(turn * theta), jnp.sin(turn * theta)
    u = jnp.stack([cos, sin, -(cos * xc + sin * yc)])
    v = jnp.stack([-sin, cos, sin * xc - cos * yc])
    return Box(u, v, (hair + full * width) / 2, (hair + full * height) / 2)


def distance(stroke: Float[Array, "d"], point: Float[Array, "2"], *, units: Units) -> Float[Array, ""]:
    """Implements `Brush.distance`."""
    box = box_of(stroke, units)
    at = jnp.append(point, 1.0)
    across = jnp.abs(box.u @ at) - box.half_width
    along = jnp.abs(box.v @ at) - box.half_height
    outside = jnp.hypot(jnp.maximum(across, 0.0), jnp.maximum(along, 0.0))
    return outside + jnp.minimum(jnp.maximum(across, along), 0.0)


def edges(
    stroke: Float[Array, "d"],
    point: Float[Array, "2"],
    *,
    units: Units,
    inset: Callable[[Box], tuple[Array, Array]] | None = None,
) -> Float[Array, "4"]:
    """Implements `Brush.edges`: the box's sides.

    Args:
      stroke, point: as for `Brush.edges`.
      units: units of the stroke's parameters.
      inset: function that gives the insets of the paint within the box, in canvas units, first of its left and top
        sides, then of its right and bottom ones.
    """
    box = box_of(stroke, units)
    at = jnp.append(point, 1.0)
    half = jnp.stack([box.half_width, box.half_height])
    middle = jnp.stack([box.u @ at, box.v @ at])
    low, high = (0.0, 0.0) if inset is None else inset(box)
    return jnp.concatenate([middle - half + high, -middle - half + low])


def lay(
    position: Float[np.ndarray, "n 2"],
    heading: Float[np.ndarray, "n"],
    length: Float[np.ndarray, "n"],
    width: Float[np.ndarray, "n"],
    color: Float[np.ndarray, "n 3"],
    alpha: Float[np.ndarray, "n"],
    *,
    units: Units,
    ends: int,
) -> Float[np.ndarray, "n d"]:
    """Implements `Brush.lay`: strokes of `ends` colours each, whose own vertical axis runs along the heading."""
    theta = (np.sign(units.turn) * (heading - np.pi / 2) / np.pi) % 1.0
    sizes = [(extent - units.hair) / units.full for extent in (width, length)]
    shape = np.stack([position[:, 0], position[:, 1], *sizes, theta], axis=1)
    return np.concatenate([shape, *[color] * ends, alpha[:, None]], axis=1)


def vectors(strokes: Float[np.ndarray, "n d"], *, units: Units) -> Vectors:
    """Implements `Brush.vectors`: the box, a path along its longer side, and colours from its top to its bottom."""
    turn, middle = units.turn * strokes[:, 4], strokes[:, :2]
    u = np.stack([np.cos(turn), np.sin(turn)], axis=1)
    v = np.stack([-u[:, 1], u[:, 0]], axis=1)
    width, height = (units.hair + units.full * strokes[:, 2:4]).T
    across, down = u * width[:, None] / 2, v * height[:, None] / 2
    corners = [middle + x * across + y * down for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    half = np.where((height >= width)[:, None], down, across)
    path = np.stack([middle - half, middle, middle + half], axis=1)
    widths = np.repeat(np.minimum(width, height)[:, None], 2, axis=1)
    ends = np.stack([middle - down, middle + down], axis=1)
    outline, path, widths, ends = (each.astype(np.float32) for each in (np.stack(corners, axis=1), path, widths, ends))
    return Vectors(outline, path, widths, ends, "butt")


def flip(strokes: Float[np.ndarray, "n d"], *, swap: tuple[int, ...]) -> Float[np.ndarray, "n d"]:
    """Implements `Brush.flip`: turns strokes with θ of 0 or 1 by half a turn.

    Args:
      strokes: strokes.
      swap: order of a flipped stroke's entries, in which the two ends are exchanged.
    """
    at_end = (strokes[:, 4] <= 0) | (strokes[:, 4] >= 1)
    flipped = strokes[:, np.array(swap)]
    flipped[:, 4] = 1 - strokes[:, 4]
    return np.where(at_end[:, None], flipped, strokes)


FIELDS = dict(xc="x", yc="y", w="size", h="size", theta="angle")
