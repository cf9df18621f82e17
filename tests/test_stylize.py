"""The command `stylize`: files that come out, one line for everything that goes wrong, Ctrl-C and resuming."""

import dataclasses
import json
import os
import pathlib
import re
import subprocess
import sys

import numpy as np
import pytest
from commands import ROOT, STEPS, names, one_line, run
from PIL import Image

from jaxpaint import painting, styling
from jaxpaint.brushes import BRUSHES
from jaxpaint.cli import outputs, paint, stylize
from jaxpaint.io import images, npz
from jaxpaint.settings import Settings, StyleSettings
from jaxpaint.types import Painting, Progress


class Styler:
    """Stands in for `stylize_stages`: takes no time; can be interrupted; keeps its calls."""

    def __init__(self):
        self.calls = []
        self.interrupt_at = None

    def __call__(self, picture, style, *, settings, mask=None, resume=None):
        self.calls.append((picture, [s.shape for s in style], settings, mask, resume))
        for step in range(1 + (int(resume.state["count"]) if resume else 0), STEPS + 1):
            if step == self.interrupt_at:
                raise KeyboardInterrupt
            state = {"count": np.array(step)} if step < STEPS else None
            strokes = np.clip(picture.strokes + np.float32(0.01 * step), 0, 1)
            yield (
                dataclasses.replace(picture, strokes=strokes, state=state, styling=settings),
                Progress(1, 1, step, STEPS, 0.5, 20.0, len(strokes)),
            )


@pytest.fixture
def styler(monkeypatch):
    fake = Styler()
    monkeypatch.setattr(styling, "stylize_stages", fake)
    return fake


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A working folder with a painting, two style pictures and a photograph."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    for name, shape in {"photo.png": (24, 32, 3), "a.png": (8, 9, 3), "b.jpg": (10, 8, 3)}.items():
        Image.fromarray(rng.integers(0, 256, shape, np.uint8)).save(name)
    npz.save_painting("work.npz", make())
    return tmp_path


def make(**changes):
    strokes = np.random.default_rng(1).random((6, BRUSHES["rectangle"].dim), np.float32)
    settings = Settings(brush="rectangle", strokes=6, size=32)
    result = Painting(strokes, "rectangle", 24, 32, (1.0, 1.0, 1.0), None, settings)
    return dataclasses.replace(result, **changes)


def test_styles(styler, capsys):
    assert run(stylize, "work.npz", "--style=a.png") == 0
    assert names("stylized") == ["work.npz", "work.png"]
    [(before, shapes, settings, mask, resume)] = styler.calls
    assert (len(before.strokes), shapes, settings, mask, resume) == (6, [(8, 9, 3)], StyleSettings(), None, None)
    assert capsys.readouterr().out == "stylized/work.png\n"
    assert npz.load_painting("stylized/work.npz").styling == StyleSettings()
    assert run(stylize, "stylized/work.npz", "--style=b.jpg", "--out=twice") == 0


def test_everything_that_can_be_asked_for(styler):
    flags = ["--size=64", "--timelapse", "--report", "--out=out", "--mask=photo.png"]
    flags += ["--config.style_weights=1,3", "--config.mode=color"]
    assert run(stylize, "work.npz", "--style=a.png,b.jpg", *flags) == 0
    assert names("out") == ["work.json", "work.mp4", "work.npz", "work.png"]
    with Image.open("out/work.png") as picture:
        assert picture.size == (64, 48)
    [(_, shapes, settings, mask, _)] = styler.calls
    assert (shapes, settings.weights_of(2), settings.mode) == ([(8, 9, 3), (10, 8, 3)], (0.25, 0.75), "color")
    assert mask.shape == (24, 32) and 0 <= mask.min() < mask.max() <= 1
    report = json.loads(pathlib.Path("out/work.json").read_text())
    assert 5 < report["psnr"] < 60
    assert report["styles"] == ["a.png", "b.jpg"] and report["mask"] == "photo.png"
    assert report["styling"]["mode"] == "color" and report["settings"]["brush"] == "rectangle"
    assert set(report["seconds"]) == {"compiling", "fitting", "styling", "drawing", "total"}


def test_help(capsys):
    assert run(stylize, "--help") == 0
    out, err = capsys.readouterr()
    assert out.startswith("usage: stylize ") and not err
    assert max(map(len, out.splitlines())) <= 100
    assert re.search(r"\n  laplacian +\d", out)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--style=a.png"], "no painting given"),
        (["work.npz"], "no --style picture given"),
        (["work.npz", "--style=none.png"], "none.png: no such file"),
        (["none.npz", "--style=a.png"], "none.npz: no such file"),
        (["work.npz", "--style=a.png", "--mask=none.png"], "none.png: no such file"),
        (["work.npz", "--style=a.png", "--paint=none.py"], "--paint=none.py: no such file"),
        (["work.npz", "--style=a.png", "--paint=bad.py"], "--paint=bad.py: ZeroDivisionError"),
        (["work.npz", "--style=a.png", "--config.stile=2"], "config.stile: no such key; did you mean style?"),
        (["work.npz", "--style=a.png", "--config.style=0"], "config.style: expected a weight above 0"),
        (["work.npz", "--style=a.png", "--config.style_weights=1,2"], "expected 1 numbers"),
        (["work.npz", "--style=a.png", "--out=."], "work.npz would be overwritten"),
        (["photo.png", "--style=a.png", "--out=."], "photo.png would be overwritten"),
        (["work.npz", "--style=work.png", "--out=sub"], "work.png would be overwritten"),
        (["work.npz", "work.png", "--style=a.png"], "would both become stylized/work.png"),
        (["words.npz", "--style=a.png"], "words.npz: not a painting"),
        (["work.npz", "--style=words.npz"], "words.npz: expected a picture"),
        (["work.npz", "--style=a.png", "--config.content_layers=relu9_9"], "vgg16 has no layer 'relu9_9'; its layers"),
        (["part.npz", "--style=a.png"], "part.npz: a painting that is not finished"),
    ],
)
def test_bad_input(arguments, expected, folder, capsys):
    pathlib.Path("words.npz").write_text("no painting")
    pathlib.Path("bad.py").write_text("1 / 0")
    pathlib.Path("sub").mkdir()
    Image.new("RGB", (4, 4)).save("sub/work.png")
    os.link("sub/work.png", "work.png")
    npz.save_painting("part.npz", make(state={"step": np.array(1)}))
    before = sorted(folder.rglob("*"))
    assert run(stylize, *arguments) == 1
    assert expected in one_line(capsys)
    assert sorted(folder.rglob("*")) == before


def test_interrupt_and_resume(styler, capsys):
    arguments = ["work.npz", "--style=a.png", "--config.laplacian=0.5"]
    assert run(stylize, *arguments, "--out=whole") == 0
    styler.interrupt_at = 3
    assert run(stylize, *arguments) == 130
    line = one_line(capsys)
    assert "kept what is painted so far in stylized/work.npz" in line
    assert line.endswith("stylize work.npz --style=a.png --config.laplacian=0.5 --resume")
    assert names("stylized") == ["work.npz", "work.png"]

    styler.interrupt_at = None
    assert run(stylize, "work.npz", "--style=a.png", "--resume") == 0
    assert styler.calls[-1][2].laplacian == 0.5
    whole, resumed = (npz.load_painting(f"{out}/work.npz") for out in ("whole", "stylized"))
    np.testing.assert_array_equal(resumed.strokes, whole.strokes)
    capsys.readouterr()
    assert run(stylize, "work.npz", "--style=a.png", "--resume") == 0
    assert "finished already" in capsys.readouterr().out
    assert run(stylize, "work.npz", "--style=a.png", "--resume", "--config.laplacian=0.7") == 1
    assert "made with config.laplacian=0.5, not 0.7" in one_line(capsys)


def test_interrupt_while_the_photograph_is_painted(styler, monkeypatch, capsys):
    calls, forms = [], []

    def paint_stages(image, *, key, settings, brush_image=None, form=None, detail=None, matte=None, resume=None):
        calls.append(resume)
        forms.append(form)
        for step in range(1 + (int(resume.state["step"]) if resume else 0), STEPS + 1):
            if step == 3 and not resume:
                raise KeyboardInterrupt
            state = {"step": np.array(step)} if step < STEPS else None
            yield (
                make(settings=settings, brush=settings.brush, state=state),
                Progress(1, 1, step, STEPS, 0, 9, 6),
            )

    monkeypatch.setattr(painting, "paint_stages", paint_stages)
    pathlib.Path("boxes.py").write_text("def get_config():\n    return dict(brush='rectangle', strokes=6, size=32)\n")
    assert run(stylize, "photo.png", "--style=a.png", "--paint=boxes.py") == 130
    assert "Continue with: stylize photo.png --style=a.png --paint=boxes.py --resume" in one_line(capsys)
    assert names("stylized") == ["photo-painted.npz", "photo-painted.png"] and not styler.calls
    assert run(stylize, "photo.png", "--style=a.png", "--paint=boxes.py", "--resume") == 0
    assert int(calls[-1].state["step"]) == 2 and len(styler.calls) == 1
    np.testing.assert_array_equal(*forms)
    assert names("stylized") == ["photo-painted.npz", "photo-painted.png", "photo.npz", "photo.png"]


def test_other_style_pictures_are_not_gone_on_with(monkeypatch, capsys):
    """The real thing refuses before it computes anything."""
    pathlib.Path("stylized").mkdir()
    part = make(styling=StyleSettings(), state={"count": np.array(1), "mu": np.zeros((6, 9)), "nu": np.zeros((6, 9))})
    npz.save_painting("stylized/work.npz", part)
    assert run(stylize, "work.npz", "--style=a.png", "--resume", "--overwrite") == 1
    line = one_line(capsys)
    assert line.startswith("jaxpaint: stylized/work.npz: ") and "that the styling began with, got others" in line


def test_a_painting_of_somebody_s_is_not_replaced_by_the_first_one_of_a_photograph(styler, capsys):
    pathlib.Path("stylized").mkdir()
    npz.save_painting("stylized/photo-painted.npz", make(origin="0" * 32))
    before = pathlib.Path("stylized/photo-painted.npz").read_bytes()
    assert run(stylize, "photo.png", "--style=a.png") == 1
    assert "photo-painted.npz is there already, made from something else than photo.png" in one_line(capsys)
    assert pathlib.Path("stylized/photo-painted.npz").read_bytes() == before


@pytest.mark.parametrize("flags", [[], ["--resume"]])
def test_a_painting_in_the_manner_of_one_style_does_not_serve_another(styler, capsys, flags):
    pathlib.Path("stylized").mkdir()
    origin = outputs.origin_of("painting to be styled", pathlib.Path("photo.png"), pathlib.Path("a.png"))
    npz.save_painting("stylized/photo-painted.npz", make(origin=origin))
    assert run(stylize, "photo.png", "--style=b.jpg", *flags) == 1
    assert "photo-painted.npz is there already, made from something else than photo.png" in one_line(capsys)
    assert run(stylize, "photo.png", "--style=a.png", "--resume") == 0


def test_a_painting_by_a_file_of_settings_serves_every_style(styler):
    pathlib.Path("tiny.py").write_text("def get_config():\n    return dict(brush='rectangle', strokes=6, steps=6)\n")
    for number, style in enumerate(("a.png", "b.jpg")):
        assert run(stylize, "photo.png", f"--style={style}", "--paint=tiny.py", "--resume") == 0
        os.rename("stylized/photo.npz", f"stylized/{number}.npz")
        os.remove("stylized/photo.png")
    (one, *_), (other, *_) = styler.calls
    np.testing.assert_array_equal(one.strokes, other.strokes)


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["--style=a.png,b.jpg"], ["a.png", "b.jpg"]),
        (["--style=a.png", "--style=b.jpg"], ["a.png", "b.jpg"]),
        (["--style=Gogh, Vincent.png"], ["Gogh, Vincent.png"]),
        (["--style=a.png", "--style=Gogh, Vincent.png"], ["a.png", "Gogh, Vincent.png"]),
        (['--style="Gogh, Vincent.png",a.png'], ["Gogh, Vincent.png", "a.png"]),
        (["--style=~/a.png"], ["a.png"]),
    ],
)
def test_names_of_style_pictures(styler, folder, monkeypatch, flags, expected):
    monkeypatch.setenv("HOME", str(folder))
    Image.new("RGB", (7, 7)).save("Gogh, Vincent.png")
    assert run(stylize, "work.npz", *flags) == 0
    ((_, shapes, *_),) = styler.calls
    assert shapes == [images.read_image(name).shape for name in expected]


def test_a_comma_too_many(styler, capsys):
    assert run(stylize, "work.npz", "--style=a.png,") == 1
    assert "--style=a.png,: expected names of pictures, with commas between them" in one_line(capsys)


def test_what_is_no_styling_is_not_gone_on_with(styler, capsys):
    pathlib.Path("stylized").mkdir()
    npz.save_painting("stylized/work.npz", make())
    assert run(stylize, "work.npz", "--style=a.png", "--resume", "--overwrite") == 1
    assert "not a painting in another style" in one_line(capsys)
    styled = make(height=24, width=32, styling=StyleSettings(), state={"steps": np.array(1)})
    npz.save_painting("stylized/photo.npz", styled)
    assert run(paint, "photo.png", "--out=stylized", "--resume", "--overwrite") == 1
    assert "a painting in another style" in one_line(capsys)


@pytest.mark.slow
def test_bin_stylizes_for_real():
    """The real thing, in a process of its own: a photograph painted, styled with two pictures, drawn larger."""
    pathlib.Path("tiny.py").write_text("def get_config():\n    return dict(size=32, strokes=6, steps=6)\n")
    quick = [
        "--config.steps=2",
        "--config.vgg_size=32",
        "--config.style_layers=relu1_1",
        "--config.content_layers=relu1_1",
    ]
    for words in (
        ["stylize", "photo.png", "--style=a.png,b.jpg", "--paint=tiny.py", "--report", *quick],
        ["draw", "stylized/photo.npz", "--size=100", "--out=stylized/large.png"],
    ):
        command = [sys.executable, ROOT / "bin" / words[0], *words[1:]]
        done = subprocess.run(
            command, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
    assert names("stylized") == ["large.png", "photo-painted.npz", "photo.json", "photo.npz", "photo.png"]
    before, after = (npz.load_painting(f"stylized/{name}.npz") for name in ("photo-painted", "photo"))
    assert before.strokes.shape == after.strokes.shape == (6, 15)
    assert (before.strokes != after.strokes).any() and after.styling.vgg_size == 32
