"""Photographs into paintings of real, ordered, vector brush strokes.

painting = jaxpaint.paint(image, key=jax.random.key(0))
picture = jaxpaint.draw(painting, size=3840)
"""

from typing import TYPE_CHECKING, Any

from jaxpaint.brushes import BRUSHES
from jaxpaint.drawing import draw, timelapse
from jaxpaint.exports import load_painting, save_painting
from jaxpaint.images import read_image, write_image
from jaxpaint.painting import Painting, Progress, paint, paint_stages
from jaxpaint.renderers import engine
from jaxpaint.runtime import use_all_cores
from jaxpaint.settings import Settings

if TYPE_CHECKING:
    from jaxpaint.weights import load_renderer

__all__ = [
    "BRUSHES",
    "Painting",
    "Progress",
    "Settings",
    "draw",
    "engine",
    "load_painting",
    "load_renderer",
    "paint",
    "paint_stages",
    "read_image",
    "save_painting",
    "timelapse",
    "use_all_cores",
    "write_image",
]


def __getattr__(name: str) -> Any:
    # Networks bring Flax along, which takes a while to import and of which the engine needs nothing.
    if name == "load_renderer":
        from jaxpaint.weights import load_renderer

        return load_renderer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
