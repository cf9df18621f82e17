"""Textures: pigment and how it spreads in a stroke, and a user's pictures of a brush."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from strokes import FLAT, SMOOTH, TEXTURED, draw

from jaxpaint.brushes import BRUSHES, Look, to_window
from jaxpaint.brushes.textures import LEVELS, Stamps, brush_picture, pyramid, sample
from jaxpaint.renderers import engine

SIZE = 128


def drawn(name, strokes, size=SIZE, look=TEXTURED):
    """Foreground `[n, 3, S, S]` and alpha `[n, S, S]`."""
    foreground, (alpha,), *_ = draw(name, strokes, size=size, look=look)
    return np.stack(foreground, axis=1), alpha


@pytest.mark.parametrize("name", BRUSHES)
def test_without_contrast_strokes_are_solid(name):
    brush = BRUSHES[name]
    strokes = np.random.default_rng(0).uniform(0.3, 0.7, (4, brush.dim)).astype(np.float32)
    colors = brush.index("color")
    strokes[:, colors] = np.tile(strokes[:, colors[:3]], len(colors) // 3)
    foreground, alpha = drawn(name, strokes, look=SMOOTH)
    for stroke, planes, coverage in zip(strokes, foreground, alpha, strict=True):
        most = 1.0 if brush.grained else stroke[-1]
        solid = coverage > 0.999 * most
        np.testing.assert_allclose(coverage.max(), most, atol=1e-5)
        assert solid.sum() > 0.8 * (coverage > 0).sum()
        for plane, color in zip(planes, stroke[colors[:3]], strict=True):
            np.testing.assert_allclose(plane[solid], color, atol=1e-5)


@pytest.mark.parametrize("name", ["watercolor", "markerpen"])
@pytest.mark.parametrize("contrast", [1.0, 2.0])
def test_on_average_pigment_settles_at_the_rim(name, contrast):
    """Down a column through the middle of a bar along x."""
    half, opacity = 0.15, 0.8
    bar = BRUSHES[name].lay(*(np.float32([v]) for v in ([0.5, 0.5], 0.0, 0.8, 2 * half, [1, 1, 1], opacity)))
    _, alpha = drawn(name, bar, look=Look(contrast=contrast, flat=True))
    distance = abs((np.arange(SIZE) + 0.5) / SIZE - 0.5)
    inside = distance < half - 1 / SIZE
    expected = opacity * (1 - 0.3 * contrast * (1 - (distance / half) ** 2))
    np.testing.assert_allclose(alpha[0, :, SIZE // 2][inside], expected[inside], atol=2e-3)


def wet_strokes(name, count, alpha):
    """Strokes of many proportions and colours, well inside the picture."""
    brush, rng = BRUSHES[name], np.random.default_rng(0)
    strokes = rng.uniform(0.25, 0.75, (count, brush.dim))
    strokes[:, brush.index("size")] = rng.uniform(0.15, 0.4, (count, 1))
    strokes[:, brush.index("color")] = rng.uniform(size=(count, len(brush.index("color"))))
    strokes[:, brush.index("alpha")] = alpha
    return strokes


@pytest.mark.parametrize("name", ["watercolor", "markerpen"])
@pytest.mark.parametrize("alpha", [0.3, 0.7, 1.0])
def test_texture_spreads_pigment_and_makes_none(name, alpha):
    """Each stroke has as much as its average to some 10 %: a stroke is few waves long. All together, to 2 %."""
    strokes = wet_strokes(name, 96, alpha)
    rich, flat = (drawn(name, strokes, look=look)[1].mean(axis=(1, 2)) for look in (TEXTURED, FLAT))
    assert rich.mean() == pytest.approx(flat.mean(), rel=0.02)
    assert np.std(rich / flat) < 0.06
    np.testing.assert_allclose(rich, flat, rtol=0.25)


def test_pigment_pools_in_a_narrow_rim_that_wanders():
    """Along bars of watercolour: their sides are darkest, in places that differ; but where they bleed."""
    count = 24
    color = np.random.default_rng(5).uniform(size=(count, 3)).astype(np.float32)
    position, alike = np.full((count, 2), 0.5, np.float32), np.ones(count, np.float32)
    bars = BRUSHES["watercolor"].lay(position, 0 * alike, 0.9 * alike, 0.3 * alike, color, 0.6 * alike)
    _, alpha = drawn("watercolor", bars, size=256)
    columns = alpha[:, :128, 60:196]
    start, peak = (columns > 0.2).argmax(axis=1), columns.argmax(axis=1)
    middle = alpha[:, 110:146, 60:196].mean(axis=(1, 2))
    pooled = columns.max(axis=1).mean(axis=1) > 1.25 * middle
    assert pooled.sum() >= 5 and (~pooled).sum() >= 5
    assert (np.median(peak - start, axis=1)[pooled] < 0.1 * 0.3 * 256).all()
    assert (np.ptp(start, axis=1)[pooled] >= 2).all() and np.ptp(start[pooled]) >= 4
    assert np.abs(np.diff(start, axis=1)).max() <= 3


@pytest.mark.parametrize("name", BRUSHES)
def test_textures_are_the_strokes_own(name):
    """The same wherever a stroke is drawn, nearly the same when it changes a little, as in a film; not another's."""
    brush, rng = BRUSHES[name], np.random.default_rng(3)
    strokes = rng.uniform(0.4, 0.6, (6, brush.dim)).astype(np.float32)
    origin = np.float32([0.25, 0.25])
    whole, crop = drawn(name, strokes)[1], drawn(name, to_window(brush, strokes, origin, 0.5), size=SIZE // 2)[1]
    np.testing.assert_allclose(crop, whole[:, SIZE // 4 : -SIZE // 4, SIZE // 4 : -SIZE // 4], atol=2e-3)
    changed, colors = strokes.copy(), brush.index("color")
    changed[:, colors] += rng.normal(0, 0.004, (6, len(colors)))
    assert np.abs(drawn(name, changed)[1] - whole).mean() < 0.1 * np.abs(whole[1:] - whole[:-1]).mean()


@pytest.mark.parametrize("name", ["watercolor", "markerpen"])
def test_no_two_wet_strokes_are_alike(name):
    strokes = np.repeat(wet_strokes(name, 1, 0.6), 2, axis=0)
    strokes[1, BRUSHES[name].index("color")] += 0.1
    one, other = drawn(name, strokes)[1]
    assert np.abs(one - other).mean() > 0.02 * one.mean()


@pytest.mark.parametrize("name", BRUSHES)
def test_a_brush_says_whether_it_has_a_texture(name):
    """Without one, a stroke is its average, whatever the look."""
    brush = BRUSHES[name]
    stroke = np.linspace(0.4, 0.6, brush.dim)[None]
    smooth, seen = (np.concatenate(drawn(name, stroke, look=look), axis=None) for look in (FLAT, TEXTURED))
    assert (np.abs(smooth - seen).max() > 0.01) == brush.textured


def test_a_brush_picture_is_cut_to_its_stroke_and_laid_down():
    """A light stroke upright on black, dark on its right."""
    image = np.zeros((120, 60, 3), np.float32)
    image[10:110, 20:30], image[10:110, 30:40] = 0.8, 0.4
    shade, coverage, height = np.moveaxis(brush_picture(image), -1, 0)
    assert shade.shape[0] < shade.shape[1]
    np.testing.assert_array_equal(height, shade)
    np.testing.assert_allclose(coverage, 1.0, atol=1e-5)
    quarter = len(shade) // 4
    np.testing.assert_allclose(shade[:quarter], 1.0, atol=1e-3)
    np.testing.assert_allclose(shade[-quarter:], 0.5, atol=1e-3)


def test_heights_are_laid_down_with_their_picture():
    """Highest at the upper end of an upright stroke, which becomes the left one; beside the stroke, of any height."""
    image, heights = np.zeros((2, 120, 60, 3), np.float32)
    image[10:110, 20:40] = 0.8
    heights[...] = 0.123
    heights[10:60, 20:40], heights[60:110, 20:40] = 0.75, 0.25
    shade, _, height = np.moveaxis(brush_picture(image, heights), -1, 0)
    np.testing.assert_allclose(shade, 1.0, atol=1e-5)
    quarter = height.shape[1] // 4
    np.testing.assert_allclose(height[:, :quarter], 0.75, atol=1e-5)
    np.testing.assert_allclose(height[:, -quarter:], 0.25, atol=1e-5)


def test_a_pyramid_blurs_and_keeps_the_mean():
    stamps = np.random.default_rng(0).random((2, 128, 256, 3)).astype(np.float32)
    stamps[1] /= 2
    levels, means = pyramid(stamps)
    assert levels.shape == (2, LEVELS, 128, 256, 3)
    np.testing.assert_array_equal(levels[:, 0], stamps)
    expected = np.repeat(stamps.mean(axis=(1, 2))[:, None], LEVELS, axis=1)
    np.testing.assert_allclose(levels.mean(axis=(2, 3)), expected, atol=0.02)
    assert (np.diff(levels.std(axis=(2, 3)), axis=1) < 0).all()
    for stamp, mean in zip(stamps, means, strict=True):
        expected = np.average(stamp[..., 0], weights=stamp[..., 1]), stamp[..., 1].mean()
        np.testing.assert_allclose(mean, expected, rtol=1e-4)


def test_sampling_is_linear_between_texels_and_levels():
    rng = np.random.default_rng(1)
    count, levels, rows, columns = 3, 3, 6, 9
    stamps = rng.random((count, levels, rows, columns, 3)).astype(np.float32)
    s, t = rng.uniform(-0.55, 0.55, (2, 5, 5)).astype(np.float32)

    def between(values, at):
        """Along the first axis; beyond the ends, the end."""
        at = np.clip(at, 0, len(values) - 1)
        low = min(int(at), len(values) - 2)
        return values[low] + (at - low) * (values[low + 1] - values[low])

    set_of_three = Stamps(jnp.asarray(stamps), jnp.zeros((count, 2)))
    for footprint in (0.01, 0.25, 0.5, 3.0):
        for grain, number in ((0.0, 0), (0.3, 0), (0.4, 1), (0.67, 2), (1.0, 2)):
            level = np.clip(np.log2(max(footprint * rows, 1)), 0, levels - 1)
            one = between(stamps[number], level)
            expected = [
                between(between(one, (a + 0.5) * rows - 0.5), (b + 0.5) * columns - 0.5)
                for a, b in zip(s.ravel(), t.ravel(), strict=True)
            ]
            planes = sample(set_of_three, jnp.float32(grain), jnp.asarray(s), jnp.asarray(t), jnp.float32(footprint))
            np.testing.assert_allclose(np.stack(planes, axis=-1).reshape(-1, 3), expected, atol=1e-5)


PICTURED = [name for name in BRUSHES if BRUSHES[name].pictured]


def two_stamps():
    """A comb of four teeth, and a wedge that is higher and lighter on one side."""
    across, along = np.mgrid[:128, :256] / np.array([128, 256])[:, None, None]
    comb = np.stack([np.ones_like(across), (across * 8 % 2 < 1).astype(float), 0.5 + 0 * across])
    wedge = np.stack([0.6 + 0.4 * across, (across > 0.8 * along).astype(float), across])
    return np.stack([comb, wedge]).transpose(0, 2, 3, 1).astype(np.float32)


def bars(name, grains):
    """Light strokes along x, over most of the picture."""
    count = len(grains)
    strokes = BRUSHES[name].lay(
        np.full((count, 2), 0.5), *(np.full(count, v) for v in (0.0, 0.8, 0.4)), np.ones((count, 3)), np.array(grains)
    )
    return jnp.asarray(strokes, jnp.float32)


@functools.cache
def with_stamps(name, size, look):
    """Returns a function of pictures and strokes, one program for all pictures."""

    def draw(pictures, strokes):
        return jax.vmap(engine(BRUSHES[name], size, look=look._replace(picture=pictures)))(strokes)

    return jax.jit(draw)


# On either side of where one stamp gives way to the other, and the ends.
GRAINS = (0.0, 0.499, 0.5, 1.0)


def stamped(name, stamps, *, size=SIZE, contrast=1.0, flat=False):
    """Planes of bars, one for each of `GRAINS`: `[n, S, S]` of red, alpha and height."""
    stroke = with_stamps(name, size, Look(None, contrast, flat, height=True))(pyramid(stamps), bars(name, GRAINS))
    return tuple(np.asarray(plane) for plane in (stroke.foreground[0], stroke.alpha[0], stroke.height[0]))


@pytest.mark.parametrize("name", PICTURED)
@pytest.mark.parametrize("flat", [False, True])
def test_a_stroke_s_grain_says_which_stamp_it_is(name, flat):
    """It is drawn as by that stamp alone."""
    stamps = two_stamps()
    found = stamped(name, stamps, flat=flat)
    for number, those in ((0, slice(0, 2)), (1, slice(2, 4))):
        # Twice the same: a set of one would be another program.
        alone = stamped(name, stamps[[number, number]], flat=flat)
        for plane, expected in zip(found, alone, strict=True):
            np.testing.assert_allclose(plane[those], expected[those], atol=1e-5)
    assert np.abs(found[1][0] - found[1][2]).mean() > (0.005 if flat else 0.05)


@pytest.mark.parametrize("name", PICTURED)
def test_a_stroke_is_covered_where_its_stamp_is(name):
    """Away from the ends, which may be round; filbert lays the picture down as it is, the oil brush from the right."""
    red, alpha, height = (plane[[0, -1]] for plane in stamped(name, two_stamps(), size=256))
    inside = slice(78, 178), slice(86, 170)
    y, x = ((np.mgrid[:256, :256] + 0.5) / 256 - 0.5) / np.array([0.4, 0.8])[:, None, None]
    across = y[inside] + 0.5
    along = (x if name == "filbert" else -x)[inside] + 0.5
    for number, covered in enumerate((across * 8 % 2 < 1, across > 0.8 * along)):
        assert ((alpha[number][inside] > 0.5) == covered).mean() > 0.97
    shown = (across > 0.8 * along + 0.03) & (across < 0.97)
    np.testing.assert_allclose(red[1][inside][shown], 0.6 + 0.4 * across[shown], atol=0.01)
    np.testing.assert_allclose(height[1][inside][shown], across[shown], atol=0.01)


@pytest.mark.parametrize("name", PICTURED)
def test_the_average_of_a_stamp_covers_as_much(name):
    for contrast in (0.5, 1.0):
        seen, average = (
            stamped(name, two_stamps(), contrast=contrast, flat=flat)[1].sum(axis=(1, 2)) for flat in (False, True)
        )
        np.testing.assert_allclose(average, seen, rtol=0.06)


@pytest.mark.parametrize("name", PICTURED)
def test_heights_change_nothing_else(name):
    stamps = two_stamps()
    higher = stamps * np.float32([1, 1, 0.5])
    before, after = (stamped(name, those) for those in (stamps, higher))
    for plane, same in zip(before[:2], after[:2], strict=True):
        np.testing.assert_array_equal(plane, same)
    np.testing.assert_allclose(after[2], before[2] / 2, atol=1e-6)
