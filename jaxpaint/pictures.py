"""Pictures as arrays: sizes, checks and conversions. Files are in `jaxpaint.io`."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image


def fitted_shape(height: int, width: int, size: int) -> tuple[int, int]:
    """Height and width with the same proportions and a long side of `size` pixels; at least one pixel each."""
    scale = size / max(height, width)
    return max(1, round(height * scale)), max(1, round(width * scale))


def checked(picture: Any, kind: str = "a picture") -> Float[np.ndarray, "height width 3"]:
    """Returns a picture in float32, after a check of its shape and range.

    Args:
      picture: array of shape `[height, width, 3]` with values in [0, 1].
      kind: noun for the picture, for error messages.

    Raises:
      ValueError: the array has another shape or range.
    """
    picture = np.asarray(picture, np.float32)
    if picture.ndim != 3 or picture.shape[-1] != 3 or not picture.size:
        raise ValueError(f"expected {kind} of shape [height, width, 3], got {picture.shape}")
    least, most = float(picture.min()), float(picture.max())
    if not (least >= 0 and most <= 1):
        raise ValueError(f"expected {kind} of values in [0, 1], got {least:g} to {most:g}")
    return picture


def resize(
    image: Float[np.ndarray, "height width channels"], shape: tuple[int, int]
) -> Float[np.ndarray, "h w channels"]:
    """Resizes a picture: by averaging if it shrinks, and by cubic interpolation if it grows.

    Args:
      image: picture of any number of channels.
      shape: height and width in pixels.
    """
    height, width = shape
    if image.shape[:2] == (height, width):
        return np.array(image, np.float32)
    shrinks = height <= image.shape[0] and width <= image.shape[1]
    method = Image.Resampling.BOX if shrinks else Image.Resampling.BICUBIC
    channels = [
        Image.fromarray(np.ascontiguousarray(image[..., c], np.float32)).resize((width, height), method)
        for c in range(image.shape[-1])
    ]
    return np.clip(np.stack([np.asarray(c) for c in channels], axis=-1), image.min(), image.max())


def in_shades(
    image: Float[np.ndarray, "height width 3"], one: tuple[float, float, float], other: tuple[float, float, float]
) -> Float[np.ndarray, "height width 3"]:
    """Maps a picture's luma (ITU-R BT.709) to the shades between two colours, dark to light.

    Args:
      image: picture in [0, 1].
      one, other: the two colours; red, green, blue in [0, 1].
    """
    luma = np.array([0.2126, 0.7152, 0.0722], np.float32)
    dark, light = (np.array(color, np.float32) for color in sorted((one, other), key=lambda color: luma @ color))
    return dark + (light - dark) * (image @ luma)[..., None]


def to_bytes(image: Float[np.ndarray, "height width 3"]) -> UInt8[np.ndarray, "height width 3"]:
    """Converts values in [0, 1] to integers from 0 to 255, by rounding."""
    return np.round(np.clip(image, 0.0, 1.0) * 255.0).astype(np.uint8)
