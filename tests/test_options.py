"""Flags, settings files and help; bad values are one line, before anything is painted."""

import os
import pathlib
import re

import numpy as np
import pytest
from commands import names, one_line, photo, run
from PIL import Image

from jaxpaint import directions
from jaxpaint.cli import draw, paint

pytestmark = pytest.mark.usefixtures("folder")


def test_flags_and_configs(painter):
    pathlib.Path("mine.py").write_text("def get_config():\n    return dict(strokes=8, grid=3)\n")
    assert run(paint, "--config.strokes=12", "photo.png", "--config=mine.py", "--out=a/b") == 0
    assert run(paint, "photo.png", "--config", "configs/eight_bit.py", "--config.seed", "5") == 0
    (mine, art) = (call[2] for call in painter.calls)
    assert (mine.strokes, mine.grid, mine.brush) == (12, 3, "filbert")
    assert (art.strokes, art.seed, art.brush, art.opaque) == (300, 5, "rectangle", True)
    assert names("a/b") == ["photo.npz", "photo.png"]


def test_settings_in_json(painter, capsys):
    """Which are no program, and may come from anybody."""
    pathlib.Path("mine.json").write_text('{"strokes": 8, "brush": "rectangle"}')
    assert run(paint, "photo.png", "--config=mine.json", "--config.strokes=9") == 0
    (_, _, settings, *_) = painter.calls[0]
    assert (settings.strokes, settings.brush) == (9, "rectangle")
    # As Windows' editors begin it.
    pathlib.Path("mine.json").write_text('{"strokes": 8}', encoding="utf-8-sig")
    assert run(paint, "photo.png", "--config=mine.json") == 0
    for text, expected in (
        ("[1]", "mine.json: "),
        ("{", "mine.json: JSONDecodeError"),
        ('{"stroks": 1}', "did you mean"),
    ):
        capsys.readouterr()
        pathlib.Path("mine.json").write_text(text)
        assert run(paint, "photo.png", "--config=mine.json") == 1
        assert expected in one_line(capsys)


@pytest.mark.parametrize("command", [paint, draw])
def test_help(command, capsys):
    for flag in ("--help", "-h"):
        assert run(command, flag) == 0
    out, err = capsys.readouterr()
    assert out.startswith(f"usage: {command.__name__.rpartition('.')[2]} ")
    assert not err
    assert max(map(len, out.splitlines())) <= 100
    if command is paint:
        assert re.search(r"\n  strokes +\d+ ", out)


@pytest.mark.parametrize(("command", "examples"), [(paint, 5), (draw, 3)])
def test_without_arguments_there_are_examples(command, examples, capsys):
    assert run(command) == 1
    out, err = capsys.readouterr()
    name = command.__name__.rpartition(".")[2]
    assert not out and err.count(f"\n  {name} ") == examples and err.endswith(f"\n{name} --help lists all options.\n")
    assert "--config=FILE" not in err


def test_help_about_one_setting(capsys):
    for key in ("strokes", "config.strokes"):
        assert run(paint, f"--help={key}", "--config=quick.py") == 0
    out = capsys.readouterr().out
    assert out.startswith("strokes: how many strokes")
    assert re.search(r"\n  expected +an integer from 0 to 100000\n  in quick.py +500\n", out)
    assert "min_size" not in out


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--size=9"], "no picture given"),
        (["--config.stroks=5", "photo.png"], "config.stroks: no such key; did you mean strokes?"),
        (
            ["--config.strokes=-1", "photo.png"],
            "config.strokes: expected an integer from 0 to 100000, got -1",
        ),
        (["--config.strokes=many", "photo.png"], "--config.strokes=many: expected an integer"),
        (["--config.l1=much", "photo.png"], "--config.l1=much: expected a number"),
        (["--config.upright=maybe", "photo.png"], "--config.upright=maybe: expected true or false"),
        (["--config.brush=broom", "photo.png"], "got 'broom'"),
        (["--config=nothing.py", "photo.png"], "--config=nothing.py: no such file"),
        (["--config=impresionist.py", "photo.png"], "no such file; did you mean impressionist.py?"),
        (["--config=pipe.png", "photo.png"], "--config=pipe.png: expected a file of settings, got a folder, a pipe"),
        (["--config=photo.png", "photo.png"], "--config=photo.png: "),
        (["--config=empty.py", "photo.png"], "--config=empty.py: expected a Python file with a function get_config"),
        (["--config=bad.py", "photo.png"], "--config=bad.py: ZeroDivisionError: division by zero"),
        (["--config=exits.py", "photo.png"], "--config=exits.py: SystemExit"),
        (["pipe.png"], "pipe.png: expected a picture, got a pipe or a device"),
        (["--config=old.py", "photo.png"], "config.stroks: no such key; did you mean strokes?"),
        (["--size=big", "photo.png"], "--size=big: expected pixels, or a length such as 30cm, 300mm or 12in"),
        (["--size=0", "photo.png"], "--size=0: expected 1 to 16384 pixels, got 0"),
        (["--size", "photo.png"], "--size=photo.png: expected pixels, or a length"),
        (["--size=30km", "photo.png"], "--size=30km: expected pixels, or a length"),
        (["--size=-3cm", "photo.png"], "--size=-3cm: expected pixels, or a length"),
        (["--size=cm", "photo.png"], "--size=cm: expected pixels, or a length"),
        (["--size=2e3cm", "photo.png"], "--size=2e3cm: expected pixels, or a length"),
        (["--size=200cm", "photo.png"], "--size=200cm: expected 1 to 16384 pixels, got 23622 at 300 dpi"),
        (["--size=0mm", "--dpi=72", "photo.png"], "--size=0mm: expected 1 to 16384 pixels, got 0 at 72 dpi"),
        (["--dpi=0", "photo.png"], "--dpi=0: "),
        (["--dpi=fine", "photo.png"], "--dpi=fine: expected an integer"),
        (["--relief=4", "photo.png"], "--relief=4: 4.0 is not a number in the range [0.0, 3.0]"),
        (["--light=up", "photo.png"], "--light=up: expected a number"),
        (["--ground=wood", "photo.png"], "--ground=wood: value should be one of <auto|linen|paper|none>"),
        (["--sise=3", "photo.png"], "--sise: no such flag; did you mean --size?"),
        (["--strokes=30", "photo.png"], "--strokes: no such flag; did you mean --config.strokes?"),
        (["--nonsense", "photo.png"], "--nonsense: no such flag; see --help"),
        (
            ["--out=o/x.tiff", "photo.png"],
            "--out=o/x.tiff: expected a folder, or a name that ends in .png, .jpg, .jpeg",
        ),
        (["--out=photo.png", "photo.png"], "photo.png would be overwritten"),
        (["--out=bad.py", "photo.png"], "--out=bad.py: expected a folder, or a name that ends in .png"),
        (["--out=o/x.png", "photo.png", "other/photo.jpg"], "would both become o/x.png"),
        (["--help=stroks"], "--help=stroks: config.stroks: no such key; did you mean strokes?"),
        (["--out=photo.png/x", "photo.png"], "photo.png/x: cannot write there: Not a directory"),
        (["--out=/proc/none", "photo.png"], "/proc/none: cannot write there"),
        (["none.png"], "none.png: no such file"),
        (["photo.png", "other/photo.jpg"], "would both become paintings/photo.png"),
        (["photo.png", "photo.png"], "would both become paintings/photo.png"),
        (["--out=.", "photo.png"], "photo.png would be overwritten"),
        (["other"], "other"),
        (["bad.py"], "bad.py"),
        (["--config.brush=oilpaintbrush", "--config.brush_image=none.png", "photo.png"], "none.png"),
    ],
)
def test_bad_input(arguments, expected, painter, folder, capsys):
    os.mkdir("other")
    photo("other/photo.jpg")
    pathlib.Path("bad.py").write_text("def get_config():\n    return 1 / 0\n")
    pathlib.Path("empty.py").write_text("")
    pathlib.Path("old.py").write_text("def get_config():\n    return dict(stroks=1)\n")
    pathlib.Path("exits.py").write_text("raise SystemExit(0)")
    os.mkfifo("pipe.png")
    before = sorted(folder.rglob("*"))
    assert run(paint, *arguments) == 1
    assert expected in one_line(capsys)
    assert not painter.calls
    assert sorted(folder.rglob("*")) == before


def test_a_tilde_is_the_home(painter, folder, monkeypatch):
    """After a flag's =, shells leave it to the program."""
    monkeypatch.setenv("HOME", str(folder / "home"))
    assert run(paint, "photo.png", "--out=~/pictures") == 0
    assert names("home/pictures") == ["photo.npz", "photo.png"] and not pathlib.Path("~").exists()


@pytest.mark.parametrize("argument", ["--out=", "--coordinator=", ""])
def test_empty_values_are_refused(painter, argument, capsys):
    assert run(paint, "photo.png", argument) == 1
    assert ("an empty one" if not argument else f"{argument}: expected a value") in one_line(capsys)
    assert not painter.calls
    assert run(paint, "photo.png", "--config.ink=") == 0


def test_a_palette_in_a_file(painter, capsys):
    pathlib.Path("mine.hex").write_text("FF0000\n0080ff\n")
    assert run(paint, "photo.png", "--config.palette=mine.hex") == 0
    (_, _, settings, *_) = painter.calls[0]
    # The colours, so that the file is not needed again.
    assert settings.palette == "#ff0000,#0080ff"
    capsys.readouterr()
    assert run(paint, "photo.png", "--config.palette=missing.hex", "-o", "other") == 1
    assert one_line(capsys).startswith("jaxpaint: missing.hex: no such file")
    assert run(paint, "photo.png", "--config.palette=mine.hex", "-o", "mine.hex") == 1
    assert run(paint, "photo.png", "--config.pigments=mine.hex", "-o", "mixed") == 0
    assert painter.calls[-1][2].pigments == "#ff0000,#0080ff"


def test_a_map_of_detail(painter, capsys):
    """Maps with the photograph's proportions, with others, transparent, and missing."""
    maps = {"same": (48, 64), "other": (40, 40)}
    for name, (height, width) in maps.items():
        photo(f"{name}.png", height=height, width=width)
    Image.new("RGBA", (64, 48), (255, 255, 255, 0)).save("black.png")
    told = []
    for name in (*maps, "black"):
        assert run(paint, "photo.png", f"--detail={name}.png", "-q", "-o", name) == 0
        told.append(capsys.readouterr().err.strip())
    assert told[0] == ""
    assert told[1] == "jaxpaint: other.png: 40 × 40 pixels, stretched to 32 × 24"
    assert told[2] == "jaxpaint: black.png: uniform, so all places have equal weight"
    assert painter.detail.max() == 0
    assert run(paint, "photo.png", "--detail=missing.png", "-o", "missing") == 1
    assert one_line(capsys) == "jaxpaint: missing.png: no such file"
    assert run(paint, "photo.png", "--detail=same.png", "--config.mode=blocks", "-o", "blocks") == 1
    assert "expected without config.mode=blocks" in one_line(capsys)
    assert run(paint, "photo.png", "--detail=same.png", "-o", "same.png") == 1


def test_a_map_of_directions(painter, capsys):
    """Hues and vectors give the same directions; the photograph's own are taken where a map has none."""
    Image.new("RGB", (64, 48), (0, 255, 255)).save("upright.png")
    np.save("upright.npy", np.broadcast_to(np.float32([0, 1]), (24, 32, 2)))
    np.save("left.npy", np.float32([[[-0.5, 0.5], [0, 0]]]))
    Image.new("RGB", (40, 40), (128, 128, 128)).save("grey.png")
    for name in ("upright.png", "upright.npy"):
        assert run(paint, "photo.png", f"--flow={name}", "-q", "-o", "upright") == 0
        np.testing.assert_allclose(painter.form, np.broadcast_to([-1, 0], painter.form.shape), atol=1e-5)
    assert capsys.readouterr().err == ""
    assert run(paint, "photo.png", "--flow=grey.png", "-q", "-o", "grey") == 0
    own = painter.form
    assert capsys.readouterr().err.splitlines() == [
        "jaxpaint: grey.png: 40 × 40 pixels, stretched to 32 × 24",
        "jaxpaint: grey.png: without colours, so strokes follow the photograph's forms",
    ]
    assert run(paint, "photo.png", "--flow=left.npy", "-q", "-o", "left") == 0
    left, right = (painter.form[:, ends] for ends in (slice(0, 20), slice(-20, None)))
    assert np.median(directions.angle(left)) == pytest.approx(-np.pi / 4, abs=0.1)
    np.testing.assert_allclose(right, own[:, -20:], atol=1e-5)


@pytest.mark.usefixtures("painter")
def test_bad_maps_of_directions(capsys):
    Image.new("RGB", (64, 48), (0, 255, 255)).save("upright.png")
    pathlib.Path("text.npy").write_text("no array")
    np.save("flat.npy", np.zeros((24, 32)))
    np.save("nan.npy", np.full((24, 32, 2), np.nan))
    for name, expected in (
        ("missing.png", "no such file"),
        ("missing.npy", "no such file"),
        ("text.npy", "not a map of directions (npy): "),
        ("flat.npy", "expected finite numbers of shape [rows, columns, 2], got (24, 32)"),
        ("nan.npy", "expected finite numbers of shape [rows, columns, 2]"),
    ):
        assert run(paint, "photo.png", f"--flow={name}") == 1
        assert expected in one_line(capsys)
    for setting in ("mode=blocks", "upright", "direction=0"):
        assert run(paint, "photo.png", "--flow=upright.png", f"--config.{setting}") == 1
        assert "expected without config.mode=blocks, config.upright and config.direction=0" in one_line(capsys)
    assert not pathlib.Path("paintings").exists()
