"""What losses take, value and gradient: transport in three ways, the others, VGG, and a step of style transfer.

    python benchmarks/profile_losses.py

Transport is between the blocks of two photographs, 25 at a time, all three channels: ours; and 20 iterations of
ott-jax's own solver on its grid, in the log domain and with kernels. "error" is the greatest marginal error, the mass
of 1 that the plan takes wrongly, between the blocks; "error of dots" that between pictures of single pixels in opposite
corners. The others are of one picture. "MiB" is the memory that the compiled program needs besides what it is given.
"""

from __future__ import annotations

import argparse
import functools
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import machine
import styles
from ott.geometry import grid
from ott.solvers import linear

import jaxpaint
from jaxpaint import losses, pictures, runtime, styling
from jaxpaint.io import weights
from jaxpaint.settings import Settings, StyleSettings

BLOCKS = 5
EPSILON, ITERATIONS = 0.01, 20
LAYERS = ("relu1_2", "relu2_2", "relu3_3", "relu4_1")


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--blocks", default="32,64", help="sides of the blocks in pixels, with commas")
    parser.add_argument("--size", type=int, default=512, help="side of a picture in pixels")
    parser.add_argument("--seen", type=int, default=224, help="long side, in pixels, of what VGG sees")
    parser.add_argument("--strokes", type=int, default=500, help="of the painting that is styled")
    parser.add_argument("--steps", type=int, default=5, help="of style transfer to time")
    parser.add_argument("--out", type=pathlib.Path, default=machine.RESULTS)
    options = parser.parse_args(argv)
    runtime.use_all_cores()
    gflops = machine.matrix_product_gflops()
    with jax.numpy_rank_promotion("allow"):  # which ott needs
        rows = [row for side in map(int, options.blocks.split(",")) for row in _transport(side)]
    rows += [
        *_of_pictures(options.size),
        _features(options.seen),
        _step(options.size, options.seen, options.strokes, options.steps),
    ]
    for row in rows:
        row["at 140"] = row["ms"] * gflops / machine.REFERENCE_GFLOPS
    machine.write("profile_losses", rows, options.out, gflops=gflops)


def _row(what: str, side: int, ms: float, **others: float | None) -> dict[str, Any]:
    return {"what": what, "pixels": side, "ms": ms} | dict.fromkeys(("error", "error of dots", "MiB")) | others


def _transport(side: int) -> list[dict[str, Any]]:
    pair = tuple(map(_blocks, (_photo("coffee", BLOCKS * side), _photo("astronaut", BLOCKS * side))))
    ends = [jnp.zeros((1, side, side, 3)).at[:, at, at].set(1.0) for at in (0, -1)]
    ways: dict[str, tuple[Callable, Callable]] = {
        "transport, 25 blocks": (losses.transport, losses.marginal_error),
        "the same, ott's log domain": _ott(lse_mode=True),
        "the same, ott's kernels": _ott(lse_mode=False),
    }
    slopes = [
        jax.jit(jax.value_and_grad(lambda a, b, loss=loss: jax.vmap(loss)(a, b).sum())).lower(*pair).compile()
        for loss, _ in ways.values()
    ]
    seconds = machine.alternating_seconds([functools.partial(slope, *pair) for slope in slopes])
    return [
        _row(
            name,
            side,
            1000 * spent,
            error=float(jax.jit(jax.vmap(error))(*pair).max()),
            **{"error of dots": float(jax.jit(jax.vmap(error))(*ends).max())},
            MiB=_mebibytes(slope),
        )
        for (name, (_, error)), spent, slope in zip(ways.items(), seconds, slopes, strict=True)
    ]


def _ott(*, lse_mode: bool) -> tuple[Callable, Callable]:
    """ott's transport of a picture's channels, and its greatest marginal error."""

    def solved(picture, target):
        p, q = (plane.ravel() / plane.sum() for plane in (picture + 1e-3, target + 1e-3))
        geometry = grid.Grid(x=[(jnp.arange(n) + 0.5) / n for n in picture.shape], epsilon=EPSILON)
        options = {"min_iterations": ITERATIONS, "max_iterations": ITERATIONS, "inner_iterations": ITERATIONS}
        out = linear.solve(geometry, *jax.lax.stop_gradient((p, q)), lse_mode=lse_mode, threshold=-1.0, **options)
        return geometry, p, q, *jax.lax.stop_gradient((out.f, out.g))

    def cost(picture, target):
        _, p, q, f, g = solved(picture, target)
        return (f * p).sum() + (g * q).sum()

    def error(picture, target):
        geometry, p, q, f, g = solved(picture, target)
        plans = (geometry.marginal_from_potentials(f, g, axis=axis) for axis in (1, 0))
        return jnp.maximum(*(jnp.abs(plan - due).sum() for plan, due in zip(plans, (p, q), strict=True)))

    channels = functools.partial(jax.vmap, in_axes=-1)
    return lambda a, b: channels(cost)(a, b).mean(), lambda a, b: channels(error)(a, b).max()


def _of_pictures(side: int) -> list[dict[str, Any]]:
    pair = (_photo("coffee", side), _photo("astronaut", side))
    measured = {"L1": losses.l1, "L2": losses.l2, "Laplacian of the picture": losses.laplacian}
    slopes = [jax.jit(jax.value_and_grad(loss)).lower(*pair).compile() for loss in measured.values()]
    seconds = machine.alternating_seconds([functools.partial(slope, *pair) for slope in slopes])
    return [
        _row(name, side, 1000 * spent, MiB=_mebibytes(slope))
        for name, spent, slope in zip(measured, seconds, slopes, strict=True)
    ]


def _features(side: int) -> dict[str, Any]:
    """VGG-16 as far as relu4_1, there and back."""
    see = weights.load_features("vgg16", layers=LAYERS)
    photo = _photo("astronaut", side)
    slope = jax.jit(jax.grad(lambda see, picture: sum(maps.mean() for maps in see(picture).values()), argnums=1))
    compiled = slope.lower(see, photo).compile()
    seconds = machine.median_seconds(lambda: compiled(see, photo))
    return _row(f"VGG-16 to {LAYERS[-1]}", side, 1000 * seconds, MiB=_mebibytes(compiled))


def _step(size: int, seen: int, strokes: int, steps: int) -> dict[str, Any]:
    """A step of `bin/stylize` with its default settings; the first compiles, and does not count."""
    settings = Settings(strokes=strokes, size=size, steps=60)
    painting = jaxpaint.paint(machine.picture("astronaut"), key=jax.random.key(0), settings=settings)
    style = StyleSettings(vgg_size=seen, steps=10_000)
    stages = styling.stylize_stages(painting, styles.style("swirls"), settings=style)
    seconds = machine.median_seconds(lambda: next(stages)[0].strokes, repeats=steps)
    return _row(f"style transfer, a step of {strokes} strokes", size, 1000 * seconds)


def _photo(name: str, side: int) -> jax.Array:
    picture = machine.picture(name)
    least = min(picture.shape[:2])
    return jnp.asarray(pictures.resize(picture[:least, :least], (side, side)))


def _blocks(picture: jax.Array) -> jax.Array:
    side = len(picture) // BLOCKS
    cut = picture.reshape(BLOCKS, side, BLOCKS, side, 3).swapaxes(1, 2)
    return cut.reshape(-1, side, side, 3)


def _mebibytes(compiled: Any) -> float:
    return compiled.memory_analysis().temp_size_in_bytes / 2**20


if __name__ == "__main__":
    main()
