"""The live display of a painting or a film: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator
from typing import Protocol, runtime_checkable

import rich.console
import rich.progress

from jaxpaint import drawing, runtime
from jaxpaint.cli import terminal
from jaxpaint.types import Painting

_SECONDS_BETWEEN_LINES = 2.0
# Previews: long side of what is drawn, in pixels, seconds from one to the next, and how many times that exceeds the
# time that one takes.
_PREVIEW = 384
_SECONDS_BETWEEN_PREVIEWS, _PATIENCE = 1.0, 10.0


class _Console(rich.console.Console):
    """A console that falls silent when its reader goes away; rich's own would end the program."""

    def on_broken_pipe(self) -> None:
        self.quiet = True


@runtime_checkable
class Progress(Protocol):
    """Progress of some work: step and number of steps; its text describes the state of the work."""

    @property
    def step(self) -> int: ...  # noqa: D102

    @property
    def steps(self) -> int: ...  # noqa: D102


@contextlib.contextmanager
def display(
    name: str, *, quiet: bool = False, preview: bool = False, console: rich.console.Console | None = None
) -> Iterator[Callable[[Progress, Painting], None]]:
    """Displays the progress of a painting or a film.

    Args:
      name: name of the picture or video.
      quiet: whether to show no progress.
      preview: whether to show the picture so far, on a terminal that can show pictures (see `terminal.screen`).
      console: output console; standard error by default.

    Yields:
      A function to call with each progress, and the painting so far.
    """
    console = console or _Console(stderr=True, quiet=quiet or not runtime.is_first())
    live = console.is_terminal
    columns = (
        rich.progress.TextColumn("{task.description}", markup=False),
        rich.progress.BarColumn(bar_width=24, complete_style="blue", finished_style="green"),
        rich.progress.TextColumn("{task.fields[facts]}", markup=False),
    )
    # The pace is that of all steps so far, but for the first ones, during which programs are compiled.
    bars = rich.progress.Progress(*columns, console=console, speed_estimate_period=math.inf, get_time=time.monotonic)
    bars.add_task(name, total=None, facts="compiling")
    (task,) = bars.tasks
    say = _lines(name, console)
    look = _previews(console) if preview and live and not console.quiet else None

    def show(progress: Progress, painting: Painting) -> None:
        if progress.step < task.completed:
            # Another trial of a search: the last one stays above the bar.
            if live:
                bars.console.print(f"{name}: {task.fields['facts']}", markup=False, highlight=False)
            bars.reset(task.id)
        bars.update(task.id, total=progress.steps, completed=progress.step)
        facts = f"{progress} · {_left(task)}"
        if live:
            bars.update(task.id, facts=facts)
        else:
            say(facts, task.finished)
        if look:
            look(painting, task.finished)

    with bars if live else contextlib.nullcontext():
        yield show


@contextlib.contextmanager
def waiting(name: str, *, quiet: bool = False, console: rich.console.Console | None = None) -> Iterator[None]:
    """Shows on a terminal what is being made, and for how long, until it is done.

    Args:
      name: name of the file.
      quiet, console: as for `display`.
    """
    console = console or _Console(stderr=True, quiet=quiet)
    columns = (
        rich.progress.SpinnerColumn(),
        rich.progress.TextColumn("{task.description}", markup=False),
        rich.progress.TimeElapsedColumn(),
    )
    bars = rich.progress.Progress(*columns, console=console, transient=True)
    bars.add_task(name, total=None)
    with bars if console.is_terminal else contextlib.nullcontext():
        yield


def _left(task: rich.progress.Task) -> str:
    if task.finished:
        return "done"
    if task.time_remaining is None:
        return "time left unknown"
    minutes, seconds = divmod(round(task.time_remaining), 60)
    return f"{minutes}:{seconds:02d} left"


def _lines(name: str, console: rich.console.Console) -> Callable[[str, bool], None]:
    """A function that prints facts as lines: now and then, and the last ones."""
    due = -math.inf

    def say(facts: str, last: bool) -> None:
        nonlocal due
        now = time.monotonic()
        if now >= due or last:
            due = now + _SECONDS_BETWEEN_LINES
            console.print(f"{name}: {facts}", markup=False, highlight=False, soft_wrap=True)

    return say


def _previews(console: rich.console.Console) -> Callable[[Painting, bool], None] | None:
    """A function that shows paintings above the bar: now and then, and the last one; None if the terminal can't."""
    screen, due = terminal.screen(), -math.inf
    if screen is None:
        return None
    console.file.write("\n" * terminal.ROWS)

    def look(painting: Painting, last: bool) -> None:
        nonlocal due
        start = time.monotonic()
        if start >= due or last:
            # In one piece, since the bar is drawn by another thread.
            console.file.write(screen.above(drawing.opaque(painting.settings, drawing.draw(painting, size=_PREVIEW))))
            console.file.flush()
            # For the first one, programs are compiled.
            spent = 0.0 if due < 0 else time.monotonic() - start
            due = start + max(_SECONDS_BETWEEN_PREVIEWS, _PATIENCE * spent)

    return look
