"""Placing new strokes: where the canvas is wrong, along the picture's edges, in its colours."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from jaxpaint import directions, pictures
from jaxpaint.brushes import Brush, from_window

# How many pixels of the picture, shrunk to place strokes on, a stroke is wide.
_CELLS_PER_STROKE = 3.0
# Length over width of strokes where the picture's direction is unsure and, unless told otherwise, where it is sure.
_UNSURE, SURE = 2.2, 3.0
# Standard deviation of headings, in radians, where the direction is sure, and the addition where it is unsure.
_SPREAD, _MORE_SPREAD = 0.08, 0.8
# Sizes of new strokes fall with this power of the weight.
_SMALLER = 0.25
# Alpha of new strokes that cover, and of glazes: pigment has room to pool and to grow denser.
_OPAQUE, _FILM = 0.95, 0.7


class Limits(NamedTuple):
    """Least and greatest full width of a stroke, in canvas units."""

    least: float
    greatest: float


class Layout(NamedTuple):
    """How new strokes are laid.

    Attributes:
      size: side of the square of a typical stroke's area, in canvas units.
      limits: of the strokes' widths.
      aspect: length over width of strokes where the direction is sure; the excess over 3 falls with the importance.
      upright: leaves them unturned.
      layering: how strokes lie over the canvas, "over" or "glaze".
      cells: gives each cell of a cells × cells division its share of the strokes, whatever its error.
      even: spreads strokes evenly, whatever the error.
    """

    size: float
    limits: Limits = Limits(0.0, 1.0)
    aspect: float = SURE
    upright: bool = False
    layering: str = "over"
    cells: int | None = None
    even: bool = False


def stroke_size(shape: tuple[int, int], count: int, *, cover: float = 2.0, share: float = 1.0) -> float:
    """Side, in canvas units, of the square that each of `count` strokes fills to cover a picture `cover` times.

    Args:
      shape: height and width of the picture; only their proportions count.
      count: number of strokes.
      cover: how many times they cover it.
      share: of the picture, if only a part is covered.
    """
    height, width = shape
    return float(np.sqrt(cover * share * height * width / count) / max(height, width))


def place(
    brush: Brush,
    target: Float[np.ndarray, "height width 3"],
    canvas: Float[np.ndarray, "height width 3"],
    count: int,
    layout: Layout,
    *,
    rng: np.random.Generator,
    importance: Float[np.ndarray, "height width"] | None = None,
    region: Float[np.ndarray, "height width"] | None = None,
    form: directions.Field | None = None,
) -> Float[np.ndarray, "count d"]:
    """New strokes, in random order.

    Their positions are drawn with a probability that grows with the square of the canvas's error there, evenly spread;
    they follow the target's forms, the surer the direction the longer, and take the target's colour. Glazes lie where
    the canvas is too light alone, and take the colour that makes it the target's.

    Args:
      brush: whose strokes to make.
      target: in [0, 1].
      canvas: the painting so far, in [0, 1].
      count: how many.
      layout: how large and long they are, and how they lie.
      rng: for positions, sizes and angles.
      importance: weight of each pixel in the loss, of mean 1: strokes are more and smaller where it is large.
      region: where new strokes may lie, in [0, 1], somewhere above 0; None for anywhere.
      form: directions to follow; None for the target's own.

    Returns:
      Strokes in canvas coordinates.
    """
    height, width, _ = target.shape
    glazed, aspect = layout.layering == "glaze", layout.aspect
    longest = max(height, width)
    cells = int(np.clip(np.ceil(_CELLS_PER_STROKE / layout.size), 4, longest)) if longest > 4 else longest
    shape = pictures.fitted_shape(height, width, cells)
    colors = pictures.resize(target, shape)
    wrong, alpha = np.abs(target - canvas), _OPAQUE
    if glazed:
        wrong, alpha = np.maximum(canvas - target, 0.0), _FILM
    error = _blurred(pictures.resize(wrong, shape).sum(axis=-1))
    field = pictures.resize(directions.form(target) if form is None else form, shape)
    if glazed:
        passed = colors / np.maximum(pictures.resize(canvas, shape), 1e-3)
        colors = np.clip(1.0 - (1.0 - passed) / alpha, 0.0, 1.0)
    weight = np.ones(shape) if importance is None else pictures.resize(importance[..., None], shape)[..., 0]

    likelihood = np.ones(shape) if layout.even else weight * (error**2 + 1e-6)
    if region is not None:
        likelihood = likelihood * pictures.resize(region[..., None], shape)[..., 0]
    cell = _draw_cells(likelihood, count, rng, layout.cells)
    y, x = np.divmod(cell, shape[1])
    extent = np.array([width, height]) / longest
    position = (np.stack([x, y], axis=1) + rng.uniform(size=(count, 2))) / shape[::-1] * extent
    towards, color = field[y, x], colors[y, x]
    sure = np.linalg.norm(towards, axis=1)
    heading = directions.angle(towards) + rng.normal(size=count) * (_SPREAD + _MORE_SPREAD * (1 - sure) ** 2)
    if layout.upright:
        heading = np.full(count, np.pi / 2)
    side = layout.size * rng.uniform(0.7, 1.3, count) / weight[y, x] ** _SMALLER
    width = side / np.sqrt(_UNSURE + (aspect - _UNSURE) * sure)
    longer = np.maximum(aspect - SURE, 0.0)
    stretch = _UNSURE + (aspect - longer + longer / np.maximum(weight[y, x], 1.0) - _UNSURE) * sure
    width = np.clip(width, *layout.limits)
    parts = (position, heading, width * stretch, width, color, np.full(count, alpha))
    strokes = brush.lay(*(np.asarray(part, np.float32) for part in parts)).astype(np.float32)
    return grained(brush, strokes[rng.permutation(count)], rng)


def grained(brush: Brush, strokes: Float[np.ndarray, "n d"], rng: np.random.Generator) -> Float[np.ndarray, "n d"]:
    """The strokes, each with a grain of its own, if the brush has one."""
    grain = brush.index("grain")
    strokes[:, grain] = rng.uniform(size=(len(strokes), len(grain)))
    return strokes


def place_in_blocks(
    brush: Brush,
    target: Float[np.ndarray, "height width 3"],
    canvas: Float[np.ndarray, "height width 3"],
    count: int,
    *,
    rng: np.random.Generator,
    block: int,
) -> Float[np.ndarray, "count d"]:
    """New strokes as Stylized Neural Painting (arXiv:2011.08114) places them: at most one in each block, by chance.

    In its block, a position's probability is the 4th power of the blurred error there. The colour is the target's,
    sizes are 0.1 to 0.25 of the block; brushes of one colour begin unturned, and let a little more through.

    Args:
      brush, target, canvas, rng: as for `place`.
      count: how many; not more than there are blocks.
      block: side of the square blocks, in pixels.

    Returns:
      Strokes in canvas coordinates, their blocks in random order.
    """
    height, width, _ = target.shape
    rows, columns = -(-height // block), -(-width // block)
    error = np.abs(target - canvas).sum(axis=-1)
    corners = block * np.stack(np.divmod(rng.permutation(rows * columns)[:count], columns), axis=1)
    chosen = []
    for top, left in corners:
        within = error[top : top + block, left : left + block]
        likelihood = (_box_blurred(within, max(block // 8, 1)) ** 4).ravel() + 1e-12
        chosen.append(np.divmod(rng.choice(within.size, p=likelihood / likelihood.sum()), within.shape[1]))
    spots = np.array(chosen, int)
    row, column = (corners + spots).T
    two_colored = len(brush.index("color")) > 3
    strokes = np.full((count, brush.dim), 0.5, np.float32)
    for axis, at in (("y", 0), ("x", 1)):
        strokes[:, brush.index(axis)] = (spots[:, at, None] + 0.5) / block
    strokes[:, brush.index("size")] = rng.uniform(0.1, 0.25, (count, len(brush.index("size"))))
    strokes[:, brush.index("angle")] = rng.uniform(0, two_colored, (count, len(brush.index("angle"))))
    strokes[:, brush.index("color")] = np.tile(target[row, column], len(brush.index("color")) // 3)
    strokes[:, -1] = rng.uniform(0.98, 1.0, count) if two_colored else rng.uniform(0.8, 0.98, count)
    strokes = grained(brush, strokes, rng)
    longest = max(height, width)
    origins = (corners[:, ::-1] / longest).astype(np.float32)
    return from_window(brush, strokes, origins, block / longest)


def _box_blurred(values: Float[np.ndarray, "rows columns"], size: int) -> Float[np.ndarray, "rows columns"]:
    """Box blur over size × size pixels; the padding repeats the edge."""
    for axis in (0, 1):
        pad = np.pad(values, [((size - 1) // 2, size // 2) if a == axis else (0, 0) for a in (0, 1)], mode="edge")
        values = np.lib.stride_tricks.sliding_window_view(pad, size, axis=axis).mean(axis=-1)
    return values


def _draw_cells(
    likelihood: Float[np.ndarray, "rows columns"],
    count: int,
    rng: np.random.Generator,
    blocks: int | None,
) -> Int[np.ndarray, "count"]:
    """Indices of cells, drawn by systematic sampling: a cell of twice the likelihood comes twice as often."""
    if blocks is None:
        cumulative = np.cumsum(likelihood.ravel())
        at = (np.arange(count) + rng.uniform(size=count)) / count * cumulative[-1]
        return np.minimum(np.searchsorted(cumulative, at), likelihood.size - 1)
    rows, columns = likelihood.shape
    row, column = np.indices(likelihood.shape)
    block = (row * blocks // rows) * blocks + column * blocks // columns
    present = np.unique(block[likelihood > 0])
    share = np.full(len(present), count // len(present))
    share[rng.permutation(len(present))[: count % len(present)]] += 1
    chosen = []
    for index, n in zip(present, share, strict=True):
        cells = np.flatnonzero(block == index)
        chosen.append(cells[_draw_cells(likelihood.ravel()[cells][None], int(n), rng, None)])
    return np.concatenate(chosen)


def _blurred(values: Float[np.ndarray, "rows columns"]) -> Float[np.ndarray, "rows columns"]:
    """Binomial blur over 3 × 3 pixels."""
    for axis in (0, 1):
        pad = np.pad(values, [(1, 1) if a == axis else (0, 0) for a in (0, 1)], mode="edge")
        low, mid, high = (np.take(pad, np.arange(values.shape[axis]) + i, axis) for i in range(3))
        values = (low + 2 * mid + high) / 4
    return values
