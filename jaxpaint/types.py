"""Paintings: ordered strokes, and the progress of painting them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from jaxpaint.settings import Settings, StyleSettings

# A picture of any size, red, green, blue in [0, 1].
Picture = Float[np.ndarray, "_ _ 3"]


@dataclasses.dataclass(frozen=True)
class Painting:
    """Ordered strokes, and everything that drawing them needs.

    Attributes:
      strokes: float32 `[n, d]`, lowest first, in canvas coordinates (the square whose side is the picture's long side).
      brush: name of their brush.
      height, width: of the photograph, in pixels; the painting has its proportions.
      canvas_color: red, green, blue in [0, 1].
      brush_image: stamps of the user's own brush `[stamps, across, along, 3]` (shade, coverage, height), or None.
      settings: how the painting was painted.
      state: arrays that an unfinished painting goes on from; None for a finished painting.
      styling: settings of the last style transfer, or None.
      origin: what it was made from, as its files say it (see `jaxpaint.io.origins`); empty if nothing is known.
    """

    strokes: Float[np.ndarray, "n d"]
    brush: str
    height: int
    width: int
    canvas_color: tuple[float, float, float]
    brush_image: Float[np.ndarray, "stamps across along 3"] | None
    settings: Settings
    state: dict[str, np.ndarray] | None = None
    styling: StyleSettings | None = None
    origin: str = ""

    @property
    def canvas(self) -> Float[np.ndarray, "h w 3"]:
        """The drawing at the size it was painted at, in [0, 1]."""
        # Imported late: drawing depends on this module.
        from jaxpaint.drawing import draw

        return draw(self)


class Progress(NamedTuple):
    """How far a painting has come.

    Attributes:
      stage, stages: number of the stage, from 1, and of all.
      step, steps: gradient steps taken, and of all.
      loss: of the stage's fit, weighted as in the settings.
      psnr: of the canvas against the picture at the stage's size, in dB; with a network, and in blocks, of the drawing
        with its texture, in dry paint.
      strokes: how many are placed.
    """

    stage: int
    stages: int
    step: int
    steps: int
    loss: float
    psnr: float
    strokes: int

    def __str__(self) -> str:
        return (
            f"step {self.step}/{self.steps} · stage {self.stage}/{self.stages} · "
            f"{self.strokes} strokes · loss {self.loss:.4f} · {self.psnr:.2f} dB"
        )


class Style(NamedTuple):
    """Style pictures, each of any size, and the settings of the style transfer."""

    pictures: Sequence[Picture]
    settings: StyleSettings = StyleSettings()
