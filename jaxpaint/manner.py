"""The manner of a picture: how wide and long the strokes are that it is made of, and where they run.

A photograph that is to take a picture's style is painted in its manner: with strokes of these sizes, which follow its
own directions where the photograph has no strong contours.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from jaxpaint import attention, directions, pictures

Picture = Float[np.ndarray, "_ _ 3"]

# Long side in pixels of the picture that is measured, and the deviation of the mean that is taken from it.
_SIZE, _MEAN = 512, 24.0
# Number of sampled pixels, and distances up to which they are compared along and across, in pixels.
_PLACES, _ALONG, _ACROSS = 4000, 96, 32
# Least and greatest width, in long sides of the picture, length in widths, and number of strokes.
_WIDTHS, _ASPECTS, _COUNTS = (0.006, 0.03), (2.0, 16.0), (900, 2500)
# Least and greatest widths of strokes and their greatest length, in those of the typical stroke.
_THIN, _THICK, _LONG = 0.5, 1.2, 2.0
# Strokes overlap: ratio of a stroke's length beyond its width to that of its visible part.
_HIDDEN = 1.5
# How many times strokes cover the picture.
_COVER = 3.0
# How strongly strokes follow their directions; shares of them that cover the canvas first, and that are spread over it.
_DIRECTION, _UNDER, _SPREAD = 5.0, 0.05, 0.65
# Importance, relative to the least: strokes begin to follow the photograph at the first, and follow it alone at the
# second.
_ATTENDED = (3.0, 5.0)


class Manner(NamedTuple):
    """Width of a typical stroke, in long sides of the picture, in [0.006, 0.03]; its length, in widths, in [2, 16]."""

    width: float
    aspect: float


def measured(picture: Picture) -> Manner:
    """The sizes of a picture's strokes, from how alike it stays along its directions and across them.

    In a picture of strokes whose colours are independent, two pixels at distance d have correlation 1 − d/l, where l is
    the strokes' extent in that direction: twice the distance at which the correlation is a half.

    Args:
      picture: in [0, 1].
    """
    height, width, _ = picture.shape
    shape = pictures.fitted_shape(height, width, _SIZE)
    detail = pictures.resize(picture, shape)
    detail = detail - directions.blurred(detail, _MEAN)
    angle = directions.angle(pictures.resize(directions.form(picture), shape))
    place = np.random.default_rng(0).integers(shape, size=(_PLACES, 2))
    heading = np.stack([np.sin(angle), np.cos(angle)], axis=-1)[*place.T]
    along, across = (
        2.0 * _half_way(detail, place + np.arange(most)[:, None, None] * towards)
        for most, towards in ((_ALONG, heading), (_ACROSS, heading[:, ::-1] * (1.0, -1.0)))
    )
    aspect = np.clip(along / across, *_ASPECTS)
    return Manner(float(np.clip(across / _SIZE, *_WIDTHS)), float(aspect))


def settings_of(styles: Sequence[Picture], shares: Sequence[float], shape: tuple[int, int]) -> dict[str, float | int]:
    """Settings that paint a picture in strokes like those of others.

    Args:
      styles: the other pictures, in [0, 1].
      shares: how much each counts; their sum is 1.
      shape: height and width of the picture to paint; only their proportions count.
    """
    # Sizes are averaged as factors.
    width, seen = np.exp(np.asarray(shares) @ np.log([measured(style) for style in styles]))
    aspect = min(1.0 + _HIDDEN * (seen - 1.0), _ASPECTS[1])
    count = _COVER * min(shape) / max(shape) / (width**2 * aspect)
    return {
        "strokes": int(np.clip(count, *_COUNTS)),
        "min_size": float(_THIN * width),
        "max_size": float(_THICK * width),
        "aspect": float(aspect),
        "max_aspect": float(_LONG * aspect),
        "direction": _DIRECTION,
        "underpainting": _UNDER,
        "spread": _SPREAD,
    }


def form(picture: Picture, styles: Sequence[Picture], shares: Sequence[float]) -> directions.Field:
    """The directions of a picture where it has strong contours or faces, and elsewhere those of others laid over it.

    Args:
      picture: in [0, 1].
      styles: the other pictures, in [0, 1], each of any size.
      shares: how much each counts; their sum is 1.

    Returns:
      The field, of the picture's proportions.
    """
    own = directions.form(picture)
    shape = own.shape[:2]
    others = sum(
        share * pictures.resize(directions.form(style), shape) for share, style in zip(shares, styles, strict=True)
    )
    weight = pictures.resize(attention.importance(picture)[..., None], shape)
    low, high = _ATTENDED
    kept = np.maximum(directions.strong(picture), np.clip((weight / weight.min() - low) / (high - low), 0.0, 1.0))
    return (kept * own + (1.0 - kept) * others).astype(np.float32)


def _at(values: Float[np.ndarray, "rows columns c"], place: Float[np.ndarray, "n 2"]) -> Float[np.ndarray, "n c"]:
    """Values at the nearest pixels."""
    row, column = np.clip(np.rint(place).astype(int), 0, np.array(values.shape[:2]) - 1).T
    return values[row, column]


def _half_way(detail: Float[np.ndarray, "rows columns 3"], path: Float[np.ndarray, "steps n 2"]) -> float:
    """Number of steps at which the colour's variogram reaches half of its value for pixels at random; interpolated."""
    seen = _at(detail, path[0])
    half = 0.5 * _apart(seen, np.roll(seen, 1, axis=0))
    before, last = 0.0, np.array(detail.shape[:2]) - 1
    for steps, place in enumerate(path):
        kept = ((place >= 0) & (place <= last)).all(axis=1)
        after = _apart(_at(detail, place[kept]), seen[kept]) if kept.any() else before
        if after > half:
            return steps - (after - half) / (after - before)
        before = after
    return float(len(path) - 1)


def _apart(one: Float[np.ndarray, "n 3"], other: Float[np.ndarray, "n 3"]) -> float:
    """Mean squared distance of colours."""
    return float(((one - other) ** 2).sum(axis=1).mean())
