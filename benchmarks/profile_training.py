"""How many strokes a network learns a second, made by the engine on the way.

    python benchmarks/profile_training.py --nets=light,lite

The whole step (strokes, targets, forward, backward, Adam, average) of each part of a run: the distances, which are four
batches a step and not drawn, the silhouette, the shading.
Writes profile_training.json to --out.
"""

from __future__ import annotations

import argparse
import pathlib
import time
from collections.abc import Sequence

import jax
import machine

from jaxpaint import training


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nets", default="light,lite", help="names, with commas")
    parser.add_argument("--brush", default="oilpaintbrush")
    parser.add_argument("--batch", type=int, default=64, help="strokes a step")
    parser.add_argument("--steps", type=int, default=40, help="timed, after as many to warm up")
    parser.add_argument("--out", type=pathlib.Path, default=machine.RESULTS)
    options = parser.parse_args(argv)
    rows = [_pace(options, net, part) for net in options.nets.split(",") for part in _parts(net)]
    machine.write("profile_training", rows, options.out)


def _parts(net: str) -> tuple[str, ...]:
    """A network without a rasterisation network has no silhouette to learn alone."""
    return ("distances", "silhouette", "shading") if training.ARCHITECTURES[net].dense else ("shading",)


def _pace(options, net: str, part: str) -> dict[str, object]:
    """Strokes a second over some steps."""
    steps = 4 * options.steps
    recipe = training.Recipe(
        net=net,
        brush=options.brush,
        batch=options.batch,
        steps=steps,
        distance_steps=(steps - 1) * (part == "distances"),
        silhouette_steps=(steps - 1) * (part == "silhouette"),
    )
    state = training.start(recipe)
    state, _ = jax.block_until_ready(training.train(recipe, state, options.steps))
    gflops = machine.matrix_product_gflops()
    start = time.perf_counter()
    jax.block_until_ready(training.train(recipe, state, options.steps))
    batches = 4 if part == "distances" else 1
    pace = batches * options.steps * options.batch / (time.perf_counter() - start)
    return {
        "network": net,
        "learning": part,
        "batch": options.batch,
        "strokes/s": pace,
        "GFLOP/s": round(gflops),
        "strokes/s at 140 GFLOP/s": pace * machine.REFERENCE_GFLOPS / gflops,
    }


if __name__ == "__main__":
    main()
