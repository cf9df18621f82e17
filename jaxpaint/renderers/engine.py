"""The engine: closed-form pictures of strokes, the ground truth at any size."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable

import jax
import numpy as np
from jaxtyping import Array, Float

from jaxpaint.brushes import BRUSHES, Brush, Look, Pixels, Renderer, Stroke, from_window
from jaxpaint.brushes.layering import laid
from jaxpaint.brushes.textures import Stamps
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


@functools.partial(
    jax.tree_util.register_dataclass,
    data_fields=["stamps"],
    meta_fields=["brush", "contrast", "flat", "wet", "height", "layering"],
)
@dataclasses.dataclass(frozen=True)
class Engine:
    """The engine as a `Model`.

    Attributes:
      brush: whose strokes it draws.
      stamps: a user's brush (`textures.pyramid`), or None.
      contrast: of the texture, 0 to 2.
      flat: draws the texture's average.
      wet, height: see `Look`; what a drawing shows beyond colours.
      layering: how strokes lie over what is below, "over" or "glaze".
    """

    brush: Brush
    stamps: Stamps | None = None
    contrast: float = 1.0
    flat: bool = False
    wet: float = 0.0
    height: bool = False
    layering: str = "over"

    @classmethod
    def of(
        cls,
        settings: Settings,
        stamps: Stamps | None = None,
        *,
        flat: bool = False,
        wet: float = 0.0,
        height: bool = False,
    ) -> Engine:
        """The engine of a painting with these settings."""
        return cls(BRUSHES[settings.brush], stamps, settings.texture, flat, wet, height, settings.layering)

    @property
    def window(self) -> int | None:
        """See `Model`."""
        return None

    def renderer(self, size: int, *, softness: Float[Array, ""] | float) -> Callable[..., Stroke]:
        """See `Model.renderer`."""
        look = Look(self.stamps, self.contrast, self.flat, self.wet, self.height)
        draw = laid(engine(self.brush, size, look=look, softness=softness), self.layering)

        def render(stroke: Float[Array, "d"], zoom: Float[Array, ""] | float | None = None) -> Stroke:
            if zoom is not None:
                stroke = from_window(self.brush, stroke, np.zeros(2, np.float32), zoom * (self.window or size) / size)
            return draw(stroke)

        return render
