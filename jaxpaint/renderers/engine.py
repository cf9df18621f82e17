"""The engine: closed-form pictures of strokes, the ground truth at any size."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxpaint import checks, pictures, runtime
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
    """Returns the closed-form renderer of a brush's strokes, the ground truth at any size.

    Args:
      brush: one of `BRUSHES`.
      size: S, the side of the picture in pixels.
      look: the brush's texture.
      softness: blur of the edges, in pixels, beyond the one pixel of antialiasing; extends the reach of a fit's
        gradients. May be traced.

    Returns:
      A function `stroke [d] -> Stroke` of S×S planes, differentiable in the stroke. Use `jax.vmap` for many strokes.
      The function raises ValueError for strokes of another brush.

    Raises:
      ValueError, TypeError: the brush, the size or the look is invalid.
    """
    checks.instance(brush, Brush, "a brush of jaxpaint.BRUSHES")
    checks.instance(look, Look, "a look as brushes.Look")
    size = pictures.checked_size(size)
    return functools.partial(_rasterized, brush, size, look._replace(picture=None), look.picture, softness)


# Jitted so that it is traced once, not for each use.
@functools.partial(jax.jit, static_argnums=(0, 1, 2), inline=True)
def _rasterized(
    brush: Brush,
    size: int,
    look: Look,
    picture: Stamps | None,
    softness: Float[Array, ""] | float,
    stroke: Float[Array, "d"],
) -> Stroke:
    if stroke.shape != (brush.dim,):
        raise ValueError(f"expected one stroke of {brush.name}, of shape ({brush.dim},), got {stroke.shape}")
    return brush.rasterize(stroke, Pixels(size, softness), look._replace(picture=picture))


@functools.cache
def fingerprint(brush: Brush) -> Float[np.ndarray, "n"]:
    """Fingerprint of the flat look of a brush's strokes, stored with networks' weights to name the look they imitate.

    Args:
      brush: one of `BRUSHES`, with its built-in texture.

    Returns:
      Mean and standard deviation of the four planes of some strokes, over cells of 32 × 32 pixels.
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
    meta_fields=["brush", "contrast", "flat", "wet", "height", "layering", "solid"],
)
@dataclasses.dataclass(frozen=True)
class Engine:
    """The engine as a `Model`.

    Attributes:
      brush: brush of the strokes.
      stamps: a user's brush (`textures.pyramid`), or None.
      contrast: contrast of the texture, 0 to 2.
      flat: whether the texture's average is drawn.
      wet, height: see `Look`; only drawings use them.
      layering: layering of the strokes, "over" or "glaze".
      solid: whether both ends of a stroke have the mean of their colours.
    """

    brush: Brush
    stamps: Stamps | None = None
    contrast: float = 1.0
    flat: bool = False
    wet: float = 0.0
    height: bool = False
    layering: str = "over"
    solid: bool = False

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
        """Returns the engine of a painting with these settings.

        Raises:
          ValueError: JAX computes with floats of 64 bits.
        """
        runtime.check_precision()
        brush = BRUSHES[settings.brush]
        return cls(brush, stamps, settings.texture, flat, wet, height, settings.layering, settings.solid)

    @property
    def window(self) -> int | None:
        """Implements `Model.window`."""
        return None

    def renderer(self, size: int, *, softness: Float[Array, ""] | float) -> Callable[..., Stroke]:
        """Implements `Model.renderer`."""
        look = Look(self.stamps, self.contrast, self.flat, self.wet, self.height)
        draw = laid(engine(self.brush, size, look=look, softness=softness), self.layering)

        def render(stroke: Float[Array, "d"], zoom: Float[Array, ""] | float | None = None) -> Stroke:
            if self.solid:
                # The ends of new strokes have one colour, and get the same gradient: a fit keeps their colours equal.
                stroke = jnp.matmul(stroke, self.brush.united, precision="highest")
            if zoom is not None:
                stroke = from_window(self.brush, stroke, np.zeros(2, np.float32), zoom * (self.window or size) / size)
            return draw(stroke)

        return render
