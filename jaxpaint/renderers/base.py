"""The interface of all renderers, which draw the strokes of a brush."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from jaxtyping import Array, Float

from jaxpaint.brushes import Brush, Stroke


@runtime_checkable
class Model(Protocol):
    """A renderer, the argument for which programs are compiled.

    A model is a pytree. Its leaves are arrays (a network's weights, a user's brush); everything else is static.

    Attributes:
      brush: brush of the strokes that the model draws.
      window: side, in pixels, of the only pictures that the model draws, each with one stroke in its middle; None for a
        model that draws any part of a stroke in any window.
    """

    @property
    def brush(self) -> Brush: ...  # noqa: D102

    @property
    def window(self) -> int | None: ...  # noqa: D102

    def renderer(self, size: int, *, softness: Float[Array, ""] | float) -> Callable[..., Stroke]:
        """Returns the renderer of square pictures.

        Args:
          size: S, the side of the pictures in pixels.
          softness: blur of the edges, in pixels; may be traced.

        Returns:
          A function `(stroke [d], zoom) -> Stroke` of S×S planes. With a zoom (which may be traced), the picture fills
          only the square of `zoom · window` pixels (`zoom · S` if there is no window) at the top left corner.
        """
        ...
