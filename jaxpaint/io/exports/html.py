"""HTML: a player in one file that paints stroke after stroke in a browser, without a network.

The player draws by WebGL 2, with the texture and the relief of the drawing: the shaders of a stroke are translated from
the program of its brush (`jaxpaint.renderers.shaders`). Without WebGL 2, strokes have no texture.
"""

from __future__ import annotations

import base64
import dataclasses
import html
import itertools
import json
import math
import pathlib
import string
from collections.abc import Callable, Mapping
from typing import Any

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from jaxpaint import __version__, drawing, pictures
from jaxpaint.brushes import BRUSHES, Vectors
from jaxpaint.io.exports import glsl
from jaxpaint.io.exports.base import Export
from jaxpaint.io.images import encoded
from jaxpaint.raster import lighting
from jaxpaint.settings import Checked, setting
from jaxpaint.types import Painting

_PLAYER = pathlib.Path(__file__).with_name("player")
_SCRIPTS = ("strokes.js", "passes.js", "webgl.js", "sketch.js", "timeline.js", "view.js", "player.js")
# Long side of the pictures of the ground in pixels, and their quality in WebP.
_GROUND, _QUALITY = 1024, 40
# Distance of the lamp that follows the pointer, in long sides.
_ABOVE = 0.35
# Greatest integer of 16 bits.
_STEPS = 65535


@dataclasses.dataclass(frozen=True)
class Options(Checked):
    """Options of HTML."""

    groups = {"Options of HTML": ""}
    prefix = ""

    title: str = setting("", "title of the page; default: the number of strokes")
    duration: float = setting(20.0, "seconds in which the player paints the picture", 1.0, 3600.0)


def _write(painting: Painting, path: pathlib.Path, options: Options) -> None:
    count, settings = len(painting.strokes), painting.settings
    data = {
        "width": painting.width,
        "height": painting.height,
        "size": settings.size,
        "seconds": options.duration,
        "canvas": settings.canvas_rgb,
        "multiplied": settings.layering == "glaze",
        **_strokes(painting),
        **_surface(painting),
    }
    number = f"{count:,} stroke{'s' * (count != 1)}"
    brush = f"{painting.brush}, {'unfinished, ' * (painting.state is not None)}made with jaxpaint"
    title, about = (options.title, f"{number}, {brush}") if options.title else (f"A painting in {number}", brush)
    parts = {
        "title": html.escape(title),
        "about": html.escape(about),
        "generator": f"jaxpaint {__version__}",
        "style": _read("player.css"),
        "script": script(),
        # In a page, a script ends at the first "</".
        "painting": json.dumps(data).replace("</", "<\\/"),
    }
    path.write_text(string.Template(_read("player.html")).substitute(parts), encoding="utf-8")


def script() -> str:
    """The player's program."""
    return "".join(map(_read, _SCRIPTS))


def _read(name: str) -> str:
    return (_PLAYER / name).read_text(encoding="utf-8")


def _strokes(painting: Painting) -> dict[str, Any]:
    """The strokes' numbers, and the shaders that take the first of them."""
    brush, strokes, below = BRUSHES[painting.brush], painting.strokes, drawing.paint_below(painting)
    vectors, (colors, alphas) = brush.shapes(strokes), brush.paint(strokes)
    wet = {} if below is None or not painting.settings.wet else {"below": below}
    taken = {"stroke": strokes, "thickness": lighting.thickness(brush, strokes, below), **wet, "box": _boxes(vectors)}
    sizes = {name: values.shape[1] for name, values in taken.items()}
    templates = {"vertex": _read("stroke.vert"), "fragment": _read("stroke.frag")}
    shaders = glsl.of_strokes(painting, sizes, templates)
    columns = taken | {
        "path": vectors.path,
        "widths": vectors.widths,
        "ends": vectors.ends,
        "colors": colors,
        "alpha": alphas,
        "extent": brush.extent(strokes),
    }
    return {
        "strokes": _packed(columns, len(strokes)) | {"cap": vectors.cap},
        # WebGL takes four numbers at a time.
        "shaders": {
            "vectors": math.ceil(sum(sizes.values()) / 4),
            "vertex": shaders.vertex,
            "fragment": shaders.fragment,
        },
        "tables": None if shaders.tables is None else _embedded(shaders.tables, lossless=True),
        "thick": shaders.thick,
    }


def _boxes(vectors: Vectors) -> Float[np.ndarray, "n 5"]:
    """The least box around each stroke: its middle, half its longer side as a vector, and half its shorter side."""
    boxes = np.zeros((len(vectors.outline), 5), np.float32)
    for box, outline in zip(boxes, vectors.outline, strict=True):
        middle, sides, degrees = cv2.minAreaRect(outline)
        turn = np.radians(degrees + 90 * (sides[1] > sides[0]))
        box[:] = *middle, *(max(sides) / 2 * np.array([np.cos(turn), np.sin(turn)])), min(sides) / 2
    return boxes


def _packed(columns: Mapping[str, Float[np.ndarray, "n *k"]], count: int) -> dict[str, Any]:
    """Columns of numbers as integers of 16 bits, a row after the other, and the range of each column."""
    flat = {name: values.reshape(count, math.prod(values.shape[1:])) for name, values in columns.items()}
    bounds = np.cumsum([0, *(values.shape[1] for values in flat.values())]).tolist()
    fields = dict(zip(flat, itertools.pairwise(bounds), strict=True))
    rows = np.concatenate(list(flat.values()), axis=1).astype(np.float64)
    low, high = rows.min(axis=0, initial=np.inf), rows.max(axis=0, initial=-np.inf)
    low, span = (low, high - low) if count else (np.zeros(bounds[-1]), np.zeros(bounds[-1]))
    data = np.rint((rows - low) / np.where(span, span, 1.0) * _STEPS).astype("<u2").tobytes()
    numbers = {"low": _rounded(low), "span": _rounded(span)}
    return {"count": count, "fields": fields, **numbers, "data": base64.b64encode(data).decode()}


def _rounded(values: Float[np.ndarray, "k"]) -> list[float]:
    return [float(f"{value:.9g}") for value in values]


def _surface(painting: Painting) -> dict[str, Any]:
    """The ground, and how light falls on it and on paint."""
    settings = painting.settings
    grounded = settings.ground != "none"
    light = {
        "relief": settings.relief,
        "glossy": settings.gloss,
        "towards": lighting.towards(settings.light).tolist(),
        "above": _ABOVE,
    }
    return {
        "ground": _picture(painting, lighting.ground) if grounded else None,
        "tooth": _picture(painting, lighting.tooth) if grounded and BRUSHES[painting.brush].settles else None,
        "light": light | lighting.SCALES | glsl.of_light(),
    }


def _picture(painting: Painting, surface: Callable[..., Float[np.ndarray, "h w"]]) -> dict[str, Any]:
    """A surface as a grey picture, and the values of black and white."""
    values = surface(painting.settings.ground, pictures.fitted_shape(painting.height, painting.width, _GROUND))
    low, high = float(values.min()), float(values.max())
    grey = pictures.to_bytes((values - low) / (high - low))
    return {"low": low, "span": high - low, "picture": _embedded(grey, quality=_QUALITY)}


def _embedded(pixels: UInt8[np.ndarray, "h w *c"], **options: Any) -> str:
    return f"data:image/webp;base64,{base64.b64encode(encoded(pixels, '.webp', **options)).decode()}"


EXPORTS = (Export((".html",), "a page that paints the picture, for browsers", Options, _write, outlined=True),)
