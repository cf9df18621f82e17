"""The frames of a painted video: strokes with numbers, which persist from one to the next."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import optax
from jaxtyping import Float, Int, UInt8

from jaxpaint import drawing, optimize, pictures
from jaxpaint.brushes import BRUSHES, Brush, with_grain
from jaxpaint.settings import FilmSettings, StyleSettings
from jaxpaint.types import Painting

# Version of a film's layout.
FORMAT = 2


class Frame(NamedTuple):
    """A painted frame.

    Attributes:
      number: of the frame, from 0.
      strokes: `[n, d]`, lowest first, in canvas coordinates.
      ids: `[n]`, their numbers: strokes of the same number in two frames are the same.
      keyframe: painted without regard to the one before, as at a cut.
    """

    number: int
    strokes: Float[np.ndarray, "n d"]
    ids: Int[np.ndarray, "n"]
    keyframe: bool


class Layer(NamedTuple):
    """Strokes, and the optimiser's state of theirs."""

    strokes: Float[np.ndarray, "n d"]
    optimizer: optax.OptState

    @classmethod
    def fresh(cls, strokes: Float[np.ndarray, "n d"]) -> Layer:
        """Strokes of whose gradients nothing is known yet."""
        return cls(strokes, optimize.initial(optimize.ADAM, strokes))


class VideoState(NamedTuple):
    """Where a film is.

    Attributes:
      number, ids, keyframe: of the last frame (see `Frame`).
      made: how many strokes there have been.
      plain: its strokes as they were fitted to the source.
      styled: the same in another style, or None.
    """

    number: int
    ids: Int[np.ndarray, "n"]
    keyframe: bool
    made: int
    plain: Layer
    styled: Layer | None = None

    @property
    def frame(self) -> Frame:
        """The last frame, as it is shown."""
        return Frame(self.number, (self.styled or self.plain).strokes, self.ids, self.keyframe)


class FrameMetrics(NamedTuple):
    """How close a frame is, how much of the one before it kept, and what it took.

    Attributes:
      psnr: of its drawing in dry paint before it is styled, at the size of the fit, against the source, in dB.
      survived: share of its strokes that were in the frame before; NaN if it is painted anew.
      seconds: that it took, without reading and writing it.
    """

    psnr: float
    survived: float
    seconds: float


class VideoProgress(NamedTuple):
    """How far a film has come.

    Attributes:
      step, steps: frames painted, and of all.
      metrics: of the last one.
    """

    step: int
    steps: int
    metrics: FrameMetrics

    def __str__(self) -> str:
        kept = "anew" if math.isnan(self.metrics.survived) else f"{self.metrics.survived:.1%} of the strokes kept"
        return f"frame {self.step}/{self.steps} · {self.metrics.psnr:.2f} dB · {self.metrics.seconds:.2f} s · {kept}"


def painting_of(
    frame: Frame,
    settings: FilmSettings,
    shape: tuple[int, int],
    brush_image: Float[np.ndarray, "stamps across along 3"] | None = None,
) -> Painting:
    """A frame as a painting, which can be drawn at any size, exported and styled.

    Args:
      frame: of a film.
      settings: of the film.
      shape: height and width of the source.
      brush_image: the user's own brush, if there is one.
    """
    how = dataclasses.replace(settings.painting, size=fitted_size(settings, shape))
    return Painting(frame.strokes, settings.brush, *shape, settings.canvas_rgb, brush_image, how)


def between(brush: Brush, first: Frame, second: Frame, share: float) -> Float[np.ndarray, "n d"]:
    """The strokes between two frames: those of both on their way, others as long as their own frame is the nearer one.

    Args:
      brush: whose strokes they are.
      first, second: one after the other.
      share: of the way from the first to the second, in [0, 1).
    """
    near, other = (first, second) if share < 0.5 else (second, first)
    if second.keyframe:
        return near.strokes
    place = {number: i for i, number in enumerate(other.ids.tolist())}
    at = np.array([place.get(number, -1) for number in near.ids.tolist()])
    found = other.strokes[at]
    way = found - near.strokes
    # An angle that went on from the other end of its range took the colours with it.
    angles = brush.index("angle")
    whole = (at >= 0) & (np.abs(way[:, angles]) < 0.5).all(axis=1)
    return near.strokes + np.float32(share if near is first else 1 - share) * way * whole[:, None]


@dataclasses.dataclass(frozen=True)
class Film:
    """What a film's frames have in common.

    Attributes:
      settings: how they are painted.
      height, width: of the source's frames, in pixels.
      rate: painted frames a second, of the source's time.
      frames: how many there will be.
      source: the source's name.
      brush_image: the user's own brush, or None.
      styling: how they are styled, or None.
      styles: names and checksums of the style pictures.
      format: version of the file's layout; in 1, strokes of oil had no grain.
    """

    settings: FilmSettings
    height: int
    width: int
    rate: Fraction
    frames: int
    source: str
    brush_image: Float[np.ndarray, "stamps across along 3"] | None = None
    styling: StyleSettings | None = None
    styles: tuple[str, ...] = ()
    format: int = FORMAT

    @property
    def shown_rate(self) -> Fraction:
        """Frames a second as the film is shown, those between painted ones among them."""
        return self.rate * self._steps

    @property
    def _steps(self) -> int:
        return self.settings.stride if self.settings.interpolate else 1

    def drawn(self, frames: Iterable[Frame], *, size: int) -> Iterator[UInt8[np.ndarray, "h w 3"]]:
        """Draws the film, frame by frame.

        Args:
          frames: all of them, in order.
          size: long side in pixels.

        Yields:
          Pictures of 0 to 255, `shown_rate` a second.
        """
        brush, steps = BRUSHES[self.settings.brush], self._steps
        for frame, after in itertools.pairwise(itertools.chain(frames, [None])):
            assert frame is not None
            for step in range(steps):
                shown = frame
                if step and after is not None:
                    shown = frame._replace(strokes=between(brush, frame, after, step / steps))
                yield pictures.to_bytes(drawing.draw(self.painting(shown), size=size))

    def painting(self, frame: Frame) -> Painting:
        """A frame as a painting."""
        if self.format == 1:
            frame = frame._replace(strokes=with_grain(BRUSHES[self.settings.brush], frame.strokes, frame.ids))
        return painting_of(frame, self.settings, (self.height, self.width), self.brush_image)


class Painted(NamedTuple):
    """A frame and its metrics."""

    frame: Frame
    metrics: FrameMetrics


def fitted_size(settings: FilmSettings, shape: tuple[int, int]) -> int:
    """The long side at which frames are fitted: not larger than they are."""
    return max(16, min(settings.size, max(shape)))
