"""A user's own pictures of a brush, which replace a built-in texture: each stroke shows one stamp of a set.

Two coordinates run over a stroke: `s` across it and `t` along it, both from -0.5 to 0.5.
"""

from __future__ import annotations

import functools
import os
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxpaint import pictures, runtime
from jaxpaint.brushes.base import Plane, Scalar

# Resolution of a stamp in texels, and its number of levels, which are averages over 1, 2, 4 … texels.
ACROSS, ALONG, LEVELS = 128, 256, 8


class Stamps(NamedTuple):
    """A user's brush, ready to draw with; `pyramid` makes it.

    Attributes:
      levels: shade, coverage and height of each stamp, in [0, 1], averaged over 1, 2, 4, 8 … texels.
      means: mean shade of each stamp's paint, and mean coverage of each stamp.
    """

    levels: Float[Array | np.ndarray, "stamps levels across along 3"]
    means: Float[Array | np.ndarray, "stamps 2"]


class Look(NamedTuple):
    """Appearance of a stroke's inside.

    Attributes:
      picture: a user's brush, as `pyramid` makes it; None for the built-in bristles.
      contrast: contrast of the texture: 0 for smooth strokes, 1 for the original contrast, up to 2 for twice as much.
      flat: shows the texture's average instead, which makes a fit cheaper where the texture matters little.
      wet: wetness of the paint below, 0 to 1; above 0, strokes also give the share of paint that each bristle carries.
      height: whether strokes also give the height of their paint, for lighting.
    """

    picture: Stamps | None = None
    contrast: float = 1.0
    flat: bool = False
    wet: float = 0.0
    height: bool = False


def contrasted(shade: Plane | Scalar, look: Look) -> Plane | Scalar:
    """Shade at the look's contrast, in [0, 1]."""
    return jnp.clip(1.0 - look.contrast * (1.0 - shade), 0.0, 1.0)


def brush_picture(
    image: Float[np.ndarray, "height width 3"], heights: Float[np.ndarray, "height width 3"] | None = None
) -> Float[np.ndarray, "across along 3"]:
    """Makes a stamp from a user's picture of one brush stroke.

    Args:
      image: light paint on black, in [0, 1], horizontal or vertical; black is not covered.
      heights: height map of the same stroke, grey values in [0, 1]; None to take the paint's brightness as its height.

    Returns:
      Shade, coverage and height in [0, 1], cropped to the stroke, which runs along the second axis.

    Raises:
      ValueError: hardly anything in the picture is covered.
    """
    if image.shape[0] > image.shape[1]:
        image, heights = image.swapaxes(0, 1), None if heights is None else heights.swapaxes(0, 1)
    light = image.mean(axis=-1)
    coverage = np.clip(light / 0.1, 0.0, 1.0)
    if (coverage > 0.5).mean() < 0.01:
        raise ValueError("expected a picture of a light brush stroke on black, got one that is nearly all black")
    rows, columns = (np.flatnonzero(coverage.max(axis=axis) > 0.5) for axis in (1, 0))
    inside = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    light, coverage = light[inside], coverage[inside]
    painted = coverage > 0.5
    shade = np.where(painted, light / light.max(), 1.0)
    height = shade
    if heights is not None:
        height = heights.mean(axis=-1)[inside]
        # Uncovered texels take the paint's mean height; otherwise averages over a few texels would lower the rims.
        height = np.where(painted, height, height[painted].mean())
    resized = jax.image.resize(np.stack([shade, coverage, height], axis=-1), (ACROSS, ALONG, 3), "linear")
    return np.clip(np.asarray(resized, np.float32), 0.0, 1.0)


def checked(stamps: Any) -> Float[np.ndarray, "stamps across along 3"]:
    """Checks the stamps of a user's brush, and returns them as float32.

    Args:
      stamps: array of shape `[stamps, across, along, 3]`: shade, coverage and height in [0, 1].

    Raises:
      ValueError: the array has another shape or range.
    """
    if isinstance(stamps, str | os.PathLike):
        raise ValueError("expected a brush as an array, got a path; jaxpaint.io.images.read_brush reads it")
    array = pictures.floats(stamps, "a brush")
    if array.ndim != 4 or array.shape[-1] != 3 or not array.size:
        raise ValueError(f"expected a brush of shape [stamps, across, along, 3], got {array.shape}")
    return pictures.in_range(array, "a brush")


def of_light(picture: Float[np.ndarray, "across along 2"]) -> Float[np.ndarray, "1 across along 3"]:
    """Makes a set of one stamp from shade and coverage, the format of older files; the shade becomes the height."""
    return picture[None][..., [0, 1, 0]]


def pyramid(stamps: Float[np.ndarray, "stamps across along 3"]) -> Stamps:
    """Averages stamps over 1, 2, 4, 8 … texels for `Look`; the result is cached and must not be written to."""
    return _pyramid(stamps.astype(np.float32).tobytes(), stamps.shape)


# All frames of a film share one brush.
@functools.lru_cache(maxsize=1)
def _pyramid(data: bytes, shape: tuple[int, ...]) -> Stamps:
    stamps = np.frombuffer(data, np.float32).reshape(shape)
    shade, coverage, _ = np.moveaxis(stamps.reshape(len(stamps), -1, 3), -1, 0)
    means = np.stack([(shade * coverage).sum(axis=1) / coverage.sum(axis=1), coverage.mean(axis=1)], axis=1)
    return Stamps(np.asarray(_averaged(stamps)), means)


# Compiled as one program: separate programs for each resize would take twice as long to compile.
@functools.partial(jax.jit, compiler_options=runtime.RUN_ONCE)
def _averaged(stamps: Float[Array, "stamps across along 3"]) -> Float[Array, "stamps levels across along 3"]:
    """Averages stamps into the levels of `Stamps`."""
    levels = [stamps]
    for k in range(1, LEVELS):
        smaller = (len(stamps), max(ACROSS >> k, 1), max(ALONG >> k, 1), 3)
        levels.append(jax.image.resize(jax.image.resize(stamps, smaller, "linear"), stamps.shape, "linear"))
    return jnp.stack(levels, axis=1)


def _number(stamps: Stamps, grain: Scalar) -> Float[Array, ""]:
    """Number of the stamp that a stroke shows."""
    count = len(stamps.means)
    return jnp.clip(jnp.floor(grain * count), 0.0, count - 1.0)


def average(stamps: Stamps, grain: Scalar) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """Mean shade of the paint, and mean coverage, of a stroke's stamp."""
    shade, coverage = jnp.asarray(stamps.means)[_number(stamps, grain).astype(int)]
    return shade, coverage


def sample(
    stamps: Stamps, grain: Scalar, s: Plane, t: Plane, footprint: Float[Array, ""]
) -> tuple[Plane, Plane, Plane]:
    """Shade, coverage and height at points of a stroke, interpolated between texels and levels of its stamp.

    Args:
      stamps: a user's brush, as `pyramid` makes it.
      grain: the stroke's grain, in [0, 1], which selects the stamp.
      s, t: positions across and along the stroke, -0.5 to 0.5.
      footprint: width of a pixel, in widths of the stroke.
    """
    count, levels, rows, columns, _ = stamps.levels.shape
    level = jnp.clip(jnp.log2(jnp.maximum(footprint * rows, 1.0)), 0.0, levels - 1.0)
    # Stamps and levels share one axis, so that texels are gathered in place and no stamp is copied for a stroke.
    level += levels * _number(stamps, grain)
    at = [jnp.broadcast_to(level, s.shape), (s + 0.5) * rows - 0.5, (t + 0.5) * columns - 0.5]
    flat = jnp.reshape(stamps.levels, (count * levels, rows, columns, 3))
    shade, coverage, height = (
        jax.scipy.ndimage.map_coordinates(flat[..., i], at, order=1, mode="nearest") for i in range(3)
    )
    return shade, coverage, height


def stamped(
    stamps: Stamps, grain: Scalar, s: Plane, t: Plane, footprint: Float[Array, ""], look: Look
) -> tuple[Plane, tuple[Plane | Scalar, ...], tuple[Plane, ...]]:
    """Coverage, shades, and heights if asked for, of a user's brush at points of a stroke.

    Args:
      stamps, grain, s, t, footprint: as for `sample`.
      look: appearance of the stamps.
    """
    light, coverage, height = sample(stamps, grain, s, t, footprint)
    covered = 1.0 - min(look.contrast, 1.0) * (1.0 - coverage)
    return covered, (contrasted(light, look),) * 3, (height,) * look.height
