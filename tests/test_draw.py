"""The command `draw`: paintings drawn again, and bad input."""

import os

import pytest
from commands import names, one_line, run, size
from PIL import Image

from jaxpaint.cli import draw, paint

pytestmark = pytest.mark.usefixtures("folder")


def test_draws_again(painter, capsys):
    run(paint, "photo.png")
    capsys.readouterr()
    assert run(draw, "paintings/photo.npz", "--size=96") == 0
    assert size("paintings/photo.png") == (96, 72)
    assert run(draw, "paintings/photo.npz", "--out=big/it.png", "--timelapse") == 0
    assert names("big") == ["it.mp4", "it.png"]
    assert capsys.readouterr().out.split() == ["paintings/photo.png", "big/it.png", "big/it.mp4"]


@pytest.mark.parametrize("ending", ["png", "jpg"])
@pytest.mark.parametrize(
    ("flags", "pixels", "dpi"),
    [
        (["--size=96"], 96, None),
        (["--size=96", "--dpi=144"], 96, 144),
        (["--dpi=144"], 512, 144),
        (["--size=1in"], 300, 300),
        (["--size=2 CM"], 236, 300),
        (["--size=20.mm", "--dpi=150"], 118, 150),
        (["--size=2.5cm", "--dpi=100"], 98, 100),
    ],
)
def test_the_size_of_a_print(flags, pixels, dpi, ending, painter):
    """In a program that prints: the drawing's pixels, at the resolution that it records."""
    for command, source in ((paint, "photo.png"), (draw, "paintings/photo.npz")):
        run(paint, "photo.png", "--overwrite")
        out = f"print/{command.__name__}.{ending}"
        assert run(command, source, f"--out={out}", *flags) == 0
        with Image.open(out) as picture:
            assert max(picture.size) == pixels
            # A JPEG without a resolution has a density without a unit.
            found = picture.info.get("dpi")
            assert found is None if dpi is None else found == pytest.approx((dpi, dpi), abs=0.02)


def test_an_interrupted_print_records_its_resolution(painter):
    painter.interrupt_at = 3
    assert run(paint, "photo.png", "--size=1cm") == 130
    with Image.open("paintings/photo.png") as picture:
        assert (max(picture.size), round(picture.info["dpi"][0])) == (118, 300)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--size=9"], "expected one painting"),
        (["none.npz"], "none.npz: no such file"),
        (["photo.png"], "not a painting"),
        (["photo.npz", "--out=x.mp4"], "--out=x.mp4: expected a folder, or a name that ends in .png, .jpg, .jpeg"),
        (["photo.npz", "--size=99999"], "--size=99999: expected 1 to 16384 pixels, got 99999"),
        (["photo.npz", "--size=10in", "--dpi=2400"], "--size=10in: expected 1 to 16384 pixels, got 24000 at 2400 dpi"),
        (["photo.npz", "--out=photo.png/x.png"], "cannot write there"),
    ],
)
def test_draws_nothing(arguments, expected, painter, capsys):
    run(paint, "photo.png")
    os.rename("paintings/photo.npz", "photo.npz")
    capsys.readouterr()
    assert run(draw, *arguments) == 1
    assert expected in one_line(capsys)


def test_a_photograph_beside_its_painting_is_not_replaced_by_a_drawing(painter, folder, capsys):
    assert run(paint, "photo.png") == 0
    os.rename("paintings/photo.npz", "photo.npz")
    before = (folder / "photo.png").read_bytes()
    assert run(draw, "photo.npz") == 1
    assert "photo.png is there already, and does not say that jaxpaint made it" in one_line(capsys)
    assert (folder / "photo.png").read_bytes() == before
    # Where it was painted to, it may.
    os.rename("photo.npz", "paintings/photo.npz")
    assert run(draw, "paintings/photo.npz") == 0
