"""Where the time of a fit goes.

    python benchmarks/profile_fit.py

1. Forward and backward of many strokes: nanoseconds a stroke, pixel and step, at blocks of 32², 64² and 128², beside
   two floors: the FLOPs that XLA counts over the measured rate of a matrix product, and the bytes of the canvas, of
   what is kept below each stroke and of their gradient over the measured rate of a copy.
2. Drawing 500 strokes, warm, at 512² and in 4K.
3. A whole painting by the kinds of its stages, and by what is done in them.

Writes profile_fit.json, profile_drawing.json, profile_stages.json and profile_parts.json to --out.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import contextlib
import functools
import multiprocessing
import pathlib
import time
from collections.abc import Callable, Sequence
from typing import Any
from unittest import mock

import jax
import jax.numpy as jnp
import machine
import numpy as np

import jaxpaint
from jaxpaint import painter, pictures, runtime
from jaxpaint.brushes import BRUSHES
from jaxpaint.optimize import densify, loop
from jaxpaint.raster import forward, tiled, tiling
from jaxpaint.raster.compositing import composite_backward, composite_forward, room
from jaxpaint.renderers import Engine

# Bytes a stroke and pixel, at the least: the canvas read and written, kept, read again; its gradient read and written.
BYTES = 3 * 4 * 6
# What a painting is made of; no part calls another. `placing` is also told what to place on by `drawing`.
PARTS = {
    "placing": (painter, "place"),
    "worth": (densify, "_gains"),
    "listing": (tiling, "bin_strokes"),
    "descending": (loop, "_descend"),
    "drawing": (forward, "_draw_tiles"),
}


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--brush", default="oilpaintbrush", choices=BRUSHES)
    parser.add_argument("--pixels", type=int, default=2**18, help="of the picture that is fitted")
    parser.add_argument("--blocks", default="32,64,128", help="sides of its blocks in pixels, with commas")
    parser.add_argument("--strokes", type=int, default=500, help="of the drawings and the painting")
    parser.add_argument("--drawings", default="512x512,2160x3840", help="height x width, with commas")
    parser.add_argument("--out", type=pathlib.Path, default=machine.RESULTS)
    options = parser.parse_args(argv)
    runtime.use_all_cores()
    rates = {"GFLOP/s": machine.matrix_product_gflops(), "GB/s": machine.copy_gigabytes_per_second()}
    machine.write("profile_fit", _blocks(options, rates), options.out, **rates)
    sides = [shape.split("x") for shape in options.drawings.split(",")]
    shapes = [(int(height), int(width)) for height, width in sides]
    machine.write("profile_drawing", [_drawing(options, shape) for shape in shapes], options.out, **rates)
    stages, parts = _painting(options)
    machine.write("profile_stages", stages, options.out, **rates)
    machine.write("profile_parts", parts, options.out, **rates)


def _blocks(options, rates: dict[str, float]) -> list[dict[str, object]]:
    """Forward and backward at every size of blocks, flat and textured."""
    kinds = [(size, flat) for size in map(int, options.blocks.split(",")) for flat in (True, False)]
    calls, works, costs = zip(*(_block(options, *kind) for kind in kinds), strict=True)
    rows: list[dict[str, object]] = []
    timed = zip(kinds, machine.alternating_seconds(calls), works, costs, strict=True)
    for (size, flat), seconds, work, flops in timed:
        ns = seconds / work * 1e9
        rows.append(
            {
                "block": size,
                "texture": "flat" if flat else "full",
                "ns": ns,
                "ns, FLOPs": flops / rates["GFLOP/s"],
                "ns, bytes": BYTES / rates["GB/s"],
                "ns at 140 GFLOP/s": ns * rates["GFLOP/s"] / machine.REFERENCE_GFLOPS,
            }
        )
    return rows


def _block(options, size: int, flat: bool) -> tuple[Callable[[], Any], int, float]:
    """Forward and backward of 20 random strokes a block: to call, how much it does, its FLOPs for one."""
    brush, count = BRUSHES[options.brush], 20
    windows = max(4, tiled.PIXELS_TOGETHER // size**2)
    mesh = runtime.mesh()
    groups = mesh.size * max(1, options.pixels // (mesh.size * windows * size**2))
    key = jax.random.key(0)
    strokes = jax.random.uniform(key, (groups, count, windows, brush.dim))
    target = tuple(jax.random.uniform(key, (3, groups, windows, size, size)))

    def gradient(tiles, softness):
        def group(below, part):
            strokes, target = part
            render = Engine(brush, flat=flat).renderer(size, softness=softness)
            black = tuple(map(jnp.zeros_like, target))
            canvas, below = composite_forward(render, strokes, black, count, below)
            difference = tuple(2 * (c - t) for c, t in zip(canvas, target, strict=True))
            return below, composite_backward(render, strokes, count, below, difference)

        below = room(tuple(plane[0] for plane in tiles[1]), count)
        return tiled.total(mesh, jax.lax.scan(group, below, tiles)[1].sum())

    program = jax.jit(functools.partial(tiled.divided, mesh, gradient), compiler_options=runtime.COMPILER_OPTIONS)
    softness = jnp.ones(())
    compiled = program.lower((strokes, target), softness).compile()
    # XLA counts the body of a loop once: here of two, over groups and strokes.
    cost, pixels = compiled.cost_analysis() or {}, windows * size**2
    return lambda: compiled((strokes, target), softness), groups * pixels * count, cost.get("flops", 0.0) / pixels


def _drawing(options, shape: tuple[int, int]) -> dict[str, object]:
    """Seconds of a drawing, and the peak memory of a process of its own that draws once."""
    what = options.brush, options.strokes, shape
    fresh = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=fresh) as process:
        peak = process.submit(_peak, *what).result()
    return {
        "height": shape[0],
        "width": shape[1],
        "strokes": options.strokes,
        "seconds": machine.median_seconds(lambda: _draw(*what)),
        "peak MiB": peak,
    }


def _peak(*what) -> float:
    runtime.keep_compilations()
    _draw(*what)
    return runtime.peak_memory() / 2**20


def _draw(name: str, count: int, shape: tuple[int, int]) -> np.ndarray:
    """Random strokes of the size that cover a picture a few times, drawn with their texture."""
    brush = BRUSHES[name]
    rng = np.random.default_rng(0)
    strokes = rng.uniform(size=(count, brush.dim)).astype(np.float32)
    strokes[:, brush.index("size")] *= 0.2
    strokes[:, brush.index("y")] *= shape[0] / max(shape)
    return forward.draw_strokes(Engine(brush), strokes, shape, canvas=(1.0, 1.0, 1.0))


def _painting(options) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
    """Seconds of a painting of the astronaut, by kind of stage when it is painted again, and by part both times."""
    image = machine.picture("astronaut")
    size = min(512, int(np.sqrt(options.pixels)))
    settings = jaxpaint.Settings(strokes=options.strokes, brush=options.brush, size=size, steps=200)
    plan = jaxpaint.painting.plan(settings, pictures.fitted_shape(*image.shape[:2], size))
    kinds = [
        "texture" if s.textured else "levels" if s.add else "rounds" if s.candidates else "full size" for s in plan
    ]
    watches = []
    for _ in range(2):
        seconds = dict.fromkeys(kinds, 0.0)
        with runtime.Stopwatch() as watch, _watched(watch):
            start = time.perf_counter()
            for _, progress in jaxpaint.paint_stages(image, key=jax.random.key(0), settings=settings):
                now = time.perf_counter()
                seconds[kinds[progress.stage - 1]] += now - start
                start = now
            watches.append(watch.seconds)
    steps = {kind: sum(s.steps for s, k in zip(plan, kinds, strict=True) if k == kind) for kind in seconds}
    stages = [{"stage": kind, "steps": steps[kind], "seconds": spent} for kind, spent in seconds.items()]
    for spent in watches:
        spent["the rest"] = max(0.0, 2 * spent["total"] - sum(spent.values()))
    first, again = watches
    names = ["compiling", *PARTS, "the rest", "total"]
    return stages, [{"part": name, "first": first[name], "again": again[name]} for name in names]


@contextlib.contextmanager
def _watched(watch: runtime.Stopwatch):
    """Counts the parts of a painting, and waits for each."""

    def watched(name, function):
        def call(*args, **options):
            with watch(name):
                return jax.block_until_ready(function(*args, **options))

        return call

    with contextlib.ExitStack() as stack:
        for name, (module, attribute) in PARTS.items():
            function = watched(name, getattr(module, attribute))
            for user in (module, tiled, forward):
                if hasattr(user, attribute):
                    stack.enter_context(mock.patch.object(user, attribute, function))
        yield


if __name__ == "__main__":
    main()
