"""Where a video begins anew: at cuts, and wherever its method paints frames apart."""

from __future__ import annotations

import numpy as np

from jaxpaint import pictures
from jaxpaint.settings import FilmSettings
from jaxpaint.types import Picture
from jaxpaint.video import flow
from jaxpaint.video.frames import fitted_size

# Long side, in pixels, of the pictures between which cuts are looked for.
_CUT_SIZE = 64
# A cut: the warp residual exceeds half the pixels' mean absolute deviation, and at least so much.
_UNEXPLAINED, _LEAST_CHANGE = 0.5, 0.03


def fitted(picture: Picture, settings: FilmSettings) -> Picture:
    """A frame at the size at which it is fitted."""
    height, width, _ = picture.shape
    return pictures.resize(picture, pictures.fitted_shape(height, width, fitted_size(settings, (height, width))))


def is_keyframe(before: Picture, picture: Picture, settings: FilmSettings) -> bool:
    """Whether a frame is painted without regard to the one before; both are `fitted`."""
    method = settings.method
    return method == "independent" or (method == "persistent" and is_cut(before, picture))


def is_cut(first: Picture, second: Picture) -> bool:
    """Whether another scene begins with the second of two frames.

    Args:
      first, second: of one shape, in [0, 1].
    """
    height, width, _ = first.shape
    shape = pictures.fitted_shape(height, width, _CUT_SIZE)
    small = [pictures.resize(picture, shape) for picture in (first, second)]
    explained = flow.warp(small[0], flow.flow(small[1], small[0]))
    left = float(np.abs(small[1] - explained).mean())
    spread = float(np.abs(small[1] - small[1].mean(axis=(0, 1))).mean())
    return left > max(_LEAST_CHANGE, _UNEXPLAINED * spread)
