"""Photographs and videos into paintings of real, ordered, vector brush strokes.

painting = jaxpaint.paint(image, key=jax.random.key(0))
picture = jaxpaint.draw(painting, size=3840)
"""

import importlib
from typing import TYPE_CHECKING, Any

from jaxpaint.brushes import BRUSHES
from jaxpaint.drawing import draw, timelapse
from jaxpaint.errors import JaxpaintError
from jaxpaint.io.images import read_image, write_image
from jaxpaint.io.npz import load_painting, save_painting
from jaxpaint.painting import paint, paint_stages
from jaxpaint.renderers import engine
from jaxpaint.runtime import use_all_cores
from jaxpaint.settings import FilmSettings, Settings, StyleSettings
from jaxpaint.types import Painting, Progress, Style

if TYPE_CHECKING:
    from jaxpaint.io.weights import load_renderer
    from jaxpaint.styling import stylize, stylize_stages
    from jaxpaint.video.painter import film

__all__ = [
    "BRUSHES",
    "FilmSettings",
    "JaxpaintError",
    "Painting",
    "Progress",
    "Settings",
    "Style",
    "StyleSettings",
    "draw",
    "engine",
    "film",
    "load_painting",
    "load_renderer",
    "paint",
    "paint_stages",
    "read_image",
    "save_painting",
    "stylize",
    "stylize_stages",
    "timelapse",
    "use_all_cores",
    "write_image",
]


__version__ = "0.1.0"

# Imported on first use: networks need Flax, which takes a while to import.
_LATE = {
    "film": "video.painter",
    "load_renderer": "io.weights",
    "stylize": "styling",
    "stylize_stages": "styling",
}


def __getattr__(name: str) -> Any:
    if name in _LATE:
        return getattr(importlib.import_module(f"jaxpaint.{_LATE[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
