"""Mode `blocks`, the schedule of Stylized Neural Painting: plan, placing, descent, and that blocks are apart."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxpaint
from jaxpaint import metrics, optimize, painting, pictures
from jaxpaint.brushes import BRUSHES, from_window
from jaxpaint.optimize import initialize, loop
from jaxpaint.raster import windowed
from jaxpaint.renderers import Engine
from jaxpaint.settings import Settings

KEY = jax.random.key(3)
SNP = Settings(
    brush="oilpaintbrush", mode="blocks", strokes=500, steps=500, learning_rate=0.002, l1=1.0, l2=0.0, softness=0.0
)
SMALL = dataclasses.replace(SNP, grid=3, strokes=14, steps=9, size=48)


@pytest.fixture(scope="module")
def picture():
    rng = np.random.default_rng(5)
    return pictures.resize(rng.uniform(size=(6, 9, 3)).astype(np.float32), (60, 90))


def within(strokes, grid):
    """The oil brush's strokes in the coordinates of their blocks, and their blocks (column, row)."""
    blocks = np.floor(strokes[:, :2] * grid)
    hair = BRUSHES["oilpaintbrush"].hair
    return np.concatenate([strokes[:, :2] * grid - blocks, (strokes[:, 2:4] + hair) * grid - hair], axis=1), blocks


def test_the_plan_is_that_of_the_paper():
    """25 blocks, a stage for each of their 20 strokes, 25 steps on all that are placed: 131,250 strokes drawn."""
    stages = painting.plan(SNP, (512, 512), window=32)
    assert len(stages) == 20
    assert {(s.add, s.candidates, s.size, s.steps, s.block, s.rates) for s in stages} == {
        (25, 0, 160, 25, 32, (0.002, 0.002))
    }
    assert sum(stage.steps * stage.add * (i + 1) for i, stage in enumerate(stages)) == 131_250


@pytest.mark.parametrize(
    ("shape", "window", "blocks"), [((341, 512), 32, 20), ((512, 100), None, 5), ((7, 512), 32, 5)]
)
def test_blocks_are_square_and_lie_in_the_picture(shape, window, blocks):
    stages = painting.plan(dataclasses.replace(SNP, strokes=501, steps=77), shape, window=window)
    assert stages[0].add == blocks and stages[0].block == (window or 102)
    assert stages[0].size == 5 * stages[0].block
    assert sum(stage.add for stage in stages) == 501 and sum(stage.steps for stage in stages) == 77


@pytest.mark.parametrize("brush", BRUSHES)
def test_strokes_are_placed_one_a_block_where_it_is_wrong_in_the_colour_there(brush):
    target = np.zeros((40, 60, 3), np.float32)
    target[7::20, 13::20] = (0.9, 0.5, 0.2)
    kind = BRUSHES[brush]
    arguments = kind, target, np.zeros_like(target), 6
    strokes = initialize.place_in_blocks(*arguments, rng=np.random.default_rng(0), block=20)
    at = kind.middle(strokes) * 60
    assert len({tuple(block) for block in at // 20}) == 6
    # Blurred over 2 pixels, the error is there and one pixel around.
    assert np.abs(at % 20 - (13.5, 7.5)).max() < 1.001
    sizes = (strokes[:, kind.index("size")] + kind.hair) * 3 - kind.hair
    assert sizes.min() >= 0.1 - 1e-6 and sizes.max() <= 0.25 + 1e-6
    column, row = at.astype(int).T
    colors = strokes[:, kind.index("color")].reshape(6, -1, 3)
    np.testing.assert_array_equal(colors, np.broadcast_to(target[row, column, None], colors.shape))
    turned = len(kind.index("color")) > 3
    if kind.grained:
        assert len(set(strokes[:, -1].tolist())) == 6
    else:
        assert (0.98 if turned else 0.8) <= strokes[:, -1].min() and strokes[:, -1].max() <= (1.0 if turned else 0.98)
    assert strokes[:, kind.index("angle")].any() == (turned and brush == "oilpaintbrush")


def test_a_box_blur_is_a_mean_over_the_box():
    values = np.random.default_rng(0).uniform(size=(5, 7))
    for size in (1, 2, 3, 4):
        before = (size - 1) // 2
        rows, columns = (np.clip(np.arange(-before, n + size - 1 - before), 0, n - 1) for n in values.shape)
        padded = values[np.ix_(rows, columns)]
        naive = [[padded[r : r + size, c : c + size].mean() for c in range(7)] for r in range(5)]
        np.testing.assert_allclose(initialize._box_blurred(values, size), naive, rtol=1e-12)


def test_the_descent_is_rmsprop_in_each_block_alone():
    """Naively: each block's strokes blended in a picture of their own, RMSprop in the block's units, clipped there."""
    brush, rng = BRUSHES["oilpaintbrush"], np.random.default_rng(1)
    target = pictures.resize(rng.uniform(size=(4, 8, 3)).astype(np.float32), (16, 32))
    own = np.clip(rng.uniform(size=(6, 12)), 0.1, 0.9).astype(np.float32)
    own[:, 2:4] = rng.uniform(0.3, 0.6, (6, 2))
    # Strokes 0, 2, 4 in the left block, 1, 3, 5 in the right one.
    origins = np.tile(np.float32([[0.0, 0.0], [0.5, 0.0]]), (3, 1))
    strokes = np.asarray(from_window(brush, own, origins, 0.5))
    low, high = np.zeros(12, np.float32), np.ones(12, np.float32)
    low[4], high[4] = 0.1, 0.9
    problem = optimize.Problem(target, np.full_like(target, 0.3), {"l1": 1.0}, optimize.Bounds(low, high), block=16)
    moved, _, fit = optimize.descend(
        Engine(brush, flat=True), strokes, optimize.initial(optimize.RMSPROP, strokes), problem,
        rates=np.full(3, 0.01, np.float32), optimizer=optimize.RMSPROP,
    )  # fmt: skip

    render = Engine(brush, flat=True).renderer(16, softness=0.0)

    def loss(own):
        error = 0.0
        foreground, (alpha,), *_ = jax.vmap(render)(own)
        for block in range(2):
            canvas = jnp.full((3, 16, 16), 0.3)
            for stroke in range(block, 6, 2):
                color = jnp.stack([plane[stroke] for plane in foreground])
                canvas = canvas + alpha[stroke][None] * (color - canvas)
            error += jnp.abs(canvas.transpose(1, 2, 0) - target[:, 16 * block : 16 * block + 16]).sum()
        return error / target.size

    value_and_gradient = jax.jit(jax.value_and_grad(loss))
    square = np.zeros_like(own)
    for _ in range(3):
        value, gradient = value_and_gradient(own)
        square = 0.99 * square + 0.01 * np.asarray(gradient) ** 2
        own = own - 0.01 * np.asarray(gradient) / (np.sqrt(square) + 1e-8)
        own[:, :5] = np.clip(own[:, :5], 0.1, 0.9)
        own = np.clip(own, 0, 1)
    expected = np.asarray(from_window(brush, own, origins, 0.5))
    assert fit.loss == pytest.approx(float(value), rel=1e-4)
    assert np.abs(expected - strokes).max() > 0.05
    # The first step is as long for the least gradient as for the greatest: a few follow rounding.
    assert (np.abs(moved - expected) < 1e-3).mean() > 0.97


def test_blocks_know_nothing_of_each_other(picture):
    """Another picture in one block leaves the strokes of all others as they were."""
    other = picture.copy()
    other[:30, :30] = 1 - other[:30, :30]
    one, two = (jaxpaint.paint(image, key=KEY, settings=SMALL).strokes for image in (picture, other))
    inside, blocks = within(one, 3)
    assert (inside >= 0.1 - 1e-4).all() and (inside <= 0.9 + 1e-4).all()
    assert one[:, 4].min() >= 0.1 and one[:, 4].max() <= 0.9
    first = (blocks == 0).all(axis=1)
    # Two rows of three blocks; the last two strokes are two blocks' third.
    counts = np.unique(blocks, axis=0, return_counts=True)[1]
    assert sorted(counts) == [2, 2, 2, 2, 3, 3]
    np.testing.assert_allclose(one[~first], two[~first], atol=1e-5)
    assert np.abs(one[first] - two[first]).max() > 0.01


def test_many_strokes_are_drawn_in_layers_that_take_little_memory(monkeypatch):
    """The same strokes, whether all pictures are kept or those of sixteen; twice the memory for four times as many."""
    brush, rng = BRUSHES["rectangle"], np.random.default_rng(1)
    target = rng.uniform(size=(64, 64, 3)).astype(np.float32)
    bounds = optimize.Bounds(np.zeros(brush.dim, np.float32), np.ones(brush.dim, np.float32))
    problem = optimize.Problem(target, np.ones_like(target), {"l2": 1.0}, bounds, softness=1.0, block=32)
    every = rng.uniform(0.2, 0.8, (240, brush.dim)).astype(np.float32)
    program, held = loop._descend, []

    def measured(*arguments):
        held.append(program.lower(*arguments).compile().memory_analysis().temp_size_in_bytes)
        return program(*arguments)

    def fit(strokes):
        state, rates = optimize.initial(optimize.RMSPROP, strokes), np.full(3, 0.01, np.float32)
        how = {"rates": rates, "optimizer": optimize.RMSPROP}
        return optimize.descend(Engine(brush, flat=True), strokes, state, problem, **how)[0]

    monkeypatch.setattr(loop, "_descend", measured)
    whole = fit(every[:60])
    monkeypatch.setattr(windowed, "_PIXELS_KEPT", 16 * 32**2)
    np.testing.assert_allclose(fit(every[:60]), whole, atol=1e-6)
    fit(every)
    assert np.abs(whole - every[:60]).max() > 0.01
    assert held[1] < 0.7 * held[0] and held[2] < 2.2 * held[1]


def test_resuming_goes_on_with_the_same_descent(picture):
    parts = [part for part, _ in jaxpaint.paint_stages(picture, key=KEY, settings=SMALL)]
    resumed = jaxpaint.paint(picture, key=KEY, settings=SMALL, resume=parts[1])
    np.testing.assert_array_equal(resumed.strokes, parts[-1].strokes)
    assert parts[1].state["nu"].any()


def test_painting_in_blocks_with_a_network(picture):
    settings = dataclasses.replace(SMALL, renderer="light", grid=2, strokes=12, steps=30, learning_rate=0.01)
    *_, (done, progress) = jaxpaint.paint_stages(picture, key=KEY, settings=settings)
    assert len(done.strokes) == 12
    target = pictures.resize(picture, (43, 64))
    assert progress.psnr == pytest.approx(
        float(metrics.psnr(jaxpaint.draw(done, size=64, wet=0.0, relief=0.0), target)), abs=1e-3
    )
    assert progress.psnr > metrics.psnr(np.ones_like(target), target) + 4
