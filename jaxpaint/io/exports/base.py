"""The definition of a format that paintings are exported in."""

from __future__ import annotations

import pathlib
from collections.abc import Callable
from typing import Any, NamedTuple

from jaxpaint.settings import Checked


class Export(NamedTuple):
    """A format.

    Attributes:
      endings: endings of the names of its files, such as ".svg" or "_height.png".
      about: what the files are for, in one line.
      options: class of its options.
      write: function `(painting, path, options)` that writes a file; the path has one of the endings.
      outlined: whether it needs the brush's `vectors`.
    """

    endings: tuple[str, ...]
    about: str
    options: type[Checked]
    write: Callable[[Any, pathlib.Path, Any], None]
    outlined: bool = False
