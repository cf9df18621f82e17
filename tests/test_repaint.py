"""The command `paint --repaint`: its files, Ctrl-C and resuming, and one line for everything that goes wrong."""

import pathlib

import numpy as np
import pytest
from commands import names, one_line, photo, run, size
from PIL import Image
from small import KEY, SMALL, disc_and_bar

import jaxpaint
from jaxpaint import repainting
from jaxpaint.cli import paint

REGION = ("--repaint=paintings/photo.npz", "--region=left.png")


@pytest.fixture(scope="module")
def painted():
    return jaxpaint.paint(disc_and_bar(), key=KEY, settings=SMALL)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch, painted):
    """A working folder with a painting, its photograph, and the region of its left third."""
    monkeypatch.chdir(tmp_path)
    pathlib.Path("paintings").mkdir()
    jaxpaint.save_painting("paintings/photo.npz", painted)
    photo("photo.png", height=60, width=90)
    left = np.zeros((20, 30), np.uint8)
    left[:, :10] = 255
    Image.fromarray(left).save("left.png")


def test_a_region_becomes_a_new_version(painted, capsys):
    before = pathlib.Path("paintings/photo.npz").read_bytes()
    assert run(paint, "photo.png", *REGION, "--config.strokes=5", "--report", "--size=96") == 0
    assert capsys.readouterr().out.split() == ["paintings/photo-2.png", "paintings/photo-2.json"]
    assert pathlib.Path("paintings/photo.npz").read_bytes() == before
    assert names() == ["photo-2.json", "photo-2.npz", "photo-2.png", "photo.npz"]
    assert size("paintings/photo-2.png") == (96, 64)
    new = jaxpaint.load_painting("paintings/photo-2.npz")
    assert new.repainting.strokes == 5 and new.settings == painted.settings
    # And again, from itself and under another light.
    again = ("--repaint=paintings/photo-2.npz", "--region=left.png", "--light=20", "-q")
    assert run(paint, *again) == 0
    assert "photo-3.npz" in names()
    newer = jaxpaint.load_painting("paintings/photo-3.npz")
    assert len(newer.strokes) == len(new.strokes) and newer.settings.light == 20
    # The same again replaces it; another region would not.
    assert run(paint, *again) == 0
    capsys.readouterr()
    photo("other.png")
    assert run(paint, "--repaint=paintings/photo-2.npz", "--region=other.png", "-q") == 1
    assert "made from something else" in one_line(capsys)


def test_ctrl_c_keeps_what_is_painted_and_resume_goes_on(monkeypatch, capsys):
    whole = repainting.repaint_stages

    def interrupted(*arguments, **options):
        for number, each in enumerate(whole(*arguments, **options)):
            if number == 4:
                raise KeyboardInterrupt
            yield each

    monkeypatch.setattr(repainting, "repaint_stages", interrupted)
    assert run(paint, "photo.png", *REGION, "-q") == 130
    assert "paintings/photo-2.npz. Continue with: " in one_line(capsys)
    monkeypatch.setattr(repainting, "repaint_stages", whole)
    assert run(paint, "photo.png", *REGION, "-q") == 1
    assert "not finished yet" in one_line(capsys)
    assert run(paint, "photo.png", *REGION, "--resume", "-q") == 0
    resumed = jaxpaint.load_painting("paintings/photo-2.npz")
    assert run(paint, "photo.png", *REGION, "-q", "-o", "fresh") == 0
    np.testing.assert_array_equal(resumed.strokes, jaxpaint.load_painting("fresh/photo-2.npz").strokes)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("photo.png", "--region=left.png"), "--region=left.png: expected --repaint=NAME.npz"),
        (REGION[:1], "--repaint=paintings/photo.npz: expected --region=MASK"),
        (("a.png", "b.png", *REGION), "a.png: no such file"),
        (("photo.png", "photo.png", *REGION), "expected at most one photograph"),
        (("--repaint=photo.png", "--region=left.png"), "photo.png: not a painting (npz)"),
        (("--repaint=paintings/photo.npz", "--region=missing.png"), "missing.png: no such file"),
        (("--repaint=paintings/photo.npz", "--region=dark.png"), "a region of at least 0.5, got at most 0"),
        ((*REGION, "--config.brush=pastel"), "config.brush: expected rectangle, as of the painting's"),
        ((*REGION, "-o", "paintings/photo.png"), "paintings/photo.npz would be overwritten; choose another --out"),
    ],
)
def test_bad_input_is_one_line(arguments, expected, capsys):
    Image.new("L", (30, 20)).save("dark.png")
    assert run(paint, *arguments, "-q") == 1
    assert expected in one_line(capsys)
    assert names() == ["photo.npz"]


def test_photographs_of_other_proportions_and_full_masks_are_told(capsys):
    photo("tall.png", height=90, width=60)
    Image.new("L", (30, 20), 255).save("white.png")
    assert run(paint, "tall.png", REGION[0], "--region=white.png", "-q") == 0
    told = capsys.readouterr().err.splitlines()
    assert told == [
        "jaxpaint: tall.png: 60 × 90 pixels, of which the middle 60 × 40 are painted",
        "jaxpaint: white.png: light everywhere, so the whole painting is painted anew",
    ]
