"""Commands as programs: devices, encodings, file names, interrupts, and the real thing in its own process."""

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

import pytest
from commands import ROOT, names, one_line, run, size

from jaxpaint import __version__
from jaxpaint.cli import app, paint
from jaxpaint.io import npz

pytestmark = pytest.mark.usefixtures("folder")


def test_a_closed_pipe_does_not_end_the_painting(painter, monkeypatch):
    """As `bin/paint photo.png 2>&1 | head -c 1`."""

    class Closed(io.StringIO):
        def write(self, _):
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stderr", Closed())
    assert run(paint, "photo.png") == 0
    assert npz.load_painting("paintings/photo.npz").state is None


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
    assert run(paint, name, "--config.brush=rectangle", "--config.strokes=20") == 0
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
