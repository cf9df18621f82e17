"""Gradient descent on strokes: tiles and windows, devices, springs, and programs that are compiled once."""

import dataclasses
import functools

import jax
import numpy as np
import pytest
from jax.sharding import AxisType
from small import KEY, SMALL, disc_and_bar
from windowed import Windowed

import jaxpaint
from jaxpaint import optimize, painter, painting, pictures, runtime
from jaxpaint.brushes import BRUSHES
from jaxpaint.optimize import densify, initialize, loop
from jaxpaint.raster import forward, windowed
from jaxpaint.raster.tiled import Tiled
from jaxpaint.renderers import Engine
from jaxpaint.settings import Settings


@pytest.fixture(scope="module")
def picture():
    return disc_and_bar()


@pytest.fixture(scope="module")
def strokes(picture):
    """A painting's strokes."""
    return jaxpaint.paint(picture, key=KEY, settings=SMALL).strokes


def test_a_level_is_traced_once(picture):
    """Chunks of a stage, and stages of one kind, share one compiled program; a brush without a texture has no other.

    That one with a texture has two is seen in `test_painting`.
    """
    loop._descend.clear_cache()
    settings = dataclasses.replace(SMALL, steps=160, textured=True)
    chunks = sum(1 for _ in jaxpaint.paint_stages(picture, key=KEY, settings=settings))
    assert chunks > 8 and loop._descend._cache_size() == 1


def test_frozen_strokes_stay_and_are_not_listed(picture, strokes):
    target = pictures.resize(picture, (32, 48))
    model = Engine(BRUSHES["rectangle"], flat=True)
    bounds = optimize.Bounds(np.zeros(9, np.float32), np.ones(9, np.float32))
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
    brush = BRUSHES["rectangle"]
    bounds = options.pop("bounds", optimize.Bounds(np.zeros(9, np.float32), np.ones(9, np.float32)))
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


def test_where_all_strokes_are_held_nothing_need_be_looked_at(picture, strokes):
    """Those that are free see all that they reach."""
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


def test_springs_draw_strokes_back(picture, strokes):
    """Alone, to where they rest; with a picture, the nearer to it the stiffer they are."""
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
def test_a_fit_is_the_same_on_one_device_and_divided_between_two(picture, strokes, transport):
    # Tiles in part, and lists of them as long as those of other tests.
    target = pictures.resize(picture, (66, 94))
    model = Engine(BRUSHES["rectangle"], flat=True)
    bounds = optimize.Bounds(np.zeros(9, np.float32), np.ones(9, np.float32))
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


@pytest.mark.parametrize("model", [Engine(BRUSHES["rectangle"], flat=True), Windowed(BRUSHES["rectangle"])])
def test_a_fit_is_the_same_on_a_cpu_and_on_what_draws_all_at_once(picture, model, monkeypatch):
    strokes = jaxpaint.paint(picture, key=KEY, settings=dataclasses.replace(SMALL, detail="alike")).strokes
    target, dim = pictures.resize(picture, (256, 384)), model.brush.dim
    bounds = optimize.Bounds(np.zeros(dim, np.float32), np.ones(dim, np.float32))
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
    (free, _, free_fit), (single, _, single_fit) = results
    assert single_fit.loss == pytest.approx(free_fit.loss, rel=1e-3)
    assert np.abs(free - strokes)[8:].max() > 0.02
    np.testing.assert_array_equal(single[:8], free[:8])
    # Adam takes a step as long for the least gradient as for the greatest: a few follow rounding.
    assert (np.abs(single - free) < 1e-3).mean() > 0.97


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
    # Positions of strokes at the border may have to come into their windows.
    sizes = brush.index("size")
    within = np.clip(strokes, *windowed.Windows.of(brush, strokes, problem).bounds(brush, problem))
    np.testing.assert_allclose(within[:, sizes], strokes[:, sizes], atol=1e-6)
    # One brush's whole descent; what it does with bounds does not depend on the brush.
    if name == "oilpaintbrush":
        none, moments = np.zeros(1, np.float32), optimize.initial(optimize.ADAM, strokes)
        after, _, _ = optimize.descend(Windowed(brush, flat=True), strokes, moments, problem, rates=none)
        np.testing.assert_allclose(after, within, atol=1e-6)


def test_windows_are_corrected_by_how_strokes_will_be_seen(picture):
    """Against a picture that is darker by as much: the correction is what is told, and the strokes move alike."""
    target, rng = pictures.resize(picture, (64, 96)), np.random.default_rng(0)
    brush = BRUSHES["rectangle"]
    strokes = np.clip(initialize.place(brush, target, np.ones_like(target), 20, initialize.Layout(0.08), rng=rng), 0, 1)
    bounds = optimize.Bounds(np.zeros(brush.dim, np.float32), np.ones(brush.dim, np.float32))
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


def test_what_is_told_counts_all_pixels_alike(picture):
    """The squared error is that of the picture, whatever counts in the fit."""
    brush, target = BRUSHES["rectangle"], pictures.resize(picture, (32, 48))
    canvas, rng = np.ones_like(target), np.random.default_rng(0)
    strokes = initialize.place(brush, target, canvas, SMALL.strokes, initialize.Layout(0.2), rng=rng)
    counts = rng.uniform(0.1, 2.0, (32, 48)).astype(np.float32)
    found = []
    for importance in (None, counts):
        problem = optimize.Problem(target, canvas, {"l2": 1.0}, painter.bounds(SMALL, (32, 48)), importance=importance)
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
    error = forward.draw_strokes(Engine(brush), strokes, (32, 48), canvas=(1.0, 1.0, 1.0)) - target
    assert weighted.loss == pytest.approx(np.mean(counts[..., None] * error**2), rel=1e-2)


@pytest.mark.parametrize(
    ("brush", "steps", "fits"), [("rectangle", 12, 1), pytest.param("markerpen", 20, 2, marks=pytest.mark.slow)]
)
def test_fits_at_two_sizes_share_their_programs(picture, brush, steps, fits):
    """256 pixels in the levels and rounds, 512 at last: a fit, one with a texture; lists with candidates or not."""
    programs = {
        loop._descend: fits,
        densify._gains: 1,
        forward._draw_tiles: 1,
        jaxpaint.raster.tiling._near: 2,
    }
    for program in programs:
        program.clear_cache()
    settings = Settings(brush=brush, strokes=400, steps=steps)
    assert {stage.size for stage in painting.plan(settings, (341, 512))} == {256, 512}
    jaxpaint.paint(picture, key=KEY, settings=settings)
    assert {program: program._cache_size() for program in programs} == programs
