"""A stroke of oil paint as the bristles leave it: its outline, its streaks of pigment, its ridges.

Three coordinates run over a stroke, all in units of its full width: `s` across it, from -0.5 to 0.5, and `before` and
`after` along it, the distances from its start and to its end. Everything is a formula in them, so that a stroke is
sharp at every size; what is finer than a pixel fades to its average, so that a stroke drawn large and averaged is the
stroke drawn small. A stroke's *grain*, a number in [0, 1] that it keeps for life, shifts all patterns: no two strokes
are alike, and the same stroke always is.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxpaint.brushes.base import Plane, Scalar, stored

# Averages over strokes of all grains and proportions: what a fit sees of a stroke until its last steps. Bristles that
# start and end early and sides that wander shorten it by these, in widths; its ends and sides are blurred by so much.
START, END, SIDE, BLUR_ENDS, BLUR_SIDES = 0.08, 0.21, 0.04, 0.22, 0.08
# Mean shade, and how much a streak at full depth changes it.
SHADE, _CONTRAST = 0.983, 0.045
# How far along a stroke, in its widths, streaks carry the colours of its two ends into each other.
_DRAGGED = 0.35


class _Streaks(NamedTuple):
    """One family of streaks: a wave across the stroke that comes and goes along it.

    Attributes:
      frequency: streaks across a stroke.
      weight: how strong they are, relative to the others.
      rate: how often they come and go, in a width of the way along.
      slant: how much earlier that is at one edge than at the other.
    """

    frequency: float
    weight: float
    rate: float
    slant: float


# Frequencies without a common period, so that nothing repeats.
_FAMILIES = (
    _Streaks(3.1, 0.30, 0.16, 0.5),
    _Streaks(6.7, 0.32, 0.27, -0.9),
    _Streaks(12.3, 0.26, 0.36, 1.7),
    _Streaks(23.9, 0.20, 0.47, -2.6),
)
# How many times a pattern shifts by its own period as the grain goes from 0 to 1, one for each.
_SHIFTS = (17.3, 29.7, 41.9, 53.1, 67.7, 83.3, 97.1, 113.9, 31.7, 61.3, 74.9, 89.3, 103.7, 23.3, 47.9, 127.1)


class Bristles(NamedTuple):
    """Planes of a stroke.

    Attributes:
      streak: pigment, more or less than the mean, about -1 to 1.
      start, end: how early each bristle begins and ends, in widths of the stroke.
      left, right: how far inside its side (s of -0.5, 0.5) the paint ends, in widths.
      cover: how much of the ground is covered between bristles that run dry, in [0, 1].
    """

    streak: Plane
    start: Plane
    end: Plane
    left: Plane
    right: Plane
    cover: Plane


def wave(x: Float[Array, "..."]) -> Float[Array, "..."]:
    """A smooth wave of period 1: 1 at 0, −1 at 0.5; what a cosine is, without its cost."""
    a = 4.0 * jnp.abs(x - jnp.floor(x + 0.5)) - 1.0
    return a * (0.5 * a * a - 1.5)


# Jitted to be traced once a size, not for each use; half the time of a warm start is tracing.
@functools.partial(jax.jit, inline=True)
def _bristles(s: Plane, before: Plane, after: Plane, grain: Float[Array, ""], footprint: Float[Array, ""]) -> Bristles:
    shift = [grain * times for times in _SHIFTS]

    def seen(frequency):
        return jnp.exp(-4.0 * (frequency * footprint) ** 2)

    # Bristles stand closer here than there, and wander.
    at = s + 0.030 * wave(1.7 * s + shift[0]) + 0.016 * wave(3.9 * s + 0.31 * before + shift[1])
    at = at + 0.020 * wave(0.43 * before + shift[2])
    streak = jnp.zeros_like(s)
    for i, family in enumerate(_FAMILIES):
        presence = 0.6 + 0.4 * wave(family.rate * before + family.slant * s + shift[3 + i])
        streak = streak + family.weight * seen(family.frequency) * presence * wave(family.frequency * at + shift[7 + i])
    # Squared and cubed distances from the middle: outlines round off.
    u = jnp.minimum(4.0 * s * s, 1.2)
    # Some strokes run dry early, most hardly at all.
    dryness = (0.5 + 0.5 * wave(shift[9])) ** 2
    load = 0.6 * wave(3.3 * s + shift[11]) + 0.4 * seen(8.9) * wave(8.9 * s + shift[12])
    start = 0.03 + 0.13 * u + 0.11 * u * u * u + 0.02 * wave(1.7 * s + shift[13])
    start = start + 0.01 * seen(7.3) * wave(7.3 * s + shift[4])
    end = 0.13 + 0.12 * u + (0.06 + 0.10 * dryness) * load + 0.035 * seen(17.9) * wave(17.9 * at + shift[14])
    left = 0.035 + 0.022 * wave(0.47 * before + shift[15]) + 0.013 * wave(1.9 * before + shift[0])
    right = 0.035 + 0.022 * wave(0.53 * before + shift[3]) + 0.013 * wave(2.3 * before + shift[5])
    # Paint runs out towards the end, near the sides first.
    way = jnp.clip(before / jnp.maximum(before + after, 1e-3), 0.0, 1.0)
    dry = (0.12 + 0.75 * dryness) * way * way * way + 0.12 * u * u * u
    cover = jnp.clip(0.5 + 3.0 * (streak + 1.05 - 1.9 * dry), 0.0, 1.0)
    return Bristles(streak, start, end, left, right, cover)


@functools.partial(jax.jit, inline=True)
def _bristles_and_slopes(s, before, after, grain, footprint) -> tuple[Bristles, tuple[Bristles, ...]]:
    """The bristles, and their slopes along the three coordinates."""
    places = s, before, after

    def slope(i):
        def along(place):
            return _bristles(*places[:i], place, *places[i + 1 :], grain, footprint)

        return jax.jvp(along, (places[i],), (jnp.ones_like(s),))

    (values, across), (_, along), (_, back) = map(slope, range(3))
    return values, (across, along, back)


@jax.custom_vjp
def bristles(
    s: Plane,
    before: Plane,
    after: Plane,
    grain: Float[Array, ""],
    footprint: Float[Array, ""],
    always: Float[Array, ""],
) -> Bristles:
    """The bristles at points of a stroke.

    Args:
      s: across the stroke, -0.5 to 0.5.
      before, after: how far from its start and its end, in widths.
      grain: the stroke's own, in [0, 1]. Not differentiated.
      footprint: width of a pixel, in widths of the stroke. Not differentiated: as a stroke grows, the streaks that
        appear average to nothing.
      always: any number that is not negative and not known to the compiler (see `base.stored`).
    """
    return stored(_bristles, always)(s, before, after, grain, footprint)


def _bristles_forward(s, before, after, grain, footprint, always):
    return stored(_bristles_and_slopes, always)(s, before, after, grain, footprint)


def _bristles_backward(slopes, gradient):
    across, along, back = slopes
    to_s = sum(g * slope for g, slope in zip(gradient, across, strict=True))
    to_before = sum(getattr(gradient, name) * getattr(along, name) for name in Bristles._fields if name != "start")
    return to_s, to_before, gradient.cover * back.cover, None, None, None


bristles.defvjp(_bristles_forward, _bristles_backward)


def depth(grain: Scalar) -> Scalar:
    """How strong a stroke's streaks are, in [0.2, 1]: many strokes are almost smooth."""
    return 0.2 + 0.8 * (0.5 + 0.5 * wave(grain * 37.7)) ** 2


def shade(streak: Plane | Scalar, grain: Scalar, contrast: float) -> Plane | Scalar:
    """What a stroke's colour is multiplied by, in [0, 1]; a streak of 0 is the average."""
    return jnp.minimum(1.0 - contrast * (1.0 - SHADE) + contrast * _CONTRAST * depth(grain) * streak, 1.0)


def dragged(streak: Plane, grain: Scalar, contrast: float) -> Plane:
    """How far along, in widths, each streak's pigment has been dragged: unmixed colour of the other end."""
    return contrast * _DRAGGED * depth(grain) * streak


def height(found: Bristles, s: Plane, after: Plane, grain: Scalar, footprint: Scalar) -> Plane:
    """Height of the paint, about 0 to 1.5: ridges between bristles, paint pushed to the sides and to the end.

    Args:
      found: the stroke's bristles.
      s, after, grain, footprint: as for `bristles`.

    References:
      Hertzmann, "Fast paint texture", NPAR 2002.
    """

    def ridge(distance, wide, tall):
        """A ridge around distance 0; thinner than a pixel, it is as much paint spread out."""
        spread = jnp.sqrt(wide**2 + (0.5 * footprint) ** 2)
        return tall * wide / spread * jnp.exp(-((distance / spread) ** 2))

    rim = ridge(s + 0.5 - found.left - 0.07, 0.06, 0.30) + ridge(0.5 - s - found.right - 0.07, 0.06, 0.30)
    pushed = ridge(after - found.end - 0.12, 0.10, 0.35)
    return jnp.maximum(0.62 + 0.30 * depth(grain) * found.streak + rim + pushed, 0.0) * found.cover
