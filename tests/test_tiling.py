"""Grids, beyond `test_drawing`: tiles pixel by pixel, and for every brush which strokes reach them."""

import jax
import numpy as np
import pytest
from strokes import SMOOTH, draw

from jaxpaint.brushes import BRUSHES, nowhere
from jaxpaint.brushes.base import HAIR
from jaxpaint.raster.tiling import Grid, bin_strokes

SHAPES = [(1, 1), (1, 9), (7, 3), (8, 8), (9, 8), (17, 30)]


def random_strokes(name, count, seed=0):
    """From hairs to half the picture, some of them beyond its border."""
    brush, rng = BRUSHES[name], np.random.default_rng(seed)
    strokes = rng.uniform(0, 1, (count, brush.dim))
    strokes[:, brush.index("size")] *= rng.uniform(0, 0.6, (count, 1))
    strokes[:, brush.mask("x", "y")] = strokes[:, brush.mask("x", "y")] * 1.2 - 0.1
    strokes[:, brush.index("alpha")] = 1.0
    return strokes.astype(np.float32)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("tile", [4, 8])
def test_tiles_hold_the_picture_and_repeat_its_edge(shape, tile):
    height, width = shape
    grid = Grid(height, width, tile)
    picture = np.random.default_rng(0).random((height, width, 2)).astype(np.float32)
    planes, inside = grid.split(picture), grid.inside()
    assert len(planes) == 2
    for window, row, column in np.ndindex(grid.rows * grid.columns, tile, tile):
        y, x = window // grid.columns * tile + row, window % grid.columns * tile + column
        assert inside[window, row, column] == (y < height and x < width)
        for channel in range(2):
            nearest = picture[min(y, height - 1), min(x, width - 1), channel]
            assert planes[channel][window, row, column] == nearest
    np.testing.assert_array_equal(grid.join(planes), picture)


@pytest.mark.parametrize("shape", SHAPES)
def test_tiles_are_as_few_as_cover_the_picture_and_square_in_the_frame(shape):
    grid = Grid(*shape, 8)
    assert (grid.rows - 1) * 8 < shape[0] <= grid.rows * 8
    assert (grid.columns - 1) * 8 < shape[1] <= grid.columns * 8
    expected = [(x * 8 / max(shape), y * 8 / max(shape)) for y in range(grid.rows) for x in range(grid.columns)]
    np.testing.assert_allclose(grid.origins, expected, atol=1e-6)
    assert grid.side == 8 / max(shape)


def naive_distance(name, stroke, point):
    """From a point to a silhouette, from SPEC's words; below 0 inside."""
    if name in ("oilpaintbrush", "rectangle"):
        clockwise, hair, half = (1, HAIR / 2, 0.5) if name == "oilpaintbrush" else (-1, HAIR, 0.25)
        way = (point[0] - stroke[0] + 1j * (point[1] - stroke[1])) * np.exp(-1j * clockwise * np.pi * stroke[4])
        x, y = abs(way.real) - (hair + half * stroke[2]), abs(way.imag) - (hair + half * stroke[3])
        return np.hypot(max(x, 0), max(y, 0)) + min(max(x, y), 0)
    t = np.linspace(0, 1, 500)[:, None]
    p0, p2 = stroke[0:2], stroke[4:6]
    p1 = p0 + (p2 - p0) * stroke[2:4]
    curve = (1 - t) ** 2 * p0 + 2 * t * (1 - t) * p1 + t**2 * p2
    to_curve = np.hypot(*(curve - point).T)
    if name in ("watercolor", "filbert", "pastel"):
        return (to_curve - (HAIR + (stroke[6] + (stroke[7] - stroke[6]) * t[:, 0]) / 4)).min()
    # A bound: the corners of a nib.
    return to_curve.min() - np.sqrt(2) * (HAIR + stroke[6] / 4)


@pytest.mark.parametrize("name", BRUSHES)
def test_distances_are_those_of_the_definition(name):
    brush, strokes = BRUSHES[name], random_strokes(name, 40, seed=1)
    points = np.random.default_rng(2).uniform(-0.2, 1.2, (40, 2)).astype(np.float32)
    distances = jax.jit(jax.vmap(brush.distance))(strokes, points)
    expected = [naive_distance(name, s, p) for s, p in zip(strokes.astype(float), points.astype(float), strict=True)]
    np.testing.assert_allclose(distances, expected, atol=2e-4)


@pytest.mark.parametrize("name", BRUSHES)
@pytest.mark.parametrize("softness", [0.0, 2.0])
def test_reach_lists_what_touches_each_tile_and_hardly_more(name, softness):
    brush, grid = BRUSHES[name], Grid(40, 64, 8)
    strokes = random_strokes(name, 60, seed=3)
    margin = 1.0 + softness
    ids, counts = bin_strokes(brush, strokes, grid, margin=margin)
    alphas = draw(name, strokes, size=64, look=SMOOTH, softness=softness).alpha[0]
    assert counts.max() == ids.shape[1]
    for window, (listed, count) in enumerate(zip(ids, counts, strict=True)):
        y, x = (8 * i for i in divmod(window, grid.columns))
        touching = np.flatnonzero(alphas[:, y : y + 8, x : x + 8].max(axis=(1, 2)) > 0)
        listed, rest = listed[:count].tolist(), listed[count:]
        assert set(touching) <= set(listed)
        assert listed == sorted(set(listed)) and (rest == 60).all()
        # What is listed lies within the margin of the circle about the tile.
        centre = (np.array([x, y]) + 4) / 64
        distances = np.array([naive_distance(name, stroke, centre) for stroke in strokes.astype(float)])
        limit = (np.sqrt(32) + margin) / 64
        assert set(np.flatnonzero(distances <= limit - 3e-4)) <= set(listed)
        assert set(listed) <= set(np.flatnonzero(distances <= limit + 3e-4))


def test_reach_does_not_depend_on_how_many_tiles_are_looked_at_together():
    brush, grid = BRUSHES["rectangle"], Grid(40, 56, 8)
    strokes = random_strokes("rectangle", 30, seed=4)
    whole = bin_strokes(brush, strokes, grid, margin=1.0)
    parts = bin_strokes(brush, strokes, grid, margin=1.0, pairs=4 * 30)
    for one, other in zip(whole, parts, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("name", BRUSHES)
def test_strokes_that_are_nowhere_reach_nothing(name):
    ids, counts = bin_strokes(BRUSHES[name], nowhere(BRUSHES[name], 5), Grid(16, 24, 8), margin=16.0)
    assert (counts == 0).all() and (ids == 5).all() and ids.shape == (6, 1)
