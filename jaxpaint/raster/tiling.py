"""Pictures in square tiles of pixels, and binning: which strokes reach which of them.

A picture lies in the top left of the *canvas*, the square whose side is the picture's long side; a window is one tile
of it. Strokes live in canvas coordinates, and each window draws the strokes that reach it in its own coordinates.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from jaxpaint import pictures
from jaxpaint.brushes import Brush, padded

# Pairs of a tile and a stroke that are looked at together, at least: one program for all small pictures.
_LEAST_PAIRS = 2**14


@dataclasses.dataclass(frozen=True)
class Grid:
    """A picture in square tiles, row by row, or a band of one; the last tiles are padded.

    Attributes:
      height, width: size of the picture or of the band, in pixels.
      tile: side of a tile, in pixels.
      top: rows of tiles above the band.
      longest: long side of the whole picture, in pixels; 0 if this is the whole.
    """

    height: int
    width: int
    tile: int
    top: int = 0
    longest: int = 0

    def bands(self) -> Iterator[tuple[slice, Grid]]:
        """Divides the picture into bands (see `pictures.bands`); yields each band's rows and tiles."""
        longest = max(self.height, self.width)
        for rows in pictures.bands(self.height, self.width, multiple=self.tile):
            yield rows, Grid(rows.stop - rows.start, self.width, self.tile, rows.start // self.tile, longest)

    @property
    def rows(self) -> int:
        """How many tiles stand one above the other."""
        return -(-self.height // self.tile)

    @property
    def columns(self) -> int:
        """How many tiles stand side by side."""
        return -(-self.width // self.tile)

    @property
    def side(self) -> float:
        """Side of a tile, in canvas units."""
        return self.tile / (self.longest or max(self.height, self.width))

    @property
    def origins(self) -> Float[np.ndarray, "windows 2"]:
        """Top left corners (x, y) of the tiles, in canvas coordinates."""
        y, x = np.mgrid[self.top : self.top + self.rows, : self.columns]
        return (np.stack([x.ravel(), y.ravel()], axis=1) * self.side).astype(np.float32)

    def split(self, picture: Float[np.ndarray, "height width channels"]) -> tuple[np.ndarray, ...]:
        """The picture's channels, each as tiles `[windows, tile, tile]`; padding repeats the edge."""
        rows, columns, tile = self.rows, self.columns, self.tile
        below, right = rows * tile - self.height, columns * tile - self.width
        padded = np.pad(picture, ((0, below), (0, right), (0, 0)), mode="edge")
        tiles = padded.reshape(rows, tile, columns, tile, -1).transpose(4, 0, 2, 1, 3)
        return tuple(tiles.reshape(-1, rows * columns, tile, tile))

    def join(self, planes: tuple[np.ndarray, ...]) -> Float[np.ndarray, "height width channels"]:
        """The inverse of `split`."""
        tiles = np.stack([np.asarray(plane) for plane in planes], axis=-1)
        tiles = tiles.reshape(self.rows, self.columns, self.tile, self.tile, -1).transpose(0, 2, 1, 3, 4)
        whole = tiles.reshape(self.rows * self.tile, self.columns * self.tile, -1)
        return whole[: self.height, : self.width]

    def inside(self) -> Float[np.ndarray, "windows tile tile"]:
        """1 for pixels of the picture, 0 for padding."""
        tiles = self.rows * self.tile, self.columns * self.tile
        mask = np.zeros(tiles, np.float32)
        mask[: self.height, : self.width] = 1
        return Grid(*tiles, self.tile).split(mask[..., None])[0]


def rounded_up(count: int, size: int) -> int:
    """To `size` or that times a power of two, so that pictures and levels share their compiled programs."""
    while size < count:
        size *= 2
    return size


class Bins(NamedTuple):
    """Which strokes each window has to draw.

    Attributes:
      ids: indices of strokes in drawing order, lowest first; n, one past the last stroke, where there is none.
      counts: how many there are.
    """

    ids: Int[np.ndarray, "windows most"]
    counts: Int[np.ndarray, "windows"]


def bin_strokes(
    brush: Brush,
    strokes: Float[np.ndarray, "n d"],
    grid: Grid,
    *,
    margin: float,
    first: int = 0,
    most: int | None = None,
    pairs: int = 2**21,
) -> Bins:
    """Lists the strokes that reach each tile.

    Args:
      brush: whose `distance` says where strokes are.
      strokes: in canvas coordinates.
      grid: the tiles.
      margin: how far beyond its silhouette a stroke may act, in pixels: antialiasing, softness, movement.
      first: strokes below this one are not listed.
      most: where more than this many reach a tile, the lowest are left out; None for no limit.
      pairs: of a tile and a stroke that are looked at together; bounds the memory.

    Returns:
      Lists as long as the longest.
    """
    threshold = grid.side * (np.sqrt(0.5) + margin / grid.tile)
    window, stroke = _close(brush, strokes, grid, threshold, first)
    near = np.zeros(len(window), bool)
    all_strokes = jax.device_put(padded(brush, strokes))
    centres = grid.origins + grid.side / 2
    for start in range(0, len(window), pairs):
        some = slice(start, start + pairs)
        # Padded, to limit recompilation.
        count = rounded_up(len(window[some]), _LEAST_PAIRS)
        which, where = np.resize(stroke[some], count), centres[np.resize(window[some], count)]
        near[some] = np.asarray(_near(brush, all_strokes, which, where, threshold))[: len(window[some])]
    window, stroke = window[near], stroke[near]
    counts = np.bincount(window, minlength=len(centres))
    # How many strokes of the same window lie above this one.
    above = np.cumsum(counts)[window] - 1 - np.arange(len(window))
    most = int(max(counts.max(initial=0), 1)) if most is None else most
    kept = above < most
    window, stroke, above = window[kept], stroke[kept], above[kept]
    counts = np.minimum(counts, most)
    ids = np.full((len(centres), most), len(strokes), np.int32)
    ids[window, counts[window] - 1 - above] = stroke
    return Bins(ids, counts.astype(np.int32))


def _close(
    brush: Brush, strokes: Float[np.ndarray, "n d"], grid: Grid, threshold: float, first: int
) -> tuple[Int[np.ndarray, "pairs"], Int[np.ndarray, "pairs"]]:
    """Windows and strokes, in pairs, where the window's centre is within `threshold` of the stroke's bounding box.

    Sorted by window, then by stroke.
    """
    above = np.array([0, grid.top], np.float32)
    low, high = (box / grid.side - above for box in brush.bounding_boxes(strokes[first:]))
    grown = threshold / grid.side + 0.5
    most = (grid.columns, grid.rows)
    start, end = (np.clip(edge, 0, most).astype(int) for edge in (np.ceil(low - grown), np.floor(high + grown)))
    columns, rows = np.maximum(end - start, 0).T
    tiles = columns * rows
    stroke = np.repeat(np.arange(len(tiles)), tiles)
    # Index of each tile within its stroke's box.
    number = np.arange(len(stroke)) - np.repeat(np.cumsum(tiles) - tiles, tiles)
    row, column = np.divmod(number, columns[stroke])
    window = (start[stroke, 1] + row) * grid.columns + start[stroke, 0] + column
    order = np.argsort(window, kind="stable")
    return window[order], stroke[order] + first


@functools.partial(jax.jit, static_argnums=0)
def _near(
    brush: Brush,
    strokes: Float[Array, "n d"],
    which: Int[Array, "pairs"],
    centres: Float[Array, "pairs 2"],
    threshold: Float[Array, ""],
) -> Bool[Array, "pairs"]:
    return jax.vmap(brush.distance)(strokes[which], centres) <= threshold
