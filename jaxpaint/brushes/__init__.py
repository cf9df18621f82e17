"""The brushes and their registry: adding one is a file with a `Brush`, and its name here."""

from jaxpaint.brushes.base import (
    NOWHERE,
    Brush,
    Pixels,
    Renderer,
    Stroke,
    filled_up,
    from_window,
    moved,
    nowhere,
    to_window,
    with_nowhere,
)
from jaxpaint.brushes.boxes import OILPAINTBRUSH, RECTANGLE
from jaxpaint.brushes.curves import MARKERPEN, WATERCOLOR
from jaxpaint.brushes.textures import Look

BRUSHES = {brush.name: brush for brush in (OILPAINTBRUSH, WATERCOLOR, MARKERPEN, RECTANGLE)}

__all__ = [
    "BRUSHES",
    "NOWHERE",
    "Brush",
    "Look",
    "Pixels",
    "Renderer",
    "Stroke",
    "filled_up",
    "from_window",
    "moved",
    "nowhere",
    "to_window",
    "with_nowhere",
]
