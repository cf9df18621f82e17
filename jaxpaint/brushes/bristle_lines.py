"""The bristles of strokes as lines, for vector graphics.

A line runs at a fixed place across its stroke, from where its bristle begins to paint to where it ends or has run dry.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from jaxpaint.brushes import bristles
from jaxpaint.brushes.base import Brush, padded
from jaxpaint.brushes.vectors import Vectors, along
from jaxpaint.errors import ExportError

# Lines of a stroke, and the points along each at which its bristle is evaluated.
_LINES, _POINTS = 13, 33
# Place of the outermost lines across a stroke, in widths. Width of a line in distances between lines, so that none of
# the ground is seen between them. Coverage at which a bristle is dry.
_OUTERMOST, _OVERLAP, _DRY = 0.42, 1.35, 0.45
# Strokes that are evaluated at a time.
_BATCH = 512
_TINY = 1e-9


class BristleLines(NamedTuple):
    """Bristles of strokes, in canvas coordinates.

    Attributes:
      path: points of each line: its start, the three control points of a quadratic Bézier curve, and its end. The first
        and the last piece are straight.
      width: width of the lines of each stroke.
      painted: whether a bristle paints at all.
    """

    path: Float[np.ndarray, "n k 5 2"]
    width: Float[np.ndarray, "n"]
    painted: Bool[np.ndarray, "n k"]


def bristle_lines(brush: Brush, strokes: Float[np.ndarray, "n d"], contrast: float) -> BristleLines:
    """The bristles of strokes as lines.

    Args:
      brush: a brush with bristles.
      strokes: its strokes.
      contrast: contrast of the texture, 0 to 2.

    Raises:
      ExportError: the brush has no bristles.
    """
    if not brush.bristled or brush.start is None:
        raise ExportError(f"bristles: expected a painting by a brush of bristles, got {brush.name}")
    # As many as a power of two, to limit recompilation.
    filled = padded(brush, strokes)
    spine, grain = _spine(brush.shapes(filled), brush.start(filled)), filled[:, brush.index("grain")[0]]
    across = np.linspace(-_OUTERMOST, _OUTERMOST, _LINES)
    way = np.linspace(-spine.caps[:, 0], spine.length + spine.caps[:, 1], _POINTS, axis=1)
    width = spine.widths.mean(axis=1)
    # Round ends reach less far at their sides.
    reach = np.sqrt(1.0 - 4.0 * across**2)
    first, last = -spine.caps[:, :1] * reach, spine.length[:, None] + spine.caps[:, 1:] * reach
    given = (values.astype(np.float32) for values in (across, way, first, last, width, grain))
    begin, end = map(np.asarray, _painted(*given, contrast=contrast))
    begun, ended = (np.take_along_axis(way, at, axis=1) for at in (begin, end))
    wide = (width + spine.widths.max(axis=1)) * _OVERLAP * _OUTERMOST / (_LINES - 1)
    path, count = _paths(spine, across, begun, ended).astype(np.float32), len(strokes)
    return BristleLines(path[:count], wide[:count], (begun < ended)[:count])


class _Spine(NamedTuple):
    """The paths of strokes from start to end, their widths there, lengths, and how far round ends reach beyond."""

    path: Float[np.ndarray, "n 3 2"]
    widths: Float[np.ndarray, "n 2"]
    length: Float[np.ndarray, "n"]
    caps: Float[np.ndarray, "n 2"]


def _spine(vectors: Vectors, starts: Float[np.ndarray, "n 2"]) -> _Spine:
    path, widths = vectors.path.astype(float), vectors.widths.astype(float)
    # A box's path may run from its end to its start.
    away = np.linalg.norm(path[:, [0, 2]] - starts[:, None], axis=-1)
    backwards = away[:, 1] < away[:, 0]
    path[backwards], widths[backwards] = path[backwards, ::-1], widths[backwards, ::-1]
    # Between the lengths of the chord and of the control polygon, as in `bezier.length_of`.
    sides = np.linalg.norm(path[:, [1, 2, 2, 2]] - path[:, [0, 1, 0, 0]], axis=-1)
    return _Spine(path, widths, sides.sum(axis=1) / 3, (vectors.cap == "round") * widths / 2)


def _paths(
    spine: _Spine, across: Float[np.ndarray, "k"], begun: Float[np.ndarray, "n k"], ended: Float[np.ndarray, "n k"]
) -> Float[np.ndarray, "n k 5 2"]:
    """`BristleLines.path`.

    Args:
      spine: of the strokes.
      across: places of the lines across a stroke, in widths.
      begun, ended: distances along the stroke at which each line begins and ends.
    """
    path, widths, length, _ = spine
    # The control point of a parallel curve lies beside that of the path, at right angles to the chord.
    _, tangents = along(path, np.array([0.0, 0.5, 1.0]))
    left = np.stack([tangents[..., 1], -tangents[..., 0]], axis=-1)
    aside = np.stack([widths[:, 0], widths.mean(axis=1), widths[:, 1]], axis=1)[..., None] * left
    curves = path[:, None] + across[None, :, None, None] * aside[:, None]
    t = np.clip(np.stack([begun, ended], axis=-1) / np.maximum(length, _TINY)[:, None, None], 0.0, 1.0)
    middle = _part(curves, t[..., :1], t[..., 1:])
    head = middle[:, :, 0] + np.minimum(begun, 0.0)[..., None] * tangents[:, None, 0]
    tail = middle[:, :, 2] + np.maximum(ended - length[:, None], 0.0)[..., None] * tangents[:, None, 2]
    return np.concatenate([head[:, :, None], middle, tail[:, :, None]], axis=2)


def _part(
    curves: Float[np.ndarray, "n k 3 2"], start: Float[np.ndarray, "n k 1"], end: Float[np.ndarray, "n k 1"]
) -> Float[np.ndarray, "n k 3 2"]:
    """Parts of quadratic curves, between two values of t, by blossoming."""

    def blossom(s: Float[np.ndarray, "n k 1"], t: Float[np.ndarray, "n k 1"]) -> Float[np.ndarray, "n k 2"]:
        first, control, last = np.moveaxis(curves, 2, 0)
        return (1 - s) * (1 - t) * first + (s + t - 2 * s * t) * control + s * t * last

    return np.stack([blossom(start, start), blossom(start, end), blossom(end, end)], axis=2)


@functools.partial(jax.jit, static_argnames="contrast")
def _painted(
    across: Float[Array, "k"],
    way: Float[Array, "n p"],
    first: Float[Array, "n k"],
    last: Float[Array, "n k"],
    width: Float[Array, "n"],
    grain: Float[Array, "n"],
    *,
    contrast: float,
) -> tuple[Int[Array, "n k"], Int[Array, "n k"]]:
    """The first and the last point at which each bristle paints.

    Args:
      across: places of the lines across a stroke, in widths.
      way: distances of the points along the stroke, from the start of its path.
      first, last: least and greatest distance that each line reaches.
      width: mean width of the stroke.
      grain: grain of the stroke.
      contrast: contrast of the texture.
    """

    def of_one(stroke: tuple[Array, ...]) -> tuple[Array, ...]:
        way, first, last, width, grain = stroke
        s, before, after = (
            jnp.broadcast_to(each, (len(across), len(way)))
            for each in (across[:, None], (way - way[0])[None] / width, (way[-1] - way)[None] / width)
        )
        found = bristles.bristles(s, before, after, grain, jnp.float32(0.5 / _LINES), min(contrast, 1.0), jnp.zeros(()))
        painted = (found.inside > 0) & (found.inset < 0.5 - jnp.abs(s)) & (found.cover > _DRY)
        painted &= (way[None] >= first[:, None]) & (way[None] <= last[:, None])
        begin, end = painted.argmax(axis=1), len(way) - 1 - painted[:, ::-1].argmax(axis=1)
        # A bristle that never paints ends where it begins.
        end = jnp.where(painted.any(axis=1), end, begin)
        return begin, end

    # In batches, so that many strokes need little memory.
    begin, end = jax.lax.map(of_one, (way, first, last, width, grain), batch_size=_BATCH)
    return begin, end
