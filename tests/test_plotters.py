"""Plans for plotters and robots: what a naive machine and vpype make of the files is the painting in few colours."""

import dataclasses
import re

import cv2
import numpy as np
import pytest
import vpype
from PIL import Image

import jaxpaint
from jaxpaint import metrics, passes, toolpaths
from jaxpaint.brushes import BRUSHES
from jaxpaint.errors import ExportError
from jaxpaint.settings import Settings
from jaxpaint.toolpaths import Options
from jaxpaint.types import Painting

OUTLINED = [name for name, brush in BRUSHES.items() if brush.vectors]
# Pixels in a millimetre of simulated paper.
SCALE = 2


def some(brush, count=20):
    """Strokes all over a canvas and beyond it, turned and bent in all ways, of colours that depend on the place."""
    rng = np.random.default_rng(1)
    place = rng.uniform(0.0, 1.0, (count, 2)) * (1.0, 0.75)
    color = np.stack([place[:, 0], (place[:, 1] > 0.3) * 0.8, np.full(count, 0.4)], axis=1)
    lengths, widths = rng.uniform(0.1, 0.4, count), rng.uniform(0.02, 0.1, count)
    strokes = BRUSHES[brush].lay(place, rng.uniform(-3, 3, count), lengths, widths, color, rng.uniform(0.4, 1, count))
    control = BRUSHES[brush].index("control")
    strokes[:, control] += rng.uniform(-0.2, 0.2, (count, len(control)))
    bare = {"canvas_color": "0.875,0.75,0.5", "texture": 0.0, "relief": 0.0, "wet": 0.0, "ground": "none"}
    settings = Settings(brush=brush, strokes=count, size=256, **bare)
    strokes = np.clip(strokes, 0, 1).astype(np.float32)
    return Painting(strokes, brush, 300, 400, settings.canvas_rgb, None, settings)


class Machine:
    """Runs G-code on simulated paper, and objects to what would go wrong on a real one."""

    def __init__(self, text, paper, *, corner, pen=0.0, brush=8.0, press=3.0, bed=(430, 300), every=300.0, pot=20.0):
        self.canvas, self.corner, self.pen, self.per_depth = paper, corner, pen, brush / press
        self.press, self.bed, self.every, self.pot = press, bed, every, pot
        self.colors = [tuple(int(code[i : i + 2], 16) for i in (0, 2, 4)) for code in re.findall(r": #(\w+)", text)]
        self.pots = [(float(x), float(y)) for x, y in re.findall(r"; Pot \d+: .* at ([\d.]+),([\d.]+)", text)]
        self.at, self.color, self.since, self.pauses, self.strokes, self.seconds = (0, 0, 5), None, 0.0, 0, 0, 0.0
        for line in text.splitlines():
            if found := re.match(r"; (?:load|change): colour (\d+)", line):
                self.color = self.colors[int(found[1]) - 1]
            words = re.findall(r"([A-Z])(-?[\d.]+)", line.partition(";")[0])
            if words and words[0][0] == "G" and words[0][1] in "01":
                self.move(int(words[0][1]), dict(words[1:]))
            elif words == [("M", "0")]:
                assert self.at[2] > 0
                self.pauses += 1
            else:
                assert words in ([], [("G", "21")], [("G", "90")]), line
        assert self.at[2] > 0

    def move(self, code, words):
        before, self.at = self.at, tuple(float(words.get(axis, at)) for axis, at in zip("XYZ", self.at, strict=True))
        self.feed = float(words.get("F", getattr(self, "feed", 0)))
        x, y, z = self.at
        assert 0 <= x <= self.bed[0] and 0 <= y <= self.bed[1] and -self.press - 0.01 <= z
        self.seconds += np.linalg.norm(np.subtract(self.at, before)) / self.feed * 60
        if code == 0:
            # Through the air, or straight up.
            assert z > 0 and (before[2] > 0 or before[:2] == (x, y))
        elif before[2] > 0:
            # Straight down.
            assert before[:2] == (x, y) and z <= 0
            self.strokes += 1
        if code == 0 or z > 0:
            return
        near = [number for number, (a, b) in enumerate(self.pots) if abs(a - x) < self.pot / 2 > abs(b - y)]
        if near:
            assert before[2] <= 0 or before[:2] == (x, y)
            self.color, self.since = (self.colors[near[0] - 1] if near[0] else None), 0.0
            return
        assert self.color is not None
        start = before if before[2] <= 0 else self.at
        self.since += np.hypot(x - start[0], y - start[1])
        assert not self.pots or self.since <= self.every + 0.1
        self.trace(np.array(start), np.array(self.at))

    def trace(self, start, stop):
        for share in np.linspace(0, 1, 2 + int(np.linalg.norm(stop - start))):
            x, y, z = start + share * (stop - start)
            width = self.pen or -z * self.per_depth
            place = (x - self.corner[0]) * SCALE, len(self.canvas) - (y - self.corner[1]) * SCALE
            radius = round(width / 2 * SCALE)
            # OpenCV's coordinates are those of the pixels' centres.
            cv2.circle(self.canvas, tuple(round(at - 0.5) for at in place), radius, self.color, cv2.FILLED)


def simulated(path, width=200, corner=(20.0, 20.0), **machine):
    """The machine after its work on a painting of 4 to 3, and what it has drawn."""
    paper = np.empty((width * SCALE * 3 // 4, width * SCALE, 3), np.uint8)
    paper[:] = np.rint(np.array([0.875, 0.75, 0.5]) * 255)
    machine = Machine(path.read_text(), paper, corner=corner, **machine)
    return machine, machine.canvas.astype(np.float32) / 255


def in_few_colors(painting, drawn, colors):
    """The drawing without texture, each pixel in the nearest colour, which may be the canvas's."""
    colors = np.array([*(np.array(color) / 255 for color in colors), painting.settings.canvas_rgb], np.float32)
    return colors[((drawn[:, :, None] - colors) ** 2).sum(axis=-1).argmin(axis=-1)]


@pytest.mark.parametrize(
    ("brush", "least", "least_reduced"),
    [
        ("rectangle", 27, 28),
        ("oilpaintbrush", 26.5, 28),
        ("filbert", 26, 27.5),
        ("watercolor", 24.5, 26),
        ("markerpen", 24, 25),
        ("pastel", 26.5, 28),
    ],
)
def test_a_robot_paints_the_painting_in_few_colours(tmp_path, brush, least, least_reduced):
    """Glazes and transparent strokes, too. Brushes are round, and the strokes of some are not."""
    painting = some(brush)
    jaxpaint.export(painting, tmp_path / "a.gcode", colors=6)
    machine, found = simulated(tmp_path / "a.gcode")
    assert len(machine.colors) == 6 and len(machine.pots) == 7 and not machine.pauses
    drawn = jaxpaint.draw(painting, size=200 * SCALE)
    assert metrics.psnr(found, drawn) > least
    assert metrics.psnr(found, in_few_colors(painting, drawn, machine.colors)) > least_reduced


def test_every_brush_is_tested():
    marks = test_a_robot_paints_the_painting_in_few_colours.pytestmark
    assert sorted(brush for brush, *_ in marks[0].args[1]) == sorted(OUTLINED)


@pytest.mark.parametrize(("brush", "least"), [("filbert", 25), ("rectangle", 25.5)])
def test_a_pen_hatches_what_is_seen_of_the_strokes(tmp_path, brush, least):
    painting = some(brush)
    jaxpaint.export(painting, tmp_path / "a.gcode", colors=4, pen_mm=1.5)
    machine, found = simulated(tmp_path / "a.gcode", pen=1.5)
    assert len(machine.colors) == 4 and not machine.pots and machine.pauses == 3
    drawn = jaxpaint.draw(painting, size=200 * SCALE)
    assert metrics.psnr(found, in_few_colors(painting, drawn, machine.colors)) > least


def test_the_picture_is_what_comes_out(tmp_path):
    painting = some("filbert")
    for name in ("a.gcode", "a_plotter.png"):
        jaxpaint.export(painting, tmp_path / name, size=200 * SCALE)
    _, found = simulated(tmp_path / "a.gcode")
    with Image.open(tmp_path / "a_plotter.png") as picture:
        assert picture.text["Description"].startswith("A painting in 12 colours for a brush of up to 8 mm")
        shown = np.asarray(picture, np.float32) / 255
    assert metrics.psnr(shown, found) > 30


@pytest.mark.parametrize("options", [{}, {"pen_mm": 0.5, "hatch_mm": 2.0}], ids=["brush", "pen"])
def test_vpype_and_plotters_read_the_same_lines(tmp_path, options):
    """Each run of a colour is a layer for vpype, and one of AxiDraw's with a pause; HPGL selects a pen."""
    painting, lengths = some("filbert"), {}
    for name in ("a_plotter.svg", "a.hpgl"):
        jaxpaint.export(painting, tmp_path / name, colors=5, **options)
    plan = toolpaths.plan_of(painting, Options(colors=5, **options))
    document = vpype.read_multilayer_svg(str(tmp_path / "a_plotter.svg"), quantization=0.1)
    millimetre = vpype.convert_length("1mm")
    np.testing.assert_allclose(document.page_size, np.array([430, 300]) * millimetre, rtol=1e-5)
    labels = [layer.metadata["vp_name"] for layer in document.layers.values()]
    colors = [jaxpaint.pictures.to_hex(color) for color in plan.colors]
    pens = [colors.index(label.partition(" ")[2]) for label in labels]
    assert [label.partition(" ")[0] for label in labels] == ["1", *(f"!{number}" for number in range(2, len(pens) + 1))]
    assert list(document.layers) == list(range(1, len(pens) + 1))
    assert pens == [0, 1, 2, 3, 4] if options else set(pens) == set(range(5))
    lengths["svg"] = [layer.length() / millimetre for layer in document.layers.values()]
    first = next(iter(document.layers.values()))[0][0] / millimetre

    text, lengths["hpgl"] = re.sub(r'CO".*";', "", (tmp_path / "a.hpgl").read_text()), []
    selected = [int(number) - 1 for number in re.findall(r"SP([1-9]\d*);", text)]
    assert selected == pens and re.search(r"^IN;\s*VS3;", text) and text.endswith("PU;SP0;\n")
    for part in re.split(r"SP\d+;", text)[1:-1]:
        way = 0.0
        for up, down in re.findall(r"PU([-\d,]+);PD([-\d,]*);", part):
            points = np.array(f"{up},{down}".strip(",").split(","), float).reshape(-1, 2) / 40
            assert (points >= 20 - 0.02).all() and (points <= [220.02, 170.02]).all()
            way += np.linalg.norm(np.diff(points, axis=0), axis=1).sum()
        lengths["hpgl"].append(way)

    x, y = map(int, re.search(r"PU(\d+),(\d+);PD", text).groups())
    # Pages of SVG have y down.
    np.testing.assert_allclose([first.real, 300 - first.imag], [x / 40, y / 40], atol=0.02)
    np.testing.assert_allclose(lengths["svg"], lengths["hpgl"], rtol=0.01, atol=1.0)
    assert abs(sum(lengths["svg"]) / toolpaths.effort(plan).painted - 1) < 0.005


@pytest.mark.parametrize("brush", OUTLINED)
def test_passes_fill_a_stroke_and_stay_within(brush):
    """Side by side, by a tool that is narrower than the stroke, wherever the stroke is placed."""
    vectors = BRUSHES[brush].shapes(some(brush, 8).strokes)
    for stroke in (vectors.one(number, 200.0) for number in range(8)):
        wanted, found = np.zeros((900, 1200), np.uint8), np.zeros((900, 1200), np.uint8)
        cv2.fillPoly(wanted, [np.int32(stroke.outline * 4 + 150)], 1)
        lines = list(passes.fill(stroke, (0.0, 4.0), apart=4.0, tolerance=0.05))
        for line, other in zip(lines[:-1], lines[1:], strict=True):
            # There and back.
            assert np.linalg.norm(other[0] - line[-1]) <= np.linalg.norm(other[-1] - line[-1])
        for line in lines:
            assert line[:, 2].max() <= 4.0
            points = np.int32(line[:, :2] * 4 + 150)
            cv2.polylines(found, [points], False, 1, thickness=round(line[:, 2].mean() * 4))
        # Square ends and corners are left out.
        assert found[wanted > 0].mean() > 0.88
        assert found[cv2.dilate(wanted, np.ones((9, 9), np.uint8)) == 0].sum() < 0.01 * wanted.sum()


def test_strokes_on_one_place_keep_their_order():
    painting = some("rectangle")
    strokes = np.tile(painting.strokes[:1], (20, 1))
    strokes[:, 5:] = 1.0
    strokes[:, 5] = np.random.default_rng(0).permutation(20) / 20
    plan = toolpaths.plan_of(dataclasses.replace(painting, strokes=strokes), Options(colors=20, pot_mm=10.0))
    painted = [plan.colors[step.color][0] for step in plan.steps if step.kind == "stroke"]
    # Each takes as many passes as any other.
    np.testing.assert_allclose(painted[:: len(painted) // 20], strokes[:, 5], atol=0.01)


def test_a_pen_draws_nothing_of_what_is_hidden():
    """Of two boxes that cross, on a third one that nobody sees."""
    strokes = np.float32([[0.4, 0.4, 0.1, 0.1], [0.4, 0.4, 0.6, 0.2], [0.45, 0.4, 0.2, 0.6]])
    strokes = np.concatenate([strokes, np.zeros((3, 1)), np.eye(3)[[2, 1, 0]], np.ones((3, 1))], axis=1)
    plan = toolpaths.plan_of(dataclasses.replace(some("rectangle"), strokes=np.float32(strokes)), Options(pen_mm=0.5))
    assert [step.kind for step in plan.steps].count("change") == 1
    # In canvas units; pictures have y down, beds y up.
    corner, boxes = (20, 170), BRUSHES["rectangle"].vectors(np.float32(strokes)).outline
    for step in plan.steps:
        points = (step.line[:, :2] - corner) * (1 / 200, -1 / 200)
        on_top = plan.colors[step.color].argmax() == 0
        for start, stop in zip(points[:-1], points[1:], strict=True):
            for point in np.linspace(start, stop, 30).tolist():
                assert cv2.pointPolygonTest(boxes[2 if on_top else 1], point, True) > -0.002
                assert on_top or cv2.pointPolygonTest(boxes[2], point, True) < 0.002


def test_the_nearest_line_of_a_colour_is_next():
    plan, at = toolpaths.plan_of(some("filbert"), Options(colors=3, pen_mm=1.0)), np.zeros(2)
    for color in range(3):
        lines = [step.line for step in plan.steps if step.kind == "stroke" and step.color == color]
        starts = np.array([line[0, :2] for line in lines])
        for number, line in enumerate(lines):
            ways = np.linalg.norm(starts[number:] - at, axis=1)
            assert ways[0] <= ways.min() + 1e-6
            at = line[-1, :2]


def test_paint_lasts_from_dip_to_dip_and_the_time_is_that_of_the_moves(tmp_path):
    """A single line is longer than one dip lasts."""
    painting = some("pastel")
    jaxpaint.export(painting, tmp_path / "a.gcode", dip_every_mm=40.0, feed=500.0, colors=3)
    machine, _ = simulated(tmp_path / "a.gcode", every=40.0)
    effort = toolpaths.effort(toolpaths.plan_of(painting, Options(dip_every_mm=40.0, feed=500.0, colors=3)))
    assert effort.painted / 40 < effort.dips
    assert abs(machine.seconds / 60 / effort.minutes - 1) < 0.01
    assert f"{effort.strokes} lines" in (tmp_path / "a.gcode").read_text()


def test_a_brush_without_pots_is_changed_by_hand(tmp_path):
    jaxpaint.export(some("filbert"), tmp_path / "a.gcode", dip_every_mm=0.0, colors=2)
    machine, _ = simulated(tmp_path / "a.gcode")
    assert not machine.pots and machine.pauses


@pytest.mark.parametrize("count", [0, 1])
def test_few_strokes(tmp_path, count):
    painting = dataclasses.replace(some("filbert"), strokes=some("filbert").strokes[:count])
    for ending in (".gcode", ".hpgl", "_plotter.svg", "_plotter.png"):
        jaxpaint.export(painting, tmp_path / f"a{ending}")
    machine, _ = simulated(tmp_path / "a.gcode")
    assert len(machine.colors) == count and bool(machine.strokes) == bool(count)
    assert (tmp_path / "a_plotter.svg").read_text().count("<g ") == count


def test_a_picture_that_just_fits(tmp_path):
    """Its height is no whole number of pixels of any picture that the plan is made from."""
    painting = dataclasses.replace(some("rectangle"), height=301)
    bed = {"width_mm": 160.0, "bed_mm": "160,120.4", "origin_mm": "0,0", "pen_mm": 2.0, "colors": 2}
    jaxpaint.export(painting, tmp_path / "a.gcode", **bed)
    simulated(tmp_path / "a.gcode", width=160, corner=(0, 0), bed=(160, 120.4), pen=2.0)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"bed_mm": "200,100"}, r"expected a picture that fits a bed of 200 x 100 mm .*, got 200 x 150 mm at 20,20;"),
        ({"bed_mm": "230,200"}, "beside pots of 20 mm"),
        ({"pot_mm": 25.0}, "expected 13 pots that fit a bed of 430 x 300 mm, got 25 mm for each"),
        ({"bed_mm": "430"}, "^bed_mm: expected two numbers, with a comma, got '430'"),
        ({"bed_mm": "430,nan"}, "^bed_mm: expected two numbers"),
        ({"bed_mm": "430,0"}, "^bed_mm: expected two numbers above 0"),
        ({"origin_mm": "-1,0"}, "^origin_mm: expected two numbers of 0 or more, with a comma, got '-1,0'"),
        ({"colors": 0}, "^colors: expected an integer from 1 to 64, got 0"),
        ({"hatch_mm": 1.0}, "^hatch_mm: expected only with pen_mm, got 1"),
        ({"feed": 0.0}, "^feed: expected a number from 1 to 100000, got 0"),
    ],
)
def test_what_is_refused(tmp_path, options, expected, unchecked):
    with pytest.raises(ValueError, match=expected) as caught:
        jaxpaint.export(some("filbert"), tmp_path / "a.gcode", **options)
    assert "\n" not in str(caught.value) and not list(tmp_path.iterdir())
    assert isinstance(caught.value, ExportError) == str(caught.value).startswith("expected")
