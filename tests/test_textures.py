"""Textures: bristles, pigment that pools at the rim, and a user's picture of a brush."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxpaint.brushes import BRUSHES, Look
from jaxpaint.brushes.textures import LEVELS, bristles, brush_picture, pyramid, sample
from jaxpaint.renderers import engine

SIZE = 128
TALL = np.float32([0.5, 0.5, 0.3, 0.75, 0.0] + [1.0] * 7)
WIDE = TALL[[0, 1, 3, 2, *range(4, 12)]]


@functools.cache
def renderer(name, size, contrast):
    return jax.jit(jax.vmap(engine(BRUSHES[name], size, look=Look(contrast=contrast))))


def drawn(name, strokes, size=SIZE, contrast=1.0):
    """Foreground `[n, 3, S, S]` and alpha `[n, S, S]`."""
    foreground, (alpha,) = renderer(name, size, contrast)(jnp.asarray(strokes, jnp.float32))
    return np.stack(foreground, axis=1), np.asarray(alpha)


def turned(stroke, theta):
    return np.concatenate([stroke[:4], [theta], stroke[5:]])


def test_bristles_show_in_every_direction_and_proportion():
    strokes = [TALL, WIDE, turned(TALL, 0.2), turned(WIDE, 0.7), turned(TALL, 0.5)]
    foreground, alpha = drawn("oilpaintbrush", strokes, size=512)
    for luminance, inside in zip(foreground[:, 0], alpha > 0.99, strict=True):
        assert luminance[inside].std() >= 0.08
        assert luminance[inside].max() > 0.95


@pytest.mark.parametrize("stroke", [TALL, WIDE], ids=["tall", "wide"])
def test_grooves_run_along_the_longer_side(stroke):
    foreground, _ = drawn("oilpaintbrush", stroke[None])
    middle = foreground[0, 0, 48:80, 48:80]
    down, right = (abs(np.diff(middle, axis=axis)).mean() for axis in (0, 1))
    across, along = (right, down) if stroke is TALL else (down, right)
    assert across > 4 * along


def test_a_wide_stroke_is_a_tall_one_turned_by_a_quarter():
    foreground, alpha = drawn("oilpaintbrush", [TALL, WIDE, turned(TALL, 0.5)])
    np.testing.assert_allclose(alpha[1], alpha[2], atol=2e-3)
    np.testing.assert_allclose(alpha[1], np.rot90(alpha[0], -1), atol=2e-3)
    np.testing.assert_allclose(foreground[1] * alpha[1], np.rot90(foreground[0] * alpha[0], -1, (1, 2)), atol=2e-3)


def test_contrast_is_how_far_the_texture_is_from_solid_paint():
    shades = [drawn("oilpaintbrush", TALL[None], contrast=c) for c in (0.0, 0.5, 1.0, 2.0)]
    inside = np.min([alpha[0] for _, alpha in shades], axis=0) > 0.99
    solid, half, full, double = (foreground[0, 0][inside] for foreground, _ in shades)
    assert (solid == 1).all()
    np.testing.assert_allclose(half, (1 + full) / 2, atol=1e-5)
    np.testing.assert_allclose(double, np.clip(2 * full - 1, 0, 1), atol=1e-5)


@pytest.mark.parametrize("name", BRUSHES)
def test_without_contrast_strokes_are_solid(name):
    brush = BRUSHES[name]
    strokes = np.random.default_rng(0).uniform(0.3, 0.7, (4, brush.dim)).astype(np.float32)
    colors = brush.index("color")
    strokes[:, colors] = np.tile(strokes[:, colors[:3]], len(colors) // 3)
    foreground, alpha = drawn(name, strokes, contrast=0.0)
    for stroke, planes, coverage in zip(strokes, foreground, alpha, strict=True):
        most = 1.0 if name == "oilpaintbrush" else stroke[-1]
        solid = coverage > 0.999 * most
        np.testing.assert_allclose(coverage.max(), most, atol=1e-5)
        assert solid.sum() > 0.8 * (coverage > 0).sum()
        for plane, color in zip(planes, stroke[colors[:3]], strict=True):
            np.testing.assert_allclose(plane[solid], color, atol=1e-5)


@pytest.mark.parametrize("name", ["watercolor", "markerpen"])
@pytest.mark.parametrize("contrast", [1.0, 2.0])
def test_pigment_settles_at_the_rim(name, contrast):
    """Down a column through the middle of a bar along x."""
    half, opacity = 0.15, 0.8
    bar = BRUSHES[name].lay(*(np.float32([v]) for v in ([0.5, 0.5], 0.0, 0.8, 2 * half, [1, 1, 1], opacity)))
    _, alpha = drawn(name, bar, contrast=contrast)
    distance = abs((np.arange(SIZE) + 0.5) / SIZE - 0.5)
    inside = distance < half - 1 / SIZE
    expected = opacity * (1 - 0.3 * contrast * (1 - (distance / half) ** 2))
    np.testing.assert_allclose(alpha[0, :, SIZE // 2][inside], expected[inside], atol=2e-3)


@pytest.mark.parametrize("name", BRUSHES)
def test_a_brush_says_whether_it_has_a_texture(name):
    """Without one, a stroke is its average, whatever the look."""
    brush = BRUSHES[name]
    stroke = jnp.linspace(0.4, 0.6, brush.dim)
    smooth, seen = (
        np.stack(jax.tree.leaves(jax.jit(engine(brush, 32, look=Look(flat=flat)))(stroke))) for flat in (True, False)
    )
    assert (np.abs(smooth - seen).max() > 0.01) == brush.textured


def test_bristles_are_depths_and_fade_where_they_are_finer_than_a_pixel():
    at = np.linspace(-0.5, 0.5, 301, dtype=np.float32)
    s, t = jnp.meshgrid(at, at)
    fine, coarse = (bristles(s, t, jnp.float32(footprint), jnp.float32(0)) for footprint in (1e-3, 1.0))
    for plane in fine:
        assert np.min(plane) >= 0 and np.max(plane) <= 1
    assert np.std(fine.groove) > 0.1 and np.ptp(coarse.groove) < 1e-3
    # What is seen from afar is the mean of what is seen from near.
    assert abs(np.mean(coarse.groove) - np.mean(fine.groove)) < 0.015
    assert abs(np.mean(fine.start) - 0.5) < 0.05 and abs(np.mean(fine.end) - 0.5) < 0.05


def test_a_brush_picture_is_cut_to_its_stroke_and_laid_down():
    """A light stroke upright on black, dark on its right."""
    image = np.zeros((120, 60, 3), np.float32)
    image[10:110, 20:30], image[10:110, 30:40] = 0.8, 0.4
    shade, coverage = np.moveaxis(brush_picture(image), -1, 0)
    assert shade.shape[0] < shade.shape[1]
    np.testing.assert_allclose(coverage, 1.0, atol=1e-5)
    quarter = len(shade) // 4
    np.testing.assert_allclose(shade[:quarter], 1.0, atol=1e-3)
    np.testing.assert_allclose(shade[-quarter:], 0.5, atol=1e-3)


def test_a_pyramid_blurs_and_keeps_the_mean():
    picture = np.random.default_rng(0).random((128, 256, 2)).astype(np.float32)
    levels = pyramid(picture)
    assert levels.shape == (LEVELS, 128, 256, 2)
    np.testing.assert_array_equal(levels[0], picture)
    np.testing.assert_allclose(levels.mean(axis=(1, 2)), np.tile(picture.mean(axis=(0, 1)), (LEVELS, 1)), atol=0.02)
    assert (np.diff(levels.std(axis=(1, 2)), axis=0) < 0).all()


def test_sampling_is_linear_between_texels_and_levels():
    rng = np.random.default_rng(1)
    levels, rows, columns = 3, 6, 9
    picture = rng.random((levels, rows, columns, 2)).astype(np.float32)
    s, t = rng.uniform(-0.55, 0.55, (2, 5, 5)).astype(np.float32)

    def between(values, at):
        """Along the first axis; beyond the ends, the end."""
        at = np.clip(at, 0, len(values) - 1)
        low = min(int(at), len(values) - 2)
        return values[low] + (at - low) * (values[low + 1] - values[low])

    for footprint in (0.01, 0.25, 0.5, 3.0):
        level = np.clip(np.log2(max(footprint * rows, 1)), 0, levels - 1)
        one = between(picture, level)
        expected = [
            between(between(one, (a + 0.5) * rows - 0.5), (b + 0.5) * columns - 0.5)
            for a, b in zip(s.ravel(), t.ravel(), strict=True)
        ]
        planes = sample(jnp.asarray(picture), jnp.asarray(s), jnp.asarray(t), jnp.float32(footprint))
        np.testing.assert_allclose(np.stack(planes, axis=-1).reshape(-1, 2), expected, atol=1e-5)
