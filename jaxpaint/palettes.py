"""Palettes: few colours in place of many."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Float, Int

from jaxpaint import pictures

# Long side, in pixels, of a picture whose colours are found.
_LOOKED_AT = 128
# Points that a palette is chosen from: a colour of twice the weight is there twice as often.
_POINTS = 4096
# Clusters that a choice among given colours is for, and how many times each choice is made anew.
_CLUSTERS, _TURNS = 256, 4


class Palette(NamedTuple):
    """A palette, and the colours that it stands for.

    Attributes:
      colors: colours of the palette in [0, 1], light ones first.
      members: for each given colour, the number of its colour in the palette.
    """

    colors: Float[np.ndarray, "k 3"]
    members: Int[np.ndarray, "n"]


def reduced(colors: Float[np.ndarray, "n 3"], weights: Float[np.ndarray, "n"], count: int) -> Palette:
    """Reduces colours to the means of clusters in CIELAB, where distances are about as large as they look.

    Args:
      colors: sRGB in [0, 1].
      weights: how much each colour counts, above 0; such as areas.
      count: greatest number of colours in the palette.
    """
    if not len(colors):
        return Palette(np.zeros((0, 3), np.float32), np.zeros(0, int))
    lab = cv2.cvtColor(colors[None].astype(np.float32), cv2.COLOR_RGB2Lab)[0]
    distinct, found = np.unique(lab, axis=0, return_inverse=True)
    if len(distinct) > count:
        # At equal distances along the sum of the weights.
        marks = (np.arange(_POINTS) + 0.5) / _POINTS * weights.sum()
        points = lab[np.searchsorted(np.cumsum(weights), marks).clip(max=len(lab) - 1)]
        labels = clusters(points, count)
        found = nearest(lab, np.stack([points[labels == label].mean(axis=0) for label in np.unique(labels)]))
    _, members = np.unique(found, return_inverse=True)
    total = np.bincount(members, weights)
    means = np.stack([np.bincount(members, weights * channel) / total for channel in lab.T], axis=1)
    order = np.argsort(-means[:, 0], kind="stable")
    rgb = cv2.cvtColor(means[None, order].astype(np.float32), cv2.COLOR_Lab2RGB)[0]
    return Palette(np.clip(rgb, 0.0, 1.0), np.argsort(order)[members])


def of_picture(
    picture: Float[np.ndarray, "height width 3"],
    count: int,
    importance: Float[np.ndarray, "h w"] | None = None,
    *,
    among: Float[np.ndarray, "m 3"] | None = None,
) -> Float[np.ndarray, "k 3"]:
    """At most `count` colours that a picture can be painted in, of 8 bits, light ones first.

    Args:
      picture: sRGB in [0, 1].
      count: greatest number of colours.
      importance: weight of each pixel, of any size, so that a face has its colours; None for equal weights.
      among: the colours to choose from, of 8 bits; None for any.
    """
    height, width, _ = picture.shape
    small = pictures.resize(picture, pictures.fitted_shape(height, width, _LOOKED_AT))
    weights = (
        np.ones(small.shape[:2]) if importance is None else pictures.resize(importance[..., None], small.shape[:2])
    )
    colors, weights = small.reshape(-1, 3), np.maximum(weights.ravel(), 1e-3)
    if among is not None:
        return chosen(colors, weights, among, count)
    return distinct(reduced(colors, weights, count).colors)


def chosen(
    colors: Float[np.ndarray, "n 3"], weights: Float[np.ndarray, "n"], among: Float[np.ndarray, "m 3"], count: int
) -> Float[np.ndarray, "k 3"]:
    """At most `count` of some colours that are near to others, by the squared distances in CIELAB, light ones first.

    Each choice is the best beside those made before; then each is made anew, beside all others.

    Args:
      colors: sRGB in [0, 1].
      weights: how much each colour counts, above 0.
      among: the colours to choose from, in [0, 1].
      count: greatest number of choices.
    """
    points, members = reduced(colors, weights, _CLUSTERS)
    totals = np.bincount(members, weights).astype(np.float32)
    lab, aims = (cv2.cvtColor(each[None].astype(np.float32), cv2.COLOR_RGB2Lab)[0] for each in (among, points))
    distances = ((aims[:, None] - lab) ** 2).sum(axis=-1)
    picked: list[int] = []
    for turn in range(_TURNS * count):
        picked = picked[turn >= count :]
        least = distances[:, picked].min(axis=1, initial=np.inf)
        picked.append(int((totals @ np.minimum(distances, least[:, None])).argmin()))
    best = np.unique(picked)
    return among[best[np.argsort(-lab[best, 0], kind="stable")]]


def distinct(colors: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "k 3"]:
    """Colours of 8 bits, each once, in the order in which they come first."""
    rounded = pictures.to_bytes(colors[None])[0]
    _, first = np.unique(rounded, axis=0, return_index=True)
    return rounded[np.sort(first)].astype(np.float32) / 255


def nearest(colors: Float[np.ndarray, "n 3"], palette: Float[np.ndarray, "k 3"]) -> Int[np.ndarray, "n"]:
    """Number of the nearest colour of a palette for each colour, by the squared difference that fits minimise."""
    return ((colors[:, None] - palette) ** 2).sum(axis=-1).argmin(axis=1)


def clusters(points: Float[np.ndarray, "n k"], count: int) -> Int[np.ndarray, "n"]:
    """Clusters by k-means, the same for the same points."""
    if len(points) <= count:
        return np.arange(len(points))
    cv2.setRNGSeed(0)
    ends = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 50, 1e-4)
    start = np.zeros((len(points), 1), np.int32)
    _, labels, _ = cv2.kmeans(points.astype(np.float32), count, start, ends, 3, cv2.KMEANS_PP_CENTERS)
    return labels[:, 0]
