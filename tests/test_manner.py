"""The manner of a style picture: sizes of its strokes, and where strokes of a photograph run."""

import jax
import numpy as np
import pytest

import jaxpaint
from jaxpaint import attention, directions, manner, styling
from jaxpaint.brushes import BRUSHES
from jaxpaint.optimize import initialize
from jaxpaint.settings import Settings, StyleSettings
from jaxpaint.types import Painting

KEY = jax.random.key(5)
GREY = np.full((96, 128, 3), 0.5, np.float32)


def bricks(width, length, degrees, *, size=512):
    """Strokes of random colours side by side, in rows at an angle, clockwise from x; all in pixels."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:size, :size] - size // 2
    angle = np.deg2rad(degrees)
    row = np.floor((y * np.cos(angle) - x * np.sin(angle)) / width).astype(int)
    along = (x * np.cos(angle) + y * np.sin(angle)) / length
    column = np.floor(along + rng.uniform(size=1000)[row]).astype(int)
    return rng.uniform(size=(1000, 1000, 3)).astype(np.float32)[row, column]


def apart(field, degrees):
    """By how many degrees directions differ from one."""
    turned = np.rad2deg(directions.angle(field)) - degrees
    return abs((turned + 90) % 180 - 90)


@pytest.mark.parametrize(
    ("width", "length", "degrees"), [(6, 24, 0), (6, 60, 20), (10, 40, 45), (10, 100, 110), (12, 36, 70)]
)
def test_strokes_are_as_wide_and_long_as_those_of_the_picture(width, length, degrees):
    found = manner.measured(bricks(width, length, degrees))
    assert found.width * 512 == pytest.approx(width, rel=0.25)
    assert found.aspect == pytest.approx(length / width, rel=0.2)


def test_sizes_are_relative_to_the_picture():
    picture = bricks(10, 40, 30)
    once, doubled = (manner.measured(each) for each in (picture, picture.repeat(2, 0).repeat(2, 1)))
    np.testing.assert_allclose(doubled, once, rtol=0.05)


@pytest.mark.parametrize("picture", [GREY, np.zeros((1, 1, 3), np.float32), np.ones((1, 40, 3), np.float32)])
def test_what_has_no_strokes_has_sizes_within_limits(picture):
    width, aspect = manner.measured(picture)
    assert 0.006 <= width <= 0.03 and 2 <= aspect <= 16


def test_fine_long_strokes_are_many_and_broad_ones_few():
    fine, broad = bricks(5, 50, 20), bricks(14, 40, 20)
    many, mixed, few = (
        Settings.from_config({"brush": "filbert"} | manner.settings_of([fine, broad], shares, (300, 400)))
        for shares in ((1.0, 0.0), (0.5, 0.5), (0.0, 1.0))
    )
    assert many.strokes > 1.3 * few.strokes
    for name in ("min_size", "max_size"):
        assert 2 * getattr(many, name) < getattr(few, name)
        assert getattr(many, name) < getattr(mixed, name) < getattr(few, name)
    assert many.aspect > mixed.aspect > few.aspect


def test_strong_contours_are_the_photographs_and_the_rest_is_the_styles():
    photograph = GREY.copy()
    photograph[:, :40] = 0.0
    field = manner.form(photograph, [bricks(8, 60, 30)], [1.0])
    assert field.shape == (192, 256, 2)
    assert apart(field[20:-20, 78:82], 90).max() < 12
    assert np.median(apart(field[:, 140:], 30)) < 5


def test_faces_are_the_photographs(monkeypatch):
    weight = np.ones(GREY.shape[:2], np.float32)
    weight[:, :64] = 8.0
    monkeypatch.setattr(attention, "importance", lambda picture: weight / weight.mean())
    y, x = np.mgrid[:96, :128] / 128
    shaded = np.broadcast_to((0.3 + 0.2 * y)[..., None], GREY.shape).astype(np.float32)
    field = manner.form(shaded, [bricks(8, 60, 60)], [1.0])
    assert np.median(apart(field[:, :120], 0)) < 2 and np.median(apart(field[:, 136:], 60)) < 10


def test_several_styles_count_by_their_shares():
    one, other = bricks(8, 60, 10), bricks(8, 60, 50)
    for shares, degrees in (((1.0, 0.0), 10), ((0.0, 1.0), 50), ((0.5, 0.5), 30)):
        assert np.median(apart(manner.form(GREY, [one, other], shares), degrees)) < 8


def strayed(painted, degrees):
    """By how many degrees strokes differ from a direction; the median."""
    _, headings = jax.vmap(BRUSHES[painted.brush].headings)(painted.strokes)
    return np.median(apart(np.asarray(headings), degrees))


def test_stripes_of_a_style_turn_the_strokes_of_a_plain_photograph():
    rng = np.random.default_rng(0)
    photograph = np.clip(GREY + 0.02 * rng.normal(size=GREY.shape), 0, 1).astype(np.float32)
    settings = Settings(brush="rectangle", strokes=60, steps=80, size=64, direction=5.0, aspect=6.0, max_aspect=12.0)
    for degrees in (20, 110):
        suited, form = styling.in_manner(photograph, [bricks(10, 80, degrees)], StyleSettings())
        assert suited.direction == settings.direction
        painted = jaxpaint.paint(photograph, key=KEY, settings=settings, form=form)
        assert strayed(painted, degrees) < 10


def test_styling_turns_strokes_along_the_styles():
    brush, style = BRUSHES["rectangle"], bricks(10, 80, 40)
    laid_along = directions.form(bricks(10, 80, 70))
    strokes = initialize.place(
        brush, GREY, 0 * GREY, 30, initialize.Layout(0.15), rng=np.random.default_rng(1), form=laid_along
    )
    settings = Settings(brush="rectangle", strokes=30, size=64)
    before = Painting(np.clip(strokes, 0, 1), "rectangle", 96, 128, (0.5, 0.5, 0.5), None, settings)
    quick = {"steps": 25, "vgg_size": 32, "style_layers": "relu1_1", "content_layers": "relu1_1", "style": 0.01}
    without, along = (
        jaxpaint.stylize(before, style, key=KEY, settings=StyleSettings(**quick, direction=direction))
        for direction in (0.0, 10.0)
    )
    assert strayed(without, 40) > 20 and strayed(along, 40) < 0.7 * strayed(without, 40)


def test_new_strokes_are_as_long_as_asked_and_shorter_where_it_matters_most():
    brush, field = BRUSHES["rectangle"], directions.form(bricks(10, 80, 0))
    weight = np.ones(GREY.shape[:2], np.float32)
    weight[:, :64] = 4.0

    def laid(aspect):
        strokes = initialize.place(
            brush,
            GREY,
            0 * GREY,
            300,
            initialize.Layout(0.04, aspect=aspect),
            rng=np.random.default_rng(1),
            form=field,
            importance=weight,
        )
        sides = np.sort(strokes[:, brush.index("size")] + brush.hair, axis=1)
        ratio = sides[:, 1] / sides[:, 0]
        matters = strokes[:, brush.index("x")[0]] < 0.5
        return np.median(ratio[matters]), np.median(ratio[~matters])

    assert laid(10.0)[1] > 2.5 * laid(3.0)[1]
    assert laid(10.0)[0] < 0.7 * laid(10.0)[1]
    assert laid(3.0)[0] == pytest.approx(laid(3.0)[1], rel=0.2)


def test_an_underpainting_is_broader_than_the_greatest_width():
    settings = Settings(
        brush="filbert", strokes=60, steps=24, size=48, underpainting=0.2, max_size=0.05, texture=0.0, textured=False
    )
    brush = BRUSHES["filbert"]
    strokes = jaxpaint.paint(GREY, key=KEY, settings=settings).strokes
    widths = strokes[:, brush.index("size")].max(axis=1) / brush.size_per_width
    assert widths[:12].min() > 0.1 and widths[12:].max() < 0.052
    before = Painting(strokes, "filbert", 96, 128, (1.0, 1.0, 1.0), None, settings)
    style = StyleSettings(steps=2, vgg_size=32, style_layers="relu1_1", content_layers="relu1_1")
    styled = jaxpaint.stylize(before, bricks(10, 80, 40), key=KEY, settings=style).strokes
    assert (styled[:12, brush.index("size")].max(axis=1) / brush.size_per_width).min() > 0.09
