"""Drawing finished strokes: at any size, tile by tile, in memory that does not grow with their number."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, UInt8

from jaxpaint import grids, images, lighting, runtime
from jaxpaint.blending import Canvas, caught, composite, composite_forward, room
from jaxpaint.brushes import BRUSHES, Brush, filled_up, nowhere, to_window
from jaxpaint.brushes.textures import Stamps, pyramid
from jaxpaint.renderers import Arrays, Engine, Model
from jaxpaint.settings import Settings

if TYPE_CHECKING:
    from jaxpaint.painting import Painting

_TILE = 32
# Tiles drawn together, and strokes listed for them at a time: fixed shapes, so that one program draws every picture.
_TOGETHER = 32
_LISTED = 64
# Long side, in pixels, of the picture that says what lies below strokes: the same for a drawing of any size.
_BELOW = 256


def draw(
    painting: Painting,
    *,
    size: int | None = None,
    wet: float | None = None,
    relief: float | None = None,
    light: float | None = None,
    gloss: float | None = None,
    ground: str | None = None,
) -> Float[np.ndarray, "h w 3"]:
    """Draws a painting by the engine, with its texture, under light.

    Args:
      painting: finished or not.
      size: long side of the drawing in pixels; None for the size it was painted at.
      wet, relief, light, gloss, ground: how paint lies and how light falls (see `Settings`); None for what the
        painting's own settings say.

    Returns:
      The drawing, in [0, 1], in the photograph's proportions.

    Raises:
      ValueError, TypeError: a size of less than a pixel; a value that the settings refuse.
    """
    asked = {"wet": wet, "relief": relief, "light": light, "gloss": gloss, "ground": ground}
    painting = relit(painting, {name: value for name, value in asked.items() if value is not None})
    return shown(painting.settings, draw_layers(painting, size=size))


def draw_flat(painting: Painting, *, size: int | None = None) -> Float[np.ndarray, "h w 3"]:
    """`draw` without light: the colours as they were fitted."""
    return draw_layers(relit(painting, {"relief": 0.0}), size=size)


def relit(painting: Painting, light: Mapping[str, Any]) -> Painting:
    """A painting under another light.

    Args:
      painting: finished or not.
      light: those of its settings `settings.LIGHT` that change.
    """
    return dataclasses.replace(painting, settings=dataclasses.replace(painting.settings, **light))


def draw_layers(painting: Painting, *, size: int | None = None) -> Float[np.ndarray, "h w c"]:
    """Colours as `draw_flat` gives them; where there is relief, a fourth channel has the height of the paint.

    Args:
      painting, size: as for `draw`.
    """
    if size is not None and size < 1:
        raise ValueError(f"expected a size of at least 1 pixel, got {size}")
    shape = images.fitted_shape(painting.height, painting.width, size or painting.settings.size)
    return _over(painting, painting.strokes, paint_below(painting), bare(painting.settings, shape))


def bare(settings: Settings, shape: tuple[int, int]) -> Float[np.ndarray, "h w c"]:
    """The canvas before the first stroke: its colour and, where there is relief, the ground's height.

    Args:
      settings: of the painting.
      shape: height and width in pixels.
    """
    canvas = np.broadcast_to(np.asarray(settings.canvas_rgb, np.float32), (*shape, 3))
    if not settings.relief:
        return canvas
    return np.concatenate([canvas, lighting.ground(settings.ground, shape)[..., None].astype(np.float32)], axis=-1)


def shown(settings: Settings, layers: Float[np.ndarray, "h w c"]) -> Float[np.ndarray, "h w 3"]:
    """Layers as `draw_layers` gives them, under the light of the settings."""
    if layers.shape[-1] == 3:
        return layers
    return lighting.shone_on(
        layers[..., :3], layers[..., 3], relief=settings.relief, light=settings.light, gloss=settings.gloss
    )


def timelapse(painting: Painting, *, size: int, frames: int) -> Iterator[UInt8[np.ndarray, "h w 3"]]:
    """The drawing of a painting, stroke by stroke.

    Args:
      painting: finished or not.
      size: long side in pixels.
      frames: how many pictures; fewer where there are fewer strokes.

    Yields:
      Pictures of 0 to 255: first the empty canvas, last the painting.
    """
    shape = images.fitted_shape(painting.height, painting.width, size)
    count, below = len(painting.strokes), paint_below(painting)
    layers = bare(painting.settings, shape)
    stops = np.unique(np.linspace(0, count, max(frames, 2)).round().astype(int))
    for before, stop in zip([0, *stops[:-1]], stops, strict=True):
        some = slice(before, stop)
        layers = _over(painting, painting.strokes[some], None if below is None else below[some], layers)
        yield images.to_bytes(shown(painting.settings, layers))


def engine_of(painting: Painting) -> Engine:
    """What draws the colours of a painting's strokes as they are seen."""
    return Engine.of(painting.settings)


def paint_below(painting: Painting) -> Float[np.ndarray, "n 4"] | None:
    """Colour and coverage of the paint below each stroke's start; None if paint is not wet.

    Read from a small drawing of dry paint.
    """
    settings, brush = painting.settings, BRUSHES[painting.brush]
    if not (settings.wet and settings.layering == "over" and brush.start and len(painting.strokes)):
        return None
    shape = images.fitted_shape(painting.height, painting.width, _BELOW)
    # The fourth channel has heights of 1: where there is paint. A bare canvas is dry.
    canvas = np.broadcast_to(np.array([*settings.canvas_rgb, 0.0], np.float32), (*shape, 4))
    tiles = _Tiles.of(brush, painting.strokes, grids.Grid(*shape, _TILE), canvas)
    start = (brush.start(painting.strokes) * max(shape)).astype(int)
    column, row = np.clip(start, 0, (shape[1] - 1, shape[0] - 1)).T
    window = row // _TILE * tiles.grid.columns + column // _TILE
    # One more, for what fills up the lists of strokes.
    row, column, window = (np.append(axis, -1) for axis in (row % _TILE, column % _TILE, window))
    # A stroke that is not listed where it starts is hardly in the picture: nothing is below it.
    found = np.zeros((len(start), 4), np.float32)
    engine, arrays = Engine.of(settings, flat=True, height=True), arrays_of(painting)
    for chosen, ids, count in tiles.groups():
        at = np.minimum(ids, len(found))
        canvas, layers = _draw_tiles_and_look(
            engine, arrays, tiles.strokes, ids, row[at], column[at], *tiles.windows(chosen), count
        )
        tiles.planes[:, chosen] = np.stack(canvas)
        here = window[at] == chosen
        found[ids[here]] = np.clip(np.stack(layers, axis=-1)[here], 0.0, 1.0)
    return found


def _over(
    painting: Painting,
    strokes: Float[np.ndarray, "n d"],
    below: Float[np.ndarray, "n 4"] | None,
    layers: Float[np.ndarray, "h w c"],
) -> Float[np.ndarray, "h w c"]:
    """A painting's strokes, with the paint below their starts, drawn over layers."""
    has_height, ground = layers.shape[-1] == 4, painting.settings.ground
    wet = 0.0 if below is None else painting.settings.wet
    engine = Engine.of(painting.settings, wet=wet, height=has_height)
    return draw_strokes(
        engine,
        strokes,
        layers.shape[:2],
        arrays=arrays_of(painting),
        canvas=layers,
        thickness=lighting.thickness(engine.brush, strokes) if has_height else None,
        below=below,
        tooth=lighting.tooth(ground, layers.shape[:2]) if engine.brush.settles and ground != "none" else None,
    )


def arrays_of(painting: Painting) -> Stamps | None:
    """The arrays of that engine: the user's own brush, if there is one."""
    return None if painting.brush_image is None else pyramid(painting.brush_image)


def draw_strokes(
    model: Model,
    strokes: Float[np.ndarray, "n d"],
    shape: tuple[int, int],
    *,
    arrays: Arrays = None,
    canvas: Float[np.ndarray, "height width c"] | tuple[float, float, float],
    thickness: Float[np.ndarray, "n 2"] | None = None,
    below: Float[np.ndarray, "n 4"] | None = None,
    tooth: Float[np.ndarray, "height width"] | None = None,
) -> Float[np.ndarray, "height width c"]:
    """Strokes drawn one over the other.

    Args:
      model: draws the strokes.
      strokes: in frame coordinates, lowest first.
      shape: height and width of the picture, in pixels.
      arrays: the model's arrays.
      canvas: what they are drawn on: a picture of that shape or a colour, in [0, 1]; with a fourth channel, the relief
        that heights are laid over.
      thickness: of each stroke's paint and ridges (see `lighting.thickness`), for a canvas of four channels.
      below: what strokes carry along, for an engine that is wet (see `paint_below`).
      tooth: of the ground, for a brush whose pigment settles on it (see `blending.caught`).

    Returns:
      The picture, in [0, 1], of as many channels.
    """
    canvas = np.asarray(canvas, np.float32)
    canvas = np.broadcast_to(canvas, (*shape, canvas.shape[-1]))
    if not len(strokes):
        return canvas.copy()
    grid = grids.Grid(*shape, _TILE)
    tiles = _Tiles.of(model.brush, strokes, grid, canvas)
    more = len(tiles.strokes) - len(strokes)
    thickness = None if thickness is None else np.pad(thickness, ((0, more), (0, 0)))
    below = None if below is None else np.pad(below, ((0, more), (0, 0)))
    own, arrays = jax.device_put(((thickness, below), arrays))
    teeth = None if tooth is None else grid.split(tooth[..., None])[0]
    for chosen, ids, count in tiles.groups():
        here = None if teeth is None else teeth[chosen]
        drawn = _draw_tiles(model, arrays, tiles.strokes, own, here, ids, *tiles.windows(chosen), count)
        tiles.planes[:, chosen] = np.stack(drawn)
    drawn_layers = grid.join(tuple(tiles.planes))
    return np.concatenate([np.clip(drawn_layers[..., :3], 0.0, 1.0), drawn_layers[..., 3:]], axis=-1)


class _Tiles(NamedTuple):
    """A picture in tiles, and the strokes that reach each.

    Attributes:
      strokes: on the device; the last ones are nowhere, and fill up lists.
      near: which of them reach which tile.
      grid: the tiles.
      planes: of the picture, by channel and tile; to be written to.
    """

    strokes: Float[Array, "m d"]
    near: grids.Reach
    grid: grids.Grid
    planes: Float[np.ndarray, "c windows tile tile"]

    @classmethod
    def of(
        cls, brush: Brush, strokes: Float[np.ndarray, "n d"], grid: grids.Grid, canvas: Float[np.ndarray, "h w c"]
    ) -> _Tiles:
        """The tiles of a canvas before these strokes."""
        # One more than there are: lists of strokes are filled up with the last.
        filled = filled_up(brush, np.concatenate([strokes, nowhere(brush, 1)]))
        near = grids.reach(brush, filled, grid, margin=1.0)
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
        for start in range(0, len(order), _TOGETHER):
            tiles = np.resize(order[start : start + _TOGETHER], _TOGETHER)
            for low in range(0, int(counts[tiles[0]]), _LISTED):
                ids = np.minimum(self.near.ids[tiles, low : low + _LISTED], last)
                ids = np.pad(ids, ((0, 0), (0, _LISTED - ids.shape[1])), constant_values=last)
                yield tiles, ids.T, min(_LISTED, int(counts[tiles[0]]) - low)


@functools.partial(jax.jit, static_argnums=0, compiler_options=runtime.COMPILER_OPTIONS)
def _draw_tiles(model, arrays, strokes, own, tooth, ids, origins, side, canvas: Canvas, count) -> Canvas:
    render = model.renderer(arrays, _TILE, softness=0.0)
    windows = to_window(model.brush, strokes[ids], origins[None], side)

    def seen(each):
        stroke, (thick, below), window = each
        drawn = render(stroke)
        if thick is not None:
            drawn = drawn._replace(height=tuple(lighting.laid(height, *thick) for height in drawn.height))
        for carried in drawn.carried:
            *color, coverage = below
            colors = zip(drawn.foreground, color, strict=True)
            drawn = drawn._replace(foreground=tuple(s + coverage * carried * (c - s) for s, c in colors))
        if tooth is not None:
            drawn = drawn._replace(
                alpha=tuple(caught(alpha, tooth[window], model.brush.settles) for alpha in drawn.alpha)
            )
        return drawn

    numbers = jnp.broadcast_to(jnp.arange(ids.shape[1]), ids.shape)
    return composite(seen, (windows, jax.tree.map(lambda leaf: leaf[ids], own), numbers), canvas, count)


@functools.partial(jax.jit, static_argnums=0, compiler_options=runtime.COMPILER_OPTIONS)
def _draw_tiles_and_look(model, arrays, strokes, ids, row, column, origins, side, canvas: Canvas, count):
    """The tiles, and the layers below each stroke at a pixel of its own: planes `[k, w]`."""
    render = model.renderer(arrays, _TILE, softness=0.0)
    windows = to_window(model.brush, strokes[ids], origins[None], side)
    canvas, below = composite_forward(render, windows, canvas, count, room(canvas, len(ids)))
    k, w = jnp.indices(ids.shape)
    return canvas, tuple(plane[k, w, row, column] for plane in below)
