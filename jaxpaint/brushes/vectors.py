"""Strokes as vector graphics, and points along the curves that they follow."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

# Share of the chord that is added to the velocity to give the tangent, since a curve may stand still at its end.
AHEAD = 1e-3
# Speed below which a curve has no direction.
_STILL, _TINY = 5e-5, 1e-12


class Vectors(NamedTuple):
    """Strokes as vector graphics: shapes without texture, in canvas coordinates.

    Attributes:
      outline: corners of the polygon that a stroke fills.
      path: quadratic Bézier curve that the brush runs along: start, control point, end.
      widths: full widths at the start and at the end of the path.
      ends: the points of a stroke's first and second colour. Colours change linearly between them.
      cap: form of the ends of the path: "round", "square", or "butt" for a path that ends at the outline.
    """

    outline: Float[np.ndarray, "n k 2"]
    path: Float[np.ndarray, "n 3 2"]
    widths: Float[np.ndarray, "n 2"]
    ends: Float[np.ndarray, "n 2 2"]
    cap: str = "round"

    def one(self, number: int, scale: float) -> Vectors:
        """The shapes of one stroke, without the axis n, in canvas units times `scale`."""
        outline, path, widths, ends = (part[number] * scale for part in self[:4])
        return Vectors(outline, path, widths, ends, self.cap)


def along(
    path: Float[np.ndarray, "*n 3 2"], t: Float[np.ndarray, "m"]
) -> tuple[Float[np.ndarray, "*n m 2"], Float[np.ndarray, "*n m 2"]]:
    """Points of quadratic Bézier curves, and their directions there.

    Args:
      path: control points.
      t: places along the curves, in [0, 1].

    Returns:
      The points, and unit vectors. A curve that is a point lies along x.
    """
    start, control, end = (path[..., [i], :] for i in range(3))
    t = t[:, None]
    points = (1 - t) ** 2 * start + 2 * t * (1 - t) * control + t**2 * end
    velocity = (1 - t) * (control - start) + t * (end - control) + AHEAD * (end - start)
    speed = np.linalg.norm(velocity, axis=-1, keepdims=True)
    still = np.array([1.0, 0.0], path.dtype)
    return points, np.where(speed > _STILL, velocity / np.maximum(speed, _TINY), still)
