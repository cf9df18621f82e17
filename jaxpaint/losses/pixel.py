"""Differences of pixels: means over a picture, and sums over the tiles of a fit."""

from __future__ import annotations

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxpaint.brushes import Canvas


@functools.partial(jax.jit, static_argnames="colorless")
def l1(
    picture: Float[Array, "height width 3"], target: Float[Array, "height width 3"], *, colorless: bool = False
) -> Float[Array, ""]:
    """Mean absolute difference of two pictures.

    Args:
      picture, target: pictures in [0, 1].
      colorless: compares the means of the channels, so that colours are free.

    Returns:
      The difference, in [0, 1].

    References:
      Zou et al., Stylized Neural Painting, CVPR 2021, arXiv:2011.08114, section 3.3; colorless: section 3.5.
    """
    return jnp.abs(_difference(picture, target, colorless)).mean()


@functools.partial(jax.jit, static_argnames="colorless")
def l2(
    picture: Float[Array, "height width 3"], target: Float[Array, "height width 3"], *, colorless: bool = False
) -> Float[Array, ""]:
    """Mean squared difference of two pictures, in [0, 1]; arguments and references as for `l1`."""
    return (_difference(picture, target, colorless) ** 2).mean()


@jax.jit
def canvas_l1(canvas: Canvas, target: Canvas, *, mask: Float[Array, "*n size size"] | None = None) -> Float[Array, ""]:
    """Sum of absolute differences over the planes, weighted by the mask, if any.

    Args:
      canvas, target: planes `[*n, S, S]` in [0, 1].
      mask: weight of each pixel, or None for 1.
    """
    return _sum(jnp.abs, canvas, target, mask)


@jax.jit
def canvas_l2(canvas: Canvas, target: Canvas, *, mask: Float[Array, "*n size size"] | None = None) -> Float[Array, ""]:
    """Sum of squared differences over the planes, weighted by the mask, if any; arguments as for `canvas_l1`."""
    return _sum(jnp.square, canvas, target, mask)


def canvas_product(
    canvas: Canvas, target: Canvas, *, mask: Float[Array, "*n size size"] | float = 1.0
) -> Float[Array, ""]:
    """Scalar product of the planes of two canvases, weighted by the mask; arguments as for `canvas_l1`."""
    return sum(((h * y * mask).sum() for h, y in zip(canvas, target, strict=True)), start=jnp.zeros(()))


def _difference(picture: Array, target: Array, colorless: bool) -> Array:
    difference = picture - target
    return difference.mean(axis=-1) if colorless else difference


def _sum(size: Callable[[Array], Array], canvas: Canvas, target: Canvas, mask: Array | None) -> Array:
    weight = 1.0 if mask is None else mask
    return jnp.sum(jnp.stack([(size(a - b) * weight).sum() for a, b in zip(canvas, target, strict=True)]))
