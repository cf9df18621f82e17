"""Directions of a picture's forms."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxpaint
from jaxpaint import directions, optimize, painting
from jaxpaint.brushes import BRUSHES
from jaxpaint.errors import ResumeError
from jaxpaint.optimize import initialize
from jaxpaint.renderers import Engine
from jaxpaint.settings import Settings

KEY = jax.random.key(3)


def striped(degrees, *, one=(0.2, 0.2, 0.2), other=(0.8, 0.8, 0.8), shape=(120, 180)):
    """Stripes at an angle, clockwise from x, of six pixels each."""
    y, x = np.mgrid[: shape[0], : shape[1]]
    across = y * np.cos(np.deg2rad(degrees)) - x * np.sin(np.deg2rad(degrees))
    mixed = (0.5 + 0.5 * np.sin(across * np.pi / 6))[..., None]
    return (mixed * np.float32(one) + (1 - mixed) * np.float32(other)).astype(np.float32)


def apart(field, degrees):
    """By how many degrees directions differ from one."""
    turned = np.rad2deg(directions.angle(field)) - degrees
    return abs((turned + 90) % 180 - 90)


def apart_from(field, other):
    """By how many degrees the directions of two fields differ."""
    return apart(field, np.rad2deg(directions.angle(other)))


@pytest.mark.parametrize("degrees", [0, 20, 45, 90, 110])
def test_stripes_have_their_own_direction(degrees):
    field = directions.form(striped(degrees))
    assert field.shape == (171, 256, 2)
    assert apart(field[20:-20, 20:-20], degrees).max() < 1
    assert np.linalg.norm(field[20:-20, 20:-20], axis=-1).min() > 0.9


def test_contours_between_colours_of_one_brightness_count():
    field = directions.form(striped(30, one=(0.7, 0.3, 0.4), other=(0.3, 0.7, 0.4)))
    assert apart(field[20:-20, 20:-20], 30).max() < 1


@pytest.mark.parametrize("degrees", [20, 70, 110])
def test_a_plain_region_takes_over_the_direction_next_to_it_and_is_less_sure(degrees):
    picture = striped(degrees)
    picture[:, 90:] = 0.5
    field = directions.form(picture)
    assert apart(field[20:-20, 150:-10], degrees).max() < 10
    striped_part, plain = (np.linalg.norm(part, axis=-1) for part in (field[20:-20, 20:100], field[20:-20, 170:-10]))
    assert 0.1 < plain.min() < plain.max() < 0.35 < 0.7 < striped_part.min()


@pytest.mark.parametrize("shape, degrees", [((30, 30), -45), ((1000, 4), -90)])
def test_a_picture_without_contours_has_one_calm_direction(shape, degrees):
    field = directions.form(np.full((*shape, 3), 0.3, np.float32))
    assert apart(field, degrees).max() < 0.5 and np.ptp(np.linalg.norm(field, axis=-1)) < 1e-5


def test_directions_vary_where_they_are_unsure_in_patches():
    picture = striped(20)
    picture[:, 90:] = 0.5
    field = directions.form(picture)
    varied = directions.varied(field)
    turned = apart_from(varied, field)
    assert turned[20:-20, 20:100].max() < 8 and turned[20:-20, 150:].mean() > 15
    np.testing.assert_allclose(np.linalg.norm(varied, axis=-1), np.linalg.norm(field, axis=-1), rtol=1e-5)
    # Neighbours still agree.
    assert apart_from(varied[:, 1:], varied[:, :-1]).mean() < 3


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 2)])
def test_pictures_of_extreme_proportions(shape):
    field = directions.form(np.random.default_rng(0).uniform(size=(*shape, 3)).astype(np.float32))
    assert max(field.shape) == 256 and np.linalg.norm(field, axis=-1).max() <= 1


def test_the_field_turns_with_the_picture():
    picture = np.random.default_rng(1).uniform(size=(16, 24, 3)).astype(np.float32).repeat(8, 0).repeat(8, 1)
    field, turned = directions.form(picture), directions.form(np.rot90(picture))
    # A quarter turn is half a turn of the doubled angle. What is unsure may differ.
    np.testing.assert_allclose(turned, -np.rot90(field), atol=0.05)
    assert np.linalg.norm(field, axis=-1).max() > 0.7


def laid(brush, picture, *, form=None):
    white, rng = np.ones_like(picture), np.random.default_rng(2)
    return initialize.place(brush, picture, white, 200, initialize.Layout(0.05), rng=rng, form=form)


@pytest.mark.parametrize("name", BRUSHES)
def test_new_strokes_follow_the_picture_and_plain_ground_too(name):
    picture, brush = striped(20), BRUSHES[name]
    picture[:, 90:] = 0.5
    strokes = laid(brush, picture)
    _, headings = jax.vmap(brush.headings)(strokes)
    off = apart(np.asarray(headings)[:, 0], 20)
    plain = brush.middle(strokes)[:, 0] > 0.6
    assert 50 < plain.sum() < 150
    # Headings without any direction would be 45 degrees off; those on plain ground follow loosely.
    assert np.median(off[~plain]) < 6 and np.median(off[plain]) < 30


def test_new_strokes_follow_another_field_if_there_is_one():
    brush, picture = BRUSHES["filbert"], striped(20)
    _, headings = jax.vmap(brush.headings)(laid(brush, picture, form=directions.form(striped(80))))
    assert np.median(apart(np.asarray(headings)[:, 0], 80)) < 6


def turned(brush, *, weight, form, steps=40):
    """The heading, in degrees, of a stroke that lay along x, after some steps on a picture of its own colour."""
    grey = np.full((48, 64, 3), 0.5, np.float32)
    one = np.full(1, 1, np.float32)
    strokes = brush.lay(
        np.float32([[0.5, 0.35]]), 0 * one, 0.3 * one, 0.08 * one, np.full((1, 3), 0.5, np.float32), 0.9 * one
    ).astype(np.float32)
    strokes[:, brush.index("grain")] = 0.5
    bounds = optimize.Bounds(np.zeros(brush.dim, np.float32), np.ones(brush.dim, np.float32))
    result, _, _ = optimize.descend(
        Engine(brush, flat=True),
        strokes,
        optimize.initial(optimize.ADAM, strokes),
        optimize.Problem(grey, grey, {"l2": 1.0}, bounds, direction=weight, form=form),
        rates=np.full(steps, 0.02, np.float32),
    )
    return result


@pytest.mark.parametrize("name", BRUSHES)
def test_a_fit_turns_strokes_along_the_field(name):
    brush, form = BRUSHES[name], directions.form(striped(35))
    strokes = turned(brush, weight=0.01, form=form)
    _, headings = jax.vmap(brush.headings)(strokes)
    assert apart(np.asarray(headings), 35).max() < 8
    np.testing.assert_allclose(brush.middle(strokes), [[0.5, 0.35]], atol=0.06)


def test_without_weight_a_field_changes_nothing():
    brush = BRUSHES["filbert"]
    without, unweighted = (turned(brush, weight=0.0, form=form) for form in (None, directions.form(striped(35))))
    # Another program, which rounds otherwise.
    np.testing.assert_allclose(unweighted, without, atol=1e-4)


@pytest.mark.parametrize(("color", "degrees"), [((1, 0, 0), 0), ((0.5, 1, 0), -45), ((0, 1, 1), 90), ((0.5, 0, 1), 45)])
def test_hues_are_directions(color, degrees):
    field = directions.of_hues(np.broadcast_to(np.float32(color), (30, 40, 3)))
    assert apart(field, degrees).max() < 0.1
    np.testing.assert_allclose(np.linalg.norm(field, axis=-1), 1.0, atol=1e-5)


def test_greys_leave_directions_open():
    greys = np.repeat(np.linspace(0, 1, 40, dtype=np.float32)[None, :, None], 3, axis=2)
    assert not directions.of_hues(greys).any()
    pale = directions.of_hues(np.broadcast_to(np.float32([0.8, 1, 1]), (30, 40, 3)))
    np.testing.assert_allclose(np.linalg.norm(pale, axis=-1), 0.2, atol=1e-5)


@pytest.mark.parametrize("vector", [(3.0, 4.0), (-3.0, -4.0), (0.3, 0.4)])
def test_vectors_are_directions(vector):
    field = directions.of_vectors(np.broadcast_to(np.float32(vector), (600, 400, 2)))
    assert field.shape == (256, 171, 2)
    assert apart(field, np.rad2deg(np.arctan2(4, 3))).max() < 0.1
    np.testing.assert_allclose(np.linalg.norm(field, axis=-1), min(np.hypot(*vector), 1.0), atol=1e-5)


def test_steering_overrides_only_where_it_is_sure():
    picture, given = striped(20), np.zeros((12, 18, 2), np.float32)
    given[:, :6] = directions.doubled(np.deg2rad(80))
    field = directions.steered(given, picture)
    assert apart(field[10:-10, 10:70], 80).max() < 1
    np.testing.assert_array_equal(field[:, 110:], directions.varied(directions.form(picture))[:, 110:])


def test_strokes_follow_a_user_s_directions(tmp_path):
    """Across the picture's own stripes; an unfinished painting keeps them."""
    picture = striped(20)
    across = directions.of_vectors(np.full((4, 4, 2), (-np.sin(np.deg2rad(20)), np.cos(np.deg2rad(20)))))
    settings = Settings(strokes=40, steps=24, size=64, underpainting=0.0, detail="alike", textured=False, direction=5.0)
    stages = [each for each, _ in jaxpaint.paint_stages(picture, key=KEY, settings=settings, form=across)]
    strayed = []
    for painted in (stages[-1], jaxpaint.paint(picture, key=KEY, settings=settings)):
        _, headings = jax.vmap(BRUSHES["filbert"].headings)(painted.strokes)
        strayed.append(np.mean(apart(np.asarray(headings), 110)))
    assert strayed[0] < 20 < 60 < strayed[1]
    jaxpaint.save_painting(tmp_path / "part.npz", stages[2])
    part = jaxpaint.load_painting(tmp_path / "part.npz")
    for form in (None, across):
        resumed = jaxpaint.paint(picture, key=KEY, settings=settings, form=form, resume=part)
        np.testing.assert_array_equal(resumed.strokes, stages[-1].strokes)
    with pytest.raises(ResumeError, match="with the directions it began with, got others"):
        jaxpaint.paint(picture, key=KEY, settings=settings, form=-across, resume=part)


@pytest.mark.slow
def test_a_painting_follows_its_picture_the_more_the_higher_the_setting():
    picture = striped(20)
    picture[:, 90:] = 0.5
    brush, field = BRUSHES["filbert"], np.pad(directions.form(picture), ((0, 85), (0, 0), (0, 0)), mode="edge")
    settings = Settings(
        strokes=60, steps=36, size=64, brush="filbert", underpainting=0.0, detail="alike", textured=False
    )
    deviation, strayed = jax.jit(optimize.deviation, static_argnums=0), []
    for direction in (0.0, 1.0, 10.0):
        chosen, each = dataclasses.replace(settings, direction=direction), []
        for seed in range(3):  # A painting of 60 strokes is a matter of chance.
            painted = painting.paint(picture, key=jax.random.key(seed), settings=chosen)
            each.append(deviation(brush, jnp.asarray(painted.strokes), jnp.asarray(field)).mean())
        strayed.append(float(np.mean(each)))
    assert strayed[0] > 1.3 * strayed[1] > 1.3 * strayed[2]
