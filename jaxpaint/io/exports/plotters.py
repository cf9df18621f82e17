"""Plans for pen plotters and painting robots: G-code, HPGL, SVG in layers, and a picture of what will come out.

G-code has one tool whose height is its pressure, takes paint from pots, and stops (M0) where somebody has to change the
tool. HPGL selects a pen for each colour. SVG has a layer for each run of one colour, as vpype and AxiDraw read it: a
number, and in front of it, after the first layer, AxiDraw's mark of a pause.

References:
  Evil Mad Scientist Laboratories, AxiDraw Layer Control, https://wiki.evilmadscientist.com/AxiDraw_Layer_Control
  Hewlett-Packard, HP-GL/2 and HP RTL reference guide, 1997.
"""

from __future__ import annotations

import itertools
import pathlib
from collections.abc import Iterator

import cv2
import numpy as np
from jaxtyping import Float, Int
from PIL import Image, PngImagePlugin

from jaxpaint import __version__, pictures, toolpaths
from jaxpaint.io.exports.base import Export
from jaxpaint.passes import Line
from jaxpaint.pictures import to_hex
from jaxpaint.toolpaths import Move, Options, Plan
from jaxpaint.types import Painting

# HPGL's units in a millimetre, and millimetres a minute in its unit of speed, a centimetre a second.
_HPGL_UNITS, _HPGL_SPEED = 40, 600.0
# The picture is drawn larger, with coordinates of some fractional bits, to smooth its edges.
_FINER, _BITS = 4, 4
# Length of a point in SVG, in millimetres.
_HAIR = 0.01
_INKSCAPE = "http://www.inkscape.org/namespaces/inkscape"


def _about(plan: Plan) -> list[str]:
    """Lines about a plan, in ASCII."""
    options, effort = plan.options, toolpaths.effort(plan)
    hours, minutes = divmod(round(effort.minutes), 60)
    tool = f"a pen of {options.pen_mm:g} mm" if options.pen_mm else f"a brush of up to {options.brush_mm:g} mm"
    (left, low), (wide, high) = options.origin, options.bed
    metres = f"{effort.painted / 1000:.1f} m painted, {effort.travelled / 1000:.1f} m other ways"
    return [
        f"A painting in {len(plan.colors)} colours for {tool}, made with jaxpaint {__version__}",
        f"{plan.size[0]:g} x {plan.size[1]:g} mm at {left:g},{low:g} on a bed of {wide:g} x {high:g} mm",
        f"{hours} h {minutes:02d} min: {effort.strokes} lines, {metres}",
        f"{effort.dips} dips, {effort.changes} changes of colour",
        *(f"Colour {number}: {to_hex(color)}" for number, color in enumerate(plan.colors, 1)),
    ]


def _write_gcode(painting: Painting, path: pathlib.Path, options: Options) -> None:
    path.write_text("\n".join(_gcode(toolpaths.plan_of(painting, options))) + "\n", encoding="ascii")


def _gcode(plan: Plan) -> Iterator[str]:
    """Lines of G-code, in millimetres and absolute coordinates."""
    yield from (f"; {line}" for line in _about(plan))
    yield "; Z 0: the tip touches the paper"
    yield from (
        f"; Pot {number}: {f'colour {number}' if number else 'water'} at {x:g},{y:g}"
        for number, (x, y) in enumerate(plan.pots)
    )
    yield from ("G21", "G90")
    words: dict[str, str] = {}
    for step, moves in toolpaths.moves(plan):
        if step.kind != "stroke":
            yield f"; {step.kind}: colour {step.color + 1}, {to_hex(plan.colors[step.color])}"
        if step.kind == "change":
            yield "M0"
        for move in moves:
            yield from _line(move, words, plan.options)
    yield from _line(Move(0.0, 0.0, max(plan.options.up_mm, plan.options.rim_mm), False), words, plan.options)


def _line(move: Move, words: dict[str, str], options: Options) -> Iterator[str]:
    """A move as a line, with the words that change; nothing if none does.

    Args:
      move: the move.
      words: the words so far, by their letters, which are brought up to date.
      options: options of the plan.
    """
    # Some machines use the speed of G1 for G0, too, so that each says its own.
    speed = options.feed if move.down else options.travel_feed
    now = {"X": f"{move.x:.2f}", "Y": f"{move.y:.2f}", "Z": f"{move.z:.2f}", "F": f"{speed:g}"}
    changed = {letter: text for letter, text in now.items() if text != words.get(letter)}
    words.update(now)
    if changed.keys() - {"F"}:
        yield " ".join([f"G{int(move.down)}", *(letter + text for letter, text in changed.items())])


def _write_hpgl(painting: Painting, path: pathlib.Path, options: Options) -> None:
    path.write_text("\n".join(_hpgl(toolpaths.plan_of(painting, options))) + "\n", encoding="ascii")


def _hpgl(plan: Plan) -> Iterator[str]:
    """Lines of HPGL: a pen for each colour, and lines between points in plotter units."""
    yield "IN;"
    yield from (f'CO"{line}";' for line in _about(plan))
    yield f"VS{max(1, round(plan.options.feed / _HPGL_SPEED))};"
    for color, lines in _runs(plan):
        yield f"SP{color + 1};"
        for line in lines:
            points = [f"{x},{y}" for x, y in np.rint(line[:, :2] * _HPGL_UNITS).astype(int).tolist()]
            yield f"PU{points[0]};PD{','.join(points[1:])};"
    yield "PU;SP0;"


def _write_svg(painting: Painting, path: pathlib.Path, options: Options) -> None:
    path.write_text("\n".join(_svg(toolpaths.plan_of(painting, options))) + "\n", encoding="utf-8")


def _svg(plan: Plan) -> Iterator[str]:
    """Lines of SVG, whose page is the bed, in millimetres."""
    wide, high = plan.options.bed
    yield '<?xml version="1.0" encoding="UTF-8"?>'
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:inkscape="{_INKSCAPE}" '
        f'width="{wide:g}mm" height="{high:g}mm" viewBox="0 0 {wide:g} {high:g}">'
    )
    title, *more = _about(plan)
    yield f"<title>{title}</title>"
    yield f"<desc>{'; '.join(more)}</desc>"
    for number, (color, lines) in enumerate(_runs(plan), 1):
        ink = to_hex(plan.colors[color])
        yield (
            f'<g id="layer{number}" inkscape:groupmode="layer" inkscape:label="{"!" * (number > 1)}{number} {ink}" '
            f'fill="none" stroke="{ink}" stroke-linecap="round" stroke-linejoin="round">'
        )
        for line in lines:
            points = line[:, :2].tolist()
            # A hair in place of a point, which AxiDraw leaves out.
            points += [[x + _HAIR, y] for x, y in points if len(points) == 1]
            path = " ".join(f"{x:.2f},{high - y:.2f}" for x, y in points)
            yield f'<polyline stroke-width="{line[:, 2].mean():.2f}" points="{path}"/>'
        yield "</g>"
    yield "</svg>"


def _runs(plan: Plan) -> Iterator[tuple[int, list[Line]]]:
    """Lines of one colour, run by run."""
    painted = (step for step in plan.steps if step.kind == "stroke")
    for color, steps in itertools.groupby(painted, key=lambda step: step.color):
        yield color, [step.line for step in steps]


def _write_picture(painting: Painting, path: pathlib.Path, options: Options) -> None:
    plan = toolpaths.plan_of(painting, options)
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Description", "; ".join(_about(plan)))
    picture = pictures.to_bytes(drawn(plan, options.size or painting.settings.size))
    Image.fromarray(picture).save(path, "PNG", pnginfo=notes)


def drawn(plan: Plan, size: int) -> Float[np.ndarray, "h w 3"]:
    """Draws the traces of a round tool on the paper.

    Args:
      plan: the plan.
      size: long side of the drawing, in pixels.
    """
    finer = max(1, min(_FINER, pictures.LARGEST // size))
    scale = finer * size / max(plan.size)
    width, height = (max(1, round(side * scale)) for side in plan.size)
    canvas = np.empty((height, width, 3), np.float32)
    canvas[:] = plan.paper
    corner = np.array([plan.options.origin[0], plan.options.origin[1] + plan.size[1], 0.0])
    for step in plan.steps:
        if step.kind == "stroke":
            _trace(canvas, (step.line - corner) * (scale, -scale, scale / 2), plan.colors[step.color].tolist())
    return pictures.resize(canvas, pictures.fitted_shape(height, width, size))


def _trace(canvas: Float[np.ndarray, "h w 3"], line: Line, color: list[float]) -> None:
    """Fills what a disc covers that runs along a line: x, y and its radius, in pixels."""
    # OpenCV's coordinates are those of the pixels' centres, as whole numbers of fractions of a pixel.
    points, radii = line[:, :2] - 0.5, np.maximum(line[:, 2:], 0.5)
    for (x, y), (radius,) in zip(_whole(points).tolist(), _whole(radii).tolist(), strict=True):
        cv2.circle(canvas, (x, y), radius, color, cv2.FILLED, cv2.LINE_8, _BITS)
    way = np.diff(points, axis=0)
    aside = way[:, ::-1] * (-1.0, 1.0) / np.maximum(np.linalg.norm(way, axis=1, keepdims=True), 1e-9)
    one, other = aside * radii[:-1], aside * radii[1:]
    corners = np.stack([points[:-1] + one, points[1:] + other, points[1:] - other, points[:-1] - one], axis=1)
    for corner in _whole(corners):
        cv2.fillConvexPoly(canvas, corner, color, cv2.LINE_8, _BITS)


def _whole(values: Float[np.ndarray, "*n"]) -> Int[np.ndarray, "*n"]:
    return np.rint(values * 2**_BITS).astype(np.int32)


EXPORTS = (
    Export((".gcode",), "moves of a painting robot or a plotter (G-code)", Options, _write_gcode, outlined=True),
    Export((".hpgl",), "moves of a plotter (HPGL)", Options, _write_hpgl, outlined=True),
    Export(("_plotter.svg",), "layers for AxiDraw and vpype", Options, _write_svg, outlined=True),
    Export(("_plotter.png",), "picture of what a robot or a plotter will draw", Options, _write_picture, outlined=True),
)
