"""A user's own picture of a brush, in place of a built-in texture.

Two coordinates run over a stroke: `s` across it and `t` along it, both from -0.5 to 0.5.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxpaint.brushes.base import Plane, Scalar

# A user's picture of a brush is kept at this resolution, averaged over 1, 2, 4 … texels.
ACROSS, ALONG, LEVELS = 128, 256, 8

Picture = Float[np.ndarray, "levels across along 2"]


class Look(NamedTuple):
    """How the inside of a stroke is shown.

    Attributes:
      picture: a user's brush, as `pyramid` makes it; None for the built-in bristles.
      contrast: 0 for smooth strokes, 1 for the texture as it is, up to 2 for twice its contrast.
      flat: shows the texture's average instead, which costs a fit less where it matters little.
      wet: also gives how much of the paint below its start each bristle carries along; 0 to 1.
      height: also gives the height of the paint, for light to fall on.
    """

    picture: Float[Array, "levels across along 2"] | None = None
    contrast: float = 1.0
    flat: bool = False
    wet: float = 0.0
    height: bool = False


def contrasted(shade: Plane | Scalar, look: Look) -> Plane | Scalar:
    """A shade at the look's contrast, in [0, 1]."""
    return jnp.clip(1.0 - look.contrast * (1.0 - shade), 0.0, 1.0)


def brush_picture(
    image: Float[np.ndarray, "height width 3"],
) -> Float[np.ndarray, "across along 2"]:
    """Shade and coverage from a user's picture of one brush stroke.

    Args:
      image: light paint on black, in [0, 1], lying or standing; what is black is not covered.

    Returns:
      Shade and coverage in [0, 1], cut to the stroke, which runs along the second axis.

    Raises:
      ValueError: if hardly anything in the picture is covered.
    """
    if image.shape[0] > image.shape[1]:
        image = image.swapaxes(0, 1)
    light = image.mean(axis=-1)
    coverage = np.clip(light / 0.1, 0.0, 1.0)
    if (coverage > 0.5).mean() < 0.01:
        raise ValueError("expected a picture of a light brush stroke on black, got one that is nearly all black")
    rows, columns = (np.flatnonzero(coverage.max(axis=axis) > 0.5) for axis in (1, 0))
    inside = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    light, coverage = light[inside], coverage[inside]
    shade = np.where(coverage > 0.5, light / light.max(), 1.0)
    resized = jax.image.resize(np.stack([shade, coverage], axis=-1), (ACROSS, ALONG, 2), "linear")
    return np.clip(np.asarray(resized, np.float32), 0.0, 1.0)


def pyramid(picture: Float[np.ndarray, "across along 2"]) -> Picture:
    """A brush picture, and the same averaged over 2, 4, 8 … texels, as `Look` takes it."""
    levels = [picture]
    for k in range(1, LEVELS):
        averaged = jax.image.resize(picture, (max(ACROSS >> k, 1), max(ALONG >> k, 1), 2), "linear")
        levels.append(np.asarray(jax.image.resize(averaged, picture.shape, "linear"), np.float32))
    return np.stack(levels)


def picture_average(
    picture: Float[Array, "levels across along 2"],
) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """Mean shade where there is paint, and mean coverage."""
    shade, coverage = picture[0, ..., 0], picture[0, ..., 1]
    return (shade * coverage).sum() / coverage.sum(), coverage.mean()


def sample(
    picture: Float[Array, "levels across along 2"], s: Plane, t: Plane, footprint: Float[Array, ""]
) -> tuple[Plane, Plane]:
    """Shade and coverage of a user's brush at points of a stroke, trilinear between texels and levels.

    Args:
      picture: as `pyramid` makes it.
      s, t: across and along the stroke, -0.5 to 0.5.
      footprint: width of a pixel, in widths of the stroke.
    """
    levels, rows, columns, _ = picture.shape
    level = jnp.clip(jnp.log2(jnp.maximum(footprint * rows, 1.0)), 0.0, levels - 1.0)
    at = [jnp.broadcast_to(level, s.shape), (s + 0.5) * rows - 0.5, (t + 0.5) * columns - 0.5]
    shade, coverage = (
        jax.scipy.ndimage.map_coordinates(picture[..., i], at, order=1, mode="nearest") for i in range(2)
    )
    return shade, coverage
