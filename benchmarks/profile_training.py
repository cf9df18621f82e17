"""How many strokes a network learns a second, made by the engine on the way.

    python benchmarks/profile_training.py --nets=light,lite

The whole step (strokes, targets, forward, backward, Adam, average) of each part of a run: the distances, which are four
batches a step and not drawn, the silhouette, the shading.
Writes profile_training.json to --out.
"""

from __future__ import annotations

import argparse
import pathlib
from collections.abc import Callable, Sequence

import machine

from jaxpaint import training
from jaxpaint.architectures import ARCHITECTURES


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nets", default="light,lite", help="names, with commas")
    parser.add_argument("--dtypes", default="float32,bfloat16", help="of what the shading multiplies; timed in turn")
    parser.add_argument("--brush", default="oilpaintbrush")
    parser.add_argument("--batch", type=int, default=64, help="strokes a step")
    parser.add_argument("--steps", type=int, default=10, help="in each of five measurements")
    parser.add_argument("--out", type=pathlib.Path, default=machine.RESULTS)
    options = parser.parse_args(argv)
    rows = [row for net in options.nets.split(",") for part in _parts(net) for row in _rows(options, net, part)]
    machine.write("profile_training", rows, options.out)


def _parts(net: str) -> tuple[str, ...]:
    """A network without a rasterisation network has no silhouette to learn alone."""
    return ("distances", "silhouette", "shading") if ARCHITECTURES[net].dense else ("shading",)


def _rows(options: argparse.Namespace, net: str, part: str) -> list[dict[str, object]]:
    """Strokes a second in one part of a run; all but the shading multiply float32 always."""
    dtypes = options.dtypes.split(",") if part == "shading" else ["float32"]
    gflops = machine.matrix_product_gflops()
    seconds = machine.alternating_seconds([_steps(options, net, part, dtype) for dtype in dtypes])
    drawn = options.steps * options.batch * (4 if part == "distances" else 1)
    return [
        {
            "network": net,
            "learning": part,
            "multiplies": dtype,
            "batch": options.batch,
            "strokes/s": drawn / spent,
            "GFLOP/s": round(gflops),
            "strokes/s at 140 GFLOP/s": drawn / spent * machine.REFERENCE_GFLOPS / gflops,
        }
        for dtype, spent in zip(dtypes, seconds, strict=True)
    ]


def _steps(options: argparse.Namespace, net: str, part: str, dtype: str) -> Callable[[], training.Metrics]:
    """A function that takes some more steps of a run that goes on and on."""
    steps = 100 * options.steps
    recipe = training.Recipe(
        net=net,
        brush=options.brush,
        batch=options.batch,
        steps=steps,
        distance_steps=(steps - 1) * (part == "distances"),
        silhouette_steps=(steps - 1) * (part == "silhouette"),
        dtype=dtype,
    )
    state = training.start(recipe)

    def go_on() -> training.Metrics:
        nonlocal state
        state, metrics = training.train(recipe, state, options.steps)
        return metrics

    return go_on


if __name__ == "__main__":
    main()
