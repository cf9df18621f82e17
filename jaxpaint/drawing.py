"""Drawing finished strokes: at any size, tile by tile, in memory that does not grow with their number."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import TYPE_CHECKING

import jax
import numpy as np
from jaxtyping import Float, UInt8

from jaxpaint import grids, images, runtime
from jaxpaint.blending import Canvas, composite
from jaxpaint.brushes import BRUSHES, filled_up, nowhere, to_window
from jaxpaint.brushes.textures import pyramid
from jaxpaint.renderers import Arrays, Engine, Model

if TYPE_CHECKING:
    from jaxpaint.painting import Painting

_TILE = 32
# Tiles drawn together, and strokes listed for them at a time: fixed shapes, so that one program draws every picture.
_TOGETHER = 32
_LISTED = 64


def draw(painting: Painting, *, size: int | None = None) -> Float[np.ndarray, "h w 3"]:
    """Draws a painting by the engine, with its texture.

    Args:
      painting: finished or not.
      size: long side of the drawing in pixels; None for the size it was painted at.

    Returns:
      The drawing, in [0, 1], in the photograph's proportions.

    Raises:
      ValueError: a size of less than a pixel.
    """
    if size is not None and size < 1:
        raise ValueError(f"expected a size of at least 1 pixel, got {size}")
    shape = images.fitted_shape(painting.height, painting.width, size or painting.settings.size)
    return draw_strokes(
        engine_of(painting),
        painting.strokes,
        shape,
        arrays=arrays_of(painting),
        canvas=painting.canvas_color,
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
    count = len(painting.strokes)
    canvas = np.broadcast_to(np.asarray(painting.canvas_color, np.float32), (*shape, 3))
    stops = np.unique(np.linspace(0, count, max(frames, 2)).round().astype(int))
    for before, stop in zip([0, *stops[:-1]], stops, strict=True):
        new = painting.strokes[before:stop]
        canvas = draw_strokes(engine_of(painting), new, shape, arrays=arrays_of(painting), canvas=canvas)
        yield np.round(canvas * 255).astype(np.uint8)


def engine_of(painting: Painting) -> Engine:
    """What draws a painting's strokes as they are seen."""
    return Engine(BRUSHES[painting.brush], painting.settings.texture)


def arrays_of(painting: Painting) -> Float[np.ndarray, "levels across along 2"] | None:
    """The arrays of that engine: the user's own brush, if there is one."""
    return None if painting.brush_image is None else pyramid(painting.brush_image)


def draw_strokes(
    model: Model,
    strokes: Float[np.ndarray, "n d"],
    shape: tuple[int, int],
    *,
    arrays: Arrays = None,
    canvas: Float[np.ndarray, "height width 3"] | tuple[float, float, float],
) -> Float[np.ndarray, "height width 3"]:
    """Strokes drawn one over the other.

    Args:
      model: draws the strokes.
      strokes: in frame coordinates, lowest first.
      shape: height and width of the picture, in pixels.
      arrays: the model's arrays.
      canvas: what they are drawn on: a picture of that shape or a colour, in [0, 1].

    Returns:
      The picture, in [0, 1].
    """
    canvas = np.broadcast_to(np.asarray(canvas, np.float32), (*shape, 3))
    if not len(strokes):
        return canvas.copy()
    grid = grids.Grid(*shape, _TILE)
    # One more than there are: lists of strokes are filled up with the last.
    strokes = filled_up(model.brush, np.concatenate([strokes, nowhere(model.brush, 1)]))
    near = grids.reach(model.brush, strokes, grid, margin=1.0)
    # Once, for all tiles; `jnp.asarray` would compile a program for it.
    on_device = jax.device_put(strokes)
    planes = np.stack(grid.split(canvas))
    # Tiles that as many strokes reach are drawn together, so that none waits for another.
    order = np.argsort(-near.counts, kind="stable")
    for start in range(0, len(order), _TOGETHER):
        chosen = order[start : start + _TOGETHER]
        tiles = np.resize(chosen, _TOGETHER)
        for low in range(0, int(near.counts[chosen[0]]), _LISTED):
            ids = np.minimum(near.ids[tiles, low : low + _LISTED], len(strokes) - 1)
            ids = np.pad(ids, ((0, 0), (0, _LISTED - ids.shape[1])), constant_values=len(strokes) - 1)
            count = min(_LISTED, int(near.counts[chosen[0]]) - low)
            drawn = _draw_tiles(
                model,
                arrays,
                on_device,
                ids.T,
                grid.origins[tiles],
                grid.side,
                tuple(planes[:, tiles]),
                count,
                0.0,
            )
            planes[:, tiles] = np.stack(drawn)
    return np.clip(grid.join(tuple(planes)), 0.0, 1.0)


@functools.partial(jax.jit, static_argnums=0, compiler_options=runtime.COMPILER_OPTIONS)
def _draw_tiles(model, arrays, strokes, ids, origins, side, canvas: Canvas, count, softness) -> Canvas:
    render = model.renderer(arrays, _TILE, softness=softness)
    return composite(render, to_window(model.brush, strokes[ids], origins[None], side), canvas, count)
