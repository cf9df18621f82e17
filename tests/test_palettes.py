"""Palettes: clusters of colours; paintings and films in few colours; palette files and swatches."""

import dataclasses
import itertools
import pathlib

import numpy as np
import pytest
from filmed import scene
from PIL import Image
from small import KEY, NEURAL, SMALL, SMALL_OIL, disc_and_bar

import jaxpaint
from jaxpaint import drawing, metrics, painter, palettes, pictures
from jaxpaint.brushes import BRUSHES
from jaxpaint.errors import ImageError, PaletteError
from jaxpaint.io.exports.palette import swatches_of
from jaxpaint.io.palettes import read_palette
from jaxpaint.settings import FilmSettings

HEX = "#1b2a4f,#f2e3c6,#c0392b,#808080"


def test_colours_of_clusters_are_found_again():
    rng = np.random.default_rng(0)
    wanted = np.float32([[0.9, 0.9, 0.8], [0.9, 0.2, 0.1], [0.1, 0.3, 0.8], [0.05, 0.05, 0.1]])
    truth = rng.integers(0, 4, 300)
    colors = np.clip(wanted[truth] + rng.normal(0, 0.01, (300, 3)), 0, 1).astype(np.float32)
    found = palettes.reduced(colors, np.ones(300), 4)
    # Light ones come first.
    np.testing.assert_allclose(found.colors, wanted[[0, 1, 2, 3]], atol=0.01)
    np.testing.assert_array_equal(found.members, truth)


def test_a_palette_is_nearest_to_what_counts():
    colors = np.float32([[x, x, x] for x in np.linspace(0, 1, 50)])
    weights = np.where(colors[:, 0] > 0.8, 100.0, 1.0)
    found = palettes.reduced(colors, weights, 3)
    error = np.abs(found.colors[found.members] - colors).mean(axis=1)
    assert error[weights > 1].mean() < 0.3 * palettes_error(colors, 3, weights > 1)
    assert (found.colors[:, 0] > 0.8).sum() == 2


def palettes_error(colors, count, where):
    plain = palettes.reduced(colors, np.ones(len(colors)), count)
    return np.abs(plain.colors[plain.members] - colors).mean(axis=1)[where].mean()


@pytest.mark.parametrize("distinct", [0, 1, 3, 4])
def test_few_colours_stay_as_they_are(distinct):
    some = np.random.default_rng(1).random((distinct, 3)).astype(np.float32)
    colors = np.repeat(some, 2, axis=0)
    found = palettes.reduced(colors, np.ones(len(colors)), 4)
    assert len(found.colors) == distinct
    np.testing.assert_allclose(found.colors[found.members], colors, atol=2e-3)


def ends_of(painting):
    """The colours of each stroke, one for each end that has its own."""
    return painting.strokes[:, BRUSHES[painting.brush].index("color")].reshape(len(painting.strokes), -1, 3)


def given():
    return np.array([list(bytes.fromhex(color[1:])) for color in HEX.split(",")], np.float32) / 255


@pytest.mark.parametrize(
    "settings",
    [
        SMALL,
        dataclasses.replace(SMALL, accents=0.2, steps=1),
        dataclasses.replace(SMALL, jitter=0.2),
        dataclasses.replace(SMALL, mode="blocks", grid=2),
        SMALL_OIL,
        pytest.param(NEURAL, marks=pytest.mark.slow),
    ],
    ids=["one colour", "accents", "jitter", "blocks", "two colours", "network"],
)
def test_strokes_have_the_colours_that_were_given_and_no_others(settings):
    painting = jaxpaint.paint(disc_and_bar(), key=KEY, settings=dataclasses.replace(settings, palette=HEX))
    ends = ends_of(painting)
    assert (ends == ends[:, :1]).all()
    # Exactly, so that other programs find them equal.
    assert {tuple(color) for color in ends[:, 0]} <= {tuple(color) for color in given()}
    assert len(np.unique(ends[:, 0], axis=0)) > 1


def test_a_stroke_may_go_from_one_colour_to_another():
    settings = dataclasses.replace(SMALL_OIL, palette=HEX, palette_mix=True)
    ends = ends_of(jaxpaint.paint(disc_and_bar(), key=KEY, settings=settings))
    assert {tuple(color) for color in ends.reshape(-1, 3)} <= {tuple(color) for color in given()}
    assert (ends[:, 0] != ends[:, 1]).any()


def test_colours_are_found_for_the_picture_and_fitted_not_rounded():
    picture = disc_and_bar()
    free = jaxpaint.paint(picture, key=KEY, settings=SMALL)
    found = jaxpaint.paint(picture, key=KEY, settings=dataclasses.replace(SMALL, palette="4"))
    palette = np.unique(ends_of(found)[:, 0], axis=0)
    assert 2 <= len(palette) <= 4
    strokes = free.strokes.copy()
    strokes[:, BRUSHES["rectangle"].index("color")] = palette[palettes.nearest(ends_of(free)[:, 0], palette)]
    target = pictures.resize(picture, (32, 48))
    rounded, fitted = (
        metrics.psnr(drawing.draw_flat(each), target) for each in (dataclasses.replace(free, strokes=strokes), found)
    )
    assert fitted > rounded + 0.3


def test_a_small_face_has_its_colour():
    """Important pixels get colours of their own, however small their area."""
    picture = np.full((60, 60, 3), 0.5, np.float32)
    picture[:, 30:] = np.linspace(0, 1, 30)[:, None]
    picture[4:12, 4:12] = (0.9, 0.6, 0.5)
    weight = np.ones((60, 60), np.float32)
    alike = palettes.of_picture(picture, 3, weight)
    weight[4:12, 4:12] = 40.0
    apart = [
        np.abs(each - picture[6, 6]).max(axis=1).min() for each in (alike, palettes.of_picture(picture, 3, weight))
    ]
    assert apart[0] > 0.2 and apart[1] < 0.1


@pytest.mark.parametrize("chunk", [1, 7])
def test_resuming_equals_never_having_stopped(chunk):
    """Before the colours are reduced, and after."""
    settings = dataclasses.replace(SMALL, palette="3")
    stages = [each for each, _ in jaxpaint.paint_stages(disc_and_bar(), key=KEY, settings=settings)]
    reduced = [len(np.unique(ends_of(each), axis=0)) <= 3 for each in (stages[chunk], stages[-1])]
    assert reduced == [chunk == 7, True]
    again = jaxpaint.paint(disc_and_bar(), key=KEY, settings=settings, resume=stages[chunk])
    np.testing.assert_array_equal(again.strokes, stages[-1].strokes)


def test_a_film_keeps_its_colours():
    settings = FilmSettings(brush="rectangle", strokes=30, size=64, steps=20, frame_steps=8, palette=HEX, renewed=0.2)
    moved = set()
    for state, _ in itertools.islice(jaxpaint.film(scene(3), key=KEY, settings=settings), 3):
        colors = state.plain.strokes[:, BRUSHES["rectangle"].index("color")]
        assert {tuple(color) for color in colors} <= {tuple(color) for color in given()}
        moved.add(state.plain.strokes.tobytes())
    assert len(moved) == 3
    with pytest.raises(ValueError, match="config.palette: expected colours, .* got '8'"):
        FilmSettings(palette="8")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"palette": "0"}, "expected a number from 1 to 64, up to 64 colours as #rrggbb"),
        ({"palette": "65"}, "got '65'"),
        ({"palette": "#12345"}, "got '#12345'"),
        ({"palette": "#123456,,#000000"}, "expected a number"),
        ({"palette": "red"}, "got 'red'"),
        ({"palette": "4", "ink": "0,0,0"}, "config.ink: expected only without a palette"),
    ],
)
def test_bad_palettes(changes, expected):
    with pytest.raises(ValueError, match=expected):
        jaxpaint.Settings(**changes)


def test_colours_are_kept_in_one_form():
    assert jaxpaint.Settings(palette=" #FF0000, #00ff00,#ff0000").palette == "#ff0000,#00ff00"
    assert jaxpaint.Settings(palette="#FF0000").palette_rgb == ((1.0, 0.0, 0.0),)
    assert jaxpaint.Settings(palette="#FF0000").palette_size == 0
    found = jaxpaint.Settings(palette="08")
    assert (found.palette, found.palette_size, found.palette_rgb) == ("8", 8, None)


def palette_files():
    pathlib.Path("a.gpl").write_text("GIMP Palette\nName: mine\nColumns: 2\n# 1 2 3\n255 0 0\tred\n  0 128 255\n")
    pathlib.Path("a.hex").write_text("ff0000\n#0080FF\n\n")
    pathlib.Path("a.json").write_text('{"name": "mine", "colors": ["#ff0000", [0, 128, 255], "ff0000"]}')
    pathlib.Path("list.json").write_text('["#ff0000", "#0080ff"]')
    pixels = np.zeros((4, 6, 3), np.uint8)
    pixels[:, :3], pixels[:, 3:] = (255, 0, 0), (0, 128, 255)
    Image.fromarray(pixels[:, ::-1].copy()).save("a.png")
    return ["a.gpl", "a.hex", "a.json", "list.json", "a.png"]


def test_files(folder):
    for name in palette_files():
        found = read_palette(name)
        # A picture's colours are in no order.
        assert found == "#ff0000,#0080ff" or (name == "a.png" and found == "#0080ff,#ff0000")
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save("noise.png")
    assert read_palette("noise.png").count("#") == 8


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.gpl", b"255 0 0\n", "a.gpl: expected a palette, got no palette of GIMP"),
        ("a.gpl", b"GIMP Palette\n", "expected a palette of 1 to 64 colours, got 0"),
        ("a.gpl", b"GIMP Palette\n300 0 0\n", r"got \[300, 0, 0\] in place of three numbers"),
        ("a.hex", b"ff000", "got 'ff000' in place of a colour as rrggbb"),
        ("a.hex", b"\xff\xfe\x00", "expected a palette, got "),
        ("a.hex", "\n".join(f"{n:06x}" for n in range(65)).encode(), "got 65"),
        ("a.json", b'{"colours": []}', 'got no list of colours, alone or as "colors"'),
        ("a.json", b"[[1, 2, NaN]]", "in place of three numbers"),
        ("a.json", b"[" * 100_000, "expected a palette, got "),
        ("a.json", b"[[true, 1, 1]]", "in place of three numbers"),
    ],
)
def test_bad_files(name, content, expected, folder):
    pathlib.Path(name).write_bytes(content)
    with pytest.raises(PaletteError, match=expected) as caught:
        read_palette(name)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 300
    with pytest.raises(ImageError, match=r"missing\.gpl: no such file"):
        read_palette("missing.gpl")


def in_colors(**settings):
    """A painting that nothing has painted, of strokes in four colours, one of them on half of the picture."""
    settings = jaxpaint.Settings(brush="rectangle", size=64, strokes=4, **settings)
    strokes = np.zeros((4, 9), np.float32)
    brush = BRUSHES["rectangle"]
    strokes[:, brush.index("x", "y", "size")] = [
        [0.25, 0.5, 1, 2],
        [0.75, 0.1, 1, 0.4],
        [0.75, 0.5, 1, 0.4],
        [0.75, 0.9, 1, 0.4],
    ]
    strokes[:, brush.index("color")], strokes[:, brush.index("alpha")] = given(), 1.0
    return jaxpaint.Painting(strokes, "rectangle", 64, 64, settings.canvas_rgb, None, settings)


def test_swatches(tmp_path):
    painting = in_colors(palette=HEX + ",#00ff00")
    colors, shares, _ = swatches_of(painting, 8)
    # In the order that was given, and with a colour that is on no stroke.
    np.testing.assert_array_equal(colors[:4], given())
    np.testing.assert_allclose(shares, [0.5, 0.1, 0.1, 0.1, 0.0], atol=0.03)
    jaxpaint.export(painting, tmp_path / "a_palette.gpl")
    assert read_palette(tmp_path / "a_palette.gpl") == painting.settings.palette
    jaxpaint.export(painting, tmp_path / "a_palette.png")
    sheet = np.asarray(Image.open(tmp_path / "a_palette.png"), np.float32) / 255
    for color in colors:
        assert (np.abs(sheet - color).max(axis=-1) < 0.05).any()
    # Without a palette: the strokes' own colours, light ones first, or as many clusters as are wanted.
    assert swatches_of(in_colors(), 8).colors.shape == (4, 3)
    np.testing.assert_allclose(swatches_of(in_colors(), 8).colors[0], given()[1], atol=2e-3)


def test_many_colours_become_few(tmp_path):
    rng = np.random.default_rng(0)
    settings = jaxpaint.Settings(brush="filbert", size=64, strokes=200)
    strokes = rng.random((200, BRUSHES["filbert"].dim), np.float32)
    painting = jaxpaint.Painting(strokes, "filbert", 48, 64, settings.canvas_rgb, None, settings)
    colors, shares, _ = swatches_of(painting, 5)
    assert len(colors) == 5 and 0.5 < shares.sum() <= 1
    assert painter.Painter.of(settings, (48, 64)).palette is None
