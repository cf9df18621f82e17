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

import numpy as np
from jaxtyping import Float, UInt8

from jaxpaint import __version__, drawing, pictures
from jaxpaint.brushes import BRUSHES
from jaxpaint.io.exports import glsl
from jaxpaint.io.exports.base import Export
from jaxpaint.io.images import encoded
from jaxpaint.raster import lighting
from jaxpaint.settings import Checked, setting
from jaxpaint.types import Painting

_PLAYER = pathlib.Path(__file__).with_name("player")
_SCRIPTS = ("strokes.js", "passes.js", "webgl.js", "sketch.js", "timeline.js", "reel.js", "view.js", "player.js")
# Long side of the pictures of the ground in pixels, and their quality in WebP.
_GROUND, _QUALITY = 1024, 40
# Distance of the lamp that follows the pointer, in long sides.
_ABOVE = 0.35
# Greatest integer of 16 bits.
_STEPS = 65535
# Numbers of a stroke that the shaders take.
_TAKEN = ("stroke", "thickness", "below", "path", "widths")
# What the page says of a painting.
_WORDS = {
    "unit": "stroke",
    "many": "a hundred",
    "begin": "Watch it being painted",
    "ends": "bare canvas, finished painting",
}


@dataclasses.dataclass(frozen=True)
class Options(Checked):
    """Options of HTML."""

    groups = {"Options of HTML": ""}
    prefix = ""

    title: str = setting("", "title of the page; default: the number of strokes")
    duration: float = setting(20.0, "seconds in which the player paints the picture", 1.0, 3600.0)


def _write(painting: Painting, path: pathlib.Path, options: Options) -> None:
    count = len(painting.strokes)
    found = columns(painting) | {"extent": BRUSHES[painting.brush].extent(painting.strokes)[:, None]}
    data = {"seconds": options.duration, "strokes": _packed(found), **look(painting, found)}
    data["strokes"] |= {"count": count, **fields(painting, found)}
    number = f"{count:,} stroke{'s' * (count != 1)}"
    brush = f"{painting.brush}, {'unfinished, ' * (painting.state is not None)}made with jaxpaint"
    title, about = (options.title, f"{number}, {brush}") if options.title else (f"A painting in {number}", brush)
    path.write_text(page(title, about, data, _WORDS), encoding="utf-8")


def page(title: str, about: str, data: Mapping[str, Any], words: Mapping[str, str]) -> str:
    """The page.

    Args:
      title, about: lines above the picture.
      data: what the player's program takes, for JSON.
      words: names of the player's steps, and of its first and last one.
    """
    parts = {
        "title": html.escape(title),
        "about": html.escape(about),
        "generator": f"jaxpaint {__version__}",
        "style": _read("player.css"),
        "script": script(),
        # In a page, a script ends at the first "</".
        "painting": json.dumps(data).replace("</", "<\\/"),
    }
    return string.Template(_read("player.html")).substitute(parts, **words)


def script() -> str:
    """The player's program."""
    return "".join(map(_read, _SCRIPTS))


def _read(name: str) -> str:
    return (_PLAYER / name).read_text(encoding="utf-8")


def columns(painting: Painting) -> dict[str, Float[np.ndarray, "n _"]]:
    """Numbers of the strokes, by name; those that the shaders take come first."""
    brush, strokes, below = BRUSHES[painting.brush], painting.strokes, drawing.paint_below(painting)
    vectors = brush.shapes(strokes)
    return {
        "stroke": strokes,
        "thickness": lighting.thickness(brush, strokes, below),
        **({} if below is None or not painting.settings.wet else {"below": below}),
        "path": vectors.path.reshape(-1, 6),
        "widths": vectors.widths,
        "ends": vectors.ends.reshape(-1, 4),
    }


def fields(painting: Painting, found: Mapping[str, Float[np.ndarray, "n _"]]) -> dict[str, Any]:
    """Where a stroke's numbers are among all of them, by name, and the form of the strokes' ends."""
    brush = BRUSHES[painting.brush]
    bounds = np.cumsum([0, *(values.shape[1] for values in found.values())]).tolist()
    places = {name: list(range(*ends)) for name, ends in zip(found, itertools.pairwise(bounds), strict=True)}
    # Colours and opacities are numbers of the stroke itself, which comes first.
    places |= {"colors": brush.index("color").tolist(), "alpha": brush.index("alpha").tolist()}
    return {"fields": places, "cap": brush.shapes(painting.strokes[:0]).cap}


def _packed(found: Mapping[str, Float[np.ndarray, "n _"]]) -> dict[str, Any]:
    """Numbers as integers of 16 bits, a stroke after the other, and the range of each."""
    rows = np.concatenate(list(found.values()), axis=1).astype(np.float64)
    low, high = rows.min(axis=0, initial=np.inf), rows.max(axis=0, initial=-np.inf)
    low, span = (low, high - low) if len(rows) else (np.zeros(rows.shape[1]), np.zeros(rows.shape[1]))
    data = np.rint((rows - low) / np.where(span, span, 1.0) * _STEPS).astype("<u2").tobytes()
    return {"low": _rounded(low), "span": _rounded(span), "data": base64.b64encode(data).decode()}


def _rounded(values: Float[np.ndarray, "k"]) -> list[float]:
    return [float(f"{value:.9g}") for value in values]


def look(painting: Painting, found: Mapping[str, Float[np.ndarray, "n _"]]) -> dict[str, Any]:
    """What strokes share: the canvas, the ground, the shaders of their numbers, and how light falls on paint."""
    settings = painting.settings
    grounded = settings.ground != "none"
    light = {
        "relief": settings.relief,
        "glossy": settings.gloss,
        "towards": lighting.towards(settings.light).tolist(),
        "above": _ABOVE,
    }
    sizes = {name: values.shape[1] for name, values in found.items() if name in _TAKEN}
    shaders = glsl.of_strokes(painting, sizes, {"vertex": _read("stroke.vert"), "fragment": _read("stroke.frag")})
    return {
        "width": painting.width,
        "height": painting.height,
        "canvas": settings.canvas_rgb,
        "multiplied": settings.layering == "glaze",
        # WebGL takes four numbers at a time.
        "shaders": {
            "vectors": math.ceil(sum(sizes.values()) / 4),
            "vertex": shaders.vertex,
            "fragment": shaders.fragment,
        },
        "tables": None if shaders.tables is None else _embedded(shaders.tables, lossless=True),
        "thick": shaders.thick,
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
