"""Measures of the closeness of two pictures, and of the smoothness of a video."""

from __future__ import annotations

import math
from typing import NamedTuple

import dm_pix
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from jaxpaint.video import flow

Picture = Float[Array | np.ndarray, "h w c"]

_WINDOW = 11
_STRIP = 256


def psnr(a: Picture, b: Picture) -> Float[Array, ""]:
    """Peak signal-to-noise ratio of pictures in [0, 1], in decibels; infinite if they are equal."""
    return dm_pix.psnr(a, b)


def l1(a: Picture, b: Picture) -> Float[Array, ""]:
    """Mean absolute difference of two pictures."""
    return dm_pix.mae(a, b)


def ssim(a: Picture, b: Picture) -> Float[Array, ""]:
    """Structural similarity of pictures in [0, 1], averaged over the channels; 1 if they are equal.

    The measure is computed strip by strip, since an 8K picture as a whole would take 14 GB. For a picture smaller than
    the window of 11 pixels, the window shrinks to the picture's shorter side.

    References:
      Wang et al., "Image quality assessment: from error visibility to structural similarity", 2004.
    """
    height, width, _ = a.shape
    window = min(_WINDOW, height, width)
    rows = height - window + 1
    total = jnp.zeros(())
    for top in range(0, rows, _STRIP):
        count = min(_STRIP, rows - top)
        strip = slice(top, top + count + window - 1)
        total += count * _ssim(jnp.asarray(a[strip]), jnp.asarray(b[strip]), window)
    return total / rows


_ssim = jax.jit(lambda a, b, window: dm_pix.ssim(a, b, filter_size=window), static_argnums=2)


def closeness(drawing: Picture, target: Picture) -> dict[str, float | None]:
    """PSNR, SSIM and L1 of a drawing in 8 bits, rounded for a report.

    Args:
      drawing: picture in [0, 1]; rounded to 8 bits before it is compared.
      target: picture in [0, 1], of the same shape.

    Returns:
      `psnr` (None if the two are equal), `ssim` and `l1`.
    """
    pixels = np.round(np.clip(np.asarray(drawing), 0, 1) * 255).astype(np.float32) / 255
    decibels = float(psnr(pixels, target))
    return {
        "psnr": round(decibels, 4) if math.isfinite(decibels) else None,
        "ssim": round(float(ssim(pixels, target)), 5),
        "l1": round(float(l1(pixels, target)), 6),
    }


class Motion(NamedTuple):
    """Motion of a video's source from one frame to the next.

    Attributes:
      back: optical flow from the second frame to the first.
      seen: pixels of the second frame that are not occluded in the first.
    """

    back: flow.Flow
    seen: Bool[np.ndarray, "height width"]


def motion(first: Float[np.ndarray, "height width 3"], second: Float[np.ndarray, "height width 3"]) -> Motion:
    """Motion between two frames of a source, in [0, 1]."""
    back = flow.flow(second, first)
    return Motion(back, ~flow.occluded(back, flow.flow(first, second)))


def warp_error(
    first: Float[np.ndarray, "height width 3"], second: Float[np.ndarray, "height width 3"], motion: Motion
) -> float:
    """Mean absolute difference between a frame and the frame before, warped by the source's motion.

    A flickering video has a large warp error. Even the source's own warp error is not 0, since light changes and no
    flow is exact.

    Args:
      first, second: painted frames, or the source's own, in [0, 1].
      motion: motion of the source; occluded pixels do not count.

    References:
      Lai et al., Learning blind video temporal consistency, ECCV 2018, arXiv:1808.00449, section 4.2.
    """
    apart = np.abs(second - flow.warp(first, motion.back)).mean(axis=-1)
    return float(apart[motion.seen].mean()) if motion.seen.any() else 0.0


def jitter(first: Float[np.ndarray, "n d"], second: Float[np.ndarray, "n d"], third: Float[np.ndarray, "n d"]) -> float:
    """Jitter of strokes over three frames: the mean absolute second difference of their parameters.

    Args:
      first, second, third: the same strokes in each frame, in the same order.
    """
    return float(np.abs(third - 2 * second + first).mean()) if len(first) else 0.0
