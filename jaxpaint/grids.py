"""Pictures as windows: square tiles of pixels, and which strokes reach which of them.

A picture lies in the top left of the *frame*, the square whose side is the picture's long side; a window is one tile of
it. Strokes live in frame coordinates, and each window draws the strokes that reach it in its own coordinates.
"""

from __future__ import annotations

import dataclasses
import functools
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from jaxpaint.brushes import Brush, filled_up

# Tiles whose strokes are looked for together, at least: one program for all small pictures.
_LEAST_CENTRES = 1024


@dataclasses.dataclass(frozen=True)
class Grid:
    """A picture of `height` × `width` pixels in square tiles of `tile`, row by row; the last ones are padded."""

    height: int
    width: int
    tile: int

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
        """Side of a tile, in frame units."""
        return self.tile / max(self.height, self.width)

    @property
    def origins(self) -> Float[np.ndarray, "windows 2"]:
        """Top left corners (x, y) of the tiles, in frame coordinates."""
        y, x = np.mgrid[: self.rows, : self.columns]
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


class Reach(NamedTuple):
    """Which strokes each window has to draw.

    Attributes:
      ids: indices of strokes in drawing order, lowest first; n, one past the last stroke, where there is none.
      counts: how many there are.
    """

    ids: Int[np.ndarray, "windows most"]
    counts: Int[np.ndarray, "windows"]


def reach(
    brush: Brush,
    strokes: Float[np.ndarray, "n d"],
    grid: Grid,
    *,
    margin: float,
    first: int = 0,
    most: int | None = None,
    pairs: int = 2**21,
) -> Reach:
    """Lists the strokes that reach each tile.

    Args:
      brush: whose `distance` says where strokes are.
      strokes: in frame coordinates.
      grid: the tiles.
      margin: how far beyond its silhouette a stroke may act, in pixels: antialiasing, softness, movement.
      first: strokes below this one are not listed.
      most: where more than this many reach a tile, the lowest are left out; None for no limit.
      pairs: of a tile and a stroke that are looked at together; bounds the memory.

    Returns:
      Lists as long as the longest.
    """
    threshold = grid.side * (np.sqrt(0.5) + margin / grid.tile)
    centres = grid.origins + grid.side / 2
    all_strokes = jax.device_put(filled_up(brush, strokes))
    chunk = max(1, min(pairs // len(all_strokes), rounded_up(len(centres), _LEAST_CENTRES)))
    # The last chunk is filled up with centres that are not looked at.
    chunks = np.resize(centres, (-(-len(centres) // chunk) * chunk, 2)).reshape(-1, chunk, 2)
    found = []
    for start, some in zip(range(0, len(centres), chunk), chunks, strict=True):
        near = np.asarray(_near(brush, all_strokes, some, threshold))
        window, stroke = np.nonzero(near[: len(centres) - start, first : len(strokes)])
        found.append((window + start, stroke + first))
    window, stroke = (np.concatenate(part) for part in zip(*found, strict=True))
    counts = np.bincount(window, minlength=len(centres))
    # How many strokes of the same window lie above this one.
    above = np.cumsum(counts)[window] - 1 - np.arange(len(window))
    most = int(max(counts.max(initial=0), 1)) if most is None else most
    kept = above < most
    window, stroke, above = window[kept], stroke[kept], above[kept]
    counts = np.minimum(counts, most)
    ids = np.full((len(centres), most), len(strokes), np.int32)
    ids[window, counts[window] - 1 - above] = stroke
    return Reach(ids, counts.astype(np.int32))


@functools.partial(jax.jit, static_argnums=0)
def _near(
    brush: Brush,
    strokes: Float[Array, "n d"],
    centres: Float[Array, "windows 2"],
    threshold: Float[Array, ""],
) -> Bool[Array, "windows n"]:
    to_all = jax.vmap(brush.distance, in_axes=(0, None))
    return jax.vmap(to_all, in_axes=(None, 0))(strokes, centres) <= threshold
