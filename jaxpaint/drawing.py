"""Drawing paintings, at any size and under any light."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8

from jaxpaint import checks, mattes, pictures
from jaxpaint.brushes import BRUSHES
from jaxpaint.brushes.textures import Stamps, pyramid
from jaxpaint.raster import lighting
from jaxpaint.raster.forward import draw_strokes, look_below
from jaxpaint.renderers import Engine
from jaxpaint.settings import Settings
from jaxpaint.types import Painting

# Long side, in pixels, of the drawing that wet paint is picked up from: the same for a drawing of any size.
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
) -> Float[np.ndarray, "h w c"]:
    """Draws a painting by the engine, with its texture, under light.

    Args:
      painting: finished or not.
      size: long side of the drawing in pixels; None for the size it was painted at.
      wet, relief, light, gloss, ground: how paint lies and how light falls (see `Settings`); None for what the
        painting's own settings say.

    Returns:
      The drawing, in [0, 1], in the photograph's proportions. That of a transparent painting has a fourth channel,
      alpha.

    Raises:
      ValueError, TypeError: the argument is not a painting; the size is not from 1 to `pictures.LARGEST`; a value is
        out of the range of its setting.
    """
    asked = {"wet": wet, "relief": relief, "light": light, "gloss": gloss, "ground": ground}
    painting = relit(painting, {name: value for name, value in asked.items() if value is not None})
    return shown(painting.settings, draw_layers(painting, size=size))


def draw_flat(painting: Painting, *, size: int | None = None) -> Float[np.ndarray, "h w 3"]:
    """`draw` without light, on the canvas colour: the colours as they were fitted."""
    return draw_layers(relit(painting, {"relief": 0.0}), size=size)[..., :3]


def draw_dry(painting: Painting, *, size: int | None = None) -> Float[np.ndarray, "h w c"]:
    """Dry paint without light, as a fit draws it: on the canvas, and with alpha if the painting is transparent."""
    return draw_layers(relit(painting, {"wet": 0.0, "relief": 0.0}), size=size)


def relit(painting: Painting, light: Mapping[str, Any]) -> Painting:
    """A painting under another light.

    Args:
      painting: finished or not.
      light: new values of some of the settings in `settings.LIGHT`.

    Raises:
      ValueError, TypeError: the argument is not a painting; a value is out of the range of its setting.
    """
    checks.instance(painting, Painting, "a painting", reader="jaxpaint.load_painting")
    return dataclasses.replace(painting, settings=dataclasses.replace(painting.settings, **light))


def draw_layers(painting: Painting, *, size: int | None = None) -> Float[np.ndarray, "h w c"]:
    """Colours as `draw_flat` gives them, and further channels.

    Where there is relief, the next channel is the height of the paint. The last channel of a transparent painting is
    alpha.

    Args:
      painting, size: as for `draw`.
    """
    size = painting.settings.size if size is None else pictures.checked_size(size)
    shape = pictures.fitted_shape(painting.height, painting.width, size)
    sheets = _over(painting, painting.strokes, paint_below(painting), _sheets(painting.settings, shape))
    return _layers(painting.settings, sheets)


# What strokes are drawn on: the canvas; of a transparent painting, black with heights, and white without.
_Sheets = tuple[Float[np.ndarray, "_ _ _"], ...]


def _sheets(settings: Settings, shape: tuple[int, int]) -> _Sheets:
    """The sheets before the first stroke."""
    if not settings.transparent:
        return (_bare(settings, shape),)
    black, white = (dataclasses.replace(settings, canvas_color=color) for color in ("black", "white"))
    return _bare(black, shape), _bare(dataclasses.replace(white, relief=0.0), shape)


def _layers(settings: Settings, sheets: _Sheets) -> Float[np.ndarray, "h w c"]:
    """Layers as `draw_layers` gives them.

    All that strokes let through is the difference between white and black. Films let each colour through to another
    extent; alpha is then the least that has the drawing on its canvas as it was painted.
    """
    if len(sheets) == 1:
        return sheets[0]
    black, white = sheets
    passed = np.clip(white - black[..., :3], 0.0, 1.0)
    on_canvas = black[..., :3] + passed * np.asarray(settings.canvas_rgb, np.float32)
    return np.concatenate([on_canvas, black[..., 3:], 1.0 - passed.min(axis=-1, keepdims=True)], axis=-1)


def _bare(settings: Settings, shape: tuple[int, int]) -> Float[np.ndarray, "h w c"]:
    """The canvas before the first stroke: its colour and, where there is relief, the ground's height."""
    layers = np.empty((*shape, 4 if settings.relief else 3), np.float32)
    layers[..., :3] = settings.canvas_rgb
    if settings.relief:
        layers[..., 3] = lighting.ground(settings.ground, shape)
    return layers


def shown(settings: Settings, layers: Float[np.ndarray, "h w c"]) -> Float[np.ndarray, "h w k"]:
    """Layers as `draw_layers` gives them, under the light of the settings; with alpha if they are transparent.

    Light falls on paint alone: a bare canvas and its weave are not seen where alpha is 0.
    """
    if layers.shape[-1] == 3:
        return layers
    colors, alpha = layers[..., :3], layers[..., -1:]
    if settings.transparent:
        colors = mattes.without_canvas(colors, alpha, settings.canvas_rgb)
    if settings.relief:
        how = {"relief": settings.relief, "light": settings.light, "gloss": settings.gloss}
        colors = lighting.shone_on(colors, layers[..., 3], **how)
    return np.concatenate([colors, alpha], axis=-1) if settings.transparent else colors


def opaque(settings: Settings, picture: Float[np.ndarray, "h w c"]) -> Float[np.ndarray, "h w 3"]:
    """A drawing on the canvas colour, for formats without transparency."""
    if picture.shape[-1] == 3:
        return picture
    return mattes.cut_out(picture[..., :3], picture[..., 3], settings.canvas_rgb)


def timelapse(painting: Painting, *, size: int, frames: int) -> Iterator[UInt8[np.ndarray, "h w c"]]:
    """The drawing of a painting, stroke by stroke; long strokes take more time than short ones.

    Args:
      painting: finished or not.
      size: long side in pixels.
      frames: how many pictures; fewer where there are fewer strokes.

    Yields:
      Pictures of 0 to 255: first the empty canvas, last the painting; of a transparent painting, with alpha.

    Raises:
      ValueError, TypeError: the argument is not a painting; the size is out of range; `frames` is below 1.
    """
    checks.instance(painting, Painting, "a painting", reader="jaxpaint.load_painting")
    frames = checks.whole(frames, "a number of frames", 1, 10**6)
    pace = BRUSHES[painting.brush].pace(painting.strokes)
    stops = np.unique(np.searchsorted(pace, np.linspace(0.0, 1.0, max(frames, 2))))
    yield from stages(painting, size=size, stops=stops.tolist())


def stages(painting: Painting, *, size: int, stops: Sequence[int]) -> Iterator[UInt8[np.ndarray, "h w c"]]:
    """The drawings of the first strokes.

    Args:
      painting: finished or not.
      size: long side in pixels.
      stops: numbers of strokes, rising.

    Yields:
      Pictures of 0 to 255, one for each stop; of a transparent painting, with alpha.
    """
    shape = pictures.fitted_shape(painting.height, painting.width, pictures.checked_size(size))
    below, sheets = paint_below(painting), _sheets(painting.settings, shape)
    for before, stop in zip([0, *stops[:-1]], stops, strict=True):
        some = slice(before, stop)
        sheets = _over(painting, painting.strokes[some], None if below is None else below[some], sheets)
        yield pictures.to_bytes(shown(painting.settings, _layers(painting.settings, sheets)))


def paint_below(painting: Painting) -> Float[np.ndarray, "n 4"] | None:
    """Colour and coverage of the paint below each stroke's start; None if nothing depends on it.

    Read from a small drawing of dry paint.
    """
    settings, brush = painting.settings, BRUSHES[painting.brush]
    matters = (settings.wet or settings.relief) and settings.layering == "over"
    if not (matters and brush.start and len(painting.strokes)):
        return None
    shape = pictures.fitted_shape(painting.height, painting.width, _BELOW)
    # The fourth channel has heights of 1: where there is paint. A bare canvas is dry.
    canvas = np.broadcast_to(np.array([*settings.canvas_rgb, 0.0], np.float32), (*shape, 4))
    engine = Engine.of(settings, stamps_of(painting), flat=True, height=True)
    found = look_below(engine, painting.strokes, brush.start(painting.strokes), canvas)
    if settings.transparent:
        # No canvas colour is carried into strokes at the border.
        found[:, :3] = mattes.without_canvas(found[:, :3], found[:, 3:], settings.canvas_rgb)
    return found


def _over(
    painting: Painting,
    strokes: Float[np.ndarray, "n d"],
    below: Float[np.ndarray, "n 4"] | None,
    sheets: _Sheets,
) -> _Sheets:
    """A painting's strokes, with the paint below their starts, drawn over sheets, which they replace."""
    return tuple(_over_one(painting, strokes, below, sheet) for sheet in sheets)


def _over_one(
    painting: Painting,
    strokes: Float[np.ndarray, "n d"],
    below: Float[np.ndarray, "n 4"] | None,
    layers: Float[np.ndarray, "h w c"],
) -> Float[np.ndarray, "h w c"]:
    has_height, ground = layers.shape[-1] == 4, painting.settings.ground
    wet = 0.0 if below is None else painting.settings.wet
    engine = Engine.of(painting.settings, stamps_of(painting), wet=wet, height=has_height)
    return draw_strokes(
        engine,
        strokes,
        layers.shape[:2],
        canvas=layers,
        out=layers,
        thickness=lighting.thickness(engine.brush, strokes, below) if has_height else None,
        below=below if wet else None,
        tooth=lighting.tooth(ground, layers.shape[:2]) if engine.brush.settles and ground != "none" else None,
    )


def stamps_of(painting: Painting) -> Stamps | None:
    """The user's own brush at several sizes, if there is one."""
    return None if painting.brush_image is None else pyramid(painting.brush_image)
