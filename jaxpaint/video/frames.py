"""The frames of a painted video: strokes with ids that persist from frame to frame."""

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
from jaxpaint.types import ByContents, Painting

# Version of a film file's layout.
FORMAT = 2


class Frame(NamedTuple):
    """A painted frame.

    Attributes:
      number: the frame's number, from 0.
      strokes: `[n, d]`, lowest first, in canvas coordinates.
      ids: `[n]`, the strokes' ids; a stroke has the same id in every frame.
      keyframe: whether the frame was painted without regard to the previous frame, as at a cut.
    """

    number: int
    strokes: Float[np.ndarray, "n d"]
    ids: Int[np.ndarray, "n"]
    keyframe: bool


class Layer(NamedTuple):
    """Strokes, and the optimiser's state for the strokes."""

    strokes: Float[np.ndarray, "n d"]
    optimizer: optax.OptState

    @classmethod
    def fresh(cls, strokes: Float[np.ndarray, "n d"]) -> Layer:
        """Makes a layer with a new optimiser state."""
        return cls(strokes, optimize.initial(optimize.ADAM, strokes))


class VideoState(NamedTuple):
    """The state of a film after its last painted frame.

    Attributes:
      number, ids, keyframe: fields of the last frame (see `Frame`).
      made: number of strokes made so far.
      plain: the last frame's strokes, fitted to the source.
      styled: the same strokes in another style, or None.
    """

    number: int
    ids: Int[np.ndarray, "n"]
    keyframe: bool
    made: int
    plain: Layer
    styled: Layer | None = None

    @property
    def frame(self) -> Frame:
        """The last frame, with styled strokes if there are any."""
        return Frame(self.number, (self.styled or self.plain).strokes, self.ids, self.keyframe)


class FrameMetrics(NamedTuple):
    """Closeness of a frame to the source, share of surviving strokes, and time.

    Attributes:
      psnr: PSNR of the drawing against the source, in dB, at the size of the fit, in dry paint and before styling.
      survived: share of the frame's strokes that were in the previous frame; NaN for a keyframe.
      seconds: time to paint the frame, in seconds, without reading and writing.
    """

    psnr: float
    survived: float
    seconds: float


class VideoProgress(NamedTuple):
    """Progress of a film.

    Attributes:
      step, steps: number of painted frames, and number of all frames.
      metrics: metrics of the last painted frame.
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
    """Converts a frame to a painting, which can be drawn at any size, exported and styled.

    Args:
      frame: a frame of a film.
      settings: the film's settings.
      shape: height and width of the source, in pixels.
      brush_image: the user's own brush, or None.
    """
    how = dataclasses.replace(settings.painting, size=fitted_size(settings, shape))
    return Painting(frame.strokes, settings.brush, *shape, settings.canvas_rgb, brush_image, how)


def between(brush: Brush, first: Frame, second: Frame, share: float) -> Float[np.ndarray, "n d"]:
    """Interpolates the strokes between two frames.

    Strokes in both frames move linearly. Other strokes are shown while their own frame is the nearer one.

    Args:
      brush: the strokes' brush.
      first, second: successive frames.
      share: fraction of the way from the first frame to the second, in [0, 1).
    """
    near, other = (first, second) if share < 0.5 else (second, first)
    if second.keyframe:
        return near.strokes
    place = {number: i for i, number in enumerate(other.ids.tolist())}
    at = np.array([place.get(number, -1) for number in near.ids.tolist()])
    found = other.strokes[at]
    way = found - near.strokes
    # Strokes whose angle wrapped around its range are not interpolated: their colours changed ends with the angle.
    angles = brush.index("angle")
    whole = (at >= 0) & (np.abs(way[:, angles]) < 0.5).all(axis=1)
    return near.strokes + np.float32(share if near is first else 1 - share) * way * whole[:, None]


@dataclasses.dataclass(frozen=True, eq=False)
class Film(ByContents):
    """The properties shared by all frames of a film; films with equal contents are equal.

    Attributes:
      settings: the film's settings.
      height, width: size of the source's frames, in pixels.
      rate: painted frames per second of the source's time.
      frames: expected number of painted frames.
      source: the source's name.
      brush_image: the user's own brush, or None.
      styling: settings of the style transfer, or None.
      styles: names and checksums of the style pictures.
      format: version of the file's layout; in version 1, oil strokes had no grain.
      origin: checksum of the inputs, as in the film's files (see `jaxpaint.io.origins`); empty if unknown.
      shown: number of frames of the finished video, equal to the source's; 0 for all painted frames.
      detail: name and checksum of the map of detail; empty without.
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
    origin: str = ""
    shown: int = 0
    detail: str = ""

    @property
    def shown_rate(self) -> Fraction:
        """Frames per second of the shown film: the source's."""
        return self.rate * self.settings.stride

    def drawn(self, frames: Iterable[Frame], *, size: int) -> Iterator[UInt8[np.ndarray, "h w 3"]]:
        """Draws the film, frame by frame (see `shown_frames`).

        Args:
          frames: all frames of the film, in order.
          size: long side of the drawing, in pixels.

        Yields:
          Pictures with values 0 to 255, `shown_rate` per second; one that stays is the same object again.
        """
        before = None
        for frame in self.shown_frames(frames):
            if frame is not before:
                picture = pictures.to_bytes(drawing.draw(self.painting(frame), size=size))
            before = frame
            yield picture

    def shown_frames(self, frames: Iterable[Frame]) -> Iterator[Frame]:
        """Gives a frame for each frame of the source, `shown_rate` per second.

        Between painted frames, the strokes move on, or the frame stays; so the film is as long as its source.

        Args:
          frames: all frames of the film, in order.

        Yields:
          Frames; one that stays is the same object again.
        """
        brush, stride = BRUSHES[self.settings.brush], self.settings.stride
        for painted, after in itertools.pairwise(itertools.chain(frames, [None])):
            assert painted is not None
            frame = painted
            for step in range(stride):
                if self.shown and painted.number * stride + step >= self.shown:
                    break
                if step and after is not None and self.settings.interpolate:
                    near = painted if step / stride < 0.5 else after
                    frame = near._replace(strokes=between(brush, painted, after, step / stride))
                yield frame

    def painting(self, frame: Frame) -> Painting:
        """Converts a frame to a painting."""
        if self.format == 1:
            frame = frame._replace(strokes=with_grain(BRUSHES[self.settings.brush], frame.strokes, frame.ids))
        return painting_of(frame, self.settings, (self.height, self.width), self.brush_image)


class Painted(NamedTuple):
    """A frame and its metrics."""

    frame: Frame
    metrics: FrameMetrics


def fitted_size(settings: FilmSettings, shape: tuple[int, int]) -> int:
    """Long side, in pixels, at which frames are fitted; at most that of the source.

    Args:
      settings: the film's settings.
      shape: height and width of the source, in pixels.
    """
    return max(16, min(settings.size, max(shape)))
