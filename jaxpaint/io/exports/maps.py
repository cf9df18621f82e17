"""Maps for renderers such as Blender: flat colours, heights in 16 bits, and normals.

A height map says in its description how high a step is for a print of `--width_mm`. Normals have y up, as OpenGL and
Blender expect.
"""

from __future__ import annotations

import dataclasses
import json
import pathlib

import numpy as np
import tifffile
from jaxtyping import Float
from PIL import Image, PngImagePlugin

from jaxpaint import drawing, pictures
from jaxpaint.io import origins
from jaxpaint.io.exports.base import Export
from jaxpaint.io.images import encoded
from jaxpaint.raster import lighting
from jaxpaint.settings import Checked, setting
from jaxpaint.types import Painting

_STEPS = 2**16 - 1


@dataclasses.dataclass(frozen=True)
class Options(Checked):
    """Options of maps."""

    groups = {"Options of maps": ""}
    prefix = ""

    size: int = setting(0, "long side in pixels; 0: as painted", 0, pictures.LARGEST)
    width_mm: float = setting(200.0, "width of the print, in millimetres", 1.0, 10_000.0)
    depth: float = setting(1.0, "height of the paint: 1 for thick oil, 2 for twice as much", 0.0, 20.0)


def layers_of(painting: Painting, size: int) -> Float[np.ndarray, "h w 4"]:
    """Colours in [0, 1] and heights, in long sides of the picture, of a painting with relief."""
    settings = dataclasses.replace(painting.settings, relief=painting.settings.relief or 1.0)
    layers = drawing.draw_layers(dataclasses.replace(painting, settings=settings), size=size or settings.size)
    layers[..., 3] *= lighting.UNIT
    return layers


def _write_colors(painting: Painting, path: pathlib.Path, options: Options) -> None:
    path.write_bytes(encoded(pictures.to_bytes(layers_of(painting, options.size)[..., :3]), ".png"))


def _write_heights(painting: Painting, path: pathlib.Path, options: Options) -> None:
    heights = layers_of(painting, options.size)[..., 3]
    low, high = float(heights.min()), float(heights.max())
    steps = np.rint((heights - low) / max(high - low, 1e-9) * _STEPS).astype(np.uint16)
    millimetres = options.width_mm / heights.shape[1] * max(heights.shape)
    facts = {"mm_per_step": options.depth * (high - low) * millimetres / _STEPS, "width_mm": options.width_mm}
    if path.suffix.lower() == ".png":
        notes = PngImagePlugin.PngInfo()
        notes.add_text("Description", json.dumps(facts))
        Image.fromarray(steps).save(path, "PNG", pnginfo=notes)
    else:
        facts |= {"origin": origins.mark(painting.origin)}
        tifffile.imwrite(path, steps, description=json.dumps(facts), metadata=None, photometric="minisblack")


def _write_normals(painting: Painting, path: pathlib.Path, options: Options) -> None:
    heights = layers_of(painting, options.size)[..., 3]
    down, right = np.gradient(heights * (options.depth * max(heights.shape)))
    normals = np.stack([-right, down, np.ones_like(heights)], axis=-1)
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    path.write_bytes(encoded(pictures.to_bytes(normals / 2 + 0.5), ".png"))


EXPORTS = (
    Export(("_flat.png",), "map of the colours without light", Options, _write_colors),
    Export(("_height.png", "_height.tiff"), "map of the heights, in 16 bits", Options, _write_heights),
    Export(("_normal.png",), "map of the normals (OpenGL: y up)", Options, _write_normals),
)
