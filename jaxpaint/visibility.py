"""Visibility of strokes that are opaque: their colours, what is seen of them, and where."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from jaxtyping import Float, Int

from jaxpaint import attention, pictures
from jaxpaint.brushes import BRUSHES
from jaxpaint.types import Painting

# Numbers in place of a stroke's: on the bare canvas, and outside the picture.
BARE, OUTSIDE = -1, -2
# Long side, in pixels, of the picture in which the subject is looked for.
_LOOKED_AT = 256


class Seen(NamedTuple):
    """What is seen of strokes that are opaque.

    Attributes:
      colors: colour of each stroke: opaque paint that looks like the stroke over what is below it, on the average.
      weights: how much people see of each stroke: its visible pixels, by the attention that they draw; 0 for nothing.
      owner: number of the topmost stroke at each pixel, or `BARE`.
    """

    colors: Float[np.ndarray, "n 3"]
    weights: Float[np.ndarray, "n"]
    owner: Int[np.ndarray, "h w"]

    def owner_at(self, points: Float[np.ndarray, "m 2"]) -> Int[np.ndarray, "m"]:
        """Numbers of the topmost strokes at points in canvas coordinates, or `BARE` or `OUTSIDE`."""
        height, width = self.owner.shape
        x, y = np.floor(points.T * max(height, width)).astype(int)
        inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
        return np.where(inside, self.owner[np.clip(y, 0, height - 1), np.clip(x, 0, width - 1)], OUTSIDE)


def look(painting: Painting, size: int) -> Seen:
    """Lays the strokes one over the other.

    Args:
      painting: the painting.
      size: long side of the picture, in pixels.

    Raises:
      ExportError: the brush has no vectors.
    """
    brush, strokes, glazed = BRUSHES[painting.brush], painting.strokes, painting.settings.layering == "glaze"
    height, width = pictures.fitted_shape(painting.height, painting.width, size)
    canvas = np.empty((height, width, 3), np.float32)
    canvas[:] = painting.settings.canvas_rgb
    owner = np.full((height, width), BARE, np.int32)
    colors, alphas = brush.paint(strokes)
    colors = colors.mean(axis=1)
    # OpenCV's coordinates are those of the pixels' centres.
    outlines = np.rint(brush.shapes(strokes).outline * size - 0.5).astype(np.int32)
    for number, outline in enumerate(outlines):
        low = np.clip(outline.min(axis=0), 0, (width, height))
        high = np.clip(outline.max(axis=0) + 1, low, (width, height))
        mask = np.zeros((high[1] - low[1], high[0] - low[0]), np.uint8)
        if not mask.size:
            continue
        covered = cv2.fillPoly(mask, [outline - low], 1) > 0
        here = slice(low[1], high[1]), slice(low[0], high[0])
        if covered.any():
            below = canvas[here][covered].mean(axis=0)
            above = below * colors[number] if glazed else colors[number]
            colors[number] = below + alphas[number] * (above - below)
        canvas[here][covered], owner[here][covered] = colors[number], number
    small = pictures.resize(canvas, pictures.fitted_shape(height, width, _LOOKED_AT))
    drawn = cv2.resize(attention.importance(small), (width, height), interpolation=cv2.INTER_NEAREST)
    weights = np.bincount(owner[owner >= 0], drawn[owner >= 0], minlength=len(strokes))
    return Seen(colors, weights, owner)
