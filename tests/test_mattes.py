"""Transparent paintings: strokes stay inside the matte; drawings and files have its alpha."""

import dataclasses
import io
import pathlib
import zipfile

import numpy as np
import psd_tools
import pytest
from commands import names, one_line, run
from PIL import Image
from small import KEY, SMALL, SMALL_OIL, disc_and_bar

import jaxpaint
from jaxpaint import drawing, mattes, pictures
from jaxpaint.cli import draw, paint, stylize
from jaxpaint.errors import ResumeError, WriteError
from jaxpaint.io import videos
from jaxpaint.settings import FilmSettings, Settings, StyleSettings
from jaxpaint.video.painter import film

SETTINGS = dataclasses.replace(SMALL, steps=60)


def matte_of(soft=0.0):
    """An ellipse, 60 × 90; soft: width of its border, in its radii."""
    y, x = np.mgrid[:60, :90] / 60
    away = np.hypot((x - 0.7) / 0.5, (y - 0.5) / 0.35)
    return np.clip((1.0 + soft / 2 - away) / soft, 0.0, 1.0).astype(np.float32) if soft else (away < 1) * np.float32(1)


def with_alpha(image, matte):
    return np.concatenate([image, matte[..., None]], axis=-1)


@pytest.fixture(scope="module")
def stages():
    return list(jaxpaint.paint_stages(disc_and_bar(), key=KEY, settings=SETTINGS, matte=matte_of()))


@pytest.fixture(scope="module")
def painted(stages):
    return stages[-1][0]


# Inks and glazes let the canvas through where the photograph is light.
@pytest.mark.parametrize(
    ("changes", "soft", "least"),
    [
        ({}, 0.0, 0.9),
        ({}, 0.4, 0.9),
        ({"brush": "filbert"}, 0.0, 0.9),
        ({"brush": "watercolor"}, 0.4, 0.3),
        ({"ink": "0,0,0"}, 0.4, 0.3),
    ],
)
def test_strokes_stay_inside_the_matte(changes, soft, least):
    settings, matte = dataclasses.replace(SETTINGS, **changes), matte_of(soft)
    painted = jaxpaint.paint(disc_and_bar(), key=KEY, settings=settings, matte=matte)
    assert painted.settings == dataclasses.replace(settings, transparent=True)
    alpha = jaxpaint.draw(painted)[..., 3]
    matte = pictures.resize(matte[..., None], alpha.shape)[..., 0]
    assert alpha[matte == 0].mean() <= 0.01
    assert alpha[matte == 1].mean() > least


def test_strokes_have_the_photographs_colours(painted):
    picture = jaxpaint.draw(painted, relief=0.0)
    wanted, matte = (pictures.resize(each, picture.shape[:2]) for each in (disc_and_bar(), matte_of()[..., None]))
    inside = matte[..., 0] == 1
    assert ((picture[..., :3] - wanted)[inside] ** 2).mean() < 0.25 * wanted[inside].var()


def test_an_alpha_is_a_matte(painted):
    settings = dataclasses.replace(SETTINGS, transparent=True)
    image = with_alpha(disc_and_bar(), matte_of())
    assert jaxpaint.paint(image, key=KEY, settings=settings).settings == painted.settings
    with pytest.raises(ValueError, match=r"got \(60, 90, 4\); .* config.transparent"):
        jaxpaint.paint(image, key=KEY, settings=SETTINGS)
    # What lies below transparent places does not matter.
    noise = np.random.default_rng(0).random(disc_and_bar().shape, np.float32)
    other = np.where(matte_of()[..., None] > 0, disc_and_bar(), noise)
    few = dataclasses.replace(settings, steps=2)
    paintings = [
        jaxpaint.paint(with_alpha(each, matte_of()), key=KEY, settings=few) for each in (image[..., :3], other)
    ]
    np.testing.assert_array_equal(paintings[0].strokes, paintings[1].strokes)


def test_goes_on_with_its_own_matte(stages, painted, tmp_path):
    part, _ = stages[len(stages) // 2]
    jaxpaint.save_painting(tmp_path / "part.npz", part)
    part = jaxpaint.load_painting(tmp_path / "part.npz")
    again = jaxpaint.paint(disc_and_bar(), key=KEY, settings=part.settings, resume=part)
    np.testing.assert_array_equal(again.strokes, painted.strokes)
    assert again == painted
    with pytest.raises(ResumeError, match="with the matte it began with, got another"):
        jaxpaint.paint(disc_and_bar(), key=KEY, settings=part.settings, matte=1 - matte_of(), resume=part)


@pytest.mark.parametrize(
    ("matte", "expected"),
    [
        (np.zeros((4, 4)), "with opaque places, of 0.5 or more, got at most 0"),
        (np.ones((4, 4)), "with transparent places, got one that is opaque everywhere"),
        (np.full((4, 4), 7.0), "a matte of values in"),
        (np.zeros((4, 4, 3)), "a matte of shape"),
        (None, "a photograph with transparent places, or a matte"),
    ],
)
def test_other_mattes_are_refused_before_anything_is_painted(matte, expected, unchecked):
    settings = dataclasses.replace(SETTINGS, transparent=True)
    with pytest.raises(ValueError, match=expected):
        jaxpaint.paint_stages(disc_and_bar(), key=KEY, settings=settings, matte=matte)


def test_blocks_and_films_are_refused():
    with pytest.raises(ValueError, match="config.mode: expected progressive or grid with transparent, got blocks"):
        Settings(transparent=True, mode="blocks")
    with pytest.raises(ValueError, match="config.transparent: expected false for a film"):
        FilmSettings(transparent=True)
    assert not any(film([], key=KEY, settings=FilmSettings()))


@pytest.mark.parametrize("layering", ["over", "glaze"])
def test_laid_on_its_canvas_a_drawing_is_that_of_an_opaque_painting(layering):
    rng = np.random.default_rng(2)
    settings = dataclasses.replace(SMALL_OIL, transparent=True, layering=layering, canvas_color="0.9,0.7,0.6", wet=0.0)
    strokes = rng.random((20, jaxpaint.BRUSHES["oilpaintbrush"].dim), np.float32)
    painting = jaxpaint.Painting(strokes, "oilpaintbrush", 60, 90, settings.canvas_rgb, None, settings)
    opaque = dataclasses.replace(painting, settings=dataclasses.replace(settings, transparent=False))
    picture = jaxpaint.draw(painting, relief=0.0)
    assert 0.05 < picture[..., 3].mean() < 0.95
    np.testing.assert_allclose(drawing.opaque(settings, picture), jaxpaint.draw(opaque, relief=0.0), atol=1e-4)
    # Light changes colours alone, and none where there is no paint.
    lit = jaxpaint.draw(painting, relief=2.0)
    np.testing.assert_allclose(lit[..., 3], picture[..., 3], atol=1e-6)
    on_canvas, bare = drawing.opaque(settings, lit), picture[..., 3] == 0
    np.testing.assert_allclose(on_canvas[bare], np.broadcast_to(settings.canvas_rgb, on_canvas[bare].shape), atol=1e-6)


def test_the_canvas_colour_is_not_in_the_paint():
    rng = np.random.default_rng(2)
    strokes = rng.random((20, jaxpaint.BRUSHES["oilpaintbrush"].dim), np.float32)

    def drawn(color):
        settings = dataclasses.replace(SMALL_OIL, transparent=True, canvas_color=color, wet=1.0)
        painting = jaxpaint.Painting(strokes, "oilpaintbrush", 60, 90, settings.canvas_rgb, None, settings)
        return jaxpaint.draw(painting, relief=0.0)

    white, black = drawn("white"), drawn("black")
    seen = white[..., 3] > 0.1
    np.testing.assert_allclose(white[seen], black[seen], atol=2e-3)


def test_exports_have_alpha(painted, tmp_path):
    alpha = pictures.to_bytes(jaxpaint.draw(painted)[..., 3])
    for ending in (".svg", ".ora", ".psd"):
        jaxpaint.export(painted, tmp_path / f"photo{ending}")
    assert "<rect" not in (tmp_path / "photo.svg").read_text()
    with zipfile.ZipFile(tmp_path / "photo.ora") as archive:
        assert b"canvas" not in archive.read("stack.xml")
        merged = np.asarray(Image.open(io.BytesIO(archive.read("mergedimage.png"))))
        every = sorted(name for name in archive.namelist() if name.startswith("data/"))
        layers = [np.asarray(Image.open(io.BytesIO(archive.read(name)))) / 255.0 for name in every]
    np.testing.assert_array_equal(merged[..., 3], alpha)
    through = np.prod([1.0 - layer[..., 3] for layer in layers], axis=0)
    assert np.abs(1.0 - through - alpha / 255.0).max() < 0.02
    psd = psd_tools.PSDImage.open(tmp_path / "photo.psd")
    assert [layer.name for layer in psd][0].startswith("strokes 1 ")
    np.testing.assert_array_equal(np.rint(psd.numpy("shape")[..., 0] * 255), alpha)


def test_pictures_with_alpha(tmp_path, unchecked):
    picture = with_alpha(disc_and_bar(), matte_of(0.4))
    jaxpaint.write_image(tmp_path / "a.png", picture)
    np.testing.assert_allclose(jaxpaint.read_image(tmp_path / "a.png", alpha=True), picture, atol=0.002)
    on_black = jaxpaint.read_image(tmp_path / "a.png", canvas_color=(0.0, 0.0, 0.0))
    np.testing.assert_allclose(on_black, picture[..., :3] * picture[..., 3:], atol=0.004)
    with pytest.raises(WriteError, match=r"a\.jpg: .* a name that ends in .png, .webp, .tif, .tiff for alpha"):
        jaxpaint.write_image(tmp_path / "a.jpg", picture)


def test_a_timelapse_has_alpha(painted, tmp_path):
    frames = list(jaxpaint.timelapse(painted, size=64, frames=4))
    assert frames[0].shape[-1] == 4 and not frames[0][..., 3].any()
    videos.write_video(tmp_path / "a.webm", iter(frames), fps=10.0)
    video = videos.probe(tmp_path / "a.webm")
    assert video.transparent
    *_, white = videos.read(video, canvas_color=(1.0, 1.0, 1.0))
    *_, black = videos.read(video, canvas_color=(0.0, 0.0, 0.0))
    seen = 255.0 - (white.astype(float) - black).mean(axis=-1)
    height, width = frames[-1].shape[:2]
    assert np.abs(seen[:height, :width] - frames[-1][..., 3]).mean() < 4
    with pytest.raises(WriteError, match=r"a name that ends in .webm for frames with alpha"):
        videos.write_video(tmp_path / "a.mp4", iter(frames), fps=10.0)


def test_a_region_painted_anew_stays_transparent(painted):
    right = np.zeros((6, 9), np.float32)
    right[:, 4:] = 1.0
    before = jaxpaint.draw(painted)[..., 3]
    outside = pictures.resize(matte_of()[..., None], before.shape)[..., 0] == 0
    for image in (None, disc_and_bar()[::-1], with_alpha(disc_and_bar(), matte_of())):
        after = jaxpaint.repaint(painted, image, mask=right, key=KEY)
        alpha = jaxpaint.draw(after)[..., 3]
        assert alpha[outside].mean() <= 0.01
        assert alpha.mean() > 0.9 * before.mean()
    with pytest.raises(ValueError, match="a region with opaque places, got one that is transparent everywhere"):
        corner = np.zeros((60, 90), np.float32)
        corner[:4, :4] = 1.0
        jaxpaint.repaint(painted, None, mask=corner, key=KEY, strokes=5)


def test_styles_are_colours_alone(painted):
    with pytest.raises(ValueError, match="config.mode: expected color for a transparent painting"):
        jaxpaint.stylize(painted, disc_and_bar(), key=KEY)
    styled = jaxpaint.stylize(painted, disc_and_bar()[:, ::-1], key=KEY, settings=StyleSettings(mode="color", steps=1))
    before, after = jaxpaint.draw(painted), jaxpaint.draw(styled)
    np.testing.assert_allclose(before[..., 3], after[..., 3], atol=1e-6)
    assert np.abs(before[..., :3] - after[..., :3]).max() > 0.01


def test_a_chessboard_hides_nothing():
    black, white = (mattes.chessboard((5, 8), turned=turned) for turned in (False, True))
    np.testing.assert_array_equal(black + white, 1.0)
    assert abs(black.mean() - 0.5) < 0.05


@pytest.fixture
def files(folder):
    image, matte = pictures.to_bytes(disc_and_bar()), pictures.to_bytes(matte_of())
    Image.fromarray(image).save("plain.png")
    Image.fromarray(np.dstack([image, matte])).save("alpha.png")
    Image.fromarray(matte).resize((45, 45)).save("matte.png")
    Image.fromarray(np.zeros((8, 12), np.uint8)).save("none.png")


FEW = ("--config.brush=rectangle", "--config.strokes=20", "--config.steps=8", "--config.size=48", "-q")


def test_the_command_cuts_out(files, capsys):
    assert run(paint, "plain.png", "--matte=matte.png", "--timelapse", *FEW) == 0
    assert "matte.png: 45 × 45 pixels, stretched to 90 × 60" in capsys.readouterr().err
    assert run(paint, "alpha.png", "--config.transparent", "--out=a.jpg", *FEW) == 0
    assert names() == ["plain.npz", "plain.png", "plain.webm"]
    with Image.open("paintings/plain.png") as picture, Image.open("a.jpg") as flat:
        assert (picture.mode, flat.mode) == ("RGBA", "RGB")
        assert np.asarray(picture)[0, 0, 3] == 0
        assert np.asarray(flat)[:4, :4].min() > 230
    pathlib.Path("paintings/plain.webm").unlink()
    assert run(draw, "paintings/plain.npz", "--timelapse", "--size=32", "-q") == 0
    assert names() == ["plain.npz", "plain.png", "plain.webm"]
    assert videos.probe("paintings/plain.webm").transparent


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("plain.png", "--config.transparent"), "plain.png: expected transparent places for config.transparent"),
        (("plain.png", "--matte=none.png"), "none.png: expected a matte with opaque places"),
        (("plain.png", "--matte=matte.png", "--config.mode=blocks"), "config.mode: expected progressive or grid"),
        (("plain.png", "--matte=other.png"), "other.png: no such file"),
        (
            ("--repaint=a.npz", "--region=matte.png", "--matte=matte.png"),
            "--matte=matte.png: expected without --repaint",
        ),
    ],
)
def test_what_the_command_refuses(files, capsys, arguments, expected):
    assert run(paint, *arguments, *FEW) == 1
    assert expected in one_line(capsys)
    assert not pathlib.Path("paintings").exists()


def test_a_transparent_painting_keeps_its_shape_in_another_style(files, painted, capsys):
    jaxpaint.save_painting("photo.npz", painted)
    assert run(stylize, "photo.npz", "--style=photo.png", "-q") == 1
    assert "photo.npz: a transparent painting, whose strokes would move; see --config.mode=color" in one_line(capsys)
