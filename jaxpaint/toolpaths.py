"""Plans for pen plotters and painting robots: what a tool with real paint does to paint a painting.

A robot has one opaque paint a pot, so each stroke has one colour, that of the opaque paint that looks most like it. A
brush is pressed down the deeper, the wider the stroke. Strokes that are wider than the tool take several passes side by
side. What a pen has drawn cannot be covered, so a pen draws what is seen of a stroke alone.

Plans are in millimetres from the lower left corner of the machine's bed: x to the right, y up, z towards the tool, 0
where its tip touches the paper.
"""

from __future__ import annotations

import collections
import dataclasses
import functools
import itertools
import math
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from jaxpaint import ordering, palettes, passes, pictures, visibility
from jaxpaint.brushes import BRUSHES
from jaxpaint.errors import ExportError
from jaxpaint.passes import Line
from jaxpaint.settings import Checked, setting
from jaxpaint.types import Painting
from jaxpaint.visibility import OUTSIDE, Seen

# Pixels along the long side of the picture that shows what is seen of strokes: at least, and at most for thin pens.
_SEEN, _MOST_SEEN = 1024, 4096
# Pixels in the width of a pen.
_PEN_PIXELS = 2.0
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
        if self.hatch_mm and not self.pen_mm:
            raise ValueError(f"hatch_mm: expected only with pen_mm, got {self.hatch_mm:g}")

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

    @property
    def apart(self) -> float:
        """Greatest distance between lines side by side."""
        return self.hatch_mm or self.pen_mm or self.brush_mm


def _pair(name: str, text: str) -> tuple[float, float]:
    try:
        one, other = map(float, text.split(","))
    except ValueError:
        one = other = math.nan
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


def plan_of(painting: Painting, options: Options) -> Plan:
    """Plans a painting.

    Raises:
      ExportError: the picture or the pots do not fit the bed; the brush has no vectors.
    """
    size = options.width_mm, options.width_mm / painting.width * painting.height
    seen = visibility.look(painting, _pixels(max(size), options))
    palette = palettes.reduced(seen.colors, np.maximum(seen.weights, 1.0), options.colors)
    pots = _pots(len(palette.colors), size, options)
    lines = list(_lines(painting, seen, size, options))
    # What a pen draws does not overlap, so that any order is right.
    order = (
        np.argsort(palette.members, kind="stable") if options.pen_mm else ordering.gathered(painting, palette.members)
    )
    drawn = [number for number in map(int, order) if lines[number]]
    runs = itertools.groupby(drawn, key=lambda number: int(palette.members[number]))
    # Lines of one colour may change places, even if they overlap.
    chains = _chained(((color, [line for number in run for line in lines[number]]) for color, run in runs), options)
    return Plan(palette.colors, painting.settings.canvas_rgb, size, pots, tuple(_steps(chains, pots, options)), options)


def _pixels(long: float, options: Options) -> int:
    """Long side of the picture that shows what is seen of strokes."""
    fine = math.ceil(long / options.pen_mm * _PEN_PIXELS) if options.pen_mm else 0
    return min(max(fine, _SEEN), _MOST_SEEN)


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


def _lines(painting: Painting, seen: Seen, size: tuple[float, float], options: Options) -> Iterator[list[Line]]:
    """Yields the lines of each stroke, on the bed."""
    long, corner = max(size), np.array([options.origin[0], options.origin[1] + size[1]])
    shapes = BRUSHES[painting.brush].shapes(painting.strokes)
    for number in range(len(painting.strokes)):
        found: list[Line] = []
        # A pen passes over strokes that nobody sees.
        if seen.weights[number] or not options.pen_mm:
            keeps = functools.partial(_keeps, seen=seen, long=long, number=number if options.pen_mm else None)
            step = long / max(seen.owner.shape) if options.pen_mm else _TRIED
            for line in passes.fill(
                shapes.one(number, long), options.widths, apart=options.apart, tolerance=options.tolerance_mm
            ):
                found += passes.kept(line, keeps, step)
        for line in found:
            line[:, :2] = corner + np.clip(line[:, :2], 0.0, size) * (1.0, -1.0)
        yield found


def _keeps(line: Float[np.ndarray, "m 3"], *, seen: Seen, long: float, number: int | None) -> Bool[np.ndarray, "m"]:
    """Which points lie in the picture and, if there is a number, where the stroke of that number is seen."""
    owner = seen.owner_at(line[:, :2] / long)
    return owner != OUTSIDE if number is None else owner == number


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
    """Yields each step with its moves: through the air, down, along its line, and up. The tool starts above 0, 0."""
    options = plan.options
    deep = 0.0 if options.pen_mm else options.press_mm / options.brush_mm
    x, y, height = 0.0, 0.0, options.up_mm
    for step in plan.steps:
        if not len(step.line):
            yield step, []
            continue
        clear = options.up_mm if step.kind == "stroke" else options.rim_mm
        height = max(height, clear)
        points = [(a, b, 0.0 - deep * width) for a, b, width in step.line.tolist()]
        way = [Move(x, y, height, False), Move(*points[0][:2], height, False), Move(*points[0][:2], clear, False)]
        x, y, _ = points[-1]
        yield step, [*way, *(Move(*point, True) for point in points), Move(x, y, clear, False)]
        height = clear


def effort(plan: Plan) -> Effort:
    """What a plan takes, by its moves."""
    count = collections.Counter(step.kind for step in plan.steps)
    painted = sum(float(passes.ways(step.line)[-1]) for step in plan.steps if step.kind == "stroke")
    at, way, minutes = (0.0, 0.0, 0.0), 0.0, 0.0
    for move in (move for _, made in moves(plan) for move in made):
        distance = math.dist(at, move[:3])
        way += distance
        minutes += distance / (plan.options.feed if move.down else plan.options.travel_feed)
        at = move[:3]
    return Effort(count["stroke"], count["dip"], count["wash"] + count["change"], painted, way - painted, minutes)
