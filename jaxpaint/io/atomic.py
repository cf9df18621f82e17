"""Atomic file writes."""

from __future__ import annotations

import contextlib
import os
import pathlib
import tempfile
from collections.abc import Iterator

from jaxpaint import runtime
from jaxpaint.errors import WriteError


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[pathlib.Path]:
    """Replaces `path` atomically by a temporary file beside it.

    The temporary file is removed if writing fails. With several processes, only the first process replaces `path`.

    Args:
      path: path of the file.

    Yields:
      The path of the temporary file.

    Raises:
      WriteError: the folder can't be written to.
    """
    path = pathlib.Path(path)
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent)
        os.close(handle)
    except OSError as error:
        raise WriteError(f"{path}: can't be written: {error.strerror}") from None
    temporary = pathlib.Path(name)
    try:
        yield temporary
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
        if runtime.is_first():
            os.replace(temporary, path)
    except OSError as error:
        raise WriteError(f"{path}: can't be written: {error.strerror or error}") from None
    finally:
        temporary.unlink(missing_ok=True)
