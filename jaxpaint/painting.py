"""Painting a photograph: the stages of its plan, one after the other.

A painting is a function of the picture, the settings and the key.
"""

from __future__ import annotations

import dataclasses
import functools
import logging
import math
from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
import optax
from jaxtyping import Float, PRNGKeyArray

from jaxpaint import checks, directions, drawing, goals, mattes, metrics, optimize, palettes, pictures, pigments
from jaxpaint.brushes import BRUSHES, Brush, nowhere
from jaxpaint.errors import ResumeError
from jaxpaint.maps import NONE, Maps
from jaxpaint.optimize.initialize import Layout, stroke_size
from jaxpaint.painter import (
    CANDIDATE,
    Map,
    Painter,
    Picture,
    as_key,
    at_fit,
    bounds,
    generator,
    importance,
    lowest_kept,
    prepared,
    underpainting,
)
from jaxpaint.problem import Fit, Problem
from jaxpaint.settings import Settings
from jaxpaint.stages import Stage, plan
from jaxpaint.types import Painting, Progress

_log = logging.getLogger(__name__)
# How many times the strokes of an underpainting cover the canvas.
_COVER = 5.0
# Stream of the random numbers of colours; stages use their own number.
_JITTER_STREAM = 2**20


def paint(
    image: Float[np.ndarray, "height width c"],
    *,
    key: PRNGKeyArray | int,
    settings: Settings = Settings(),
    brush_image: Float[np.ndarray, "stamps across along 3"] | None = None,
    form: directions.Field | None = None,
    detail: Float[np.ndarray, "rows columns"] | None = None,
    matte: mattes.Matte | None = None,
    resume: Painting | None = None,
) -> Painting:
    """Paints a picture.

    Args:
      image: sRGB in [0, 1], or any other type that `pictures.converted` takes, such as uint8 or a Pillow image.
      key: random key or integer. The same key and settings give the same painting on the same number of devices.
      settings: settings of the painting.
      brush_image: the user's own brush, as `images.read_brush` returns it.
      form: direction field for the strokes (see `directions.steered`); None for the field of the image.
      detail: how much each place matters, in [0, 1], of any size, stretched over the image: where it is large, strokes
        are small and near to the image; None: as `settings.detail` says.
      matte: where the image is opaque, in [0, 1], of any size, stretched over the image: strokes stay there, and the
        painting becomes transparent elsewhere (`settings.transparent`); None: the image's fourth channel, alpha, if the
        settings have the painting transparent.
      resume: unfinished painting of the same image to continue, with the same settings. It has its own directions, map
        of detail and matte.

    Returns:
      The finished painting. With a goal (`settings.psnr`, `settings.seconds`), its settings have the strokes, and for
      seconds the steps, that were found.

    Raises:
      ValueError, TypeError: an argument has another type, shape or range; the settings name an own brush without its
        stamps, or a brush that takes none.
      WeightsError: the network's weights are missing, or belong to another network or brush.
      ResumeError: the painting to resume is finished, or has other settings, directions or another map.
      GoalError: the seconds are too few for the smallest painting.

    Warns:
      UserWarning: no painting has the PSNR; the best one is returned.
    """
    stages = paint_stages(
        image,
        key=key,
        settings=settings,
        brush_image=brush_image,
        form=form,
        detail=detail,
        matte=matte,
        resume=resume,
    )
    *_, (painting, _) = stages
    return painting


def paint_stages(
    image: Float[np.ndarray, "height width c"],
    *,
    key: PRNGKeyArray | int,
    settings: Settings = Settings(),
    brush_image: Float[np.ndarray, "stamps across along 3"] | None = None,
    form: directions.Field | None = None,
    detail: Float[np.ndarray, "rows columns"] | None = None,
    matte: mattes.Matte | None = None,
    resume: Painting | None = None,
) -> Iterator[tuple[Painting, Progress]]:
    """`paint`, a few steps at a time.

    Args:
      image, key, settings, brush_image, form, detail, matte, resume: as for `paint`.

    Yields:
      The painting so far and its progress; the last painting is finished. Each painting can be saved and resumed, with
      the same result.

    Raises:
      ValueError, TypeError, WeightsError: as for `paint`, before the first step.
    """
    Settings.check(settings)
    key = as_key(key)
    if resume is not None:
        checks.instance(resume, Painting, "a painting to go on from", reader="jaxpaint.load_painting")
    if matte is not None:
        settings = dataclasses.replace(settings, transparent=True)
    image, alpha = mattes.parted(image, settings)
    painter = Painter.of(settings, image.shape[:2], brush_image)
    given = alpha if matte is None else matte
    maps = Maps.of(settings, image.shape[:2], form=form, detail=detail, matte=given, resume=resume)
    if settings.transparent and maps.matte is None:
        raise ValueError("expected a photograph with transparent places, or a matte, for a transparent painting")
    if maps.matte is not None:
        painter = painter._replace(region=maps.matte)
        if given is not alpha or alpha is None:
            # The same as of the resumed painting, which has its matte at the size of the fit alone.
            image = mattes.cut_out(pictures.resize(image, maps.matte.shape), maps.matte, settings.canvas_rgb)

    @functools.lru_cache(maxsize=1)
    def prepare(settings: Settings) -> tuple[Picture, Map | None]:
        picture = prepared(settings, image, maps.detail, maps.matte)
        return picture, importance(settings, picture, maps.detail)

    def paint_plainly(settings: Settings, resume: Painting | None, planned: goals.Planned | None) -> goals.Stages:
        picture, weight = prepare(dataclasses.replace(settings, steps=1))
        chosen = painter._replace(settings=settings, room=goals.room(settings))
        return fit_stages(picture, chosen, key=key, weight=weight, maps=maps, resume=resume, planned=planned)

    if settings.psnr:
        # Faint details count, too, though they may be left out.
        target = at_fit(settings, prepared(dataclasses.replace(settings, simplify=0.0), image, matte=maps.matte))
        return goals.reach(
            paint_plainly,
            lambda painting: float(metrics.psnr(drawing.draw_dry(painting)[..., :3], target)),
            settings,
            kept=maps.as_dict(),
            resume=resume,
        )
    if settings.seconds:
        return goals.spend(paint_plainly, lambda chosen: plan_of(painter, chosen), settings, resume=resume)
    return paint_plainly(settings, resume, None)


def plan_of(painter: Painter, settings: Settings) -> tuple[Stage, ...]:
    """The plan of a painter's picture, by other settings; see `stages.plan`."""
    window = painter.network.window if painter.network else None
    shape = pictures.fitted_shape(*painter.shape, settings.size)
    return plan(settings, shape, window=window, share=painter.share)


def fit_stages(
    image: Float[np.ndarray, "height width 3"],
    painter: Painter,
    *,
    key: PRNGKeyArray,
    weight: Float[np.ndarray, "rows columns"] | None,
    maps: Maps = NONE,
    resume: Painting | None = None,
    planned: goals.Planned | None = None,
) -> Iterator[tuple[Painting, Progress]]:
    """`paint_stages` of a picture that is `prepared` already.

    Args:
      image: the prepared picture.
      painter: of pictures of its shape.
      key, resume: as for `paint`.
      weight: of each pixel in the loss, of any size, of mean 1; None for equal weights.
      maps: the user's maps.
      planned: the plan, given the number of the stage that begins, from 0; as many stages each time. None: the plan of
        the settings.
    """
    settings, (height, width) = painter.settings, painter.shape
    begun = int(resume.state["stage"]) if resume and resume.state and "stage" in resume.state else 0
    stages = planned(begun) if planned else plan_of(painter, settings)
    form = directions.varied(directions.form(image)) if maps.form is None else maps.form
    if settings.palette and painter.palette is None:
        among = pigments.mixtures(settings.pigments).colors if settings.pigments else None
        few = palettes.of_picture(image, settings.palette_size, painter.within(weight), among=among)
        painter = painter._replace(palette=few)
    if maps.matte is not None:
        image = np.concatenate([image, pictures.resize(maps.matte[..., None], image.shape[:2])], axis=-1)
    run = _Run(painter, image, weight, form, key)
    state = _start(painter.brush, settings) if resume is None else _state_of(resume, settings, stages)
    painting = Painting(
        state.strokes, settings.brush, height, width, settings.canvas_rgb, painter.brush_image, settings
    )
    known, before = Fit(np.nan, np.nan), sum(stage.steps for stage in stages[: state.stage])
    for number in range(state.stage, len(stages)):
        stages = planned(number) if planned and number > begun else stages
        stage, total = stages[number], before + sum(stage.steps for stage in stages[number:])
        _log.info("stage %d/%d: %s", number + 1, len(stages), stage)
        for after, fit in run.stage(state, stage):
            state = after
            taken = stage.steps if state.stage > number else state.step
            finished = state.stage == len(stages)
            if finished and settings.jitter:
                strayed = _jittered(painter.brush, state.strokes, settings.jitter, key)
                state = state._replace(strokes=painter.in_palette(strayed, painter.bounds)[0])
            # A stage without steps measures nothing; there are such stages where steps are few.
            known = fit if stage.steps else known
            yield (
                dataclasses.replace(
                    painting,
                    strokes=state.strokes[: state.placed],
                    state=None if finished else state.as_dict() | maps.as_dict(),
                ),
                Progress(
                    stage=number + 1,
                    stages=len(stages),
                    step=before + taken,
                    steps=total,
                    loss=known.loss,
                    psnr=known.psnr,
                    strokes=state.placed,
                ),
            )
        before += stage.steps


def _jittered(
    brush: Brush, strokes: Float[np.ndarray, "n d"], jitter: float, key: PRNGKeyArray
) -> Float[np.ndarray, "n d"]:
    """Strokes of colours that stray, as mixed by hand: each in lightness, and in each of its channels half as much."""
    rng = generator(key, _JITTER_STREAM)
    change = rng.normal(size=(len(strokes), 1)) + 0.5 * rng.normal(size=(len(strokes), 3))
    color = brush.index("color")
    strokes = strokes.copy()
    strokes[:, color] = np.clip(strokes[:, color] + jitter * np.tile(change, len(color) // 3), 0.0, 1.0)
    return strokes


class _PaintingState(NamedTuple):
    """Where a painting is.

    Attributes:
      strokes: all of them; strokes to come are `nowhere`.
      placed: how many are placed.
      stage: the stage to resume, from 0.
      step: number of steps of the stage that are taken; at 0, its strokes are not placed yet.
      optimizer: the optimiser's state.
    """

    strokes: Float[np.ndarray, "n d"]
    placed: int
    stage: int
    step: int
    optimizer: optax.OptState

    def as_dict(self) -> dict[str, np.ndarray]:
        """As arrays, for a file."""
        rest = {name: np.asarray(getattr(self, name)) for name in ("placed", "stage", "step")}
        return rest | {"strokes": self.strokes} | optimize.as_dict(self.optimizer)


def _optimizer(settings: Settings) -> optax.GradientTransformation:
    return optimize.RMSPROP if settings.mode == "blocks" else optimize.ADAM


def _start(brush: Brush, settings: Settings) -> _PaintingState:
    strokes = nowhere(brush, settings.strokes)
    return _PaintingState(strokes, 0, 0, 0, optimize.initial(_optimizer(settings), strokes))


def _state_of(painting: Painting, settings: Settings, stages: tuple[Stage, ...]) -> _PaintingState:
    if painting.state is None:
        raise ResumeError("expected an unfinished painting to go on from, got a finished one")
    if painting.settings != settings:
        raise ResumeError("expected a painting to go on from with the settings it began with, got others")
    start, found = _start(BRUSHES[settings.brush], settings), painting.state
    expected = start.as_dict()
    if missing := set(expected) - set(found):
        raise ResumeError(f"expected the state of an unfinished painting, got one without {', '.join(sorted(missing))}")
    try:
        optimizer = optimize.from_dict(start.optimizer, found)
        if fault := next(_faults(painting, expected, stages), ""):
            raise ValueError(f"{fault} can't be")
    except ValueError as error:
        raise ResumeError(f"expected the state of an unfinished painting, got one whose {error}") from None
    placed, number, step = (int(found[name]) for name in ("placed", "stage", "step"))
    return _PaintingState(found["strokes"], placed, number, step, optimizer)


def _faults(painting: Painting, expected: Mapping[str, np.ndarray], stages: tuple[Stage, ...]) -> Iterator[str]:
    """Yields the names of the arrays with impossible values in the state of an unfinished painting.

    Later checks rely on earlier ones, so only the first name counts.
    """
    settings, found = painting.settings, painting.state or {}
    yield from (name for name, value in expected.items() if found[name].shape != value.shape)
    most = {"placed": settings.strokes, "stage": len(stages) - 1, "step": settings.steps}
    yield from (name for name, last in most.items() if not 0 <= found[name] <= last)
    placed, number, step = (int(found[name]) for name in most)
    if step > stages[number].steps:
        yield "step"
    added = sum(stage.add for stage in stages[: number + (step > 0)])
    # An economy leaves strokes out.
    if not (0 < placed <= added if settings.economy and added else placed == added):
        yield "placed"
    if not np.array_equal(found["strokes"][:placed], painting.strokes):
        yield "strokes"


class _Run(NamedTuple):
    """One run of a painting.

    Attributes:
      painter: how it is painted.
      image: the picture to paint, in [0, 1], with its matte as the fourth channel, if it has one.
      importance: weight of each pixel in the loss, or None for equal weights.
      form: directions that strokes follow.
      key: for random numbers.
    """

    painter: Painter
    image: Float[np.ndarray, "height width c"]
    importance: Float[np.ndarray, "rows columns"] | None
    form: directions.Field
    key: PRNGKeyArray

    def stage(self, state: _PaintingState, stage: Stage) -> Iterator[tuple[_PaintingState, Fit]]:
        """Executes a stage, or the rest of one, a few steps at a time."""
        runs = self._turns(state.stage)
        if state.step == 0:
            state = runs[0]._begun(state, stage)
        first = state.placed - stage.add if stage.add and not stage.block else 0
        limits = bounds(self.painter.settings, self.painter.shape, len(state.strokes))
        if stage.reduced:
            strokes, limits = self.painter.in_palette(state.strokes, limits)
            state = state._replace(strokes=strokes)
        problems = []
        for run in runs:
            problem = run._problem(stage)
            canvas = run.painter.draw(state.strokes[:first], problem.shape)
            problems.append(problem._replace(canvas=canvas, bounds=limits))
        rates = optimize.cosine(*stage.rates, stage.steps)[state.step :]
        # A stage without steps is gone through once.
        for some in [*optimize.chunks(rates)] or [rates]:
            turn = state.step // optimize.CHUNK % len(runs)
            painter, problem = runs[turn].painter, problems[turn]
            strokes, optimizer, fit = painter.fit(
                state.strokes,
                state.optimizer,
                problem,
                rates=some,
                textured=stage.textured,
                optimizer=_optimizer(painter.settings),
                first=first,
            )
            state = state._replace(strokes=strokes, optimizer=optimizer, step=state.step + len(some))
            if painter.network or stage.block:
                drawn = painter.draw(strokes, problem.shape)
                fit = fit._replace(squared=float(np.mean((drawn - problem.target) ** 2)))
            if state.step == stage.steps:
                state = state._replace(stage=state.stage + 1, step=0)
            yield state, fit

    def _problem(self, stage: Stage) -> Problem:
        """The problem of a stage, on the bare canvas."""
        height, width, _ = self.image.shape
        target = self.painter.seen(self.image, pictures.fitted_shape(height, width, stage.size))
        problem = self.painter.problem(target, softness=stage.softness, importance=self.importance, form=self.form)
        return problem._replace(block=stage.block)

    def _turns(self, number: int) -> list[_Run]:
        """The runs that take turns in a stage's chunks of steps: of a transparent painting, the second is turned.

        From stage to stage, the first one changes, since many stages have one chunk.
        """
        if self.image.shape[-1] == 3:
            return [self]
        turns = (number % 2 == 1, number % 2 == 0)
        return [self._replace(painter=self.painter._replace(turned=turned)) for turned in turns]

    def _begun(self, state: _PaintingState, stage: Stage) -> _PaintingState:
        """Places the stage's strokes, and forgets the optimiser's state (but in blocks, where all stages are one)."""
        painter, settings, problem = self.painter, self.painter.settings, self._problem(stage)
        rng = generator(self.key, state.stage)
        strokes = state.strokes[: state.placed]
        if state.placed:
            strokes = painter.brush.flip(strokes)
        if stage.block:
            placed = painter.place_in_blocks(problem, strokes, stage.add, rng=rng)
            strokes = np.concatenate([strokes, placed])
        elif stage.add:
            strokes = np.concatenate([strokes, self._added(problem, strokes, stage, rng)])
        elif stage.candidates:
            strokes, _ = painter.densify(
                strokes,
                problem,
                stage.candidates,
                rng=rng,
                rate=stage.rates[0],
                form=self.form,
                lowest=lowest_kept(settings),
            )
        if stage.economy:
            strokes = optimize.prune(
                painter.engine(flat=True), strokes, problem, economy=stage.economy, lowest=lowest_kept(settings)
            )
        rest = nowhere(painter.brush, settings.strokes - len(strokes))
        every = np.concatenate([strokes, rest])
        optimizer = state.optimizer if stage.block else optimize.initial(_optimizer(settings), every)
        return state._replace(strokes=every, placed=len(strokes), optimizer=optimizer)

    def _added(
        self, problem: Problem, strokes: Float[np.ndarray, "n d"], stage: Stage, rng: np.random.Generator
    ) -> Float[np.ndarray, "added d"]:
        """The strokes that a stage adds, an underpainting first if they are the first of all."""
        painter, settings, first = self.painter, self.painter.settings, not len(strokes)
        canvas, parts = painter.draw(strokes, problem.shape), []
        under = min(underpainting(settings), stage.add) if first else 0
        if under:
            size = stroke_size(problem.shape, under, cover=_COVER, share=painter.share)
            broad = Layout(size, cells=math.isqrt(under), even=True)
            anywhere = problem._replace(importance=None, bounds=bounds(settings, problem.shape, under))
            parts.append(painter.place(anywhere, canvas, under, broad, rng=rng, form=self.form))
        count = settings.strokes if stage.accents else stage.add
        typical = stroke_size(problem.shape, count, share=painter.share)
        spread = math.isqrt(stage.add) if settings.spread and first else None
        layout = painter.layout(CANDIDATE * typical if stage.accents else typical, cells=stage.cells or spread)
        parts.append(painter.place(problem, canvas, stage.add - under, layout, rng=rng, form=self.form))
        return np.concatenate(parts)
