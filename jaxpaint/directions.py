"""Direction fields that follow form: along a picture's contours, and smoothly between contours.

A direction and its opposite are the same. Directions are therefore averaged as *doubled angles* `(cos 2θ, sin 2θ)`, θ
in radians, clockwise from x. A doubled angle is scaled by its confidence in [0, 1].
"""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from jaxtyping import Float

from jaxpaint import pictures

Field = Float[np.ndarray, "rows columns 2"]

# Long side of a field, in cells.
SIZE = 256
# Blur of the picture and of its structure tensor, in cells.
_FINE, _LOCAL = 0.8, 2.0
# Root mean square slope, in brightness a cell, at which a contour has half its weight, and half its strength.
_SLOPE, _STRONG = 0.02, 0.06
# Weight of the diagonal, relative to that of contours. The diagonal is the direction of a picture without contours.
_DIAGONAL = 1e-4
# Confidence of a direction from distant contours, and the weight of nearby contours that adds half of the rest.
_FAR, _NEARBY = 0.2, 0.05
# Variation of unsure directions: number of patches of one direction along the long side, and standard deviation of
# their turns, in radians.
_PATCHES, _TURN = 11, 0.8


def checked(field: Any) -> Field:
    """Checks a direction field, and returns it as float32.

    Args:
      field: array of shape `[rows, columns, 2]`, as `form` returns it.

    Raises:
      ValueError: the array has another shape, or values that are not finite.
    """
    array = pictures.floats(field, "directions")
    if array.ndim != 3 or array.shape[-1] != 2 or not array.size:
        raise ValueError(f"expected directions of shape [rows, columns, 2], got {array.shape}")
    if not np.isfinite(array).all():
        raise ValueError("expected directions of finite numbers, got others")
    return array


def form(picture: Float[np.ndarray, "height width 3"]) -> Field:
    """Direction field of a picture's forms, as doubled angles.

    The directions are the minor axes of the structure tensor of all three channels, spread by normalised convolution.
    Between contours, a direction is the mean of the directions around, nearer ones weighing more. A plain region takes
    the directions of its borders.

    Args:
      picture: picture in [0, 1].

    Returns:
      The field, in the picture's proportions, with `SIZE` cells along the long side.

    References:
      Di Zenzo, A note on the gradient of a multi-image, CVGIP 1986; Knutsson and Westin, Normalized and differential
      convolution, CVPR 1993.
    """
    height, width, _ = picture.shape
    contours = _contours(pictures.resize(picture, pictures.fitted_shape(height, width, SIZE)), _SLOPE)
    # The diagonal runs from the lower left to the upper right, and so along a narrow picture.
    diagonal = np.append(doubled(-np.arctan2(height, width)), 1.0).astype(np.float32)
    spread = _spread(contours) + _DIAGONAL * diagonal
    mean = spread[..., :2] / spread[..., 2:]
    nearby = contours[..., 2:] / (contours[..., 2:] + _NEARBY)
    # The contours around a place seldom agree entirely, so that the confidence is the root of their agreement.
    agreement = np.sqrt(np.maximum(np.linalg.norm(mean, axis=-1, keepdims=True), 1e-12))
    return (_FAR + (1.0 - _FAR) * nearby) * mean / agreement


def varied(field: Field) -> Field:
    """Turns a field's unsure directions slowly to and fro, like the hand of a painter who fills a ground.

    Args:
      field: doubled angles, scaled by their confidence.

    Returns:
      The field, unchanged where the confidence is 1. The same field always varies in the same way.
    """
    rows, columns, _ = field.shape
    patches = np.random.default_rng(7).standard_normal((_PATCHES, _PATCHES)).astype(np.float32)
    noise = cv2.resize(patches, (SIZE, SIZE), interpolation=cv2.INTER_CUBIC)[:rows, :columns]
    turn = 2.0 * _TURN * noise * (1.0 - np.linalg.norm(field, axis=-1))
    cos, sin = np.cos(turn), np.sin(turn)
    x, y = field[..., 0], field[..., 1]
    return np.stack([x * cos - y * sin, x * sin + y * cos], axis=-1)


def of_hues(picture: Float[np.ndarray, "height width 3"]) -> Field:
    """Direction field of a picture whose hues are directions: red is level, and half the hue turns counter-clockwise.

    Chartreuse rises to the right by 45 degrees, cyan is upright, and violet falls to the right. Saturation is the
    confidence: greys leave the direction open.

    Args:
      picture: picture in [0, 1].
    """
    hue, saturation, _ = np.moveaxis(cv2.cvtColor(np.ascontiguousarray(picture, np.float32), cv2.COLOR_RGB2HSV), -1, 0)
    return _small(saturation[..., None] * doubled(-np.deg2rad(hue) / 2))


def of_vectors(vectors: Float[np.ndarray, "height width 2"]) -> Field:
    """Direction field of vectors, x to the right and y downwards; lengths up to 1 are the confidence."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return _small(np.minimum(length, 1.0) * doubled(np.arctan2(vectors[..., 1], vectors[..., 0])))


def _small(field: Float[np.ndarray, "height width 2"]) -> Field:
    """A field of at most `SIZE` cells along the long side."""
    height, width, _ = field.shape
    shape = pictures.fitted_shape(height, width, min(SIZE, max(height, width)))
    return pictures.resize(field.astype(np.float32), shape)


def steered(field: Float[np.ndarray, "_ _ 2"], picture: Float[np.ndarray, "height width 3"]) -> Field:
    """A picture's directions, and a user's directions in their place where these are confident.

    Args:
      field: the user's, in any size, stretched over the picture.
      picture: picture in [0, 1].
    """
    own = varied(form(picture))
    given = pictures.resize(checked(field), own.shape[:2])
    return given + (1.0 - np.minimum(np.linalg.norm(given, axis=-1, keepdims=True), 1.0)) * own


def strong(picture: Float[np.ndarray, "height width 3"]) -> Float[np.ndarray, "rows columns 1"]:
    """Strength of a picture's contours, in [0, 1], at the cells of its `form`.

    Args:
      picture: picture in [0, 1].
    """
    height, width, _ = picture.shape
    return _contours(pictures.resize(picture, pictures.fitted_shape(height, width, SIZE)), _STRONG)[..., 2:]


def doubled(angle: Float[np.ndarray, "*n"] | float) -> Float[np.ndarray, "*n 2"]:
    """Cosine and sine of the doubled angle."""
    return np.stack([np.cos(2.0 * angle), np.sin(2.0 * angle)], axis=-1)


def angle(doubled: Float[np.ndarray, "*n 2"]) -> Float[np.ndarray, "*n"]:
    """Angle in radians, in (−π/2, π/2]; the inverse of `doubled`."""
    return 0.5 * np.arctan2(doubled[..., 1], doubled[..., 0])


def _contours(picture: Float[np.ndarray, "rows columns 3"], slope: float) -> Float[np.ndarray, "rows columns 3"]:
    """Doubled angles along contours, scaled by their clarity, and the weight of the contours, in [0, 1].

    Args:
      picture: picture in [0, 1].
      slope: root mean square slope, in brightness a cell, of a contour of weight 1/2.
    """
    padded = np.pad(blurred(picture, _FINE), ((1, 1), (1, 1), (0, 0)), mode="edge")
    dx = (padded[1:-1, 2:] - padded[1:-1, :-2]) / 2
    dy = (padded[2:, 1:-1] - padded[:-2, 1:-1]) / 2
    # The gradient runs across the contour, so that its doubled angle has the opposite sign.
    parts = (dy**2 - dx**2, -2 * dx * dy, dx**2 + dy**2)
    tensor = blurred(np.stack([part.sum(axis=-1) for part in parts], axis=-1), _LOCAL)
    return tensor / (tensor[..., 2:] + 3 * slope**2)


def _spread(values: Float[np.ndarray, "rows columns 3"]) -> Float[np.ndarray, "rows columns 3"]:
    """Adds ever wider means to the values; a point spreads with about the inverse square of the distance."""
    rows, columns, _ = values.shape
    if max(rows, columns) == 1:
        return values
    half = cv2.resize(values, (-(-columns // 2), -(-rows // 2)), interpolation=cv2.INTER_AREA)
    return values + cv2.resize(_spread(half), (columns, rows), interpolation=cv2.INTER_LINEAR)


def blurred(values: Float[np.ndarray, "rows columns 3"], sigma: float) -> Float[np.ndarray, "rows columns 3"]:
    """Blurs values with a Gaussian, with mirrored borders."""
    return cv2.GaussianBlur(np.ascontiguousarray(values, np.float32), (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
