"""Painting a photograph: the plan of its stages, and their execution.

A stage places strokes and fits them. *Levels* add strokes, coarse ones first; in *rounds*, candidates for new strokes
are placed on top, where the canvas is most wrong, and fitted by themselves, and of them and the strokes, those that are
worth least are left out; the *finish* fits all strokes at full size, at last with the brush's texture as it will be
seen. All of it is a function of the picture, the settings and the key.

In mode `blocks`, the plan is that of Stylized Neural Painting: a stage for each stroke of a block.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import warnings
from collections.abc import Iterator
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float, PRNGKeyArray

from jaxpaint import attention, directions, drawing, fitting, images, placing
from jaxpaint.brushes import BRUSHES, Brush, from_window, nowhere, to_window
from jaxpaint.brushes.textures import Stamps, pyramid
from jaxpaint.fitting import BLOCK_ROOM, Bounds, Moments, Problem, Weights
from jaxpaint.grids import Grid
from jaxpaint.renderers import Arrays, Engine, Model
from jaxpaint.settings import Settings, StyleSettings

_ROUNDS = 6
# Share of the steps that go to the levels, the rounds, the fit at full size, the accents and the fit with texture.
_SHARES = (0.28, 0.41, 0.24, 0.10, 0.07)
# Candidates of a round, in shares of the strokes.
_CANDIDATES = 0.3
# How many times the strokes of an underpainting cover the canvas, and how many they are at least.
_COVER, _FEWEST = 5.0, 8
# Weight of directions at a setting of 1; the mean squared difference is 0.001 at 30 dB.
_DIRECTION = 0.001
# Tells the random numbers of colours apart from those of stages.
_JITTER_STREAM = 2**20
# How many typical strokes fit along a picture of the renderer's, where it draws pictures of one size.
_WINDOW_PER_STROKE = 1.6
# Side of a typical stroke, in pixels, that a coarse fit has to resolve.
_RESOLVED = 13.0


@dataclasses.dataclass(frozen=True)
class Painting:
    """A painting: ordered strokes, and what is needed to draw them.

    Attributes:
      strokes: float32 `[n, d]`, lowest first, in frame coordinates (the square whose side is the picture's long side).
      brush: name of their brush.
      height, width: of the photograph, in pixels; the painting has its proportions.
      canvas_color: red, green, blue in [0, 1].
      brush_image: stamps of the user's own brush `[stamps, across, along, 3]` (shade, coverage, height), or None.
      settings: what it was painted with.
      state: what an unfinished painting needs to go on; None when it is finished.
      styling: what it was styled with, the last time; None if it never was.
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

    @property
    def canvas(self) -> Float[np.ndarray, "h w 3"]:
        """The drawing at the size it was painted at, in [0, 1]."""
        return drawing.draw(self)


class ResumeError(ValueError):
    """A painting that can't be gone on from; one line says why."""


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


class Stage(NamedTuple):
    """One stage of a painting.

    Attributes:
      add: how many strokes it adds; if any, only these are fitted, on the canvas that the others give.
      candidates: how many new strokes compete with those that there are, for as many places.
      size: long side of the picture that is fitted, in pixels.
      steps: gradient steps.
      rates: learning rate of the first step and of the last.
      softness: of the edges, in pixels.
      textured: fits strokes with their texture, not its average.
      economy: leaves out strokes that change less than this, first of all (see `fitting.needed`).
      accents: lays small strokes.
      blocks: spreads added strokes evenly over blocks × blocks.
      block: side, in pixels, of the blocks that are painted each for itself, all of their strokes at once.
    """

    add: int
    candidates: int
    size: int
    steps: int
    rates: tuple[float, float]
    softness: float
    textured: bool = False
    economy: float = 0.0
    accents: bool = False
    blocks: int | None = None
    block: int | None = None


def plan(settings: Settings, shape: tuple[int, int], *, window: int | None = None) -> tuple[Stage, ...]:
    """The stages of a painting; their steps are exactly those of the settings, and so are strokes without an economy.

    Args:
      settings: how to paint.
      shape: height and width of the picture at `settings.size`.
      window: side in pixels of the only pictures that the renderer draws; None if it draws any.
    """
    if settings.mode == "blocks":
        return _plan_blocks(settings, shape, window or max(1, round(settings.size / settings.grid)))
    detail = placing.stroke_size(shape, settings.strokes)
    if window:
        # Pictures are laid about as large as they are drawn.
        full = coarse = int(np.clip(window / (_WINDOW_PER_STROKE * detail), window, max(window, settings.size)))
    else:
        full = coarse = settings.size
        while coarse > 64 and detail * coarse > 2 * _RESOLVED:
            coarse //= 2
    rate, softness = settings.learning_rate, settings.softness
    divisions = settings.max_divide or 2
    levels = np.arange(1.0, divisions + 1) ** 2 if settings.mode == "progressive" else np.ones(1)
    kept = _kept(settings) if settings.spread else 0
    accents = min(round(settings.accents * settings.strokes), settings.strokes - kept)
    adds = [*([kept] if kept else []), *_split(settings.strokes - kept - accents, levels)]
    stages = [
        Stage(
            add,
            0,
            coarse,
            0,
            (rate, 0.1 * rate),
            2 * softness,
            blocks=settings.grid if settings.mode == "grid" else None,
        )
        for add in adds
    ]
    candidates = int(_CANDIDATES * settings.strokes)
    stages += [Stage(0, candidates, coarse, 0, (rate, 0.5 * rate), softness)] * _ROUNDS
    stages.append(Stage(0, 0, full, 0, (rate * 2 / 3, rate / 15), softness / 2, economy=settings.economy))
    stages += [Stage(accents, 0, full, 0, (rate, rate / 10), softness / 4, accents=True)] * (accents > 0)
    stages.append(Stage(0, 0, full, 0, (rate / 2, rate / 20), softness / 8, textured=settings.textured))
    each = (len(adds), _ROUNDS, 1, int(accents > 0), 1)
    shares = np.concatenate([np.full(n, share / max(n, 1)) for n, share in zip(each, _SHARES, strict=True)])
    steps = _split(settings.steps, shares)
    # A round without steps is none.
    return tuple(
        stage._replace(steps=n, candidates=stage.candidates if n else 0) for stage, n in zip(stages, steps, strict=True)
    )


def _plan_blocks(settings: Settings, shape: tuple[int, int], block: int) -> tuple[Stage, ...]:
    """A stage for each stroke of a block, in the blocks that lie in the picture."""
    size = settings.grid * block
    grid = Grid(*images.fitted_shape(*shape, size), block)
    blocks = grid.rows * grid.columns
    adds = [min(blocks, settings.strokes - before) for before in range(0, settings.strokes, blocks)]
    rates = (settings.learning_rate, settings.learning_rate)
    return tuple(
        Stage(add, 0, size, steps, rates, settings.softness, textured=True, block=block)
        for add, steps in zip(adds, _split(settings.steps, np.ones(len(adds))), strict=True)
    )


def _split(total: int, shares: Float[np.ndarray, "n"]) -> list[int]:
    """Whole numbers in these proportions, whose sum is exactly `total`."""
    bounds = np.rint(np.cumsum(shares) / np.sum(shares) * total).astype(int)
    return np.diff(bounds, prepend=0).tolist()


def paint(
    image: Float[np.ndarray, "height width 3"],
    *,
    key: PRNGKeyArray,
    settings: Settings = Settings(),
    brush_image: Float[np.ndarray, "stamps across along 3"] | None = None,
    form: directions.Field | None = None,
    resume: Painting | None = None,
) -> Painting:
    """Paints a picture.

    Args:
      image: in [0, 1], sRGB.
      key: says which of the many paintings; the same key and settings give the same painting.
      settings: how to paint.
      brush_image: the user's own brush, as `images.read_brush` gives it.
      form: directions for strokes to follow; None: those of the image.
      resume: an unfinished painting of the same image, with the same settings and directions, to go on from.

    Returns:
      The finished painting.

    Raises:
      ValueError: the image is not one of values in [0, 1], or what is resumed (`ResumeError`) is not such a painting.
    """
    stages = paint_stages(image, key=key, settings=settings, brush_image=brush_image, form=form, resume=resume)
    *_, (painting, _) = stages
    return painting


def paint_stages(
    image: Float[np.ndarray, "height width 3"],
    *,
    key: PRNGKeyArray,
    settings: Settings = Settings(),
    brush_image: Float[np.ndarray, "stamps across along 3"] | None = None,
    form: directions.Field | None = None,
    resume: Painting | None = None,
) -> Iterator[tuple[Painting, Progress]]:
    """`paint`, a few steps at a time.

    Args:
      image, key, settings, brush_image, form, resume: as for `paint`.

    Yields:
      The painting so far and how far it is; the last one is finished. Each can be saved, and gone on from to the
      same end.
    """
    image = inked(settings, images.checked(image))
    return fit_stages(image, key=key, settings=settings, brush_image=brush_image, form=form, resume=resume)


def fit_stages(
    image: Float[np.ndarray, "height width 3"],
    *,
    key: PRNGKeyArray,
    settings: Settings,
    brush_image: Float[np.ndarray, "stamps across along 3"] | None = None,
    form: directions.Field | None = None,
    resume: Painting | None = None,
) -> Iterator[tuple[Painting, Progress]]:
    """`paint_stages` of a picture that is `inked` already; arguments as there."""
    brush = BRUSHES[settings.brush]
    arrays = None if brush_image is None else pyramid(brush_image)
    height, width, _ = image.shape
    network = neural(settings, pictured=brush_image is not None)
    window = network.model.window if network else None
    stages = plan(settings, images.fitted_shape(height, width, settings.size), window=window)
    form = directions.varied(directions.form(image)) if form is None else form
    run = _Run(image, settings, brush, arrays, network, importance(settings, image), form)
    state = _start(brush, settings) if resume is None else _state_of(resume, settings, stages)
    painting = Painting(state.strokes, brush.name, height, width, settings.canvas_rgb, brush_image, settings)
    total = sum(stage.steps for stage in stages)
    known = fitting.Fit(np.nan, np.nan)
    while state.stage < len(stages):
        stage = stages[state.stage]
        before = sum(earlier.steps for earlier in stages[: state.stage])
        for after, fit in run.stage(state, stage, key):
            finished = after.stage == len(stages) - 1 and after.step == stage.steps
            if finished and settings.jitter:
                after = after._replace(strokes=_jittered(brush, after.strokes, settings.jitter, key))
            # A stage without steps, of which there are some where steps are few, measures nothing.
            known = fit if stage.steps else known
            yield (
                dataclasses.replace(
                    painting,
                    strokes=after.strokes[: after.placed],
                    state=None if finished else after.as_dict(),
                ),
                Progress(
                    stage=after.stage + 1,
                    stages=len(stages),
                    step=before + after.step,
                    steps=total,
                    loss=known.loss,
                    psnr=known.psnr,
                    strokes=after.placed,
                ),
            )
            state = after
        state = state._replace(stage=state.stage + 1, step=0)


def _jittered(
    brush: Brush, strokes: Float[np.ndarray, "n d"], jitter: float, key: PRNGKeyArray
) -> Float[np.ndarray, "n d"]:
    """Strokes of colours that stray, as mixed by hand: each in lightness, and in each of its channels half as much."""
    rng = np.random.default_rng([*np.asarray(jax.random.key_data(key)), _JITTER_STREAM])
    change = rng.normal(size=(len(strokes), 1)) + 0.5 * rng.normal(size=(len(strokes), 3))
    color = brush.index("color")
    strokes = strokes.copy()
    strokes[:, color] = np.clip(strokes[:, color] + jitter * np.tile(change, len(color) // 3), 0.0, 1.0)
    return strokes


class _State(NamedTuple):
    """Where a painting is: strokes (those to come are nowhere), how many are placed, stage, step within it, moments."""

    strokes: Float[np.ndarray, "n d"]
    placed: int
    stage: int
    step: int
    moments: Moments

    def as_dict(self) -> dict[str, np.ndarray]:
        """As arrays, for a file."""
        rest = {name: np.asarray(getattr(self, name)) for name in ("placed", "stage", "step")}
        return rest | {"strokes": self.strokes} | self.moments._asdict()


def _start(brush: Brush, settings: Settings) -> _State:
    strokes = nowhere(brush, settings.strokes)
    return _State(strokes, 0, 0, 0, Moments.zero(strokes.shape))


def _state_of(painting: Painting, settings: Settings, stages: tuple[Stage, ...]) -> _State:
    if painting.state is None:
        raise ResumeError("expected an unfinished painting to go on from, got a finished one")
    if painting.settings != settings:
        raise ResumeError("expected a painting to go on from with the settings it began with, got others")
    found = painting.state
    missing = {*_State._fields, *Moments._fields} - {"moments", *found}
    if missing:
        raise ResumeError(f"expected the state of an unfinished painting, got one without {', '.join(sorted(missing))}")
    shape = (settings.strokes, BRUSHES[settings.brush].dim)
    wrong = [name for name in ("strokes", "mean", "square") if found[name].shape != shape]
    wrong += [name for name in ("placed", "stage", "step", "steps") if found[name].shape != ()]
    most = {"placed": settings.strokes, "stage": len(stages) - 1, "step": settings.steps}
    wrong += [name for name, last in most.items() if name not in wrong and not 0 <= found[name] <= last]
    if wrong:
        raise ResumeError(f"expected the state of an unfinished painting, got one whose {wrong[0]} can't be")
    return _State(
        strokes=found["strokes"],
        placed=int(found["placed"]),
        stage=int(found["stage"]),
        step=int(found["step"]),
        moments=Moments(found["steps"], found["mean"], found["square"]),
    )


class Neural(NamedTuple):
    """A network, and its weights with the normalisations folded in."""

    model: Model
    arrays: Arrays


def neural(settings: Settings, *, pictured: bool = False) -> Neural | None:
    """The network that the settings name, if it is one.

    Args:
      settings: of a painting.
      pictured: the strokes are drawn with a user's picture of a brush.

    Raises:
      weights.WeightsError: there are no such weights, or they are of another network or brush.

    Warns:
      UserWarning: they are of the built-in bristles, and a user's picture of a brush is painted with.
    """
    if settings.renderer == "exact":
        return None
    # Imported here: Flax takes a while, and only networks need it.
    from jaxpaint import weights
    from jaxpaint.renderers.networks import Network, fold

    found = weights.load(settings.weights or settings.renderer, brush=settings.brush)
    if (found.net, found.brush) != (settings.renderer, settings.brush):
        raise weights.WeightsError(
            f"{settings.weights}: weights of {found.net} for {found.brush}, not of {settings.renderer} for "
            f"{settings.brush}"
        )
    if pictured and json.loads(found.facts.get("recipe", "{}")).get("brush_image") == "":
        warnings.warn(f"these weights of {found.net} imitate the built-in bristles, not your brush", stacklevel=4)
    return Neural(Network(found.net, BRUSHES[found.brush], settings.dtype, settings.layering), fold(found.variables))


class _Run(NamedTuple):
    """What stays the same through a run: the picture, the settings, the brush, its user's array, the network if any.

    `importance` is the weight of each pixel in the loss, or None for equal weights; `form` are its directions.
    """

    image: Float[np.ndarray, "height width 3"]
    settings: Settings
    brush: Brush
    arrays: Stamps | None
    neural: Neural | None
    importance: Float[np.ndarray, "rows columns"] | None
    form: directions.Field

    def stage(self, state: _State, stage: Stage, key: PRNGKeyArray) -> Iterator[tuple[_State, fitting.Fit]]:
        """Executes a stage, or what is left of it, a few steps at a time."""
        height, width, _ = self.image.shape
        target = images.resize(self.image, images.fitted_shape(height, width, stage.size))
        # Without a texture, there is one program to compile.
        flat = not (stage.textured and self.brush.textured)
        model, arrays = self.neural or (self._engine(flat=flat), self.arrays)
        if state.step == 0:
            state = self._begin(state, stage, target, key)
        first = state.placed - stage.add if stage.add and not stage.block else 0
        problem = self._problem(
            target, state.strokes[:first], bounds(self.settings, (height, width), len(state.strokes))
        )
        rates = fitting.cosine(*stage.rates, stage.steps)
        while True:
            if model.window and not stage.block:
                problem = problem._replace(drawn=self._draw(state.strokes, target.shape[:2]))
            strokes, moments, fit = fitting.descend(
                model,
                arrays,
                state.strokes,
                state.moments,
                problem,
                first=first,
                rates=rates[state.step : state.step + fitting.CHUNK],
                softness=stage.softness,
                block=stage.block,
            )
            step = min(state.step + fitting.CHUNK, stage.steps)
            state = state._replace(strokes=strokes, moments=moments, step=step)
            if model.window or stage.block:
                fit = fit._replace(squared=float(np.mean((self._draw(strokes, target.shape[:2]) - target) ** 2)))
            yield state, fit
            if step == stage.steps:
                return

    def _begin(
        self,
        state: _State,
        stage: Stage,
        target: Float[np.ndarray, "h w 3"],
        key: PRNGKeyArray,
    ) -> _State:
        """Places the stage's strokes, and forgets the moments of the last one (but in blocks, where all are one)."""
        settings, shape = self.settings, target.shape[:2]
        rng = np.random.default_rng([*np.asarray(jax.random.key_data(key)), state.stage])
        strokes = state.strokes[: state.placed]
        if state.placed:
            strokes = self.brush.flip(strokes)
        placed = strokes[:0]
        if stage.block:
            canvas = self._draw_apart(strokes, shape, stage.block)
            placed = placing.place_in_blocks(self.brush, target, canvas, stage.add, rng=rng, block=stage.block)
            placed = np.clip(placed, *self._bounds())
        elif stage.add or stage.candidates:
            small = stage.accents or not stage.add
            typical = placing.stroke_size(shape, settings.strokes if small else stage.add)
            canvas = self._draw(strokes, shape)
            place = functools.partial(
                placing.place,
                self.brush,
                target,
                canvas,
                rng=rng,
                upright=settings.upright,
                form=self.form,
            )
            under = 0 if state.placed else min(broad(settings), stage.add)
            if under:
                size = placing.stroke_size(shape, under, cover=_COVER)
                placed = place(under, size=size, blocks=math.isqrt(under), even=True)
                placed = np.clip(placed, *bounds(settings, shape, under))
            rest = place(
                (stage.add or stage.candidates) - under,
                size=placing.CANDIDATE * typical if small else typical,
                blocks=stage.blocks or (math.isqrt(stage.add) if settings.spread and not state.placed else None),
                limits=placing.Limits(settings.min_size, settings.max_size),
                importance=self._importance(shape),
                aspect=settings.aspect,
                layering=settings.layering,
            )
            placed = np.concatenate([placed, np.clip(rest, *self._bounds())])
        if stage.candidates:
            strokes, _ = fitting.renewed(
                self._engine(flat=True),
                self.arrays,
                strokes,
                placed,
                canvas,
                self._problem(target, strokes[:0], self._bounds()),
                rate=stage.rates[0],
                softness=stage.softness,
                lowest=_kept(settings),
            )
        else:
            strokes = np.concatenate([strokes, placed])
        if stage.economy:
            problem = self._problem(target, strokes[:0], self._bounds())
            strokes = fitting.needed(
                self._engine(flat=True), self.arrays, strokes, problem, economy=stage.economy, lowest=_kept(settings)
            )
        rest = nowhere(self.brush, settings.strokes - len(strokes))
        return state._replace(
            strokes=np.concatenate([strokes, rest]),
            placed=len(strokes),
            moments=state.moments if stage.block else Moments.zero((settings.strokes, self.brush.dim)),
        )

    def _importance(self, shape: tuple[int, int]) -> Float[np.ndarray, "h w"] | None:
        return None if self.importance is None else images.resize(self.importance[..., None], shape)[..., 0]

    def _problem(self, target: Float[np.ndarray, "h w 3"], below: Float[np.ndarray, "n d"], bounds: Bounds) -> Problem:
        """A target to paint on the canvas that the strokes below give."""
        settings = self.settings
        turned = settings.direction and not settings.upright and settings.mode != "blocks"
        return Problem(
            target=target,
            canvas=self._draw(below, target.shape[:2]),
            weights=Weights(settings.l1, settings.l2, settings.transport, direction=_DIRECTION * settings.direction),
            bounds=bounds,
            importance=self._importance(target.shape[:2]),
            max_aspect=settings.max_aspect,
            form=self.form if turned else None,
        )

    def _engine(self, *, flat: bool) -> Engine:
        return Engine.of(self.settings, flat=flat)

    def _draw(self, strokes: Float[np.ndarray, "n d"], shape: tuple[int, int]) -> Float[np.ndarray, "h w 3"]:
        """The strokes as they will be seen; filled up, so that one program draws however many there are."""
        if len(strokes):
            strokes = np.concatenate([strokes, nowhere(self.brush, self.settings.strokes - len(strokes))])
        engine = self._engine(flat=False)
        return drawing.draw_strokes(engine, strokes, shape, arrays=self.arrays, canvas=self.settings.canvas_rgb)

    def _draw_apart(
        self, strokes: Float[np.ndarray, "n d"], shape: tuple[int, int], block: int
    ) -> Float[np.ndarray, "h w 3"]:
        """The strokes as they will be seen, each in its own block alone: drawn with the blocks moved apart."""
        side = block / max(shape)
        origins = (np.floor(self.brush.middle(strokes) / side) * side).astype(np.float32)
        within = to_window(self.brush, strokes, origins, side)
        apart = from_window(self.brush, within, origins, side / 2)
        rows, columns = (-(-length // block) for length in shape)
        drawn = self._draw(apart, (2 * rows * block, 2 * columns * block))
        blocks = drawn.reshape(rows, 2, block, columns, 2, block, 3)[:, 0, :, :, 0]
        return blocks.reshape(rows * block, columns * block, 3)[: shape[0], : shape[1]]

    def _bounds(self) -> Bounds:
        return bounds(self.settings, self.image.shape[:2])


def inked(settings: Settings, image: Float[np.ndarray, "height width 3"]) -> Float[np.ndarray, "height width 3"]:
    """The picture that is painted: in shades between ink and canvas, if the settings name an ink, and in thin paint."""
    if settings.ink_rgb:
        image = images.in_shades(image, settings.ink_rgb, settings.canvas_rgb)
    # Density is the logarithm of what is let through.
    return image ** (1.0 - settings.water) if settings.water else image


def importance(
    settings: Settings, image: Float[np.ndarray, "height width 3"]
) -> Float[np.ndarray, "rows columns"] | None:
    """Weight of each pixel in the loss, at the size of the fit, of mean 1; None for equal weights.

    Blocks get equal weights, since each is painted without knowledge of the others.
    """
    if settings.detail == "alike" or settings.mode == "blocks":
        return None
    return attention.importance(
        images.resize(image, images.fitted_shape(image.shape[0], image.shape[1], settings.size))
    )


def broad(settings: Settings) -> int:
    """How many strokes are the underpainting, the lowest ones."""
    covers = BRUSHES[settings.brush].grained and settings.layering == "over"
    count = round(settings.underpainting * settings.strokes) if covers else 0
    # A few strokes alone would be as large as the picture.
    return count if count >= _FEWEST else 0


def _kept(settings: Settings) -> int:
    """How many strokes stay whatever they are worth, the lowest ones: the underpainting, and those spread evenly."""
    return min(broad(settings) + round(settings.spread * settings.strokes), settings.strokes)


def bounds(settings: Settings, shape: tuple[int, int], count: int | None = None) -> Bounds:
    """Every parameter in [0, 1], positions inside the picture, sizes within the settings' limits.

    Args:
      settings: how strokes are painted.
      shape: height and width of the picture; only their proportions count.
      count: number of strokes, lowest first; each gets its own bounds, and the underpainting's strokes may have any
        size. None: one set of bounds for all other strokes.
    """
    if count is not None:
        any_size = bounds(dataclasses.replace(settings, min_size=0.0, max_size=1.0), shape)
        under = (np.arange(count) < broad(settings))[:, None]
        return Bounds(
            *(np.where(under, wide, each) for wide, each in zip(any_size, bounds(settings, shape), strict=True))
        )
    brush, (height, width) = BRUSHES[settings.brush], shape
    low, high = np.zeros(brush.dim, np.float32), np.ones(brush.dim, np.float32)
    high[brush.mask("x")] = width / max(height, width)
    high[brush.mask("y")] = height / max(height, width)
    for bound, width_limit in ((low, settings.min_size), (high, settings.max_size)):
        bound[brush.mask("size")] = np.clip(brush.size_per_width * width_limit - brush.hair, 0.0, 1.0)
    if settings.mode == "blocks":
        turned = brush.mask("angle", "control")
        low[turned], high[turned] = BLOCK_ROOM, 1.0 - BLOCK_ROOM
    if settings.upright:
        low[brush.mask("angle")] = high[brush.mask("angle")] = 0.0
    if settings.opaque:
        low[brush.mask("alpha")] = 1.0
    if settings.ink_rgb:
        color = brush.index("color")
        low[color] = high[color] = np.tile(settings.ink_rgb, len(color) // 3)
    return Bounds(low, high)
