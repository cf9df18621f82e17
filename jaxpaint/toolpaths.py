"""Plans for pen plotters and painting robots: what a tool with real paint does to paint a painting.

A robot has one opaque paint a pot, so each stroke has one colour, that of the opaque paint that looks most like it. A
brush is pressed down the deeper, the wider the stroke. Strokes that are wider than the tool take several passes side by
side. What a pen has drawn cannot be covered, so a pen draws what is seen of a stroke alone.

Plans are in millimetres from the lower left corner of the machine's bed: x to the right, y up, z towards the tool, 0
where its tip touches the paper.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Bool, Float, Int

from jaxpaint import attention, ordering, palettes, passes, pictures
from jaxpaint.brushes import BRUSHES, Vectors
from jaxpaint.errors import ExportError
from jaxpaint.passes import Line
from jaxpaint.settings import Checked, setting
from jaxpaint.types import Painting

# Pixels along the long side of the picture that shows what is seen of strokes: at least, and at most for thin pens.
_SEEN, _MOST_SEEN = 1024, 4096
# Pixels in the width of a pen.
_PEN_PIXELS = 2.0
# Long side, in pixels, of the picture in which faces are looked for.
_LOOKED_AT = 256
# Turns of a brush in its paint and in the water, and how far it goes, in distances between pots.
_DIP, _WASH, _STIR = 1, 4, 0.25
# Greatest distance between points of a line that are tried for being seen, in millimetres.
_TRIED = 0.5
# By how much a picture may leave the bed, as arithmetic has it.
_ROUNDING = 1e-6


@dataclasses.dataclass(frozen=True)
class Options(Checked):
    """Options of plans.

    Raises:
      ValueError, TypeError: a value is refused; one line names the expected values.
    """

    groups = {"Options of plotters and painting robots": ""}
    prefix = ""

    width_mm: float = setting(200.0, "width of the print, in millimetres", 1.0, 10_000.0)
    bed_mm: str = setting("430,300", "width and height of the machine's bed")
    origin_mm: str = setting("20,20", "lower left corner of the picture on the bed")
    colors: int = setting(12, "number of colours: pots of paint, or pens", 1, 64)
    brush_mm: float = setting(8.0, "greatest width of the brush's trace; wider strokes take several passes", 0.1, 500.0)
    press_mm: float = setting(3.0, "how far the brush is pressed down for its greatest width", 0.0, 100.0)
    pen_mm: float = setting(0.0, "width of a pen's line, which hatches what is seen of strokes; 0: a brush", 0.0, 50.0)
    hatch_mm: float = setting(0.0, "distance between the lines of a pen; 0: as wide as a line", 0.0, 50.0)
    dip_every_mm: float = setting(300.0, "way that a brush paints with one dip; 0: no pots, changed by hand", 0.0, 1e6)
    pot_mm: float = setting(20.0, "distance between pots, which stand along the bed's right side", 1.0, 500.0)
    up_mm: float = setting(5.0, "height above the paper, between strokes", 0.1, 500.0)
    rim_mm: float = setting(30.0, "height above the paper, on the way to pots", 0.1, 500.0)
    feed: float = setting(2000.0, "speed of painting, in millimetres a minute", 1.0, 100_000.0)
    travel_feed: float = setting(6000.0, "speed between strokes, in millimetres a minute", 1.0, 100_000.0)
    tolerance_mm: float = setting(0.1, "how far lines may stray from curves", 0.001, 10.0)
    size: int = setting(0, "long side in pixels; 0: as painted", 0, pictures.LARGEST)

    def __post_init__(self) -> None:
        super().__post_init__()
        if min(self.bed) <= 0:
            raise ValueError(f"bed_mm: expected two numbers above 0, with a comma, got {self.bed_mm!r}")
        if min(self.origin) < 0:
            raise ValueError(f"origin_mm: expected two numbers of 0 or more, with a comma, got {self.origin_mm!r}")

    @property
    def bed(self) -> tuple[float, float]:
        """Width and height of the bed."""
        return _pair("bed_mm", self.bed_mm)

    @property
    def origin(self) -> tuple[float, float]:
        """Lower left corner of the picture."""
        return _pair("origin_mm", self.origin_mm)

    @property
    def has_pots(self) -> bool:
        """Whether the machine takes paint from pots by itself."""
        return not self.pen_mm and self.dip_every_mm > 0

    @property
    def widths(self) -> tuple[float, float]:
        """Least and greatest width of the tool's trace."""
        return (self.pen_mm, self.pen_mm) if self.pen_mm else (0.0, self.brush_mm)


def _pair(name: str, text: str) -> tuple[float, float]:
    try:
        one, other = map(float, text.split(","))
    except ValueError:
        one = math.nan
    if not (math.isfinite(one) and math.isfinite(other)):
        raise ValueError(f"{name}: expected two numbers, with a comma, got {text!r}")
    return one, other


class Step(NamedTuple):
    """What a tool does between two ways through the air.

    Attributes:
      kind: "stroke" paints; "dip" takes paint from a pot, "wash" removes it in water; "change" waits for somebody who
        changes the tool; "load" names the first tool.
      color: number of the colour in the plan's palette.
      line: where the tool is down; nowhere for a change or a load.
    """

    kind: str
    color: int
    line: Line


class Plan(NamedTuple):
    """A painting as the steps of a machine.

    Attributes:
      colors: colours of the paints, in [0, 1], light ones first.
      paper: colour of the paper.
      size: width and height of the picture.
      pots: places of the pots, of water and of each colour; empty if the machine takes no paint.
      steps: the steps in their order.
      options: the options of the plan.
    """

    colors: Float[np.ndarray, "c 3"]
    paper: tuple[float, float, float]
    size: tuple[float, float]
    pots: Float[np.ndarray, "p 2"]
    steps: tuple[Step, ...]
    options: Options


class Move(NamedTuple):
    """A straight way of the tool to a point, at the speed of painting (`down`) or of travel."""

    x: float
    y: float
    z: float
    down: bool


class Effort(NamedTuple):
    """What a plan takes.

    Attributes:
      strokes, dips, changes: numbers of lines, of dips into paint, and of changes of the colour.
      painted, travelled: lengths of the lines, and of all other ways of the tool, in millimetres.
      minutes: time at the speeds of the options, without changes by hand. Machines that accelerate slowly take longer.
    """

    strokes: int
    dips: int
    changes: int
    painted: float
    travelled: float
    minutes: float


class _Seen(NamedTuple):
    """What is seen of strokes that are opaque.

    Attributes:
      colors: colour of each stroke.
      weights: how much people see of each stroke, by its pixels and the attention that they draw; 0: nothing.
      owner: number of the topmost stroke in each pixel; -1 where there is none.
    """

    colors: Float[np.ndarray, "n 3"]
    weights: Float[np.ndarray, "n"]
    owner: Int[np.ndarray, "h w"]


def plan_of(painting: Painting, options: Options) -> Plan:
    """Plans a painting.

    Raises:
      ExportError: the picture or the pots do not fit the bed; the brush has no vectors.
    """
    size = options.width_mm, options.width_mm / painting.width * painting.height
    seen = _seen(painting, _pixels(max(size), options))
    palette = palettes.reduced(seen.colors, np.maximum(seen.weights, 1.0), options.colors)
    pots = _pots(len(palette.colors), size, options)
    lines = list(_lines(painting, seen, size, options))
    # What a pen draws does not overlap, so that any order is right.
    order = np.argsort(palette.members) if options.pen_mm else ordering.gathered(painting, palette.members)
    drawn = [number for number in map(int, order) if lines[number]]
    runs = itertools.groupby(drawn, key=lambda number: int(palette.members[number]))
    # Lines of one colour may change places, even if they overlap.
    chains = _chained(((color, [line for number in run for line in lines[number]]) for color, run in runs), options)
    return Plan(palette.colors, painting.settings.canvas_rgb, size, pots, tuple(_steps(chains, pots, options)), options)


def _pixels(long: float, options: Options) -> int:
    """Long side of the picture that shows what is seen of strokes."""
    fine = math.ceil(long / options.pen_mm * _PEN_PIXELS) if options.pen_mm else 0
    return min(max(fine, _SEEN), _MOST_SEEN)


def _seen(painting: Painting, pixels: int) -> _Seen:
    """Lays the strokes one over the other, each in the colour of opaque paint that looks like it, on the average."""
    brush, strokes = BRUSHES[painting.brush], painting.strokes
    height, width = pictures.fitted_shape(painting.height, painting.width, pixels)
    canvas = np.empty((height, width, 3), np.float32)
    canvas[:] = painting.settings.canvas_rgb
    owner = np.full((height, width), -1, np.int32)
    colors, alphas = brush.paint(strokes)
    colors = colors.mean(axis=1)
    outlines = np.rint(brush.shapes(strokes).outline * pixels - 0.5).astype(np.int32)
    for number, outline in enumerate(outlines):
        low = np.clip(outline.min(axis=0), 0, (width, height))
        high = np.clip(outline.max(axis=0) + 1, low, (width, height))
        mask = np.zeros((high[1] - low[1], high[0] - low[0]), np.uint8)
        if not mask.size:
            continue
        covered = cv2.fillPoly(mask, [outline - low], 1) > 0
        here = slice(low[1], high[1]), slice(low[0], high[0])
        if covered.any():
            below = canvas[here][covered].mean(axis=0)
            full = below * colors[number] if painting.settings.layering == "glaze" else colors[number]
            colors[number] = below + alphas[number] * (full - below)
        canvas[here][covered], owner[here][covered] = colors[number], number
    small = pictures.resize(canvas, pictures.fitted_shape(height, width, _LOOKED_AT))
    attention_here = cv2.resize(attention.importance(small), (width, height), interpolation=cv2.INTER_NEAREST)
    weights = np.bincount(owner[owner >= 0], attention_here[owner >= 0], minlength=len(strokes))
    return _Seen(colors, weights, owner)


def _pots(colors: int, size: tuple[float, float], options: Options) -> Float[np.ndarray, "p 2"]:
    """Places of the pots, after a check of whether all fits the bed."""
    (wide, high), (left, low) = options.bed, options.origin
    bed, picture = f"a bed of {wide:g} x {high:g} mm", f"{size[0]:g} x {size[1]:g} mm at {left:g},{low:g}"
    room = wide - options.pot_mm * options.has_pots
    if left + size[0] > room + _ROUNDING or low + size[1] > high + _ROUNDING:
        beside = f" beside pots of {options.pot_mm:g} mm" if options.has_pots else ""
        raise ExportError(f"expected a picture that fits {bed}{beside}, got {picture}; see width_mm, origin_mm, bed_mm")
    if not options.has_pots:
        return np.zeros((0, 2))
    if (colors + 1) * options.pot_mm > high:
        raise ExportError(f"expected {colors + 1} pots that fit {bed}, got {options.pot_mm:g} mm for each; see pot_mm")
    return np.stack([np.full(colors + 1, wide), np.arange(1, colors + 2) * options.pot_mm], axis=1) - options.pot_mm / 2


def _lines(painting: Painting, seen: _Seen, size: tuple[float, float], options: Options) -> Iterator[list[Line]]:
    """Yields the lines of each stroke, on the bed."""
    long, origin = max(size), np.array(options.origin)
    scale = max(seen.owner.shape) / long
    apart = options.pen_mm and options.hatch_mm or options.widths[1]
    for number, parts in enumerate(zip(*BRUSHES[painting.brush].shapes(painting.strokes), strict=True)):
        keeps = functools.partial(_keeps, seen=seen, number=number if options.pen_mm else None, scale=scale)
        found: list[Line] = []
        # Most strokes that nobody sees cost no more than this.
        if seen.weights[number] or not options.pen_mm:
            stroke = Vectors(*(part * long for part in parts))
            for line in passes.passes(stroke, options.widths, apart=apart, tolerance=options.tolerance_mm):
                found += passes.kept(line, keeps, 1.0 / scale if options.pen_mm else _TRIED)
        for line in found:
            line[:, :2] = np.clip(line[:, :2], 0.0, size)
            line[:, 1] = size[1] - line[:, 1]
            line[:, :2] += origin
        yield found


def _keeps(line: Float[np.ndarray, "m 3"], *, seen: _Seen, number: int | None, scale: float) -> Bool[np.ndarray, "m"]:
    """Which points lie in the picture and, if there is a number, in pixels where the stroke of that number is seen."""
    (x, y), (height, width) = np.floor(line[:, :2].T * scale).astype(int), seen.owner.shape
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    if number is None:
        return inside
    return inside & (seen.owner[np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)] == number)


def _chained(runs: Iterable[tuple[int, list[Line]]], options: Options) -> Iterator[tuple[int, list[Line]]]:
    """Sorts the lines of each run of one colour to short ways; lines for which one dip is not enough are divided."""
    place = np.zeros(2)
    for color, lines in runs:
        if options.has_pots:
            lines = [part for line in lines for part in passes.portions(line, options.dip_every_mm)]
        starts, ends = (np.stack([line[end, :2] for line in lines]) / max(options.bed) for end in (0, -1))
        order = ordering.nearest(starts, ends, place)
        place = ends[order[-1]]
        yield color, [lines[number] for number in order]


def _steps(
    chains: Iterable[tuple[int, list[Line]]], pots: Float[np.ndarray, "p 2"], options: Options
) -> Iterator[Step]:
    """Yields the steps, with a dip whenever the paint would not last to the end of a line."""
    before: int | None = None
    for color, lines in chains:
        if before is not None and len(pots):
            yield Step("wash", before, _stirred(pots[0], _WASH, options))
        elif not len(pots):
            yield Step("load" if before is None else "change", color, np.zeros((0, 3)))
        before, left = color, 0.0
        for line in lines:
            # A dab of no length takes paint, too.
            way = passes.ways(line)[-1] + line[:, 2].mean()
            if len(pots) and way > left:
                yield Step("dip", color, _stirred(pots[color + 1], _DIP, options))
                left = options.dip_every_mm
            yield Step("stroke", color, line)
            left -= way


def _stirred(pot: Float[np.ndarray, "2"], turns: int, options: Options) -> Line:
    """The way of a brush in a pot, whose tip goes down to the height of the paper."""
    aside = np.array([0.0, 1.0, -1.0] * turns + [0.0]) * (_STIR * options.pot_mm)
    return np.stack([pot[0] + aside, np.full_like(aside, pot[1]), np.zeros_like(aside)], axis=1)


def moves(plan: Plan) -> Iterator[tuple[Step, list[Move]]]:
    """Yields each step with its moves: through the air, down, along its line, and up; starts and ends at the corner.

    The first move only lifts the tool.
    """
    options = plan.options
    deep = 0.0 if options.pen_mm else options.press_mm / options.brush_mm
    x, y, height = 0.0, 0.0, options.up_mm
    for step in plan.steps:
        if not len(step.line):
            yield step, []
            continue
        clear = options.up_mm if step.kind == "stroke" else options.rim_mm
        height = max(height, clear)
        points = [(float(a), float(b), -deep * float(width)) for a, b, width in step.line]
        way = [Move(x, y, height, False), Move(*points[0][:2], height, False), Move(*points[0][:2], clear, False)]
        x, y, _ = points[-1]
        yield step, [*way, *(Move(*point, True) for point in points), Move(x, y, clear, False)]
        height = clear


def effort(plan: Plan) -> Effort:
    """What a plan takes, by its moves."""
    count = {kind: sum(step.kind == kind for step in plan.steps) for kind in ("stroke", "dip", "wash", "change")}
    painted = sum(float(passes.ways(step.line)[-1]) for step in plan.steps if step.kind == "stroke")
    at, way, minutes = np.zeros(3), 0.0, 0.0
    for move in (move for _, made in moves(plan) for move in made):
        point = np.array([move.x, move.y, move.z])
        distance = float(np.linalg.norm(point - at))
        way += distance
        minutes += distance / (plan.options.feed if move.down else plan.options.travel_feed)
        at = point
    return Effort(count["stroke"], count["dip"], count["wash"] + count["change"], painted, way - painted, minutes)
