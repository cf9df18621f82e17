"""The live display of a painting or a film: a bar on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Protocol, runtime_checkable

import rich.console
import rich.progress

from jaxpaint import runtime

_SECONDS_BETWEEN_LINES = 2.0


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
    name: str, *, quiet: bool = False, console: rich.console.Console | None = None
) -> Iterator[Callable[[Progress], None]]:
    """Displays the progress of a painting or a film.

    Args:
      name: name of the picture or video.
      quiet: whether to show no progress.
      console: output console; standard error by default.

    Yields:
      A function to call with each `Progress`.
    """
    console = console or _Console(stderr=True, quiet=quiet or not runtime.is_first())
    estimate = _TimeLeft()
    if not console.is_terminal:
        yield _lines(name, console, estimate)
        return
    columns = (
        rich.progress.TextColumn("{task.description}", markup=False),
        rich.progress.BarColumn(bar_width=24),
        rich.progress.TextColumn("{task.fields[facts]}", markup=False),
    )
    with rich.progress.Progress(*columns, console=console) as bars:
        bar = bars.add_task(name, total=None, facts="compiling")

        def show(progress: Progress) -> None:
            facts = f"{progress} · {estimate(progress)}"
            bars.update(bar, total=progress.steps, completed=progress.step, facts=facts)

        yield show


def _lines(name: str, console: rich.console.Console, estimate: Callable[[Progress], str]) -> Callable[[Progress], None]:
    last = -_SECONDS_BETWEEN_LINES

    def show(progress: Progress) -> None:
        nonlocal last
        now, left = time.monotonic(), estimate(progress)
        if now - last >= _SECONDS_BETWEEN_LINES or progress.step == progress.steps:
            last = now
            line = f"{name}: {progress} · {left}"
            console.print(line, markup=False, highlight=False, soft_wrap=True)

    return show


class _TimeLeft:
    """Estimates the time left from the pace so far; the clock starts at the first call, after compilation."""

    def __init__(self) -> None:
        self._first: tuple[float, int] | None = None

    def __call__(self, progress: Progress) -> str:
        now = time.monotonic()
        start, step = self._first = self._first or (now, progress.step)
        if progress.step >= progress.steps:
            return "done"
        if progress.step == step:
            return "time left unknown"
        seconds = (now - start) / (progress.step - step) * (progress.steps - progress.step)
        minutes, seconds = divmod(round(seconds), 60)
        return f"{minutes}:{seconds:02d} left"
