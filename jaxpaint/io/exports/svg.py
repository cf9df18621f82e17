"""SVG: a path for each stroke, from the lowest to the highest, filled with a gradient of its two colours.

Strokes have no texture, as drawings by `--texture=0 --relief=0`, or their bristles are lines. A glaze multiplies the
colours below, which SVG does by `mix-blend-mode`. Coordinates are integers; the drawing's long side is 1,000 units
times 10 to the power of the precision.
"""

from __future__ import annotations

import dataclasses
import pathlib
import warnings
import zlib
from collections.abc import Iterable, Iterator
from typing import Any
from xml.sax.saxutils import escape

import cv2
import numpy as np
from jaxtyping import Float, Int

from jaxpaint import __version__
from jaxpaint.brushes import BRUSHES, Vectors
from jaxpaint.brushes.bristle_lines import BristleLines, bristle_lines
from jaxpaint.errors import ExportError
from jaxpaint.io import origins
from jaxpaint.io.exports.base import Export
from jaxpaint.pictures import fitted_shape, to_hex
from jaxpaint.settings import Checked, setting
from jaxpaint.types import Painting

_UNITS = 1000
# Corners that stick out by less, in units, are left out.
_STRAIGHT = 0.08
# Colours of a stroke's ends that differ by less, in 255ths, are one colour.
ALIKE = 2
# Opacity above which strokes are opaque.
OPAQUE = 0.998
# Groups of strokes in a drawing: layers, for programs that know them.
_LAYERS = 8
# Pictures a second of an animation, and its style sheet: groups of strokes wait until it is their turn. Programs that
# know no animations show all strokes.
_RATE = 25
_ANIMATED = (
    "g[style]{animation:shown 1ms both}@keyframes shown{from{visibility:hidden}}"
    "@media(prefers-reduced-motion:reduce){g[style]{animation:none}}"
)
# Width of centre lines, in units. A pen has its own.
_PEN = 2
# Part of the strokes that is left out at a time to keep to the greatest size.
_LESS = 0.1
# Bytes of a signature (see `jaxpaint.io.origins`).
_SIGNATURE = 128
_INKSCAPE = "http://www.inkscape.org/namespaces/inkscape"


@dataclasses.dataclass(frozen=True)
class Options(Checked):
    """Options of SVG."""

    groups = {"Options of SVG, as --KEY=VALUE": ""}
    prefix = ""

    precision: int = setting(1, "decimals of coordinates; the long side has 1,000 units", 0, 3)
    bristles: bool = setting(False, "bristles as lines, for brushes of oil; about twice the size")
    centerlines: bool = setting(False, "thin lines along the middles of the strokes, for pens")
    seconds: float = setting(
        0.0, "browsers show the strokes one after the other, for so long; 0: all at once", 0.0, 600.0
    )
    max_bytes: int = setting(0, "greatest size; leaves out bristles, decimals, gradients, strokes; 0: any", 0, 2**31)


def _write(painting: Painting, path: pathlib.Path, options: Options) -> None:
    path.write_bytes(_fitting(painting, options, packed=path.suffix.lower() == ".svgz"))


def _fitting(painting: Painting, options: Options, *, packed: bool) -> bytes:
    """The file's bytes, as few as the options allow.

    Raises:
      ExportError: an empty drawing is too large.

    Warns:
      UserWarning: something was left out.
    """

    def drawn(kept: Int[np.ndarray, "n"], options: Options, *, plain: bool) -> bytes:
        lines = _lines(painting, kept, options, plain=plain)
        data = "\n".join(lines).encode() + b"\n"
        return zipped(data, painting.origin) if packed else data

    every, most = np.arange(len(painting.strokes)), options.max_bytes - _SIGNATURE * bool(painting.origin)
    data = drawn(every, options, plain=False)
    if not options.max_bytes or len(data) <= most:
        return data
    left_out = []
    without = dataclasses.replace(options, bristles=False)
    least = dataclasses.replace(without, precision=0)
    for name, fewer, plain in (("bristles", without, False), ("decimals", least, False), ("gradients", least, True)):
        if fewer != options or plain:
            left_out.append(name)
            data = drawn(every, fewer, plain=plain)
        if len(data) <= most:
            break
    by_area = np.argsort(-BRUSHES[painting.brush].areas(painting.strokes), kind="stable")
    kept = len(every)
    while len(data) > most and kept:
        kept = int(kept * (1.0 - _LESS))
        data = drawn(np.sort(by_area[:kept]), least, plain=True)
    if len(data) > most:
        raise ExportError(f"max_bytes: expected at least {len(data) + _SIGNATURE}, as a drawing without strokes has")
    left_out += [f"the {len(every) - kept} smallest strokes"] * (kept < len(every))
    warnings.warn(f"left out, to keep to {options.max_bytes} bytes: {', '.join(left_out)}", stacklevel=4)
    return data


def _lines(painting: Painting, kept: Int[np.ndarray, "n"], options: Options, *, plain: bool) -> Iterator[str]:
    """Lines of the drawing of some strokes (see `layers`)."""
    body = layers(painting, kept, options, plain=plain)
    sheet = _ANIMATED * bool(options.seconds)
    return document(painting, body, title=f"A painting in {len(kept)} strokes", scale=scale_of(options), sheet=sheet)


def scale_of(options: Any) -> int:
    """The drawing's long side, for options with a precision."""
    return int(_UNITS * 10**options.precision)


def document(painting: Painting, body: Iterable[str], *, title: str, scale: int, sheet: str) -> Iterator[str]:
    """Lines of a file with a drawing.

    Args:
      painting: the painting, whose canvas is drawn, if the painting is not transparent.
      body: lines that draw strokes.
      title: title of the drawing.
      scale: the drawing's long side.
      sheet: style sheet.
    """
    height, width = fitted_shape(painting.height, painting.width, scale)
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:inkscape="{_INKSCAPE}" '
        f'width="{painting.width}" height="{painting.height}" viewBox="0 0 {width} {height}">'
    )
    yield f"<title>{escape(title)}</title>"
    state = "unfinished" if painting.state is not None else "finished"
    yield f"<desc>{escape(f'brush {painting.brush}, {state}, made with jaxpaint {__version__}')}</desc>"
    multiplied = "path{mix-blend-mode:multiply}" if painting.settings.layering == "glaze" else ""
    if multiplied or sheet:
        yield f"<style>{multiplied}{sheet}</style>"
    if not painting.settings.transparent:
        yield f'<rect width="{width}" height="{height}" fill="{to_hex(np.array(painting.settings.canvas_rgb))}"/>'
    yield from body
    yield "</svg>"


def layers(painting: Painting, kept: Int[np.ndarray, "n"], options: Options, *, plain: bool = False) -> Iterator[str]:
    """Lines that draw strokes.

    Args:
      painting: the painting.
      kept: numbers of the strokes that are drawn.
      options: options of the drawing.
      plain: fills strokes with the mean of their colours.
    """
    brush, scale = BRUSHES[painting.brush], scale_of(options)
    vectors = brush.shapes(painting.strokes[kept])
    bristles = bristle_lines(brush, painting.strokes[kept], painting.settings.texture) if options.bristles else None
    colors, alphas = brush.paint(painting.strokes[kept])
    if plain or options.centerlines:
        colors = np.repeat(colors.mean(axis=1, keepdims=True), 2, axis=1)
    # The picture of the animation in which each stroke appears.
    moments = (brush.pace(painting.strokes[kept])[1:] * (options.seconds * _RATE)).astype(int)
    for number, layer in enumerate(np.array_split(np.arange(len(kept)), _LAYERS)):
        if not len(layer):
            continue
        label = f"strokes {kept[layer[0]] + 1} to {kept[layer[-1]] + 1}"
        pen = f' stroke-width="{_PEN * scale // _UNITS}"' * options.centerlines
        lines = f' fill="none" stroke-linecap="round"{pen}' if options.centerlines or options.bristles else ""
        yield f'<g id="layer{number + 1}" inkscape:groupmode="layer" inkscape:label="{label}"{lines}>'
        for at in layer.tolist():
            first = at == layer[0]
            if options.seconds and (first or moments[at] > moments[at - 1]):
                yield f'{"" if first else "</g>"}<g style="animation-delay:{moments[at] / _RATE:g}s">'
            if options.centerlines:
                yield _centerline(vectors, at, scale, colors[at, 0], float(alphas[at]))
            elif bristles is not None:
                yield _bristled(bristles, at, scale, *_paint(colors[at], vectors.ends[at], scale, int(kept[at])))
            else:
                paint = _paint(colors[at], vectors.ends[at], scale, int(kept[at]))
                yield _filled(vectors, at, scale, float(alphas[at]), *paint)
        yield "</g>" * (2 if options.seconds else 1)


def _paint(
    colors: Float[np.ndarray, "2 3"], ends: Float[np.ndarray, "2 2"], scale: int, number: int
) -> tuple[str, str]:
    """A stroke's gradient, if it has one, and the name of its paint."""
    if np.abs(colors[0] - colors[1]).max() * 255 < ALIKE:
        return "", to_hex(colors.mean(axis=0))
    (x1, y1), (x2, y2) = np.rint(ends * scale).astype(int)
    gradient = (
        f'<linearGradient id="s{number + 1}" gradientUnits="userSpaceOnUse" x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}">'
        f'<stop stop-color="{to_hex(colors[0])}"/><stop offset="1" stop-color="{to_hex(colors[1])}"/></linearGradient>'
    )
    return gradient, f"url(#s{number + 1})"


def _filled(vectors: Vectors, at: int, scale: int, alpha: float, gradient: str, paint: str) -> str:
    """A stroke as a filled path, and its gradient."""
    opacity = "" if alpha > OPAQUE else f' fill-opacity="{alpha:.3g}"'
    return f'{gradient}<path fill="{paint}"{opacity} d="{outlined(vectors.outline[at], scale)}"/>'


def outlined(outline: Float[np.ndarray, "k 2"], scale: int) -> str:
    """The data of a path around a stroke."""
    outline = cv2.approxPolyDP((outline * _UNITS).astype(np.float32), _STRAIGHT, closed=True)[:, 0]
    corners = np.rint(outline * (scale / _UNITS)).astype(int)
    steps = np.diff(corners, axis=0)
    steps = steps[(steps != 0).any(axis=1)].ravel()
    return "M" + _numbers(corners[0]) + "l" * bool(len(steps)) + _numbers(steps) + "z"


def _bristled(bristles: BristleLines, at: int, scale: int, gradient: str, paint: str) -> str:
    """A stroke as lines along its bristles, and its gradient."""
    painted = np.rint(bristles.path[at][bristles.painted[at]] * scale).astype(int)
    width = max(1, round(float(bristles.width[at]) * scale))
    return f'{gradient}<path stroke="{paint}" stroke-width="{width}" d="{"".join(map(_line, painted))}"/>'


def _line(points: Int[np.ndarray, "5 2"]) -> str:
    """A bristle: a straight piece, a curve and a straight piece, those without length left out."""
    start, first, control, last, end = points
    ahead = "l" + _numbers(first - start) if (first != start).any() else ""
    curve = "q" + _numbers(np.concatenate([control - first, last - first]))
    return f"M{_numbers(start)}{ahead}{curve}" + ("l" + _numbers(end - last) if (end != last).any() else "")


def _centerline(vectors: Vectors, at: int, scale: int, color: Float[np.ndarray, "3"], alpha: float) -> str:
    """A stroke as a line along its middle."""
    start, control, end = np.rint(vectors.path[at] * scale).astype(int)
    opacity = "" if alpha > OPAQUE else f' stroke-opacity="{alpha:.3g}"'
    path = f"M{_numbers(start)}Q{_numbers(control)} {_numbers(end)}"
    return f'<path stroke="{to_hex(color)}"{opacity} d="{path}"/>'


def _numbers(values: Int[np.ndarray, "n"]) -> str:
    """Numbers with spaces between them, but where a sign separates them."""
    return " ".join(map(str, values.tolist())).replace(" -", "-")


def zipped(data: bytes, origin: str) -> bytes:
    """Data as a gzip file (RFC 1952) whose comment is the mark of the origin."""
    packer = zlib.compressobj(9, wbits=-15)
    mark = origins.mark(origin).encode()
    head = bytes([0x1F, 0x8B, 8, 16 if mark else 0, 0, 0, 0, 0, 2, 255]) + mark + b"\0" * bool(mark)
    tail = zlib.crc32(data).to_bytes(4, "little") + (len(data) % 2**32).to_bytes(4, "little")
    return head + packer.compress(data) + packer.flush() + tail


EXPORTS = (
    Export((".svg", ".svgz"), "vector graphics for browsers, Inkscape and Illustrator", Options, _write, outlined=True),
)
