"""How many strokes a network draws and differentiates a second, in the schedule of Stylized Neural Painting.

    python benchmarks/profile_network.py --nets=light

`configs/snp.py` on the astronaut: a few steps with 5, 10 and 20 strokes in each of the 25 blocks, compilation apart. An
evaluation is one stroke drawn and differentiated, forward and backward; those that only fill up a batch do not count.
The last row is the whole schedule of 131,250 evaluations, if each of its stages went at the pace of the next row above.
"""

from __future__ import annotations

import argparse
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
    parser.add_argument("--brush", default="oilpaintbrush")
    parser.add_argument("--counts", default=",".join(map(str, COUNTS)), help="strokes in a block, with commas")
    parser.add_argument("--steps", type=int, default=4, help="to time")
    parser.add_argument("--out", type=pathlib.Path, default=machine.RESULTS)
    options = parser.parse_args(argv)
    runtime.use_all_cores()
    counts = [int(count) for count in options.counts.split(",")]
    rows = [row for net in options.nets.split(",") for row in _rows(net, options.brush, counts, options.steps)]
    machine.write("profile_network", rows, options.out)


def _rows(net: str, brush: str, counts: Sequence[int], steps: int) -> list[dict[str, object]]:
    config = load_config(find_config(None, default="snp.py"))
    settings = Settings.from_config({**config, "renderer": net, "brush": brush})
    found = weights.load(net, brush=brush)
    model, arrays = Network(net, BRUSHES[brush]), jax.device_put(fold(found.variables))
    stage = plan(settings, (512, 512), window=model.window)[0]
    photo = np.asarray(machine.photograph("astronaut"), np.float32) / 255
    target = images.resize(photo, (stage.size, stage.size))
    blank = np.ones_like(target)
    ends = (np.full(model.brush.dim, end, np.float32) for end in (0, 1))
    problem = fitting.Problem(target, blank, fitting.Weights(settings.l1, settings.l2), fitting.Bounds(*ends))
    rng = np.random.default_rng(0)
    placed = [
        placing.place_in_blocks(model.brush, target, blank, stage.add, rng=rng, block=model.window)
        for _ in range(max(counts))
    ]
    rows = []
    for count in counts:
        strokes = np.concatenate(placed[:count])

        def descend(strokes=strokes):
            return fitting.descend(
                model,
                arrays,
                strokes,
                fitting.Moments.zero(strokes.shape),
                problem,
                first=0,
                rates=np.full(steps, settings.learning_rate, np.float32),
                softness=stage.softness,
                block=stage.block,
            )

        gflops = machine.matrix_product_gflops()
        seconds = machine.median_seconds(descend, repeats=3) / steps
        rows.append(_row(net, count, len(strokes) / seconds, gflops))
    paces = {row["strokes a block"]: row["evaluations/s"] for row in rows}
    drawn = [(k * stage.add * stage.steps, paces[min(c for c in counts if c >= k)]) for k in range(1, max(counts) + 1)]
    total = sum(n for n, _ in drawn)
    rows.append(_row(net, f"1 to {max(counts)}", total / sum(n / pace for n, pace in drawn), gflops))
    return rows


def _row(net: str, count: int | str, pace: float, gflops: float) -> dict[str, object]:
    return {
        "network": net,
        "strokes a block": count,
        "evaluations/s": round(pace),
        "GFLOP/s": round(gflops),
        "at 140": round(pace * machine.REFERENCE_GFLOPS / gflops),
    }


if __name__ == "__main__":
    main()
