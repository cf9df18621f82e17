"""What a renderer is: anything that draws strokes of a brush, behind one signature."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from jaxtyping import Array, Float

from jaxpaint.brushes import Brush, Stroke


@runtime_checkable
class Model(Protocol):
    """A renderer, as programs are compiled for it.

    A pytree: its leaves are arrays (a network's weights, a user's brush), all else is static.

    Attributes:
      brush: whose strokes it draws.
      window: side, in pixels, of the only pictures that it draws, each with one stroke in its middle; None if it draws
        any window, and in it any part of a stroke.
    """

    @property
    def brush(self) -> Brush: ...  # noqa: D102

    @property
    def window(self) -> int | None: ...  # noqa: D102

    def renderer(self, size: int, *, softness: Float[Array, ""] | float) -> Callable[..., Stroke]:
        """The renderer of square pictures.

        Args:
          size: S, their side in pixels.
          softness: blur of the edges, in pixels; may be traced.

        Returns:
          A function `(stroke [d], zoom) -> Stroke` of S×S planes. With a zoom (which may be traced), the picture takes
          only the square of `zoom · window` pixels (`zoom · S` if there is no window) from the top left corner on.
        """
        ...
