"""Pigment in water, which settles at the rim of a stroke."""

from __future__ import annotations

import jax.numpy as jnp

from jaxpaint.brushes.base import Plane, Scalar
from jaxpaint.brushes.textures import Look

# How much thinner the paint is in the middle of a stroke than at its rim.
_POOLING = 0.3


def wash(distance: Plane, radius: Plane, look: Look) -> Plane | Scalar:
    """Pigment: it settles at the rim, so that the middle of a stroke lets more through."""
    depth = _POOLING * look.contrast
    if look.flat or depth == 0:
        return 1.0 - depth * 2 / 3
    return 1.0 - depth * (1.0 - jnp.clip(distance / radius, 0.0, 1.0) ** 2)
