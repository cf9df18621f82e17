"""Shaders of the HTML player: the programs of strokes and of light, translated to GLSL."""

from __future__ import annotations

import functools
import math
import string
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jaxtyping import UInt8

from jaxpaint import drawing, pictures
from jaxpaint.brushes import BRUSHES, Brush, Look, textures
from jaxpaint.errors import ExportError
from jaxpaint.raster import lighting
from jaxpaint.raster.compositing import blend
from jaxpaint.raster.forward import in_place
from jaxpaint.renderers import shaders
from jaxpaint.renderers.shaders import Program
from jaxpaint.renderers.symbols import Statement
from jaxpaint.settings import Settings
from jaxpaint.types import Painting

# Values that pass from a stroke to its pixels: WebGL 2 has room for 60, with the stroke's number.
_MOST_PASSED = 56
# Planes of a table side by side: as many as a stamp has.
_BESIDE = textures.LEVELS


class StrokeShaders(NamedTuple):
    """The shaders that draw strokes.

    Attributes:
      vertex, fragment: their texts, which begin after the version.
      tables: picture in which the fragment shader looks numbers up, such as a user's brush; None for none.
      thick: whether strokes change the height of the canvas.
    """

    vertex: str
    fragment: str
    tables: UInt8[np.ndarray, "h w 3"] | None
    thick: bool


def of_strokes(painting: Painting, taken: Mapping[str, int], templates: Mapping[str, str]) -> StrokeShaders:
    """The shaders of a painting's strokes.

    Args:
      painting: the painting.
      taken: names and lengths of the vectors that the vertex shader takes: `stroke`, `thickness`, `below` if there is
        wet paint, and `path` and `widths`, from which it makes the box around a stroke.
      templates: texts of the shaders, "vertex" and "fragment", in which names stand for what differs.

    Raises:
      ExportError: the program of the brush has no translation.
    """
    settings, brush = painting.settings, BRUSHES[painting.brush]
    parameters = {name: size for name, size in taken.items() if name not in ("path", "widths")}
    try:
        program = shaders.translate(
            functools.partial(_blended, settings, brush, drawing.stamps_of(painting), tuple(parameters)),
            stroke=parameters,
            shared=["sharpness"],
            pixel=["x", "y", "tooth"],
            most_passed=_MOST_PASSED,
        )
    except NotImplementedError as error:
        raise ExportError(f"expected a brush that GLSL can draw, got {brush.name}: {error}") from None
    names = [f"{name}{i}" for name, size in taken.items() for i in range(size)]
    parts = _parts(program, names, glazed=settings.layering == "glaze")
    vertex, fragment = (string.Template(templates[name]).substitute(parts[name]) for name in ("vertex", "fragment"))
    # A brush without relief leaves the height of the canvas as it is.
    return StrokeShaders(vertex, fragment, _pictured(program.tables), program.outputs[-1] != "1.0")


def _blended(
    settings: Settings, brush: Brush, stamps: textures.Stamps | None, names: Sequence[str], *values: Any
) -> list[Any]:
    """What a stroke adds to each layer of the canvas, red, green, blue and height, and the factors of what is below."""
    *vectors, sharpness, tooth = values
    given = dict(zip(names, vectors, strict=True))
    look = Look(stamps, settings.texture, wet=settings.wet if "below" in given else 0.0, height=True)
    stroke = shaders.stroke_of(brush, look, settings.layering, given["stroke"], sharpness)
    caught = tooth if brush.settles and settings.ground != "none" else None
    stroke = in_place(stroke, given["thickness"], given.get("below"), caught, brush.settles)
    plane = jnp.zeros_like(stroke.alpha[0])
    over_black, over_white = blend((plane,) * 4, stroke), blend((plane + 1.0,) * 4, stroke)
    return [*over_black, *(white - black for white, black in zip(over_white, over_black, strict=True))]


def _parts(program: Program, names: Sequence[str], *, glazed: bool) -> dict[str, dict[str, Any]]:
    """The parts of the shaders' texts.

    Args:
      program: the translated `_blended`.
      names: of the numbers that the vertex shader takes.
      glazed: whether WebGL multiplies what is below by the shader's colour; else by one less its alpha.
    """
    slots, vectors = (math.ceil(len(some) / 4) for some in (program.passed, names))
    kinds = {each.name: each.kind for each in program.statements}
    passed = [(kinds.get(name, "float"), name, f"passed[{i}].{c}") for name, i, c in _placed(program.passed)]
    added, kept = program.outputs[:4], program.outputs[4:]
    over = f"color = vec4(added, 1.0 - kept.r); height = vec4({added[3]}, 0.0, 0.0, 1.0 - {kept[3]});"
    shared = {"functions": shaders.PRELUDE + _look_ups(program.tables), "slots": slots}
    vertex = {
        "vectors": vectors,
        "given": "\n".join(f"layout(location = {i}) in vec4 given{i};" for i in range(vectors)),
        "taken": "\n".join(
            f"float {name} = low[{i}].{c} + span[{i}].{c} * given{i}.{c};" for name, i, c in _placed(names)
        ),
        "lines": _lines(program.of_stroke),
        "passed": "\n".join(f"{place} = float({name});" for _, name, place in passed),
    }
    fragment = {
        "passed": "\n".join(f"{kind} {name} = {kind}({place});" for kind, name, place in passed),
        "lines": _lines(program.of_pixel),
        "added": ", ".join(added[:3]),
        "kept": ", ".join(kept[:3]),
        "written": f"color = vec4(kept, 1.0); height = vec4({kept[3]});" if glazed else over,
    }
    return {"vertex": shared | vertex, "fragment": shared | fragment}


def _placed(names: Sequence[str]) -> list[tuple[str, int, str]]:
    """Each name with its place in an array of vectors of four: the number of the vector, and the component."""
    return [(name, i // 4, "xyzw"[i % 4]) for i, name in enumerate(names)]


def _look_ups(tables: Sequence[np.ndarray]) -> str:
    """Functions that look up the elements of tables in a picture (see `_pictured`)."""
    return "".join(
        f"float look_up{i}(float i, float j, float k) {{ return texelFetch(tables, ivec2(mod(i, {_BESIDE}.0) * "
        f"{width}.0 + k, floor(i / {_BESIDE}.0) * {height}.0 + j), 0).{'rgb'[i]}; }}\n"
        for i, (_, height, width) in enumerate(each.shape for each in tables)
    )


def _pictured(tables: Sequence[np.ndarray]) -> UInt8[np.ndarray, "h w 3"] | None:
    """Up to three tables of values from 0 to 1 as the channels of a picture, their planes side by side in rows."""
    if not tables:
        return None
    planes = np.stack([*tables, *[np.zeros_like(tables[0])] * (3 - len(tables))], axis=-1)
    count, height, width, _ = planes.shape
    rows = math.ceil(count / _BESIDE)
    planes = np.pad(planes, ((0, rows * _BESIDE - count), *[(0, 0)] * 3)).reshape(rows, _BESIDE, height, width, 3)
    return pictures.to_bytes(planes.swapaxes(1, 2).reshape(rows * height, _BESIDE * width, 3))


def of_light() -> dict[str, str]:
    """The statements of `lighting.reflected`, the functions they call, and the expressions of its two results."""
    pixel = ["x", "y", "right", "down", "depth", "bright", "to_x", "to_y", "to_z"]
    program = shaders.translate(lambda *planes: lighting.reflected(*planes), pixel=pixel)
    shade, shine = program.outputs
    return {"functions": shaders.PRELUDE, "lines": _lines(program.statements), "shade": shade, "shine": shine}


def _lines(statements: Sequence[Statement]) -> str:
    """Statements in GLSL."""
    return "\n".join(f"{each.kind} {each.name} = {each.text};" for each in statements)
