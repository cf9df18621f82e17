"""Differences of pixels. They are sums: whoever calls them knows what to divide by."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxpaint.blending import Canvas


def l1(canvas: Canvas, target: Canvas, *, mask: Float[Array, "*n size size"] | None = None) -> Float[Array, ""]:
    """Sum of absolute differences, over the planes and where the mask, if any, is 1."""
    weight = 1.0 if mask is None else mask
    return jnp.sum(jnp.stack([(jnp.abs(a - b) * weight).sum() for a, b in zip(canvas, target, strict=True)]))


def l2(canvas: Canvas, target: Canvas, *, mask: Float[Array, "*n size size"] | None = None) -> Float[Array, ""]:
    """Sum of squared differences, over the planes and where the mask, if any, is 1."""
    weight = 1.0 if mask is None else mask
    return jnp.sum(jnp.stack([((a - b) ** 2 * weight).sum() for a, b in zip(canvas, target, strict=True)]))
