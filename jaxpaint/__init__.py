"""Photographs and videos into paintings of real, ordered, vector brush strokes.

painting = jaxpaint.paint(image, key=jax.random.key(0))
picture = jaxpaint.draw(painting, size=3840)
"""

import importlib
import importlib.util
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jaxpaint.brushes import BRUSHES
    from jaxpaint.drawing import draw, timelapse
    from jaxpaint.errors import JaxpaintError
    from jaxpaint.io.exports import export
    from jaxpaint.io.images import read_image, write_image
    from jaxpaint.io.npz import save_painting
    from jaxpaint.io.paintings import load_painting
    from jaxpaint.io.palettes import read_palette, read_pigments
    from jaxpaint.io.weights import load_renderer
    from jaxpaint.ordering import reorder
    from jaxpaint.painting import paint, paint_stages
    from jaxpaint.renderers.engine import engine
    from jaxpaint.repainting import repaint, repaint_stages
    from jaxpaint.runtime import use_all_cores
    from jaxpaint.settings import FilmSettings, Settings, StyleSettings
    from jaxpaint.styling import stylize, stylize_stages
    from jaxpaint.types import Painting, Progress, Style
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
    "export",
    "film",
    "load_painting",
    "load_renderer",
    "paint",
    "paint_stages",
    "read_image",
    "read_palette",
    "read_pigments",
    "reorder",
    "repaint",
    "repaint_stages",
    "save_painting",
    "stylize",
    "stylize_stages",
    "timelapse",
    "use_all_cores",
    "write_image",
]


__version__ = "0.1.0"

# The modules of the public names. Each is imported on first use, so that a command hears Ctrl-C before it imports JAX.
_MODULES = {
    "brushes": ["BRUSHES"],
    "drawing": ["draw", "timelapse"],
    "errors": ["JaxpaintError"],
    "io.exports": ["export"],
    "io.images": ["read_image", "write_image"],
    "io.npz": ["save_painting"],
    "io.paintings": ["load_painting"],
    "io.palettes": ["read_palette", "read_pigments"],
    "io.weights": ["load_renderer"],
    "ordering": ["reorder"],
    "painting": ["paint", "paint_stages"],
    "renderers.engine": ["engine"],
    "repainting": ["repaint", "repaint_stages"],
    "runtime": ["use_all_cores"],
    "settings": ["FilmSettings", "Settings", "StyleSettings"],
    "styling": ["stylize", "stylize_stages"],
    "types": ["Painting", "Progress", "Style"],
    "video.painter": ["film"],
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name in _MODULE_OF:
        return getattr(importlib.import_module(f"jaxpaint.{_MODULE_OF[name]}"), name)
    # The modules of the package need no import of their own; those of its folders do.
    if name.isidentifier() and not name.startswith("_") and importlib.util.find_spec(f"jaxpaint.{name}"):
        return importlib.import_module(f"jaxpaint.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
