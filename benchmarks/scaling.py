"""How time and memory grow: with the strokes, the picture, and the blocks that it is painted in.

    python benchmarks/scaling.py

One thing is varied, the others stay at --strokes, --size and --blocks:

1. strokes and 2. pixels of the picture, fitted as `bin/paint` does by default: tile by tile;
3. blocks and 4. strokes, fitted in blocks that are painted each for itself (`config.mode=blocks`): every stroke is
   drawn over all of its block.

What is fitted is the astronaut, resized to a square, on white; `initialize.place` puts the strokes, so large that
however many there are, they cover the picture twice, as in a painting. They have the average of their texture.

"step" is a step of gradient descent with its share of what comes before every few steps (the strokes of each tile are
listed), and "listing" all of that. "drawing" is that of all strokes with that texture, once. Each is the median of some
calls after one to warm up; the rows of an axis take turns, and "spread" is how far apart the quartiles of a step are.

"program MiB" is what the compiled program of the steps holds, arguments, results and temporaries, as XLA laid them out:
exact, and known without a run. "process MiB" is the peak of a process of its own that fits once, with Python, XLA and
the lists of strokes. The latter tells what a painting needs, the former what that grows with. Rows whose program needs
more than --memory are not run.

Exponents are slopes of straight lines through logarithms, by least squares over all rows and between the last two: of
seconds over strokes × pixels of a block (without blocks, of the picture), which should be 1 at most, and of the
program's memory over what is varied, which should be near 0 for strokes: only their own numbers grow. Writes
scaling.json, scaling_exponents.json and scaling.svg to --out.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import functools
import itertools
import multiprocessing
import pathlib
import statistics
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from unittest import mock

import machine
import numpy as np

from jaxpaint import optimize, painter, pictures, runtime
from jaxpaint.brushes import BRUSHES
from jaxpaint.optimize import initialize, loop
from jaxpaint.raster import forward
from jaxpaint.renderers import Engine
from jaxpaint.settings import Settings

# Steps of a fit in blocks, which lists no strokes: few are as good as many.
BLOCK_STEPS = 4


class Case(NamedTuple):
    """What is fitted: strokes of a brush, to a picture of size × size pixels, by so many steps.

    In blocks × blocks of them, or, if None, anywhere.
    """

    brush: str
    strokes: int
    size: int
    blocks: int | None
    steps: int

    @property
    def model(self) -> Engine:
        """What draws the strokes."""
        return Engine(BRUSHES[self.brush], flat=True)

    @property
    def work(self) -> int:
        """Strokes × pixels of a block."""
        return self.strokes * (self.size // (self.blocks or 1)) ** 2


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--axes", default="strokes,pixels,blocks,strokes in blocks", help="what is varied, with commas")
    parser.add_argument("--strokes", type=int, default=250, help="where they are not varied")
    parser.add_argument("--size", type=int, default=512, help="side of the picture in pixels, where it is not varied")
    parser.add_argument("--blocks", type=int, default=16, help="along a side, where they are not varied")
    parser.add_argument("--all-strokes", default="250,500,1000,2000,4000,8000,16000", help="with commas")
    parser.add_argument("--all-sizes", default="256,512,1024,2048,4096", help="with commas")
    parser.add_argument("--all-blocks", default="1,2,4,8,16,32", help="along a side, with commas")
    parser.add_argument("--steps", type=int, default=optimize.CHUNK, help="of a fit; the default is a painting's")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--memory", type=float, default=8.0, help="most that a program may hold to be run, in GiB")
    parser.add_argument("--brush", default="oilpaintbrush", choices=BRUSHES)
    parser.add_argument("--out", type=pathlib.Path, default=machine.RESULTS)
    options = parser.parse_args(argv)
    if not 1 <= options.steps <= optimize.CHUNK:
        parser.error(f"--steps: expected from 1 to {optimize.CHUNK}, got {options.steps}")
    cases = _axes(options)
    if unknown := set(names := options.axes.split(",")) - set(cases):
        parser.error(f"--axes: expected some of {', '.join(cases)}, got {', '.join(sorted(unknown))}")
    runtime.use_all_cores()
    runtime.keep_compilations()
    gflops = machine.matrix_product_gflops()
    axes = {name: _rows(name, cases[name], options) for name in names}
    machine.write("scaling", list(itertools.chain(*axes.values())), options.out, gflops=gflops)
    machine.write("scaling_exponents", [_exponents(*axis) for axis in axes.items()], options.out, gflops=gflops)
    panels: dict[str, dict[str, list[float]]] = {}
    for name, rows in axes.items():
        for what in ("step", "drawing", "program MiB", "process MiB"):
            unit = "MiB" if "MiB" in what else "seconds"
            curve = [np.nan if row[what] is None else np.log10(row[what]) for row in rows]
            if not np.isnan(curve).all():
                panels.setdefault(f"log10 of {unit}, by {name}", {})[what] = curve
    machine.plot(options.out / "scaling.svg", panels, end="the last row")


def _axes(options: argparse.Namespace) -> dict[str, list[Case]]:
    """What is fitted, by what is varied."""
    tiles = Case(options.brush, options.strokes, options.size, None, options.steps)
    blocks = tiles._replace(blocks=options.blocks, steps=min(options.steps, BLOCK_STEPS))
    counts, sizes, divisions = (
        [int(value) for value in getattr(options, name).split(",")]
        for name in ("all_strokes", "all_sizes", "all_blocks")
    )
    return {
        "strokes": [tiles._replace(strokes=count) for count in counts],
        "pixels": [tiles._replace(size=size) for size in sizes],
        "blocks": [blocks._replace(blocks=division) for division in divisions],
        "strokes in blocks": [blocks._replace(strokes=count) for count in counts],
    }


def _rows(axis: str, cases: Sequence[Case], options: argparse.Namespace) -> list[dict[str, Any]]:
    """The figures of cases of which one is compared with the next."""
    fits = {case: _fit(case) for case in cases}
    held = {case: _program_bytes(fit) for case, fit in fits.items()}
    calls: dict[tuple[Case, str], Callable[[], Any]] = {}
    for case, fit in fits.items():
        if held[case] <= options.memory * 2**30:
            calls[case, "steps"] = functools.partial(fit, case.steps)
            calls[case, "listing"] = functools.partial(fit, 0)
            # Finished strokes are drawn tile by tile, however they were fitted.
            if case.blocks is None:
                calls[case, "drawing"] = functools.partial(_draw, case)
    spent = dict(zip(calls, machine.turns(list(calls.values()), repeats=options.repeats), strict=True))

    def median(case: Case, what: str) -> float | None:
        return statistics.median(spent[case, what]) if (case, what) in spent else None

    rows = []
    for case in cases:
        steps, run = median(case, "steps"), (case, "steps") in spent
        rows.append(
            {
                "varied": axis,
                "strokes": case.strokes,
                "size": case.size,
                "blocks": case.blocks and case.blocks**2,
                "strokes × pixels": case.work,
                "step": steps and steps / case.steps,
                "spread": machine.spread(spent[case, "steps"]) / case.steps if run else None,
                "listing": median(case, "listing"),
                "drawing": median(case, "drawing"),
                "program MiB": round(held[case] / 2**20, 1),
                "process MiB": _in_a_process(case) if run else None,
            }
        )
    return rows


def _fit(case: Case) -> Callable[[int], Any]:
    """So many steps, from strokes that are placed but not yet fitted."""
    target = pictures.resize(machine.picture("astronaut"), (case.size, case.size))
    settings = Settings(brush=case.brush, strokes=case.strokes, size=case.size)
    problem = optimize.Problem(
        target,
        np.ones_like(target),
        {"l2": 1.0},
        painter.bounds(settings, target.shape[:2]),
        settings.softness,
        block=case.blocks and case.size // case.blocks,
    )
    strokes, optimizer = _placed(case), optimize.RMSPROP if case.blocks else optimize.ADAM

    def fit(steps: int) -> Any:
        return optimize.descend(
            case.model,
            strokes,
            optimize.initial(optimizer, strokes),
            problem,
            rates=np.full(steps, 0.1 * settings.learning_rate, np.float32),
            optimizer=optimizer,
        )

    return fit


@functools.cache
def _placed(case: Case) -> np.ndarray:
    target = pictures.resize(machine.picture("astronaut"), (case.size, case.size))
    size, rng = initialize.stroke_size(target.shape[:2], case.strokes), np.random.default_rng(0)
    return initialize.place(
        case.model.brush, target, np.ones_like(target), case.strokes, initialize.Layout(size), rng=rng
    )


def _draw(case: Case) -> np.ndarray:
    return forward.draw_strokes(case.model, _placed(case), (case.size, case.size), canvas=(1.0, 1.0, 1.0))


def _program_bytes(fit: Callable[[int], Any]) -> int:
    """What the program of a fit's steps holds when it runs; it is compiled, and not run."""
    program, held = loop._descend, []

    def compiled(*arguments: Any) -> Any:
        *_, strokes, state = arguments
        memory: Any = program.lower(*arguments).compile().memory_analysis()
        parts = ("argument_size_in_bytes", "output_size_in_bytes", "temp_size_in_bytes")
        held.append(sum(getattr(memory, part) for part in parts) - memory.alias_size_in_bytes)
        return strokes, state, (0.0, 0.0)

    with mock.patch.object(loop, "_descend", compiled):
        fit(0)
    return held[0]


def _in_a_process(case: Case) -> float:
    """Peak memory of a new process that fits once, in MiB."""
    fresh = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=fresh) as process:
        return process.submit(_peak, case).result()


def _peak(case: Case) -> float:
    runtime.use_all_cores()
    runtime.keep_compilations()
    _fit(case)(1)
    return round(runtime.peak_memory() / 2**20, 1)


def _exponents(axis: str, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """How steeply the figures of an axis grow."""
    varied = {"pixels": "size", "strokes in blocks": "strokes"}.get(axis, axis)
    of_what = {"step": "strokes × pixels", "drawing": "strokes × pixels", "program MiB": varied}
    found: dict[str, Any] = {"varied": axis}
    for what, against in of_what.items():
        # The size of a picture is a side, and its pixels are what counts.
        power = 2 if against == "size" else 1
        known = [(row[against] ** power, row[what]) for row in rows if row[what] is not None]
        found[what] = _exponent(known)
        found[f"{what}, the last two"] = _exponent(known[-2:])
    return found


def _exponent(points: Sequence[tuple[float, float]]) -> float | None:
    """Slope of the straight line through the logarithms, by least squares; None of less than two points."""
    if len(points) < 2:
        return None
    x, y = np.log(np.array(points, float)).T
    slope, _ = np.polyfit(x, y, 1)
    return round(float(slope), 3) + 0.0


if __name__ == "__main__":
    main()
