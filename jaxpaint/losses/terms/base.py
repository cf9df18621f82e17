"""Definition of a term of the loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from jaxtyping import Array, Float


class Term(NamedTuple):
    """A term of the loss that a fit minimises.

    Attributes:
      name: name of the term, and of the setting that is its weight.
      function: `(canvas, target, mask=weight) -> []`, the sum over the planes' pixels, each times its weight.
      meaning: one line of `--help` about the weight; "" if no setting weighs the term.
      weight: default of the setting.
      mean: whether the sum is divided by the number of the picture's pixels and channels.
      least_tile: side, in pixels, of the smallest tiles in which the term can be computed.
      costly: whether the compiled program leaves the term out if its weight is 0.
    """

    name: str
    function: Callable[..., Float[Array, ""]]
    meaning: str = ""
    weight: float = 0.0
    mean: bool = True
    least_tile: int = 16
    costly: bool = False
