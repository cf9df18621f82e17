"""The command `draw`: paintings drawn again, and bad input."""

import os

import pytest
from commands import names, one_line, run, size

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


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--size=9"], "expected one painting"),
        (["none.npz"], "none.npz: no such file"),
        (["photo.png"], "not a painting"),
        (["photo.npz", "--out=x.mp4"], "--out=x.mp4: expected a folder, or a name that ends in .png, .jpg, .jpeg"),
        (["photo.npz", "--size=99999"], "--size=99999"),
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
