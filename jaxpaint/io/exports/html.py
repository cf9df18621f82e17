"""HTML: a player in one file that paints stroke after stroke in a browser, without a network.

The player draws by WebGL 2, with the texture and the relief of the drawing: the shaders of a stroke are translated from
the program of its brush (`jaxpaint.renderers.shaders`). Without WebGL 2, strokes have no texture.
"""

from __future__ import annotations

import base64
import dataclasses
import functools
import html
import json
import math
import pathlib
import string
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import cv2
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from jaxpaint import __version__, drawing, pictures
from jaxpaint.brushes import BRUSHES, Brush, Look, Vectors, textures
from jaxpaint.brushes.textures import Stamps
from jaxpaint.io.exports.base import Export
from jaxpaint.io.images import encoded
from jaxpaint.raster import lighting
from jaxpaint.raster.compositing import blend
from jaxpaint.raster.forward import in_place
from jaxpaint.renderers import shaders
from jaxpaint.renderers.shaders import Program, Statement
from jaxpaint.settings import Checked, Settings, setting
from jaxpaint.types import Painting

_PLAYER = pathlib.Path(__file__).with_name("player")
_SCRIPTS = ("strokes.js", "passes.js", "webgl.js", "sketch.js", "timeline.js", "view.js", "player.js")
# Long side of the pictures of the ground in pixels, and their quality in WebP.
_GROUND, _QUALITY = 1024, 50
# Planes of a table side by side: as many as a stamp has.
_BESIDE = textures.LEVELS
# Distance of the lamp that follows the pointer, in long sides.
_ABOVE = 0.35
# Values of a number in 16 bits, and of a stroke that pass to its pixels: WebGL 2 has room for 60 with the number.
_STEPS, _MOST_PASSED = 65535, 56


@dataclasses.dataclass(frozen=True)
class Options(Checked):
    """Options of HTML."""

    groups = {"Options of HTML": ""}
    prefix = ""

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
        **_numbers(painting),
        **_surface(painting),
    }
    title = f"A painting in {count:,} stroke{'s' * (count != 1)}"
    state = "unfinished, " if painting.state is not None else ""
    parts = {
        "title": title,
        "about": html.escape(f"{painting.brush}, {state}made with jaxpaint"),
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


def _numbers(painting: Painting) -> dict[str, Any]:
    """The strokes' numbers, in 16 bits each, and the shaders that take the first of them."""
    brush, strokes, below = BRUSHES[painting.brush], painting.strokes, drawing.paint_below(painting)
    vectors, (colors, alphas) = brush.shapes(strokes), brush.paint(strokes)
    taken = {
        "stroke": strokes,
        "thickness": lighting.thickness(brush, strokes),
        "below": np.zeros((len(strokes), 4)) if below is None else below,
        "box": _boxes(vectors),
    }
    program = shaders.translate(
        functools.partial(_blended, painting.settings, brush, drawing.stamps_of(painting)),
        stroke={name: values.shape[1] for name, values in taken.items() if name != "box"},
        shared=["sharpness"],
        pixel=["x", "y", "tooth"],
        most_passed=_MOST_PASSED,
    )
    # A shader takes four numbers at a time.
    missing = -sum(values.shape[1] for values in taken.values()) % 4
    columns = taken | {
        "unused": np.zeros((len(strokes), missing)),
        "path": vectors.path,
        "widths": vectors.widths,
        "ends": vectors.ends,
        "colors": colors,
        "alpha": alphas[:, None],
        "extent": brush.extent(strokes)[:, None],
    }
    names = [f"{name}{i}" for name, values in taken.items() for i in range(values.shape[1])]
    shading = _shaders(program, names, glazed=painting.settings.layering == "glaze")
    return {
        "strokes": _packed(columns, len(strokes)) | {"cap": vectors.cap},
        "shaders": shading | {"taken": len(names) + missing},
        "tables": _pictured(program.tables),
        # A brush without relief leaves the height of the canvas as it is.
        "thick": program.outputs[-1] != "1.0",
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
    """Columns of numbers as integers from 0 to 65535, a row after the other, and the range of each column."""
    fields, first = {}, 0
    for name, values in columns.items():
        width = math.prod(values.shape[1:])
        fields[name], first = (first, first + width), first + width
    rows = np.concatenate(
        [values.reshape(count, math.prod(values.shape[1:])) for values in columns.values()], axis=1
    ).astype(np.float64)
    low, high = (rows.min(axis=0), rows.max(axis=0)) if count else (np.zeros(first), np.zeros(first))
    span = high - low
    data = np.rint((rows - low) / np.where(span, span, 1.0) * _STEPS).astype("<u2").tobytes()
    numbers = {"low": _rounded(low), "span": _rounded(span)}
    return {"count": count, "fields": fields, **numbers, "data": base64.b64encode(data).decode()}


def _rounded(values: Float[np.ndarray, "k"]) -> list[float]:
    return [float(f"{value:.9g}") for value in values]


def _blended(
    settings: Settings,
    brush: Brush,
    stamps: Stamps | None,
    stroke: Any,
    thickness: Any,
    below: Any,
    sharpness: Any,
    tooth: Any,
) -> list[Any]:
    """What a stroke adds to each layer of the canvas, red, green, blue and height, and the factors of what is below."""
    look = Look(stamps, settings.texture, wet=settings.wet if brush.start else 0.0, height=True)
    drawn = shaders.stroke_of(brush, look, settings.layering, stroke, sharpness)
    caught = tooth if brush.settles and settings.ground != "none" else None
    drawn = in_place(drawn, thickness, below, caught, brush.settles)
    plane = jnp.zeros_like(drawn.alpha[0])
    over_black, over_white = blend((plane,) * 4, drawn), blend((plane + 1.0,) * 4, drawn)
    return [*over_black, *(white - black for white, black in zip(over_white, over_black, strict=True))]


def _shaders(program: Program, names: Sequence[str], *, glazed: bool) -> dict[str, Any]:
    """The shaders of a stroke.

    Args:
      program: the translated `_blended`.
      names: of the numbers that the vertex shader takes.
      glazed: whether WebGL multiplies what is below by the shader's colour; else by one less its alpha.
    """
    kinds = {each.name: each.kind for each in program.statements if each.kind == "bool"}
    slots, vectors = (math.ceil(len(some) / 4) for some in (program.passed, names))
    passed = [(name, f"passed[{i // 4}].{'xyzw'[i % 4]}") for i, name in enumerate(program.passed)]
    added, kept = program.outputs[:4], program.outputs[4:]
    written = {
        True: f"color = vec4(kept, 1.0); height = vec4({kept[3]});",
        False: f"color = vec4(added, 1.0 - kept.r); height = vec4({added[3]}, 0.0, 0.0, 1.0 - {kept[3]});",
    }
    numbers = [(name, f"{i // 4}", "xyzw"[i % 4]) for i, name in enumerate(names)]
    parts = {
        "functions": shaders.PRELUDE + _look_ups(program.tables),
        "vectors": vectors,
        "slots": slots,
        "given": "\n".join(f"layout(location = {i}) in vec4 given{i};" for i in range(vectors)),
        "taken": "\n".join(f"float {name} = low[{i}].{c} + span[{i}].{c} * given{i}.{c};" for name, i, c in numbers),
        "added": ", ".join(added[:3]),
        "kept": ", ".join(kept[:3]),
        "written": written[glazed],
    }
    vertex = {
        "lines": _lines(program.of_stroke),
        "passed": "\n".join(f"{place} = float({name});" for name, place in passed),
    }
    fragment = {
        "lines": _lines(program.of_pixel),
        "passed": "\n".join(
            f"{kinds.get(name, 'float')} {name} = {kinds.get(name, 'float')}({at});" for name, at in passed
        ),
    }
    return {
        "vertex": string.Template(_read("stroke.vert")).substitute(parts, **vertex),
        "fragment": string.Template(_read("stroke.frag")).substitute(parts, **fragment),
    }


def _look_ups(tables: Sequence[np.ndarray]) -> str:
    """Functions that look up the elements of tables in a picture (see `_pictured`)."""
    return "".join(
        f"float look_up{i}(float i, float j, float k) {{ return texelFetch(tables, ivec2(mod(i, {_BESIDE}.0) * "
        f"{width}.0 + k, floor(i / {_BESIDE}.0) * {height}.0 + j), 0).{'rgb'[i]}; }}\n"
        for i, (_, height, width) in enumerate(each.shape for each in tables)
    )


def _pictured(tables: Sequence[np.ndarray]) -> str | None:
    """Up to three tables of values from 0 to 1 as the channels of a picture, their planes side by side in rows."""
    if not tables:
        return None
    planes = np.stack([*tables, *[np.zeros_like(tables[0])] * (3 - len(tables))], axis=-1)
    count, height, width, _ = planes.shape
    rows = math.ceil(count / _BESIDE)
    planes = np.pad(planes, ((0, rows * _BESIDE - count), *[(0, 0)] * 3)).reshape(rows, _BESIDE, height, width, 3)
    picture = planes.swapaxes(1, 2).reshape(rows * height, _BESIDE * width, 3)
    return _embedded(encoded(pictures.to_bytes(picture), ".webp", lossless=True))


def _embedded(webp: bytes) -> str:
    return f"data:image/webp;base64,{base64.b64encode(webp).decode()}"


def _lines(statements: Sequence[Statement]) -> str:
    return "\n".join(f"{each.kind} {each.name} = {each.text};" for each in statements)


def _surface(painting: Painting) -> dict[str, Any]:
    """The ground, and how light falls on it and on paint."""
    settings, brush = painting.settings, BRUSHES[painting.brush]
    grounded = settings.ground != "none"
    program = shaders.translate(
        lambda *planes: lighting.reflected(*planes),
        pixel=["x", "y", "right", "down", "depth", "to_x", "to_y", "to_z"],
    )
    return {
        "ground": _picture(painting, lighting.ground) if grounded else None,
        "tooth": _picture(painting, lighting.tooth) if grounded and brush.settles else None,
        "light": {
            "relief": settings.relief,
            "glossy": settings.gloss,
            "towards": lighting.towards(settings.light).tolist(),
            "above": _ABOVE,
            **lighting.SCALES,
            "functions": shaders.PRELUDE,
            "lines": _lines(program.statements),
            "shade": program.outputs[0],
            "shine": program.outputs[1],
        },
    }


def _picture(painting: Painting, surface: Callable[..., Float[np.ndarray, "h w"]]) -> dict[str, Any]:
    """A surface as a grey picture, and the values of black and white."""
    values = surface(painting.settings.ground, pictures.fitted_shape(painting.height, painting.width, _GROUND))
    low, high = float(values.min()), float(values.max())
    data = encoded(pictures.to_bytes((values - low) / (high - low)), ".webp", quality=_QUALITY)
    return {"low": low, "span": high - low, "picture": _embedded(data)}


EXPORTS = (Export((".html",), "a page that paints the picture, for browsers", Options, _write, outlined=True),)
