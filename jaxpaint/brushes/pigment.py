"""Pigment in a liquid: how it spreads in a stroke, and what tells one stroke from the next.

A stroke's *pigment* is a factor of its alpha. Its mean over the stroke is that of `wash`, whatever the texture.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxpaint.brushes.base import Plane, Scalar

# How much thinner the average stroke's pigment is in its middle than at its rim.
_POOLING = 0.3
# How far a pattern shifts as a parameter goes from 0 to 1, in its periods: so little that strokes of a film, which
# change from frame to frame, keep their patterns, and so much that neighbours differ.
_SHIFTS = np.linspace(3.0, 7.0, 5)


def wash(distance: Plane, radius: Plane, contrast: float) -> Plane | Scalar:
    """Pigment of the average stroke: it settles at the rim, so that the middle lets more through."""
    depth = _POOLING * contrast
    return 1.0 - depth * (1.0 - jnp.clip(distance / radius, 0.0, 1.0) ** 2)


def mean_wash(contrast: float, round: Scalar = 0.0) -> Scalar:
    """The mean of `wash`; `round` is how much of the stroke's area is in its round ends."""
    return 1.0 - _POOLING * contrast * (2 / 3 - round / 6)


def shifts(parameters: Float[Array, "k"], count: int) -> Float[Array, "count"]:
    """Shifts of a stroke's patterns, in periods: chance, but the same for the same stroke. No fit moves them.

    Args:
      parameters: those that are the same in every window.
      count: how many.
    """
    turns = np.add.outer(np.arange(count) * 1.618, np.arange(len(parameters)) * 2.414) % 1.0
    return jax.lax.stop_gradient(parameters) @ np.interp(turns, np.linspace(0, 1, 5), _SHIFTS).T.astype(np.float32)
