"""Pigment in a liquid: its spread within a stroke, and the shifts that make strokes differ.

A stroke's *pigment* is a factor of its alpha. The mean pigment over a stroke is that of `wash`, whatever the texture.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxpaint.brushes.base import Plane, Scalar

# Difference of the average stroke's pigment between its rim and its middle.
_POOLING = 0.3
# Shift of a pattern, in periods, as a parameter goes from 0 to 1. A film's strokes, which change from frame to frame,
# keep their patterns with shifts as small as these, and neighbouring strokes still differ.
_SHIFTS = np.linspace(3.0, 7.0, 5)


def wash(distance: Plane, radius: Plane, contrast: float) -> Plane | Scalar:
    """Pigment of the average stroke: it settles at the rim, so that the middle is more transparent."""
    depth = _POOLING * contrast
    return 1.0 - depth * (1.0 - jnp.clip(distance / radius, 0.0, 1.0) ** 2)


def mean_wash(contrast: float, round: Scalar = 0.0) -> Scalar:
    """Mean of `wash`; `round` is the share of the stroke's area in its round ends."""
    return 1.0 - _POOLING * contrast * (2 / 3 - round / 6)


def shifts(parameters: Float[Array, "k"], count: int) -> Float[Array, "count"]:
    """Pseudorandom shifts of a stroke's patterns, in periods: the same for the same stroke, and not differentiable.

    Args:
      parameters: the stroke's parameters that are the same in every window.
      count: number of shifts.
    """
    turns = np.add.outer(np.arange(count) * 1.618, np.arange(len(parameters)) * 2.414) % 1.0
    return jax.lax.stop_gradient(parameters) @ np.interp(turns, np.linspace(0, 1, 5), _SHIFTS).T.astype(np.float32)
