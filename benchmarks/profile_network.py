"""How many strokes a network draws and differentiates a second, in the schedule of Stylized Neural Painting.

    python benchmarks/profile_network.py --nets=light

`configs/snp.py` on the astronaut: a few steps with 5, 10 and 20 strokes in each of the 25 blocks, compilation apart. An
evaluation is one stroke drawn and differentiated, forward and backward; those that only fill up a batch do not count.
The last row of each is the whole schedule of 131,250 evaluations, if each of its stages went at the pace of the next
row above.
"""

from __future__ import annotations

import argparse
import functools
import pathlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import machine
import numpy as np

from jaxpaint import optimize, painter, painting, pictures, runtime
from jaxpaint.brushes import BRUSHES
from jaxpaint.cli.options import find_config, load_config
from jaxpaint.io import weights
from jaxpaint.optimize import initialize
from jaxpaint.painting import Stage
from jaxpaint.renderers.networks import ARCHITECTURES, Network, fold
from jaxpaint.settings import Settings

COUNTS = (5, 10, 20)


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nets", default="light", help="names, with commas; their weights come with the package")
    parser.add_argument("--dtypes", default="float32,bfloat16", help="of what they multiply, timed in turn")
    parser.add_argument("--brush", default="oilpaintbrush")
    parser.add_argument("--counts", default=",".join(map(str, COUNTS)), help="strokes in a block, with commas")
    parser.add_argument("--steps", type=int, default=4, help="to time")
    parser.add_argument("--out", type=pathlib.Path, default=machine.RESULTS)
    options = parser.parse_args(argv)
    runtime.use_all_cores()
    counts = [int(count) for count in options.counts.split(",")]
    rows = [row for net in options.nets.split(",") for row in _rows(net, options, counts)]
    machine.write("profile_network", rows, options.out)


class Blocks(NamedTuple):
    """A stage of Stylized Neural Painting's schedule: all blocks of the astronaut at once.

    Attributes:
      stage: how it is fitted.
      placed: strokes as they are placed, one a block, as often as wanted.
      descend: `(steps, model, strokes)`, some steps of fitting.
    """

    stage: Stage
    placed: list[np.ndarray]
    descend: Callable[..., Any]


def in_blocks(settings: Settings, window: int | None, each: int) -> Blocks:
    """The first stage, with `each` strokes placed in every block; the renderer's windows are of so many pixels."""
    photo = machine.picture("astronaut")
    height, width, _ = photo.shape
    stage = painting.plan(settings, pictures.fitted_shape(height, width, 512), window=window)[0]
    target = pictures.resize(photo, pictures.fitted_shape(height, width, stage.size))
    blank, rng = np.ones_like(target), np.random.default_rng(0)
    place = functools.partial(initialize.place_in_blocks, BRUSHES[settings.brush], rng=rng, block=stage.block)
    placed = [place(target, blank, stage.add) for _ in range(each)]
    bounds = painter.bounds(settings, target.shape[:2])
    problem = optimize.Problem(target, blank, settings.loss_weights, bounds, stage.softness, block=stage.block)

    def descend(steps, model, strokes):
        return optimize.descend(
            model,
            strokes,
            optimize.initial(optimize.RMSPROP, strokes),
            problem,
            rates=np.full(steps, settings.learning_rate, np.float32),
            optimizer=optimize.RMSPROP,
        )

    return Blocks(stage, placed, descend)


def _rows(net: str, options: argparse.Namespace, counts: Sequence[int]) -> list[dict[str, object]]:
    config = load_config(find_config(None, default="snp.py"))
    settings = Settings.from_config({**config, "renderer": net, "brush": options.brush})
    arrays = jax.device_put(fold(weights.load(net, brush=options.brush).variables))
    models = {dtype: Network(net, BRUSHES[options.brush], arrays, dtype) for dtype in options.dtypes.split(",")}
    stage, placed, descend = in_blocks(settings, ARCHITECTURES[net].size, max(counts))
    paces: dict[str, dict[int, float]] = {dtype: {} for dtype in models}
    for count in counts:
        strokes = np.concatenate(placed[:count])
        calls = [functools.partial(descend, options.steps, model, strokes) for model in models.values()]
        seconds = machine.alternating_seconds(calls, repeats=3)
        for dtype, spent in zip(models, seconds, strict=True):
            paces[dtype][count] = len(strokes) * options.steps / spent
    gflops = machine.matrix_product_gflops()
    rows = []
    for dtype, pace in paces.items():
        rows += [_row(net, dtype, count, pace[count], gflops) for count in counts]
        drawn = [
            (k * stage.add * stage.steps, pace[min(c for c in counts if c >= k)]) for k in range(1, max(counts) + 1)
        ]
        whole = sum(n for n, _ in drawn) / sum(n / at for n, at in drawn)
        rows.append(_row(net, dtype, f"1 to {max(counts)}", whole, gflops))
    return rows


def _row(net: str, dtype: str, count: int | str, pace: float, gflops: float) -> dict[str, object]:
    return {
        "network": net,
        "multiplies": dtype,
        "strokes a block": count,
        "evaluations/s": round(pace),
        "GFLOP/s": round(gflops),
        "at 140": round(pace * machine.REFERENCE_GFLOPS / gflops),
    }


if __name__ == "__main__":
    main()
