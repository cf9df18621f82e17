"""The machine, as reports describe it."""

import os
import pathlib
import re
import subprocess
import sys
import time

import jax
import pytest

from jaxpaint import runtime
from jaxpaint.renderers import Engine
from jaxpaint.settings import Settings

ROOT = pathlib.Path(__file__).resolve().parents[1]

CHILD = "from jaxpaint import runtime; print(runtime.peak_memory())"
PARENT = f"""
import subprocess, sys
held = bytearray(b"x") * 1_500_000_000
print(subprocess.run([sys.executable, "-c", {CHILD!r}], check=True, stdout=subprocess.PIPE, text=True).stdout)
"""


def test_peak_memory_is_that_of_the_program_not_of_who_started_it():
    done = subprocess.run([sys.executable, "-c", PARENT], check=True, stdout=subprocess.PIPE, text=True)
    assert 50_000_000 < int(done.stdout) < 1_000_000_000


def test_each_core_becomes_a_device_and_a_second_call_is_of_no_harm():
    child = (
        "import jax; from jaxpaint import runtime; runtime.use_all_cores(); "
        "print(len(jax.local_devices()), runtime.report()['cpus']); runtime.use_all_cores()"
    )
    environment = os.environ | {"JAX_PLATFORMS": "cpu"}
    done = subprocess.run([sys.executable, "-c", child], check=True, stdout=subprocess.PIPE, text=True, env=environment)
    devices, cores = done.stdout.split()
    assert devices == cores


def test_a_machine_without_the_modules_of_unix_has_all_but_its_memory():
    """As Windows is: what is imported there, and what is asked of the system."""
    child = (
        "import os, sys; sys.modules |= {'resource': None, 'fcntl': None}; del os.sched_getaffinity; "
        "from jaxpaint import runtime; from jaxpaint.cli import paint, paint_video; from jaxpaint.io import atomic; "
        "print(runtime.report()['cpus'] > 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", child],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert done.stdout == "True\n"


def test_there_need_be_no_home(monkeypatch):
    for name in ("JAXPAINT_CACHE", "XDG_CACHE_HOME", "HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("pwd.getpwuid", lambda number: (_ for _ in ()).throw(KeyError(number)))
    assert runtime.cache_folder() is None


def test_floats_of_64_bits_are_refused():
    with jax.enable_x64(True), pytest.raises(ValueError, match="got jax_enable_x64; paint within jax.enable_x64"):
        Engine.of(Settings())
    Engine.of(Settings())


def test_damaged_programs_are_forgotten_but_for_those_that_are_being_written(tmp_path, monkeypatch):
    monkeypatch.setenv("JAXPAINT_CACHE", str(tmp_path))
    monkeypatch.setattr(runtime, "_jax_cache", lambda: str(tmp_path))
    for name, age in (("old-cache", 60), ("new-cache", 0), ("words.txt", 60)):
        (tmp_path / name).write_text("half")
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    assert runtime.forget_compilations() and not runtime.forget_compilations()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["new-cache", "words.txt"]


def test_programs_stay_if_it_is_not_they_that_are_damaged(tmp_path, monkeypatch):
    monkeypatch.setenv("JAXPAINT_CACHE", str(tmp_path))
    monkeypatch.setattr(runtime, "_jax_cache", lambda: str(tmp_path / "of-jax"))
    (tmp_path / "old-cache").write_text("whole")
    os.utime(tmp_path / "old-cache", (0, 0))
    assert not runtime.forget_compilations() and (tmp_path / "old-cache").exists()


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


@pytest.mark.usefixtures("folder")
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


@pytest.mark.usefixtures("folder")
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
