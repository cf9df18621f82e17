"""Paintings for other programs: vector graphics and data. To add a format, add one file here that defines `EXPORTS`."""

from __future__ import annotations

import importlib
import os
import pathlib
import pkgutil
from typing import Any

from jaxpaint import checks
from jaxpaint.io import origins
from jaxpaint.io.atomic import replacing
from jaxpaint.io.exports.base import Export
from jaxpaint.types import Painting

_MODULES = (importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__))
EXPORTS: dict[str, Export] = {
    ending: export for module in _MODULES for export in getattr(module, "EXPORTS", ()) for ending in export.endings
}

__all__ = ["EXPORTS", "Export", "ending_of", "export"]


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
