"""The live display: a bar and pictures on a terminal, lines elsewhere."""

import io
import time

import numpy as np
import pytest
import rich.console

from jaxpaint import drawing
from jaxpaint.brushes import BRUSHES
from jaxpaint.cli import progress, terminal
from jaxpaint.cli.terminal import ROWS, Screen
from jaxpaint.settings import Settings
from jaxpaint.types import Painting, Progress


def at(step, steps=120):
    return Progress(2, 9, step, steps, 0.125, 21.5, 40)


def of(count):
    """A painting of so many strokes."""
    settings = Settings(brush="rectangle", strokes=count)
    strokes = np.zeros((count, BRUSHES["rectangle"].dim), np.float32)
    return Painting(strokes, "rectangle", 20, 30, settings.canvas_rgb, None, settings)


@pytest.fixture(autouse=True)
def draw(monkeypatch):
    """Stands in for `drawing.draw`: takes some time; keeps the paintings."""

    def fake(painting, *, size):
        fake.drawn.append((len(painting.strokes), time.monotonic()))
        fake.wait()
        return np.full((20, 30, 3), len(painting.strokes) / 255, np.float32)

    fake.drawn, fake.wait = [], lambda: None
    monkeypatch.setattr(drawing, "draw", fake)
    return fake


@pytest.fixture
def clock(monkeypatch):
    """Stands still until it is moved."""
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def console(*, live):
    return rich.console.Console(file=io.StringIO(), force_terminal=live, width=160)


def test_a_terminal_is_told_all_at_once(draw):
    shown = console(live=True)
    with progress.display("photo", console=shown) as show:
        show(at(30), of(0))
    for part in ("photo", "step 30/120", "stage 2/9", "40 strokes", "loss 0.1250", "21.50 dB", "time left"):
        assert part in shown.file.getvalue()
    assert not draw.drawn


def test_lines_come_now_and_then(clock):
    shown = console(live=False)
    with progress.display("photo", console=shown) as show:
        for step in range(10, 130, 10):
            clock[0] += 0.5
            show(at(step), of(0))
    lines = shown.file.getvalue().splitlines()
    assert [line.split(" · ")[0] for line in lines] == [f"photo: step {step}/120" for step in (10, 50, 90, 120)]
    # A step takes 0.05 seconds; the first ones, during which programs are compiled, don't count.
    assert [line.rpartition(" · ")[2] for line in lines] == ["time left unknown", "0:04 left", "0:02 left", "done"]


@pytest.mark.parametrize("live", [True, False])
def test_each_trial_of_a_search_is_told_and_stays(clock, live):
    shown = console(live=live)
    with progress.display("photo", console=shown) as show:
        for trial, psnr in (("trial 1", 20.5), ("trial 2", 28.25)):
            for step in (60, 120):
                clock[0] += 5
                show(at(step)._replace(note=trial, psnr=psnr), of(0))
    lines = [line for line in shown.file.getvalue().splitlines() if "step 120/120" in line]
    assert (
        "photo: trial 1 · " in lines[0] if not live else any("photo: trial 1 · step 120/120" in each for each in lines)
    )
    assert "trial 2 · " in lines[-1] and "28.25 dB · done" in lines[-1]
    if not live:
        assert [line.split(" · ")[1] for line in shown.file.getvalue().splitlines()] == [
            "step 60/120",
            "step 120/120",
        ] * 2


def test_time_left_of_a_painting_that_is_continued(clock):
    shown = console(live=False)
    with progress.display("photo", console=shown) as show:
        for step in (1000, 1010, 1020):
            clock[0] += 10
            show(at(step, 2000), of(0))
    assert shown.file.getvalue().splitlines()[-1].endswith("16:20 left")


@pytest.fixture
def screen(monkeypatch):
    screen = Screen(lambda picture, rows: f"<{picture.max()}>", 10, 800)
    monkeypatch.setattr(terminal, "screen", lambda: screen)


def test_previews(screen, draw, clock):
    """Room is made before the bar, a picture is drawn each second, and at the end."""
    shown = console(live=True)
    with progress.display("photo", preview=True, console=shown) as show:
        for step in (10, 20, 30, 40, 120):
            clock[0] += 0.5
            show(at(step), of(step))
    text = shown.file.getvalue()
    assert text.startswith("\n" * ROWS)
    assert [count for count, _ in draw.drawn] == [10, 30, 120]
    assert all(f"<{step}>" in text for step in (10, 30, 120))


def test_slow_previews_come_seldom(screen, draw, clock):
    def wait():
        clock[0] += 3

    draw.wait = wait
    with progress.display("photo", preview=True, console=console(live=True)) as show:
        for step in range(1, 100):
            clock[0] += 1
            show(at(step), of(0))
    first, *others = np.diff([moment for _, moment in draw.drawn])
    assert first < 5 and min(others) >= 30


@pytest.mark.parametrize(("live", "how"), [(True, {}), (False, {"preview": True}), (None, {"preview": True})])
def test_no_previews_unless_they_are_asked_for_and_can_be_shown(screen, draw, live, how):
    shown = None if live is None else console(live=live)
    with progress.display("photo", quiet=shown is None, console=shown, **how) as show:
        show(at(120), of(0))
    assert not draw.drawn


@pytest.mark.parametrize("live", [True, False])
def test_what_takes_long_is_named_on_a_terminal_alone(live):
    shown = console(live=live)
    with progress.waiting("photo.psd", console=shown):
        pass
    assert ("photo.psd" in shown.file.getvalue()) == live
