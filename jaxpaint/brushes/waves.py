"""Waves, the building blocks of textures."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from jaxpaint.brushes.base import Scalar


def wave(x: Any) -> Any:
    """Smooth wave of period 1, which is 1 at 0 and −1 at 0.5: a cheap approximation of a cosine."""
    a = 4.0 * jnp.abs(x - jnp.floor(x + 0.5)) - 1.0
    return a * (0.5 * a * a - 1.5)


def seen(frequency: float, footprint: Scalar) -> Scalar:
    """Amplitude, in [0, 1], of a wave of amplitude 1 after averaging over a pixel of width `footprint`."""
    return jnp.exp(-6.0 * (frequency * footprint) ** 2)
