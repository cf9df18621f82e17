"""The texture that bristles leave in a stroke of oil paint: its outline, its streaks of pigment, its ridges.

Three coordinates run over a stroke, all in units of its full width: `s` across it, from -0.5 to 0.5, and `before` and
`after` along it, the distances from its start and to its end. The texture is a formula in these coordinates, so that a
stroke is sharp at every size. Details finer than a pixel fade to their average, so that a stroke drawn large and then
averaged equals the stroke drawn small. A stroke's *grain*, a number in [0, 1] that never changes, shifts all patterns:
no two strokes look alike, and a stroke always looks the same.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxpaint.brushes.base import Scalar, stored
from jaxpaint.brushes.waves import seen, wave

# Values at points of a stroke: of a plane of pixels, or of any other shape.
Points = Float[Array, "*points"]
# Mean insets of the paint at a stroke's start, end and sides, in widths, over strokes of all grains and proportions.
# Bristles start late and end early, and sides wander. A fit sees the average stroke until its last steps.
START, END, SIDE = 0.08, 0.21, 0.04
# Mean shade, and its change by a streak at full depth.
SHADE, _CONTRAST = 0.983, 0.07
# Amplitude of a streak's tint, and frequencies in the grain for red, green and blue.
_TINT, _TINTS = 0.08, (57.3, 71.9, 91.7)
# Coverage of the ground by a bristle that has run dry.
_FILM = 0.3
# Width of the transition from wet to dry bristles, in units of a streak, and its growth by a family of streaks of
# weight 1: one that is too fine to be seen, and one that changes within a pixel.
_GRADUAL, _UNSEEN, _STEEP = 0.12, 1.2, 2.5
# Distance, in widths, over which streaks carry the colours of a stroke's two ends into each other.
_DRAGGED = 0.4
# Distance, in widths, over which paint from below a stroke's start is carried along, and its strength at the start.
_CARRIED_FOR, _CARRIED = 3.0, 1.8


class _Streaks(NamedTuple):
    """One family of streaks: a wave across the stroke that comes and goes along it.

    Attributes:
      frequency: number of streaks across a stroke.
      weight: strength of the streaks, relative to the other families'.
      rate: frequency at which the streaks come and go along the stroke, per width.
      slant: phase difference of their coming and going between the two edges, in periods.
    """

    frequency: float
    weight: float
    rate: float
    slant: float


# The frequencies have no common period, so that the pattern does not repeat.
_FAMILIES = (
    _Streaks(3.1, 0.32, 0.37, 1.7),
    _Streaks(7.3, 0.36, 0.71, -2.9),
    _Streaks(13.7, 0.32, 1.33, 4.3),
    _Streaks(27.1, 0.20, 2.17, -7.9),
    _Streaks(53.9, 0.15, 3.31, 11.3),
)
# Shift of each pattern, in periods, as the grain goes from 0 to 1. Some patterns that are far apart share a shift.
_SHIFTS = (17.3, 29.7, 41.9, 53.1, 67.7, 83.3, 97.1, 113.9, 31.7, 61.3, 74.9, 89.3, 127.1, 139.3, 45.3, 106.7)


class Bristles(NamedTuple):
    """Planes of a stroke.

    Attributes:
      streak: deviation of the pigment from its mean, about -1 to 1.
      inside: distance of each bristle from the nearer of its ragged ends, in widths, negative beyond the end.
      inset: inset of the paint from the nearer side (s of -0.5, 0.5), in widths.
      cover: coverage of the ground by bristles that run dry, in [0, 1].
    """

    streak: Points
    inside: Points
    inset: Points
    cover: Points


# Jitted so that each size is traced once, not for each use: half the time of a warm start is tracing.
@functools.partial(jax.jit, inline=True)
def _bristles(
    s: Points,
    before: Points,
    after: Points,
    grain: Float[Array, ""],
    footprint: Float[Array, ""],
    contrast: Float[Array, ""],
) -> Bristles:
    shift = [grain * times for times in _SHIFTS]

    sway = wave(0.43 * before + shift[0])
    # The spacing of bristles varies within a brush and between brushes, and bristles wander.
    at = s + 0.065 * wave(1.9 * s + 0.21 * before + shift[1]) + 0.030 * wave(4.3 * s + shift[7]) + 0.020 * sway
    at *= 0.75 + 0.55 * (0.5 + 0.5 * wave(shift[12]))
    # The transition's width is squared, since independent causes add up like variances.
    streak, gradual = jnp.zeros_like(s), jnp.full((), _GRADUAL**2)
    for i, family in enumerate(_FAMILIES):
        presence = jnp.clip(0.3 + wave(family.rate * before + family.slant * s + shift[2 + i]), 0.0, 1.2)
        kept = seen(family.frequency, 1.25 * footprint)
        streak += family.weight * kept * presence * wave(family.frequency * at + shift[6 + i])
        steep = _STEEP * family.frequency * footprint
        gradual += family.weight**2 * (_UNSEEN**2 * (1.0 - kept * kept) + (kept * steep) ** 2)
    # Powers of the distance from the middle round the outline off.
    u = jnp.minimum(4.0 * s * s, 1.2)
    # Some strokes run dry earlier than others.
    dryness = (0.5 + 0.5 * wave(shift[10])) ** 2
    # A brush is seldom set down square to the stroke.
    start = 0.04 + 0.08 * u + 0.08 * u * u * u + 0.05 * wave(2.7 * s + shift[11]) + 0.03 * wave(7.9 * s + shift[5])
    start = jnp.maximum(start + 0.35 * wave(shift[14]) * s - 0.12 * streak, 0.0)
    # A bristle with more paint runs farther.
    end = 0.06 + 0.12 * wave(2.3 * s + shift[12]) + 0.08 * wave(6.7 * s + shift[13])
    end = jnp.maximum(end + 0.40 * wave(shift[15]) * s - (0.15 + 0.20 * dryness) * streak, 0.0)
    # A brush is lifted towards the end: some strokes end broad, others narrow.
    lifted = jnp.clip(1.0 - after / jnp.clip(0.4 * (before + after), 0.1, 1.3), 0.0, 1.0)
    lifted *= lifted
    narrower = (0.05 + 0.22 * (0.5 + 0.5 * wave(shift[13]))) * lifted
    inside = jnp.minimum(before - contrast * start, after - contrast * end)
    # The two sides sway together, and each also by itself.
    side = jnp.where(s < 0, 1.0, -1.0)
    inset = 0.028 + narrower + 0.017 * side * sway
    inset += 0.011 * wave(1.2 * before + side * (0.9 * sway + 0.3) + shift[11])
    way = jnp.clip(before / jnp.maximum(before + after, 1e-3), 0.0, 1.0)
    dry = (0.35 + 0.50 * dryness) * way * way * way + 0.15 * lifted + 0.22 * u * u * u
    wet = jnp.clip(0.5 + (streak + 0.62 - 0.16 * dryness - 1.08 * dry) / jnp.sqrt(gradual), 0.0, 1.0)
    cover = _FILM + (1.0 - _FILM) * wet
    return Bristles(streak, inside, inset, cover)


class _Slopes(NamedTuple):
    """Derivatives of `Bristles` by s, before and after: those that are not zero everywhere."""

    across: tuple[Points, ...]
    along: tuple[Points, ...]
    back: tuple[Points, ...]


@functools.partial(jax.jit, inline=True)
def _bristles_and_slopes(
    s: Points,
    before: Points,
    after: Points,
    grain: Float[Array, ""],
    footprint: Float[Array, ""],
    contrast: Float[Array, ""],
) -> tuple[Bristles, _Slopes]:
    ones = jnp.ones_like(s)
    found, across = jax.jvp(lambda s: _bristles(s, before, after, grain, footprint, contrast), (s,), (ones,))
    _, along = jax.jvp(lambda before: _bristles(s, before, after, grain, footprint, contrast), (before,), (ones,))
    _, back = jax.jvp(lambda after: _bristles(s, before, after, grain, footprint, contrast), (after,), (ones,))
    return found, _Slopes(
        (across.streak, across.inside, across.cover), tuple(along), (back.inside, back.inset, back.cover)
    )


@jax.custom_vjp
def bristles(
    s: Points,
    before: Points,
    after: Points,
    grain: Float[Array, ""],
    footprint: Float[Array, ""],
    contrast: Float[Array, ""] | float,
    always: Float[Array, ""],
) -> Bristles:
    """Bristles at points of a stroke.

    Args:
      s: position across the stroke, -0.5 to 0.5.
      before, after: distances from its start and its end, in widths.
      grain: the stroke's grain, in [0, 1]. Not differentiated.
      footprint: width of a pixel, in widths of the stroke. Not differentiated, since the streaks that appear as a
        stroke grows average to zero.
      contrast: contrast of the texture, 0 to 1, which sets the raggedness of the ends. Not differentiated.
      always: any non-negative number that the compiler does not know (see `base.stored`).
    """
    return stored(_bristles, always)(s, before, after, grain, footprint, contrast)


def _bristles_forward(
    s: Points, before: Points, after: Points, grain: Any, footprint: Any, contrast: Any, always: Any
) -> tuple[Bristles, _Slopes]:
    return stored(_bristles_and_slopes, always)(s, before, after, grain, footprint, contrast)


def _bristles_backward(slopes: _Slopes, gradient: Any) -> tuple[Any, ...]:
    streak, inside, inset, cover = gradient
    to_s = sum(g * slope for g, slope in zip((streak, inside, cover), slopes.across, strict=True))
    to_before = sum(g * slope for g, slope in zip(gradient, slopes.along, strict=True))
    to_after = sum(g * slope for g, slope in zip((inside, inset, cover), slopes.back, strict=True))
    return to_s, to_before, to_after, None, None, None, None


bristles.defvjp(_bristles_forward, _bristles_backward)


def depth(grain: Scalar) -> Scalar:
    """Strength of a stroke's streaks, in [0.45, 1]."""
    return 0.45 + 0.55 * (0.5 + 0.5 * wave(grain * 37.7)) ** 1.5


def covered(found: Bristles, contrast: float) -> Points:
    """Coverage of the ground, in [0, 1], by bristles that run dry.

    Args:
      found: the stroke's bristles.
      contrast: contrast of the texture, 0 to 1.
    """
    return 1.0 - contrast * (1.0 - found.cover)


def carried(streak: Points, before: Points, contrast: float, wet: float) -> Points:
    """Share of a stroke's paint that comes from below its start, in [0, 1].

    Bristles with little paint of their own carry more.

    Args:
      streak: streaks of the stroke's bristles.
      before: distance from its start, in widths.
      contrast: contrast of the texture, 0 to 1.
      wet: wetness of the paint below, 0 for dry. At 1, a bristle with the least paint of its own starts with paint
        from below alone.
    """
    left = jnp.clip(1.0 - before / _CARRIED_FOR, 0.0, 1.0)
    return jnp.clip(contrast * wet * _CARRIED * left * (0.15 - 1.2 * streak), 0.0, 1.0)


def shades(streak: Points | Scalar, grain: Scalar, contrast: float) -> tuple[Points | Scalar, ...]:
    """Factors of a stroke's red, green and blue, in [0, 1]; a streak of 0 is the average.

    Pigments are never fully mixed: in each stroke, streaks are a little warmer or colder than the rest.
    """
    strength = [contrast * depth(grain) * (_CONTRAST + _TINT * wave(times * grain)) for times in _TINTS]
    return tuple(jnp.minimum(1.0 - contrast * (1.0 - SHADE) + s * streak, 1.0) for s in strength)


def dragged(streak: Points, grain: Scalar, contrast: float) -> Points:
    """Distance along the stroke, in widths, by which each streak's pigment has been dragged.

    The drag brings unmixed colour of the other end.
    """
    return contrast * _DRAGGED * depth(grain) * streak


def height(
    found: Bristles, s: Points, before: Points, after: Points, grain: Scalar, footprint: Scalar, contrast: float
) -> Points:
    """Height of the paint, about 0 to 1.5: ridges between bristles, and paint pushed to the sides and to the end.

    Args:
      found: the stroke's bristles.
      s, before, after, grain, footprint: as for `bristles`.
      contrast: contrast of the texture, 0 to 1; a knife, whose contrast is low, leaves hardly a ridge.

    References:
      Hertzmann, "Fast paint texture", NPAR 2002.
    """

    def ridge(distance: Points, wide: float, tall: float) -> Points:
        """Ridge around distance 0; one thinner than a pixel is spread out and keeps its volume."""
        spread = jnp.sqrt(wide**2 + (0.5 * footprint) ** 2)
        return tall * wide / spread * jnp.exp(-((distance / spread) ** 2))

    rim = ridge(0.5 - jnp.abs(s) - found.inset - 0.07, 0.07, 0.06)
    pushed = (after < before) * ridge(found.inside - 0.12, 0.11, 0.08)
    ridges = 0.80 * contrast * depth(grain) * found.streak
    return jnp.maximum(0.52 + ridges + rim + pushed, 0.0)
