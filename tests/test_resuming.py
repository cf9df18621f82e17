"""Unfinished paintings: they go on to the same strokes, and states that cannot be are refused."""

import dataclasses

import numpy as np
import pytest
from small import KEY, SMALL, disc_and_bar

import jaxpaint
from jaxpaint import painting
from jaxpaint.errors import ResumeError


@pytest.fixture(scope="module")
def picture():
    return disc_and_bar()


@pytest.fixture(scope="module")
def stages(picture):
    """All parts of a painting, with their progress."""
    return list(jaxpaint.paint_stages(picture, key=KEY, settings=SMALL))


def test_resuming_equals_never_having_stopped(picture, stages, tmp_path):
    painted, _ = stages[-1]
    assert [part.state is None for part, _ in stages] == [False] * (len(stages) - 1) + [True]
    for part, _ in (stages[0], stages[len(stages) // 2], stages[-2]):
        jaxpaint.save_painting(tmp_path / "part.npz", part)
        read = jaxpaint.load_painting(tmp_path / "part.npz")
        finished = jaxpaint.paint(picture, key=KEY, settings=SMALL, resume=read)
        np.testing.assert_array_equal(finished.strokes, painted.strokes)


@pytest.mark.parametrize("steps", [1, 2, 9])
def test_resuming_repeats_no_stage_where_steps_are_few(picture, steps):
    """Some stages have no steps, and place strokes all the same."""
    settings = dataclasses.replace(SMALL, steps=steps)
    *parts, (done, last) = jaxpaint.paint_stages(picture, key=KEY, settings=settings)
    assert any(not stage.steps for stage in painting.plan(settings, (32, 48)))
    for part, _ in parts:
        *_, (finished, progress) = jaxpaint.paint_stages(picture, key=KEY, settings=settings, resume=part)
        np.testing.assert_array_equal(finished.strokes, done.strokes)
        assert progress.stage == last.stage and progress.step == steps


def test_resuming_at_the_end_of_a_stage_tells_what_is_measured(picture, stages):
    ends = [at for at, (_, how_far) in enumerate(stages[:-1]) if stages[at + 1][1].stage > how_far.stage]
    assert len(ends) > 3
    for at in ends[:3]:
        _, progress = next(jaxpaint.paint_stages(picture, key=KEY, settings=SMALL, resume=stages[at][0]))
        assert progress == stages[at + 1][1]


@pytest.mark.parametrize("strokes", [1, 2])
def test_a_painting_of_a_stroke_or_two_is_kept_and_gone_on_with(picture, strokes, tmp_path):
    settings = dataclasses.replace(SMALL, strokes=strokes, steps=4)
    *parts, (done, _) = jaxpaint.paint_stages(picture, key=KEY, settings=settings)
    for part, _ in parts:
        jaxpaint.save_painting(tmp_path / "part.npz", part)
        read = jaxpaint.load_painting(tmp_path / "part.npz")
        finished = jaxpaint.paint(picture, key=KEY, settings=settings, resume=read)
        np.testing.assert_array_equal(finished.strokes, done.strokes)


def test_an_incomplete_state_is_refused(picture, stages):
    part, _ = stages[0]
    state = {name: value for name, value in part.state.items() if name != "mu"}
    with pytest.raises(ValueError, match="without mu"):
        jaxpaint.paint(picture, key=KEY, settings=SMALL, resume=dataclasses.replace(part, state=state))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("strokes", np.zeros((37, 5))),
        ("strokes", np.zeros((37, 9), np.float32)),
        ("mu", np.zeros((9, 9))),
        ("mu", np.full((37, 9), np.nan)),
        ("nu", np.full((37, 9), -1.0)),
        ("placed", 38),
        ("placed", 0),
        ("stage", 99),
        ("step", -1),
        ("step", 24),
    ],
)
def test_a_state_that_cannot_be_is_refused(picture, stages, name, value):
    part, _ = stages[0]
    wrong = dataclasses.replace(part, state=part.state | {name: np.asarray(value)})
    with pytest.raises(
        ResumeError, match="whose placed can't be" if name == "stage" and value == 1 else f"whose {name} can't"
    ):
        jaxpaint.paint(picture, key=KEY, settings=SMALL, resume=wrong)


def test_going_on_with_other_settings_is_refused(picture, stages):
    part, _ = stages[0]
    with pytest.raises(ResumeError, match="settings it began with"):
        jaxpaint.paint(picture, key=KEY, settings=dataclasses.replace(SMALL, strokes=40), resume=part)
