"""Painting as a whole: the budget, the seed, resuming, limits, and that it gets closer to the picture."""

import dataclasses
import functools

import jax
import numpy as np
import pytest
from jax.sharding import AxisType
from windowed import Windowed

import jaxpaint
from jaxpaint import attention, drawing, metrics, optimize, painter, painting, pictures, runtime
from jaxpaint.brushes import BRUSHES
from jaxpaint.errors import ResumeError, WeightsError
from jaxpaint.io import weights
from jaxpaint.optimize import densify, initialize, loop
from jaxpaint.raster import forward
from jaxpaint.raster.tiled import Tiled
from jaxpaint.renderers import Engine
from jaxpaint.settings import Settings

KEY = jax.random.key(7)
LUMA = np.float32([0.2126, 0.7152, 0.0722])
SMALL = Settings(brush="oilpaintbrush", strokes=37, steps=24, size=48)
NEURAL = dataclasses.replace(SMALL, renderer="light", size=64, detail="alike")
SMALL_RECTANGLES = dataclasses.replace(SMALL, brush="rectangle")


@pytest.fixture(scope="module")
def picture():
    """A disc and a bar on a gradient, 60 × 90."""
    y, x = np.mgrid[:60, :90] / 60
    image = np.stack([0.3 + 0.4 * x, 0.2 + 0.5 * y, 0.6 - 0.3 * x], axis=-1) * 0.7
    image[(x - 0.5) ** 2 + (y - 0.5) ** 2 < 0.08] = (0.9, 0.8, 0.1)
    image[(abs(x - 1.2) < 0.08) & (y > 0.2)] = (0.05, 0.1, 0.3)
    return np.clip(image, 0, 1).astype(np.float32)


@pytest.fixture(scope="module")
def painted(picture):
    return jaxpaint.paint(picture, key=KEY, settings=SMALL)


def test_uses_the_budget_exactly_and_keeps_proportions(painted):
    assert painted.strokes.shape == (37, 12)
    assert painted.state is None
    assert painted.canvas.shape == (32, 48, 3)
    assert jaxpaint.draw(painted, size=90).shape == (60, 90, 3)


def test_the_painting_resembles_the_picture(picture, painted):
    target = pictures.resize(picture, (32, 48))
    blank = np.ones_like(target)
    assert metrics.psnr(painted.canvas, target) > metrics.psnr(blank, target) + 9


@pytest.mark.parametrize("brush", BRUSHES)
def test_every_brush_stays_in_its_range_and_gains_by_fitting(picture, brush):
    settings = dataclasses.replace(SMALL, brush=brush)
    result = jaxpaint.paint(picture, key=KEY, settings=settings)
    untouched = jaxpaint.paint(picture, key=KEY, settings=dataclasses.replace(settings, steps=1, learning_rate=1e-6))
    target = pictures.resize(picture, (32, 48))
    assert result.strokes.min() >= 0 and result.strokes.max() <= 1
    assert metrics.psnr(result.canvas, target) > metrics.psnr(untouched.canvas, target) + 2


def test_the_same_key_gives_the_same_painting_and_another_another(picture, painted):
    again = jaxpaint.paint(picture, key=KEY, settings=SMALL)
    other = jaxpaint.paint(picture, key=jax.random.key(8), settings=SMALL)
    np.testing.assert_array_equal(again.strokes, painted.strokes)
    assert not np.array_equal(other.strokes, painted.strokes)


def test_resuming_equals_never_having_stopped(picture, painted, tmp_path):
    stages = list(jaxpaint.paint_stages(picture, key=KEY, settings=SMALL))
    assert [part.state is None for part, _ in stages] == [False] * (len(stages) - 1) + [True]
    for part, _ in (stages[0], stages[len(stages) // 2], stages[-2]):
        jaxpaint.save_painting(tmp_path / "part.npz", part)
        read = jaxpaint.load_painting(tmp_path / "part.npz")
        finished = jaxpaint.paint(picture, key=KEY, settings=SMALL, resume=read)
        np.testing.assert_array_equal(finished.strokes, painted.strokes)


@pytest.mark.parametrize("steps", [1, 2, 9])
def test_resuming_repeats_no_stage_where_steps_are_few(picture, steps):
    """Some stages have no steps, and place strokes all the same."""
    settings = dataclasses.replace(SMALL, steps=steps)
    *parts, (done, last) = jaxpaint.paint_stages(picture, key=KEY, settings=settings)
    assert any(not stage.steps for stage in painting.plan(settings, (32, 48)))
    for part, _ in parts:
        *_, (finished, progress) = jaxpaint.paint_stages(picture, key=KEY, settings=settings, resume=part)
        np.testing.assert_array_equal(finished.strokes, done.strokes)
        assert progress.stage == last.stage and progress.step == steps


def test_resuming_at_the_end_of_a_stage_tells_what_is_measured(picture):
    stages = list(jaxpaint.paint_stages(picture, key=KEY, settings=SMALL))
    ends = [at for at, (_, how_far) in enumerate(stages[:-1]) if stages[at + 1][1].stage > how_far.stage]
    assert len(ends) > 3
    for at in ends[:3]:
        _, progress = next(jaxpaint.paint_stages(picture, key=KEY, settings=SMALL, resume=stages[at][0]))
        assert progress == stages[at + 1][1]


@pytest.mark.parametrize("strokes", [1, 2])
def test_a_painting_of_a_stroke_or_two_is_kept_and_gone_on_with(picture, strokes, tmp_path):
    settings = dataclasses.replace(SMALL, strokes=strokes, steps=4)
    *parts, (done, _) = jaxpaint.paint_stages(picture, key=KEY, settings=settings)
    for part, _ in parts:
        jaxpaint.save_painting(tmp_path / "part.npz", part)
        read = jaxpaint.load_painting(tmp_path / "part.npz")
        finished = jaxpaint.paint(picture, key=KEY, settings=settings, resume=read)
        np.testing.assert_array_equal(finished.strokes, done.strokes)


def test_an_incomplete_state_is_refused(picture):
    part, _ = next(iter(jaxpaint.paint_stages(picture, key=KEY, settings=SMALL)))
    state = {name: value for name, value in part.state.items() if name != "mu"}
    with pytest.raises(ValueError, match="without mu"):
        jaxpaint.paint(picture, key=KEY, settings=SMALL, resume=dataclasses.replace(part, state=state))


@pytest.mark.parametrize("mode", ["progressive", "grid"])
@pytest.mark.parametrize(("strokes", "steps"), [(1, 1), (2, 7), (500, 300), (997, 100)])
@pytest.mark.parametrize("accents", [0.0, 0.2])
def test_a_plan_adds_up(mode, strokes, steps, accents):
    settings = Settings(mode=mode, strokes=strokes, steps=steps, max_divide=5, accents=accents)
    stages = painting.plan(settings, (512, 341))
    assert sum(stage.add for stage in stages) == strokes
    assert sum(stage.steps for stage in stages) == steps
    assert stages[-1].textured and stages[-1].size == settings.size


def test_progress_counts_up_to_the_settings_steps(picture):
    progress = [p for _, p in jaxpaint.paint_stages(picture, key=KEY, settings=SMALL)]
    assert [p.step for p in progress] == sorted(p.step for p in progress)
    assert progress[-1].step == progress[-1].steps == SMALL.steps
    assert progress[-1].strokes == SMALL.strokes


def test_size_limits_hold(picture):
    settings = dataclasses.replace(SMALL, min_size=0.05, max_size=0.1, underpainting=0.0)
    sizes = jaxpaint.paint(picture, key=KEY, settings=settings).strokes[:, 2:4] + 1 / 512
    assert sizes.min() >= 0.05 - 1e-6 and sizes.max() <= 0.1 + 1e-6


def test_eight_bit_strokes_are_upright_and_opaque(picture):
    settings = dataclasses.replace(SMALL, brush="rectangle", upright=True, opaque=True)
    strokes = jaxpaint.paint(picture, key=KEY, settings=settings).strokes
    assert (strokes[:, 4] == 0).all() and (strokes[:, 8] == 1).all()


@pytest.mark.parametrize("shape", [(1, 1, 3), (1000, 4, 3), (4, 1000, 3)])
def test_extreme_proportions(shape):
    image = np.full(shape, 0.25, np.float32)
    settings = dataclasses.replace(SMALL, brush="rectangle", strokes=9, steps=12)
    canvas = jaxpaint.paint(image, key=KEY, settings=settings).canvas
    assert max(canvas.shape) == 48 and min(canvas.shape[:2]) >= (48 if shape == (1, 1, 3) else 1)
    # Strokes as they were placed leave 0.08 and more.
    assert np.abs(canvas - 0.25).mean() < 0.05


def test_transport_is_a_loss_too(picture):
    settings = dataclasses.replace(SMALL, brush="rectangle", transport=1.0)
    *_, (result, progress) = jaxpaint.paint_stages(picture, key=KEY, settings=settings)
    assert np.isfinite(progress.loss) and len(result.strokes) == 37


def test_jitter_moves_colours_alone_and_by_chance_that_can_be_repeated(picture):
    plain, strayed, again = (
        jaxpaint.paint(picture, key=KEY, settings=dataclasses.replace(SMALL, jitter=jitter)).strokes
        for jitter in (0.0, 0.1, 0.1)
    )
    np.testing.assert_array_equal(strayed, again)
    color = BRUSHES["oilpaintbrush"].mask("color")
    np.testing.assert_array_equal(strayed[:, ~color], plain[:, ~color])
    assert 0.03 < np.abs(strayed - plain)[:, color].mean() < 0.15
    assert strayed.min() >= 0 and strayed[:, color].max() <= 1


@pytest.mark.parametrize("brush, programs", [("oilpaintbrush", 2), ("rectangle", 1)])
def test_a_level_is_traced_once(picture, brush, programs):
    """Chunks of a stage, and stages of one kind, share one compiled program; a brush without a texture has no other."""
    loop._descend.clear_cache()
    settings = dataclasses.replace(SMALL, steps=400, brush=brush)
    chunks = sum(1 for _ in jaxpaint.paint_stages(picture, key=KEY, settings=settings))
    # The flat fit and the textured one.
    assert chunks > 20 and loop._descend._cache_size() == programs


def test_frozen_strokes_stay_and_are_not_listed(picture):
    strokes = jaxpaint.paint(picture, key=KEY, settings=SMALL).strokes
    target = pictures.resize(picture, (32, 48))
    model = Engine(BRUSHES["oilpaintbrush"], flat=True)
    bounds = optimize.Bounds(np.zeros(12, np.float32), np.ones(12, np.float32))
    problem = optimize.Problem(target, np.ones_like(target), {"l2": 1.0}, bounds)
    tiles = Tiled.of(model.brush, strokes, problem, first=30, margin=1.0, devices=2)
    assert set(np.unique(tiles.ids)) <= set(range(30, 38))
    moved, *_ = optimize.descend(
        model,
        strokes,
        optimize.initial(optimize.ADAM, strokes),
        problem,
        first=30,
        rates=np.full(3, 0.05, np.float32),
    )
    np.testing.assert_array_equal(moved[:30], strokes[:30])
    assert (moved[30:] != strokes[30:]).any()


def fitted(strokes, target, **options):
    """Strokes after a few steps on a white canvas; options are those of `Problem`, and `everywhere`."""
    brush = BRUSHES["oilpaintbrush"]
    bounds = options.pop("bounds", optimize.Bounds(np.zeros(12, np.float32), np.ones(12, np.float32)))
    weights = options.pop("weights", {"l2": 1.0})
    everywhere = options.pop("everywhere", True)
    return optimize.descend(
        Engine(brush, flat=True),
        strokes,
        optimize.initial(optimize.ADAM, strokes),
        optimize.Problem(target, np.ones_like(target), weights, bounds, **options),
        rates=np.full(5, 0.05, np.float32),
        everywhere=everywhere,
    )


def test_where_all_strokes_are_held_nothing_need_be_looked_at(picture):
    """Those that are free see all that they reach."""
    strokes = jaxpaint.paint(picture, key=KEY, settings=SMALL).strokes
    target = pictures.resize(picture, (64, 96))
    free = strokes[:, :1] < 0.2
    bounds = optimize.Bounds(np.where(free, 0, strokes), np.where(free, 1, strokes))
    (all_of_it, _, fit), (part, _, part_fit) = (
        fitted(strokes, target, bounds=bounds, everywhere=everywhere) for everywhere in (True, False)
    )
    np.testing.assert_allclose(part, all_of_it, atol=1e-5)
    moved = (part != strokes).any(axis=1)
    assert moved.any() and not moved[~free[:, 0]].any()
    assert 0 < part_fit.squared < fit.squared


def test_springs_draw_strokes_back(picture):
    """Alone, to where they rest; with a picture, the nearer to it the stiffer they are."""
    strokes = jaxpaint.paint(picture, key=KEY, settings=SMALL).strokes
    target = pictures.resize(picture, (32, 48))
    rest = np.clip(strokes + 0.1, 0, 1)
    stiff = np.ones_like(strokes)
    alone, *_ = fitted(strokes, target, weights={}, springs=optimize.Springs(rest, stiff))
    apart = np.abs(rest - strokes) > 0.01
    assert (np.abs(rest - alone) < np.abs(rest - strokes))[apart].all()
    away = [
        np.abs(fitted(strokes, 1 - target, springs=optimize.Springs(strokes, k * stiff))[0] - strokes).mean()
        for k in (0.0, 0.01, 1.0)
    ]
    assert away[0] > away[1] > away[2]
    np.testing.assert_allclose(away[0], np.abs(fitted(strokes, 1 - target)[0] - strokes).mean(), rtol=1e-4)


@pytest.mark.parametrize("transport", [0.0, 0.5])
def test_a_fit_is_the_same_on_one_device_and_divided_between_two(picture, transport):
    strokes = jaxpaint.paint(picture, key=KEY, settings=SMALL).strokes
    target = pictures.resize(picture, (130, 195))
    model = Engine(BRUSHES["oilpaintbrush"], flat=True)
    bounds = optimize.Bounds(np.zeros(12, np.float32), np.ones(12, np.float32))
    problem = optimize.Problem(
        target, np.ones_like(target), {"l1": 0.1, "l2": 1.0, "transport": transport}, bounds, softness=1.0
    )
    fixed = {"first": 5, "rates": np.full(3, 0.01, np.float32)}

    def fit():
        moments = optimize.initial(optimize.ADAM, strokes)
        moved, _, found = optimize.descend(model, strokes, moments, problem, **fixed)
        return moved, found, optimize.leave_one_out_gains(model, strokes, problem)

    assert runtime.mesh().size == 2
    moved, found, worth = fit()
    with jax.set_mesh(jax.make_mesh((1,), ("devices",), axis_types=(AxisType.Auto,))):
        alone, found_alone, worth_alone = fit()
    assert np.abs(moved - strokes).max() > 0.001
    np.testing.assert_allclose(moved, alone, atol=2e-4)
    np.testing.assert_allclose(found, found_alone, rtol=1e-5)
    np.testing.assert_allclose(worth, worth_alone, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("model", [Engine(BRUSHES["oilpaintbrush"], flat=True), Windowed(BRUSHES["oilpaintbrush"])])
def test_a_fit_is_the_same_on_a_cpu_and_on_what_draws_all_at_once(picture, model, monkeypatch):
    strokes = jaxpaint.paint(picture, key=KEY, settings=dataclasses.replace(SMALL, detail="alike")).strokes
    target = pictures.resize(picture, (256, 384))
    bounds = optimize.Bounds(np.zeros(12, np.float32), np.ones(12, np.float32))
    problem = optimize.Problem(target, np.ones_like(target), {"l2": 1.0}, bounds)

    def fit():
        moments = optimize.initial(optimize.ADAM, strokes)
        rates = np.full(3, 0.01, np.float32)
        return optimize.descend(model, strokes, moments, problem._replace(softness=1.0), first=5, rates=rates)

    moved, _, found = fit()
    groups = Tiled.of(model.brush, strokes, problem, first=5, margin=1.0, devices=2).counts
    # Nothing that has been traced knows what changes.
    loop._descend.clear_cache()
    asked: list[int] = []
    monkeypatch.setattr(runtime, "on_cpu", lambda: bool(asked.append(1)))
    together, _, found_together = fit()
    loop._descend.clear_cache()
    assert asked and len(Tiled.of(model.brush, strokes, problem, first=5, margin=1.0, devices=2).counts) < len(groups)
    assert np.abs(moved - strokes).max() > 0.001
    np.testing.assert_allclose(moved, together, atol=2e-4)
    np.testing.assert_allclose(found, found_together, rtol=1e-5)


@pytest.mark.parametrize("name", ["rectangle", "oilpaintbrush", "watercolor"])
def test_worth_is_the_error_that_a_stroke_saves(picture, name):
    """Against drawing the painting without each stroke; some cover what is below only partly."""
    brush, target = BRUSHES[name], pictures.resize(picture, (32, 48))
    settings = dataclasses.replace(SMALL, brush=name, layering="auto")
    strokes = jaxpaint.paint(picture, key=KEY, settings=settings).strokes.copy()
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


def test_strokes_are_placed_where_the_canvas_is_wrong_and_along_edges():
    target = np.zeros((64, 64, 3), np.float32)
    target[:, 40:44] = 1.0
    strokes = initialize.place(
        BRUSHES["oilpaintbrush"],
        target,
        np.zeros_like(target),
        200,
        initialize.Layout(0.1),
        rng=np.random.default_rng(0),
    )
    near = np.abs(strokes[:, 0] - 42 / 64) < 0.1
    assert near.mean() > 0.9
    # Their long side, h, stands upright: θ near 0 or 1.
    assert np.median(np.abs(np.sin(np.pi * strokes[near, 4]))) < 0.35


def test_grid_mode_gives_each_block_its_share():
    target = np.zeros((60, 60, 3), np.float32)
    target[:10, :10] = 1.0
    strokes = initialize.place(
        BRUSHES["rectangle"],
        target,
        np.zeros_like(target),
        25,
        initialize.Layout(0.2, cells=3),
        rng=np.random.default_rng(0),
    )
    cells = (strokes[:, :2] * 3).astype(int)
    counts = np.bincount(cells[:, 1] * 3 + cells[:, 0], minlength=9)
    assert sorted(counts) == [2, 2, 3, 3, 3, 3, 3, 3, 3]


def test_grid_mode_has_no_seams():
    """Mean error within 4 px of block borders, against elsewhere, over pictures that are alike everywhere."""
    distance = np.minimum.reduce([np.abs(np.arange(128) + 0.5 - b) for b in (32, 64, 96)])
    border = (distance < 4)[:, None] | (distance < 4)[None, :]
    settings = Settings(brush="rectangle", mode="grid", grid=4, strokes=160, steps=40, size=128, detail="alike")
    errors = []
    for seed in range(4):
        noise = np.random.default_rng(seed).uniform(size=(16, 16, 3)).astype(np.float32)
        image = pictures.resize(noise, (128, 128))
        canvas = jaxpaint.paint(image, key=jax.random.key(seed), settings=settings).canvas
        errors.append(np.abs(canvas - image).mean(axis=-1))
    error = np.mean(errors, axis=0)
    assert error[border].mean() <= 1.05 * error[~border].mean()


@pytest.mark.usefixtures("unchecked")
def test_a_picture_of_another_shape_is_refused():
    with pytest.raises(ValueError, match="height, width, 3"):
        jaxpaint.paint(np.zeros((4, 4), np.float32), key=KEY, settings=SMALL)


def test_stages_without_steps_claim_nothing(picture):
    settings = dataclasses.replace(SMALL, steps=2)
    shown = [p.psnr for _, p in jaxpaint.paint_stages(picture, key=KEY, settings=settings)]
    assert len(shown) > 2
    assert all(np.isnan(psnr) or 0 < psnr < 40 for psnr in shown) and 0 < shown[-1] < 40


def test_a_renderer_of_single_windows_fits_what_one_of_any_window_fits(picture):
    """Small strokes and large ones: the same loss, and the same strokes after some steps."""
    target, rng = pictures.resize(picture, (64, 96)), np.random.default_rng(0)
    brush = BRUSHES["oilpaintbrush"]
    place = functools.partial(initialize.place, brush, target, np.ones_like(target), rng=rng)
    strokes = np.concatenate([place(10, initialize.Layout(0.11)), place(30, initialize.Layout(0.05))])
    bounds = optimize.Bounds(np.zeros(12, np.float32), np.ones(12, np.float32))
    results = []
    for model in (Engine(brush, flat=True), Windowed(brush, flat=True)):
        problem = optimize.Problem(target, np.ones_like(target), {"l1": 0.5, "l2": 1.0}, bounds)
        results.append(
            optimize.descend(
                model,
                np.clip(strokes, 0, 1),
                optimize.initial(optimize.ADAM, strokes),
                problem,
                first=8,
                rates=np.full(5, 0.01, np.float32),
            )
        )
    (free, _, free_fit), (windowed, _, windowed_fit) = results
    assert windowed_fit.loss == pytest.approx(free_fit.loss, rel=1e-3)
    assert np.abs(free - strokes)[8:].max() > 0.02
    np.testing.assert_array_equal(windowed[:8], free[:8])
    # Adam takes a step as long for the least gradient as for the greatest: a few follow rounding.
    assert (np.abs(windowed - free) < 1e-3).mean() > 0.97


@pytest.mark.parametrize("name", BRUSHES)
def test_windows_hold_strokes_as_they_are(name):
    """A step of no length leaves them alone, wide ones too: of some brushes, a size of 1 is half a window."""
    brush, rng = BRUSHES[name], np.random.default_rng(0)
    target = rng.uniform(size=(48, 64, 3)).astype(np.float32)
    place = functools.partial(initialize.place, brush, target, np.ones_like(target), 10, rng=rng)
    strokes = np.concatenate([place(initialize.Layout(size)) for size in (0.02, 0.045)])
    bounds = painter.bounds(dataclasses.replace(SMALL, brush=name), target.shape[:2])
    strokes = np.clip(strokes, *bounds)
    problem = optimize.Problem(target, np.ones_like(target), {"l2": 1.0}, bounds)
    none, moments = np.zeros(1, np.float32), optimize.initial(optimize.ADAM, strokes)
    model = Windowed(brush, flat=True)
    after, _, _ = optimize.descend(model, strokes, moments, problem, rates=none)
    # Positions of strokes at the border may have to come into their windows.
    sizes = brush.index("size")
    np.testing.assert_allclose(after[:, sizes], strokes[:, sizes], atol=1e-6)


def test_windows_are_corrected_by_how_strokes_will_be_seen(picture):
    """Against a picture that is darker by as much: the correction is what is told, and the strokes move alike."""
    target, rng = pictures.resize(picture, (64, 96)), np.random.default_rng(0)
    brush = BRUSHES["oilpaintbrush"]
    strokes = np.clip(initialize.place(brush, target, np.ones_like(target), 20, initialize.Layout(0.08), rng=rng), 0, 1)
    bounds = optimize.Bounds(np.zeros(12, np.float32), np.ones(12, np.float32))
    model = Windowed(brush)
    canvas = np.full_like(target, 0.4)
    own = forward.draw_strokes(model, strokes, (64, 96), canvas=canvas)

    def fit(target, drawn):
        problem = optimize.Problem(target, canvas, {"l2": 1.0}, bounds, drawn=drawn)
        return optimize.descend(
            model,
            strokes,
            optimize.initial(optimize.ADAM, strokes),
            problem,
            rates=np.full(3, 0.01, np.float32),
        )

    corrected, _, told = fit(target, own + 0.05)
    moved, _, expected = fit(target - 0.05, None)
    assert told.squared == pytest.approx(expected.squared, rel=1e-2)
    assert np.abs(moved - strokes).max() > 0.005
    assert (np.abs(corrected - moved) < 1e-3).mean() > 0.95


def test_weights_of_the_built_in_bristles_say_so_beside_a_picture_of_a_brush(picture):
    image = np.ones((1, 8, 32, 3), np.float32)
    with pytest.warns(UserWarning, match="imitate the built-in bristles, not your brush"):
        next(iter(jaxpaint.paint_stages(picture, key=KEY, settings=NEURAL, brush_image=image)))


def test_painting_with_a_network(picture, tmp_path):
    """The budget, the likeness, and going on from a file to the same strokes."""
    *_, (done, progress) = jaxpaint.paint_stages(picture, key=KEY, settings=NEURAL)
    target = pictures.resize(picture, done.canvas.shape[:2])
    assert done.strokes.shape == (37, 12) and progress.step == SMALL.steps
    # What is told is the drawing's own, at the size of the fit, of dry paint.
    size = painting.plan(NEURAL, (43, 64), window=32)[-1].size
    drawn = drawing.draw_flat(drawing.relit(done, {"wet": 0.0}), size=size)
    assert progress.psnr == pytest.approx(
        float(metrics.psnr(drawn, pictures.resize(picture, drawn.shape[:2]))), abs=0.01
    )
    # Strokes as they were placed come to 16 dB.
    assert metrics.psnr(done.canvas, target) > 22
    for part, _ in jaxpaint.paint_stages(picture, key=KEY, settings=NEURAL):
        if part.state["stage"] == 2:
            break
    jaxpaint.save_painting(tmp_path / "part.npz", part)
    read = jaxpaint.load_painting(tmp_path / "part.npz")
    resumed = jaxpaint.paint(picture, key=KEY, settings=NEURAL, resume=read)
    np.testing.assert_array_equal(resumed.strokes, done.strokes)


def test_a_network_can_multiply_shorter_numbers(picture):
    settings = dataclasses.replace(NEURAL, strokes=8, steps=5)
    result, short = (
        jaxpaint.paint(picture, key=KEY, settings=dataclasses.replace(settings, dtype=dtype))
        for dtype in ("float32", "bfloat16")
    )
    apart = np.abs(short.strokes - result.strokes)
    # A few strokes go another way.
    assert apart.mean() > 1e-6 and np.median(apart) < 0.01


def test_windows_are_fitted_by_transport_too(picture):
    brush, target = BRUSHES["rectangle"], pictures.resize(picture, (64, 96))
    canvas, rng = np.ones_like(target), np.random.default_rng(0)
    strokes = np.clip(initialize.place(brush, target, canvas, 30, initialize.Layout(0.08), rng=rng), 0, 1)
    bounds = optimize.Bounds(np.zeros(9, np.float32), np.ones(9, np.float32))
    problem = optimize.Problem(target, canvas, {"transport": 1.0}, bounds, softness=1.0)
    found, moments = [], optimize.initial(optimize.ADAM, strokes)
    for rates in (np.zeros(1, np.float32), *[np.full(20, 0.02, np.float32)] * 2):
        strokes, moments, fit = optimize.descend(Windowed(brush, flat=True), strokes, moments, problem, rates=rates)
        found.append(fit.loss)
    # The entropy alone costs about 0.04 here, whatever is painted.
    assert found[0] > found[1] + 0.001 > found[2] + 0.002 > 0.04


def test_weights_of_another_brush_are_refused(picture):
    settings = dataclasses.replace(
        SMALL, renderer="light", brush="rectangle", weights=str(weights.SHIPPED / "light-oilpaintbrush.safetensors")
    )
    with pytest.raises(WeightsError, match="weights of light for oilpaintbrush, not of light for rectangle"):
        jaxpaint.paint(picture, key=KEY, settings=settings)


@pytest.mark.parametrize("settings", [{}, {"mode": "grid", "grid": 3}, {"max_divide": 2}])
def test_plans_for_windows_place_all_strokes_and_take_all_steps(settings):
    chosen = Settings(renderer="light", strokes=501, steps=77, **settings)
    stages = painting.plan(chosen, (300, 512), window=32)
    assert sum(stage.add for stage in stages) == 501 and sum(stage.steps for stage in stages) == 77
    assert all(32 <= stage.size <= 512 for stage in stages)
    # Of fewer strokes, each shows more of the picture, and in no finer picture.
    fewer = painting.plan(dataclasses.replace(chosen, strokes=100), (300, 512), window=32)
    assert all(32 <= less.size < stage.size for less, stage in zip(fewer, stages, strict=True))


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("value", [-0.01, 1.01, 255, np.nan])
def test_a_picture_of_other_values_is_refused(picture, value):
    wrong = picture.copy()
    wrong[3, 4, 1] = value
    with pytest.raises(ValueError, match=r"values in \[0, 1\], got"):
        jaxpaint.paint(wrong, key=KEY, settings=SMALL)


@pytest.mark.parametrize(
    ("name", "value"),
    [("strokes", np.zeros((37, 5))), ("mu", np.zeros((9, 12))), ("placed", 38), ("stage", 99), ("step", -1)],
)
def test_a_state_that_cannot_be_is_refused(picture, name, value):
    part, _ = next(iter(jaxpaint.paint_stages(picture, key=KEY, settings=SMALL)))
    wrong = dataclasses.replace(part, state=part.state | {name: np.asarray(value)})
    with pytest.raises(ResumeError, match=f"whose {name} can't be"):
        jaxpaint.paint(picture, key=KEY, settings=SMALL, resume=wrong)


def test_going_on_with_other_settings_is_refused(picture):
    part, _ = next(iter(jaxpaint.paint_stages(picture, key=KEY, settings=SMALL)))
    with pytest.raises(ResumeError, match="settings it began with"):
        jaxpaint.paint(picture, key=KEY, settings=dataclasses.replace(SMALL, strokes=40), resume=part)


def test_a_painting_with_a_brush_of_ones_own(picture, painted, tmp_path):
    """Another painting; the brush goes into its file, is drawn with, and is gone on with."""
    image = np.zeros((2, 8, 32, 3), np.float32)
    image[0, 2:6], image[1, 1:7] = (0.8, 1.0, 0.5), (0.7, 1.0, 0.9)
    arguments = dict(key=KEY, settings=SMALL, brush_image=image)
    parts = [part for part, _ in jaxpaint.paint_stages(picture, **arguments)]
    own = parts[-1]
    assert np.abs(own.strokes - painted.strokes).max() > 0.01
    target = pictures.resize(picture, (32, 48))
    assert metrics.psnr(own.canvas, target) > metrics.psnr(np.ones_like(target), target) + 6
    jaxpaint.save_painting(tmp_path / "own.npz", own)
    np.testing.assert_array_equal(jaxpaint.load_painting(tmp_path / "own.npz").canvas, own.canvas)
    assert np.abs(own.canvas - dataclasses.replace(own, brush_image=None).canvas).mean() > 0.01
    resumed = jaxpaint.paint(picture, **arguments, resume=parts[len(parts) // 2])
    np.testing.assert_array_equal(resumed.strokes, own.strokes)


def test_fits_at_two_sizes_share_their_programs(picture):
    """256 pixels in the levels and rounds, 512 at last: two fits, flat and textured; lists with candidates or not."""
    programs = {
        loop._descend: 2,
        densify._gains: 1,
        forward._draw_tiles: 1,
        jaxpaint.raster.tiling._near: 2,
    }
    for program in programs:
        program.clear_cache()
    settings = Settings(strokes=400, steps=20)
    assert {stage.size for stage in painting.plan(settings, (341, 512))} == {256, 512}
    jaxpaint.paint(picture, key=KEY, settings=settings)
    assert {program: program._cache_size() for program in programs} == programs


def test_detail_goes_where_errors_count(picture, monkeypatch):
    """A disc that counts ten times is painted better, and by smaller strokes, than when all is alike."""
    y, x = np.mgrid[:60, :90] / 60
    disc = (x - 0.5) ** 2 + (y - 0.5) ** 2 < 0.1
    weight = np.where(disc, 10.0, 1.0)
    monkeypatch.setattr(attention, "importance", lambda image: (weight / weight.mean()).astype(np.float32))
    errors, sizes = [], []
    for detail in ("alike", "auto"):
        done = jaxpaint.paint(
            picture,
            key=KEY,
            settings=dataclasses.replace(SMALL, strokes=120, steps=60, size=90, underpainting=0.0, detail=detail),
        )
        errors.append(np.mean((drawing.draw_flat(done) - picture)[disc] ** 2))
        inside = disc[tuple((BRUSHES["oilpaintbrush"].middle(done.strokes)[:, ::-1] * 89).astype(int).T)]
        sizes.append(np.median(done.strokes[inside, 2:4].prod(axis=1)))
    assert errors[1] < 0.8 * errors[0]
    assert sizes[1] < sizes[0]


def test_what_is_told_counts_all_pixels_alike(picture):
    """The squared error is that of the picture, whatever counts in the fit."""
    brush, target = BRUSHES["rectangle"], pictures.resize(picture, (32, 48))
    canvas, rng = np.ones_like(target), np.random.default_rng(0)
    strokes = initialize.place(brush, target, canvas, 20, initialize.Layout(0.2), rng=rng)
    counts = rng.uniform(0.1, 2.0, (32, 48)).astype(np.float32)
    found = []
    for importance in (None, counts):
        problem = optimize.Problem(
            target, canvas, {"l2": 1.0}, painter.bounds(SMALL_RECTANGLES, (32, 48)), importance=importance
        )
        _, _, fit = optimize.descend(
            Engine(brush, flat=True),
            strokes,
            optimize.initial(optimize.ADAM, strokes),
            problem,
            rates=np.zeros(1, np.float32),
        )
        found.append(fit)
    alike, weighted = found
    assert weighted.squared == pytest.approx(alike.squared, rel=1e-5)
    error = forward.draw_strokes(Engine(brush, flat=True), strokes, (32, 48), canvas=(1.0, 1.0, 1.0)) - target
    assert weighted.loss == pytest.approx(np.mean(counts[..., None] * error**2), rel=1e-2)


def test_one_ink_paints_the_shades_between_it_and_the_canvas(picture):
    settings = dataclasses.replace(
        SMALL, brush="pastel", strokes=80, steps=48, ink="0.1,0.2,0.3", canvas_color="0.9,0.8,0.7"
    )
    done = jaxpaint.paint(picture, key=KEY, settings=settings)
    color = BRUSHES["pastel"].index("color")
    np.testing.assert_allclose(done.strokes[:, color], np.tile([0.1, 0.2, 0.3], (80, 1)), atol=1e-6)
    shades = painter.inked(settings, picture)
    np.testing.assert_allclose(shades[0, 0], [0.9, 0.8, 0.7] - np.array([0.8, 0.6, 0.4]) * (1 - picture[0, 0] @ LUMA))
    drawn = drawing.draw_flat(drawing.relit(done, {"ground": "none"}), size=90)
    assert (
        metrics.psnr(drawn, shades) > metrics.psnr(np.broadcast_to(shades.mean(axis=(0, 1)), (60, 90, 3)), shades) + 3
    )


def test_no_stroke_is_longer_than_the_greatest_aspect(picture):
    aspects = []
    for limit in (0.0, 2.0):
        strokes = jaxpaint.paint(picture, key=KEY, settings=dataclasses.replace(SMALL, max_aspect=limit)).strokes
        sides = strokes[:, 2:4] + BRUSHES["oilpaintbrush"].hair
        aspects.append((sides.max(axis=1) / sides.min(axis=1)).max())
    assert aspects[0] > 3 and aspects[1] <= 2.001


@pytest.mark.parametrize("brush", ["filbert", "rectangle"])
def test_an_underpainting_covers_the_canvas_where_nothing_else_has_to(picture, brush):
    """Half of the picture has the canvas's colour: nobody needs to paint there."""
    image = picture.copy()
    image[:, :45] = 0.9
    settings = Settings(
        brush=brush, strokes=200, steps=24, size=48, underpainting=0.2, canvas_color="0.9,0.9,0.9", detail="alike"
    )

    def bare(settings):
        done = jaxpaint.paint(image, key=KEY, settings=settings)
        engine = Engine.of(settings)
        black, white = (forward.draw_strokes(engine, done.strokes, (32, 48), canvas=(c,) * 3) for c in (0.0, 1.0))
        return np.mean((white - black)[..., 0] > 0.5)

    without = bare(dataclasses.replace(settings, underpainting=0.0))
    assert without > 0.2
    assert bare(settings) < 0.06 if brush == "filbert" else bare(settings) == without


def test_water_thins_the_paint(picture):
    """At 0.5, two films are as dense as the picture."""
    thin = painter.inked(dataclasses.replace(SMALL, water=0.5), picture)
    np.testing.assert_allclose(thin * thin, picture, atol=1e-6)
    assert painter.inked(SMALL, picture) is picture


@pytest.mark.parametrize("name", ["watercolor", "markerpen"])
def test_glazes_paint_a_picture_from_light_to_dark(picture, name):
    settings = dataclasses.replace(SMALL, brush=name, layering="glaze", ground="none", relief=0.0)
    done = jaxpaint.paint(picture, key=KEY, settings=settings)
    drawn = done.canvas
    target = pictures.resize(picture, drawn.shape[:2])
    assert metrics.psnr(drawn, target) > metrics.psnr(np.ones_like(drawn), target) + 6
    fewer = dataclasses.replace(done, strokes=done.strokes[::2])
    assert (fewer.canvas >= drawn - 1e-6).all()


def test_candidates_for_glazes_lie_where_the_canvas_is_too_light():
    """The right half of the canvas is too dark already. A film of a candidate's colour gives the target."""
    target, canvas = np.full((40, 80, 3), 0.5, np.float32), np.full((40, 80, 3), 0.8, np.float32)
    canvas[:, 40:] = 0.1
    brush = BRUSHES["watercolor"]
    rng, layout = np.random.default_rng(0), initialize.Layout(0.1)
    strokes = initialize.place(brush, target, canvas, 200, layout._replace(layering="glaze"), rng=rng)
    middle = brush.middle(strokes)[:, 0]
    assert (middle < 0.55).mean() > 0.98
    film = 1 - strokes[:, -1:] * (1 - strokes[:, brush.index("color")])
    np.testing.assert_allclose(0.8 * film[middle < 0.45], 0.5, atol=1e-3)
    assert (brush.middle(initialize.place(brush, target, canvas, 200, layout, rng=rng))[:, 0] > 0.5).mean() > 0.5


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


def test_an_economy_leaves_out_strokes_where_the_picture_is_plain(picture):
    image = picture.copy()
    image[:, :45] = 0.9
    thrifty, all_of_them = (
        jaxpaint.paint(image, key=KEY, settings=dataclasses.replace(SMALL, economy=economy, steps=60, strokes=90))
        for economy in (0.04, 0.0)
    )
    assert len(all_of_them.strokes) == 90 and 30 < len(thrifty.strokes) < 80
    left, of_all = (np.mean(BRUSHES[SMALL.brush].middle(p.strokes)[:, 0] < 0.5) for p in (thrifty, all_of_them))
    assert left < of_all
    assert metrics.psnr(thrifty.canvas, pictures.resize(image, (32, 48))) > -20 * np.log10(0.04)


def test_accents_come_last_and_are_small(picture):
    done = jaxpaint.paint(picture, key=KEY, settings=dataclasses.replace(SMALL, accents=0.25, strokes=80))
    areas = BRUSHES[SMALL.brush].areas(done.strokes)
    assert len(areas) == 80 and np.median(areas[-20:]) < 0.5 * np.median(areas[:60])
