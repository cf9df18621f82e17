"""Atomic writes: whole or not at all; leftovers of killed processes go, and one process at a time writes."""

import contextlib
import errno
import fcntl
import os
import pathlib
import shutil
import signal
import subprocess
import sys

import pytest

from jaxpaint.errors import LockedError, WriteError
from jaxpaint.io import atomic
from jaxpaint.io.atomic import locked, remove_leftovers, replacing

ROOT = pathlib.Path(__file__).resolve().parents[1]


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def child(program, folder):
    """Another process, which has done what it does before it waits."""
    program = f"""
import time
from jaxpaint.io.atomic import locked, replacing
with {program} as found:
    print("ready", flush=True)
    time.sleep(600)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=folder,
        env=dict(os.environ, PYTHONPATH=str(ROOT)),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "ready\n"
    return process


@contextlib.contextmanager
def running(program, folder):
    with child(program, folder) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGKILL)


def test_nothing_half_written_is_left(tmp_path):
    (tmp_path / "kept.txt").write_text("before")
    with pytest.raises(KeyboardInterrupt), replacing(tmp_path / "kept.txt") as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt
    assert names(tmp_path) == ["kept.txt"]
    assert (tmp_path / "kept.txt").read_text() == "before"


def test_a_name_may_be_as_long_as_names_can_be(tmp_path):
    path = tmp_path / ("n" * 251 + ".txt")
    with locked(path), replacing(path) as temporary:
        temporary.write_text("after")
    assert path.read_text() == "after"


def test_a_symbolic_link_is_written_through(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link.txt").symlink_to(tmp_path / "elsewhere" / "file.txt")
    with replacing(tmp_path / "link.txt") as temporary:
        temporary.write_text("after")
    assert (tmp_path / "link.txt").is_symlink()
    assert names(tmp_path / "elsewhere") == ["file.txt"]
    assert (tmp_path / "elsewhere" / "file.txt").read_text() == "after"


def test_an_old_file_survives_a_place_that_neither_renames_nor_copies(tmp_path, monkeypatch):
    """And the new one is kept beside it."""

    def refused(*_, **__):
        raise OSError(errno.EPERM, "Operation not permitted")

    path = tmp_path / "file.txt"
    path.write_text("before")
    monkeypatch.setattr(os, "replace", refused)
    monkeypatch.setattr(shutil, "copyfile", refused)
    with pytest.raises(WriteError, match="it is whole in .*file-whole.txt"), replacing(path) as temporary:
        temporary.write_text("after")
    assert names(tmp_path) == ["file-whole.txt", "file.txt"]
    assert (path.read_text(), (tmp_path / "file-whole.txt").read_text()) == ("before", "after")


def test_permissions_stay(tmp_path):
    path = tmp_path / "file.txt"
    path.write_text("before")
    path.chmod(0o600)
    with replacing(path) as temporary:
        temporary.write_text("after")
    assert path.stat().st_mode & 0o777 == 0o600


def test_files_of_others_that_look_alike_are_not_removed(tmp_path):
    for name in (".jaxpaint-notes.txt", ".jaxpaint-00000000-1-abcdefgh.png"):
        (tmp_path / name).touch()
    before = names(tmp_path)
    remove_leftovers(tmp_path)
    assert names(tmp_path) == before


@pytest.mark.parametrize(("module", "name"), [(pathlib.Path, "chmod"), (os, "replace"), (fcntl, "flock")])
def test_what_a_network_share_does_not_know_does_not_matter(tmp_path, monkeypatch, module, name):
    def refused(*_, **__):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(module, name, refused)
    (tmp_path / "file.txt").write_text("before")
    with locked(tmp_path / "file.txt"), replacing(tmp_path / "file.txt") as temporary:
        temporary.write_text("after")
    assert (tmp_path / "file.txt").read_text() == "after"


def test_leftovers_of_a_killed_process_are_removed_and_those_of_a_living_one_are_not(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with running("replacing('file.txt')", tmp_path):
        (left,) = set(names(tmp_path)) - {"mine.txt"}
        remove_leftovers(tmp_path)
        assert names(tmp_path) == sorted([left, "mine.txt"])
    remove_leftovers(tmp_path)
    assert names(tmp_path) == ["mine.txt"]


def test_one_process_at_a_time(tmp_path):
    path = tmp_path / "file.txt"
    with running("locked('file.txt')", tmp_path) as process:
        expected = f"file.txt: being written by another process, number {process.pid}"
        with pytest.raises(LockedError, match=expected), locked(path):
            pass
    # It was killed, and its lock is left; the next one takes it over, and leaves nothing.
    (lock,) = tmp_path.iterdir()
    assert lock.read_text() == f"{process.pid}\n"
    with locked(path), locked(tmp_path / "another.txt"):
        assert lock.read_text() == f"{os.getpid()}\n"
    assert names(tmp_path) == []


def test_one_process_at_a_time_on_windows(tmp_path, monkeypatch):
    """By a stand-in for its module, whose locks are on bytes of a file."""
    held = set()

    class Windows:
        LK_NBLCK = 2

        @staticmethod
        def locking(number, mode, count):
            at = os.fstat(number).st_ino, os.lseek(number, 0, os.SEEK_CUR)
            if at in held:
                raise PermissionError(errno.EACCES, "Permission denied")
            held.add(at)

    monkeypatch.setattr(atomic, "fcntl", None)
    monkeypatch.setattr(atomic, "msvcrt", Windows)
    with locked(tmp_path / "file.txt"), locked(tmp_path / "other.txt"):
        expected = f"file.txt: being written by another process, number {os.getpid()}"
        with pytest.raises(LockedError, match=expected), locked(tmp_path / "file.txt"):
            pass


def test_a_lock_that_cannot_be_written_is_told(tmp_path):
    with pytest.raises(WriteError, match="file.txt: can't be written"), locked(tmp_path / "none" / "file.txt"):
        pass


def test_a_lock_on_a_full_disk_names_the_file_and_is_not_left(tmp_path, full):
    with pytest.raises(WriteError, match="photo.npz: can't be written: File too large"), locked(tmp_path / "photo.npz"):
        raise AssertionError("this is not reached")
    assert not list(tmp_path.iterdir())
