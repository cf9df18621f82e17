"""Light: neutral where paint is flat, the same at every size, from where it is asked."""

import dataclasses

import numpy as np
import pytest

from jaxpaint import Painting, Settings, draw, drawing
from jaxpaint.brushes import BRUSHES
from jaxpaint.raster import lighting

ON = {"relief": 1.0, "light": 135.0, "gloss": 1.0}


def painting(brush="oilpaintbrush", strokes=60, seed=0, size=128, **settings):
    kind, rng = BRUSHES[brush], np.random.default_rng(seed)
    values = rng.uniform(0.1, 0.9, (strokes, kind.dim)).astype(np.float32)
    values[:, kind.index("size")] *= 0.3
    return Painting(values, brush, 30, 40, (1.0, 1.0, 1.0), None, Settings(brush=brush, size=size, **settings))


@pytest.mark.parametrize("height", [0.0, 0.7, -3.0])
def test_where_paint_is_flat_its_colour_is_what_was_fitted(height):
    picture = np.random.default_rng(0).uniform(size=(30, 40, 3)).astype(np.float32)
    flat = np.full((30, 40), height, np.float32)
    np.testing.assert_allclose(lighting.shone_on(picture, flat, **ON), picture, atol=1e-6)


def test_without_relief_a_drawing_is_its_colours():
    made = painting()
    np.testing.assert_array_equal(draw(made, relief=0.0), drawing.draw_flat(made))
    assert np.abs(draw(made) - drawing.draw_flat(made)).mean() > 0.005


@pytest.mark.parametrize(("light", "bright"), [(0.0, (0, 1)), (90.0, (-1, 0)), (180.0, (0, -1)), (270.0, (1, 0))])
def test_slopes_that_face_the_light_are_bright(light, bright):
    """A hill in the middle; its bright side is towards the light: rows down, columns to the right."""
    y, x = np.mgrid[-1:1:65j, -1:1:65j]
    hill = 40 * np.exp(-4 * (x**2 + y**2))
    lit = lighting.shone_on(np.full((65, 65, 3), 0.5, np.float32), hill, relief=1.0, light=light, gloss=0.0)[..., 0]
    row, column = 16 * np.array(bright)
    assert lit[32 + row, 32 + column] > 0.52 and lit[32 - row, 32 - column] < 0.48


def test_gloss_brightens_and_more_relief_is_more_contrast():
    made = painting()
    flat = drawing.draw_flat(made)
    little, much = (np.abs(draw(made, relief=relief, gloss=0.0) - flat).mean() for relief in (0.5, 2.0))
    assert 0 < little < much
    assert draw(made, gloss=3.0).mean() > draw(made, gloss=0.0).mean()


@pytest.mark.parametrize("brush", ["oilpaintbrush", "filbert"])
def test_two_sizes_of_one_painting_look_alike(brush):
    """Scaled to one size, they differ little more than they do without light."""
    made = painting(brush)
    shrunk = lambda picture: picture.reshape(96, 4, 128, 4, 3).mean(axis=(1, 3))  # noqa: E731
    flat, lit = (
        np.abs(shrunk(draw(made, size=512, relief=relief)) - draw(made, size=128, relief=relief)).mean()
        for relief in (0.0, 1.0)
    )
    assert lit < 2 * flat + 0.01


@pytest.mark.parametrize("name", lighting.GROUNDS)
def test_a_ground_is_the_same_at_every_size(name):
    small, large = (lighting.ground(name, (3 * side // 4, side)) for side in (800, 1600))
    averaged = large.reshape(600, 2, 800, 2).mean(axis=(1, 3))
    if name == "none":
        assert not small.any()
    else:
        assert small.std() > 0.01 and abs(small.mean()) < small.std()
        assert np.corrcoef(small.ravel(), averaged.ravel())[0, 1] > 0.8


@pytest.mark.parametrize("name", ["linen", "paper"])
def test_as_much_of_a_ground_is_above_a_place_as_its_tooth_says(name):
    relief, tooth = (made(name, (600, 800)) for made in (lighting.ground, lighting.tooth))
    assert tooth.shape == (600, 800) and tooth.min() >= 0 and tooth.max() <= 1
    for share in (0.1, 0.3, 0.5, 0.7, 0.9):
        assert (tooth < share).mean() == pytest.approx(share, abs=0.06)
    # Tops have little above them.
    assert np.corrcoef(relief.ravel(), tooth.ravel())[0, 1] < -0.25


def test_bare_canvas_shows_its_ground():
    made = dataclasses.replace(painting("filbert", strokes=1), canvas_color=(0.5, 0.5, 0.5))
    made = drawing.relit(made, {"gloss": 0.0})
    made.strokes[:, BRUSHES["filbert"].mask("x", "y")] = -3.0
    bare = {name: draw(made, size=400, ground=name) for name in lighting.GROUNDS}
    assert np.ptp(bare["none"]) == 0
    assert bare["linen"].std() > 0.005 and bare["paper"].std() > 0.002


def test_lights_are_thick_darks_are_thin_and_no_two_strokes_the_same():
    brush = BRUSHES["oilpaintbrush"]
    strokes = np.tile(np.float32([0.5, 0.5, 0.05, 0.2, 0.0] + [0.1] * 6 + [0.0]), (40, 1))
    strokes[20:, brush.index("color")] = 0.9
    strokes[:, brush.index("grain")] = np.random.default_rng(0).uniform(size=(40, 1))
    thick, ridges = lighting.thickness(brush, strokes).T
    assert thick[:20].max() < thick[20:].min()
    for factor in thick, ridges:
        assert len(set(np.round(factor, 4))) > 30


@pytest.mark.parametrize("brush", ["watercolor", "markerpen", "pastel", "rectangle"])
def test_brushes_without_a_body_leave_the_ground_as_it_is(brush):
    made = painting(brush)
    layers = drawing.draw_layers(made)
    np.testing.assert_allclose(layers[..., 3], lighting.ground(made.settings.ground, layers.shape[:2]), atol=1e-6)


def test_values_that_the_settings_refuse_are_refused_by_draw(unchecked):
    with pytest.raises(ValueError, match="config.relief: expected a number from 0 to 3, got 4"):
        draw(painting(), relief=4.0)
    with pytest.raises(ValueError, match="config.ground: expected auto or linen or paper or none, got 'wood'"):
        draw(painting(), ground="wood")


@pytest.mark.parametrize("brush", ["oilpaintbrush", "filbert"])
def test_paint_is_thin_in_darks_and_small_and_broad_brushes_leave_low_ridges(brush):
    kind, widths = BRUSHES[brush], np.array([0.008, 0.05, 0.2, 0.05])
    color = np.array([0.9, 0.9, 0.9, 0.2])[:, None] * np.ones(3)
    parts = np.full((4, 2), 0.5), np.zeros(4), 4 * widths, widths, color, np.full(4, 0.3)
    thick, ridges = lighting.thickness(kind, kind.lay(*parts)).T
    assert thick[0] == thick[1] == thick[2] > 1.2 * thick[3]
    assert ridges[3] > 1.2 * ridges[1] > 4 * max(ridges[0], ridges[2]) and ridges.min() > 0


@pytest.mark.parametrize("brush", ["oilpaintbrush", "filbert"])
def test_paint_over_paint_of_its_own_color_is_scrubbed_flat(brush):
    kind, width = BRUSHES[brush], np.full(3, 0.05)
    color = np.full((3, 3), 0.7)
    strokes = kind.lay(np.full((3, 2), 0.5), np.zeros(3), 4 * width, width, color, np.full(3, 0.3))
    below = np.pad(np.float32([[0.7], [0.8], [0.1]]) * np.ones(3, np.float32), ((0, 0), (0, 1)), constant_values=1.0)
    same, near, far = lighting.thickness(kind, strokes, below)[:, 1]
    assert 0 < 1.3 * same < near < 0.8 * far < 1.0
    assert len(set(lighting.thickness(kind, strokes, below)[:, 0])) == 1


def test_shadows_in_white_paint_are_softer_than_in_grey():
    ridges = np.float32(0.5 + 0.5 * np.sin(np.arange(200) / 3))[None].repeat(200, axis=0)
    darkest = []
    for value in (0.4, 1.0):
        lit = lighting.shone_on(np.full((200, 200, 3), value, np.float32), ridges, relief=1.0, light=0.0, gloss=0.0)
        darkest.append(lit.min() / value)
    grey, white = 1.0 - np.array(darkest)
    assert 0.02 < white < 0.7 * grey
