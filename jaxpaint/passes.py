"""Passes of a tool along strokes: lines that a round brush or a pen follows to fill a stroke's outline.

A stroke that is wider than the tool's trace takes several passes side by side, alternately there and back. A pass ends
where the trace touches the end of the outline. Lengths have any one unit.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
from jaxtyping import Bool, Float

from jaxpaint.brushes.vectors import Vectors, along

# Points, and the width of the trace there: x, y, width.
Line = Float[np.ndarray, "_ 3"]
_TINY = 1e-9


def fill(stroke: Vectors, widths: tuple[float, float], *, apart: float, tolerance: float) -> Iterator[Line]:
    """Yields the lines that fill a stroke.

    Args:
      stroke: a single stroke, without the axis n.
      widths: least and greatest width of the tool's trace.
      apart: greatest distance between lines side by side.
      tolerance: greatest distance between the stroke's path and its polygon.
    """
    start, control, end = stroke.path.astype(float)
    count = max(1, math.ceil(math.sqrt(np.linalg.norm(start - 2 * control + end) / (4 * tolerance))))
    t = np.linspace(0.0, 1.0, count + 1)
    points, tangent = along(stroke.path.astype(float), t)
    right = np.stack([-tangent[:, 1], tangent[:, 0]], axis=1)
    wide = stroke.widths[0] + (stroke.widths[1] - stroke.widths[0]) * t[:, None]
    trace = np.clip(wide, *widths)
    room = np.maximum(wide - trace, 0.0)
    side_by_side = 1 + math.ceil(float(room.max()) / apart - _TINY)
    for number, place in enumerate(np.linspace(-1.0, 1.0, side_by_side) if side_by_side > 1 else [0.0]):
        aside = place * room / 2
        line = np.concatenate([points + aside * right, trace], axis=1)
        line = _ended(line, -tangent[0], tangent[-1], stroke)
        yield line[::-1] if number % 2 else line


def _ended(line: Line, before: Float[np.ndarray, "2"], after: Float[np.ndarray, "2"], stroke: Vectors) -> Line:
    """Lengthens or shortens a line at both ends, until the trace touches the outline.

    Args:
      line: the line.
      before, after: directions in which the line goes on at its start and its end.
      stroke: a single stroke.
    """
    outline = stroke.outline.astype(float)
    head, tail = (
        _room(outline - line[end, :2], onward, float(stroke.widths[end])) - line[end, 2] / 2
        for end, onward in ((0, before), (-1, after))
    )
    start = line[:1] + max(head, 0.0) * np.append(before, 0.0)
    stop = line[-1:] + max(tail, 0.0) * np.append(after, 0.0)
    longer = np.concatenate([start, line, stop])
    return cut(longer, max(-head, 0.0), float(ways(longer)[-1]) - max(-tail, 0.0))


def _room(outline: Float[np.ndarray, "k 2"], onward: Float[np.ndarray, "2"], width: float) -> float:
    """Distance from the origin to an outline in a direction, at most half a width."""
    along, across = outline @ onward, outline @ np.array([-onward[1], onward[0]])
    next_along, next_across = np.roll(along, -1), np.roll(across, -1)
    crossing = (across > 0) != (next_across > 0)
    share = across[crossing] / (across - next_across)[crossing]
    found = along[crossing] + share * (next_along - along)[crossing]
    return min(float(found.max(initial=0.0)), width / 2)


def ways(line: Float[np.ndarray, "k 3"]) -> Float[np.ndarray, "k"]:
    """Distances along a line from its start to each point."""
    return np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(line[:, :2], axis=0), axis=1))])


def at(line: Line, way: Float[np.ndarray, "m"]) -> Float[np.ndarray, "m 3"]:
    """Points at distances from the start of a line, along the line."""
    known = ways(line)
    return np.stack([np.interp(way, known, column) for column in line.T], axis=1)


def cut(line: Line, start: float, stop: float) -> Line:
    """The part of a line between two distances from its start; a point in the middle if there is none."""
    known = ways(line)
    inner = known[(known > start + _TINY) & (known < stop - _TINY)]
    return at(line, np.array([start, *inner, stop] if start < stop else [(start + stop) / 2]))


def kept(line: Line, keeps: Callable[[Line], Bool[np.ndarray, "_"]], step: float) -> Iterator[Line]:
    """Yields the parts of a line where it is kept.

    Args:
      line: the line.
      keeps: function that tells which points are kept.
      step: distance of the points that are looked at, at most.
    """
    long = float(ways(line)[-1])
    way = np.linspace(0.0, long, math.ceil(long / step) + 1)
    inside = np.concatenate([[False], keeps(at(line, way)), [False]])
    for first, after in np.flatnonzero(inside[1:] != inside[:-1]).reshape(-1, 2):
        yield cut(line, way[first], way[after - 1])


def portions(line: Line, most: float) -> Iterator[Line]:
    """Divides a line into equal parts of at most a length."""
    long = float(ways(line)[-1])
    bounds = np.linspace(0.0, long, max(1, math.ceil(long / most)) + 1)
    for start, stop in zip(bounds[:-1], bounds[1:], strict=True):
        yield cut(line, start, stop)
