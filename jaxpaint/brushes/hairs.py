"""Hairs: the bristles of strokes as lines, for vector graphics.

A hair runs at a fixed place across its stroke, from where its bristle begins to paint to where it ends or has run dry.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from jaxpaint.brushes import bristles
from jaxpaint.brushes.base import Brush
from jaxpaint.errors import ExportError

# Hairs of a stroke, and the points along each at which its bristle is looked up.
_HAIRS, _POINTS = 11, 33
# Place of the outermost hairs across a stroke, in widths. Width of a hair, in distances between hairs: no ground is seen
# between them. Coverage at which a bristle is dry.
_OUTERMOST, _OVERLAP, _DRY = 0.42, 1.35, 0.45
# Share of the chord that is added to the velocity to give the tangent, since a curve may stand still at its end.
_AHEAD, _TINY = 1e-3, 1e-9


class Hairs(NamedTuple):
    """Hairs of strokes, in canvas coordinates.

    Attributes:
      path: points of each hair: its start, the three control points of a quadratic Bézier curve, and its end. The first
        and the last piece are straight.
      width: width of the hairs of each stroke.
      shade: brightness of each hair's paint, as a factor of the mean.
      painted: whether a hair paints at all.
    """

    path: Float[np.ndarray, "n k 5 2"]
    width: Float[np.ndarray, "n"]
    shade: Float[np.ndarray, "n k"]
    painted: Bool[np.ndarray, "n k"]


def hairs(brush: Brush, strokes: Float[np.ndarray, "n d"], contrast: float) -> Hairs:
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
    vectors = brush.shapes(strokes)
    path, widths = vectors.path.astype(float), vectors.widths.astype(float)
    # A box's path may run from its end to its start.
    away = np.linalg.norm(path[:, [0, 2]] - brush.start(strokes)[:, None], axis=-1)
    backwards = away[:, 1] < away[:, 0]
    path[backwards], widths[backwards] = path[backwards, ::-1], widths[backwards, ::-1]
    first, last = path[:, 1] - path[:, 0], path[:, 2] - path[:, 1]
    chord = path[:, 2] - path[:, 0]
    length = (2 * np.linalg.norm(chord, axis=1) + np.linalg.norm(first, axis=1) + np.linalg.norm(last, axis=1)) / 3
    # Round ends reach beyond the path.
    caps = (vectors.cap == "round") * widths / 2
    across = np.linspace(-_OUTERMOST, _OUTERMOST, _HAIRS)
    way = np.linspace(-caps[:, 0], length + caps[:, 1], _POINTS, axis=1)
    width = widths.mean(axis=1)
    before = (way + caps[:, :1]) / width[:, None]
    after = before[:, -1:] - before
    grain = strokes[:, brush.index("grain")[0]]
    planes = (values.astype(np.float32) for values in (across, before, after, grain))
    painted, shades = map(np.asarray, _texture(*planes, contrast=contrast))
    # How far a round end reaches at a hair's place.
    reach = caps[:, None] * np.sqrt(1.0 - 4.0 * across**2)[:, None]
    painted = painted & (way[:, None] >= -reach[..., :1]) & (way[:, None] <= length[:, None, None] + reach[..., 1:])
    count = painted.sum(axis=-1)
    shade = (shades * painted).sum(axis=-1) / np.maximum(count, 1)
    begin, end = painted.argmax(axis=-1), _POINTS - 1 - painted[..., ::-1].argmax(axis=-1)
    begun, ended = (np.take_along_axis(way, at, axis=1) for at in (begin, end))
    tangents = np.stack([first + _AHEAD * chord, chord, last + _AHEAD * chord], axis=1)
    tangents /= np.maximum(np.linalg.norm(tangents, axis=-1, keepdims=True), _TINY)
    left = np.stack([tangents[..., 1], -tangents[..., 0]], axis=-1)
    aside = np.stack([widths[:, 0], width, widths[:, 1]], axis=1)[..., None] * left
    curves = path[:, None] + across[None, :, None, None] * aside[:, None]
    t = np.clip(np.stack([begun, ended], axis=-1) / np.maximum(length, _TINY)[:, None, None], 0.0, 1.0)
    middle = _part(curves, t[..., :1], t[..., 1:])
    head = middle[:, :, 0] + np.minimum(begun, 0.0)[..., None] * tangents[:, None, 0]
    tail = middle[:, :, 2] + np.maximum(ended - length[:, None], 0.0)[..., None] * tangents[:, None, 2]
    lines = np.concatenate([head[:, :, None], middle, tail[:, :, None]], axis=2)
    wide = (width + widths.max(axis=1)) * _OVERLAP * _OUTERMOST / (_HAIRS - 1)
    return Hairs(lines.astype(np.float32), wide, shade, count > 1)


def _part(
    curves: Float[np.ndarray, "n k 3 2"], start: Float[np.ndarray, "n k 1"], end: Float[np.ndarray, "n k 1"]
) -> Float[np.ndarray, "n k 3 2"]:
    """Parts of quadratic curves, between two values of t, by blossoming."""

    def blossom(s: Float[np.ndarray, "n k 1"], t: Float[np.ndarray, "n k 1"]) -> Float[np.ndarray, "n k 2"]:
        first, control, last = np.moveaxis(curves, 2, 0)
        return (1 - s) * (1 - t) * first + (s + t - 2 * s * t) * control + s * t * last

    return np.stack([blossom(start, start), blossom(start, end), blossom(end, end)], axis=2)


@functools.partial(jax.jit, static_argnames="contrast")
def _texture(
    across: Float[Array, "k"],
    before: Float[Array, "n p"],
    after: Float[Array, "n p"],
    grain: Float[Array, "n"],
    *,
    contrast: float,
) -> tuple[Bool[Array, "n k p"], Float[Array, "n k p"]]:
    """Whether bristles paint at points, and the brightness of their paint as a factor of the mean."""

    def of_one(before: Float[Array, "p"], after: Float[Array, "p"], grain: Float[Array, ""]) -> tuple[Array, Array]:
        shape = (len(across), len(before))
        s, before, after = (jnp.broadcast_to(each, shape) for each in (across[:, None], before[None], after[None]))
        found = bristles.bristles(s, before, after, grain, jnp.float32(0.5 / _HAIRS), min(contrast, 1.0), jnp.zeros(()))
        inside = (found.inside > 0) & (found.inset < 0.5 - jnp.abs(s)) & (found.cover > _DRY)
        shades = jnp.stack(bristles.shades(found.streak, grain, contrast)).mean(axis=0)
        return inside, shades / (1.0 - contrast * (1.0 - bristles.SHADE))

    return jax.vmap(of_one)(before, after, grain)
