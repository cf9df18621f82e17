"""Drawing finished strokes: at any size, tile by tile, in memory that does not grow with their number."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, UInt8

from jaxpaint import grids, images, lighting, runtime
from jaxpaint.blending import Canvas, caught, composite
from jaxpaint.brushes import filled_up, nowhere, padded_length, to_window
from jaxpaint.brushes.textures import pyramid
from jaxpaint.renderers import Arrays, Engine, Model
from jaxpaint.settings import Settings

if TYPE_CHECKING:
    from jaxpaint.painting import Painting

_TILE = 32
# Tiles drawn together, and strokes listed for them at a time: fixed shapes, so that one program draws every picture.
_TOGETHER = 32
_LISTED = 64


def draw(
    painting: Painting,
    *,
    size: int | None = None,
    relief: float | None = None,
    light: float | None = None,
    gloss: float | None = None,
    ground: str | None = None,
) -> Float[np.ndarray, "h w 3"]:
    """Draws a painting by the engine, with its texture, under light.

    Args:
      painting: finished or not.
      size: long side of the drawing in pixels; None for the size it was painted at.
      relief, light, gloss, ground: of the light (see `Settings`); None for what the painting's own settings say.

    Returns:
      The drawing, in [0, 1], in the photograph's proportions.

    Raises:
      ValueError, TypeError: a size of less than a pixel; a value that the settings refuse.
    """
    asked = {"relief": relief, "light": light, "gloss": gloss, "ground": ground}
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
    return _over(painting, painting.strokes, bare(painting.settings, shape))


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
    count = len(painting.strokes)
    layers = bare(painting.settings, shape)
    stops = np.unique(np.linspace(0, count, max(frames, 2)).round().astype(int))
    for before, stop in zip([0, *stops[:-1]], stops, strict=True):
        layers = _over(painting, painting.strokes[before:stop], layers)
        yield images.to_bytes(shown(painting.settings, layers))


def engine_of(painting: Painting) -> Engine:
    """What draws the colours of a painting's strokes as they are seen."""
    return Engine.of(painting.settings)


def _over(
    painting: Painting, strokes: Float[np.ndarray, "n d"], layers: Float[np.ndarray, "h w c"]
) -> Float[np.ndarray, "h w c"]:
    """A painting's strokes, drawn over layers."""
    has_height, ground = layers.shape[-1] == 4, painting.settings.ground
    engine = Engine.of(painting.settings, height=has_height)
    return draw_strokes(
        engine,
        strokes,
        layers.shape[:2],
        arrays=arrays_of(painting),
        canvas=layers,
        thickness=lighting.thickness(engine.brush, strokes) if has_height else None,
        tooth=lighting.tooth(ground, layers.shape[:2]) if engine.brush.settles and ground != "none" else None,
    )


def arrays_of(painting: Painting) -> Float[np.ndarray, "levels across along 2"] | None:
    """The arrays of that engine: the user's own brush, if there is one."""
    return None if painting.brush_image is None else pyramid(painting.brush_image)


def draw_strokes(
    model: Model,
    strokes: Float[np.ndarray, "n d"],
    shape: tuple[int, int],
    *,
    arrays: Arrays = None,
    canvas: Float[np.ndarray, "height width c"] | tuple[float, float, float],
    thickness: Float[np.ndarray, "n"] | None = None,
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
      thickness: factor of each stroke's heights, for a canvas of four channels.
      tooth: of the ground, for a brush whose pigment settles on it (see `blending.caught`).

    Returns:
      The picture, in [0, 1], of as many channels.
    """
    canvas = np.asarray(canvas, np.float32)
    canvas = np.broadcast_to(canvas, (*shape, canvas.shape[-1]))
    if not len(strokes):
        return canvas.copy()
    if thickness is not None:
        thickness = np.pad(thickness, (0, padded_length(len(strokes) + 1) - len(strokes)))
    grid = grids.Grid(*shape, _TILE)
    # One more than there are: lists of strokes are filled up with the last.
    strokes = filled_up(model.brush, np.concatenate([strokes, nowhere(model.brush, 1)]))
    near = grids.reach(model.brush, strokes, grid, margin=1.0)
    # Once, for all tiles; `jnp.asarray` would compile a program for it.
    on_device, thickness = jax.device_put((strokes, thickness))
    planes = np.stack(grid.split(canvas))
    teeth = None if tooth is None else grid.split(tooth[..., None])[0]
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
                thickness,
                None if teeth is None else teeth[tiles],
                ids.T,
                grid.origins[tiles],
                grid.side,
                tuple(planes[:, tiles]),
                count,
                0.0,
            )
            planes[:, tiles] = np.stack(drawn)
    drawn_layers = grid.join(tuple(planes))
    return np.concatenate([np.clip(drawn_layers[..., :3], 0.0, 1.0), drawn_layers[..., 3:]], axis=-1)


@functools.partial(jax.jit, static_argnums=0, compiler_options=runtime.COMPILER_OPTIONS)
def _draw_tiles(
    model, arrays, strokes, thickness, tooth, ids, origins, side, canvas: Canvas, count, softness
) -> Canvas:
    render = model.renderer(arrays, _TILE, softness=softness)
    windows = to_window(model.brush, strokes[ids], origins[None], side)

    def seen(each):
        stroke, thick, window = each
        drawn = render(stroke)
        if thick is not None:
            drawn = drawn._replace(height=tuple(height * thick for height in drawn.height))
        if tooth is not None:
            drawn = drawn._replace(
                alpha=tuple(caught(alpha, tooth[window], model.brush.settles) for alpha in drawn.alpha)
            )
        return drawn

    thick = None if thickness is None else thickness[ids]
    numbers = jnp.broadcast_to(jnp.arange(ids.shape[1]), ids.shape)
    return composite(seen, (windows, thick, numbers), canvas, count)
