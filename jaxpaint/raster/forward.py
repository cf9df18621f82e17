"""Strokes drawn without a gradient: at any size, tile by tile, in memory that does not grow with their number."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from jaxpaint import runtime
from jaxpaint.brushes import Brush, Stroke, nowhere, padded, to_window
from jaxpaint.raster import lighting
from jaxpaint.raster.compositing import caught, composite, composite_forward, room
from jaxpaint.raster.tiling import Bins, Grid, bin_strokes
from jaxpaint.renderers import Model

_TILE = 32
# Tiles drawn together, in small pictures and in others, and strokes listed for them at a time: fixed shapes, so that
# one program draws every picture.
_FEW, _TOGETHER = 8, 32
_LISTED = 64


def draw_strokes(
    model: Model,
    strokes: Float[np.ndarray, "n d"],
    shape: tuple[int, int],
    *,
    canvas: Float[np.ndarray, "height width c"] | tuple[float, float, float],
    out: Float[np.ndarray, "height width c"] | None = None,
    thickness: Float[np.ndarray, "n 2"] | None = None,
    below: Float[np.ndarray, "n 4"] | None = None,
    tooth: Float[np.ndarray, "height width"] | None = None,
) -> Float[np.ndarray, "height width c"]:
    """Strokes drawn one over the other.

    Args:
      model: draws the strokes.
      strokes: in canvas coordinates, lowest first.
      shape: height and width of the picture, in pixels.
      canvas: the picture below the strokes, of that shape, or one colour, in [0, 1]. A fourth channel is the relief
        that heights are laid over.
      out: where the picture is written to, which may be the canvas itself; None for a new array.
      thickness: of each stroke's paint and ridges (see `lighting.thickness`), for a canvas of four channels.
      below: colour and coverage of the paint that each stroke drags along, for a wet engine (see `paint_below`).
      tooth: of the ground, for a brush whose pigment settles on it (see `compositing.caught`).

    Returns:
      The picture, in [0, 1], with the channels of the canvas.
    """
    canvas = np.asarray(canvas, np.float32)
    canvas = np.broadcast_to(canvas, (*shape, canvas.shape[-1]))
    picture = np.empty(canvas.shape, np.float32) if out is None else out
    if not len(strokes):
        picture[...] = canvas
        return picture
    filled = _filled(model.brush, strokes)
    more = len(filled) - len(strokes)
    thickness = None if thickness is None else np.pad(thickness, ((0, more), (0, 0)))
    below = None if below is None else np.pad(below, ((0, more), (0, 0)))
    own, model = jax.device_put(((thickness, below), model))
    for rows, grid in Grid(*shape, _TILE).bands():
        tiles = _Tiles.of(model.brush, filled, grid, canvas[rows])
        teeth = None if tooth is None else grid.split(tooth[rows, :, None])[0]
        for chosen, ids, count in tiles.groups():
            here = None if teeth is None else teeth[chosen]
            drawn = _draw_tiles(model, tiles.strokes, own, here, ids, tiles.windows(chosen), count)
            tiles.planes[:, chosen] = np.stack(drawn)
        band = picture[rows]
        band[...] = grid.join(tuple(tiles.planes))
        np.clip(band[..., :3], 0.0, 1.0, out=band[..., :3])
    return picture


def look_below(
    model: Model,
    strokes: Float[np.ndarray, "n d"],
    places: Float[np.ndarray, "n 2"],
    canvas: Float[np.ndarray, "height width c"],
) -> Float[np.ndarray, "n c"]:
    """The canvas below each stroke, at one place per stroke.

    Args:
      model: draws the strokes.
      strokes: in canvas coordinates, lowest first.
      places: x and y, in canvas coordinates.
      canvas: the picture below the strokes.
    """
    height, width, channels = canvas.shape
    tiles = _Tiles.of(model.brush, _filled(model.brush, strokes), Grid(height, width, _TILE), canvas)
    at = (places * max(height, width)).astype(int)
    column, row = np.clip(at, 0, (width - 1, height - 1)).T
    window = row // _TILE * tiles.grid.columns + column // _TILE
    # One more, for the padding of the lists of strokes.
    row, column, window = (np.append(axis, -1) for axis in (row % _TILE, column % _TILE, window))
    # A stroke that is not listed there is hardly in the picture: nothing is below it.
    found = np.zeros((len(at), channels), np.float32)
    for chosen, ids, count in tiles.groups():
        which = np.minimum(ids, len(found))
        pixels = row[which], column[which]
        drawn, layers = _draw_tiles_and_look(model, tiles.strokes, ids, pixels, tiles.windows(chosen), count)
        tiles.planes[:, chosen] = np.stack(drawn)
        here = window[which] == chosen
        found[ids[here]] = np.clip(np.stack(layers, axis=-1)[here], 0.0, 1.0)
    return found


def _filled(brush: Brush, strokes: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "m d"]:
    """Appends strokes that draw nothing, at least one, which fill up the tiles' lists of strokes."""
    return padded(brush, np.concatenate([strokes, nowhere(brush, 1)]))


class _Tiles(NamedTuple):
    """A picture in tiles, and the strokes that reach each.

    Attributes:
      strokes: on the device; the last ones are nowhere, and fill up lists.
      near: which of them reach which tile.
      grid: the tiles.
      planes: of the picture, by channel and tile; to be written to.
    """

    strokes: Float[Array, "m d"]
    near: Bins
    grid: Grid
    planes: Float[np.ndarray, "c windows tile tile"]

    @classmethod
    def of(
        cls, brush: Brush, filled: Float[np.ndarray, "m d"], grid: Grid, canvas: Float[np.ndarray, "h w c"]
    ) -> _Tiles:
        """The tiles of a canvas before these strokes, filled up by `_filled`."""
        near = bin_strokes(brush, filled, grid, margin=1.0)
        # Once, for all tiles; `jnp.asarray` would compile a program for it.
        return cls(jax.device_put(filled), near, grid, np.stack(grid.split(canvas)))

    def windows(self, chosen: Int[np.ndarray, "w"]) -> tuple[Float[np.ndarray, "w 2"], float, tuple[np.ndarray, ...]]:
        """Origins and side of some tiles, and their planes."""
        return self.grid.origins[chosen], self.grid.side, tuple(self.planes[:, chosen])

    def groups(self) -> Iterator[tuple[Int[np.ndarray, "w"], Int[np.ndarray, "k w"], int]]:
        """Yields tiles to draw together, indices of their strokes, lowest first, and the greatest number of those.

        Tiles that equally many strokes reach come together, so that none waits for another.
        """
        counts, last = self.near.counts, len(self.strokes) - 1
        order = np.argsort(-counts, kind="stable")
        together = _FEW if len(order) <= _FEW else _TOGETHER
        for start in range(0, len(order), together):
            tiles = np.resize(order[start : start + together], together)
            for low in range(0, int(counts[tiles[0]]), _LISTED):
                ids = np.minimum(self.near.ids[tiles, low : low + _LISTED], last)
                ids = np.pad(ids, ((0, 0), (0, _LISTED - ids.shape[1])), constant_values=last)
                yield tiles, ids.T, min(_LISTED, int(counts[tiles[0]]) - low)


def in_place(
    stroke: Stroke,
    thickness: Float[Array, "2"] | None,
    below: Float[Array, "4"] | None,
    tooth: Float[Array, "size size"] | None,
    settles: str,
) -> Stroke:
    """A stroke as it lies on a canvas: as thick as its paint is, with paint from below, and caught by the ground.

    Args:
      stroke: planes of a renderer.
      thickness, below, tooth: of this stroke, as for `draw_strokes`; None for a stroke without.
      settles: where the brush's pigment settles (see `compositing.caught`).
    """
    if thickness is not None:
        stroke = stroke._replace(height=tuple(lighting.laid(height, *thickness) for height in stroke.height))
    if below is not None:
        *color, coverage = below
        for carried in stroke.carried:
            colors = zip(stroke.foreground, color, strict=True)
            stroke = stroke._replace(foreground=tuple(s + coverage * carried * (c - s) for s, c in colors))
    if tooth is not None:
        stroke = stroke._replace(alpha=tuple(caught(alpha, tooth, settles) for alpha in stroke.alpha))
    return stroke


@functools.partial(jax.jit, compiler_options=runtime.COMPILER_OPTIONS)
def _draw_tiles(model: Model, strokes: Any, own: Any, tooth: Any, ids: Any, tiles: Any, count: Any) -> Any:
    origins, side, canvas = tiles
    render = model.renderer(_TILE, softness=0.0)
    windows = to_window(model.brush, strokes[ids], origins[None], side)

    def seen(each: Any) -> Stroke:
        stroke, (thick, below), window = each
        return in_place(render(stroke), thick, below, None if tooth is None else tooth[window], model.brush.settles)

    numbers = jnp.broadcast_to(jnp.arange(ids.shape[1]), ids.shape)
    return composite(seen, (windows, jax.tree.map(lambda leaf: leaf[ids], own), numbers), canvas, count)


@functools.partial(jax.jit, compiler_options=runtime.COMPILER_OPTIONS)
def _draw_tiles_and_look(model: Model, strokes: Any, ids: Any, pixels: Any, tiles: Any, count: Any) -> Any:
    """The tiles, and the layers below each stroke at a pixel of its own: planes `[k, w]`."""
    origins, side, canvas = tiles
    render = model.renderer(_TILE, softness=0.0)
    windows = to_window(model.brush, strokes[ids], origins[None], side)
    canvas, below = composite_forward(render, windows, canvas, count, room(canvas, len(ids)))
    k, w = jnp.indices(ids.shape)
    return canvas, tuple(plane[k, w, *pixels] for plane in below)
