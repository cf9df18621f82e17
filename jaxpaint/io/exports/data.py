"""Strokes as data: JSON, which `jaxpaint.load_painting` reads back, and CSV.

The JSON Schema of the format is `docs/schema/painting-1.json`. A stroke's `parameters` say all about it. Its colours in
hexadecimal digits, its path and its widths in pixels repeat them for other programs, and are not read back. A program
that writes strokes needs to write `format`, `version`, `brush`, `width`, `height` and `strokes` alone.
"""

from __future__ import annotations

import base64
import csv
import dataclasses
import json
import math
import pathlib
import sys
import zlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from jaxpaint import __version__, pictures
from jaxpaint.brushes import BRUSHES, Brush
from jaxpaint.errors import PaintingFileError, reason
from jaxpaint.io import npz, origins
from jaxpaint.io.exports.base import Export
from jaxpaint.settings import Checked, Settings, setting
from jaxpaint.types import Painting

FORMAT, VERSION = "jaxpaint painting", 1
# Bytes of a file, at most: five times what 100,000 strokes take.
_MOST_BYTES = 2**27
_NEEDED = ("version", "brush", "width", "height", "strokes")
_MEANINGS = {
    "x": "position to the right, in long sides of the picture",
    "y": "position down, in long sides of the picture",
    "control": "position of the curve's control point, from 0 at the stroke's start to 1 at its end",
    "size": "{per:g} times a full width, in long sides of the picture, less {hair:.6g}",
    "angle": "angle in half turns, {turning}",
    "color": "sRGB, 0 to 1",
    "alpha": "opacity, 0 to 1",
    "grain": "0 to 1; gives strokes that are otherwise equal another texture",
    "unused": "unused",
}
_KINDS = {str: "text", int: "an integer", list: "a list", dict: "an object"}


@dataclasses.dataclass(frozen=True)
class Options(Checked):
    """Options of JSON and CSV."""

    groups = {"Options of JSON and CSV": ""}
    prefix = ""

    pixels: int = setting(0, "long side of the picture, in pixels, for paths; 0: as painted", 0, 10**6)


class _Row(NamedTuple):
    """A stroke for other programs: colours in hexadecimal digits, opacity, and path and widths in pixels."""

    colors: list[str]
    alpha: float
    path: list[list[float]]
    widths: list[float]


def _write_json(painting: Painting, path: pathlib.Path, options: Options) -> None:
    brush, stamps = BRUSHES[painting.brush], painting.brush_image
    height, width = _shape(painting, options)
    head = {
        "format": FORMAT,
        "version": VERSION,
        "generator": f"jaxpaint {__version__}",
        "title": f"A painting in {len(painting.strokes)} strokes",
        "finished": painting.state is None,
        "width": painting.width,
        "height": painting.height,
        "canvas_color": painting.settings.canvas_rgb,
        "brush": brush.name,
        "drawn": _drawn(brush),
        "layering": painting.settings.layering,
        "parameters": [{"name": name, "meaning": _meaning(brush, kind)} for name, kind in brush.fields.items()],
        "pixels": {"width": width, "height": height},
        "settings": _portable(painting.settings),
        "styling": painting.styling and dataclasses.asdict(painting.styling),
        "brush_image": None if stamps is None else {"shape": stamps.shape, "zlib": _packed(stamps)},
    }
    strokes = []
    for stroke, row in zip(painting.strokes, _rows(painting, options), strict=True):
        # Nine digits tell any two floats of 32 bits apart.
        parameters = ", ".join(f"{value:.9g}" for value in stroke.tolist())
        rest = json.dumps(row._asdict()).removeprefix("{")
        strokes.append(f'    {{"parameters": [{parameters}], {rest}')
    text = json.dumps(head, indent=2).removesuffix("\n}") + ',\n  "strokes": [\n' + ",\n".join(strokes) + "\n  ]\n}\n"
    path.write_text(text, encoding="utf-8")


def _write_csv(painting: Painting, path: pathlib.Path, options: Options) -> None:
    names = ["color0", "color2", "alpha", "x0", "y0", "x1", "y1", "x2", "y2", "width0", "width2"]
    # A file says where it is from by the title of a last, empty column.
    names += [origins.mark(painting.origin)] * bool(painting.origin)
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["number", *(f"{painting.brush}.{name}" for name in BRUSHES[painting.brush].fields), *names])
        for number, (stroke, row) in enumerate(zip(painting.strokes, _rows(painting, options), strict=True)):
            parameters = [f"{value:.9g}" for value in stroke.tolist()]
            points = [value for point in row.path for value in point]
            writer.writerow([number + 1, *parameters, *row.colors, row.alpha, *points, *row.widths])


def _shape(painting: Painting, options: Options) -> tuple[int, int]:
    """Height and width, in pixels, that paths are given for."""
    size = options.pixels or painting.settings.size
    return pictures.fitted_shape(painting.height, painting.width, size)


def _rows(painting: Painting, options: Options) -> Iterator[_Row]:
    vectors, scale = BRUSHES[painting.brush].shapes(painting.strokes), max(_shape(painting, options))
    colors, alphas = BRUSHES[painting.brush].paint(painting.strokes)
    numbers = (np.round(each.astype(np.float64) * scale, 2).tolist() for each in (vectors.path, vectors.widths))
    for pair, alpha, path, widths in zip(colors, alphas, *numbers, strict=True):
        yield _Row([pictures.to_hex(color) for color in pair], round(float(alpha), 4), path, widths)


def _portable(settings: Settings) -> dict[str, Any]:
    """Settings with names of files in place of paths on this machine, which are of no use to anybody else."""
    names = {key: pathlib.Path(getattr(settings, key)).name for key in ("brush_image", "weights")}
    return dataclasses.asdict(settings) | names


def _meaning(brush: Brush, kind: str) -> str:
    turning = "clockwise" if brush.clockwise else "counter-clockwise"
    return _MEANINGS[kind].format(per=brush.size_per_width, hair=brush.hair, turning=turning)


def _drawn(brush: Brush) -> str:
    """How a stroke is drawn, in words: what the brush's own file says."""
    rasterize = getattr(brush.rasterize, "func", brush.rasterize)
    text = sys.modules[rasterize.__module__].__doc__ or ""
    return " ".join(text.replace("`", "").split())


def _packed(values: Float[np.ndarray, "stamps across along 3"]) -> str:
    return base64.b64encode(zlib.compress(np.ascontiguousarray(values, "<f4").tobytes(), 9)).decode()


def read(path: pathlib.Path) -> Painting:
    """Reads a painting from JSON.

    Raises:
      PaintingFileError: the file can't be read, or is no painting; one line says why.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ValueError(f"larger than {_MOST_BYTES} bytes")
        found = json.loads(path.read_text(encoding="utf-8-sig"), parse_constant=_refuse)
        if not isinstance(found, dict) or found.get("format") != FORMAT:
            raise ValueError(f'expected an object with "format": "{FORMAT}"')
        painting = npz.painting_of(_arrays(found))
    except (ValueError, TypeError, RecursionError, OSError) as error:
        raise PaintingFileError(f"{path}: not a painting that can be used: {reason(error)}") from None
    return dataclasses.replace(painting, origin=origins.of_file(path))


def _refuse(constant: str) -> float:
    raise ValueError(f"{constant} is not a number of JSON")


def _arrays(found: dict[str, Any]) -> dict[str, np.ndarray]:
    """The arrays that an npz would have, whose reader checks them."""
    for name in _NEEDED:
        if name not in found:
            raise ValueError(f"{name} is missing")
    if found["version"] != VERSION:
        raise ValueError(f"version {found['version']}, but this jaxpaint reads {VERSION}; is there a newer one?")
    brush, strokes = _of_type(found, "brush", str), _of_type(found, "strokes", list)
    if not all(isinstance(each, dict) and isinstance(each.get("parameters"), list) for each in strokes):
        raise ValueError("strokes have to be objects with parameters")
    canvas = _numbers(found.get("canvas_color") or Settings().canvas_rgb)
    settings = _of_type(found, "settings", dict) if found.get("settings") else _settings(brush, len(strokes), canvas)
    arrays = {
        "format": np.array(npz.FORMAT),
        "brush": np.array(brush),
        "config": np.array(json.dumps(settings)),
        "strokes": _numbers([each["parameters"] for each in strokes]),
        "canvas_color": canvas,
    }
    arrays |= {name: np.array(_of_type(found, name, int)) for name in ("height", "width")}
    if found.get("styling"):
        arrays["styling"] = np.array(json.dumps(_of_type(found, "styling", dict)))
    if found.get("brush_image"):
        arrays["brush_image"] = _unpacked(_of_type(found, "brush_image", dict))
    return arrays


def _settings(brush: str, count: int, canvas: np.ndarray) -> dict[str, Any]:
    """Settings for strokes by another program."""
    color = ",".join(map(str, canvas.ravel().tolist()))
    return dataclasses.asdict(Settings(brush=brush, strokes=count, canvas_color=color)) if brush in BRUSHES else {}


def _of_type(found: dict[str, Any], name: str, kind: type) -> Any:
    if type(found.get(name)) is not kind:
        raise ValueError(f"{name} has to be {_KINDS[kind]}")
    return found[name]


def _numbers(values: Any) -> np.ndarray:
    """Numbers in lists of equal lengths; values too large for floats of 32 bits become infinite."""
    with np.errstate(over="ignore"):
        found = np.array(values)
        if found.dtype.kind not in "iuf":
            raise ValueError("parameters and colours have to be numbers, as many for each stroke")
        return found.astype(np.float32)


def _unpacked(stamps: dict[str, Any]) -> np.ndarray:
    shape = _numbers(_of_type(stamps, "shape", list))
    size = math.prod(shape.tolist())
    if shape.shape != (4,) or (shape < 1).any() or not size < _MOST_BYTES:
        raise ValueError("brush_image has to have four sizes")
    packed = base64.b64decode(_of_type(stamps, "zlib", str), validate=True)
    try:
        data = zlib.decompressobj().decompress(packed, 4 * int(size) + 1)
    except zlib.error as error:
        raise ValueError(f"brush_image: {error}") from None
    return np.frombuffer(data, "<f4").reshape(shape.astype(int)).astype(np.float32)


EXPORTS = (
    Export((".json",), "strokes as data, which jaxpaint reads back", Options, _write_json, outlined=True),
    Export((".csv",), "strokes as a table", Options, _write_csv, outlined=True),
)
