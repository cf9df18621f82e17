"""Dense optical flow between the frames of a video, by OpenCV's DIS, with warps and occlusion masks.

A flow `[height, width, 2]` gives the offset, x and y in pixels, from each pixel of one frame to the same content in the
other frame.

References:
  Kroeger et al., Fast optical flow using dense inverse search, ECCV 2016, arXiv:1603.03590.
"""

from __future__ import annotations

import functools
from typing import Any

import cv2
import numpy as np
from jaxtyping import Bool, Float

from jaxpaint import pictures

Picture = Float[np.ndarray, "height width 3"]
Flow = Float[np.ndarray, "height width 2"]

# Least side, in pixels, of a picture that OpenCV's DIS accepts.
_LEAST = 16


def flow(first: Picture, second: Picture) -> Flow:
    """Computes the optical flow from the first picture to the second.

    Args:
      first, second: pictures of one shape, in [0, 1].
    """
    height, width, _ = first.shape
    rows, columns = (max(_LEAST - side, 0) for side in (height, width))
    gray = [np.pad(pictures.to_bytes(p).mean(axis=-1), ((0, rows), (0, columns)), mode="edge") for p in (first, second)]
    return _search().calc(*(plane.round().astype(np.uint8) for plane in gray), None)[:height, :width]


@functools.cache
def _search() -> Any:
    return cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)


def sample(values: Float[np.ndarray, "height width c"], at: Float[np.ndarray, "*n 2"]) -> Float[np.ndarray, "*n c"]:
    """Samples values between pixels by bilinear interpolation; the border's values repeat beyond the border.

    Args:
      values: `[height, width, c]`, the values of the pixels.
      at: positions, x and y in pixels; the middle of the first pixel is at (0.5, 0.5).
    """
    height, width, _ = values.shape
    x, y = (np.clip(at[..., i] - 0.5, 0, side - 1) for i, side in enumerate((width, height)))
    left, top = (np.minimum(at.astype(int), max(side - 2, 0)) for at, side in ((x, width), (y, height)))
    right, below = np.minimum(left + 1, width - 1), np.minimum(top + 1, height - 1)
    x, y = (x - left)[..., None], (y - top)[..., None]
    above = (1 - x) * values[top, left] + x * values[top, right]
    under = (1 - x) * values[below, left] + x * values[below, right]
    return ((1 - y) * above + y * under).astype(np.float32)


def warp(second: Float[np.ndarray, "height width c"], to_second: Flow) -> Float[np.ndarray, "height width c"]:
    """Warps the second picture back to the first; with an exact flow, the result equals the first picture.

    Args:
      second: picture of any number of channels.
      to_second: the flow from the first picture to the second.
    """
    return sample(second, _pixels(to_second) + to_second)


def occluded(there: Flow, back: Flow) -> Bool[np.ndarray, "height width"]:
    """Mask of occluded pixels: the flow there and the flow back do not return to the pixel.

    Args:
      there: the flow from the first picture to the second.
      back: the flow from the second picture to the first.

    References:
      Sundaram et al., Dense point trajectories by GPU-accelerated large displacement optical flow, ECCV 2010.
    """
    returned = warp(back, there)
    apart = ((there + returned) ** 2).sum(axis=-1)
    return apart > 0.01 * ((there**2).sum(axis=-1) + (returned**2).sum(axis=-1)) + 0.5


def _pixels(flow: Flow) -> Float[np.ndarray, "height width 2"]:
    y, x = np.indices(flow.shape[:2], dtype=np.float32) + 0.5
    return np.stack([x, y], axis=-1)
