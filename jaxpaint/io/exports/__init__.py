"""Paintings for other programs: vector graphics and data. To add a format, add one file here that defines `EXPORTS`.

A format of whole films is in `FILMS`.
"""

from __future__ import annotations

import dataclasses
import importlib
import itertools
import os
import pathlib
import pkgutil
from collections.abc import Iterable
from typing import Any

from jaxpaint import checks
from jaxpaint.errors import ExportError
from jaxpaint.io import origins
from jaxpaint.io.atomic import replacing
from jaxpaint.io.exports.base import Export
from jaxpaint.types import Painting
from jaxpaint.video.frames import Film, Frame

_MODULES = [importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]


def _named(registry: str) -> dict[str, Export]:
    """The formats that the modules list under a name, by their endings."""
    formats = (each for module in _MODULES for each in getattr(module, registry, ()))
    return {ending: each for each in formats for ending in each.endings}


EXPORTS, FILMS = _named("EXPORTS"), _named("FILMS")
# Longest film, in seconds. Its page would be too large to send.
_LONGEST = 30

__all__ = ["EXPORTS", "FILMS", "Export", "ending_of", "export", "export_film"]


def ending_of(path: str | os.PathLike[str]) -> str:
    """The longest key of `EXPORTS` that a file's name ends in; empty if there is none."""
    name = pathlib.Path(path).name.lower()
    return max((ending for ending in EXPORTS if name.endswith(ending) and name != ending), key=len, default="")


def export(painting: Painting, path: str | os.PathLike[str], **options: Any) -> None:
    """Writes a painting in the format of the path's ending, one of `EXPORTS`, atomically.

    Args:
      painting: a painting, finished or not.
      path: path of the file; an existing file is replaced.
      options: options of the format (see its `Export.options`).

    Raises:
      ValueError, TypeError: the format is unknown, or an option is unknown, has another type or is out of range; the
        argument is not a painting.
      ExportError: the painting's brush has no vectors, for a format that needs them; the greatest size is too small.
      WriteError: the file can't be written.

    Warns:
      UserWarning: something was left out, to keep to the greatest size.
    """
    checks.path(path)
    checks.instance(painting, Painting, "a painting", reader="jaxpaint.load_painting")
    ending = ending_of(path)
    if not ending:
        raise ValueError(f"{path}: expected a name that ends in {', '.join(EXPORTS)}")
    chosen = EXPORTS[ending].options.from_config(options)
    with replacing(path) as temporary:
        EXPORTS[ending].write(painting, temporary, chosen)
        origins.sign(temporary, painting.origin)


def export_film(film: Film, frames: Iterable[Frame], path: str | os.PathLike[str], **options: Any) -> None:
    """Writes a film, or some of its frames, in the format of the path's ending, one of `FILMS`, atomically.

    Args:
      film: the film's properties.
      frames: successive frames, at least one, for at most 30 s.
      path: path of the file; an existing file is replaced.
      options: options of the format (see its `Export.options`).

    Raises:
      ValueError, TypeError: the format is unknown, or an option is unknown, has another type or is out of range.
      ExportError: there is no frame, or there are too many; the brush has no vectors, for a format that needs them.
      FilmFileError: the frames come from a file that is damaged.
      WriteError: the file can't be written.
    """
    checks.path(path)
    checks.instance(film, Film, "a film")
    ending = ending_of(path)
    if ending not in FILMS:
        raise ValueError(f"{path}: expected a name that ends in {', '.join(FILMS)}")
    chosen = FILMS[ending].options.from_config(options)
    if film.settings.interpolate:
        # As if the frames between had been painted, too.
        film, frames = dataclasses.replace(film, rate=film.shown_rate), film.shown_frames(frames)
    most = int(_LONGEST * film.rate)
    found = list(itertools.islice(frames, most + 1))
    if not found:
        raise ExportError("expected at least one frame, got none")
    if len(found) > most:
        raise ExportError(
            f"expected at most {_LONGEST} s of film, got more; choose {most} frames (--frames=0-{most - 1})"
        )
    with replacing(path) as temporary:
        FILMS[ending].write(film, found, temporary, chosen)
        origins.sign(temporary, film.origin)
