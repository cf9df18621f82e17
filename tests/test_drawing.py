"""Blending, tiles and drawing against naive NumPy."""

import dataclasses
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from strokes import TEXTURED
from strokes import draw as draw_each

from jaxpaint import Painting, Settings, draw, drawing, pictures, timelapse
from jaxpaint.brushes import BRUSHES, Stroke
from jaxpaint.raster import forward, lighting, tiling
from jaxpaint.raster.compositing import blend, composite, composite_backward, composite_forward, room
from jaxpaint.renderers import Engine, engine

BRUSH = BRUSHES["rectangle"]
SIZE = 12
WHITE = (1.0, 1.0, 1.0)


def random_strokes(seed, *shape):
    strokes = np.random.default_rng(seed).uniform(0.1, 0.9, (*shape, BRUSH.dim))
    return strokes.astype(np.float32)


def canvas_of(value, windows=2):
    return tuple(jnp.full((windows, SIZE, SIZE), v, jnp.float32) for v in (value, value / 2, value / 3))


def naive(strokes, canvas):
    """`h[t+1] = α[t] s[t] + (1 − α[t]) h[t]`, one stroke after the other."""
    render = jax.vmap(engine(BRUSH, SIZE))
    canvas = [np.asarray(plane, np.float64) for plane in canvas]
    for stroke in strokes:
        foreground, (alpha,), *_ = render(jnp.asarray(stroke))
        canvas = [
            np.asarray(alpha) * np.asarray(s) + (1 - np.asarray(alpha)) * h
            for s, h in zip(foreground, canvas, strict=True)
        ]
    return np.stack(canvas)


@pytest.mark.parametrize("planes", [1, 3])
def test_alpha_0_changes_nothing_and_alpha_1_replaces(planes):
    canvas = canvas_of(0.6)
    foreground = canvas_of(0.9)
    for value, expected in ((0.0, canvas), (1.0, foreground)):
        alpha = tuple(jnp.full((2, SIZE, SIZE), value) for _ in range(planes))
        np.testing.assert_allclose(np.stack(blend(canvas, Stroke(foreground, alpha))), np.stack(expected), atol=1e-7)


@pytest.mark.parametrize("count", [0, 3, 5])
def test_compositing_equals_a_loop_over_the_first_strokes(count):
    strokes, canvas = random_strokes(0, 5, 2), canvas_of(0.7)
    drawn = jax.jit(lambda s, c, n: composite(engine(BRUSH, SIZE), s, c, n))(strokes, canvas, count)
    np.testing.assert_allclose(np.stack(drawn), naive(strokes[:count], canvas), atol=1e-6)


def test_the_pulled_back_gradient_is_that_of_the_unrolled_loop():
    strokes, canvas = jnp.asarray(random_strokes(1, 4, 2)), canvas_of(0.7)
    render = engine(BRUSH, SIZE, softness=1.0)
    weights = tuple(jnp.asarray(np.random.default_rng(0).standard_normal((3, 2, SIZE, SIZE), np.float32)))

    def unrolled(strokes):
        drawn = canvas
        for t in range(3):
            drawn = blend(drawn, jax.vmap(render)(strokes[t]))
        return sum((w * h).sum() for w, h in zip(weights, drawn, strict=True))

    @jax.jit
    def pulled(strokes, count):
        drawn, below = composite_forward(render, strokes, canvas, count, room(canvas, len(strokes)))
        return drawn, composite_backward(render, strokes, count, below, weights)

    drawn, gradient = pulled(strokes, 3)
    np.testing.assert_allclose(gradient, jax.jit(jax.grad(unrolled))(strokes), rtol=1e-4, atol=1e-4)
    assert (gradient[3] == 0).all() and np.abs(gradient[:3]).max() > 0
    np.testing.assert_allclose(np.stack(drawn), np.stack(composite(render, strokes, canvas, 3)), atol=1e-6)


@pytest.mark.parametrize("shape", [(16, 16), (33, 47), (1, 5), (8, 40)])
def test_tiles_there_and_back(shape):
    grid = tiling.Grid(*shape, 8)
    picture = np.random.default_rng(0).uniform(size=(*shape, 3)).astype(np.float32)
    planes = grid.split(picture)
    assert planes[0].shape == (grid.rows * grid.columns, 8, 8)
    np.testing.assert_array_equal(grid.join(planes), picture)
    assert grid.inside().sum() == shape[0] * shape[1]
    row, column = grid.rows - 1, grid.columns - 1
    corner = picture[row * 8 : row * 8 + 8, column * 8 : column * 8 + 8, 0]
    np.testing.assert_array_equal(planes[0][-1][: corner.shape[0], : corner.shape[1]], corner)
    np.testing.assert_allclose(grid.origins[-1] * max(shape), [column * 8, row * 8], atol=1e-4)


def test_every_stroke_that_touches_a_tile_is_listed_in_order():
    strokes, grid = random_strokes(2, 40), tiling.Grid(48, 64, 8)
    strokes[:, BRUSH.index("size")] *= 0.4
    ids, counts = tiling.bin_strokes(BRUSH, strokes, grid, margin=1.0)
    alphas = draw_each(BRUSH.name, strokes, size=64, look=TEXTURED).alpha[0]
    for window, (listed, count) in enumerate(zip(ids, counts, strict=True)):
        y, x = divmod(window, grid.columns)
        tile = alphas[:, y * 8 : y * 8 + 8, x * 8 : x * 8 + 8]
        touching = set(np.flatnonzero(tile.max(axis=(1, 2)) > 0))
        assert touching <= set(listed[:count])
        assert (np.diff(listed[:count]) > 0).all() and (listed[count:] == 40).all()
    assert counts.mean() < 25


def test_where_too_many_strokes_reach_a_tile_the_highest_are_kept():
    strokes, grid = np.repeat(random_strokes(3, 1), 10, axis=0), tiling.Grid(16, 16, 16)
    ids, counts = tiling.bin_strokes(BRUSH, strokes, grid, margin=1.0, most=4)
    assert counts.tolist() == [4] and ids[0].tolist() == [6, 7, 8, 9]
    ids, counts = tiling.bin_strokes(BRUSH, strokes, grid, margin=1.0, first=8)
    assert ids[0].tolist() == [8, 9]


@pytest.mark.parametrize("name", BRUSHES)
def test_drawing_by_tiles_equals_drawing_the_whole(name):
    brush = BRUSHES[name]
    strokes = np.random.default_rng(4).uniform(0.1, 0.9, (80, brush.dim)).astype(np.float32)
    strokes[:, brush.index("size")] *= 0.4
    drawn = forward.draw_strokes(Engine(brush), strokes, (48, 64), canvas=WHITE)
    pictures = draw_each(name, strokes, size=64, look=TEXTURED)
    canvas = np.ones((3, 64, 64))
    for t in range(80):
        alpha = pictures.alpha[0][t]
        canvas = np.stack([alpha * f[t] + (1 - alpha) * h for f, h in zip(pictures.foreground, canvas, strict=True)])
    # Float32 positions in a tile and in the whole differ in the last digits, which the edges magnify.
    assert np.abs(drawn - canvas.transpose(1, 2, 0)[:48]).max() < 2e-3


def test_the_same_strokes_are_the_same_painting_at_every_size():
    brush = BRUSHES["oilpaintbrush"]
    strokes = np.random.default_rng(5).uniform(0.1, 0.9, (60, brush.dim)).astype(np.float32)
    strokes[:, brush.index("size")] *= 0.5
    small, large = (forward.draw_strokes(Engine(brush), strokes, (s, s), canvas=WHITE) for s in (128, 256))
    averaged = large.reshape(128, 2, 128, 2, 3).mean(axis=(1, 3))
    assert np.abs(averaged - small).mean() < 0.01


def test_memory_of_drawing_does_not_grow_with_the_number_of_strokes():
    """What the compiled program needs beside its arguments, for 64 strokes and for 8,192."""

    def temporary(count):
        strokes = jnp.zeros((count, BRUSH.dim))
        tiles = tuple(jnp.ones((4, forward._TILE, forward._TILE)) for _ in range(3))
        ids, origins = jnp.zeros((forward._LISTED, 4), jnp.int32), jnp.zeros((4, 2))
        own = (None, None)
        lowered = forward._draw_tiles.lower(Engine(BRUSH), strokes, own, None, ids, (origins, 0.1, tiles), 3)
        return lowered.compile().memory_analysis().temp_size_in_bytes

    assert temporary(64) == temporary(8192)


def test_a_tile_that_more_strokes_reach_than_one_list_holds():
    """Drawn on a picture that is not square, at once and in parts."""
    count, shape = 2 * forward._LISTED + 30, (40, 64)
    strokes = random_strokes(6, count)
    picture = np.random.default_rng(7).uniform(size=(*shape, 3)).astype(np.float32)
    drawn = forward.draw_strokes(Engine(BRUSH), strokes, shape, canvas=picture)
    pictures = draw_each(BRUSH.name, strokes, size=64, look=TEXTURED)
    expected = picture.astype(np.float64)
    for t in range(count):
        alpha = pictures.alpha[0][t][: shape[0], :, None]
        color = np.stack([f[t] for f in pictures.foreground], axis=-1)[: shape[0]]
        expected = alpha * color + (1 - alpha) * expected
    np.testing.assert_allclose(drawn, expected, atol=2e-3)
    half = forward.draw_strokes(Engine(BRUSH), strokes[:77], shape, canvas=picture)
    parts = forward.draw_strokes(Engine(BRUSH), strokes[77:], shape, canvas=half)
    np.testing.assert_allclose(parts, drawn, atol=1e-5)


def test_nothing_drawn_is_the_canvas():
    none = np.zeros((0, BRUSH.dim), np.float32)
    drawn = forward.draw_strokes(Engine(BRUSH), none, (5, 9), canvas=(0.1, 0.5, 0.9))
    np.testing.assert_array_equal(drawn, np.broadcast_to(np.float32([0.1, 0.5, 0.9]), (5, 9, 3)))


@pytest.fixture
def painting():
    strokes = random_strokes(8, 12)
    return Painting(strokes, BRUSH.name, 300, 200, WHITE, None, Settings(brush=BRUSH.name, size=48))


def test_a_painting_is_drawn_at_any_size_in_its_proportions(painting):
    small, large = draw(painting), draw(painting, size=96)
    assert small.shape == (48, 32, 3) and large.shape == (96, 64, 3)
    assert abs(large.reshape(48, 2, 32, 2, 3).mean(axis=(1, 3)) - small).mean() < 0.01
    np.testing.assert_array_equal(painting.canvas, small)


def test_a_timelapse_goes_from_the_canvas_to_the_painting(painting):
    frames = list(drawing.timelapse(painting, size=48, frames=5))
    assert len(frames) == 5 and all(frame.shape == (48, 32, 3) and frame.dtype == np.uint8 for frame in frames)
    assert (frames[0] == 255).all()
    assert abs(frames[-1] / 255 - draw(painting)).max() < 0.51 / 255 + 1e-4
    pace = BRUSH.pace(painting.strokes)
    for share, frame in zip([0.25, 0.5, 0.75], frames[1:-1], strict=True):
        count = int((pace < share).sum())
        expected = forward.draw_strokes(Engine(BRUSH), painting.strokes[:count], (48, 32), canvas=WHITE)
        # Frames before it were not rounded.
        assert abs(frame / 255 - expected).max() < 0.51 / 255 + 1e-4
    assert len(list(drawing.timelapse(painting, size=48, frames=50))) == 13


_PEAK = """
import pathlib, re, resource, sys
import numpy as np
from jaxpaint.brushes import BRUSHES
from jaxpaint.raster.forward import draw_strokes
from jaxpaint.renderers import Engine

def peak():
    # In MiB. What getrusage says starts, on Linux, from what the parent held, which is a pytest.
    status = pathlib.Path("/proc/self/status")
    if status.exists():
        return int(re.search(r"VmHWM:\\s*(\\d+) kB", status.read_text())[1]) // 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (2**20 if sys.platform == "darwin" else 2**10)

brush = BRUSHES["rectangle"]
for count in (500, 32000):
    strokes = np.random.default_rng(0).uniform(size=(count, brush.dim)).astype(np.float32)
    strokes[:, brush.index("size")] *= 0.01
    draw_strokes(Engine(brush), strokes, (1024, 1024), canvas=(1.0, 1.0, 1.0))
    print(peak())
"""


def test_memory_of_a_process_that_draws_does_not_grow_with_the_number_of_strokes():
    """32,000 strokes take a little more than 500: themselves, and the lists of which tiles they reach."""
    done = subprocess.run([sys.executable, "-c", _PEAK], check=True, stdout=subprocess.PIPE, text=True)
    few, many = map(int, done.stdout.split())
    assert many - few < 100


def _pastel(ground):
    """A few wide strokes of half pressure on white."""
    brush, rng = BRUSHES["pastel"], np.random.default_rng(6)
    strokes = rng.uniform(0.2, 0.8, (12, brush.dim)).astype(np.float32)
    strokes[:, brush.index("size")] = 0.6
    settings = Settings(brush="pastel", strokes=12, ground=ground)
    return Painting(strokes, "pastel", 300, 400, (1.0, 1.0, 1.0), None, settings)


@pytest.mark.parametrize("ground", ["linen", "paper"])
def test_a_picture_in_bands_equals_the_whole(monkeypatch, ground):
    """Strokes, ground and light: large pictures are drawn and lit in bands of rows."""
    painting = _pastel(ground)
    whole = draw(painting, size=190)
    monkeypatch.setattr(pictures, "_BAND", 190 * 40)
    lighting.ground.cache_clear()
    lighting.tooth.cache_clear()
    assert len(list(pictures.bands(142, 190))) == 4
    np.testing.assert_array_equal(draw(painting, size=190), whole)


def test_dry_strokes_leave_the_pits_of_their_ground_bare():
    paper, even = (drawing.draw_flat(_pastel(ground), size=400) for ground in ("paper", "none"))
    tooth = lighting.tooth("paper", (300, 400))
    covered = even.mean(axis=-1) < 0.7
    pits, tops = (paper[covered & chosen].mean() for chosen in (tooth > 0.9, tooth < 0.1))
    assert pits > tops + 0.1
    # The grain is all that paper changes.
    assert abs(paper[covered].mean() - even[covered].mean()) < 0.05
    assert np.abs(paper[even.min(axis=-1) > 0.9999] - 1).max(initial=0) < 1e-3


def test_the_grain_of_dry_strokes_is_the_same_at_every_size():
    small, large = (drawing.draw_flat(_pastel("paper"), size=size) for size in (800, 1600))
    averaged = large.reshape(600, 2, 800, 2, 3).mean(axis=(1, 3))
    assert np.corrcoef(small.ravel(), averaged.ravel())[0, 1] > 0.97


def _across_a_patch(name, canvas_color="1,1,1"):
    """A blue patch, and red strokes that start on it and run away from it, along x."""
    brush, n = BRUSHES[name], 9

    def laid(position, heading, length, width, color):
        k = len(position)
        parts = position, np.full(k, heading), np.full(k, length), np.full(k, width), np.tile(color, (k, 1))
        grain = np.linspace(0.05, 0.95, k)
        return brush.lay(*(np.asarray(part, np.float32) for part in (*parts, grain)))

    # A box that is laid along x starts at its right.
    patch = laid([[0.8 if name == "oilpaintbrush" else 0.2, 0.5]], np.pi / 2, 1.0, 0.3, (0.0, 0.0, 1.0))
    strokes = laid([[0.5, row] for row in np.linspace(0.1, 0.9, n)], 0.0, 0.6, 0.08, (1.0, 0.0, 0.0))
    settings = Settings(brush=name, canvas_color=canvas_color, size=256, relief=0.0, ground="none")
    return Painting(np.concatenate([patch, strokes]), name, 256, 256, settings.canvas_rgb, None, settings)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (10**7, "from 1 to 16384, got 10000000; a larger square takes more than 4 GiB of memory"),
        (0, "from 1 to 16384, got 0$"),
        (-5, "from 1 to 16384, got -5$"),
        (32.0, "from 1 to 16384, got 32.0"),
        ("32", "from 1 to 16384, got str"),
    ],
)
def test_no_drawing_has_another_size(size, expected):
    painting = _across_a_patch("oilpaintbrush")
    for drawn in (lambda: draw(painting, size=size), lambda: next(timelapse(painting, size=size, frames=3))):
        with pytest.raises((ValueError, TypeError), match=f"expected a size in pixels, a whole number {expected}"):
            drawn()
    with pytest.raises((ValueError, TypeError), match="expected a size in pixels"):
        engine(BRUSH, size)


@pytest.mark.usefixtures("unchecked")
def test_only_paintings_are_drawn():
    for given, got in (("a.npz", "a path; jaxpaint.load_painting reads it"), ({}, "dict"), (np.ones(3), "ndarray of")):
        with pytest.raises(TypeError, match=f"expected a painting, got {got}"):
            draw(given)
        with pytest.raises(TypeError, match=f"expected a painting, got {got}"):
            next(timelapse(given, size=8, frames=3))


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"strokes": np.ones((3, 4))}, r"strokes of rectangle, of shape \[n, 9\], got \(3, 4\)"),
        ({"strokes": np.full((3, 9), np.nan)}, "strokes of finite numbers"),
        ({"strokes": "many"}, "expected strokes of floats"),
        ({"brush": "broom"}, "settings for broom, got those for another brush, rectangle"),
        ({"settings": {}}, "expected settings as Settings, got dict"),
        ({"height": 0}, "a height in pixels, a whole number from 1 to 1000000000, got 0"),
        ({"width": 2.5}, "a width in pixels, a whole number from 1 to 1000000000, got 2.5"),
    ],
)
def test_a_painting_that_cannot_be_is_not_made(changes, expected):
    painting = Painting(random_strokes(0, 3), BRUSH.name, 30, 20, WHITE, None, Settings(brush=BRUSH.name))
    with pytest.raises((ValueError, TypeError), match=expected):
        dataclasses.replace(painting, **changes)


def test_paintings_are_equal_if_their_contents_are():
    state = {"mu": np.arange(3), "step": np.array(1)}
    stamps = np.ones((1, 2, 2, 3), np.float32)
    oil = BRUSHES["oilpaintbrush"]
    strokes = np.full((3, oil.dim), 0.5, np.float32)
    one, other = (
        Painting(strokes.copy(), oil.name, 30, 20, WHITE, stamps.copy(), Settings(brush=oil.name), {**state})
        for _ in range(2)
    )
    assert one == other and one in [other] and one != "a painting"
    changes = [{"strokes": strokes[:2]}, {"strokes": strokes + 0.1}, {"brush_image": None}, {"height": 31}]
    for change in [*changes, {"state": None}, {"state": state | {"step": np.array(2)}}, {"origin": "else"}]:
        assert dataclasses.replace(one, **change) != other
    with pytest.raises(TypeError, match="unhashable type: 'Painting'"):
        hash(one)


@pytest.mark.usefixtures("unchecked")
def test_the_engine_draws_one_stroke_of_its_brush():
    with pytest.raises(TypeError, match="expected a brush of jaxpaint.BRUSHES, got str"):
        engine("rectangle", SIZE)
    for wrong in (np.ones(4, np.float32), random_strokes(0, 3)):
        with pytest.raises(ValueError, match=r"expected one stroke of rectangle, of shape \(9,\), got"):
            engine(BRUSH, SIZE)(wrong)


@pytest.mark.parametrize("name", [name for name, brush in BRUSHES.items() if brush.start])
def test_wet_strokes_carry_along_paint_from_below_their_start(name):
    painting = _across_a_patch(name)
    dry, wet = (draw(painting, wet=w) for w in (0.0, 1.0))
    blue = (wet - dry)[..., 2]
    blue = blue[:, ::-1] if name == "oilpaintbrush" else blue
    just_after, later = blue[:, 92:112], blue[:, 168:200]
    assert just_after.mean() > 0.02 and abs(later.mean()) < 0.1 * just_after.mean() and blue.min() > -1e-3
    # In streaks: where bristles have little paint of their own.
    assert np.percentile(just_after, 95) > 3 * just_after.mean()


@pytest.mark.parametrize("name", [name for name, brush in BRUSHES.items() if brush.start])
def test_a_bare_canvas_is_dry(name):
    painting = _across_a_patch(name, canvas_color="0,0,1")
    painting = dataclasses.replace(painting, strokes=painting.strokes[1:])
    dry, wet = (draw(painting, wet=w) for w in (0.0, 1.0))
    np.testing.assert_allclose(dry, wet, atol=1e-6)


@pytest.mark.parametrize("brush", [name for name in BRUSHES if BRUSHES[name].pictured])
def test_a_painting_with_a_set_of_stamps(brush):
    """Strokes side by side take one stamp or the other, always the same; heights are seen by light alone."""
    stamps = np.ones((2, 128, 256, 3), np.float32)
    stamps[0, 48:80, :, 1] = 0.0
    count = 8
    middles = np.stack([(np.arange(count) + 0.5) / count, np.full(count, 0.5)], axis=1)
    grains = np.random.default_rng(0).random(count)
    strokes = BRUSHES[brush].lay(
        middles, *(np.full(count, v) for v in (np.pi / 2, 0.9, 0.1)), np.full((count, 3), 0.5), grains
    )
    settings = Settings(brush=brush, strokes=count, size=160, brush_image="stamps", wet=0.0)
    painting = Painting(strokes.astype(np.float32), brush, 160, 160, WHITE, stamps, settings)
    flat, lit = drawing.draw_flat(painting), draw(painting)
    # The middle of each stroke is bare, or not.
    bare = flat[80, (middles[:, 0] * 160).astype(int), 0] > 0.9
    np.testing.assert_array_equal(bare, grains < 0.5)
    assert 0 < bare.sum() < count
    np.testing.assert_array_equal(draw(painting), lit)
    lower = dataclasses.replace(painting, brush_image=stamps * np.float32([1, 1, 0.3]))
    np.testing.assert_array_equal(drawing.draw_flat(lower), flat)
    assert np.abs(draw(lower) - lit).mean() > 1e-3
