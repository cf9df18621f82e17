"""Painting a video, frame after frame.

A *persistent* stroke has a number and a place in the order, which it keeps from frame to frame. The flow between the
source's frames carries it along, turned and enlarged as what it shows; a few steps of gradient descent then mend what
the flow got wrong. Springs draw each stroke back to where it was carried, and where nothing moves, strokes are held.
Candidates for new strokes are laid where the canvas is wrong and fitted by themselves; what is worth least of all is
then left out: strokes that got hidden or left the picture, or the candidates themselves. At a cut everything begins
anew.

The report's own methods paint every frame anew: apart from all others, or with the squared difference to the previous
painted frame as a second loss.

A style goes along as strokes do: every stroke has a second self in that style, of the same number and place. It is
carried by the same flow, and a few steps of style transfer, with springs, have it follow what the frame shows.

References:
  Laplacian-steered stylized neural painting, section on videos; Hays and Essa, Image and video based painterly
  animation, NPAR 2004 (strokes carried by optical flow).
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Bool, Float, Int, PRNGKeyArray

from jaxpaint import drawing, fitting, flow, images, painting, placing, styling
from jaxpaint.brushes import BRUSHES, Brush, moved
from jaxpaint.brushes.textures import Stamps, pyramid
from jaxpaint.fitting import Bounds, Moments, Problem, Springs, Weights
from jaxpaint.painting import Painting
from jaxpaint.renderers import Engine
from jaxpaint.settings import FilmSettings, StyleSettings

Picture = Float[np.ndarray, "height width 3"]

# Of the rate of a frame's first step, how much is left at its last.
_LAST_RATE = 0.2
# Share of a frame's steps, the last ones, that fit the texture as it is seen: of the oil brush's bristles, that takes
# three times as long as their average.
_TEXTURED = 1 / 3
# How soft edges are while strokes are mended, as in the last stage of a painting.
_SOFTNESS = 1 / 8
# How far, in pixels, the flow may take a stroke that is held.
_STILL = 0.2
# Greatest turn (radians) and growth from one frame to the next; beyond, the flow is not to be believed.
_TURN, _GROWTH = 0.15, 1.1
# How many times a frame that is painted anew is mended as if it were carried on to itself.
_SETTLING = 8
# How many times its steps a carried frame gets at most: the fewer strokes move, the less a step takes.
_MOST_STEPS = 2
# The total loss of style transfer is some so many times the squared difference of a good fit, and so are its slopes.
_STYLE_STIFFNESS = 100.0
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


class Layer(NamedTuple):
    """Strokes, and what is remembered of their gradients."""

    strokes: Float[np.ndarray, "n d"]
    moments: Moments


class State(NamedTuple):
    """Where a film is.

    Attributes:
      number, ids, anew: of the last frame (see `Frame`).
      made: how many strokes there have been.
      plain: its strokes as they were fitted to the source.
      styled: the same in another style, or None.
    """

    number: int
    ids: Int[np.ndarray, "n"]
    anew: bool
    made: int
    plain: Layer
    styled: Layer | None = None

    @property
    def frame(self) -> Frame:
        """The last frame, as it is shown."""
        return Frame(self.number, (self.styled or self.plain).strokes, self.ids, self.anew)


class Style(NamedTuple):
    """What a film is styled with: pictures in [0, 1], each `[height, width, 3]` of any size, and how."""

    pictures: Sequence[Picture]
    settings: StyleSettings = StyleSettings()


class Facts(NamedTuple):
    """What there is to say of a frame.

    Attributes:
      psnr: of its drawing in dry paint before it is styled, at the size of the fit, against the source, in dB.
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
    brush_image: Float[np.ndarray, "stamps across along 3"] | None = None,
    style: Style | None = None,
    resume: State | None = None,
    first: int = 0,
) -> Iterator[tuple[State, Facts]]:
    """Paints the frames of a video.

    Args:
      pictures: the frames, of one shape, in [0, 1], sRGB; looked at one by one.
      key: says which of the many films; the same key, settings and frames give the same one.
      settings: how to paint.
      brush_image: the user's own brush, as `images.read_brush` gives it.
      style: what to style the frames with, if anything.
      resume: a state to go on from, to the same end; the first of the pictures is then the frame that it was of.
      first: the number of the first frame otherwise.

    Yields:
      The state after each frame, and what there is to say of that.

    Raises:
      ValueError: a picture is not one of values in [0, 1], or of another shape than the first; there are not as many
        style pictures as weights of them.
    """
    artist, before, state = None, None, resume
    for picture in pictures:
        picture = images.checked(picture)
        artist = artist or _artist(settings, picture.shape[:2], brush_image, style)
        if picture.shape[:2] != (artist.height, artist.width):
            raise ValueError(f"expected frames of {artist.width} × {artist.height}, got {picture.shape[1::-1]}")
        small = painting.inked(settings, fitted(picture, settings))
        if before is None and resume is not None:
            before = small
            continue
        start, earlier = time.perf_counter(), state
        state = artist.next(state, before, small, key, first)
        psnr, survived = artist.compare(earlier, state, small)
        yield state, Facts(psnr, survived, time.perf_counter() - start)
        before = small


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


def fitted(picture: Picture, settings: FilmSettings) -> Picture:
    """A frame at the size at which it is fitted."""
    height, width, _ = picture.shape
    return images.resize(picture, images.fitted_shape(height, width, _size(settings, (height, width))))


def begins_anew(before: Picture, picture: Picture, settings: FilmSettings) -> bool:
    """Whether a frame is painted without regard to the one before; both are `fitted`."""
    method = settings.method
    return method == "independent" or (method == "persistent" and is_cut(before, picture))


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


def _artist(
    settings: FilmSettings, shape: tuple[int, int], brush_image: np.ndarray | None, style: Style | None
) -> _Artist:
    return _Artist(
        settings,
        *shape,
        images.fitted_shape(*shape, _size(settings, shape)),
        BRUSHES[settings.brush],
        brush_image,
        None if brush_image is None else pyramid(brush_image),
        painting.neural(settings.painting, pictured=brush_image is not None),
        style,
    )


class _Way(NamedTuple):
    """From one frame of the source to the next: the flow, and how much each pixel's brightness changes."""

    forward: flow.Flow
    change: Float[np.ndarray, "height width 1"]


def _renewed_moments(moments: Moments, kept: Int[np.ndarray, "kept"]) -> Moments:
    """Those of the strokes that are kept, and of new ones in place of the others."""
    mean, square = (np.asarray(moment)[kept] for moment in moments[1:])
    new = np.zeros((len(moments.mean) - len(kept), mean.shape[1]), np.float32)
    return moments._replace(mean=np.concatenate([mean, new]), square=np.concatenate([square, new]))


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
      style: what frames are styled with, or None.
    """

    settings: FilmSettings
    height: int
    width: int
    shape: tuple[int, int]
    brush: Brush
    brush_image: Float[np.ndarray, "stamps across along 3"] | None
    arrays: Stamps | None
    neural: painting.Neural | None
    style: Style | None

    def next(
        self, state: State | None, before: Picture | None, picture: Picture, key: PRNGKeyArray, first: int
    ) -> State:
        """Paints a frame."""
        if state is None or before is None:
            return self._anew(picture, first, 0, key)
        number = state.number + 1
        if begins_anew(before, picture, self.settings):
            return self._anew(picture, number, state.made, key)
        if self.settings.method == "previous":
            # Of two squared differences, the sum is that to the mean, but for what no stroke can change.
            nearness = self.settings.nearness
            aim = (picture + nearness * self._draw(state.plain.strokes)) / (1.0 + nearness)
            return self._anew(aim, number, state.made, key)
        return self._carried(state, before, picture, key)

    def compare(self, earlier: State | None, state: State, picture: Picture) -> tuple[float, float]:
        """PSNR and share of surviving strokes; see `Facts`."""
        squared = float(np.mean((self._draw(state.plain.strokes) - picture) ** 2))
        alive = np.nan if earlier is None or state.anew else np.isin(state.ids, earlier.ids).mean()
        return fitting.Fit(np.nan, squared).psnr, float(alive)

    def _anew(self, picture: Picture, number: int, made: int, key: PRNGKeyArray) -> State:
        settings = dataclasses.replace(self.settings.painting, size=max(self.shape))
        key = key if self.settings.fixed_seed else jax.random.fold_in(key, number)
        *_, (painted, _) = painting.fit_stages(picture, key=key, settings=settings, brush_image=self.brush_image)
        strokes = painted.strokes
        moments = Moments.zero(strokes.shape)
        if self.settings.method == "persistent":
            # The frames that follow build on this one, and on what Adam learns of it. Carried on by no flow at all, its
            # strokes get better still.
            rng = np.random.default_rng([*np.asarray(jax.random.key_data(key)), number])
            for _ in range(_SETTLING):
                strokes, kept = self._renewed(strokes, picture, rng)
                moments = _renewed_moments(moments, kept)
                strokes, moments = self._mended(strokes, moments, self._problem(picture), self.settings.frame_steps)
        ids = np.arange(made, made + len(strokes), dtype=np.int64)
        state = State(number, ids, True, made + len(strokes), Layer(strokes, moments))
        if self.style is None:
            return state
        plain = painting_of(state.frame, self.settings, (self.height, self.width), self.brush_image)
        # The steps of later frames do not turn strokes along a style: those of this one would turn back.
        style = dataclasses.replace(self.style.settings, direction=0.0)
        styled = styling.stylize(plain, self.style.pictures, key=key, settings=style).strokes
        return state._replace(styled=Layer(styled, Moments.zero(styled.shape)))

    def _carried(self, state: State, before: Picture, picture: Picture, key: PRNGKeyArray) -> State:
        """The frame's strokes, carried to the next one, and fitted."""
        number = state.number + 1
        way = _Way(flow.flow(before, picture), np.abs(picture - before).mean(axis=-1, keepdims=True))
        carried, held = self._along(state.plain.strokes, way)
        rng = np.random.default_rng([*np.asarray(jax.random.key_data(key)), number])
        strokes, kept = self._renewed(carried, picture, rng)
        new = len(strokes) - len(kept)
        held = np.append(held[kept], np.zeros(new, bool))
        problem = self._held_back(self._problem(picture), strokes, held, len(kept), self.settings.stiffness)
        moments = _renewed_moments(state.plain.moments, kept)
        if not held.all():
            steps = round(self.settings.frame_steps * min(_MOST_STEPS, 1 / (1 - held.mean())))
            strokes, moments = self._mended(strokes, moments, problem, steps)
        after = State(
            number,
            np.append(state.ids[kept], np.arange(state.made, state.made + new)),
            False,
            state.made + new,
            Layer(strokes, moments),
        )
        if state.styled is None:
            return after
        mended = strokes[: len(kept)] - carried[kept]
        return after._replace(styled=self._styled(state.styled, strokes, mended, way, kept))

    def _styled(
        self,
        styled: Layer,
        plain: Float[np.ndarray, "n d"],
        mended: Float[np.ndarray, "kept d"],
        way: _Way,
        kept: Int[np.ndarray, "kept"],
    ) -> Layer:
        """The styled strokes, carried to the next frame.

        Args:
          styled: those of the frame before.
          plain: what they are in the next frame before they are styled.
          mended: what had to be changed of those that are kept, after they were carried; it is of these, too.
          way: to the next frame.
          kept: the places of those that are kept.
        """
        assert self.style is not None
        brush, new = self.brush, plain[len(kept) :].copy()
        carried, held = self._along(styled.strokes, way)
        # New ones begin in the colours that the style had there.
        at = brush.middle(new) * max(self.shape)
        seen = flow.sample(self._draw(carried), at.astype(np.float32))
        new[:, brush.index("color")] = np.tile(seen, len(brush.index("color")) // 3)
        problem = self._problem(np.zeros((*self.shape, 3), np.float32))
        strokes = np.concatenate([np.clip(carried[kept] + mended, *problem.bounds), new])
        held = np.append(held[kept], np.zeros(len(new), bool))
        if self.style.settings.mode == "color":
            color = brush.mask("color")
            strokes = np.where(color, strokes, plain)
            problem = problem._replace(bounds=Bounds(*(np.where(color, b, strokes) for b in problem.bounds)))
        problem = self._held_back(problem, strokes, held, len(kept), _STYLE_STIFFNESS * self.settings.stiffness)
        problem = problem._replace(weights=Weights(l2=0.0, product=1.0), importance=None)
        loss = styling.total_loss(self._draw(plain), self.style.pictures, None, self.style.settings)
        moments = _renewed_moments(styled.moments, kept)
        rates = self._rates(self.settings.style_rate, self.settings.style_steps)
        for step in range(0 if held.all() else len(rates)):
            _, gradient = loss(self._draw(strokes))
            aim = problem._replace(target=np.asarray(gradient))
            strokes, moments, _ = self._descend(strokes, moments, aim, rates[step : step + 1])
        return Layer(strokes, moments)

    def _along(
        self, strokes: Float[np.ndarray, "n d"], way: _Way
    ) -> tuple[Float[np.ndarray, "n d"], Bool[np.ndarray, "n"]]:
        """Strokes carried by the flow, and which of them are held, where nothing happens."""
        longest = max(self.shape)
        middle = self.brush.middle(strokes) * longest
        radius = np.maximum(self._widths(strokes) * longest / 2, 1.5)[:, None]
        around = np.array([(0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)])[:, None]
        ways = flow.sample(way.forward, (middle + around * radius).astype(np.float32))
        offset = np.median(ways, axis=0)
        by_x, by_y = (ways[1] - ways[2]) / (2 * radius), (ways[3] - ways[4]) / (2 * radius)
        growth = np.clip(1 + (by_x[:, 0] + by_y[:, 1]) / 2, 1 / _GROWTH, _GROWTH)
        turn = np.clip((by_x[:, 1] - by_y[:, 0]) / 2, -_TURN, _TURN)
        cells = images.resize(way.change, images.fitted_shape(*self.shape, max(1, round(1 / self._typical))))
        at = middle / np.array(self.shape)[::-1] * np.array(cells.shape[1::-1])
        quiet = flow.sample(cells, at.astype(np.float32))[:, 0] < self.settings.still
        held = quiet & (np.hypot(*offset.T) < _STILL)
        carried = moved(self.brush, strokes, offset / longest, turn=turn, growth=growth)
        return np.where(held[:, None], strokes, carried), held

    def _renewed(
        self, strokes: Float[np.ndarray, "n d"], picture: Picture, rng: np.random.Generator
    ) -> tuple[Float[np.ndarray, "n d"], Int[np.ndarray, "kept"]]:
        """The best of these strokes and of some new ones, and the places of those kept; see `fitting.renewed`."""
        problem = self._problem(picture)
        low, high = problem.bounds
        position = self.brush.mask("x", "y")
        left = int(np.any(((strokes < low) | (strokes > high))[:, position], axis=1).sum())
        strokes = np.clip(strokes, low, high)
        candidates = round(self.settings.renewed * len(strokes))
        if not candidates and not left:
            return strokes, np.arange(len(strokes))
        # Strokes that left the picture lie at its border now, and are kept if they are worth it. Few numbers of
        # candidates, so that few programs are compiled.
        candidates = candidates if left <= candidates else min(1 << left.bit_length(), len(strokes))
        canvas = self._draw(strokes)
        new = placing.place(
            self.brush,
            picture,
            canvas,
            candidates,
            rng=rng,
            size=placing.CANDIDATE * self._typical,
            limits=placing.Limits(self.settings.min_size, self.settings.max_size),
            upright=self.settings.upright,
            importance=problem.importance,
            layering=self.settings.layering,
        )
        # Springs of no strength, so that the program is that which mends the strokes.
        problem = problem._replace(springs=Springs(strokes, np.zeros_like(strokes)))
        return fitting.renewed(
            self._engine(flat=True),
            self.arrays,
            strokes,
            np.clip(new, *problem.bounds),
            canvas,
            problem,
            rate=self.settings.frame_rate,
            softness=_SOFTNESS * self.settings.softness,
        )

    def _held_back(
        self,
        problem: Problem,
        strokes: Float[np.ndarray, "n d"],
        held: Bool[np.ndarray, "n"],
        kept: int,
        stiffness: float,
    ) -> Problem:
        """The problem for strokes some of which are held, with springs on all but those that come after the kept ones.

        A spring is as strong as its stroke covers much of the picture.
        """
        brush, (height, width) = self.brush, self.shape
        ends = [strokes[:, brush.index(axis)] for axis in "xy"]
        length = np.hypot(*(end[:, -1] - end[:, 0] for end in ends))
        wide = self._widths(strokes)
        area = wide * (wide + length) * max(height, width) ** 2 / (height * width)
        sizes = np.maximum(strokes[:, brush.index("size")].mean(axis=1, keepdims=True), brush.hair)
        unit = np.where(brush.mask("x", "y", "size"), sizes, 1.0)
        springs = stiffness * area[:, None] / unit**2
        springs[kept:] = 0.0
        bounds = Bounds(*(np.where(held[:, None], strokes, bound) for bound in problem.bounds))
        return problem._replace(bounds=bounds, springs=Springs(strokes, springs.astype(np.float32)))

    def _rates(self, first: float, steps: int) -> Float[np.ndarray, "steps"]:
        return fitting.cosine(first, _LAST_RATE * first, steps)

    def _widths(self, strokes: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n"]:
        """Mean of full width and length of a box, full width of a curve; in frame units."""
        sizes = strokes[:, self.brush.index("size")].mean(axis=1)
        return (sizes + self.brush.hair) / self.brush.size_per_width

    @property
    def _typical(self) -> float:
        return placing.stroke_size(self.shape, self.settings.strokes)

    def _engine(self, *, flat: bool) -> Engine:
        return Engine.of(self.settings, flat=flat)

    def _draw(self, strokes: Float[np.ndarray, "n d"]) -> Picture:
        """The strokes as they will be seen."""
        engine, canvas = self._engine(flat=False), self.settings.canvas_rgb
        return drawing.draw_strokes(engine, strokes, self.shape, arrays=self.arrays, canvas=canvas)

    def _problem(self, picture: Picture) -> Problem:
        settings = self.settings
        canvas = np.broadcast_to(np.asarray(settings.canvas_rgb, np.float32), picture.shape)
        weights = Weights(settings.l1, settings.l2, settings.transport)
        bounds, importance = painting.bounds(settings, self.shape), painting.importance(settings, picture)
        return Problem(picture, canvas, weights, bounds, importance=importance, max_aspect=settings.max_aspect)

    def _mended(
        self, strokes: Float[np.ndarray, "n d"], moments: Moments, problem: Problem, steps: int
    ) -> tuple[Float[np.ndarray, "n d"], Moments]:
        """The strokes after some steps, first on the texture's average and then on the texture."""
        rates = self._rates(self.settings.frame_rate, steps)
        smooth = steps - math.ceil(_TEXTURED * steps)
        for part, flat in ((rates[:smooth], True), (rates[smooth:], False)):
            for start in range(0, len(part), fitting.CHUNK):
                some = part[start : start + fitting.CHUNK]
                strokes, moments, _ = self._descend(strokes, moments, problem, some, flat=flat)
        return strokes, moments

    def _descend(
        self,
        strokes: Float[np.ndarray, "n d"],
        moments: Moments,
        problem: Problem,
        rates: Float[np.ndarray, "steps"],
        *,
        flat: bool = False,
    ) -> tuple[Float[np.ndarray, "n d"], Moments, fitting.Fit]:
        flat = flat or not (self.settings.textured and self.brush.textured)
        model, arrays = self.neural or (self._engine(flat=flat), self.arrays)
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
            softness=_SOFTNESS * self.settings.softness,
            everywhere=False,
        )
