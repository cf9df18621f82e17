"""The problem that a fit solves: a target, a canvas, and how differences count."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from jaxpaint.directions import Field
from jaxpaint.losses.terms import TERMS

# Side, in pixels, of the tiles of a loss whose terms ask for no larger ones.
_TILE = 16


class Bounds(NamedTuple):
    """Least and greatest values of strokes' parameters, of all alike or of each."""

    low: Float[np.ndarray, "*#n d"]
    high: Float[np.ndarray, "*#n d"]


class Springs(NamedTuple):
    """Springs that draw strokes back: the loss grows by the sum of `stiffness · (strokes − rest)² / 2`."""

    rest: Float[np.ndarray, "n d"]
    stiffness: Float[np.ndarray, "n d"]


class Problem(NamedTuple):
    """A picture to be painted, and how differences from it count.

    Attributes:
      target: in [0, 1].
      canvas: the picture below the strokes, in [0, 1].
      weights: weight of each term of the loss, by its name in `losses.terms.TERMS`; 0 for terms left out.
      bounds: of the strokes' parameters.
      softness: blur of the edges, in pixels.
      direction: weight of the strokes' mean deviation from `form`, over the pixels that each covers.
      form: directions that strokes should follow (`directions.form`), or None.
      drawn: the drawing of canvas and strokes as seen, in [0, 1]. The difference corrects a renderer of single windows.
      springs: springs on the strokes, or None.
      importance: weight of each pixel in the loss, of mean 1; None for equal weights.
      region: where new strokes may lie, in [0, 1]; None for anywhere.
      max_aspect: greatest length of a stroke, in its widths; 0 for no limit.
      block: side, in pixels, of the squares of the picture that are painted each for itself, with the strokes whose
        middle is in them; it is the window of a renderer that draws only one size. None: strokes may be anywhere.
      room: number of strokes that the fit's program is compiled for; with more strokes, their own number.
    """

    target: Float[np.ndarray, "height width 3"]
    canvas: Float[np.ndarray, "height width 3"]
    weights: Mapping[str, float]
    bounds: Bounds
    softness: float = 0.0
    direction: float = 0.0
    form: Field | None = None
    drawn: Float[np.ndarray, "height width 3"] | None = None
    springs: Springs | None = None
    importance: Float[np.ndarray, "height width"] | None = None
    region: Float[np.ndarray, "height width"] | None = None
    max_aspect: float = 0.0
    block: int | None = None
    room: int = 0

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the target, in pixels."""
        height, width, _ = self.target.shape
        return height, width

    @property
    def pixel_weights(self) -> Float[np.ndarray, "height width"]:
        """Weights of the pixels in the loss."""
        return np.ones(self.shape, np.float32) if self.importance is None else self.importance

    @property
    def terms(self) -> tuple[str, ...]:
        """The terms that are part of the program."""
        return tuple(name for name, term in TERMS.items() if self.weights.get(name) or not term.costly)

    @property
    def tile(self) -> int:
        """Side, in pixels, of the tiles in which all of these terms can be taken."""
        return max([_TILE, *(TERMS[name].least_tile for name, weight in self.weights.items() if weight)])


class Fit(NamedTuple):
    """How good a fit is: its loss, and the mean squared difference between canvas and target."""

    loss: float
    squared: float

    @property
    def psnr(self) -> float:
        """Peak signal to noise ratio, in dB."""
        return -10.0 * math.log10(max(self.squared, 1e-10))
