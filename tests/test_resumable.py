"""Ctrl-C, signals, resuming and full disks."""

import os
import pathlib
import signal
import subprocess
import sys

import numpy as np
import pytest
from commands import ROOT, Painter, names, one_line, photo, run, size

from jaxpaint.cli import paint, resumable
from jaxpaint.errors import WriteError
from jaxpaint.io import npz
from jaxpaint.settings import Settings
from jaxpaint.types import Painting

pytestmark = pytest.mark.usefixtures("folder")


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


def test_nothing_is_left_where_there_is_no_room_either(painter, monkeypatch, capsys, tmp_path):
    temporary = tmp_path / "elsewhere"
    temporary.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(temporary))

    def full(path, result):
        raise WriteError(f"{path}: can't be written: No space left on device")

    monkeypatch.setattr(resumable, "save_painting", full)
    assert run(paint, "photo.png") == 1
    assert one_line(capsys).endswith("paintings/photo.npz: can't be written: No space left on device")
    assert not list(temporary.iterdir())


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
