"""What a stroke of oil paint looks like inside: the grooves that bristles leave, or a user's own picture of a brush.

Two coordinates run over a stroke: `s` across it and `t` along it, both from -0.5 to 0.5. The built-in brush is a
formula in them, so that it is sharp at every size; what is finer than a pixel fades to its average, so that a stroke
drawn large and averaged is the stroke drawn small.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxpaint.brushes.base import Plane, Scalar, stored

# A user's picture of a brush is kept at this resolution, averaged over 1, 2, 4 … texels.
ACROSS, ALONG, LEVELS = 128, 256, 8

Picture = Float[np.ndarray, "levels across along 2"]


class Look(NamedTuple):
    """How the inside of a stroke is shown.

    Attributes:
      picture: a user's brush, as `pyramid` makes it; None for the built-in bristles.
      contrast: 0 for smooth strokes, 1 for the texture as it is, up to 2 for twice its contrast.
      flat: shows the texture's average instead, which costs a fit less where it matters little.
    """

    picture: Float[Array, "levels across along 2"] | None = None
    contrast: float = 1.0
    flat: bool = False


class _Grooves(NamedTuple):
    """One family of grooves: a wave across the stroke that comes and goes along it.

    Attributes:
      frequency: grooves across a stroke.
      weight: how deep they are, relative to the others.
      phase: where across they lie.
      rate: how often they come and go along a stroke.
      slant: how much earlier that is at one edge than at the other.
      start: where along it begins.
    """

    frequency: float
    weight: float
    phase: float
    rate: float
    slant: float
    start: float


# The look of the brush. Frequencies without a common period, so that nothing repeats.
_FAMILIES = (
    _Grooves(5.3, 0.18, 0.13, 0.7, 0.8, 0.40),
    _Grooves(8.7, 0.23, 0.75, 1.1, -1.1, 0.05),
    _Grooves(12.9, 0.23, 0.34, 0.9, 1.5, 0.68),
    _Grooves(18.4, 0.20, 0.91, 1.6, -2.0, 0.22),
    _Grooves(25.6, 0.16, 0.58, 1.3, 2.8, 0.83),
)
# Mean of ((1 + wave) / 2)⁴, times that of (1 + wave) / 2.
_MEAN = 0.2671 * 0.5
_DEPTH = 0.9
# Ragged ends: how far, in half widths of the stroke, bristles stop short of the stroke's end; 0.5 on average.
RAGGED = 0.35


class Bristles(NamedTuple):
    """Planes of a stroke: depth of its grooves, and how early each bristle starts and ends, in [0, 1]."""

    groove: Plane
    start: Plane
    end: Plane


def _wave(x: Float[Array, "..."]) -> Float[Array, "..."]:
    """A smooth wave of period 1: 1 at 0, −1 at 0.5; what a cosine is, without its cost."""
    a = 4.0 * jnp.abs(x - jnp.floor(x + 0.5)) - 1.0
    return a * (0.5 * a * a - 1.5)


# Jitted to be traced once a size, not for each use; half the time of a warm start is tracing.
@functools.partial(jax.jit, inline=True)
def _bristles(s: Plane, t: Plane, footprint: Float[Array, ""]) -> Bristles:
    drifted = s + 0.018 * _wave(0.8 * t + 0.3) + 0.006 * _wave(2.9 * t + 3.1 * s)
    groove = jnp.full_like(s, _MEAN)
    for f in _FAMILIES:
        visible = jnp.exp(-4.0 * (f.frequency * footprint) ** 2)
        crest = (0.5 + 0.5 * _wave(f.frequency * drifted + f.phase)) ** 4
        presence = 0.5 + 0.5 * _wave(f.rate * t + f.slant * s + f.start)
        groove = groove + f.weight * visible * (crest * presence - _MEAN)

    return Bristles(groove, *ends(s))


def ends(s: Float[Array, "..."]) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
    """How early the bristle that lies at `s` across a stroke starts and ends, in [0, 1], 0.5 on average."""

    def ragged(a, b, c):
        return 0.5 + 0.22 * _wave(3.1 * s + a) + 0.16 * _wave(7.7 * s + b) + 0.12 * _wave(17.3 * s + c)

    return ragged(0.1, 0.65, 0.2), ragged(0.7, 0.3, 0.9)


@functools.partial(jax.jit, inline=True)
def _bristles_and_slopes(s: Plane, t: Plane, footprint: Float[Array, ""]) -> tuple[Bristles, Bristles, Plane]:
    """The texture, its slope across the stroke, and that of the grooves along it (nothing else changes along it)."""
    values, across = jax.jvp(lambda s: _bristles(s, t, footprint), (s,), (jnp.ones_like(s),))
    _, along = jax.jvp(lambda t: _bristles(s, t, footprint).groove, (t,), (jnp.ones_like(t),))
    return values, across, along


@jax.custom_vjp
def bristles(s: Plane, t: Plane, footprint: Float[Array, ""], always: Float[Array, ""]) -> Bristles:
    """The built-in texture at points of a stroke.

    Args:
      s, t: across and along the stroke, -0.5 to 0.5.
      footprint: width of a pixel, in widths of the stroke. Not differentiated: as a stroke grows, the grooves that
        appear average to nothing.
      always: any number that is not negative and not known to the compiler (see `base.stored`).
    """
    return stored(_bristles, always)(s, t, footprint)


def _bristles_forward(s, t, footprint, always):
    values, across, along = stored(_bristles_and_slopes, always)(s, t, footprint)
    return values, (across, along)


def _bristles_backward(slopes, gradient):
    across, along = slopes
    return (
        sum(g * slope for g, slope in zip(gradient, across, strict=True)),
        gradient.groove * along,
        None,
        None,
    )


bristles.defvjp(_bristles_forward, _bristles_backward)


def shade(look: Look, groove: Plane | Scalar = _MEAN) -> Plane | Scalar:
    """What the colour is multiplied by, in [0, 1]."""
    return contrasted(1.0 - _DEPTH * groove, look)


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
