"""The commands: files that come out, one line for everything that goes wrong, Ctrl-C and resuming.

Most of it is tested with a painter that takes no time; the last tests paint with the real one.
"""

import gc
import io
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

import jax
import numpy as np
import pytest
from PIL import Image

from jaxpaint import __version__, drawing, painting, pictures, runtime
from jaxpaint.brushes import BRUSHES
from jaxpaint.cli import app, draw, paint, resumable
from jaxpaint.errors import WriteError
from jaxpaint.io import images, npz
from jaxpaint.settings import Settings
from jaxpaint.types import Painting, Progress

ROOT = pathlib.Path(__file__).resolve().parents[1]
STEPS = 4


class Painter:
    """Stands in for `paint_stages`: a few strokes a step; can be interrupted; keeps its calls."""

    def __init__(self):
        self.calls = []
        self.interrupt_at = None

    def __call__(self, image, *, key, settings, brush_image=None, form=None, resume=None):
        self.calls.append((image.shape, key, settings, brush_image, resume))
        strokes = np.random.default_rng(settings.seed).random(
            (settings.strokes, BRUSHES[settings.brush].dim), np.float32
        )
        for step in range(1 + (int(resume.state["step"]) if resume else 0), STEPS + 1):
            if step == self.interrupt_at:
                raise KeyboardInterrupt
            count = settings.strokes * step // STEPS
            state = {"step": np.array(step)} if step < STEPS else None
            result = Painting(
                strokes=strokes[:count],
                brush=settings.brush,
                height=image.shape[0],
                width=image.shape[1],
                canvas_color=settings.canvas_rgb,
                brush_image=brush_image,
                settings=settings,
                state=state,
            )
            yield result, Progress(1, 1, step, STEPS, 0.5, 20.0, count)


@pytest.fixture
def painter(monkeypatch):
    fake = Painter()
    monkeypatch.setattr(painting, "paint_stages", fake)

    def fake_draw(result, *, size=None):
        shape = pictures.fitted_shape(result.height, result.width, size or result.settings.size)
        return np.full((*shape, 3), min(len(result.strokes) / 255, 1.0), np.float32)

    def fake_timelapse(result, *, size, frames):
        for i in range(3):
            yield np.full((16, 16, 3), 40 * i, np.uint8)

    monkeypatch.setattr(drawing, "draw", fake_draw)
    monkeypatch.setattr(drawing, "draw_layers", fake_draw)
    monkeypatch.setattr(drawing, "timelapse", fake_timelapse)
    return fake


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A working folder with nothing but a photograph."""
    monkeypatch.chdir(tmp_path)
    photo("photo.png")
    return tmp_path


def photo(name, height=24, width=32):
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    Image.fromarray(pixels).save(name)
    return name


def size(path):
    with Image.open(path) as picture:
        return picture.size


def run(command, *arguments):
    return command.main([command.__name__.rpartition(".")[2], *arguments])


def one_line(capsys):
    lines = capsys.readouterr().err.splitlines()
    complaints = [line for line in lines if line.startswith("jaxpaint: ")]
    assert len(complaints) == 1, lines
    return complaints[0]


def names(path="paintings"):
    return sorted(file.name for file in pathlib.Path(path).iterdir())


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
    small = ["--config.brush=filbert", "--config.strokes=12", "--config.steps=12", "--config.size=48"]
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


def test_flags_and_configs(painter):
    pathlib.Path("mine.py").write_text("def get_config():\n    return dict(strokes=8, grid=3)\n")
    assert run(paint, "--config.strokes=12", "photo.png", "--config=mine.py", "--out=a/b") == 0
    assert run(paint, "photo.png", "--config", "configs/eight_bit.py", "--config.seed", "5") == 0
    (mine, art) = (call[2] for call in painter.calls)
    assert (mine.strokes, mine.grid, mine.brush) == (12, 3, "filbert")
    assert (art.strokes, art.seed, art.brush, art.opaque) == (300, 5, "rectangle", True)
    assert names("a/b") == ["photo.npz", "photo.png"]


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


@pytest.mark.parametrize("command", [paint, draw])
def test_without_arguments_there_are_examples(command, capsys):
    assert run(command) == 1
    out, err = capsys.readouterr()
    name = command.__name__.rpartition(".")[2]
    assert not out and err.count(f"\n  {name} ") == 3 and err.endswith(f"\n{name} --help lists all options.\n")
    assert "--config=FILE" not in err


def test_help_about_one_setting(capsys):
    for key in ("strokes", "config.strokes"):
        assert run(paint, f"--help={key}", "--config=quick.py") == 0
    out = capsys.readouterr().out
    assert out.startswith("strokes: how many strokes")
    assert re.search(r"\n  expected +an integer from 0 to 100000\n  in quick.py +500\n", out)
    assert "min_size" not in out


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
        (["--config=bad.py", "photo.png"], "--config=bad.py: ZeroDivisionError: division by zero"),
        (["--config=exits.py", "photo.png"], "--config=exits.py: SystemExit"),
        (["pipe.png"], "pipe.png: expected a picture, got a pipe or a device"),
        (["--config=old.py", "photo.png"], "config.stroks: no such key; did you mean strokes?"),
        (["--size=big", "photo.png"], "--size=big: expected an integer"),
        (["--size=0", "photo.png"], "--size=0: "),
        (["--size", "photo.png"], "--size=photo.png: expected an integer"),
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
    pathlib.Path("old.py").write_text("def get_config():\n    return dict(stroks=1)\n")
    pathlib.Path("exits.py").write_text("raise SystemExit(0)")
    os.mkfifo("pipe.png")
    before = sorted(folder.rglob("*"))
    assert run(paint, *arguments) == 1
    assert expected in one_line(capsys)
    assert not painter.calls
    assert sorted(folder.rglob("*")) == before


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


def test_interrupt_and_resume(painter, capsys):
    arguments = ["photo.png", "--config.strokes=40"]
    assert run(paint, *arguments, "--out=whole") == 0
    painter.interrupt_at = 3
    capsys.readouterr()
    assert run(paint, *arguments) == 130
    line = one_line(capsys)
    assert "kept what is painted so far in paintings/photo.npz" in line
    assert line.endswith("paint photo.png --config.strokes=40 --resume")
    assert names() == ["photo.npz", "photo.png"]
    kept = npz.load_painting("paintings/photo.npz")
    assert len(kept.strokes) == 20
    assert kept.state == {"step": 2}

    painter.interrupt_at = None
    assert run(paint, "photo.png", "--resume") == 0
    assert painter.calls[-1][2].strokes == 40
    for name in ("photo.png", "photo.npz"):
        assert_same_content(f"whole/{name}", f"paintings/{name}")


def assert_same_content(a, b):
    if a.endswith("npz"):
        with np.load(a) as one, np.load(b) as other:
            assert one.files == other.files
            for name in one.files:
                np.testing.assert_array_equal(one[name], other[name])
    else:
        assert pathlib.Path(a).read_bytes() == pathlib.Path(b).read_bytes()


def test_an_unfinished_painting_does_not_take_the_place_of_a_finished_one(painter, capsys):
    assert run(paint, "photo.png", "--config.strokes=40") == 0
    finished = [pathlib.Path(f"paintings/photo.{ending}").read_bytes() for ending in ("npz", "png")]
    painter.interrupt_at = 3
    capsys.readouterr()
    assert run(paint, "photo.png", "--config.strokes=60") == 130
    assert "kept what is painted so far in paintings/photo-part.npz" in one_line(capsys)
    assert [pathlib.Path(f"paintings/photo.{ending}").read_bytes() for ending in ("npz", "png")] == finished
    assert npz.load_painting("paintings/photo-part.npz").state == {"step": 2}
    painter.interrupt_at = None
    assert run(paint, "photo.png", "--resume") == 0
    assert names() == ["photo.npz", "photo.png"]
    assert len(npz.load_painting("paintings/photo.npz").strokes) == 60


def test_a_closed_pipe_does_not_end_the_painting(painter, monkeypatch):
    """As `bin/paint photo.png 2>&1 | head -c 1`."""

    class Closed(io.StringIO):
        def write(self, _):
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stderr", Closed())
    assert run(paint, "photo.png") == 0
    assert npz.load_painting("paintings/photo.npz").state is None


def test_a_disk_that_is_full_for_a_while_does_not_end_the_painting(painter, monkeypatch, capsys):
    save, failed = npz.save_painting, []

    def full_at_first(path, result):
        if not failed:
            failed.append(path)
            raise WriteError(f"{path}: can't be written: No space left on device")
        save(path, result)

    monkeypatch.setattr(resumable, "SECONDS_BETWEEN_SAVES", 0.0)
    monkeypatch.setattr(resumable, "save_painting", full_at_first)
    assert run(paint, "photo.png") == 0
    assert "No space left on device; painting on" in one_line(capsys)
    assert npz.load_painting("paintings/photo.npz").state is None


def test_interrupted_at_once(painter, capsys):
    painter.interrupt_at = 1
    assert run(paint, "photo.png") == 130
    assert "nothing to keep" in one_line(capsys)
    assert not pathlib.Path("paintings").exists()


def test_an_unfinished_painting_is_not_replaced_if_resume_is_forgotten(painter, capsys):
    painter.interrupt_at = 3
    run(paint, "photo.png", "--config.strokes=40")
    part = pathlib.Path("paintings/photo.npz").read_bytes()
    capsys.readouterr()
    assert run(paint, "photo.png", "--config.strokes=60") == 1
    expected = "paintings/photo.npz: not finished yet; --resume continues it, --overwrite starts over"
    assert expected in one_line(capsys)
    assert pathlib.Path("paintings/photo.npz").read_bytes() == part
    painter.interrupt_at = None
    assert run(paint, "photo.png", "--config.strokes=60", "--overwrite") == 0
    assert len(npz.load_painting("paintings/photo.npz").strokes) == 60
    # An unfinished painting beside a finished one counts, too.
    painter.interrupt_at = 3
    run(paint, "photo.png")
    capsys.readouterr()
    assert run(paint, "photo.png") == 1
    assert "paintings/photo-part.npz: not finished yet" in one_line(capsys)


def test_each_painting_is_checked_again_before_it_is_painted(painter, monkeypatch, capsys):
    photo("other.png")
    painter.interrupt_at = 3
    run(paint, "other.png")
    painter.interrupt_at = None
    os.rename("paintings/other.npz", "aside.npz")
    save = npz.save_painting

    def saved(path, result):
        save(path, result)
        os.rename("aside.npz", "paintings/other.npz")

    monkeypatch.setattr(resumable, "save_painting", saved)
    assert run(paint, "photo.png", "other.png") == 1
    assert "paintings/other.npz: not finished yet" in capsys.readouterr().err
    assert len(painter.calls) == 2


def test_a_report_of_another_photograph_causes_a_warning(painter, capsys):
    assert run(paint, "photo.png", "--report") == 0
    report = pathlib.Path("paintings/photo.json").read_text()
    assert run(paint, "photo.png") == 0
    assert "stays as it was" not in capsys.readouterr().err
    photo("photo.png", 30, 30)
    assert run(paint, "photo.png", "--overwrite") == 0
    assert "paintings/photo.json: stays as it was, made from something else than photo.png" in one_line(capsys)
    assert pathlib.Path("paintings/photo.json").read_text() == report


def test_resume_of_what_is_finished(painter, capsys):
    run(paint, "photo.png")
    pathlib.Path("paintings/photo.png").unlink()
    assert run(paint, "photo.png", "--resume", "--size=48") == 0
    assert "finished already" in capsys.readouterr().out
    assert size("paintings/photo.png") == (48, 36)
    assert len(painter.calls) == 1


def test_resume_of_nothing_paints(painter, capsys):
    assert run(paint, "photo.png", "--resume") == 0
    assert "not there yet" in capsys.readouterr().out
    assert names() == ["photo.npz", "photo.png"]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (["--config.strokes=41"], "made with config.strokes=40, not 41"),
        (["--config=eight_bit"], "made with config.brush=filbert, not rectangle"),
        (["--config.strokes=40"], None),
    ],
)
def test_resume_with_other_settings(painter, capsys, change, expected):
    painter.interrupt_at = 3
    run(paint, "photo.png", "--config.strokes=40")
    painter.interrupt_at = None
    capsys.readouterr()
    status = run(paint, "photo.png", "--resume", *change)
    assert status == (1 if expected else 0)
    if expected:
        assert expected in one_line(capsys)


def test_resume_with_another_photograph(painter, capsys):
    painter.interrupt_at = 3
    run(paint, "photo.png")
    capsys.readouterr()
    photo("photo.png", 30, 30)
    assert run(paint, "photo.png", "--resume") == 1
    assert "paintings/photo.png is there already, made from something else than photo.png" in one_line(capsys)
    assert run(paint, "photo.png", "--resume", "--overwrite") == 1
    assert "another photograph" in one_line(capsys)


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


def test_two_processes_do_not_paint_one_painting(painter, capsys):
    os.mkdir("paintings")
    holder = "import time; from jaxpaint.io.atomic import locked"
    program = f"{holder}\nwith locked('paintings/photo.npz'): print(flush=True); time.sleep(600)"
    environment = dict(os.environ, PYTHONPATH=str(ROOT))
    with subprocess.Popen([sys.executable, "-c", program], env=environment, stdout=subprocess.PIPE) as process:
        process.stdout.readline()
        assert run(paint, "photo.png") == 1
        process.kill()
    assert f"paintings/photo.npz: being written by another process, number {process.pid}" in one_line(capsys)
    assert not painter.calls and run(paint, "photo.png") == 0


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_signals_to_end_are_as_ctrl_c(painter, monkeypatch, capsys, name):
    usual, save = signal.getsignal(getattr(signal, name)), painter.__class__.__call__

    def ended(self, *arguments, **options):
        for number, found in enumerate(save(self, *arguments, **options)):
            yield found
            if number == 1:
                os.kill(os.getpid(), getattr(signal, name))

    monkeypatch.setattr(Painter, "__call__", ended)
    assert run(paint, "photo.png") == 130
    assert "kept what is painted so far in paintings/photo.npz" in one_line(capsys)
    assert npz.load_painting("paintings/photo.npz").state == {"step": 2}
    assert signal.getsignal(getattr(signal, name)) == usual


def test_a_picture_written_through_a_link_has_the_format_of_the_links_name(painter, folder):
    os.mkdir("paintings")
    os.symlink(folder / "elsewhere", "paintings/photo.png")
    assert run(paint, "photo.png") == 0
    with Image.open("elsewhere") as picture:
        assert picture.format == "PNG"


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


def test_pages_are_paintings_of_their_own(painter, capsys):
    Image.new("L", (9, 9)).save("scan.tif", save_all=True, append_images=[Image.new("L", (9, 9), 200)])
    assert run(paint, "scan.tif", "--page=2") == 0
    capsys.readouterr()
    assert run(paint, "scan.tif", "--page=1") == 1
    assert "scan.png is there already, made from something else" in one_line(capsys)


def test_a_tilde_is_the_home(painter, folder, monkeypatch):
    """After a flag's =, shells leave it to the program."""
    monkeypatch.setenv("HOME", str(folder / "home"))
    assert run(paint, "photo.png", "--out=~/pictures") == 0
    assert names("home/pictures") == ["photo.npz", "photo.png"] and not pathlib.Path("~").exists()


def test_a_name_may_begin_with_a_dash(painter, capsys):
    os.rename("photo.png", "-photo.png")
    assert run(paint, "-photo.png") == 1
    assert one_line(capsys) == "jaxpaint: -photo.png: no such flag; the file of that name is ./-photo.png"
    assert run(paint, "./-photo.png") == 0


def test_versions_are_told_without_jax(tmp_path):
    (tmp_path / "jax.py").write_text("raise SystemExit('imported')")
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    for name in sorted((ROOT / "bin").iterdir()):
        command = [sys.executable, name, "photo.png", "--version"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        assert re.fullmatch(rf"jaxpaint {re.escape(__version__)} \(JAX \d+\.\d+\.\d+\S*\)\n", done.stdout)
    done = subprocess.run(
        [*command[:2], "--", "--version"], env=environment, capture_output=True, text=True, check=False
    )
    assert "imported" in done.stderr


def test_names_need_not_be_text(painter, capsysbinary):
    """As in archives from before UTF-8; other programs get the bytes, terminals and other encodings an escape."""
    name = os.fsdecode(b"caf\xe9.png")
    os.rename("photo.png", name)
    assert run(paint, name, "--config.brush=rectangle") == 0
    assert capsysbinary.readouterr().out == b"paintings/caf\xe9.png\n"
    command = [sys.executable, ROOT / "bin/draw", f"paintings/{name[:-4]}.npz", "--size=32"]
    for encoding, expected in (("utf-8", b"paintings/caf\xe9.png\n"), ("ascii", b"paintings/caf\\udce9.png\n")):
        environment = os.environ | {"PYTHONIOENCODING": f"{encoding}:strict", "PYTHONPATH": str(ROOT)}
        assert subprocess.run(command, env=environment, capture_output=True, check=True).stdout == expected


@pytest.mark.parametrize("platform", ["gpuu", "rocm"])
def test_a_device_that_is_not_there_is_one_line(platform):
    environment = os.environ | {"JAX_PLATFORMS": platform, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, ROOT / "bin/paint", "photo.png"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and not pathlib.Path("paintings").exists()
    (line,) = [line for line in done.stderr.splitlines() if "jaxpaint" in line or "Traceback" in line]
    assert line.startswith(f"jaxpaint: JAX_PLATFORMS={platform}: ")


def test_a_full_disk_takes_nothing_that_is_painted(painter, monkeypatch, capsys, tmp_path):
    save, temporary = npz.save_painting, tmp_path / "elsewhere"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))

    def full(path, result):
        if "paintings" in str(path):
            raise WriteError(f"{path}: can't be written: No space left on device")
        save(path, result)

    monkeypatch.setattr(resumable, "save_painting", full)
    assert run(paint, "photo.png") == 1
    line = one_line(capsys)
    assert "No space left on device; the painting is kept in " in line
    kept = npz.load_painting(line.rpartition(" ")[2])
    assert kept.state is None and len(kept.strokes) == Settings().strokes


@pytest.mark.parametrize("argument", ["--out=", "--coordinator=", ""])
def test_empty_values_are_refused(painter, argument, capsys):
    assert run(paint, "photo.png", argument) == 1
    assert ("an empty one" if not argument else f"{argument}: expected a value") in one_line(capsys)
    assert not painter.calls
    assert run(paint, "photo.png", "--config.ink=") == 0


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


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"JAXPAINT_CACHE": ""}, None),
        ({"JAXPAINT_CACHE": "/a/b"}, "/a/b"),
        ({"XDG_CACHE_HOME": "/c"}, "/c/jaxpaint"),
        ({}, "/home/me/.cache/jaxpaint"),
    ],
)
def test_cache_folder(environment, expected, monkeypatch):
    for name in ("JAXPAINT_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in ({"HOME": "/home/me"} | environment).items():
        monkeypatch.setenv(name, value)
    assert runtime.cache_folder() == (pathlib.Path(expected) if expected else None)


def test_compilations_are_kept():
    child = "import jax; from jaxpaint import runtime; runtime.keep_compilations(); jax.jit(lambda x: x + 1)(1.0)"
    environment = os.environ | {"JAXPAINT_CACHE": "kept"}
    environment["PYTHONPATH"] = str(ROOT)
    subprocess.run([sys.executable, "-c", child], check=True, env=environment)
    programs, used = (list(pathlib.Path("kept").glob(f"*-{kind}")) for kind in ("cache", "atime"))
    assert len(programs) == len(used) > 0
    # As a process leaves it that is killed in between.
    used[0].unlink()
    other = [sys.executable, "-W", "error", "-c", child.replace("x + 1", "x + 2")]
    subprocess.run(other, check=True, env=environment)
    assert len(list(pathlib.Path("kept").glob("*-cache"))) > len(programs)


@pytest.mark.parametrize("variable", ["JAXPAINT_CACHE", "JAX_COMPILATION_CACHE_DIR"])
def test_a_cache_that_cannot_be_written_is_named_and_gone_without(variable):
    """Of jaxpaint or of JAX; programs elsewhere are not touched."""
    child = "import jax; from jaxpaint import runtime; runtime.keep_compilations(); jax.jit(lambda x: x + 1)(1.0); "
    child += "print(jax.config.jax_compilation_cache_dir)"
    environment = {name: value for name, value in os.environ.items() if name != "JAXPAINT_CACHE"}
    environment |= {variable: "photo.png", "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", child], check=True, env=environment, capture_output=True, text=True)
    assert done.stdout == "None\n"
    (line,) = [line for line in done.stderr.splitlines() if "Warning" in line]
    assert re.search(f"photo.png: can't be written: File exists; .* unless {variable} names another folder", line)


@pytest.mark.parametrize("lost", [slice(-100, None), slice(1000, 1004)])
def test_a_damaged_painting_is_not_gone_on_from(painter, capsys, lost):
    """Nor is it touched; even if it is to be replaced, its state can't be read."""
    painter.interrupt_at = 3
    run(paint, "photo.png")
    path = pathlib.Path("paintings/photo.npz")
    damaged = bytearray(path.read_bytes())
    del damaged[lost]
    path.write_bytes(damaged)
    capsys.readouterr()
    assert run(paint, "photo.png", "--resume") == 1
    assert "paintings/photo.npz is there already, and " in one_line(capsys)
    assert run(paint, "photo.png", "--resume", "--overwrite") == 1
    assert "paintings/photo.npz: " in one_line(capsys)
    assert path.read_bytes() == damaged
    assert names() == ["photo.npz", "photo.png"]


def test_a_foreign_state_is_one_line(capsys):
    """With the real painter: an npz of ours, but not of a painting that it could go on with."""
    settings = Settings(strokes=6, steps=6, size=32)
    strokes = np.full((3, 15), 0.5, np.float32)
    part = Painting(strokes, "filbert", 24, 32, (1.0, 1.0, 1.0), None, settings, {"step": np.array(2)})
    pathlib.Path("paintings").mkdir()
    npz.save_painting("paintings/photo.npz", part)
    assert run(paint, "photo.png", "--resume", "--overwrite") == 1
    assert "paintings/photo.npz: expected the state of an unfinished painting" in one_line(capsys)
    assert names() == ["photo.npz"]


def test_ctrl_c_while_a_command_is_imported(tmp_path):
    """A stand-in for JAX, which takes for ever to import."""
    (tmp_path / "jax.py").write_text("import time\nprint('importing', flush=True)\ntime.sleep(600)")
    environment = dict(os.environ, PYTHONPATH=f"{tmp_path}{os.pathsep}{ROOT}")
    # Tests that run in the background ignore SIGINT, and so would this process.
    heed = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    program = f"{heed}; from jaxpaint.cli import launch; launch.paint()"
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", program], env=environment, **pipes) as process:
        assert process.stdout.readline() == "importing\n"
        process.send_signal(signal.SIGINT)
        assert process.stderr.read() == "jaxpaint: interrupted\n"
    assert process.returncode == 130


def test_ctrl_c_in_a_garbage_collection_is_heard(capsys):
    """Python drops what a callback raises."""

    def raising(phase, _):
        gc.callbacks.remove(raising)
        signal.raise_signal(signal.SIGTERM)

    def command(argv):
        gc.callbacks.append(raising)
        gc.collect()
        reached.append("the next line")
        time.sleep(60)
        reached.append("the end")
        return 0

    reached = []
    assert app.run(command, []) == 130
    assert one_line(capsys) == "jaxpaint: interrupted" and reached == ["the next line"]


@pytest.mark.slow
def test_ctrl_c_for_real():
    """A process that is interrupted once it has begun to paint, and another that goes on to the end."""
    # Tests that run in the background ignore SIGINT, and so would this process.
    heed = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    program = f"{heed}; from jaxpaint.cli.paint import main; raise SystemExit(main())"
    command = [sys.executable, "-c", program, "photo.png"]
    tiny = ["--config.size=32", "--config.strokes=6", "--config.steps=3000"]
    environment = dict(os.environ, PYTHONPATH=str(ROOT))
    with subprocess.Popen([*command, *tiny], env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert next(line for line in process.stderr if line.startswith("photo: step"))
        process.send_signal(signal.SIGINT)
        errors = process.stderr.read()
    assert process.returncode == 130
    assert errors.splitlines()[-1].startswith("jaxpaint: interrupted; kept what is painted so far")
    assert names() == ["photo.npz", "photo.png"]
    kept = npz.load_painting("paintings/photo.npz")
    assert 0 < len(kept.strokes) <= 6 and kept.state
    subprocess.run([*command, "--resume"], env=environment, check=True, capture_output=True)
    finished = npz.load_painting("paintings/photo.npz")
    assert len(finished.strokes) == 6 and finished.state is None


def test_bin_paints_for_real():
    """The real thing, in a process of its own: a tiny painting, then drawn again, larger."""
    environment = dict(os.environ, PYTHONPATH=str(ROOT))
    tiny = ["--config.brush=rectangle", "--config.size=32", "--config.strokes=6", "--config.steps=6"]
    for command in (
        ["paint", "photo.png", "--report", *tiny],
        ["draw", "paintings/photo.npz", "--size=100", "--out=paintings/large.png"],
    ):
        done = subprocess.run(
            [sys.executable, ROOT / "bin" / command[0], *command[1:]],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
    assert names() == ["large.png", "photo.json", "photo.npz", "photo.png"]
    assert size("paintings/photo.png") == (32, 24)
    assert size("paintings/large.png") == (100, 75)
    assert len(npz.load_painting("paintings/photo.npz").strokes) == 6
    assert json.loads(pathlib.Path("paintings/photo.json").read_text())["seconds"]["compiling"] > 0
