"""Renderers: plain functions from one stroke to its picture."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

import jax
import numpy as np
from jaxtyping import Array, Float

from jaxpaint.blending import laid
from jaxpaint.brushes import BRUSHES, Brush, Look, Pixels, Renderer, Stroke
from jaxpaint.settings import Settings


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
    return functools.partial(_rasterized, brush, size, look._replace(picture=None), look.picture, softness)


# Jitted to be traced once, and not for each use.
@functools.partial(jax.jit, static_argnums=(0, 1, 2), inline=True)
def _rasterized(brush, size, look, picture, softness, stroke) -> Stroke:
    return brush.rasterize(stroke, Pixels(size, softness), look._replace(picture=picture))


@functools.cache
def fingerprint(brush: Brush) -> Float[np.ndarray, "n"]:
    """What a brush's strokes look like, in a few numbers: the networks' weights name the look they imitate.

    That is the flat look.

    Args:
      brush: one of `BRUSHES`, with its built-in texture.

    Returns:
      Mean and spread of the four planes of some strokes, over cells of 32 × 32 pixels.
    """
    rng = np.random.default_rng(11)
    strokes = rng.uniform(0.2, 0.8, (6, brush.dim)).astype(np.float32)
    strokes[:, brush.index("size")] = rng.uniform(0.15, 0.5, (6, len(brush.index("size"))))
    foreground, (alpha,), *_ = jax.jit(jax.vmap(engine(brush, 128, look=Look(flat=True))))(strokes)
    picture = np.stack([*(np.asarray(plane) * alpha for plane in foreground), alpha], axis=-1)
    cells = picture.reshape(6, 4, 32, 4, 32, 4)
    return np.round(np.stack([cells.mean(axis=(2, 4)), cells.std(axis=(2, 4))]), 4).ravel()


# What a model computes with: a network's weights, a user's brush, or nothing.
Arrays = Any


@runtime_checkable
class Model(Protocol):
    """What a painter knows of the thing that draws its strokes. Hashable: it is static where programs are compiled.

    Attributes:
      brush: whose strokes it draws.
      window: side, in pixels, of the only pictures that it draws, each with one stroke in its middle; None if it draws
        any window, and in it any part of a stroke.
    """

    @property
    def brush(self) -> Brush: ...  # noqa: D102

    @property
    def window(self) -> int | None: ...  # noqa: D102

    def renderer(self, arrays: Arrays, size: int, *, softness: Float[Array, ""] | float) -> Callable[..., Stroke]:
        """The renderer of windows of `size` pixels, given the model's arrays (weights, or a user's brush).

        That of a model of single windows takes a stroke and, where its picture is not to fill `size` pixels, how many
        times as large as `window` it is to be.
        """
        ...


@dataclasses.dataclass(frozen=True)
class Engine:
    """The engine as a `Model`; its arrays are a user's brush (`textures.pyramid`), or None.

    Attributes:
      brush: whose strokes it draws.
      contrast: of the texture, 0 to 2.
      flat: draws the texture's average.
      wet, height: see `Look`; what a drawing shows beyond colours.
      layering: how strokes lie over what is below, "over" or "glaze".
    """

    brush: Brush
    contrast: float = 1.0
    flat: bool = False
    wet: float = 0.0
    height: bool = False
    layering: str = "over"

    @classmethod
    def of(cls, settings: Settings, *, flat: bool = False, wet: float = 0.0, height: bool = False) -> Engine:
        """The engine of a painting with these settings."""
        return cls(BRUSHES[settings.brush], settings.texture, flat, wet, height, settings.layering)

    @property
    def window(self) -> None:
        """See `Model`."""
        return None

    def renderer(self, arrays: Arrays, size: int, *, softness: Float[Array, ""] | float) -> Renderer:
        """See `Model.renderer`."""
        look = Look(arrays, self.contrast, self.flat, self.wet, self.height)
        return laid(engine(self.brush, size, look=look, softness=softness), self.layering)
