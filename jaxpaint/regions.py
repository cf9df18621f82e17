"""Regions of a picture, as masks, and the strokes that lie in them."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from jaxpaint import pictures
from jaxpaint.brushes import BRUSHES
from jaxpaint.types import Painting

# Least value of a mask inside the region.
INSIDE = 0.5
Mask = Float[np.ndarray, "rows columns"]


def checked(mask: Any, kind: str = "a mask") -> Mask:
    """A mask as float32.

    Args:
      mask: array `[rows, columns]` in [0, 1], or of booleans or 8-bit integers; it is stretched over the picture.
      kind: noun for the mask, with its article, for error messages.

    Raises:
      ValueError: the mask has another shape or range.
    """
    found = pictures.floats(mask, kind)
    if found.ndim != 2 or not found.size:
        raise ValueError(f"expected {kind} of shape [height, width], got {found.shape}")
    return pictures.in_range(found, kind)


def contains(mask: Mask, painting: Painting) -> Bool[np.ndarray, "n"]:
    """Which strokes have their middle inside the region of a mask."""
    sides, longest = np.array([painting.width, painting.height]), max(painting.width, painting.height)
    counts = np.array(mask.shape[::-1])
    cells = BRUSHES[painting.brush].middle(painting.strokes) * longest / sides * counts
    column, row = np.clip(cells, 0, counts - 1).astype(int).T
    return mask[row, column] >= INSIDE
