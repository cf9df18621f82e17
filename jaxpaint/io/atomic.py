"""Files that are written whole or not at all."""

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
    """A temporary name beside `path`, which takes its place once all is written, and is removed if that fails.

    Of processes that work together, only the first one's takes its place.

    Raises:
      WriteError: if the folder can't be written to.
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
