"""What a term of the loss is."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from jaxtyping import Array, Float


class Term(NamedTuple):
    """A term of the loss that strokes are fitted by.

    Attributes:
      name: of the term, and of the setting that is its weight.
      function: `(canvas, target, mask=weight) -> []`: the sum over the planes' pixels, each times its weight.
      meaning: of its weight, a line of `--help`; "" if no setting weighs it.
      weight: the setting's default.
      mean: whether the sum is divided by the picture's pixels and channels.
      least_tile: side, in pixels, of the smallest tiles in which it can be taken.
      costly: leave it out of the compiled program where its weight is 0.
    """

    name: str
    function: Callable[..., Float[Array, ""]]
    meaning: str = ""
    weight: float = 0.0
    mean: bool = True
    least_tile: int = 16
    costly: bool = False
