"""The command `paint`: files that come out, what is told, and what is not replaced."""

import dataclasses
import json
import os
import pathlib
import re

import jax
import numpy as np
import pytest
from commands import names, one_line, photo, run, size
from PIL import Image

from jaxpaint import drawing
from jaxpaint.brushes import BRUSHES
from jaxpaint.cli import draw, paint
from jaxpaint.io import images, npz
from jaxpaint.settings import Settings

pytestmark = pytest.mark.usefixtures("folder")


def test_paints(painter, capsys):
    assert run(paint, "photo.png") == 0
    assert names() == ["photo.npz", "photo.png"]
    assert size("paintings/photo.png") == (512, 384)
    [(shape, key, settings, brush_image, resume)] = painter.calls
    assert shape == (24, 32, 3)
    assert jax.random.key_data(key).tolist() == jax.random.key_data(jax.random.key(0)).tolist()
    assert (settings.strokes, brush_image, resume) == (Settings().strokes, None, None)
    out, err = capsys.readouterr()
    assert out == "paintings/photo.png\n"
    assert "step 4/4" in err


def test_light_is_kept_with_the_painting_and_changes_when_it_is_drawn_again():
    """Of real strokes: the file says how light falls, and a flag of any script overrides it."""
    # As other tests fit filberts, by the same programs.
    photo("photo.png", 24, 36)
    small = ["--config.brush=filbert", "--config.strokes=37", "--config.steps=12", "--config.size=48"]
    small += ["--config.textured=False"]
    assert run(paint, "photo.png", *small, "--relief=2", "--ground=paper", "--report") == 0
    settings = npz.load_painting("paintings/photo.npz").settings
    assert (settings.relief, settings.ground, settings.gloss) == (2.0, "paper", 1.0)
    report = json.loads(pathlib.Path("paintings/photo.json").read_text())
    assert report["psnr"] != report["psnr_lit"]
    first = images.read_image("paintings/photo.png")
    assert run(draw, "paintings/photo.npz", "--out=same.png") == 0
    np.testing.assert_array_equal(images.read_image("same.png"), first)
    drawn = {}
    for flag in ("--relief=0", "--light=315", "--gloss=3", "--ground=linen"):
        assert run(draw, "paintings/photo.npz", f"--out={flag[2:4]}.png", flag) == 0
        drawn[flag] = images.read_image(f"{flag[2:4]}.png")
        assert not np.array_equal(drawn[flag], first)
    flat = drawing.draw_flat(npz.load_painting("paintings/photo.npz"))
    np.testing.assert_allclose(drawn["--relief=0"], flat, atol=0.51 / 255)
    # What is gone on from, or drawn again since it is finished, takes the new light, too.
    assert run(paint, "photo.png", "--resume", "--relief=0") == 0
    np.testing.assert_array_equal(images.read_image("paintings/photo.png"), drawn["--relief=0"])


def test_everything_that_can_be_asked_for(painter):
    assert run(paint, "photo.png", "--size=64", "--timelapse", "--report", "--out=out") == 0
    assert names("out") == ["photo.json", "photo.mp4", "photo.npz", "photo.png"]
    assert size("out/photo.png") == (64, 48)
    report = json.loads(pathlib.Path("out/photo.json").read_text())
    assert report["psnr"] < 20
    assert 0 <= report["ssim"] <= 1
    assert 0 <= report["l1"] <= 1
    assert report["strokes"] == Settings().strokes
    assert set(report["seconds"]) == {"compiling", "fitting", "drawing", "total"}
    assert report["peak_memory_bytes"] > 10_000_000
    assert report["settings"]["seed"] == 0
    assert report["psnr_lit"] < 20
    assert {"renderer", "brush", "device", "versions", "height", "width"} <= set(report)


@pytest.mark.parametrize("name", ["art/mine.png", "art/mine.jpg"])
def test_out_may_be_a_picture(painter, capsys, name):
    """The other files stand beside it; the same command replaces them."""
    for _ in range(2):
        assert run(paint, "photo.png", "-o", name, "--report") == 0
        assert capsys.readouterr().out.splitlines() == [name, "art/mine.json"]
    with Image.open(name) as picture:
        picture.load()
    assert names("art") == sorted([name.removeprefix("art/"), "mine.json", "mine.npz"])


def test_quiet(painter, capsys):
    assert run(paint, "photo.png", "-q") == 0
    assert capsys.readouterr() == ("", "")
    assert names() == ["photo.npz", "photo.png"]
    assert run(paint, "none.png", "-q") == 1
    assert one_line(capsys)


def test_verbose(painter, capsys):
    assert run(paint, "photo.png", "-v", "--config=quick.py", "--config.seed=3") == 0
    lines = capsys.readouterr().err.splitlines()
    told = [line.removeprefix("jaxpaint: ") for line in lines if line.startswith("jaxpaint: ")]
    assert told[0].startswith("settings of quick.py, strokes=500, ") and told[0].endswith("seed=3")
    assert re.fullmatch(r"\d+ × cpu \(.+\), jaxpaint .+, JAX .+", told[1])
    assert [line.split(":")[0] for line in told[2:]] == ["fitting", "drawing"]


def test_a_folder_of_brushes(painter, folder, capsys):
    """It goes to the painter as a set and into the file; an empty one is refused."""
    os.mkdir("stamps")
    assert run(paint, "--config.brush_image=stamps", "photo.png") == 1
    assert "stamps: expected 1 to 64 pictures of a brush, got none" in one_line(capsys)
    photo("stamps/a.png")
    photo("stamps/b.png")
    assert run(paint, "--config.brush_image=stamps", "photo.png") == 0
    [(*_, brush_image, _)] = painter.calls
    np.testing.assert_array_equal(brush_image, images.read_brush("stamps"))
    assert brush_image.shape == (2, 128, 256, 3)
    np.testing.assert_array_equal(npz.load_painting("paintings/photo.npz").brush_image, brush_image)


def test_a_bad_picture_does_not_stop_the_others(painter, capsys):
    pathlib.Path("words.png").write_text("no picture")
    assert run(paint, "words.png", "photo.png") == 1
    assert "words.png" in one_line(capsys)
    assert names() == ["photo.npz", "photo.png"]


def test_a_report_of_another_photograph_causes_a_warning(painter, capsys):
    assert run(paint, "photo.png", "--report") == 0
    report = pathlib.Path("paintings/photo.json").read_text()
    assert run(paint, "photo.png") == 0
    assert "stays as it was" not in capsys.readouterr().err
    photo("photo.png", 30, 30)
    assert run(paint, "photo.png", "--overwrite") == 0
    assert "paintings/photo.json: stays as it was, made from something else than photo.png" in one_line(capsys)
    assert pathlib.Path("paintings/photo.json").read_text() == report


def test_nothing_is_replaced_but_what_was_made_before(painter, folder, capsys):
    """A film and notes of somebody's own, beside the photograph; all of it is known before anything is painted."""
    (folder / "photo.mp4").write_text("a film")
    (folder / "photo.json").write_text("{}")
    os.mkdir("sub")
    os.rename("photo.png", "sub/photo.png")
    before = {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    for flag, name in (("--timelapse", "photo.mp4"), ("--report", "photo.json")):
        assert run(paint, "sub/photo.png", "--out=.", flag) == 1
        assert f"{name} is there already, and does not say that jaxpaint made it" in one_line(capsys)
        assert {path: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before
    assert not painter.calls
    # Of its own there is a next version.
    for seed in range(2):
        assert run(paint, "sub/photo.png", "--out=.", f"--config.seed={seed}", "--timelapse", "--overwrite") == 0
    assert run(paint, "sub/photo.png", "--out=.", "--timelapse") == 0
    assert (folder / "photo.json").read_text() == "{}"


def test_a_picture_written_through_a_link_has_the_format_of_the_links_name(painter, folder):
    os.mkdir("paintings")
    os.symlink(folder / "elsewhere", "paintings/photo.png")
    assert run(paint, "photo.png") == 0
    with Image.open("elsewhere") as picture:
        assert picture.format == "PNG"


def test_pages_are_paintings_of_their_own(painter, capsys):
    Image.new("L", (9, 9)).save("scan.tif", save_all=True, append_images=[Image.new("L", (9, 9), 200)])
    assert run(paint, "scan.tif", "--page=2") == 0
    capsys.readouterr()
    assert run(paint, "scan.tif", "--page=1") == 1
    assert "scan.png is there already, made from something else" in one_line(capsys)


def test_formats(painter, capsys):
    """The same command replaces them; a report and strokes in JSON would be one file."""
    for _ in range(2):
        assert run(paint, "photo.png", "--formats=svg,csv", "--config.strokes=8") == 0
        made = ["paintings/photo.png", "paintings/photo.svg", "paintings/photo.csv"]
        assert capsys.readouterr().out.splitlines() == made
    assert pathlib.Path("paintings/photo.svg").read_text().count("<path") == 8
    assert run(paint, "photo.png", "--formats=json", "--report") == 1
    assert "--report, --formats=json: both would become paintings/photo.json" in one_line(capsys)
    assert run(paint, "photo.png", "--formats=doc") == 1
    assert "--formats=doc: expected json, csv" in one_line(capsys)
    assert len(painter.calls) == 2


def test_a_brush_without_outlines_is_refused_before_anything_is_painted(painter, monkeypatch, capsys):
    monkeypatch.setitem(BRUSHES, "rectangle", dataclasses.replace(BRUSHES["rectangle"], vectors=None))
    flags = ["photo.png", "--config.brush=rectangle"]
    assert run(paint, *flags, "--formats=ora,svg") == 1
    assert "expected a brush whose strokes have outlines, got rectangle" in one_line(capsys)
    assert not painter.calls
    assert run(paint, *flags) == 0
