"""Other orders of a painting's strokes that give the same picture.

Strokes that share no pixel may change places. A grid shows which strokes may share one: of two strokes that touch the
same cell, the upper one has to come later. This partial order is sorted topologically. At each step, an order takes the
stroke that it prefers of all strokes that may come next.
"""

from __future__ import annotations

import collections
import dataclasses
import graphlib
import heapq
import logging
import math
from collections.abc import Iterator
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Float, Int

from jaxpaint import attention, checks, drawing, palettes
from jaxpaint.brushes import BRUSHES, Brush
from jaxpaint.types import Painting

_log = logging.getLogger(__name__)
# Cells along the long side. A pixel of a drawing of this size, or larger, is no larger than a cell.
_CELLS = 256
# Bins along the long side, at most, in which the nearest stroke is looked for.
_BINS = 64
# Regions of a picture and colours of a palette; weight of a region's place against its colour.
_REGIONS, _COLORS, _PLACE = 12, 12, 2.0
# Long side, in pixels, of the drawing in which the subject is looked for.
_SEEN = 256

ORDERS = ("painted", "subject", "region", "size", "color", "travel")


class Effort(NamedTuple):
    """The effort of painting in an order, by a hand or a machine.

    Attributes:
      travel: way from the end of each stroke to the start of the next, in long sides of the picture.
      changes: how many times the colour changes to another of a palette of twelve.
    """

    travel: float
    changes: int


def reorder(painting: Painting, order: str) -> Painting:
    """Sorts a painting's strokes into another order; drawings of 256 pixels or more stay the same to the last bit.

    Args:
      painting: finished or not; the result is finished.
      order: one of `ORDERS`. `painted`: as it is. `subject`: what draws little attention first, faces last. `region`:
        region by region, likewise. `size`: large strokes first. `color`: few changes of colour. `travel`: short ways
        from stroke to stroke.

    Returns:
      The painting with the same strokes.

    Raises:
      ValueError, TypeError: the argument is not a painting; the order is unknown.
      ExportError: the brush has no vectors.
    """
    checks.instance(painting, Painting, "a painting", reader="jaxpaint.load_painting")
    if order not in ORDERS:
        raise ValueError(f"expected an order of {', '.join(ORDERS)}, got {order!r}")
    if order == "painted" or not len(painting.strokes):
        return painting
    sequence = list(_sequence(painting, order))
    result = dataclasses.replace(painting, strokes=painting.strokes[sequence], state=None)
    if _log.isEnabledFor(logging.INFO):
        before, after = effort(painting), effort(result)
        ways = f"{before.travel:.0f} to {after.travel:.0f} long sides from stroke to stroke"
        _log.info("order %s: %s, %d to %d changes of colour", order, ways, before.changes, after.changes)
    return result


def gathered(painting: Painting, groups: Int[np.ndarray, "n"]) -> list[int]:
    """Numbers of the strokes in an order that gives the same drawing, with few changes from group to group.

    Args:
      painting: the painting.
      groups: number of each stroke's group, such as its colour's.
    """
    if not len(groups):
        return []
    brush, strokes = BRUSHES[painting.brush], painting.strokes
    return list(_grouped(groups, np.zeros(len(groups)), _sorter(brush, strokes), largest=True))


def nearest(starts: Float[np.ndarray, "n 2"], ends: Float[np.ndarray, "n 2"], at: Float[np.ndarray, "2"]) -> list[int]:
    """Numbers of lines in an order of short ways from the end of each to the start of the next.

    Args:
      starts, ends: of the lines, in [0, 1]².
      at: where the first way starts.
    """
    sorter = graphlib.TopologicalSorter(dict.fromkeys(range(len(starts)), ()))
    sorter.prepare()
    return list(_nearest(starts, ends, sorter, at))


def effort(painting: Painting) -> Effort:
    """The effort of painting the strokes in their order."""
    path = BRUSHES[painting.brush].shapes(painting.strokes).path
    travel = np.linalg.norm(path[1:, 0] - path[:-1, 2], axis=1).sum()
    return Effort(float(travel), int((np.diff(_palette(painting)) != 0).sum()))


def _sequence(painting: Painting, order: str) -> Iterator[int]:
    brush, strokes = BRUSHES[painting.brush], painting.strokes
    if order == "color":
        return iter(gathered(painting, _palette(painting)))
    if order == "travel":
        path = brush.shapes(strokes).path
        return _nearest(path[:, 0], path[:, 2], _sorter(brush, strokes), np.zeros(2))
    rank = np.zeros(len(strokes))
    if order == "size":
        rank = -brush.areas(strokes)
    elif order == "subject":
        rank = _attention(painting)
    groups = np.zeros(len(strokes), int)
    if order == "region":
        groups = _regions(painting)
    return _grouped(groups, rank, _sorter(brush, strokes), largest=False)


def _sorter(brush: Brush, strokes: Float[np.ndarray, "n d"]) -> graphlib.TopologicalSorter[int]:
    """The partial order of the strokes: a stroke is ready when all strokes that have to come earlier are done."""
    sorter: graphlib.TopologicalSorter[int] = graphlib.TopologicalSorter()
    # A cell of margin on each side, so that strokes in one pixel share a cell.
    last = np.full((_CELLS + 2, _CELLS + 2), -1)
    for number, outline in enumerate(np.rint(brush.shapes(strokes).outline * _CELLS).astype(np.int32) + 1):
        low = np.clip(outline.min(axis=0) - 2, 0, _CELLS + 1)
        high = np.clip(outline.max(axis=0) + 3, low + 1, _CELLS + 2)
        mask = np.zeros((high[1] - low[1], high[0] - low[0]), np.uint8)
        cv2.fillPoly(mask, [outline - low], 1)
        cv2.polylines(mask, [outline - low], True, 1, thickness=5)
        here, painted = last[low[1] : high[1], low[0] : high[0]], mask > 0
        # The last stroke of each cell: earlier ones come before that.
        earlier = np.unique(here[painted])
        sorter.add(number, *earlier[earlier >= 0].tolist())
        here[painted] = number
    sorter.prepare()
    return sorter


def _grouped(
    groups: Int[np.ndarray, "n"],
    rank: Float[np.ndarray, "n"],
    sorter: graphlib.TopologicalSorter[int],
    *,
    largest: bool,
) -> Iterator[int]:
    """Strokes of one group as long as there are any, then of another; low ranks first.

    Args:
      groups: number of each stroke's group.
      rank: of each stroke within its group.
      sorter: the partial order of the strokes.
      largest: whether the group comes next that has most strokes, or that of the lowest number.
    """
    heaps: list[list[tuple[float, int]]] = [[] for _ in range(int(groups.max()) + 1)]
    heap: list[tuple[float, int]] = []
    while sorter.is_active():
        for number in sorter.get_ready():
            heapq.heappush(heaps[groups[number]], (float(rank[number]), number))
        if not heap:
            heap = max(heaps, key=len) if largest else next(filter(None, heaps))
        _, number = heapq.heappop(heap)
        yield number
        sorter.done(number)


def _nearest(
    starts: Float[np.ndarray, "n 2"],
    ends: Float[np.ndarray, "n 2"],
    sorter: graphlib.TopologicalSorter[int],
    at: Float[np.ndarray, "2"],
) -> Iterator[int]:
    """Strokes whose start is nearest to the end of the last one, or, at first, to a point."""
    x, y = at.tolist()
    first, last = (points.astype(float).tolist() for points in (starts, ends))
    bins: dict[tuple[int, int], list[int]] = collections.defaultdict(list)
    # About one stroke a bin: most of more bins would be empty.
    count = min(_BINS, max(1, math.isqrt(len(first))))

    def bin_of(x: float, y: float) -> tuple[int, int]:
        return min(max(int(x * count), 0), count - 1), min(max(int(y * count), 0), count - 1)

    while sorter.is_active():
        for number in sorter.get_ready():
            bins[bin_of(*first[number])].append(number)
        column, row = bin_of(x, y)
        best = (math.inf, 0)
        # Bins around that of the last stroke's end, ring by ring, until all others are farther away.
        for reach in range(count):
            for place in _ring(column, row, reach):
                for number in bins.get(place, ()):
                    best = min(best, (math.hypot(first[number][0] - x, first[number][1] - y), number))
            if best[0] <= reach / count:
                break
        number = best[1]
        yield number
        bins[bin_of(*first[number])].remove(number)
        sorter.done(number)
        x, y = last[number]


def _ring(column: int, row: int, reach: int) -> Iterator[tuple[int, int]]:
    """The bins whose greater distance from one, along either axis, is `reach`."""
    if not reach:
        yield column, row
    for step in range(-reach, reach):
        yield from (
            (column + step, row - reach),
            (column + reach, row + step),
            (column - step, row + reach),
            (column - reach, row - step),
        )


def _attention(painting: Painting) -> Float[np.ndarray, "n"]:
    """How much attention the middles of strokes draw."""
    weights = attention.importance(drawing.draw_flat(painting, size=_SEEN))
    scale = max(weights.shape) - 1
    x, y = (BRUSHES[painting.brush].middle(painting.strokes) * scale).round().astype(int).T
    return weights[np.clip(y, 0, weights.shape[0] - 1), np.clip(x, 0, weights.shape[1] - 1)].astype(float)


def _regions(painting: Painting) -> Int[np.ndarray, "n"]:
    """Regions of alike colours, numbered by the attention that they draw, least first."""
    colors, _ = BRUSHES[painting.brush].paint(painting.strokes)
    places = BRUSHES[painting.brush].middle(painting.strokes)
    found = palettes.clusters(np.concatenate([colors.mean(axis=1), _PLACE * places], axis=1), _REGIONS)
    drawn = _attention(painting)
    means = [drawn[found == number].mean() if (found == number).any() else np.inf for number in range(_REGIONS)]
    return np.argsort(np.argsort(means))[found]


def _palette(painting: Painting) -> Int[np.ndarray, "n"]:
    """The colour of each stroke, of a palette of `_COLORS`."""
    colors, _ = BRUSHES[painting.brush].paint(painting.strokes)
    return palettes.clusters(colors.mean(axis=1), _COLORS)
