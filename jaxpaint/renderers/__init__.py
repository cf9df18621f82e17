"""Renderers: plain functions from one stroke to its picture."""

from __future__ import annotations

import dataclasses
from typing import Protocol, runtime_checkable

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxpaint.brushes import Brush, Look, Pixels, Renderer, Stroke


def engine(
    brush: Brush,
    size: int,
    *,
    look: Look = Look(),
    softness: Float[Array, ""] | float = 0.0,
) -> Renderer:
    """The closed-form picture of a brush's strokes: ground truth, at any size.

    Args:
      brush: one of `BRUSHES`.
      size: S, the side of the picture in pixels.
      look: the brush's texture.
      softness: how far edges are blurred beyond the one pixel of antialiasing, in pixels; gives a fit farther-reaching
        gradients. May be traced.

    Returns:
      A function `stroke [d] -> Stroke` of S×S planes, differentiable in the stroke; many strokes are `jax.vmap` of it.
    """
    pixels = Pixels(size, softness)

    def render(stroke: Float[Array, "d"]) -> Stroke:
        return brush.rasterize(stroke, pixels, look)

    return render


# What a model computes with: weights, or a user's brush.
Arrays = Float[Array, "..."] | Float[np.ndarray, "..."] | None


@runtime_checkable
class Model(Protocol):
    """What a painter knows of the thing that draws its strokes. Hashable: it is static where programs are compiled.

    Attributes:
      brush: whose strokes it draws.
    """

    @property
    def brush(self) -> Brush: ...  # noqa: D102

    def renderer(self, arrays: Arrays, size: int, *, softness: Float[Array, ""] | float) -> Renderer:
        """The renderer of windows of `size` pixels, given the model's arrays (weights, or a picture of a brush)."""
        ...


@dataclasses.dataclass(frozen=True)
class Engine:
    """The engine as a `Model`; its array is the pyramid of a user's brush, or None.

    Attributes:
      brush: whose strokes it draws.
      contrast: of the texture, 0 to 2.
      flat: draws the texture's average.
    """

    brush: Brush
    contrast: float = 1.0
    flat: bool = False

    def renderer(
        self,
        arrays: Arrays,
        size: int,
        *,
        softness: Float[Array, ""] | float,
    ) -> Renderer:
        """See `Model.renderer`."""
        picture = None if arrays is None else jnp.asarray(arrays)
        return engine(self.brush, size, look=Look(picture, self.contrast, self.flat), softness=softness)
