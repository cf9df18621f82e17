"""Brushes one by one: geometry pixel by pixel, gradients in double precision, the ends of the ranges."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from strokes import FLAT, SMOOTH, TEXTURED, draw

from jaxpaint.brushes import BRUSHES, Look, bristles, moved, pigment, to_window
from jaxpaint.brushes.base import HAIR
from jaxpaint.brushes.textures import Stamps
from jaxpaint.renderers import engine

SIZE = 64
BOXES = {"oilpaintbrush": (1, HAIR / 2, 0.5), "rectangle": (-1, HAIR, 0.25)}
CURVES = ["watercolor", "markerpen", "filbert", "pastel"]


def drawn(name, strokes, softness=0.0):
    """Foreground `[n, 3, S, S]` and alpha `[n, S, S]`, of strokes without texture."""
    foreground, (alpha,), *_ = draw(name, strokes, size=SIZE, look=SMOOTH, softness=softness)
    return np.stack(foreground, axis=1), alpha


def random_strokes(name, count, seed=0, sizes=(0.1, 0.6)):
    """Opaque strokes; double precision, so that what is re-derived from them has it."""
    brush, rng = BRUSHES[name], np.random.default_rng(seed)
    strokes = rng.uniform(0.1, 0.9, (count, brush.dim))
    strokes[:, brush.index("size")] = rng.uniform(*sizes, (count, len(brush.index("size"))))
    strokes[:, brush.index("alpha")] = 1.0
    return strokes.astype(np.float32).astype(np.float64)


def points(samples):
    """Points of the frame as complex numbers; times i is a quarter turn clockwise on the screen."""
    centre = (np.arange(samples) + 0.5) / samples
    return centre + 1j * centre[:, None]


def corners(name, stroke):
    """Of a box, in order: top left, top right, bottom right, bottom left before it is turned."""
    clockwise, hair, half = BOXES[name]
    width, height = hair + half * stroke[2:4]
    flat = np.array([-width - 1j * height, width - 1j * height, width + 1j * height, -width + 1j * height])
    return stroke[0] + 1j * stroke[1] + np.exp(1j * clockwise * np.pi * stroke[4]) * flat


def curve(stroke, samples=400):
    """Points, tangents and times of a Bézier curve; its control point lies in the box of its ends."""
    t = np.linspace(0, 1, samples)
    p0, p2 = stroke[0] + 1j * stroke[1], stroke[4] + 1j * stroke[5]
    p1 = p0 + (p2 - p0).real * stroke[2] + 1j * (p2 - p0).imag * stroke[3]
    tangent = 2 * (1 - t) * (p1 - p0) + 2 * t * (p2 - p1)
    return (1 - t) ** 2 * p0 + 2 * t * (1 - t) * p1 + t**2 * p2, tangent, t


def swept(name, stroke):
    """How far each pixel's centre is outside the nib's sweep, in pixels: the least over the nib's places."""
    middle, tangent, t = (values[:, None, None] for values in curve(stroke))
    way = points(SIZE) - middle
    if name in ("filbert", "pastel"):
        # As wide as at the nearest place.
        nearest = abs(way).argmin(axis=0)
        outside = (abs(way).min(axis=0) - (HAIR + (stroke[6] + (stroke[7] - stroke[6]) * t[nearest, 0, 0]) / 4))[None]
    elif name == "watercolor":
        outside = abs(way) - (HAIR + (stroke[6] + (stroke[7] - stroke[6]) * t) / 4)
    else:
        way = way * np.conj(tangent / abs(tangent))
        outside = np.maximum(abs(way.real), abs(way.imag)) - (HAIR + stroke[6] / 4)
    return outside.min(axis=0) * SIZE


@pytest.mark.parametrize("name", BOXES)
def test_boxes_cover_what_their_corners_enclose(name):
    strokes = random_strokes(name, 12)
    _, alpha = drawn(name, strokes)
    for stroke, pixels in zip(strokes, alpha, strict=True):
        at, corner, inside = points(SIZE * 8), corners(name, stroke), True
        for one, other in zip(corner, np.roll(corner, -1), strict=True):
            # Clockwise round the box, its inside is to the right: y points down.
            inside = inside & ((np.conj(other - one) * (at - one)).imag >= 0)
        coverage = inside.reshape(SIZE, 8, SIZE, 8).mean(axis=(1, 3))
        # A turned pixel counts as an upright one, of the same area.
        assert abs(pixels - coverage).max() < 0.25
        assert abs(pixels - coverage).mean() < 0.004
        assert abs(pixels.sum() / coverage.sum() - 1) < 0.01


@pytest.mark.parametrize("name", CURVES)
def test_curves_cover_what_their_nib_sweeps(name):
    strokes = random_strokes(name, 24, seed=1)
    _, alpha = drawn(name, strokes)
    short = []
    for stroke, pixels in zip(strokes, alpha, strict=True):
        outside = swept(name, stroke)
        assert outside[pixels > 0.5].max() < 0.05
        # Each pixel looks at the nearest place of the nib alone: a square one loses a sliver in bends.
        short.append(-outside[pixels < 0.5].min() / (SIZE * (HAIR + stroke[BRUSHES[name].index("size")].max() / 4)))
    assert np.median(short) < 0.03 and max(short) < 0.2


def test_oil_colours_run_down_the_turned_brush():
    strokes = random_strokes("oilpaintbrush", 12, seed=2)
    foreground, alpha = drawn("oilpaintbrush", strokes)
    for stroke, colors, pixels in zip(strokes, foreground, alpha, strict=True):
        top_left, _, _, bottom_left = corners("oilpaintbrush", stroke)
        down = ((points(SIZE) - top_left) / (bottom_left - top_left)).real
        expected = stroke[5:8, None, None] * (1 - down) + stroke[8:11, None, None] * down
        np.testing.assert_allclose(colors[:, pixels > 0.99], expected[:, pixels > 0.99], atol=1e-4)


def test_the_top_of_an_oil_stroke_turned_clockwise_is_up_on_the_right():
    stroke = np.array([0.5, 0.5, 0.1, 0.8, 0.25, 1, 0, 0, 0, 0, 1, 1])
    foreground, alpha = drawn("oilpaintbrush", stroke[None])
    red, blue = ((alpha[0] * foreground[0, c] * points(SIZE)).sum() for c in (0, 2))
    red, blue = red / (alpha[0] * foreground[0, 0]).sum(), blue / (alpha[0] * foreground[0, 2]).sum()
    assert red.real > 0.55 and red.imag < 0.45
    assert blue.real < 0.45 and blue.imag > 0.55


def test_watercolour_colours_are_those_of_the_disc_that_comes_nearest():
    strokes = random_strokes("watercolor", 12, seed=3, sizes=(0.1, 0.3))
    foreground, alpha = drawn("watercolor", strokes)
    for stroke, colors, pixels in zip(strokes, foreground, alpha, strict=True):
        middle, _, times = (values[:, None] for values in curve(stroke, 2000))
        covered = pixels > 0.99
        outside = abs(points(SIZE)[covered] - middle) - (stroke[6] + (stroke[7] - stroke[6]) * times) / 4
        t = times.ravel()[outside.argmin(axis=0)]
        expected = stroke[8:11, None] * (1 - t) + stroke[11:14, None] * t
        error = abs(colors[:, covered] - expected)
        # Within a bend two discs may be as near.
        assert np.median(error) < 1e-3 and (error < 5e-3).mean() > 0.98


@pytest.mark.parametrize("name", CURVES)
@pytest.mark.parametrize("end", [0.0, 1.0])
def test_a_control_point_that_is_an_end_leaves_a_straight_stroke_straight(name, end):
    """There the curve starts, or stops, without a direction of its own."""
    stroke = np.full(BRUSHES[name].dim, 1.0)
    stroke[:8] = 0.3, 0.3, 0.5, 0.5, 0.7, 0.7, 0.3, 0.3
    bent = stroke.copy()
    bent[2:4] = end
    _, alpha = drawn(name, np.stack([stroke, bent]))
    np.testing.assert_allclose(alpha[1], alpha[0], atol=2e-2)


@pytest.mark.parametrize("name", CURVES)
@pytest.mark.parametrize("apart", [0.0, 1e-6, 1e-4])
def test_coinciding_points_are_one_print_of_the_nib(name, apart):
    brush, radius = BRUSHES[name], HAIR + 0.5 / 4
    stroke = np.full(brush.dim, 1.0)
    stroke[:8] = 0.5 - apart / 2, 0.5, 0.5, 0.5, 0.5 + apart / 2, 0.5, 0.5, 0.5
    _, alpha = drawn(name, stroke[None])
    area = np.pi * radius**2 if name != "markerpen" else 4 * radius**2
    assert abs(alpha.sum() / SIZE**2 / area - 1) < 0.02


@pytest.mark.parametrize("name", CURVES)
def test_gradients_where_points_coincide_are_of_the_usual_size(name):
    brush = BRUSHES[name]
    weights = np.random.default_rng(0).normal(size=(SIZE, SIZE)).astype(np.float32)
    render = engine(brush, SIZE, look=SMOOTH, softness=1.0)
    gradient = jax.jit(jax.vmap(jax.grad(lambda s: (render(s).alpha[0] * weights).sum())))
    strokes = np.full((2, brush.dim), 0.5, np.float32)
    strokes[:, brush.index("size")] = 0.2
    strokes[1, [0, 4]] = 0.45, 0.55
    coinciding, separate = np.abs(gradient(strokes)).max(axis=1)
    assert np.isfinite(coinciding) and 0 < coinciding < 10 * separate


PICTURE = Stamps(np.random.default_rng(9).random((2, 8, 16, 24, 3)), np.array([[0.9, 0.8], [0.8, 0.6]]))
LOOKS = ("flat", "full", "picture", "flat picture")
CASES = [(name, look) for name in BRUSHES for look in LOOKS if "picture" not in look or BRUSHES[name].pictured]


@pytest.mark.parametrize(("name", "look"), CASES)
def test_gradients_are_finite_differences_in_double_precision(name, look, monkeypatch):
    """Every parameter, through a random weighting of all four planes."""
    # By design nothing is passed back through how many streaks a pixel can show, nor through the chance that tells
    # strokes apart: fixed, they can't disturb.
    found = bristles.bristles
    monkeypatch.setattr(
        bristles, "bristles", lambda s, b, a, g, f, c, _: found(s, b, a, g, jnp.full_like(f, 0.05), c, _)
    )
    monkeypatch.setattr(pigment, "shifts", lambda parameters, count: np.arange(count) * 0.17)
    brush, size, count, step = BRUSHES[name], 32, 4, 1e-6
    weights = np.random.default_rng(1).normal(size=(4, size, size))
    # A seed for which no pixel enters a stroke within a step: its foreground would jump there.
    strokes = random_strokes(name, count, seed=1)
    strokes[:, brush.index("alpha")] = 0.7
    with jax.enable_x64(True):
        picture = jax.tree.map(jnp.asarray, PICTURE) if "picture" in look else None
        render = engine(brush, size, look=Look(picture, flat="flat" in look), softness=1.0)

        def value(stroke):
            foreground, (alpha,), *_ = render(stroke)
            return sum((w * plane).sum() for w, plane in zip(weights, (*foreground, alpha), strict=True))

        shifted = strokes[:, None, None] + step * np.array([1, -1])[:, None, None] * np.eye(brush.dim)
        # One program for both.
        every = np.concatenate([strokes, shifted.reshape(-1, brush.dim)])
        values, gradients = map(np.asarray, jax.jit(jax.vmap(jax.value_and_grad(value)))(every))
        above, below = values[count:].reshape(count, 2, brush.dim).swapaxes(0, 1)
        exact = gradients[:count]
    numeric = (above - below) / (2 * step)
    scale = abs(numeric).max(axis=0)
    unused = brush.mask("unused", "grain")
    assert (exact[:, unused] == 0).all() and (scale[~unused] > 1e-2).all()
    # A user's picture is linear between texels: a kink may lie within a step.
    assert (abs(exact - numeric)[:, ~unused] < (1e-2 if look == "picture" else 1e-3) * scale[~unused]).all()


@pytest.mark.parametrize("name", BRUSHES)
def test_the_ends_of_the_ranges_draw_and_differentiate(name):
    """All parameters 0, a half or 1: strokes without size, curves without length, everything at once."""
    brush, rng = BRUSHES[name], np.random.default_rng(0)
    values = (np.array([0.0, 1.0]), np.array([0.0, 0.5, 1.0]))
    strokes = np.concatenate([rng.choice(v, (256, brush.dim)) for v in values]).astype(np.float32)
    render = engine(brush, 24, softness=1.0)

    def total(stroke):
        picture = render(stroke)
        return sum(plane.sum() for plane in (*picture.foreground, *picture.alpha)), picture

    draw_and_differentiate = jax.jit(jax.vmap(jax.grad(total, has_aux=True)))
    gradient, (foreground, (alpha,), *_) = draw_and_differentiate(strokes)
    assert np.isfinite(gradient).all()
    assert np.min(alpha) >= 0 and np.max(alpha) <= 1 + 1e-6
    foreground = np.stack(foreground, axis=-1)
    assert foreground.min() >= -1e-5 and foreground.max() <= 1 + 1e-5
    assert (foreground[np.asarray(alpha) == 0] == 0).all()


@pytest.mark.parametrize("name", BRUSHES)
def test_the_alpha_parameter_scales_alpha_alone(name):
    strokes = np.repeat(random_strokes(name, 1), 3, axis=0)
    strokes[:, -1] = 1.0, 0.5, 0.0
    foreground, alpha = drawn(name, strokes)
    factors = (1.0, 1.0) if BRUSHES[name].grained else (0.5, 0.0)
    for factor, other in zip(factors, alpha[1:], strict=True):
        np.testing.assert_allclose(other, factor * alpha[0], atol=1e-6)
    np.testing.assert_allclose(foreground[1], foreground[0], atol=1e-6)


@pytest.mark.parametrize("name", BRUSHES)
@pytest.mark.parametrize("softness", [0.0, 3.0])
def test_colours_reach_to_the_edge(name, softness):
    """No dark rims, for which Stylized Neural Painting dilates colours and erodes alphas."""
    brush, strokes = BRUSHES[name], random_strokes(name, 8, seed=4)
    colors = brush.index("color")
    strokes[:, colors] = np.tile(strokes[:, colors[:3]], len(colors) // 3)
    for stroke, planes, alpha in zip(strokes, *drawn(name, strokes, softness=softness), strict=True):
        assert ((alpha > 0) & (alpha < 0.9)).sum() > 20
        for plane, color in zip(planes, stroke[colors[:3]], strict=True):
            np.testing.assert_allclose(plane[alpha > 0], color, atol=1e-5)


@pytest.mark.parametrize("name", BRUSHES)
@pytest.mark.parametrize("softness", [0.0, 3.0])
def test_edges_are_ramps_as_wide_as_the_softness_and_a_pixel(name, softness):
    """A bar along x through the middle of the picture, looked at in one column."""
    half = 0.15
    bar = BRUSHES[name].lay(*(np.float32([v]) for v in ([0.5, 0.5], 0.0, 0.8, 2 * half, [1, 1, 1], 1.0)))
    _, alpha = drawn(name, bar, softness=softness)
    distance = abs((np.arange(SIZE) + 0.5) / SIZE - 0.5)
    expected = np.clip((half - distance) * SIZE / (1 + softness) + 0.5, 0, 1)
    np.testing.assert_allclose(alpha[0, :, SIZE // 2], expected, atol=1e-3)


@pytest.mark.parametrize("name", BRUSHES)
@pytest.mark.parametrize("heading", [0.0, 0.5, 1.2])
def test_strokes_thinner_than_a_pixel_fade_by_their_area(name, heading):
    """Widths from a tenth of a pixel to two."""
    widths = np.float32([HAIR, 2 * HAIR, 0.5 / SIZE, 1 / SIZE, 2 / SIZE])
    count, length = len(widths), 0.5
    strokes = BRUSHES[name].lay(
        *(np.full((count, *shape), v, np.float32) for shape, v in (((2,), 0.5), ((), heading), ((), length))),
        widths,
        np.ones((count, 3), np.float32),
        np.ones(count, np.float32),
    )
    widths = np.maximum(widths, 2 * HAIR if name != "oilpaintbrush" else HAIR)
    _, alpha = drawn(name, np.clip(strokes, 0, 1))
    area = widths * length - (widths**2 * (1 - np.pi / 4) if name in ("watercolor", "filbert", "pastel") else 0)
    np.testing.assert_allclose(alpha.sum(axis=(1, 2)) / SIZE**2, area, rtol=0.06)


@pytest.mark.parametrize("name", BRUSHES)
@pytest.mark.parametrize("quarters", [1, -1, 2])
def test_turned_strokes_look_as_a_turned_picture(name, quarters):
    """About the middle of the frame, to which they are moved first; of two colours, each stays at its end."""
    brush = BRUSHES[name]
    strokes = random_strokes(name, 12, seed=3, sizes=(0.05, 0.3)).astype(np.float32)
    still, turn = np.ones(12), np.full(12, quarters * np.pi / 2)
    centred = moved(brush, strokes, 0.5 - brush.middle(strokes), turn=0 * still, growth=still)
    turned = moved(brush, centred, np.zeros((12, 2)), turn=turn, growth=still)
    for before, after in zip(drawn(name, centred), drawn(name, turned), strict=True):
        np.testing.assert_allclose(after, np.rot90(before, -quarters, axes=(-2, -1)), atol=2e-3)


@pytest.mark.parametrize("name", BRUSHES)
def test_grown_strokes_are_those_of_a_smaller_window(name):
    brush = BRUSHES[name]
    strokes = random_strokes(name, 5, sizes=(0.05, 0.3)).astype(np.float32)
    grown = moved(brush, strokes, 0.5 - brush.middle(strokes), turn=np.zeros(5), growth=np.full(5, 2.0))
    expected = to_window(brush, strokes, brush.middle(strokes) - 0.25, 0.5)
    np.testing.assert_allclose(grown, expected, atol=1e-5)


@pytest.mark.parametrize("name", BRUSHES)
def test_strokes_that_are_too_long_are_cut_down_about_their_middles(name):
    brush = BRUSHES[name]
    strokes = random_strokes(name, 40, sizes=(0.05, 0.4)).astype(np.float32)
    short = brush.shortened(strokes, 3.0)
    aspects = proportions(name, short)
    assert aspects.max() <= 3.001 and (aspects > 2.999).sum() > 2
    within = proportions(name, strokes) < 2.999
    assert 3 < within.sum() < 40
    np.testing.assert_allclose(short[within], strokes[within], atol=1e-6)
    np.testing.assert_allclose(brush.middle(short), brush.middle(strokes), atol=1e-6)
    others = ~brush.mask("x", "y", "size")
    np.testing.assert_array_equal(short[:, others], strokes[:, others])
    assert (brush.longest_size(short) <= brush.longest_size(strokes) + 1e-6).all()


def proportions(name, strokes):
    """Length over width; of a curve, of the way between its ends and its mean width."""
    if name in BOXES:
        sides = strokes[:, 2:4] + (HAIR if name == "oilpaintbrush" else 4 * HAIR)
        return sides.max(axis=1) / sides.min(axis=1)
    tapered = name != "markerpen"
    width = 2 * HAIR + (strokes[:, 6] + strokes[:, 7 if tapered else 6]) / 4
    return 1 + np.hypot(strokes[:, 4] - strokes[:, 0], strokes[:, 5] - strokes[:, 1]) / width


def test_a_pastel_s_grit_leaves_lines_along_a_stroke_and_its_mean_pressure():
    brush, n = BRUSHES["pastel"], 24
    parts = (
        np.full((n, 2), 0.5),
        np.zeros(n),
        np.full(n, 0.8),
        np.full(n, 0.25),
        np.random.default_rng(0).random((n, 3)),
    )
    strokes = brush.lay(*(np.asarray(part, np.float32) for part in parts), np.full(n, 0.5, np.float32))
    seen, flat = (draw("pastel", strokes, size=256, look=look).alpha[0] for look in (TEXTURED, FLAT))
    middle = seen[:, 112:144, 64:192]
    across, along = (np.abs(np.diff(middle, axis=axis)).mean() for axis in (1, 2))
    assert across > 3 * along and middle.std(axis=(1, 2)).min() > 0.03
    assert abs(seen.mean() / flat.mean() - 1) < 0.03
    # No two are alike, and a stroke is the same in every window.
    apart = np.abs(middle[:, None] - middle[None]).mean(axis=(2, 3))
    assert apart[~np.eye(n, dtype=bool)].min() > 0.01
    within = to_window(brush, strokes, np.float32([0.25, 0.25]), 0.5)
    half, whole = (draw("pastel", s, size=size, look=TEXTURED).alpha[0] for s, size in ((within, 256), (strokes, 512)))
    assert np.abs(half - whole[:, 128:384, 128:384]).mean() < 2e-3


def headings(name, strokes):
    return jax.jit(jax.vmap(BRUSHES[name].headings))(np.float32(strokes))


@pytest.mark.parametrize("name", BOXES)
def test_boxes_head_along_their_longer_side(name):
    strokes = random_strokes(name, 20, seed=5)
    for stroke, at, heading in zip(strokes, *headings(name, strokes), strict=True):
        one, two, three, _ = corners(name, stroke)
        sides = np.array([two - one, three - two])
        expected = (sides**2).sum() / (abs(sides) ** 2).sum()
        np.testing.assert_allclose(at, [stroke[:2]], atol=1e-6)
        np.testing.assert_allclose(heading, [[expected.real, expected.imag]], atol=1e-5)


@pytest.mark.parametrize("name", CURVES)
def test_curves_head_along_their_tangents(name):
    strokes = random_strokes(name, 20, seed=6)
    for stroke, at, heading in zip(strokes, *headings(name, strokes), strict=True):
        middle, tangent, _ = curve(stroke, samples=5)
        width = 2 * HAIR + (stroke[6] + stroke[6 if name == "markerpen" else 7]) / 4
        expected = tangent[[1, 3]] ** 2 / (abs(tangent[[1, 3]]) ** 2 + width**2)
        np.testing.assert_allclose(at, np.stack([middle.real, middle.imag], axis=1)[[1, 3]], atol=1e-6)
        np.testing.assert_allclose(heading, np.stack([expected.real, expected.imag], axis=1), atol=1e-5)


@pytest.mark.parametrize("name", BRUSHES)
def test_the_gradient_of_a_heading_is_that_of_its_angle(name):
    """It turns strokes; how clear the heading is stays out of it."""
    brush, stroke = BRUSHES[name], np.float32(random_strokes(name, 1, seed=7)[0])

    def angle(stroke):
        x, y = brush.headings(stroke)[1][0]
        return jnp.arctan2(y, x)

    def clear(stroke):
        return (brush.headings(stroke)[1] ** 2).sum()

    found, of_clear = jax.jit(lambda stroke: (jax.grad(angle)(stroke), jax.grad(clear)(stroke)))(stroke)
    step = np.float32(1e-3) * np.eye(brush.dim, dtype=np.float32)
    above, below = (jax.jit(jax.vmap(angle))(stroke + way) for way in (step, -step))
    np.testing.assert_allclose(found, (above - below) / 2e-3, rtol=2e-2, atol=2e-2)
    assert abs(found).max() > 1
    np.testing.assert_allclose(of_clear, 0.0, atol=1e-4)


@pytest.mark.parametrize("name", BRUSHES)
def test_areas_are_about_what_is_covered(name):
    strokes = random_strokes(name, 20, seed=8, sizes=(0.1, 0.3)).astype(np.float32)
    brush = BRUSHES[name]
    strokes = moved(brush, strokes, 0.5 - brush.middle(strokes), turn=np.zeros(20), growth=np.full(20, 0.7))
    _, alpha = drawn(name, strokes)
    np.testing.assert_allclose(brush.areas(strokes), alpha.mean(axis=(1, 2)), rtol=0.3)


@pytest.mark.parametrize("name", BRUSHES)
def test_sizes_say_how_wide_a_stroke_is(name):
    """Strokes laid with a width and a length have sizes that come to these, in the brush's own units."""
    brush, one = BRUSHES[name], np.ones(1, np.float32)
    strokes = brush.lay(np.full((1, 2), 0.5), 0 * one, 0.3 * one, 0.1 * one, np.zeros((1, 3)), one)
    sizes = (strokes[0, brush.index("size")] + brush.hair) / brush.size_per_width
    expected = [0.1, 0.3] if len(brush.index("x")) == 1 else [0.1] * len(sizes)
    np.testing.assert_allclose(sizes, expected, rtol=1e-5)


@pytest.mark.parametrize("name", BRUSHES)
def test_united_ends_have_the_mean_of_their_colours(name):
    brush = BRUSHES[name]
    strokes, color = np.random.default_rng(0).random((9, brush.dim), np.float32), brush.mask("color")
    united = strokes @ brush.united
    np.testing.assert_array_equal(united[:, ~color], strokes[:, ~color])
    expected, _ = brush.paint(strokes)
    ends, _ = brush.paint(united)
    np.testing.assert_allclose(ends, expected.mean(axis=1, keepdims=True).repeat(2, axis=1), atol=1e-6)
