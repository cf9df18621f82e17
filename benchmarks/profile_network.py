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
from collections.abc import Sequence

import jax
import machine
import numpy as np

from jaxpaint import fitting, images, placing, runtime, weights
from jaxpaint.brushes import BRUSHES
from jaxpaint.commands import find_config, load_config
from jaxpaint.painting import plan
from jaxpaint.renderers.networks import Network, fold
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


def _rows(net: str, options: argparse.Namespace, counts: Sequence[int]) -> list[dict[str, object]]:
    config = load_config(find_config(None, default="snp.py"))
    settings = Settings.from_config({**config, "renderer": net, "brush": options.brush})
    found = weights.load(net, brush=options.brush)
    brush, arrays = BRUSHES[options.brush], jax.device_put(fold(found.variables))
    models = {dtype: Network(net, brush, dtype) for dtype in options.dtypes.split(",")}
    window = next(iter(models.values())).window
    stage = plan(settings, (512, 512), window=window)[0]
    photo = np.asarray(machine.photograph("astronaut"), np.float32) / 255
    target = images.resize(photo, (stage.size, stage.size))
    blank = np.ones_like(target)
    ends = (np.full(brush.dim, end, np.float32) for end in (0, 1))
    problem = fitting.Problem(target, blank, fitting.Weights(settings.l1, settings.l2), fitting.Bounds(*ends))
    rng = np.random.default_rng(0)
    placed = [
        placing.place_in_blocks(brush, target, blank, stage.add, rng=rng, block=window) for _ in range(max(counts))
    ]

    def descend(model, strokes):
        return fitting.descend(
            model,
            arrays,
            strokes,
            fitting.Moments.zero(strokes.shape),
            problem,
            first=0,
            rates=np.full(options.steps, settings.learning_rate, np.float32),
            softness=stage.softness,
            block=stage.block,
        )

    paces: dict[str, dict[int, float]] = {dtype: {} for dtype in models}
    for count in counts:
        strokes = np.concatenate(placed[:count])
        seconds = machine.alternating_seconds(
            [functools.partial(descend, model, strokes) for model in models.values()], repeats=3
        )
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
