"""Mattes: where a picture is opaque. The strokes of a transparent painting stay inside.

A fit lays the strokes on a chessboard of black and white pixels, which the target shows where it is transparent.
Whatever its colour, a stroke over a transparent place is wrong on half of the pixels, and so is a stroke that lets the
chessboard through in an opaque place. Black and white change places now and then, or tiny strokes would fit them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float

from jaxpaint import pictures, regions
from jaxpaint.settings import Settings

# Least value of a matte in an opaque place.
_OPAQUE = 0.5
# Least alpha that is not a rounding error.
_SEEN = 1e-5

Color = tuple[float, float, float]
Matte = Float[np.ndarray, "rows columns"]


def checked(matte: Any, shape: tuple[int, int]) -> Matte:
    """A matte as float32, stretched over a picture.

    Args:
      matte: array `[rows, columns]` in [0, 1], or of booleans or 8-bit integers.
      shape: height and width of the picture, in pixels.

    Raises:
      ValueError: the matte has another shape or range, or it is opaque or transparent everywhere.
    """
    found = regions.checked(matte, "a matte")
    if found.min() >= 1.0:
        raise ValueError(
            "expected a photograph, or a matte, with transparent places, got one that is opaque everywhere"
        )
    if found.max() < _OPAQUE:
        raise ValueError(f"expected a matte with opaque places, of {_OPAQUE} or more, got at most {found.max():.3g}")
    return pictures.resize(found[..., None], shape)[..., 0]


def parted(image: Any, settings: Settings) -> tuple[Float[np.ndarray, "height width 3"], Matte | None]:
    """A photograph on the canvas colour, and its alpha; None if it is opaque.

    Args:
      image: as for `painting.paint`.
      settings: of the painting.

    Raises:
      ValueError: the image has another shape or range, or an alpha for a painting that is not transparent.
    """
    found = np.clip(pictures.converted(image, alpha=settings.transparent), 0.0, 1.0)
    if found.shape[-1] == 3:
        return found, None
    return cut_out(found[..., :3], found[..., 3], settings.canvas_rgb), found[..., 3]


def cut_out(
    image: Float[np.ndarray, "height width 3"], matte: Float[np.ndarray, "height width"], canvas: Color
) -> Float[np.ndarray, "height width 3"]:
    """The opaque places of a picture, on the canvas colour."""
    color = np.asarray(canvas, np.float32)
    return color + matte[..., None] * (image - color)


def without_canvas(
    picture: Float[np.ndarray, "*shape 3"], alpha: Float[np.ndarray, "*shape 1"], canvas: Color
) -> Float[np.ndarray, "*shape 3"]:
    """The colours that give a picture if alpha lays them on the canvas; where alpha is 0, the picture's own."""
    color = np.asarray(canvas, np.float32)
    seen = np.where(alpha > _SEEN, (picture - color) / np.maximum(alpha, _SEEN) + color, picture)
    return np.clip(seen, 0.0, 1.0)


def on_backdrop(
    picture: Float[np.ndarray, "height width 3"],
    matte: Float[np.ndarray, "height width"],
    backdrop: Float[np.ndarray, "*shape 3"],
    canvas: Any,
) -> Float[np.ndarray, "height width 3"]:
    """A picture that lies on the canvas colour, on another backdrop.

    Args:
      picture: in [0, 1].
      matte: where it is opaque, in [0, 1].
      backdrop: a picture or a colour, in [0, 1].
      canvas: red, green and blue in [0, 1].
    """
    return np.clip(picture + (1.0 - matte[..., None]) * (backdrop - np.asarray(canvas, np.float32)), 0.0, 1.0)


def chessboard(shape: tuple[int, int], *, turned: bool) -> Float[np.ndarray, "height width 3"]:
    """Black and white pixels by turns; turned, white and black ones."""
    row, column = np.indices(shape)
    return np.repeat(((row + column + turned) % 2).astype(np.float32)[..., None], 3, axis=-1)
