"""Importance of the places in a picture: people look at faces and at salient places.

A painter gives these places small, decided strokes, and leaves the rest broad and calm.
"""

from __future__ import annotations

import functools
import itertools
import math
import pathlib
import threading
from typing import Any, NamedTuple

import cv2
import numpy as np
from jaxtyping import Float

from jaxpaint import pictures

_MODEL = pathlib.Path(__file__).parent / "weights" / "blazeface.tflite"
# Weight of an error in a face's eyes, nose and mouth, elsewhere in a face, and in the most salient places; the weight
# is 1 where nothing is.
_FEATURE, _FACE, _SALIENT = 24.0, 12.0, 3.0
# Weight of an error where a user's map is white; it is 1 where the map is black. Long side, in pixels, of such a map.
_MAPPED, MAP = 4.0, 256
# Weight, relative to the least, from which a picture keeps all of its details, and standard deviation of the
# transition, in long sides. Contrast of a detail that is half kept where the weight is least.
_KEPT, _TRANSITION, _STRIKING = 2.2, 0.02, 0.2
# Greatest side of the median filter's window, in pixels: OpenCV refuses much larger ones.
_LARGEST = 255
# Range of a picture's brightness below which nothing is salient.
_PLAIN = 1 / 255
# Side in pixels of the picture whose spectrum is taken (64 in the paper), size of the spectrum's mean filter, and
# standard deviation of the result's blur.
_SPECTRUM, _AVERAGED, _SMOOTH = 64, 3, 2.5
# Side in pixels of the detector's input; side of the detector's smaller windows, in long sides of the picture.
_SEEN, _CLOSER = 192, 0.6
_CONFIDENT = 0.6
# Semi-axes of a face's ellipse and its shift upwards, in sides of the detected square.
_WIDE, _TALL, _UP = 0.55, 0.72, 0.08
# Radius of an eye, the nose or the mouth, in sides of the detected square; and the number of these features.
_RADIUS, _FEATURES = 0.16, 4

# OpenCV's networks are not thread-safe.
_ONE_AT_A_TIME = threading.Lock()


class Face(NamedTuple):
    """A detected face: its square's centre and side, in long sides of the picture, and a confidence in [0, 1].

    `features` are the centres of both eyes, of the tip of the nose and of the mouth, in long sides of the picture.
    """

    x: float
    y: float
    side: float
    score: float
    features: tuple[tuple[float, float], ...]


def importance(image: Float[np.ndarray, "height width 3"]) -> Float[np.ndarray, "height width"]:
    """Weight of an error at each pixel, of mean 1.

    Args:
      image: picture in [0, 1].
    """
    height, width, _ = image.shape
    longest = max(height, width)
    weight = 1.0 + (_SALIENT - 1.0) * saliency(image)
    y, x = (np.arange(side) / longest for side in (height, width))
    for face in faces(image):
        away = np.hypot((x - face.x)[None, :] / _WIDE, (y - face.y + _UP * face.side)[:, None] / _TALL) / face.side
        weight = np.maximum(weight, _weighted(_FACE, away))
        for at in face.features:
            away = np.hypot((x - at[0])[None, :], (y - at[1])[:, None]) / (_RADIUS * face.side)
            weight = np.maximum(weight, _weighted(_FEATURE, away))
    return (weight / weight.mean()).astype(np.float32)


def checked_map(detail: Any, shape: tuple[int, int]) -> Float[np.ndarray, "rows columns"]:
    """A user's map of how much each place of a picture matters, stretched over the picture, but no larger than needed.

    Args:
      detail: map in [0, 1], or any other type that `pictures.converted` takes, grey or in colours.
      shape: height and width of the picture, in pixels.

    Raises:
      ValueError, TypeError: the map is not a picture.
    """
    grey = pictures.converted(detail, "a map of detail").mean(axis=-1, keepdims=True)
    return pictures.resize(grey, pictures.fitted_shape(*shape, min(MAP, max(shape))))[..., 0]


def mapped(detail: Float[np.ndarray, "rows columns"], shape: tuple[int, int]) -> Float[np.ndarray, "height width"]:
    """Weight of an error at each pixel by a map, of mean 1; see `importance`.

    Args:
      detail: how much each place matters, in [0, 1].
      shape: height and width of the picture, in pixels.
    """
    weight = 1.0 + (_MAPPED - 1.0) * pictures.resize(detail[..., None], shape)[..., 0]
    return (weight / weight.mean()).astype(np.float32)


def _weighted(most: float, away: Float[np.ndarray, "height width"]) -> Float[np.ndarray, "height width"]:
    """A weight that is full inside a region, and falls off around the region.

    Args:
      most: the full weight.
      away: distance from the region's centre; 1 at its border.
    """
    return 1.0 + (most - 1.0) * np.clip(2.2 - 1.2 * away, 0.0, 1.0)


def simplified(
    image: Float[np.ndarray, "height width 3"],
    strength: float,
    size: float,
    weight: Float[np.ndarray, "height width"] | None = None,
) -> Float[np.ndarray, "height width 3"]:
    """A picture without the small, faint details where people seldom look: fur, foliage, the grain of wood.

    Details are the difference from the median around each pixel, which keeps contours.

    Args:
      image: picture in [0, 1].
      strength: 0 leaves the picture as it is; 1 leaves out all faint details where the importance is least.
      size: side of the median filter's window, in long sides: that of a typical stroke.
      weight: how much each place matters; None for the picture's own importance.

    Returns:
      The picture, in [0, 1].

    References:
      Hertzmann, "Painterly rendering with curved brush strokes of multiple sizes", SIGGRAPH 1998, which blurs the
      picture by the size of the strokes.
    """
    longest = max(image.shape)
    weight = importance(image) if weight is None else weight
    seen = np.clip((weight / weight.min() - 1.0) / (_KEPT - 1.0), 0.0, 1.0)
    unseen = cv2.GaussianBlur(1.0 - seen, (0, 0), _TRANSITION * longest)[..., None]
    window = min(2 * round(size * longest / 2) + 1, _LARGEST)
    detail = image - cv2.medianBlur(pictures.to_bytes(image), window) / np.float32(255)
    contrast = np.abs(detail).max(axis=-1, keepdims=True)
    faint = _STRIKING**2 / (contrast**2 + _STRIKING**2)
    return image - strength * unseen * faint * detail


def saliency(image: Float[np.ndarray, "height width 3"]) -> Float[np.ndarray, "height width"]:
    """Saliency at each pixel, in [0, 1], by the spectral residual of the picture's brightness.

    Args:
      image: picture in [0, 1].

    References:
      Hou and Zhang, "Saliency detection: a spectral residual approach", CVPR 2007.
    """
    height, width, _ = image.shape
    grey = cv2.resize(
        np.ascontiguousarray(image.mean(axis=-1), np.float32), (_SPECTRUM,) * 2, interpolation=cv2.INTER_AREA
    )
    if np.ptp(grey) < _PLAIN:
        return np.zeros((height, width), np.float32)
    spectrum = np.fft.fft2(grey - grey.mean())
    amplitude = np.log(np.abs(spectrum) + 1e-6).astype(np.float32)
    residual = amplitude - cv2.blur(amplitude, (_AVERAGED,) * 2)
    found = (np.abs(np.fft.ifft2(np.exp(residual + 1j * np.angle(spectrum)))) ** 2).astype(np.float32)
    stands_out = cv2.resize(cv2.GaussianBlur(found, (0, 0), _SMOOTH), (width, height), interpolation=cv2.INTER_CUBIC)
    low, high = np.quantile(stands_out, [0.2, 0.98])
    return np.clip((stands_out - low) / max(high - low, 1e-12), 0.0, 1.0).astype(np.float32)


def faces(image: Float[np.ndarray, "height width 3"]) -> list[Face]:
    """Detects faces of about a twentieth of the long side and larger, the most confident first.

    Args:
      image: picture in [0, 1].

    References:
      Bazarevsky et al., "BlazeFace", arXiv:1907.05047; the model is MediaPipe's for the full range of distances.
    """
    shape = image.shape[:2]
    longest = max(shape)
    found: list[Face] = []
    for size in (longest, max(1, min(*shape, round(_CLOSER * longest)))):
        # Windows overlap by a third, so that no face is cut by all windows.
        starts = [np.linspace(0, max(0, n - size), 1 + math.ceil(max(0, n - size) / (size * 2 / 3))) for n in shape]
        for top, left in itertools.product(*(axis.astype(int).tolist() for axis in starts)):
            found += _detected(image, top, left, size)
    kept: list[Face] = []
    for face in sorted(found, key=lambda face: -face.score):
        # Non-maximum suppression.
        if all(max(abs(face.x - other.x), abs(face.y - other.y)) > 0.5 * max(face.side, other.side) for other in kept):
            kept.append(face)
    return kept


def _detected(image: Float[np.ndarray, "height width 3"], top: int, left: int, size: int) -> list[Face]:
    """Detects faces in one square window.

    Args:
      image: picture in [0, 1]; padded below and on the right if the window reaches beyond it.
      top, left, size: of the window, in pixels.
    """
    longest, image = max(image.shape), image[top : top + size, left : left + size]
    scale = _SEEN / size
    shape = tuple(max(1, round(side * scale)) for side in image.shape[1::-1])
    seen = np.full((_SEEN, _SEEN, 3), -1.0, np.float32)
    seen[: shape[1], : shape[0]] = (
        2.0 * cv2.resize(np.ascontiguousarray(image), shape, interpolation=cv2.INTER_AREA) - 1.0
    )
    with _ONE_AT_A_TIME:
        network = _network()
        network.setInput(np.ascontiguousarray(seen.transpose(2, 0, 1)[None]))
        outputs = network.forward(["reshaped_classifier_face_4", "reshaped_regressor_face_4"])
        # Copied: the next call may write into the same memory.
        logits, boxes = (np.array(output) for output in outputs)
    scores = 1.0 / (1.0 + np.exp(-np.clip(logits[0, :, 0], -80.0, 80.0)))
    # The model gives one box for each cell of a square grid, relative to the cell's centre, in pixels of its input.
    cells = round(np.sqrt(len(scores)))
    sure = np.flatnonzero(scores > _CONFIDENT)
    row, column = np.divmod(sure, cells)
    # A box has a centre, relative to that of its cell, two sides, and the places of the features.
    found = (boxes[0, sure] / _SEEN).reshape(len(sure), boxes.shape[-1] // 2, 2)
    centres = np.stack([column + 0.5, row + 0.5], axis=-1)[:, None] / cells
    sides = (size * found[:, 1].max(axis=-1) / longest).tolist()
    places = ((left, top) + size * (np.delete(found, 1, axis=1) + centres)) / longest
    return [
        Face(x, y, side, score, tuple((x, y) for x, y in features[:_FEATURES]))
        for ((x, y), *features), side, score in zip(places.tolist(), sides, scores[sure].tolist(), strict=True)
    ]


@functools.cache
def _network() -> Any:
    # OpenCV 5's new engine drops one of the two outputs.
    engine = {"engine": cv2.dnn.ENGINE_CLASSIC} if hasattr(cv2.dnn, "ENGINE_CLASSIC") else {}
    return cv2.dnn.readNetFromTFLite(str(_MODEL), **engine)
