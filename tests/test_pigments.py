"""Pigments: spectra of colours, mixtures of paints, and paintings in mixtures with their recipes."""

import colorsys
import dataclasses
import itertools
import pathlib

import numpy as np
import pytest
from filmed import scene
from PIL import Image
from small import KEY, SMALL, disc_and_bar

import jaxpaint
from jaxpaint import palettes, pictures, pigments, repainting, spectra
from jaxpaint.brushes import BRUSHES
from jaxpaint.io.exports.palette import swatches_of
from jaxpaint.settings import FilmSettings

ZORN = pigments.checked("zorn")


def mixed(*paints):
    """The colour of equal parts of paints, given as #rrggbb, in [0, 1]."""
    text = pigments.checked(",".join(paints))
    found = pigments.mixtures(text)
    equal = (found.parts == 1).all(axis=1)
    assert equal.sum() == 1
    return found.colors[equal][0]


def hue(color):
    """Hue in degrees: 0 red, 120 green, 240 blue."""
    return 360 * colorsys.rgb_to_hsv(*color)[0]


def test_a_colour_s_spectrum_has_that_colour():
    corners = np.array(list(itertools.product([0.0, 0.02, 0.5, 1.0], repeat=3)))
    colors = np.concatenate([corners, np.random.default_rng(0).random((60, 3))])
    found = spectra.of_colors(colors)
    assert ((found > 0) & (found < 1)).all()
    np.testing.assert_allclose(spectra.to_colors(found), colors, atol=1 / 255)


def test_spectra_are_the_smoothest():
    """A change that keeps the colour makes a spectrum less smooth; that of a grey is flat."""
    (grey, orange) = spectra.of_colors(np.array([[0.5, 0.5, 0.5], [0.8, 0.4, 0.1]]))
    np.testing.assert_allclose(grey, grey[0], rtol=1e-9)
    logits = np.log(orange / (1 - orange))
    rough = np.diff(logits) @ np.diff(logits)
    seen = spectra._SEEN * (orange * (1 - orange))
    for change in np.random.default_rng(0).normal(0, 1e-3, (20, len(orange))):
        kept = change - seen.T @ np.linalg.solve(seen @ seen.T, seen @ change)
        assert np.diff(logits + kept) @ np.diff(logits + kept) > rough


def test_the_light_is_d65():
    """White is at the chromaticity of sRGB's white, x = 0.3127 and y = 0.3290."""
    tristimulus = spectra._LIT.sum(axis=1)
    np.testing.assert_allclose(tristimulus[:2] / tristimulus.sum(), [0.3127, 0.3290], atol=2e-4)
    # The observer sees an equal-energy spectrum as neutral.
    x, y, z = np.array(spectra._TABLE)[:, 1:4].sum(axis=0)
    assert abs(x / y - 1) < 1e-3 and abs(z / y - 1) < 1e-3


def test_mixtures_are_those_of_paints():
    assert 90 < hue(mixed("#ffe000", "#1040b0")) < 180  # Blue and yellow: green.
    pink = mixed("#ffffff", "#d01020")
    assert pink[0] > 0.8 and hue(pink) > 340 or hue(pink) < 20
    assert pink[0] - pink[2] > 0.2 and min(pink) > 0.2
    grey = mixed("#ffffff", "#101010")
    # Darker than the mean of their light, 0.735.
    assert np.ptp(grey) < 0.02 and 0.3 < grey[0] < 0.72
    # A tint of a dark blue is more saturated than a mean of pixels.
    tint, mean = mixed("#ffffff", "#22286b"), (np.array([255, 255, 255]) + [0x22, 0x28, 0x6B]) / 510
    assert np.ptp(tint) > 1.3 * np.ptp(mean)


def test_the_parts_of_a_mixture_are_few_and_whole():
    found = pigments.mixtures(ZORN)
    assert found.parts.sum(axis=1).max() == 10 and (found.parts > 0).sum(axis=1).max() == 3
    assert (np.gcd.reduce(found.parts, axis=1) == 1).all()
    assert len(np.unique(found.colors, axis=0)) == len(found.colors) > 500
    pure = [pictures.to_hex(color) for color in found.colors[:4]]
    assert pure == [item.split()[-1] for item in ZORN.split(",")]


@pytest.mark.parametrize("case", range(3))
def test_a_mixture_by_hand(case):
    """Kubelka and Munk's formulas, one wavelength at a time."""
    found = pigments.mixtures(ZORN)
    row = [10, 200, 400][case]
    tubes = np.array([list(bytes.fromhex(item.split("#")[1])) for item in ZORN.split(",")]) / 255
    linear = np.where(tubes <= 0.04045, tubes / 12.92, ((tubes + 0.055) / 1.055) ** 2.4)
    scattering = linear @ [0.2126, 0.7152, 0.0722]
    spectrum = []
    for wave in spectra.of_colors(tubes).T:
        absorbed = scattered = 0.0
        for part, reflectance, power in zip(found.parts[row], wave, scattering, strict=True):
            absorbed += part * power * (1 - reflectance) ** 2 / (2 * reflectance)
            scattered += part * power
        # The root in [0, 1] of R² - 2 (1 + K / S) R + 1 = 0.
        spectrum.append(min(np.roots([1, -2 * (1 + absorbed / scattered), 1])))
    np.testing.assert_allclose(spectra.to_colors(np.array([spectrum]))[0], found.colors[row], atol=1.01 / 255)


def test_choices_among_colours():
    """Within 5 % of the best of all choices, where these can be tried: one exchange at a time may miss the best."""
    rng = np.random.default_rng(0)
    colors, among = (rng.random((n, 3)).astype(np.float32) for n in (40, 9))
    weights = rng.random(40) + 0.1
    found = palettes.chosen(colors, weights, among, 3)
    assert {tuple(color) for color in found} <= {tuple(color) for color in among}

    def cost(some):
        lab = [palettes.cv2.cvtColor(each[None], palettes.cv2.COLOR_RGB2Lab)[0] for each in (colors, np.array(some))]
        return weights @ ((lab[0][:, None] - lab[1]) ** 2).sum(axis=-1).min(axis=1)

    assert cost(found) <= 1.05 * min(cost(some) for some in itertools.combinations(among, 3))
    assert len(palettes.chosen(colors, weights, among, 64)) <= 9


def test_a_painting_is_of_mixtures_that_are_told(tmp_path):
    settings = dataclasses.replace(SMALL, pigments="zorn", palette="5")
    painting = jaxpaint.paint(disc_and_bar(), key=KEY, settings=settings)
    colors = palettes.distinct(painting.strokes[:, BRUSHES[SMALL.brush].index("color")])
    every = {tuple(color) for color in pigments.mixtures(ZORN).colors}
    assert 2 <= len(colors) <= 5 and {tuple(color) for color in colors} <= every
    swatches = swatches_of(painting, 8)
    assert all(swatches.recipes) and len(swatches.recipes) == len(colors)
    jaxpaint.save_painting(tmp_path / "a.npz", painting)
    again = jaxpaint.load_painting(tmp_path / "a.npz")
    assert swatches_of(again, 8).recipes == swatches.recipes
    jaxpaint.export(again, tmp_path / "a_palette.gpl")
    told = (tmp_path / "a_palette.gpl").read_text()
    assert all(" + ".join(recipe) in told for recipe in swatches.recipes)
    jaxpaint.export(again, tmp_path / "a_palette.png")
    plain = dataclasses.replace(again, settings=dataclasses.replace(again.settings, pigments=""))
    jaxpaint.export(plain, tmp_path / "plain_palette.png")
    with Image.open(tmp_path / "a_palette.png") as sheet, Image.open(tmp_path / "plain_palette.png") as without:
        assert sheet.height > without.height
    # A region painted anew has the same mixtures.
    assert set(repainting.settings_of(again).palette.split(",")) == {pictures.to_hex(color) for color in colors}


def test_a_recipe():
    found = pigments.mixtures(pigments.checked("zorn,my blue #1b2a4f"))
    row = np.nonzero((found.parts == [6, 0, 1, 0, 3]).all(axis=1))[0][0]
    assert found.recipe(found.colors[row]) == ["6 parts titanium white", "3 parts my blue", "1 part vermilion"]
    assert found.recipe(np.float32([0, 1, 0])) == []


def test_a_film_has_the_same_mixtures_in_all_frames():
    how = {"brush": "rectangle", "strokes": 30, "size": 64, "steps": 20, "frame_steps": 8}
    settings = FilmSettings(**how, pigments="zorn", palette="6")
    allowed = {tuple(color) for color in pigments.palette(ZORN, 6)}
    for state, _ in itertools.islice(jaxpaint.film(scene(3), key=KEY, settings=settings), 2):
        colors = state.plain.strokes[:, BRUSHES["rectangle"].index("color")]
        assert {tuple(color) for color in colors} <= allowed


def test_how_pigments_are_kept():
    settings = jaxpaint.Settings(pigments=" Yellow_Ochre, #1B2A4F,my white #ffffff,yellow ochre")
    assert settings.pigments == "yellow ochre #bf8a35,#1b2a4f,my white #ffffff"
    assert settings.palette == "24" and dataclasses.replace(settings, pigments="").palette == ""
    assert jaxpaint.Settings(pigments=settings.pigments) == settings
    for name, paints in pigments.SETS.items():
        assert pigments.checked(name).count("#") == len(paints)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"pigments": "#ff0000"}, "config.pigments: expected 2 to 16 paints, got 1"),
        ({"pigments": ",".join(f"#0000{n:02x}" for n in range(17))}, "got 17"),
        ({"pigments": "zron"}, "did you mean zorn?"),
        ({"pigments": "zorn,#12345"}, "got '#12345'"),
        ({"pigments": "zorn,"}, "got ''"),
        ({"pigments": "zorn", "palette": "#ffffff"}, "config.palette: expected a number of colours with pigments"),
        ({"pigments": "zorn", "ink": "0,0,0"}, "config.ink: expected only without a palette"),
    ],
)
def test_bad_pigments(changes, expected):
    with pytest.raises(ValueError, match="config") as caught:
        jaxpaint.Settings(**changes)
    assert expected in str(caught.value) and "\n" not in str(caught.value)


def test_files(folder):
    pathlib.Path("a.gpl").write_text("GIMP Palette\n#\n255 0 0\tmy red, #2\n  0 128 255\n")
    assert jaxpaint.Settings(pigments=jaxpaint.read_pigments("a.gpl")).pigments == "my red 2 #ff0000,#0080ff"
    assert jaxpaint.read_palette("a.gpl") == "#ff0000,#0080ff"
