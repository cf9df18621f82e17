"""OpenRaster: strokes in transparent layers, for Krita and MyPaint.

References:
  OpenRaster 0.0.6, https://www.openraster.org
"""

from __future__ import annotations

import pathlib
import zipfile

import numpy as np
from PIL import Image

from jaxpaint.io.exports.base import Export
from jaxpaint.io.exports.layers import Options, layers_of
from jaxpaint.io.images import encoded
from jaxpaint.types import Painting

# Long side of the preview, in pixels, at most.
_THUMBNAIL = 256
# The first moment that a zip knows.
_NO_TIME = (1980, 1, 1, 0, 0, 0)


def _write(painting: Painting, path: pathlib.Path, options: Options) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:

        def add(name: str, data: bytes) -> None:
            # Without the time of writing, so that the same painting gives the same file.
            archive.writestr(zipfile.ZipInfo(name, _NO_TIME), data)

        # The mimetype comes first, and is not compressed.
        add("mimetype", b"image/openraster")
        stack: list[str] = []
        for number, layer in enumerate(layers_of(painting, options)):
            source = f"data/layer{number:03d}.png"
            add(source, encoded(layer.colors, ".png"))
            # The topmost layer comes first.
            stack.insert(0, f'<layer name="{layer.name}" src="{source}"/>')
        height, width, _ = layer.picture.shape
        head, tail = f'<image version="0.0.6" w="{width}" h="{height}">\n<stack>', "</stack>\n</image>\n"
        add("stack.xml", "\n".join(['<?xml version="1.0" encoding="UTF-8"?>', head, *stack, tail]).encode())
        add("mergedimage.png", encoded(layer.picture, ".png"))
        preview = Image.fromarray(layer.picture)
        preview.thumbnail((_THUMBNAIL, _THUMBNAIL))
        add("Thumbnails/thumbnail.png", encoded(np.asarray(preview), ".png"))


EXPORTS = (Export((".ora",), "layers for Krita and MyPaint (OpenRaster)", Options, _write),)
