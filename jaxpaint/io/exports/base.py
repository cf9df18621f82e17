"""The definition of a format that paintings, or films, are exported in."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from jaxpaint.settings import Checked


class Export(NamedTuple):
    """A format.

    Attributes:
      endings: endings of the names of its files, such as ".svg" or "_height.png".
      about: what the files are for, in one line.
      options: class of its options.
      write: function that writes a file: `(painting, path, options)`, or `(film, frames, path, options)` of a film and
        at least one frame. The path has one of the endings.
      outlined: whether it needs the brush's `vectors`.
    """

    endings: tuple[str, ...]
    about: str
    options: type[Checked]
    write: Callable[..., None]
    outlined: bool = False
