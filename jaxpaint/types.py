"""Paintings: ordered strokes, and the progress of painting them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from jaxpaint import checks, pictures
from jaxpaint.brushes import BRUSHES
from jaxpaint.settings import Settings, StyleSettings

# A picture of any size, red, green, blue in [0, 1].
Picture = Float[np.ndarray, "_ _ 3"]
_MOST_PIXELS = 10**9


class ByContents:
    """Equality by contents, including the elements of arrays; not hashable."""

    def __eq__(self, other: object) -> bool:
        return _same(vars(self), vars(other)) if type(other) is type(self) else NotImplemented


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        return np.array_equal(one, other)
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple) and isinstance(other, list | tuple):
        return len(one) == len(other) and all(map(_same, one, other))
    return bool(one == other)


@dataclasses.dataclass(frozen=True, eq=False)
class Painting(ByContents):
    """Ordered strokes, with all data for drawing them; paintings with equal contents are equal.

    Attributes:
      strokes: float32 `[n, d]`, lowest first, in canvas coordinates (the square whose side is the picture's long side).
      brush: name of the strokes' brush.
      height, width: of the photograph, in pixels; the painting has its proportions.
      canvas_color: red, green, blue in [0, 1].
      brush_image: stamps of the user's own brush `[stamps, across, along, 3]` (shade, coverage, height), or None.
      settings: settings of the painting.
      state: arrays for resuming an unfinished painting; None for a finished painting.
      styling: settings of the last style transfer, or None.
      repainting: settings of the last repainting of a region, or None.
      origin: checksum of the inputs, as in the painting's files (see `jaxpaint.io.origins`); empty if unknown.

    Raises:
      ValueError, TypeError: the strokes have another shape than the brush's, or are not finite; the settings are of
        another brush; the height or the width is not a positive integer.
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
    repainting: Settings | None = None
    origin: str = ""

    def __post_init__(self) -> None:
        Settings.check(self.settings)
        if self.brush != self.settings.brush:
            raise ValueError(f"expected settings for {self.brush}, got those for another brush, {self.settings.brush}")
        strokes, dim = pictures.floats(self.strokes, "strokes"), BRUSHES[self.brush].dim
        if strokes.ndim != 2 or strokes.shape[1] != dim:
            raise ValueError(f"expected strokes of {self.brush}, of shape [n, {dim}], got {strokes.shape}")
        if not np.isfinite(strokes).all():
            raise ValueError("expected strokes of finite numbers, got others")
        object.__setattr__(self, "strokes", strokes)
        for name in ("height", "width"):
            object.__setattr__(self, name, checks.whole(getattr(self, name), f"a {name} in pixels", 1, _MOST_PIXELS))

    def check_finished(self) -> None:
        """Refuses an unfinished painting, and one without strokes.

        Raises:
          ValueError: one line, such as `expected a finished painting, got an unfinished one`.
        """
        if self.state:
            raise ValueError("expected a finished painting, got an unfinished one")
        if not len(self.strokes):
            raise ValueError("expected a painting with strokes, got one without")

    @property
    def canvas(self) -> Float[np.ndarray, "h w c"]:
        """The drawing at the size it was painted at, in [0, 1]; with alpha, if the painting is transparent."""
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
      note: with a goal, the number of the trial, or the seconds so far; or empty.
    """

    stage: int
    stages: int
    step: int
    steps: int
    loss: float
    psnr: float
    strokes: int
    note: str = ""

    def __str__(self) -> str:
        return f"{self.note} · " * bool(self.note) + (
            f"step {self.step}/{self.steps} · stage {self.stage}/{self.stages} · "
            f"{self.strokes} strokes · loss {self.loss:.4f} · {self.psnr:.2f} dB"
        )


@dataclasses.dataclass(frozen=True, eq=False)
class Style(ByContents):
    """Style pictures, and the settings of the style transfer; styles with equal contents are equal.

    Attributes:
      pictures: at least one, each of any size, in [0, 1].
      settings: settings of the style transfer, including the weights of the pictures.

    Raises:
      ValueError, TypeError: there is no picture; a picture has another shape or range; the numbers of pictures and of
        weights differ; the settings have another type.
    """

    pictures: Sequence[Picture]
    settings: StyleSettings = StyleSettings()

    def __post_init__(self) -> None:
        StyleSettings.check(self.settings)
        checks.instance(self.pictures, Sequence, "style pictures in a list")
        if not self.pictures:
            raise ValueError("expected a style picture, got none")
        object.__setattr__(self, "pictures", [pictures.checked(each, "a style picture") for each in self.pictures])
        self.settings.weights_of(len(self.pictures))
