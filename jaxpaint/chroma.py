"""Lightness apart from colour: grey pictures, and strokes that keep their chroma while their lightness changes.

The lightness is the luma (ITU-R BT.709) of sRGB values, and the chroma of a colour is its difference from the grey of
the same luma. Chroma is a vector: its direction is the hue, and its length the colourfulness.

References:
  Gatys et al., Preserving color in neural artistic style transfer, 2016, arXiv:1606.05897, section 4.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float

from jaxpaint.brushes import Brush

# Weights of red, green and blue.
_LUMA = (0.2126, 0.7152, 0.0722)
# Least length of a chroma, and least standard deviation of a picture's luma.
_LEAST = 1e-6


def grey(picture: Any) -> Any:
    """A picture `[..., 3]` without its chroma, in three equal channels; an array of NumPy or of JAX, as the picture."""
    luma = sum(weight * picture[..., i : i + 1] for i, weight in enumerate(_LUMA))
    return luma.repeat(3, axis=-1)


def matched(
    picture: Float[np.ndarray, "height width 3"], other: Float[np.ndarray, "rows columns 3"]
) -> Float[np.ndarray, "height width 3"]:
    """A grey picture with the mean and the standard deviation of another picture's luma.

    Args:
      picture, other: pictures in [0, 1].

    Returns:
      The picture in [0, 1]; values outside of the range are clipped.
    """
    own, wanted = grey(picture), grey(other)
    scale = wanted.std() / max(own.std(), _LEAST)
    return np.clip(wanted.mean() + scale * (own - own.mean()), 0.0, 1.0).astype(np.float32)


def kept(
    brush: Brush, strokes: Float[np.ndarray, "n d"], original: Float[np.ndarray, "n d"]
) -> Float[np.ndarray, "n d"]:
    """Strokes with the chroma of other strokes, and with their own lightness as far as this chroma allows.

    No colour of this chroma is as dark as black or as light as white. With a shorter chroma, strokes in a red saucer
    became grey, and strokes in a face became white.

    Args:
      brush: the brush of the strokes.
      strokes: the strokes whose lightness counts.
      original: the strokes whose chroma counts, one for each stroke.
    """
    result, index = strokes.copy(), brush.index("color")
    luma, before = (grey(each[:, index].reshape(-1, 3)) for each in (strokes, original))
    chroma = original[:, index].reshape(-1, 3) - before
    darkest, lightest = -chroma.min(axis=1, keepdims=True), 1.0 - chroma.max(axis=1, keepdims=True)
    colors = np.clip(luma, darkest, lightest) + chroma
    result[:, index] = np.clip(colors, 0.0, 1.0).reshape(len(strokes), -1)
    return result
