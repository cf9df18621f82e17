"""Atomic file writes, the temporary files that they need, and locks on what one process alone may write."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from typing import IO, Any

from jaxpaint import runtime
from jaxpaint.errors import LockedError, WriteError

try:
    import fcntl
except ImportError:  # Windows has no such locks, and does not remove files that are open.
    fcntl = None  # type: ignore[assignment]

# Of temporary files and locks; without the file's own name, which may be as long as the file system allows.
_PREFIX = ".jaxpaint-"


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[pathlib.Path]:
    """Replaces `path` atomically by a temporary file beside it; a symbolic link stays, and what it points to changes.

    The temporary file is removed if writing fails. With several processes, only the first process replaces `path`.

    Args:
      path: path of the file.

    Yields:
      The path of the temporary file.

    Raises:
      WriteError: the file can't be written.
    """
    target = pathlib.Path(os.path.realpath(path))
    try:
        held = _temporary(target)
    except OSError as error:
        raise WriteError(f"{path}: can't be written: {error.strerror}") from None
    temporary = pathlib.Path(held.name)
    try:
        yield temporary
        mask = os.umask(0)
        os.umask(mask)
        # Network shares may know no permissions.
        with contextlib.suppress(OSError):
            temporary.chmod(0o666 & ~mask)
        if runtime.is_first():
            _rename(temporary, target)
    except OSError as error:
        raise WriteError(f"{path}: can't be written: {error.strerror or error}") from None
    finally:
        temporary.unlink(missing_ok=True)
        held.close()


def _rename(temporary: pathlib.Path, target: pathlib.Path) -> None:
    try:
        os.replace(temporary, target)
    except OSError:
        # Some network shares and virtual file systems rename nothing, or not over a file that is there.
        shutil.copyfile(temporary, target)


def _temporary(target: pathlib.Path) -> IO[bytes]:
    """Makes a temporary file beside `target`, and locks it, so that `remove_leftovers` spares it."""
    while True:
        file = tempfile.NamedTemporaryFile(prefix=_PREFIX, suffix=target.suffix, dir=target.parent, delete=False)  # noqa: SIM115
        if fcntl is None:
            file.close()
        if _lock(file) and not _removed(file):
            return file
        file.close()


def remove_leftovers(folder: pathlib.Path) -> None:
    """Removes temporary files and locks in a folder whose processes were killed."""
    for path in folder.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError), path.open("rb") as file:
            if _lock(file):
                path.unlink()


@contextlib.contextmanager
def locked(path: str | os.PathLike[str]) -> Iterator[None]:
    """Keeps other processes from writing a file, by a lock file beside it.

    The lock file has the process's number in it. The operating system ends the lock when the process ends, however it
    ends, so a lock file that was left behind is taken over. Windows and some network shares have no such locks. Of
    several processes that work together, the first one holds it.

    Args:
      path: path of the file to be written; it need not exist.

    Raises:
      LockedError: another process holds the lock.
      WriteError: the lock file can't be written.
    """
    if not runtime.is_first():
        yield
        return
    path = pathlib.Path(path)
    lock = path.with_name(f"{_PREFIX}{zlib.crc32(os.fsencode(path.name)):08x}.lock")
    while True:
        try:
            file = lock.open("a+", encoding="utf-8")
        except OSError as error:
            raise WriteError(f"{path}: can't be written: {error.strerror}") from None
        if _lock(file) and not _removed(file):
            break
        with file:
            file.seek(0)
            number = file.read(20).strip()
            over = _removed(file)
        # Without a number it has only just been made.
        if number and not over:
            raise LockedError(f"{path}: being written by another process, number {number}")
    with file:
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                lock.unlink()


def _lock(file: IO[Any]) -> bool:
    """Locks an open file until it is closed; returns False if another process has locked it."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        # Some network shares have no locks, which must not stop the work.
        return not isinstance(error, BlockingIOError)
    return True


def _removed(file: IO[Any]) -> bool:
    """Whether an open file has been removed from its folder, by the process that had it locked."""
    if fcntl is None:
        return False
    try:
        return not os.path.samestat(os.fstat(file.fileno()), os.stat(file.name))
    except FileNotFoundError:
        return True
