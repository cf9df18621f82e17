"""Keyframes of a video: the frames after cuts, and all frames of a method that paints them independently."""

from __future__ import annotations

import numpy as np

from jaxpaint import pictures
from jaxpaint.settings import FilmSettings
from jaxpaint.types import Picture
from jaxpaint.video import flow
from jaxpaint.video.frames import fitted_size

# Long side, in pixels, of the pictures that are compared to find cuts.
_CUT_SIZE = 64
# A cut: the mean absolute warp residual exceeds half the pixels' mean absolute deviation, and also 0.03.
_UNEXPLAINED, _LEAST_CHANGE = 0.5, 0.03


def fitted(picture: Picture, settings: FilmSettings) -> Picture:
    """Resizes a frame to the size at which strokes are fitted."""
    height, width, _ = picture.shape
    return pictures.resize(picture, pictures.fitted_shape(height, width, fitted_size(settings, (height, width))))


def is_keyframe(before: Picture, picture: Picture, settings: FilmSettings) -> bool:
    """Whether a frame is painted without regard to the previous frame.

    Args:
      before: the previous frame, as `fitted` returns it.
      picture: the frame, likewise.
      settings: the film's settings.
    """
    method = settings.method
    return method == "independent" or (method == "persistent" and is_cut(before, picture))


def is_cut(first: Picture, second: Picture) -> bool:
    """Whether the second of two frames begins another scene.

    Args:
      first, second: frames of one shape, in [0, 1].
    """
    height, width, _ = first.shape
    shape = pictures.fitted_shape(height, width, _CUT_SIZE)
    small = [pictures.resize(picture, shape) for picture in (first, second)]
    explained = flow.warp(small[0], flow.flow(small[1], small[0]))
    left = float(np.abs(small[1] - explained).mean())
    spread = float(np.abs(small[1] - small[1].mean(axis=(0, 1))).mean())
    return left > max(_LEAST_CHANGE, _UNEXPLAINED * spread)
