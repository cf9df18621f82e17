"""Painting a video, frame after frame.

A *persistent* stroke has a number and a place in the order, which it keeps from frame to frame. The flow between the
source's frames carries it along, turned and enlarged as what it shows; a few steps of gradient descent then mend what
the flow got wrong. Springs draw each stroke back to where it was carried, and where nothing moves, strokes are held.
Candidates for new strokes are laid where the canvas is wrong, and what is worth least of all is left out: strokes that
got hidden or left the picture, or the candidates themselves. At a cut everything begins anew.

The report's own methods paint every frame anew: apart from all others, or with the squared difference to the previous
painted frame as a second loss.

References:
  Laplacian-steered stylized neural painting, section on videos; Hays and Essa, Image and video based painterly
  animation, NPAR 2004 (strokes carried by optical flow).
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Bool, Float, Int, PRNGKeyArray

from jaxpaint import drawing, fitting, flow, images, painting, placing
from jaxpaint.brushes import BRUSHES, Brush, moved
from jaxpaint.brushes.textures import pyramid
from jaxpaint.fitting import Bounds, Moments, Problem, Springs, Weights
from jaxpaint.painting import Painting
from jaxpaint.renderers import Engine
from jaxpaint.settings import FilmSettings

Picture = Float[np.ndarray, "height width 3"]

# Of the rate of a frame's first step, how much is left at its last.
_LAST_RATE = 0.2
# How far, in pixels, the flow may take a stroke that is held.
_STILL = 0.2
# Greatest turn (radians) and growth from one frame to the next; beyond, the flow is not to be believed.
_TURN, _GROWTH = 0.15, 1.1
# Long side, in pixels, of the pictures between which cuts are looked for.
_CUT_SIZE = 64
# A cut: what the flow leaves unexplained is so much of how far the pixels are from their mean, and is at least so much.
_UNEXPLAINED, _LEAST_CHANGE = 0.5, 0.03


class Frame(NamedTuple):
    """A painted frame.

    Attributes:
      number: of the frame, from 0.
      strokes: `[n, d]`, lowest first, in frame coordinates.
      ids: `[n]`, their numbers: strokes of the same number in two frames are the same.
      anew: painted anew, as at a cut.
    """

    number: int
    strokes: Float[np.ndarray, "n d"]
    ids: Int[np.ndarray, "n"]
    anew: bool


class State(NamedTuple):
    """Where a film is: its last frame, how many strokes there have been, and what is remembered of their gradients."""

    frame: Frame
    made: int
    moments: Moments


class Facts(NamedTuple):
    """What there is to say of a frame.

    Attributes:
      psnr: of its drawing, at the size at which it was fitted, against the source, in dB.
      survived: share of its strokes that were in the frame before; NaN if it is painted anew.
      seconds: that it took, without reading and writing it.
    """

    psnr: float
    survived: float
    seconds: float


class Progress(NamedTuple):
    """How far a film has come.

    Attributes:
      step, steps: frames painted, and of all.
      facts: of the last one.
    """

    step: int
    steps: int
    facts: Facts

    def __str__(self) -> str:
        kept = "anew" if math.isnan(self.facts.survived) else f"{self.facts.survived:.1%} of the strokes kept"
        return f"frame {self.step}/{self.steps} · {self.facts.psnr:.2f} dB · {self.facts.seconds:.2f} s · {kept}"


def film(
    pictures: Iterable[Picture],
    *,
    key: PRNGKeyArray,
    settings: FilmSettings = FilmSettings(),
    brush_image: Float[np.ndarray, "across along 2"] | None = None,
    resume: State | None = None,
) -> Iterator[tuple[State, Facts]]:
    """Paints the frames of a video.

    Args:
      pictures: the frames, of one shape, in [0, 1], sRGB; looked at one by one.
      key: says which of the many films; the same key, settings and frames give the same one.
      settings: how to paint.
      brush_image: the user's own brush, as `images.read_brush` gives it.
      resume: a state to go on from, to the same end; the first of the pictures is then the frame that it was of.

    Yields:
      The state after each frame, and what there is to say of that.

    Raises:
      ValueError: a picture is not one of values in [0, 1], or of another shape than the first.
    """
    artist, before, state = None, None, resume
    for picture in pictures:
        picture = images.checked(picture)
        artist = artist or _artist(settings, picture.shape[:2], brush_image)
        if picture.shape[:2] != (artist.height, artist.width):
            raise ValueError(f"expected frames of {artist.width} × {artist.height}, got {picture.shape[1::-1]}")
        small = images.resize(picture, artist.shape)
        if before is None and resume is not None:
            before = small
            continue
        start, earlier = time.perf_counter(), state
        state = artist.next(state, before, small, key)
        psnr, survived = artist.compare(earlier, state, small)
        yield state, Facts(psnr, survived, time.perf_counter() - start)
        before = small


def painting_of(
    frame: Frame,
    settings: FilmSettings,
    shape: tuple[int, int],
    brush_image: Float[np.ndarray, "across along 2"] | None = None,
) -> Painting:
    """A frame as a painting, which can be drawn at any size, exported and styled.

    Args:
      frame: of a film.
      settings: of the film.
      shape: height and width of the source.
      brush_image: the user's own brush, if there is one.
    """
    how = dataclasses.replace(settings.painting, size=_size(settings, shape))
    return Painting(frame.strokes, settings.brush, *shape, settings.canvas_rgb, brush_image, how)


def between(brush: Brush, first: Frame, second: Frame, share: float) -> Float[np.ndarray, "n d"]:
    """The strokes between two frames: those of both on their way, others as long as their own frame is the nearer one.

    Args:
      brush: whose strokes they are.
      first, second: one after the other.
      share: of the way from the first to the second, in [0, 1).
    """
    near, other = (first, second) if share < 0.5 else (second, first)
    if second.anew:
        return near.strokes
    place = {number: i for i, number in enumerate(other.ids.tolist())}
    at = np.array([place.get(number, -1) for number in near.ids.tolist()])
    found = other.strokes[at]
    way = found - near.strokes
    # An angle that went on from the other end of its range took the colours with it.
    angles = brush.index("angle")
    whole = (at >= 0) & (np.abs(way[:, angles]) < 0.5).all(axis=1)
    return near.strokes + np.float32(share if near is first else 1 - share) * way * whole[:, None]


def is_cut(first: Picture, second: Picture) -> bool:
    """Whether another scene begins with the second of two frames.

    Args:
      first, second: of one shape, in [0, 1].
    """
    height, width, _ = first.shape
    shape = images.fitted_shape(height, width, _CUT_SIZE)
    small = [images.resize(picture, shape) for picture in (first, second)]
    explained = flow.warp(small[0], flow.flow(small[1], small[0]))
    left = float(np.abs(small[1] - explained).mean())
    spread = float(np.abs(small[1] - small[1].mean(axis=(0, 1))).mean())
    return left > max(_LEAST_CHANGE, _UNEXPLAINED * spread)


def _size(settings: FilmSettings, shape: tuple[int, int]) -> int:
    """The long side at which frames are fitted: not larger than they are."""
    return max(16, min(settings.size, max(shape)))


def _artist(settings: FilmSettings, shape: tuple[int, int], brush_image: np.ndarray | None) -> _Artist:
    return _Artist(
        settings,
        *shape,
        images.fitted_shape(*shape, _size(settings, shape)),
        BRUSHES[settings.brush],
        brush_image,
        None if brush_image is None else pyramid(brush_image),
        painting.neural(settings.painting, pictured=brush_image is not None),
    )


class _Artist(NamedTuple):
    """What stays the same from frame to frame.

    Attributes:
      settings: of the film.
      height, width: of the source's frames.
      shape: height and width at which they are fitted.
      brush: whose strokes are painted.
      brush_image: the user's own brush, or None.
      arrays: of the engine: that brush at several sizes, or None.
      neural: the network that draws the strokes while they are fitted, or None.
    """

    settings: FilmSettings
    height: int
    width: int
    shape: tuple[int, int]
    brush: Brush
    brush_image: Float[np.ndarray, "across along 2"] | None
    arrays: Float[np.ndarray, "levels across along 2"] | None
    neural: painting.Neural | None

    def next(self, state: State | None, before: Picture | None, picture: Picture, key: PRNGKeyArray) -> State:
        """Paints a frame."""
        method = self.settings.method
        if state is None or before is None:
            return self._anew(picture, 0, 0, key)
        number = state.frame.number + 1
        if method == "independent":
            return self._anew(picture, number, state.made, key)
        if method == "previous":
            # Of two squared differences, the sum is that to the mean, but for what no stroke can change.
            nearness = self.settings.nearness
            aim = (picture + nearness * self._draw(state.frame.strokes)) / (1.0 + nearness)
            return self._anew(aim, number, state.made, key)
        if is_cut(before, picture):
            return self._anew(picture, number, state.made, key)
        return self._carried(state, before, picture, key)

    def compare(self, earlier: State | None, state: State, picture: Picture) -> tuple[float, float]:
        """PSNR and share of surviving strokes; see `Facts`."""
        squared = float(np.mean((self._draw(state.frame.strokes) - picture) ** 2))
        alive = np.nan if earlier is None or state.frame.anew else np.isin(state.frame.ids, earlier.frame.ids).mean()
        return fitting.Fit(np.nan, squared).psnr, float(alive)

    def _anew(self, picture: Picture, number: int, made: int, key: PRNGKeyArray) -> State:
        settings = dataclasses.replace(self.settings.painting, size=max(self.shape))
        key = key if self.settings.fixed_seed else jax.random.fold_in(key, number)
        strokes = painting.paint(picture, key=key, settings=settings, brush_image=self.brush_image).strokes
        moments = Moments.zero(strokes.shape)
        if self.settings.method == "persistent":
            # Steps of no length: what Adam has to know, lest the next frame's first steps be wild.
            still = np.zeros(fitting.CHUNK, np.float32)
            _, moments, _ = self._descend(strokes, moments, self._problem(picture), still)
        ids = np.arange(made, made + len(strokes), dtype=np.int64)
        return State(Frame(number, strokes, ids, True), made + len(strokes), moments)

    def _carried(self, state: State, before: Picture, picture: Picture, key: PRNGKeyArray) -> State:
        """The frame's strokes, carried to the next one, and fitted."""
        earlier, number = state.frame, state.frame.number + 1
        forward = flow.flow(before, picture)
        strokes, held = self._along(earlier.strokes, forward, np.abs(picture - before).mean(axis=-1, keepdims=True))
        rng = np.random.default_rng([*np.asarray(jax.random.key_data(key)), number])
        strokes, kept, new = self._renewed(strokes, picture, rng)
        ids = np.concatenate([earlier.ids[kept], np.arange(state.made, state.made + new)])
        held = np.concatenate([held[kept], np.zeros(new, bool)])
        mean, square = (
            np.concatenate([moment[kept], np.zeros((new, self.brush.dim), np.float32)]) for moment in state.moments[1:]
        )
        problem = self._problem(picture)
        bounds = Bounds(*(np.where(held[:, None], strokes, bound) for bound in problem.bounds))
        springs = self._springs(strokes, len(kept))
        problem = problem._replace(bounds=bounds, springs=springs)
        rate = self.settings.frame_rate
        rates = painting.cosine(rate, _LAST_RATE * rate, self.settings.frame_steps)
        moments = Moments(state.moments.steps, mean, square)
        for start in range(0, 0 if held.all() else len(rates), fitting.CHUNK):
            chosen = rates[start : start + fitting.CHUNK]
            strokes, moments, _ = self._descend(strokes, moments, problem, chosen)
        return State(Frame(number, strokes, ids, False), state.made + new, moments)

    def _along(
        self, strokes: Float[np.ndarray, "n d"], forward: flow.Flow, change: Float[np.ndarray, "height width 1"]
    ) -> tuple[Float[np.ndarray, "n d"], Bool[np.ndarray, "n"]]:
        """Strokes carried by the flow, and which of them are held, where nothing happens."""
        longest = max(self.shape)
        middle = self.brush.middle(strokes) * longest
        radius = np.maximum(self._widths(strokes) * longest / 2, 1.5)[:, None]
        around = np.array([(0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)])[:, None]
        ways = flow.sample(forward, (middle + around * radius).astype(np.float32))
        offset = np.median(ways, axis=0)
        by_x, by_y = (ways[1] - ways[2]) / (2 * radius), (ways[3] - ways[4]) / (2 * radius)
        growth = np.clip(1 + (by_x[:, 0] + by_y[:, 1]) / 2, 1 / _GROWTH, _GROWTH)
        turn = np.clip((by_x[:, 1] - by_y[:, 0]) / 2, -_TURN, _TURN)
        cells = images.resize(change, images.fitted_shape(*self.shape, max(1, round(1 / self._typical))))
        at = middle / np.array(self.shape)[::-1] * np.array(cells.shape[1::-1])
        quiet = flow.sample(cells, at.astype(np.float32))[:, 0] < self.settings.still
        held = quiet & (np.hypot(*offset.T) < _STILL)
        carried = moved(self.brush, strokes, offset / longest, turn=turn, growth=growth)
        return np.where(held[:, None], strokes, carried), held

    def _renewed(
        self, strokes: Float[np.ndarray, "n d"], picture: Picture, rng: np.random.Generator
    ) -> tuple[Float[np.ndarray, "n d"], Int[np.ndarray, "kept"], int]:
        """As many strokes, the best of these and of some new ones; the places of those kept, and how many are new."""
        low, high = problem_bounds = self._problem(picture).bounds
        position = self.brush.mask("x", "y")
        gone = ((strokes < low) | (strokes > high))[:, position].any(axis=1)
        strokes = np.clip(strokes, low, high)
        candidates = round(self.settings.renewed * len(strokes))
        if not candidates and not gone.any():
            return strokes, np.arange(len(strokes)), 0
        # Few numbers of strokes, so that few programs are compiled.
        candidates = candidates if gone.sum() <= candidates else min(1 << int(gone.sum()).bit_length(), len(strokes))
        new = placing.place(
            self.brush,
            picture,
            self._draw(strokes),
            candidates,
            rng=rng,
            size=self._typical,
            limits=placing.Limits(self.settings.min_size, self.settings.max_size),
            upright=self.settings.upright,
        )
        every = np.concatenate([strokes, np.clip(new, *problem_bounds)])
        worth = np.array(fitting.worth(self._engine(flat=True), self.arrays, every, self._problem(picture)))
        worth[: len(strokes)][gone] = -np.inf
        best = np.sort(np.argsort(worth, kind="stable")[candidates:])
        kept = best[best < len(strokes)]
        return every[best], kept, len(best) - len(kept)

    def _springs(self, strokes: Float[np.ndarray, "n d"], kept: int) -> Springs:
        """Springs on all strokes but the new ones, as strong for a stroke as it covers much of the picture."""
        brush, (height, width) = self.brush, self.shape
        ends = [strokes[:, brush.index(axis)] for axis in "xy"]
        length = np.hypot(*(end[:, -1] - end[:, 0] for end in ends))
        wide = self._widths(strokes)
        area = wide * (wide + length) * max(height, width) ** 2 / (height * width)
        sizes = np.maximum(strokes[:, brush.index("size")].mean(axis=1, keepdims=True), brush.hair)
        unit = np.where(brush.mask("x", "y", "size"), sizes, 1.0)
        stiffness = self.settings.stiffness * area[:, None] / unit**2
        stiffness[kept:] = 0.0
        return Springs(strokes, stiffness.astype(np.float32))

    def _widths(self, strokes: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n"]:
        """Mean of full width and length of a box, full width of a curve; in frame units."""
        sizes = strokes[:, self.brush.index("size")].mean(axis=1)
        return (sizes + self.brush.hair) / self.brush.size_per_width

    @property
    def _typical(self) -> float:
        return placing.stroke_size(self.shape, self.settings.strokes)

    def _engine(self, *, flat: bool) -> Engine:
        return Engine(self.brush, self.settings.texture, flat=flat)

    def _draw(self, strokes: Float[np.ndarray, "n d"]) -> Picture:
        """The strokes as they will be seen."""
        engine, canvas = self._engine(flat=False), self.settings.canvas_rgb
        return drawing.draw_strokes(engine, strokes, self.shape, arrays=self.arrays, canvas=canvas)

    def _problem(self, picture: Picture) -> Problem:
        settings = self.settings
        canvas = np.broadcast_to(np.asarray(settings.canvas_rgb, np.float32), picture.shape)
        weights = Weights(settings.l1, settings.l2, settings.transport)
        return Problem(picture, canvas, weights, painting.bounds(settings, self.shape))

    def _descend(
        self,
        strokes: Float[np.ndarray, "n d"],
        moments: Moments,
        problem: Problem,
        rates: Float[np.ndarray, "steps"],
    ) -> tuple[Float[np.ndarray, "n d"], Moments, fitting.Fit]:
        model, arrays = self.neural or (self._engine(flat=not self.settings.textured), self.arrays)
        if model.window:
            problem = problem._replace(drawn=self._draw(strokes))
        return fitting.descend(
            model,
            arrays,
            strokes,
            moments,
            problem,
            first=0,
            rates=rates,
            softness=self.settings.softness / 2,
            everywhere=False,
        )
