"""The painter of one picture: bounds, weights of pixels, the underpainting, keys, weights of networks, drawing."""

import dataclasses

import jax
import numpy as np
import pytest
from small import KEY, NEURAL, SMALL, disc_and_bar

import jaxpaint
from jaxpaint import attention, painter
from jaxpaint.brushes import BRUSHES
from jaxpaint.errors import WeightsError
from jaxpaint.io import weights
from jaxpaint.raster import forward
from jaxpaint.settings import Settings

SHAPE = (32, 48)
LUMA = np.float32([0.2126, 0.7152, 0.0722])
COVERED = Settings(brush="filbert", strokes=100, underpainting=0.2, min_size=0.05, max_size=0.1)


@pytest.fixture(scope="module")
def picture():
    return disc_and_bar()


def widths(brush, sizes):
    """Full widths of strokes, in long sides of the picture."""
    return (sizes + brush.hair) / brush.size_per_width


@pytest.mark.parametrize("name", BRUSHES)
def test_strokes_stay_in_the_picture_and_within_the_sizes_of_the_settings(name):
    brush = BRUSHES[name]
    settings = dataclasses.replace(SMALL, brush=name, min_size=0.05, max_size=0.1)
    low, high = painter.bounds(settings, SHAPE)
    x, y, sizes = (brush.mask(kind) for kind in ("x", "y", "size"))
    assert (low[x | y] == 0).all() and (high[x] == 1).all()
    np.testing.assert_allclose(high[y], 2 / 3, rtol=1e-6)
    np.testing.assert_allclose(widths(brush, low[sizes]), 0.05, rtol=1e-5)
    np.testing.assert_allclose(widths(brush, high[sizes]), 0.1, rtol=1e-5)
    others = ~(x | y | sizes)
    assert (low[others] == 0).all() and (high[others] == 1).all()
    np.testing.assert_allclose(painter.bounds(settings, SHAPE[::-1])[1][x], 2 / 3, rtol=1e-6)


@pytest.mark.parametrize(
    ("changes", "kind", "low", "high"),
    [
        ({"upright": True}, "angle", 0.0, 0.0),
        ({"opaque": True}, "alpha", 1.0, 1.0),
        ({"solid": True}, "alpha", 1.0, 1.0),
        ({"mode": "blocks"}, "angle", 0.1, 0.9),
        ({"ink": "0.2,0.2,0.2"}, "color", 0.2, 0.2),
    ],
)
def test_settings_that_narrow_the_bounds_of_a_kind_of_parameter(changes, kind, low, high):
    found = painter.bounds(dataclasses.replace(SMALL, **changes), SHAPE)
    usual = painter.bounds(SMALL, SHAPE)
    narrowed = BRUSHES[SMALL.brush].mask(kind)
    for bound, before, expected in zip(found, usual, (low, high), strict=True):
        np.testing.assert_allclose(bound[narrowed], expected, rtol=1e-6)
        np.testing.assert_array_equal(bound[~narrowed], before[~narrowed])


def test_an_ink_is_the_colour_of_both_ends_of_a_stroke():
    low, high = painter.bounds(Settings(brush="oilpaintbrush", ink="0.1,0.2,0.3"), SHAPE)
    np.testing.assert_array_equal(low[5:11], np.float32([0.1, 0.2, 0.3] * 2))
    np.testing.assert_array_equal(high[5:11], low[5:11])


def test_strokes_of_the_underpainting_have_any_size():
    brush = BRUSHES["filbert"]
    sizes = brush.mask("size")
    low, high = painter.bounds(COVERED, SHAPE, 100)
    assert low.shape == high.shape == (100, brush.dim)
    assert widths(brush, low[:20, sizes]).max() < 0.02 and widths(brush, high[:20, sizes]).min() > 0.4
    for every, one in zip((low, high), painter.bounds(COVERED, SHAPE), strict=True):
        np.testing.assert_array_equal(every[20:], np.tile(one, (80, 1)))
        np.testing.assert_array_equal(every[:20, ~sizes], np.tile(one[~sizes], (20, 1)))


@pytest.mark.parametrize(
    ("changes", "under", "kept"),
    [
        ({}, 20, 20),
        ({"spread": 0.1}, 20, 30),
        ({"underpainting": 0.8, "spread": 0.5}, 80, 100),
        ({"underpainting": 0.0, "spread": 0.25}, 0, 25),
        # Fewer than eight would be as large as the picture.
        ({"underpainting": 0.07}, 0, 0),
        ({"underpainting": 0.08}, 8, 8),
        # A brush without bristles covers by its opaque strokes; glazes do not cover.
        ({"brush": "rectangle"}, 0, 0),
        ({"layering": "glaze"}, 0, 0),
    ],
)
def test_how_many_strokes_are_the_underpainting_and_how_many_are_kept_whatever_they_gain(changes, under, kept):
    settings = dataclasses.replace(COVERED, **changes)
    assert (painter.underpainting(settings), painter.lowest_kept(settings)) == (under, kept)


@pytest.mark.parametrize("changes", [{"detail": "alike"}, {"mode": "blocks"}])
def test_all_pixels_count_alike(picture, changes):
    assert painter.importance(dataclasses.replace(SMALL, **changes), picture) is None


def test_importance_has_the_size_of_the_fit_and_a_mean_of_1(picture):
    found = painter.importance(SMALL, picture)
    assert found.shape == SHAPE and found.min() > 0
    assert found.mean() == pytest.approx(1.0, abs=1e-4) and found.std() > 0.05


def test_water_thins_the_paint(picture):
    """At 0.5, two films are as dense as the picture."""
    settings = dataclasses.replace(SMALL, simplify=0.0)
    thin = painter.prepared(dataclasses.replace(settings, water=0.5), picture)
    np.testing.assert_allclose(thin * thin, picture, atol=1e-6)
    assert painter.prepared(settings, picture) is picture


def test_an_ink_gives_the_shades_between_it_and_the_canvas(picture):
    settings = dataclasses.replace(SMALL, simplify=0.0, ink="0.1,0.2,0.3", canvas_color="0.9,0.8,0.7")
    shades = painter.prepared(settings, picture)
    np.testing.assert_allclose(shades[0, 0], [0.9, 0.8, 0.7] - np.array([0.8, 0.6, 0.4]) * (1 - picture[0, 0] @ LUMA))
    # In water, the shades are thinned, too.
    thin = painter.prepared(dataclasses.replace(settings, water=0.5), picture)
    np.testing.assert_allclose(thin * thin, shades, atol=1e-6)


def test_the_fewer_strokes_the_larger_the_details_that_are_left_out(monkeypatch):
    """Two specks of one contrast on grey, of 2 and 8 pixels of 96."""
    monkeypatch.setattr(attention, "importance", lambda image: np.ones(image.shape[:2], np.float32))
    picture = np.full((96, 96, 3), 0.5, np.float32)
    picture[20:22, 20:22] = picture[60:68, 60:68] = 0.55
    left = [
        [np.abs(painter.prepared(Settings(strokes=strokes, size=96), picture) - 0.5)[at, at].max() for at in (20, 63)]
        for strokes in (100, 1000)
    ]
    (small, large), (small_of_many, large_of_many) = left
    assert small < 0.01 and large < 0.02
    assert small_of_many < 0.02 and large_of_many > 0.045
    # Pixels that count alike keep all details.
    same = painter.prepared(Settings(strokes=100, size=96, detail="alike"), picture)
    np.testing.assert_array_equal(same, picture)


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("key", [np.int64(7), np.array(7), jax.numpy.uint32(7), KEY, jax.random.PRNGKey(7)])
def test_keys_are_given_in_several_ways(key):
    data = jax.random.key_data(painter.as_key(key))
    np.testing.assert_array_equal(data, jax.random.key_data(jax.random.key(7)))


def test_a_new_style_key_stays_the_same_object():
    assert painter.as_key(KEY) is KEY


def test_each_stage_has_random_numbers_of_its_own():
    first, again, stage, key = (
        painter.generator(key, stream).random(4).tolist()
        for key, stream in ((KEY, 0), (KEY, 0), (KEY, 1), (jax.random.key(8), 0))
    )
    assert first == again and len({tuple(numbers) for numbers in (first, stage, key)}) == 3


def random_strokes(count):
    strokes = np.random.default_rng(0).uniform(0.1, 0.6, (count, 9)).astype(np.float32)
    strokes[:, 8] = 1.0
    return strokes


def test_fewer_strokes_than_the_settings_are_the_same_picture_by_the_same_program():
    few, many = (painter.Painter.of(dataclasses.replace(SMALL, strokes=n), SHAPE) for n in (20, 100))
    strokes = random_strokes(100)
    # Below the picture, so that the tile's list of strokes is as long for a few as for all.
    strokes[50:, 1] = 0.95
    strokes[50:, 2:4] = 0.1
    many.draw(strokes, SHAPE)
    programs = forward._draw_tiles._cache_size()
    drawn = many.draw(strokes[:20], SHAPE)
    assert forward._draw_tiles._cache_size() == programs
    assert np.abs(drawn - 1.0).max() > 0.3
    np.testing.assert_allclose(drawn, few.draw(strokes[:20], SHAPE), atol=1e-6)


def test_no_strokes_are_the_bare_canvas():
    bare = painter.Painter.of(dataclasses.replace(SMALL, canvas_color="0.9,0.8,0.7"), SHAPE)
    drawn = bare.draw(random_strokes(0), SHAPE)
    np.testing.assert_array_equal(drawn, np.broadcast_to(np.float32([0.9, 0.8, 0.7]), (*SHAPE, 3)))


def test_a_stroke_that_crosses_the_border_of_its_block_does_not_reach_the_neighbour():
    blocks = painter.Painter.of(dataclasses.replace(SMALL, mode="blocks", strokes=2), (32, 64))
    # In the left block, but half as wide as it, and a small one in the right block.
    strokes = np.float32([[0.45, 0.25, 0.4, 0.4, 0, 0.1, 0.2, 0.3, 1], [0.75, 0.25, 0.1, 0.1, 0, 0.8, 0.2, 0.1, 1]])
    together, apart = blocks.draw(strokes, (32, 64)), blocks.draw_apart(strokes, (32, 64), 32)
    assert (together[16, 32:35] < 0.5).all()
    np.testing.assert_allclose(apart[:, :32], together[:, :32], atol=1e-5)
    alone = blocks.draw(strokes[1:], (32, 64))
    np.testing.assert_allclose(apart[:, 32:], alone[:, 32:], atol=1e-5)
    assert (alone[:, 32:] < 0.9).any()


def test_the_engine_needs_no_network():
    assert painter.network_of(SMALL) is None


def test_weights_of_another_brush_are_refused(picture):
    settings = dataclasses.replace(
        SMALL, renderer="light", weights=str(weights.SHIPPED / "light-oilpaintbrush.safetensors")
    )
    with pytest.raises(WeightsError, match="weights of light for oilpaintbrush, not of light for rectangle"):
        jaxpaint.paint(picture, key=KEY, settings=settings)


def test_weights_of_the_built_in_bristles_say_so_beside_a_picture_of_a_brush(picture):
    image = np.ones((1, 8, 32, 3), np.float32)
    # All warnings are errors here, so that it comes before anything is compiled.
    with pytest.raises(UserWarning, match="imitate the built-in bristles, not your brush"):
        next(iter(jaxpaint.paint_stages(picture, key=KEY, settings=NEURAL, brush_image=image)))
