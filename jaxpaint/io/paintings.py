"""Paintings from files of any kind: npz, and JSON of this or of another program."""

from __future__ import annotations

import os
import pathlib

from jaxpaint import checks
from jaxpaint.errors import FilmFileError
from jaxpaint.io import films, npz
from jaxpaint.io.exports import data
from jaxpaint.types import Painting


def load_painting(path: str | os.PathLike[str]) -> Painting:
    """Reads a painting that `save_painting` or `export` wrote, as npz or as JSON. Nothing is ever unpickled.

    Args:
      path: path of the npz, or of the JSON if its name ends in .json.

    Returns:
      The painting, with every number checked. One from JSON is finished.

    Raises:
      TypeError: the argument is not a path.
      PaintingFileError: the file is missing, damaged or foreign; one line says which.
    """
    checks.path(path)
    path = pathlib.Path(path)
    return data.read(path) if path.suffix.lower() == ".json" and path.is_file() else npz.load_painting(path)


def load_frame(path: str | os.PathLike[str], number: int) -> Painting:
    """Reads one frame of a film as a painting.

    Args:
      path: path of the film.
      number: number of the frame, from 0.

    Raises:
      FilmFileError: the file is missing, damaged or foreign, or has fewer frames.
    """
    (film, frames), count = films.read(path), 0
    for count, painted in enumerate(frames, 1):
        if count == number + 1:
            return film.painting(painted.frame)
    raise FilmFileError(f"{path}: has no frame {number}, but frames 0 to {count - 1}")
