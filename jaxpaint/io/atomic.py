"""Atomic file writes, the temporary files that they need, and locks on what one process alone may write."""

from __future__ import annotations

import contextlib
import errno
import os
import pathlib
import platform
import re
import shutil
import tempfile
import time
import zlib
from collections.abc import Iterator
from typing import IO, Any

from jaxpaint import runtime
from jaxpaint.errors import LockedError, WriteError

# Locks of Unix, and of Windows.
try:
    import fcntl
except ImportError:
    fcntl = None  # type: ignore[assignment]
try:
    import msvcrt
except ImportError:
    msvcrt = None  # type: ignore[assignment]

# The names do not contain the file's own name, which may be as long as the file system allows. Those of temporary files
# contain the machine and the process that write them.
_HOST = f"{zlib.crc32(platform.node().encode()):08x}"
_TEMPORARY = re.compile(rf"\.jaxpaint-{_HOST}-(\d+)-\w{{8}}(\.\w+)?")
_LOCK = re.compile(r"\.jaxpaint-[0-9a-f]{8}\.lock")
# Temporary files of this process.
_OURS: set[str] = set()
# Errors of file systems that can't rename, or not over an existing file, such as some network shares.
_NO_RENAMING = (errno.EPERM, errno.EACCES, errno.ENOSYS, errno.EOPNOTSUPP, errno.EXDEV)
_TRIES = 100
# Where Windows locks a byte: beyond the process's number, which others may read.
_LOCKED = 2**20
# The process's mask can only be read by setting it, which another thread could notice; so it is read once.
os.umask(_UMASK := os.umask(0))


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
        prefix = f".jaxpaint-{_HOST}-{os.getpid()}-"
        handle, name = tempfile.mkstemp(prefix=prefix, suffix=pathlib.Path(path).suffix, dir=target.parent)
        os.close(handle)
    except OSError as error:
        raise WriteError(f"{path}: can't be written: {error.strerror}") from None
    temporary = pathlib.Path(name)
    _OURS.add(temporary.name)
    try:
        yield temporary
        # Network shares may know no permissions.
        with contextlib.suppress(OSError):
            temporary.chmod(target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~_UMASK)
        if runtime.is_first():
            _rename(temporary, target)
    except OSError as error:
        raise WriteError(f"{path}: can't be written: {error.strerror or error}") from None
    finally:
        _OURS.discard(temporary.name)
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _rename(temporary: pathlib.Path, target: pathlib.Path) -> None:
    try:
        os.replace(temporary, target)
    except OSError as error:
        if error.errno not in _NO_RENAMING or target.is_dir():
            raise
        try:
            shutil.copyfile(temporary, target)
        except OSError as failed:
            kept = temporary.with_name(f"{target.stem}-whole{target.suffix}")
            temporary.rename(kept)
            raise WriteError(f"{target}: can't be written: {failed.strerror}; it is whole in {kept}") from None


def remove_leftovers(folder: pathlib.Path) -> None:
    """Removes temporary files and locks in a folder whose processes were killed, if they ran on this machine."""
    for path in folder.glob(".jaxpaint-*"):
        with contextlib.suppress(OSError):
            if found := _TEMPORARY.fullmatch(path.name):
                number = int(found[1])
                if path.name not in _OURS and (number == os.getpid() or not _alive(number)):
                    path.unlink()
            elif _LOCK.fullmatch(path.name):
                with path.open("r+b") as file:
                    if _lock(file):
                        path.unlink()


def _alive(number: int) -> bool:
    """Whether there is a process of this number; True where that is unknown."""
    # On Windows, `os.kill` would end it.
    if fcntl is not None:
        try:
            os.kill(number, 0)
        except ProcessLookupError:
            return False
        except OSError:
            pass
    return True


@contextlib.contextmanager
def locked(path: str | os.PathLike[str]) -> Iterator[None]:
    """Keeps other processes from writing a file, by a lock file beside it.

    The lock file has the process's number in it. The operating system ends the lock when the process ends, however it
    ends, so a lock file that was left behind is taken over. Some network shares have no such locks. Of several
    processes that work together, the first one holds it.

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
    lock = path.with_name(f".jaxpaint-{zlib.crc32(os.fsencode(path.name)):08x}.lock")
    for _ in range(_TRIES):
        try:
            # Without a buffer, which would be written once more at the end.
            file = lock.open("a+b", buffering=0)
        except OSError as error:
            raise WriteError(f"{path}: can't be written: {error.strerror}") from None
        # Whoever had it locked may have removed it in the meantime.
        if _lock(file) is not False and not _removed(file):
            break
        with file:
            number, over = _number(file), _removed(file)
        if number and not over:
            raise LockedError(f"{path}: being written by another process, number {number}")
        # Without a number it has only just been made.
        time.sleep(0.01)
    else:
        raise LockedError(f"{path}: being written by another process")
    with file:
        try:
            file.truncate(0)
            file.write(f"{os.getpid()}\n".encode())
        except OSError as error:
            with contextlib.suppress(OSError):
                lock.unlink()
            raise WriteError(f"{path}: can't be written: {error.strerror}") from None
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                lock.unlink()


def _number(file: IO[Any]) -> str:
    """The number of the process in a lock file, if it can be read."""
    with contextlib.suppress(OSError, ValueError):
        file.seek(0)
        return bytes(file.read(20)).decode().strip()
    return ""


def _lock(file: IO[Any]) -> bool | None:
    """Locks an open file until it is closed.

    Returns:
      False if another process has locked it; None if the system or the file system has no locks.
    """
    # The error that means that another process holds the lock.
    held = PermissionError if fcntl is None else BlockingIOError
    try:
        if fcntl is not None:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        elif msvcrt is not None:
            file.seek(_LOCKED)
            windows: Any = msvcrt
            windows.locking(file.fileno(), windows.LK_NBLCK, 1)
        else:
            return None
    except OSError as error:
        return False if isinstance(error, held) else None
    return True


def _removed(file: IO[Any]) -> bool:
    """Whether an open file has been removed from its folder."""
    if fcntl is None:
        return False
    try:
        return not os.path.samestat(os.fstat(file.fileno()), os.stat(file.name))
    except FileNotFoundError:
        return True
