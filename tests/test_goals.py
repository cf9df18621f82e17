"""Goals: the fewest strokes that reach a PSNR, and the strokes and steps that fill some seconds."""

import dataclasses
import itertools

import numpy as np
import pytest
from commands import names, one_line, run
from small import KEY, SMALL, disc_and_bar

import jaxpaint
from jaxpaint import drawing, goals, metrics, pictures, repainting, stages
from jaxpaint.brushes import BRUSHES
from jaxpaint.cli import paint
from jaxpaint.errors import GoalError, ResumeError
from jaxpaint.goals import Pace, Trial
from jaxpaint.io import npz
from jaxpaint.optimize import loop
from jaxpaint.settings import FilmSettings, Settings
from jaxpaint.types import Painting, Progress

WANTED = dataclasses.replace(SMALL, psnr=24.0)


@pytest.fixture(scope="module")
def picture():
    return disc_and_bar()


@pytest.fixture(scope="module")
def parts(picture):
    """All parts of a search, with their progress."""
    return list(jaxpaint.paint_stages(picture, key=KEY, settings=WANTED))


def searched(curve, goal, first=1800):
    """The trials of a search in which `curve` says what PSNR strokes have."""
    trials = []
    while count := goals.proposed(trials, goal, first):
        assert 1 <= count <= 100_000 and count not in [trial.strokes for trial in trials]
        trials.append(Trial(count, float(curve(count))))
    return trials


# The flattest curve does not reach the highest goal.
REACHED = [
    each for each in itertools.product((1.0, 2.0, 3.0), (0.0, 0.05), (20.0, 26.0, 31.5)) if each != (1.0, 0.05, 31.5)
]


@pytest.mark.parametrize(("slope", "bend", "goal"), REACHED)
@pytest.mark.parametrize("noise", [0.0, 0.05])
def test_a_search_finds_little_more_than_the_fewest_strokes(slope, bend, noise, goal):
    """Curves through 26 dB at 1,500 strokes; `noise` is the standard deviation in dB of each number's own."""

    def smooth(count):
        doublings = np.log2(count / 1500)
        return 26.0 + slope * doublings - bend * doublings**2

    def curve(count):
        return smooth(count) + noise * np.random.default_rng(count).normal()

    counts = np.arange(1, 100_001)
    rising = smooth(counts) >= goal
    trials = searched(curve, goal)
    best = goals.best_of(trials, goal)
    assert best.psnr >= goal and len(trials) <= (4 if not noise else 7)
    # Noise of two deviations is worth some strokes.
    assert best.strokes <= 1.1 * 2 ** (2 * noise / slope) * counts[rising][0] + 1


def test_a_search_that_begins_with_what_it_found_is_over_at_once():
    trials = searched(lambda count: 5 + 2 * np.log2(count), 27.0)
    found = goals.best_of(trials, 27.0)
    assert searched(lambda count: 5 + 2 * np.log2(count), 27.0, first=found.strokes) == [found]


def test_a_goal_out_of_reach_is_given_up_early_and_the_best_is_kept():
    trials = searched(lambda count: 30 - 400 / count, 31.0)
    assert len(trials) <= 3 and goals.best_of(trials, 31.0) == max(trials, key=lambda trial: trial.psnr)


def test_a_goal_that_one_stroke_reaches_needs_one():
    assert goals.best_of(searched(lambda count: 20 + np.log2(count), 3.0), 3.0).strokes == 1


def test_a_painting_reaches_its_goal_and_says_with_how_many_strokes(picture, parts):
    done, progress = parts[-1]
    psnr = float(metrics.psnr(drawing.draw_dry(done), pictures.resize(picture, (32, 48))))
    assert WANTED.psnr <= psnr == pytest.approx(progress.psnr)
    assert done.state is None and done.settings == dataclasses.replace(WANTED, strokes=len(done.strokes))
    ends = {p.note: (p.strokes, p.psnr) for _, p in parts if p.step == p.steps}
    assert len(ends) > 2 and [*ends] == [f"trial {number + 1}" for number in range(len(ends))]
    # Fewer strokes than any other trial that reached it.
    assert len(done.strokes) == min(strokes for strokes, psnr in ends.values() if psnr >= WANTED.psnr)
    again = jaxpaint.paint(picture, key=KEY, settings=dataclasses.replace(WANTED, strokes=len(done.strokes), psnr=1.0))
    assert len(again.strokes) < len(done.strokes)


def test_a_search_goes_on_from_a_file_to_the_same_strokes(picture, parts, tmp_path):
    done, _ = parts[-1]
    ends = [at for at, (_, p) in enumerate(parts) if p.step == p.steps]
    for at in (0, ends[0], ends[0] + 2, ends[1] - 1):
        part, _ = parts[at]
        assert part.settings == WANTED and part.state is not None
        jaxpaint.save_painting(tmp_path / "part.npz", part)
        read = jaxpaint.load_painting(tmp_path / "part.npz")
        rest = list(jaxpaint.paint_stages(picture, key=KEY, settings=WANTED, resume=read))
        assert [p for _, p in rest][-1] == parts[-1][1] and len(rest) == len(parts) - at - 1
        np.testing.assert_array_equal(rest[-1][0].strokes, done.strokes)
        assert rest[-1][0].settings == done.settings


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"trials": np.array([[0.0, 20.0]])}, "trials"),
        ({"trials": np.array([[1.5, 20.0]])}, "trials"),
        ({"trials": np.array([3.0, 20.0])}, "trials"),
        ({"best": np.zeros((3, 2))}, "best"),
        ({"placed": np.array(99)}, "placed"),
    ],
)
def test_a_search_with_an_impossible_state_is_refused(picture, parts, changes, fault):
    part = next(part for part, p in parts if p.note == "trial 2" and p.step < p.steps)
    wrong = dataclasses.replace(part, state=part.state | changes)
    with pytest.raises(ResumeError, match=f"got one whose {fault} can't be"):
        jaxpaint.paint(picture, key=KEY, settings=WANTED, resume=wrong)
    with pytest.raises(ResumeError, match="settings it began with"):
        jaxpaint.paint(picture, key=KEY, settings=dataclasses.replace(WANTED, psnr=25.0), resume=part)


def test_a_painting_out_of_reach_causes_a_warning(picture, monkeypatch):
    monkeypatch.setattr(goals, "MOST_STROKES", 150)
    with pytest.warns(UserWarning, match=r"config.psnr: 60 dB is out of reach; kept the best of \d paintings, \d+ str"):
        done = jaxpaint.paint(picture, key=KEY, settings=dataclasses.replace(SMALL, psnr=60.0))
    assert len(done.strokes) == done.settings.strokes > SMALL.strokes


@pytest.mark.parametrize("brush", ["filbert", "rectangle"])
def test_programs_have_room_for_other_numbers_of_strokes(picture, brush):
    """One program fits all of a search's strokes; they are those of a program of their own, but for roundings."""
    settings = dataclasses.replace(SMALL, brush=brush, steps=12)
    roomy = dataclasses.replace(settings, psnr=60.0)
    plain = next(part for part, _ in jaxpaint.paint_stages(picture, key=KEY, settings=settings))
    padded = next(part for part, _ in jaxpaint.paint_stages(picture, key=KEY, settings=roomy))
    np.testing.assert_allclose(padded.strokes, plain.strokes, atol=1e-4)
    before = loop._descend._cache_size()
    next(jaxpaint.paint_stages(picture, key=KEY, settings=dataclasses.replace(roomy, strokes=51)))
    assert loop._descend._cache_size() == before
    assert [goals.room(each) for each in (settings, roomy)] == [0, 64]


PACE = Pace(512, plain=0.05, textured=0.2, round=0.8)


def planned(strokes, steps):
    return stages.plan(Settings(strokes=strokes, steps=steps), (341, 512))


def test_more_seconds_never_mean_fewer_strokes():
    found = [goals.budget(PACE, planned, seconds) for seconds in np.geomspace(3, 3000, 40)]
    strokes = [count for count, _ in found]
    assert strokes == sorted(strokes) and 32 < strokes[0] < strokes[10] < strokes[-1]
    for seconds, (count, steps) in zip(np.geomspace(3, 3000, 40), found, strict=True):
        assert PACE.seconds(planned(count, steps), count) <= seconds < PACE.seconds(planned(count, steps + 2), count)
    assert goals.budget(PACE, planned, 0.5) == (0, 0)
    assert goals.budget(PACE, planned, 100.0, most=500)[0] == 500


class Machine:
    """A painter whose steps take some time, by its own clock; it changes its speed while it paints."""

    def __init__(self, speeds):
        self.now, self.speeds, self.runs = 0.0, speeds, 0

    def clock(self):
        return self.now

    def paint(self, settings, resume, planned):
        self.runs += 1
        # Compiling, in the first run alone.
        self.now += 6.0 * (self.runs == 1)
        taken = 0
        for number in itertools.count():
            plan = planned(number)
            stage, speed = plan[number], self.speeds(number if self.runs > 2 else 0)
            spent = stage.steps * (0.3 if stage.textured else 0.04) + 0.9 * (stage.candidates > 0)
            self.now += spent * (settings.strokes / 512) ** 0.7 / speed
            taken += stage.steps
            last = number + 1 == len(plan)
            strokes = np.zeros((settings.strokes, BRUSHES[settings.brush].dim), np.float32)
            state = None if last else {"stage": np.array(number + 1), "step": np.array(0)}
            painting = Painting(strokes, settings.brush, 20, 30, settings.canvas_rgb, None, settings, state)
            total = taken + sum(each.steps for each in plan[number + 1 :])
            yield painting, Progress(number + 1, len(plan), taken, total, 0.1, 20.0, settings.strokes)
            if last:
                return


@pytest.mark.parametrize("seconds", [20.0, 60.0, 240.0])
@pytest.mark.parametrize(
    "speeds",
    [lambda number: 1.0, lambda number: 0.5, lambda number: 3.0, lambda number: 1.0 if number < 5 else 0.6],
)
def test_a_painting_takes_the_seconds_asked_for_whatever_the_machine(seconds, speeds):
    machine, settings = Machine(speeds), Settings(seconds=seconds)
    every = list(
        goals.spend(
            machine.paint,
            lambda chosen: planned(chosen.strokes, chosen.steps),
            settings,
            resume=None,
            clock=machine.clock,
        )
    )
    done, progress = every[-1]
    assert machine.now == pytest.approx(seconds, rel=0.15)
    assert done.settings == dataclasses.replace(settings, strokes=len(done.strokes), steps=progress.steps)
    assert all(part.settings == settings for part, _ in every[:-1])
    taken = [p.step for _, p in every]
    assert taken == sorted(taken) and progress.note == f"{machine.now:.0f} of {seconds:g} s"


def test_too_few_seconds_are_refused():
    machine = Machine(lambda number: 1.0)
    stages = goals.spend(
        machine.paint,
        lambda chosen: planned(chosen.strokes, chosen.steps),
        Settings(seconds=5.0),
        resume=None,
        clock=machine.clock,
    )
    with pytest.raises(GoalError, match=r"^config.seconds: expected at least \d+ on this machine, got 5; a second run"):
        next(stages)


def test_an_unfinished_painting_goes_on_with_the_seconds_that_are_left(picture, tmp_path, monkeypatch):
    # However long compiling takes, there is time left, for few strokes.
    monkeypatch.setattr(goals, "_ROOM", 0.2)
    settings = dataclasses.replace(SMALL, seconds=300.0)
    stages = jaxpaint.paint_stages(picture, key=KEY, settings=settings)
    part, progress = next(itertools.islice(stages, 3, None))
    assert part.settings == settings
    # As if most of the time were over.
    clock = part.state["clock"].copy()
    clock[0] = 299.9
    jaxpaint.save_painting(tmp_path / "part.npz", dataclasses.replace(part, state=part.state | {"clock": clock}))
    read = jaxpaint.load_painting(tmp_path / "part.npz")
    *_, (done, last) = jaxpaint.paint_stages(picture, key=KEY, settings=settings, resume=read)
    assert len(done.strokes) == done.settings.strokes == clock[1] and done.settings.steps == last.steps
    assert progress.step <= last.steps < progress.steps
    for name, value in (("clock", clock[:3]), ("clock", -clock), ("stage", np.array(-1))):
        wrong = dataclasses.replace(part, state=part.state | {name: value})
        with pytest.raises(ResumeError, match=f"whose {name} can't be"):
            jaxpaint.paint(picture, key=KEY, settings=settings, resume=wrong)


@pytest.mark.parametrize(
    ("kind", "values", "expected"),
    [
        (Settings, {"psnr": 100.0}, "config.psnr: expected a number from 0 to 60, got 100.0"),
        (Settings, {"seconds": -1.0}, "config.seconds: expected a number from 0 to 86400, got -1.0"),
        (
            Settings,
            {"psnr": 28.0, "seconds": 9.0},
            "config.seconds: expected one goal, psnr or seconds, got 9 with psnr",
        ),
        (FilmSettings, {"psnr": 28.0}, "config.psnr: expected 0 for a film, since strokes persist"),
        (FilmSettings, {"seconds": 9.0}, "config.seconds: expected 0 for a film"),
    ],
)
def test_impossible_goals_are_refused(kind, values, expected):
    with pytest.raises(ValueError, match=expected):
        kind(**values)


def test_a_region_is_painted_anew_without_the_goal(picture, parts):
    done, _ = parts[-1]
    assert repainting.suited(done, None, 5) == dataclasses.replace(
        done.settings, psnr=0.0, strokes=5, underpainting=0.0
    )
    with pytest.raises(ValueError, match="config.psnr: expected 0 to paint a region anew"):
        repainting.suited(done, WANTED, 5)


@pytest.mark.usefixtures("folder")
def test_the_command_tells_of_each_trial_and_draws_the_painting_again(capsys):
    flags = [
        "photo.png",
        "--config.brush=rectangle",
        "--config.size=48",
        "--config.steps=24",
        "--config.textured=False",
    ]
    flags += ["--config.psnr=12", "--config.strokes=37"]
    assert run(paint, *flags) == 0
    told = [line for line in capsys.readouterr().err.splitlines() if line.startswith("photo: trial")]
    assert "trial 1 · step 24/24" in "".join(told) and "trial 2 · " in "".join(told)
    settings = npz.load_painting("paintings/photo.npz").settings
    assert settings.psnr == 12 and settings.strokes != 37
    # Though the strokes are others than asked for.
    assert run(paint, *flags, "--resume") == 0
    assert "finished already" in capsys.readouterr().out
    assert names() == ["photo.npz", "photo.png"]
    assert run(paint, *flags, "--config.seconds=9") == 1
    assert "config.seconds: expected one goal" in one_line(capsys)
