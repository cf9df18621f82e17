"""Which strokes are worth their place."""

import dataclasses
import functools

import numpy as np
import pytest
from small import SMALL, disc_and_bar

from jaxpaint import optimize, pictures
from jaxpaint.brushes import BRUSHES
from jaxpaint.optimize import initialize
from jaxpaint.raster import forward
from jaxpaint.renderers import Engine


@pytest.fixture(scope="module")
def picture():
    return disc_and_bar()


@pytest.mark.parametrize("name", ["rectangle", "oilpaintbrush", "watercolor"])
def test_worth_is_the_error_that_a_stroke_saves(picture, name):
    """Against drawing the painting without each stroke; some cover what is below only partly."""
    brush, target = BRUSHES[name], pictures.resize(picture, (32, 48))
    settings = dataclasses.replace(SMALL, brush=name, layering="auto")
    layout, rng = initialize.Layout(0.2, layering=settings.layering), np.random.default_rng(0)
    strokes = np.clip(initialize.place(brush, target, np.ones_like(target), 37, layout, rng=rng), 0, 1)
    strokes[::2, brush.index("alpha")] = 0.3
    strokes[3] = strokes[4]  # Hidden by the next one.
    strokes[4, brush.index("alpha")] = 1.0
    model = Engine.of(settings, flat=True)
    bounds = optimize.Bounds(np.zeros(brush.dim, np.float32), np.ones(brush.dim, np.float32))
    problem = optimize.Problem(target, np.ones_like(target), {"l2": 1.0}, bounds)

    def error(kept):
        drawn = forward.draw_strokes(model, kept, (32, 48), canvas=(1.0, 1.0, 1.0))
        return ((drawn - target) ** 2).sum()

    worth = optimize.leave_one_out_gains(model, strokes, problem)
    saved = [error(np.delete(strokes, i, axis=0)) - error(strokes) for i in range(len(strokes))]
    np.testing.assert_allclose(worth, saved, rtol=0.02, atol=0.01 * np.abs(saved).max())


def test_idle_strokes_are_left_out_but_one_of_two_alike_is_needed():
    """Boxes on white: two black ones, one over the other, where the picture is black, and a white one elsewhere."""
    brush = BRUSHES["rectangle"]
    target = np.ones((32, 32, 3), np.float32)
    target[4:16, 4:16] = 0.0
    box = np.float32([0.3125, 0.3125, 0.375, 0.375, 0.0, 0.0, 0.0, 0.0, 1.0])
    white = np.float32([0.75, 0.75, 0.2, 0.2, 0.0, 1.0, 1.0, 1.0, 1.0])
    strokes = np.stack([white, box, box])
    bounds = optimize.Bounds(np.zeros(brush.dim, np.float32), np.ones(brush.dim, np.float32))
    problem = optimize.Problem(target, np.ones_like(target), {"l2": 1.0}, bounds)
    needed = functools.partial(optimize.prune, Engine(brush, flat=True), strokes, problem, economy=0.3)
    np.testing.assert_array_equal(needed(), [box])
    np.testing.assert_array_equal(needed(lowest=1), [white, box])
