"""Goals: the fewest strokes that reach a PSNR, and the strokes and steps that fill a number of seconds.

A PSNR grows by some 2 dB when the strokes double. So a secant search in log2(strokes), each trial an ordinary painting,
needs three or four paintings. For seconds, a few steps of each kind of stage are timed; they give the number of
strokes. The steps are planned again before each stage, by the time that the stages before took.
"""

from __future__ import annotations

import dataclasses
import math
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Float

from jaxpaint.brushes import padded_length
from jaxpaint.errors import GoalError, ResumeError
from jaxpaint.settings import MOST_STROKES, Settings
from jaxpaint.stages import Stage
from jaxpaint.types import Painting, Progress

Stages = Iterator[tuple[Painting, Progress]]
# The plan of a painting, asked for before each stage, by its number.
Planned = Callable[[int], tuple[Stage, ...]]
# Paints by settings, from an unfinished painting on, by a plan; without a plan, by that of the settings.
Paint = Callable[[Settings, Painting | None, Planned | None], Stages]
# How far above its goal a PSNR may be, and where the search aims, in dB. 0.15 dB are some 5 % of the strokes.
_BAND, _AIM = 0.15, 0.05
# Relative difference of two numbers of strokes, one too few and one enough, that ends a search.
_FINE = 0.04
_MOST_TRIALS = 8
# PSNR gained by twice the strokes, in dB: usually, at least and at most.
_SLOPE, _LEAST_SLOPE, _MOST_SLOPE = 2.0, 0.4, 4.0
# Longest step of the search, in doublings, and doublings between paintings that show where a goal is out of reach.
_LONGEST, _APART = 3.0, 0.5
# Steps of a painting in a given time. Half of the usual steps leave time for more strokes, which bring more.
_STEPS, _MOST_STEPS = 140, 100_000
# Fewest strokes and steps of a painting in a given time.
_FEWEST, _FEWEST_STEPS = 32, 20
# Strokes for each second that a program has room for: the programs of a second run are those of the first.
_ROOM = 200
# Time of a step grows with this power of the strokes.
_GROWTH = 0.65
# Share of the seconds in which the prediction counts as much as the time that stages have taken.
_DAMPING = 0.05
# Strokes and steps of stages that are timed.
_TIMED, _SHORT = 512, 4


class Trial(NamedTuple):
    """A painting of a search: its number of strokes, and its PSNR in dB."""

    strokes: int
    psnr: float


def room(settings: Settings) -> int:
    """Number of strokes that programs are compiled for, so that paintings of a search share them; 0 without a goal."""
    if settings.seconds:
        return padded_length(max(_FEWEST, min(round(_ROOM * settings.seconds), MOST_STROKES)))
    return padded_length(settings.strokes) if settings.psnr else 0


def reach(
    paint: Paint,
    measure: Callable[[Painting], float],
    settings: Settings,
    *,
    kept: Mapping[str, np.ndarray],
    resume: Painting | None,
) -> Stages:
    """The fewest strokes whose painting has a PSNR of `settings.psnr`.

    Args:
      paint: paints one trial.
      measure: PSNR of a painting, in dB.
      settings: the search begins with their number of strokes.
      kept: further arrays of an unfinished painting.
      resume: unfinished painting to continue, or None.

    Yields:
      Paintings and their progress, as `painting.paint_stages` does. The settings of the last one have its number of
      strokes.

    Raises:
      ResumeError: the painting to resume is finished, or has other settings or impossible trials.

    Warns:
      UserWarning: the goal was not reached.
    """
    trials, best = _trials_of(resume, settings)
    begun = resume if resume and resume.state and "placed" in resume.state else None
    count = proposed(trials, settings.psnr, settings.strokes)
    while count:
        chosen, note = dataclasses.replace(settings, strokes=count), f"trial {len(trials) + 1}"
        if begun is not None:
            begun = dataclasses.replace(begun, settings=chosen)
        for part, progress in paint(chosen, begun, None):
            progress = progress._replace(note=note)
            if part.state is not None:
                state = part.state | _state(trials, best)
                yield dataclasses.replace(part, settings=settings, state=state), progress
        begun = None
        trials = [*trials, Trial(count, measure(part))]
        if best_of(trials, settings.psnr) == trials[-1]:
            best = part.strokes
        count = proposed(trials, settings.psnr, settings.strokes)
        if count:
            state = dict(kept) | _state(trials, best)
            yield dataclasses.replace(part, settings=settings, state=state), progress._replace(psnr=trials[-1].psnr)
    found = best_of(trials, settings.psnr)
    if found.psnr < settings.psnr:
        warnings.warn(
            f"config.psnr: {settings.psnr:g} dB is out of reach; kept the best of {len(trials)} paintings, "
            f"{found.strokes} strokes with {found.psnr:.2f} dB",
            stacklevel=2,
        )
    done = dataclasses.replace(settings, strokes=found.strokes)
    yield (
        dataclasses.replace(part, strokes=best, settings=done, state=None),
        progress._replace(psnr=found.psnr, strokes=len(best)),
    )


def best_of(trials: Sequence[Trial], goal: float) -> Trial:
    """The trial of fewest strokes among those that reach the goal; if none does, the one of highest PSNR."""
    reached = [trial for trial in trials if trial.psnr >= goal]
    return min(reached, key=lambda trial: trial.strokes) if reached else max(trials, key=lambda trial: trial.psnr)


def proposed(trials: Sequence[Trial], goal: float, first: int) -> int | None:
    """Number of strokes of the next trial, or None if the search is over.

    Args:
      trials: the trials so far.
      goal: PSNR in dB.
      first: number of strokes of the first trial.
    """
    if len(trials) == _MOST_TRIALS:
        return None
    if not trials:
        return first
    best = best_of(trials, goal)
    enough = best.strokes if best.psnr >= goal else MOST_STROKES + 1
    too_few = max((trial.strokes for trial in trials if trial.psnr < goal and trial.strokes < enough), default=0)
    if best.psnr >= goal and best.psnr <= goal + _BAND:
        return None
    if enough - too_few <= max(1, _FINE * enough if best.psnr >= goal else 1) or _out_of_reach(trials, goal):
        return None
    near = sorted(trials, key=lambda trial: abs(trial.psnr - goal - _AIM))
    slope = _slope(*near[:2]) if len(near) > 1 else _SLOPE
    slope = min(max(slope, _LEAST_SLOPE), _MOST_SLOPE)
    doublings = min(max((goal + _AIM - near[0].psnr) / slope, -_LONGEST), _LONGEST)
    wanted = near[0].strokes * 2.0**doublings
    if too_few and best.psnr >= goal:
        # Noise may put the secant outside, or too near to an end to tell anything new.
        width = enough / too_few
        wanted = min(max(wanted, too_few * width**0.1), enough / width**0.1)
    return min(max(round(wanted), too_few + 1), enough - 1)


def _slope(one: Trial, other: Trial) -> float:
    """PSNR gained by twice the strokes, in dB."""
    return (other.psnr - one.psnr) / math.log2(other.strokes / one.strokes)


def _out_of_reach(trials: Sequence[Trial], goal: float) -> bool:
    """Whether even the most strokes would not do: PSNR over log2(strokes) bends downwards, so no line is too low."""
    *_, few, many = [Trial(1, 0.0), *sorted(trials)]
    if few.strokes * 2.0**_APART > many.strokes or many.psnr >= goal or len(trials) < 2:
        return False
    return many.psnr + max(_slope(few, many), 0.0) * math.log2(MOST_STROKES / many.strokes) < goal


def _state(trials: Sequence[Trial], best: Float[np.ndarray, "n d"]) -> dict[str, np.ndarray]:
    return {"trials": np.array(trials, np.float64).reshape(-1, 2), "best": best} if trials else {}


def _trials_of(resume: Painting | None, settings: Settings) -> tuple[list[Trial], Float[np.ndarray, "n d"]]:
    """The trials of an unfinished painting, and the strokes of the best one.

    Raises:
      ResumeError: see `reach`.
    """
    none = np.zeros((0, 0), np.float32)
    if resume is None:
        return [], none
    _check_resumed(resume, settings)
    state = resume.state or {}
    found = state.get("trials", np.zeros((0, 2)))
    best = state.get("best", none)
    whole = found.ndim == 2 and found.shape[1] == 2 and (found[:, 0] == np.rint(found[:, 0])).all()
    if not whole or (found[:, 0] < 1).any() or (found[:, 0] > MOST_STROKES).any():
        raise ResumeError("expected the state of an unfinished painting, got one whose trials can't be")
    if len(found) and best.shape[1:] != resume.strokes.shape[1:]:
        raise ResumeError("expected the state of an unfinished painting, got one whose best can't be")
    return [Trial(int(strokes), float(psnr)) for strokes, psnr in found], best.astype(np.float32)


def _check_resumed(resume: Painting, settings: Settings) -> None:
    if resume.state is None:
        raise ResumeError("expected an unfinished painting to go on from, got a finished one")
    if resume.settings != settings:
        raise ResumeError("expected a painting to go on from with the settings it began with, got others")


class Pace(NamedTuple):
    """How long a painting takes on this machine, in seconds, for a number of strokes.

    Attributes:
      strokes: the number.
      plain: a step that fits the texture's average.
      textured: a step that fits the texture.
      round: candidates of a round, which are placed, fitted and compared.
    """

    strokes: int
    plain: float
    textured: float
    round: float

    def seconds(self, stages: Sequence[Stage], strokes: int) -> float:
        """Predicted seconds of stages."""
        spent = sum(
            stage.steps * (self.textured if stage.textured else self.plain) + self.round * (stage.candidates > 0)
            for stage in stages
        )
        return spent * (strokes / self.strokes) ** _GROWTH


def spend(
    paint: Paint,
    plan: Callable[[Settings], tuple[Stage, ...]],
    settings: Settings,
    *,
    resume: Painting | None,
    clock: Callable[[], float] = time.monotonic,
) -> Stages:
    """A painting that takes `settings.seconds`, compiling included.

    Args:
      paint: paints.
      plan: stages of a painting with these settings.
      settings: settings, whose numbers of strokes and steps are chosen anew.
      resume: unfinished painting to continue, or None.
      clock: gives the time in seconds.

    Yields:
      Paintings and their progress, as `painting.paint_stages` does. The settings of the last one have its numbers of
      strokes and steps.

    Raises:
      GoalError: the seconds are too few for the smallest painting, or several processes paint.
      ResumeError: the painting to resume is finished, or has other settings or an impossible clock.
    """
    if jax.process_count() > 1:
        raise GoalError(f"config.seconds: expected one process, got {jax.process_count()}, whose clocks differ")
    start, first, within, taken = clock(), 0, 0, 0
    if resume is None:
        pace = _timed(paint, plan, settings, clock)
        left = settings.seconds - (clock() - start)
        strokes, steps = budget(pace, lambda *each: plan(_with(settings, *each)), left, most=room(settings))
        if strokes == 0:
            least = clock() - start + pace.seconds(plan(_with(settings, _FEWEST, _FEWEST_STEPS)), _FEWEST)
            raise GoalError(
                f"config.seconds: expected at least {math.ceil(least)} on this machine, got {settings.seconds:g}; "
                "a second run takes less, since the programs are compiled now"
            )
    else:
        before, strokes, steps, taken, pace = _clock_of(resume, settings)
        start -= before
        first, within = (int((resume.state or {})[name]) for name in ("stage", "step"))
        resume = dataclasses.replace(resume, settings=_with(settings, strokes, steps))
    begun = done = 0.0

    def planned(number: int) -> tuple[Stage, ...]:
        """The plan, with steps for the time that is left; a stage that is under way keeps its own."""
        nonlocal steps, taken, begun, done
        if number <= first + 1:
            # The first stage also prepares the picture.
            begun, done = clock(), 0.0
        if not (within and number == first):
            steps = steps_left(number)
        stages = plan(_with(settings, strokes, steps))
        if number == first:
            # Steps taken by plans before this one, beyond those that this one counts.
            taken -= sum(stage.steps for stage in stages[:first]) + within
        done += pace.seconds(stages[number : number + 1], strokes)
        return stages

    def steps_left(number: int) -> int:
        """Steps of a plan whose stages, from this one on, take the time that is left."""
        damping = _DAMPING * settings.seconds
        factor = (clock() - begun + damping) / (done + damping)
        left = (settings.seconds - (clock() - start)) / factor
        return _most(
            lambda n: pace.seconds(plan(_with(settings, strokes, n))[number:], strokes) <= left, 1, _MOST_STEPS
        )

    for part, progress in paint(_with(settings, strokes, steps), resume, planned):
        passed = clock() - start
        progress = progress._replace(
            step=taken + progress.step, steps=taken + progress.steps, note=f"{passed:.0f} of {settings.seconds:g} s"
        )
        if part.state is None:
            yield dataclasses.replace(part, settings=_with(settings, strokes, progress.steps)), progress
        else:
            state = part.state | {"clock": np.array([passed, strokes, steps, progress.step, *pace], np.float64)}
            yield dataclasses.replace(part, settings=settings, state=state), progress


def budget(
    pace: Pace, plan: Callable[[int, int], tuple[Stage, ...]], seconds: float, *, most: int = MOST_STROKES
) -> tuple[int, int]:
    """Numbers of strokes and steps that take some seconds: more seconds never give fewer strokes.

    Args:
      pace: how long stages take.
      plan: stages of a painting, by strokes and steps.
      seconds: how long the painting may take.
      most: most strokes.

    Returns:
      The strokes and the steps; zeros if the seconds are too few for the smallest painting.
    """

    def longest(strokes: int, steps: int) -> float:
        return pace.seconds(plan(strokes, steps), strokes)

    if longest(_FEWEST, _FEWEST_STEPS) > seconds:
        return 0, 0
    strokes = _most(lambda strokes: longest(strokes, _STEPS) <= seconds, _FEWEST, min(most, MOST_STROKES))
    return strokes, _most(lambda steps: longest(strokes, steps) <= seconds, _FEWEST_STEPS, _MOST_STEPS)


def _most(fits: Callable[[int], bool], least: int, most: int) -> int:
    """The greatest number for which `fits` holds, by bisection; `least` if it holds for none."""
    while least < most:
        middle = (least + most + 1) // 2
        least, most = (middle, most) if fits(middle) else (least, middle - 1)
    return least


def _timed(
    paint: Paint, plan: Callable[[Settings], tuple[Stage, ...]], settings: Settings, clock: Callable[[], float]
) -> Pace:
    """Times one stage of each kind, after a run that compiles the programs."""
    chosen = _with(settings, min(_TIMED, room(settings)), _STEPS)
    kinds: dict[tuple[bool, bool], Stage] = {}
    for stage in plan(chosen):
        # The first stage places all strokes, but in blocks, where all stages are of one kind.
        short = stage._replace(steps=_SHORT, add=stage.add if stage.block else chosen.strokes * (not kinds))
        kinds.setdefault((stage.textured, stage.candidates > 0), short)
    for _ in range(2):
        times = [clock()]
        times += [clock() for _ in paint(chosen, None, lambda number: tuple(kinds.values()))]
    spent = dict(zip(kinds, np.diff(times).tolist(), strict=True))
    last = spent[max(kinds)] / _SHORT
    plain = spent.get((False, False), spent[max(kinds)]) / _SHORT
    return Pace(chosen.strokes, plain, last, max(spent.get((False, True), 0.0) - _SHORT * plain, 0.0))


def _with(settings: Settings, strokes: int, steps: int) -> Settings:
    return dataclasses.replace(settings, strokes=strokes, steps=steps)


def _clock_of(resume: Painting, settings: Settings) -> tuple[float, int, int, int, Pace]:
    """Seconds that an unfinished painting has taken, its strokes, steps and steps taken, and the pace.

    Raises:
      ResumeError: see `spend`.
    """
    _check_resumed(resume, settings)
    state = resume.state or {}
    if any(np.shape(state.get(name, ())) or state.get(name, 0) < 0 for name in ("stage", "step")):
        raise ResumeError("expected the state of an unfinished painting, got one whose stage can't be")
    found = state.get("clock", np.zeros(0))
    if found.shape != (8,) or (found < 0).any() or not 1 <= found[1] <= MOST_STROKES or found[4] < 1:
        raise ResumeError("expected the state of an unfinished painting, got one whose clock can't be")
    passed, strokes, steps, taken, timed, *pace = found.tolist()
    return passed, int(strokes), int(steps), int(taken), Pace(int(timed), *pace)
