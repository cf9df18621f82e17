"""The engine as a whole: the same picture at every size and in every window, its texture, its frozen look."""

import json
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from strokes import FLAT, SMOOTH, TEXTURED, draw

from jaxpaint.brushes import BRUSHES, Look, from_window, to_window
from jaxpaint.brushes.textures import brush_picture, pyramid
from jaxpaint.renderers import engine, fingerprint

SIZE = 64
GRAINED = [name for name, brush in BRUSHES.items() if brush.grained]
FINGERPRINT = pathlib.Path(__file__).parent / "data" / "engine_fingerprint.json"


def drawn(name, strokes, size=SIZE, look=SMOOTH):
    """Foreground `[n, S, S, 3]` and alpha `[n, S, S]`."""
    stroke = draw(name, np.atleast_2d(strokes), size=size, look=look)
    return np.stack(stroke.foreground, axis=-1), stroke.alpha[0]


def random_strokes(name, count, seed=0):
    """Strokes well inside the picture, of middling size."""
    brush = BRUSHES[name]
    strokes = np.random.default_rng(seed).uniform(0.2, 0.8, (count, brush.dim)).astype(np.float32)
    sizes = brush.index("size")
    strokes[:, sizes] = np.random.default_rng(seed + 1).uniform(0.15, 0.5, (count, len(sizes)))
    return strokes


def points(samples=SIZE * 4):
    centre = (np.arange(samples) + 0.5) / samples
    return np.meshgrid(centre, centre)


def turned(dx, dy, angle):
    """Coordinates along axes that are turned clockwise on the screen (y points down)."""
    return np.cos(angle) * dx + np.sin(angle) * dy, -np.sin(angle) * dx + np.cos(angle) * dy


@pytest.mark.parametrize("name", BRUSHES)
@pytest.mark.parametrize("look", [TEXTURED, SMOOTH], ids=["textured", "smooth"])
def test_foreground_is_zero_outside_and_all_is_in_range(name, look):
    foreground, alpha = drawn(name, random_strokes(name, 16), look=look)
    assert (foreground[alpha == 0] == 0).all() and (alpha == 0).any()
    assert foreground.min() >= -1e-6 and foreground.max() <= 1 + 1e-6
    assert alpha.min() >= 0 and alpha.max() <= 1 + 1e-6


@pytest.mark.parametrize("name", BRUSHES)
def test_large_and_averaged_is_small(name):
    """The same stroke at twice the size, its premultiplied picture averaged over 2 × 2 pixels."""
    strokes = random_strokes(name, 8)

    def premultiplied(size):
        foreground, alpha = drawn(name, strokes, size=size, look=TEXTURED)
        return np.concatenate([foreground * alpha[..., None], alpha[..., None]], axis=-1)

    small, large = premultiplied(SIZE), premultiplied(2 * SIZE)
    large = large.reshape(8, SIZE, 2, SIZE, 2, 4).mean(axis=(2, 4))
    assert np.abs(large - small).mean() < 0.004
    assert np.abs(large.mean(axis=(1, 2)) - small.mean(axis=(1, 2))).max() < 0.004


@pytest.mark.parametrize("name", BRUSHES)
def test_a_stroke_moved_to_another_window_draws_the_same(name):
    """The window's picture is the crop of the whole."""
    brush = BRUSHES[name]
    strokes = random_strokes(name, 5)
    origin = jnp.broadcast_to(jnp.array([0.25, 0.5]), (5, 2))
    moved = to_window(brush, jnp.asarray(strokes), origin, 0.5)
    foreground, alpha = drawn(name, strokes)
    window_foreground, window_alpha = drawn(name, moved, size=SIZE // 2)
    crop = (slice(None), slice(SIZE // 2, SIZE), slice(SIZE // 4, SIZE * 3 // 4))
    np.testing.assert_allclose(window_alpha, alpha[crop], atol=2e-4)
    np.testing.assert_allclose(
        window_foreground * window_alpha[..., None], (foreground * alpha[..., None])[crop], atol=2e-4
    )
    np.testing.assert_allclose(from_window(brush, moved, origin, 0.5), strokes, atol=1e-6)


@pytest.mark.parametrize("name", BRUSHES)
def test_distance_bounds_what_a_stroke_reaches(name):
    brush = BRUSHES[name]
    stroke = random_strokes(name, 1, seed=2)[0]
    stroke[brush.index("alpha")] = 1.0
    _, alpha = drawn(name, stroke)
    x, y = points(SIZE)
    at = np.stack([x.ravel(), y.ravel()], axis=1)
    distance = jax.jit(jax.vmap(brush.distance, in_axes=(None, 0)))(stroke, at)
    distance = np.asarray(distance).reshape(SIZE, SIZE) * SIZE
    assert (alpha[0][distance > 1] == 0).all()
    if name != "markerpen":  # Its bound is that of a disc around the square nib.
        assert (alpha[0][distance < -1.5] > 0.99).all()


@pytest.mark.parametrize("name", BRUSHES)
def test_laid_strokes_run_along_their_heading(name):
    brush = BRUSHES[name]
    heading = np.float32([0.0, 0.6, np.pi / 2, 2.5])
    ones = np.ones(4, np.float32)
    strokes = brush.lay(
        np.full((4, 2), 0.5, np.float32), heading, 0.6 * ones, 0.1 * ones, np.ones((4, 3), np.float32), ones
    )
    _, alpha = drawn(name, strokes)
    x, y = (p - 0.5 for p in points(SIZE))
    for a, angle in zip(alpha, heading, strict=True):
        along, across = turned(x, y, angle)
        length, width = (np.sqrt((a * d**2).sum() / a.sum() * 12) for d in (along, across))
        assert abs(length - 0.6) < 0.04 and abs(width - 0.1) < 0.03


def test_flipped_strokes_look_the_same_without_texture():
    for name in ("oilpaintbrush", "rectangle"):
        strokes = random_strokes(name, 4)
        strokes[:2, 4], strokes[2:, 4] = 0.0, 1.0
        flipped = BRUSHES[name].flip(strokes)
        assert (np.abs(flipped[:, 4] - strokes[:, 4]) == 1).all()
        for one, other in zip(drawn(name, strokes), drawn(name, flipped), strict=True):
            np.testing.assert_allclose(one, other, atol=2e-5)


@pytest.mark.parametrize("name", GRAINED)
def test_flat_strokes_have_the_average_of_textured_ones(name):
    """Of the same strokes with many grains."""
    strokes = np.repeat(random_strokes(name, 4), 16, axis=0)
    strokes[:, -1] = np.random.default_rng(0).uniform(size=64)
    (rich, rich_alpha), (flat, flat_alpha) = (drawn(name, strokes, size=128, look=look) for look in (TEXTURED, FLAT))
    areas = [alpha.reshape(4, -1).mean(axis=1) for alpha in (rich_alpha, flat_alpha)]
    np.testing.assert_allclose(*areas, rtol=0.08)
    means = [
        (color * alpha[..., None]).mean() / alpha.mean() for color, alpha in ((rich, rich_alpha), (flat, flat_alpha))
    ]
    np.testing.assert_allclose(*means, rtol=0.01)


def test_a_users_brush_is_what_is_drawn():
    """A picture whose upper half is dark: so is one half of the stroke, across it."""
    picture = np.zeros((40, 100, 3), np.float32)
    picture[5:20, 10:90], picture[20:35, 10:90] = 0.5, 1.0
    texture = brush_picture(picture)
    assert texture[:, :, 1].mean() > 0.9
    look = Look(picture=pyramid(texture[None]))
    stroke = np.float32([0.5, 0.5, 0.8, 0.4, 0.0] + [1.0] * 7)
    foreground, alpha, *_ = jax.jit(engine(BRUSHES["oilpaintbrush"], SIZE, look=look))(stroke)
    columns = slice(SIZE // 4, SIZE * 3 // 4)
    halves = [np.asarray(foreground[0])[rows, columns].mean() for rows in (slice(22, 30), slice(34, 42))]
    np.testing.assert_allclose(sorted(halves), [0.5, 1.0], atol=0.05)
    for dark in (0.0, 0.02):
        with pytest.raises(ValueError, match="nearly all black"):
            brush_picture(np.full((40, 100, 3), dark, np.float32))


@pytest.mark.parametrize("name", BRUSHES)
def test_the_look_of_the_engine_is_frozen(name):
    """Networks are trained on this look. To change it on purpose: `python -m tests.test_engine`."""
    expected = json.loads(FINGERPRINT.read_text())[name]
    np.testing.assert_allclose(fingerprint(BRUSHES[name]), expected, atol=2e-3)


if __name__ == "__main__":
    values = {name: np.round(fingerprint(brush).astype(float), 4).tolist() for name, brush in BRUSHES.items()}
    FINGERPRINT.write_text(json.dumps(values) + "\n")
