"""The brushes and their registry. To add a brush, add one file here that defines `BRUSH`."""

import importlib
import pkgutil

from jaxpaint.brushes.base import (
    NOWHERE,
    Brush,
    Canvas,
    Pixels,
    Renderer,
    Stroke,
    from_window,
    moved,
    nowhere,
    padded,
    padded_length,
    to_window,
    with_grain,
    with_nowhere,
)
from jaxpaint.brushes.textures import Look
from jaxpaint.brushes.vectors import Vectors

_MODULES = (importlib.import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__))
BRUSHES: dict[str, Brush] = {module.BRUSH.name: module.BRUSH for module in _MODULES if hasattr(module, "BRUSH")}

__all__ = [
    "BRUSHES",
    "NOWHERE",
    "Brush",
    "Canvas",
    "Look",
    "Pixels",
    "Renderer",
    "Stroke",
    "Vectors",
    "padded",
    "from_window",
    "moved",
    "nowhere",
    "padded_length",
    "to_window",
    "with_grain",
    "with_nowhere",
]
