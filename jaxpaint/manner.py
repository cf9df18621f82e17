"""The manner of a picture: the width, length and directions of its strokes.

A photograph that takes a picture's style is painted in the picture's manner. The strokes have the sizes of the
picture's strokes, and follow the picture's directions where the photograph has no strong contours.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from jaxpaint import attention, directions, pictures

Picture = Float[np.ndarray, "_ _ 3"]

# Long side in pixels of the picture that is measured, and standard deviation of the blur that is subtracted from it.
_SIZE, _MEAN = 512, 24.0
# Number of sampled pixels, and greatest distances, in pixels, of the comparisons along and across the directions.
_PLACES, _ALONG, _ACROSS = 4000, 96, 32
# Ranges of the typical stroke's width, in long sides of the picture, its length in widths, and the number of strokes.
_WIDTHS, _ASPECTS, _COUNTS = (0.006, 0.03), (2.0, 16.0), (900, 2500)
# Least and greatest widths of strokes and their greatest length, relative to the typical stroke's.
_THIN, _THICK, _LONG = 0.5, 1.2, 2.0
# Strokes overlap: ratio of a stroke's length beyond its width to that of the stroke's visible part.
_HIDDEN = 1.5
# Total area of the strokes, in areas of the picture.
_COVER = 3.0
# Weight of the directions; share of strokes in the underpainting; share of strokes that are spread over the canvas.
_DIRECTION, _UNDER, _SPREAD = 5.0, 0.05, 0.65
# Importance, relative to the least. Strokes begin to follow the photograph at the first value, and follow the
# photograph alone at the second.
_ATTENDED = (3.0, 5.0)


class Manner(NamedTuple):
    """Width of a typical stroke, in long sides of the picture, in [0.006, 0.03]; its length, in widths, in [2, 16]."""

    width: float
    aspect: float


def measured(picture: Picture) -> Manner:
    """Measures the sizes of a picture's strokes from its autocorrelation along and across its directions.

    In a picture of strokes whose colours are independent, two pixels at distance d have correlation 1 − d/l, where l is
    the strokes' extent in that direction: twice the distance at which the correlation is a half.

    Args:
      picture: picture in [0, 1].
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
    """Settings that paint a picture in the manner of other pictures.

    Args:
      styles: the other pictures, in [0, 1].
      shares: weight of each style; their sum is 1.
      shape: height and width of the picture to paint; only their ratio matters.
    """
    # The mean of sizes is geometric, since sizes are compared by their ratios.
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
    """Direction field of a picture, with the styles' directions where it has neither strong contours nor faces.

    The styles' fields are stretched to the picture.

    Args:
      picture: picture in [0, 1].
      styles: the other pictures, in [0, 1], each of any size.
      shares: weight of each style; their sum is 1.

    Returns:
      The field, in the picture's proportions.
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
    """Values at the pixels nearest to the places, rows first."""
    row, column = np.clip(np.rint(place).astype(int), 0, np.array(values.shape[:2]) - 1).T
    return values[row, column]


def _half_way(detail: Float[np.ndarray, "rows columns 3"], path: Float[np.ndarray, "steps n 2"]) -> float:
    """Number of steps, interpolated, at which the colours' variogram reaches half of its value for random pixels."""
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
    """Mean squared distance between colours."""
    return float(((one - other) ** 2).sum(axis=1).mean())
