"""Painting a video, frame by frame.

A *persistent* stroke keeps its id and its place in the order from frame to frame. The optical flow between the source's
frames moves, turns and scales the stroke. A few steps of gradient descent then correct the flow's errors. Springs pull
each stroke back to its warped position. Strokes are frozen where nothing moves. Candidates for new strokes are placed
where the canvas differs from the source, and are fitted alone. The least valuable strokes are then dropped: hidden
strokes, strokes that left the picture, or the candidates themselves. At a cut, everything begins anew.

The report's own methods paint every frame anew. A frame is either independent of all others, or has the squared
difference to the previous painted frame as a second loss.

With a style, each stroke has a styled copy with the same id and place. The same flow warps the copy. A few steps of
style transfer, with springs, then adapt the copy to the new frame.

References:
  Laplacian-steered stylized neural painting, section on videos; Hays and Essa, Image and video based painterly
  animation, NPAR 2004 (strokes warped by optical flow).
"""

from __future__ import annotations

import dataclasses
import itertools
import math
import time
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Bool, Float, Int, PRNGKeyArray

from jaxpaint import checks, chroma, optimize, painting, pictures, pigments, styling
from jaxpaint.brushes import Brush, moved
from jaxpaint.maps import checked_detail
from jaxpaint.optimize.initialize import stroke_size
from jaxpaint.painter import Map, Painter, as_key, generator, importance, prepared
from jaxpaint.problem import Bounds, Fit, Problem, Springs
from jaxpaint.settings import FilmSettings
from jaxpaint.types import Picture, Style
from jaxpaint.video import flow
from jaxpaint.video.cuts import fitted, is_keyframe
from jaxpaint.video.frames import FrameMetrics, Layer, VideoState, fitted_size, painting_of

_MOST_FRAMES = 10**9
# Final learning rate of a frame, as a fraction of the first.
_LAST_RATE = 0.2
# Share of a frame's steps, the last ones, that fit the texture itself. With the oil brush's bristles, these steps take
# three times as long as steps on the texture's average.
_TEXTURED = 1 / 3
# Softness of edges while strokes are corrected, as a fraction of the setting; the same as in a painting's last stage.
_SOFTNESS = 1 / 8
# Greatest flow, in pixels, at a frozen stroke.
_STILL = 0.2
# Greatest turn (radians) and growth from one frame to the next; a flow beyond these limits is not reliable.
_TURN, _GROWTH = 0.15, 1.1
# Rounds in which a keyframe is corrected as if it were warped to itself.
_SETTLING = 8
# Greatest multiple of the usual steps for a warped frame: the fewer strokes move, the less time a step takes.
_MOST_STEPS = 2
# The loss of style transfer, and its gradient, are about this many times the squared difference of a good fit.
_STYLE_STIFFNESS = 100.0


def film(
    frames: Iterable[Picture],
    *,
    key: PRNGKeyArray | int,
    settings: FilmSettings = FilmSettings(),
    brush_image: Float[np.ndarray, "stamps across along 3"] | None = None,
    style: Style | None = None,
    detail: Map | Iterable[Map] | None = None,
    resume: VideoState | None = None,
    first: int = 0,
) -> Iterator[tuple[VideoState, FrameMetrics]]:
    """Paints the frames of a video.

    Args:
      frames: pictures of one shape, sRGB in [0, 1]; read one by one.
      key: random key or integer. The same key, settings and frames give the same film on the same number of devices.
      settings: the film's settings.
      brush_image: the user's own brush, as `images.read_brush` returns it.
      style: style pictures and settings, or None.
      detail: how much each place matters, as for `painting.paint`: an array for all frames, or an iterator with an
        array for each of `frames`. None: as `settings.detail` says.
      resume: state to resume from, with the same result; `frames` and `detail` then start with the frame of that state.
      first: number of the first frame, without `resume`.

    Yields:
      The state after each frame, and the frame's metrics.

    Raises:
      ValueError, TypeError: an argument has another type, shape or range; the pictures differ in shape; there are more
        frames than maps.
    """
    FilmSettings.check(settings)
    key, first = as_key(key), checks.whole(first, "the number of the first frame", 0, _MOST_FRAMES)
    if getattr(frames, "shape", ())[2:] == (3,):
        raise ValueError(f"expected frames one after the other, got one picture, {checks.described(frames)}")
    if style is not None:
        checks.instance(style, Style, "a style as jaxpaint.Style")
    if resume is not None:
        checks.instance(resume, VideoState, "a state to go on from")
    painter, before, state = None, None, resume
    maps = itertools.repeat(detail) if detail is None or isinstance(detail, np.ndarray) else iter(detail)
    for picture in frames:
        picture = pictures.checked(picture)
        painter = painter or VideoPainter.of(settings, picture.shape[:2], brush_image, style)
        if picture.shape[:2] != painter.source:
            height, width = painter.source
            raise ValueError(f"expected frames of {width} × {height}, got {picture.shape[1::-1]}")
        try:
            target = painter.target(picture, next(maps))
        except StopIteration:
            raise ValueError("expected a map of detail for each frame, got fewer maps than frames") from None
        if before is None and resume is not None:
            before = target.picture
            continue
        start, earlier = time.perf_counter(), state
        state = painter.next(state, before, target, key, first)
        before = target.picture
        psnr, survived = painter.compare(earlier, state, before)
        yield state, FrameMetrics(psnr, survived, time.perf_counter() - start)


class _Target(NamedTuple):
    """A frame of the source at the size of the fit, and weights of its pixels in the loss; None for equal weights."""

    picture: Picture
    weight: Map | None


class _Way(NamedTuple):
    """The change from one frame of the source to the next.

    Attributes:
      forward: the optical flow.
      change: absolute change of each pixel's brightness.
    """

    forward: flow.Flow
    change: Float[np.ndarray, "height width 1"]


class VideoPainter(NamedTuple):
    """Painter of a film's frames; holds the data that stay the same from frame to frame.

    Attributes:
      settings: the film's settings.
      source: height and width of the source's frames, in pixels.
      painter: painter of single frames at the size of the fit.
      style: style pictures and settings, or None.
    """

    settings: FilmSettings
    source: tuple[int, int]
    painter: Painter
    style: Style | None

    @classmethod
    def of(
        cls,
        settings: FilmSettings,
        source: tuple[int, int],
        brush_image: Float[np.ndarray, "stamps across along 3"] | None,
        style: Style | None,
    ) -> VideoPainter:
        """Makes the painter of a film.

        Args:
          settings: the film's settings.
          source: height and width of the source's frames, in pixels.
          brush_image: the user's own brush, or None.
          style: style pictures and settings, or None.
        """
        shape = pictures.fitted_shape(*source, fitted_size(settings, source))
        frame = dataclasses.replace(settings.painting, size=max(shape))
        painter = Painter.of(frame, shape, brush_image)
        if settings.pigments:
            # The same for all frames, whoever paints them.
            painter = painter._replace(palette=pigments.palette(settings.pigments, settings.palette_size))
        return cls(settings, source, painter, style)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width, in pixels, at which frames are fitted."""
        return self.painter.shape

    @property
    def brush(self) -> Brush:
        """The film's brush."""
        return self.painter.brush

    def target(self, picture: Picture, detail: Map | None) -> _Target:
        """What a frame's strokes aim at.

        Args:
          picture: the source's frame.
          detail: the frame's map of detail, or None.

        Raises:
          ValueError, TypeError: the map is not one.
        """
        detail = checked_detail(self.painter.settings, self.shape, detail)
        small = prepared(self.settings, fitted(picture, self.settings), detail)
        return _Target(small, importance(self.painter.settings, small, detail))

    def next(
        self, state: VideoState | None, before: Picture | None, target: _Target, key: PRNGKeyArray, first: int
    ) -> VideoState:
        """Paints the next frame.

        Args:
          state: state after the previous frame, or None for the first frame.
          before: the source's previous frame, at the size of the fit, or None.
          target: what the strokes aim at.
          key: the film's random key.
          first: number of the first frame.
        """
        if state is None or before is None:
            return self._keyframe(target, first, 0, key)
        number = state.number + 1
        if is_keyframe(before, target.picture, self.settings):
            return self._keyframe(target, number, state.made, key)
        if self.settings.method == "previous":
            # (c - p)² + w (c - q)² equals (1 + w) (c - (p + w q) / (1 + w))², up to a constant.
            nearness = self.settings.nearness
            aim = (target.picture + nearness * self._draw(state.plain.strokes)) / (1.0 + nearness)
            return self._keyframe(target._replace(picture=aim), number, state.made, key)
        return self._warped(state, before, target, key)

    def compare(self, earlier: VideoState | None, state: VideoState, picture: Picture) -> tuple[float, float]:
        """PSNR and share of surviving strokes of a painted frame; see `FrameMetrics`."""
        squared = float(np.mean((self._draw(state.plain.strokes) - picture) ** 2))
        alive = np.nan if earlier is None or state.keyframe else np.isin(state.ids, earlier.ids).mean()
        return Fit(np.nan, squared).psnr, float(alive)

    def _keyframe(self, target: _Target, number: int, made: int, key: PRNGKeyArray) -> VideoState:
        key = key if self.settings.fixed_seed else jax.random.fold_in(key, number)
        *_, (painted, _) = painting.fit_stages(target.picture, self.painter, key=key, weight=target.weight)
        layer = Layer.fresh(painted.strokes)
        if self.settings.method == "persistent":
            # Later frames build on this frame's strokes and on Adam's state. The strokes improve further when they are
            # corrected as if warped by a flow of zero.
            rng, problem = generator(key, number), self._problem(*target)
            for _ in range(_SETTLING):
                strokes, kept = self._densified(layer.strokes, problem, rng)
                layer = Layer(strokes, optimize.kept_rows(layer.optimizer, kept))
                layer = self._mended(layer, problem, self.settings.frame_steps)
        ids = np.arange(made, made + len(layer.strokes), dtype=np.int64)
        state = VideoState(number, ids, True, made + len(ids), layer)
        if self.style is None:
            return state
        plain = painting_of(state.frame, self.settings, self.source, self.painter.brush_image)
        # Later frames' steps do not turn strokes along the style's directions, so strokes turned here would turn back.
        how = dataclasses.replace(self.style.settings, direction=0.0)
        styled = styling.stylize(plain, self.style.pictures, key=key, settings=how).strokes
        return state._replace(styled=Layer.fresh(styled))

    def _warped(self, state: VideoState, before: Picture, target: _Target, key: PRNGKeyArray) -> VideoState:
        """Warps the strokes to the next frame, and fits them."""
        number, picture = state.number + 1, target.picture
        way = _Way(flow.flow(before, picture), np.abs(picture - before).mean(axis=-1, keepdims=True))
        warped, frozen = self._along(state.plain.strokes, way)
        problem = self._problem(*target)
        strokes, kept = self._densified(warped, problem, generator(key, number))
        new = len(strokes) - len(kept)
        frozen = np.append(frozen[kept], np.zeros(new, bool))
        problem = self._with_springs(problem, strokes, frozen, len(kept), self.settings.stiffness)
        layer = Layer(strokes, optimize.kept_rows(state.plain.optimizer, kept))
        if not frozen.all():
            steps = round(self.settings.frame_steps * min(_MOST_STEPS, 1 / (1 - frozen.mean())))
            layer = self._mended(layer, problem, steps)
        ids = np.append(state.ids[kept], np.arange(state.made, state.made + new))
        after = VideoState(number, ids, False, state.made + new, layer)
        if state.styled is None:
            return after
        mended = layer.strokes[: len(kept)] - warped[kept]
        return after._replace(styled=self._styled(state.styled, layer.strokes, mended, way, kept))

    def _styled(
        self,
        styled: Layer,
        plain: Float[np.ndarray, "n d"],
        mended: Float[np.ndarray, "kept d"],
        way: _Way,
        kept: Int[np.ndarray, "kept"],
    ) -> Layer:
        """Warps the styled strokes to the next frame, and fits them.

        Args:
          styled: styled strokes of the previous frame.
          plain: the next frame's strokes before styling.
          mended: correction of the kept plain strokes after the warp, which is also added to the kept styled strokes.
          way: the change to the next frame.
          kept: indices of the kept strokes.
        """
        assert self.style is not None
        brush, new = self.brush, plain[len(kept) :].copy()
        warped, frozen = self._along(styled.strokes, way)
        # New strokes start in the colours of the styled drawing at their position.
        at = brush.middle(new) * max(self.shape)
        seen = flow.sample(self._draw(warped), at.astype(np.float32))
        new[:, brush.index("color")] = np.tile(seen, len(brush.index("color")) // 3)
        problem = self._problem(np.zeros((*self.shape, 3), np.float32), None)
        strokes = np.concatenate([np.clip(warped[kept] + mended, *problem.bounds), new])
        frozen = np.append(frozen[kept], np.zeros(len(new), bool))
        if self.style.settings.mode == "color":
            color = brush.mask("color")
            strokes = np.where(color, strokes, plain)
            problem = problem._replace(bounds=Bounds(*(np.where(color, b, strokes) for b in problem.bounds)))
        problem = self._with_springs(problem, strokes, frozen, len(kept), _STYLE_STIFFNESS * self.settings.stiffness)
        problem = problem._replace(weights={"linear": 1.0})
        loss = styling.total_loss(self._draw(plain), self.style.pictures, None, self.style.settings)
        optimizer = optimize.kept_rows(styled.optimizer, kept)
        rates = self._rates(self.settings.style_rate, self.settings.style_steps)
        for step in range(0 if frozen.all() else len(rates)):
            _, gradient = loss(self._draw(strokes))
            aim, some = problem._replace(target=np.asarray(gradient)), rates[step : step + 1]
            strokes, optimizer, _ = self.painter.fit(
                strokes, optimizer, aim, rates=some, textured=self.settings.textured, everywhere=False
            )
            if self.style.settings.color == "keep":
                strokes = np.where(frozen[:, None], strokes, chroma.kept(brush, strokes, plain))
        return Layer(strokes, optimizer)

    def _along(
        self, strokes: Float[np.ndarray, "n d"], way: _Way
    ) -> tuple[Float[np.ndarray, "n d"], Bool[np.ndarray, "n"]]:
        """Warps strokes by the flow, except frozen ones.

        Returns:
          The strokes, and the mask of frozen strokes, at which nothing happens in the source.
        """
        longest = max(self.shape)
        middle = self.brush.middle(strokes) * longest
        radius = np.maximum(self._widths(strokes) * longest / 2, 1.5)[:, None]
        around = np.array([(0, 0), (1, 0), (-1, 0), (0, 1), (0, -1)])[:, None]
        ways = flow.sample(way.forward, (middle + around * radius).astype(np.float32))
        offset = np.median(ways, axis=0)
        by_x, by_y = (ways[1] - ways[2]) / (2 * radius), (ways[3] - ways[4]) / (2 * radius)
        growth = np.clip(1 + (by_x[:, 0] + by_y[:, 1]) / 2, 1 / _GROWTH, _GROWTH)
        turn = np.clip((by_x[:, 1] - by_y[:, 0]) / 2, -_TURN, _TURN)
        cells = pictures.resize(
            way.change,
            pictures.fitted_shape(*self.shape, max(1, round(1 / stroke_size(self.shape, self.settings.strokes)))),
        )
        at = middle / np.array(self.shape)[::-1] * np.array(cells.shape[1::-1])
        quiet = flow.sample(cells, at.astype(np.float32))[:, 0] < self.settings.still
        frozen = quiet & (np.hypot(*offset.T) < _STILL)
        warped = moved(self.brush, strokes, offset / longest, turn=turn, growth=growth)
        return np.where(frozen[:, None], strokes, warped), frozen

    def _densified(
        self, strokes: Float[np.ndarray, "n d"], problem: Problem, rng: np.random.Generator
    ) -> tuple[Float[np.ndarray, "n d"], Int[np.ndarray, "kept"]]:
        """Lets the strokes compete with new candidates; see `optimize.compete`.

        Returns:
          The best strokes of both, and the indices of the kept strokes.
        """
        low, high = problem.bounds
        position = self.brush.mask("x", "y")
        left = int(np.any(((strokes < low) | (strokes > high))[:, position], axis=1).sum())
        strokes = np.clip(strokes, low, high)
        candidates = round(self.settings.renewed * len(strokes))
        if not candidates and not left:
            return strokes, np.arange(len(strokes))
        # Strokes that left the picture now lie at its border, and are kept if they are worth it. Powers of two keep the
        # number of compiled programs low.
        candidates = candidates if left <= candidates else min(1 << left.bit_length(), len(strokes))
        # Springs of zero stiffness, so that `_mended` uses the same compiled program.
        problem = problem._replace(springs=Springs(strokes, np.zeros_like(strokes)))
        return self.painter.densify(strokes, problem, candidates, rng=rng, rate=self.settings.frame_rate)

    def _with_springs(
        self,
        problem: Problem,
        strokes: Float[np.ndarray, "n d"],
        frozen: Bool[np.ndarray, "n"],
        kept: int,
        stiffness: float,
    ) -> Problem:
        """Adds frozen strokes and springs to a problem.

        New strokes, which come after the first `kept` strokes, have no springs. A spring's stiffness is proportional to
        the share of the picture that its stroke covers.
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
        bounds = Bounds(*(np.where(frozen[:, None], strokes, bound) for bound in problem.bounds))
        return problem._replace(bounds=bounds, springs=Springs(strokes, springs.astype(np.float32)))

    def _rates(self, first: float, steps: int) -> Float[np.ndarray, "steps"]:
        return optimize.cosine(first, _LAST_RATE * first, steps)

    def _widths(self, strokes: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n"]:
        """Strokes' widths in canvas units: the mean of full width and length for a box, the full width for a curve."""
        sizes = strokes[:, self.brush.index("size")].mean(axis=1)
        return (sizes + self.brush.hair) / self.brush.size_per_width

    def _draw(self, strokes: Float[np.ndarray, "n d"]) -> Picture:
        """Draws the strokes at the size of the fit, as they will be seen."""
        return self.painter.draw(strokes, self.shape)

    def _problem(self, picture: Picture, weight: Map | None) -> Problem:
        """The problem of a frame."""
        return self.painter.problem(picture, softness=_SOFTNESS * self.settings.softness, importance=weight)

    def _mended(self, layer: Layer, problem: Problem, steps: int) -> Layer:
        """Fits a layer's strokes, first on the texture's average and then on the texture."""
        strokes, bounds = self.painter.in_palette(layer.strokes, problem.bounds)
        problem, optimizer = problem._replace(bounds=bounds), layer.optimizer
        rates = self._rates(self.settings.frame_rate, steps)
        smooth = steps - math.ceil(_TEXTURED * steps)
        for part, textured in ((rates[:smooth], False), (rates[smooth:], self.settings.textured)):
            for some in optimize.chunks(part):
                strokes, optimizer, _ = self.painter.fit(
                    strokes, optimizer, problem, rates=some, textured=textured, everywhere=False
                )
        return Layer(strokes, optimizer)
