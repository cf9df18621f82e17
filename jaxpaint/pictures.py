"""Pictures as arrays: sizes, checks and conversions. Files are in `jaxpaint.io`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from jaxpaint import checks
from jaxpaint.errors import reason

# Greatest long side of a drawing, in pixels. The colours and heights of a square drawing then take 4 GiB.
LARGEST = 16384
# By how much values may leave [0, 1], as arithmetic has it.
_HAIR = 1e-4
# EXIF's tag of how a picture lies.
ORIENTATION = 274
# Pixels of a band.
_BAND = 2**21


def checked_size(size: object) -> int:
    """Checks a drawing's long side in pixels, an integer from 1 to `LARGEST`.

    Raises:
      ValueError, TypeError: the size is out of range, or not an integer.
    """
    why = "a larger square takes more than 4 GiB of memory"
    return checks.whole(size, "a size in pixels", 1, LARGEST, why=why)


def fitted_shape(height: int, width: int, size: int) -> tuple[int, int]:
    """Height and width with the same proportions and a long side of `size` pixels; at least one pixel each."""
    scale = size / max(height, width)
    return max(1, round(height * scale)), max(1, round(width * scale))


def bands(height: int, width: int, *, multiple: int = 1) -> Iterator[slice]:
    """Divides a picture into bands of rows of some two megapixels each, so that large pictures need little more memory.

    Args:
      height, width: size of the picture, in pixels.
      multiple: the number of rows of all bands but the last is a multiple of this.
    """
    rows = max(1, _BAND // (width * multiple)) * multiple
    for start in range(0, height, rows):
        yield slice(start, min(start + rows, height))


def checked(picture: Any, kind: str = "a picture") -> Float[np.ndarray, "height width 3"]:
    """A new array of a picture in [0, 1]; see `converted`."""
    return np.clip(converted(picture, kind), 0.0, 1.0)


def converted(picture: Any, kind: str = "a picture", *, alpha: bool = False) -> Float[np.ndarray, "height width c"]:
    """Returns a picture as float32, converted from common types of pictures if the conversion is unambiguous.

    Args:
      picture: array of shape `[height, width, 3]` with values in [0, 1]. Also a Pillow image or a PyTorch tensor,
        unsigned integers of 8 or 16 bits, grey values, channels first, or an opaque fourth channel.
      kind: noun for the picture, for error messages.
      alpha: takes a fourth channel that is not opaque, too.

    Returns:
      The picture, of four channels if its alpha is not opaque. It may share the argument's memory, and exceed [0, 1] by
      rounding errors.

    Raises:
      ValueError: the picture has another shape or range; one line says what was expected.
    """
    if isinstance(picture, str | os.PathLike):
        raise ValueError(f"expected {kind} as an array, got a path; jaxpaint.read_image reads it")
    array = floats(picture, kind)
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim == 3 and array.shape[0] in (1, 3, 4) and array.shape[-1] not in (1, 3, 4):
        array = np.moveaxis(array, 0, -1)
    if array.ndim == 3 and array.shape[-1] == 4 and array.size and array[..., 3].min() >= 1:
        array = array[..., :3]
    if array.ndim == 3 and array.shape[-1] == 1:
        array = np.repeat(array, 3, axis=-1)
    if array.ndim != 3 or array.shape[-1] not in ((3, 4) if alpha else (3,)) or not array.size:
        hint = ""
        if array.ndim == 4:
            hint = "; pass the pictures of a batch one by one"
        elif array.shape[-1:] == (4,):
            hint = "; lay its colours over a canvas by its alpha first, or set config.transparent to paint it"
        raise ValueError(f"expected {kind} of shape [height, width, 3], got {array.shape}{hint}")
    return in_range(array, kind)


def checked_color(color: Any) -> Float[np.ndarray, "3"]:
    """Checks red, green and blue, and returns them as float32.

    Raises:
      ValueError: the colour is not three numbers in [0, 1].
    """
    try:
        array = np.asarray(color, np.float32)
    except (ValueError, TypeError):
        array = None
    if array is None or array.shape != (3,):
        got = checks.described(color if array is None else array)
        raise ValueError(f"expected a colour as red, green and blue, got {got}")
    return in_range(array, "a colour")


def in_range(array: Float[np.ndarray, "..."], kind: str) -> Float[np.ndarray, "..."]:
    """Refuses values outside [0, 1].

    Args:
      array: at least one value.
      kind: noun for the array, with its article, for the error message.

    Raises:
      ValueError: one line, with the range of the values, or the percentage of NaN values.
    """
    least, most = float(array.min()), float(array.max())
    if not (least >= -_HAIR and most <= 1 + _HAIR):
        # If a value is NaN, least and most are NaN.
        bad = (
            f"{100 * np.isnan(array).mean():.3g} % that are no numbers" if np.isnan(least) else f"{least:g} to {most:g}"
        )
        raise ValueError(f"expected {kind} of values in [0, 1], got {bad}")
    return array


def floats(picture: Any, kind: str) -> np.ndarray:
    """An array's values as float32; the greatest value of an integer type becomes 1.

    Args:
      picture: as for `converted`, of any shape.
      kind: noun for the array, with its article, for the error message.

    Returns:
      The values, which may share the argument's memory.

    Raises:
      ValueError: the values have another type, or the argument is not an array.
    """
    orientation = 1
    if isinstance(picture, Image.Image):
        orientation = picture.getexif().get(ORIENTATION, 1)
        if picture.mode.startswith("I;16"):
            picture = np.asarray(picture).astype(np.uint16)
        elif picture.mode not in ("L", "RGB", "RGBA", "F", "I"):
            picture = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    elif hasattr(picture, "detach"):
        picture = picture.detach().cpu()
    try:
        array = np.asarray(picture)
    except (ValueError, TypeError) as error:
        raise ValueError(f"expected {kind} as an array, got {type(picture).__name__}: {reason(error)}") from None
    full = 1.0
    if array.dtype in (np.uint8, np.uint16):
        full = np.iinfo(array.dtype).max
    elif array.dtype != bool and not jnp.issubdtype(array.dtype, jnp.floating):
        got = (
            array.dtype if isinstance(picture, np.ndarray | np.generic) else f"{type(picture).__name__} ({array.dtype})"
        )
        raise ValueError(f"expected {kind} of floats in [0, 1], or of uint8, got {got}")
    values = array.astype(np.float32, copy=False)
    return upright(values if full == 1.0 else values / np.float32(full), orientation)


def upright(values: Float[np.ndarray, "..."], orientation: int) -> Float[np.ndarray, "..."]:
    """Turns a picture upright.

    Args:
      values: the picture.
      orientation: EXIF's, 1 to 8 (CIPA DC-008, 4.6.4); 1 and other numbers leave it as it is.
    """
    if orientation in (5, 6, 7, 8):
        values = values.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        values = values[::-1]
    if orientation in (2, 3, 6, 7):
        values = values[:, ::-1]
    return np.ascontiguousarray(values)


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


def to_bytes(image: Float[np.ndarray, "height width *c"]) -> UInt8[np.ndarray, "height width *c"]:
    """Converts values in [0, 1] to integers from 0 to 255, by rounding."""
    result = np.empty(image.shape, np.uint8)
    for rows in bands(*image.shape[:2]):
        result[rows] = np.round(np.clip(image[rows], 0.0, 1.0) * 255.0)
    return result


def to_hex(color: Float[np.ndarray, "3"]) -> str:
    """A colour in [0, 1] as a text of `#` and six hexadecimal digits."""
    return "#" + to_bytes(color[None, None]).tobytes().hex()
