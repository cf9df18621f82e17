"""The report's figure 7: how four networks learn from the same number of strokes, and what they cost.

    python benchmarks/renderers.py
    python benchmarks/renderers.py --nets=light,dcgan32 --seeds=5,5 --strokes=1000000 --workdir=runs/longer

All learn as in the papers: from scratch, all layers at once, foreground and alpha together, in batches of one size;
each at the rate of its own file in configs/, or all at --learning-rate. `bin/train_renderer` trains them, a folder in
--workdir for each network and seed: the same command again goes on where it stopped, and trains nothing that is
finished.

PSNR is that of fresh strokes, by the average of the weights; the loss is the training's, the mean squared error of the
foreground plus that of alpha, of the strokes since the last point. Seconds are strokes by the median pace of a run, so
that neither compiling nor validation counts. FLOPs are XLA's count for a stroke and the network alone: a forward pass;
forward and backward to the weights. Painting is forward and backward to the parameters of a batch of strokes, by the
weights of the first seed; networks take turns, and GFLOP/s was measured beside that. Means, and where there are several
seeds, standard deviations.

Writes renderers.json (with the points of each run) and renderers.svg (means over the seeds, at the median of their
paces) to --out.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import json
import pathlib
import statistics
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import learning
import machine
import numpy as np

from jaxpaint import training
from jaxpaint.brushes import BRUSHES
from jaxpaint.cli import train_renderer
from jaxpaint.cli.options import find_config, load_config
from jaxpaint.io import weights
from jaxpaint.renderers.networks import Network, fold
from jaxpaint.training import steps

# The networks, and how many seeds each has: the large ones take many times as long.
SEEDS = {"light": 3, "heavy": 1, "lite": 1, "dcgan32": 3}
# Points of a run's curve, about.
POINTS = 10


class Run(NamedTuple):
    """A run that is finished.

    Attributes:
      recipe: how it was trained.
      folder: of its files.
      pace: strokes a second.
      strokes, seconds: after which its points are.
      psnr: in dB, at each point.
      loss: from the point before to each point.
    """

    recipe: training.Recipe
    folder: pathlib.Path
    pace: float
    strokes: list[int]
    seconds: list[float]
    psnr: list[float]
    loss: list[float]


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nets", default=",".join(SEEDS), help="names, with commas")
    parser.add_argument("--seeds", default="", help="how many each, with commas; empty: 3 of the small ones, else 1")
    parser.add_argument("--brush", default="oilpaintbrush")
    parser.add_argument("--strokes", type=int, default=100_000, help="that each run sees, in whole batches")
    parser.add_argument("--batch", type=int, default=64, help="strokes a step")
    parser.add_argument("--learning-rate", type=float, help="of all; by default, each network's own")
    parser.add_argument("--workdir", type=pathlib.Path, default=pathlib.Path("runs/renderers"))
    parser.add_argument("--out", type=pathlib.Path, default=machine.RESULTS)
    options = parser.parse_args(argv)
    nets = options.nets.split(",")
    if unknown := [net for net in nets if net not in SEEDS]:
        parser.error(f"--nets: expected some of {', '.join(SEEDS)}, got {', '.join(unknown)}")
    seeds = options.seeds.split(",") if options.seeds else [SEEDS[net] for net in nets]
    if len(seeds) != len(nets) or not all(str(count).isdecimal() and int(count) for count in seeds):
        parser.error(f"--seeds: expected {len(nets)} numbers above 0, with commas, got {options.seeds}")
    try:
        recipes = {net: _recipes(options, net, int(count)) for net, count in zip(nets, seeds, strict=True)}
    except ValueError as error:
        parser.error(str(error))
    runs = {
        net: [_trained(recipe, options.workdir / f"{net}-{recipe.seed}") for recipe in of_net]
        for net, of_net in recipes.items()
    }
    gflops = machine.matrix_product_gflops()
    painting = machine.alternating_seconds([_painter(of_net[0]) for of_net in runs.values()], repeats=3)
    rows = [
        _row(of_net) | {"painting strokes/s": options.batch / seconds, "GFLOP/s": round(gflops)}
        for of_net, seconds in zip(runs.values(), painting, strict=True)
    ]
    points = [
        {"net": run.recipe.net, "seed": run.recipe.seed}
        | {name: getattr(run, name) for name in ("strokes", "seconds", "psnr", "loss")}
        for of_net in runs.values()
        for run in of_net
    ]
    machine.write("renderers", rows, options.out, runs=points)
    _plot(options.out / "renderers.svg", runs)


def _recipes(options: argparse.Namespace, net: str, seeds: int) -> list[training.Recipe]:
    """How a network is trained, by seed.

    Raises:
      ValueError: a number is out of its range.
    """
    config = load_config(find_config(None, default=f"{net}.py"))
    steps = round(options.strokes / options.batch)
    # Steps that are taken together are compiled together.
    every = train_renderer.CHUNK * max(1, round(steps / POINTS / train_renderer.CHUNK))
    given = {"brush": options.brush, "batch": options.batch, "steps": steps, "distance_steps": 0, "silhouette_steps": 0}
    given |= {"dtype": "float32", "log_every": every, "validate_every": every}
    if options.learning_rate is not None:
        given["learning_rate"] = options.learning_rate
    return [training.Recipe.from_config({**config, **given, "seed": seed}) for seed in range(seeds)]


def _trained(recipe: training.Recipe, folder: pathlib.Path) -> Run:
    """The run of a recipe, trained as far as it has not been.

    Raises:
      SystemExit: it was interrupted, or there is a run of another recipe.
    """
    if not _finished(recipe, folder):
        flags = [f"--config.{key}={value}" for key, value in dataclasses.asdict(recipe).items()]
        if status := train_renderer.main(["train_renderer", f"--workdir={folder}", *flags]):
            raise SystemExit(status)
    lines = learning.metrics(folder)
    learned, validated = ([line for line in lines if key in line] for key in ("alpha", "psnr"))
    pace = statistics.median(line["strokes_per_second"] for line in learned)
    strokes = [recipe.batch * line["step"] for line in validated]
    return Run(
        recipe,
        folder,
        pace,
        strokes,
        seconds=[count / pace for count in strokes],
        psnr=[line["psnr"] for line in validated],
        loss=[line["foreground"] + line["alpha"] for line in learned],
    )


def _finished(recipe: training.Recipe, folder: pathlib.Path) -> bool:
    """Whether a folder holds the whole run of a recipe."""
    if not (folder / "metrics.jsonl").exists():
        return False
    earlier = json.loads((folder / train_renderer.RECIPE).read_text(encoding="utf-8"))
    lines = learning.metrics(folder)
    return earlier == dataclasses.asdict(recipe) and any(
        "psnr" in line and line["step"] == recipe.steps for line in lines
    )


def _row(runs: Sequence[Run]) -> dict[str, Any]:
    """The figures of a network's runs."""
    recipe = runs[0].recipe
    return {
        "network": recipe.net,
        "learning rate": recipe.learning_rate,
        "strokes": runs[0].strokes[-1],
        "seeds": len(runs),
        "psnr": _spread([run.psnr[-1] for run in runs], digits=2),
        "loss": _spread([run.loss[-1] for run in runs], digits=5),
        **_size(recipe),
        "training strokes/s": statistics.fmean(run.pace for run in runs),
    }


def _spread(values: Sequence[float], *, digits: int) -> str:
    """Mean, and the standard deviation of several, as text."""
    shown = [statistics.fmean(values), *([statistics.stdev(values)] if len(values) > 1 else [])]
    return " ± ".join(f"{value:.{digits}f}" for value in shown)


def _size(recipe: training.Recipe) -> dict[str, float]:
    """The parameters of a network, and its FLOPs for a stroke."""
    model = steps.net(recipe)
    strokes = jax.ShapeDtypeStruct((recipe.batch, model.brush.dim), "float32")
    variables: Any = jax.eval_shape(model.init, jax.random.key(0), strokes)
    wanted = jax.eval_shape(functools.partial(training.targets, recipe), strokes)

    def loss(params, strokes, wanted):
        pictures, _ = model.apply({"params": params}, strokes, mutable=["batch_stats"])
        return sum(jnp.mean((a - b) ** 2) for a, b in zip(pictures, wanted, strict=True))

    def megaflops(function: Callable, *arguments: Any) -> float:
        # As it is for a CPU: a GPU's products are another library's and count nothing.
        with jax.default_device(jax.local_devices(backend="cpu")[0]):
            return jax.jit(function).lower(*arguments).cost_analysis()["flops"] / recipe.batch / 1e6

    return {
        "parameters": sum(leaf.size for leaf in jax.tree.leaves(variables["params"])),
        "MFLOP forward": megaflops(model.apply, variables, strokes),
        "MFLOP training": megaflops(jax.grad(loss), variables["params"], strokes, wanted),
    }


def _painter(run: Run) -> Callable[[], Any]:
    """A batch of strokes drawn and differentiated, to be called."""
    brush = BRUSHES[run.recipe.brush]
    arrays = jax.device_put(fold(weights.load(run.folder / "best.safetensors").variables))
    model = Network(run.recipe.net, brush, arrays)
    strokes = training.sample(brush, run.recipe.batch, key=jax.random.key(0))

    def squares(strokes, model):
        pictures = jax.vmap(model.renderer(model.window, softness=0.0))(strokes)
        return sum(jnp.sum(plane**2) for plane in jax.tree.leaves(pictures))

    return functools.partial(jax.jit(jax.grad(squares)), strokes, model)


def _plot(path: pathlib.Path, runs: dict[str, list[Run]]) -> None:
    """Mean curves over the seeds, by strokes and by seconds: of these, there may be a hundred times as many."""
    strokes = np.array(next(iter(runs.values()))[0].strokes)
    # Seeds of a network differ in nothing that takes time, but for what else the machine does.
    paces = {net: statistics.median(run.pace for run in of_net) for net, of_net in runs.items()}
    seconds = strokes[0] / max(paces.values()), strokes[-1] / min(paces.values())
    ticks = {
        "strokes": np.linspace(0, strokes[-1], learning.POINTS),
        "seconds": np.geomspace(*seconds, learning.POINTS),
    }

    def mean(net: str, name: str, by: str) -> np.ndarray:
        along = strokes / paces[net] if by == "seconds" else strokes
        curves = (np.array([along, getattr(run, name)]).T for run in runs[net])
        return np.mean([learning.values(curve, ticks[by]) for curve in curves], axis=0)

    panels = {
        f"{title}, by {by}": {net: mean(net, name, by) for net in runs}
        for by in ticks
        for name, title in (("psnr", "PSNR, dB"), ("loss", "loss"))
    }
    ends = [f"{strokes[-1]} strokes", "{:.3g} to {:.3g} s, logarithmic".format(*seconds)]
    machine.plot(path, panels, end=[end for end in ends for _ in range(2)], columns=2)


if __name__ == "__main__":
    main()
