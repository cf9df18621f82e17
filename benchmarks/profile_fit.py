"""Where the time of a fit goes.

    python benchmarks/profile_fit.py

1. Forward and backward of many strokes: nanoseconds a stroke, pixel and step, at blocks of 32², 64² and 128², beside
two
   floors: the FLOPs that XLA counts over the measured rate of a matrix product, and the bytes of the canvas, of what is
   kept below each stroke and of their gradient over the measured rate of a copy.
2. Drawing 500 strokes, warm, at 512² and in 4K.
3. A whole painting by the kinds of its stages.

Writes profile_fit.json, profile_drawing.json and profile_stages.json to --out.
"""

from __future__ import annotations

import argparse
import pathlib
import time
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import machine
import numpy as np

import jaxpaint
from jaxpaint import drawing, images
from jaxpaint.blending import composite_vjp
from jaxpaint.brushes import BRUSHES
from jaxpaint.renderers import Engine

TOGETHER = 16384
# Bytes a stroke and pixel, at the least: the canvas read and written, kept, read again; its gradient read and written.
BYTES = 3 * 4 * 6


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--brush", default="oilpaintbrush", choices=BRUSHES)
    parser.add_argument("--pixels", type=int, default=2**18, help="of the picture that is fitted")
    parser.add_argument("--strokes", type=int, default=500, help="of the drawings and the painting")
    parser.add_argument("--drawings", default="512x512,2160x3840", help="height x width, with commas")
    parser.add_argument("--out", type=pathlib.Path, default=machine.RESULTS)
    options = parser.parse_args(argv)
    rates = {"GFLOP/s": machine.matrix_product_gflops(), "GB/s": machine.copy_gigabytes_per_second()}
    blocks = [_block(options, size, flat, rates) for size in (32, 64, 128) for flat in (True, False)]
    machine.write("profile_fit", blocks, options.out, **rates)
    shapes = [tuple(map(int, shape.split("x"))) for shape in options.drawings.split(",")]
    machine.write("profile_drawing", [_drawing(options, shape) for shape in shapes], options.out, **rates)
    machine.write("profile_stages", _stages(options), options.out, **rates)


def _block(options, size: int, flat: bool, rates: dict[str, float]) -> dict[str, object]:
    """Forward and backward of 20 random strokes a block."""
    brush, count = BRUSHES[options.brush], 20
    windows = max(4, TOGETHER // size**2)
    groups = max(1, options.pixels // (windows * size**2))
    key = jax.random.key(0)
    strokes = jax.random.uniform(key, (groups, count, windows, brush.dim))
    target = tuple(jax.random.uniform(key, (3, groups, windows, size, size)))

    @jax.jit
    def gradient(strokes, target, softness):
        def group(part):
            strokes, target = part
            render = Engine(brush, flat=flat).renderer(None, size, softness=softness)
            canvas, pullback = composite_vjp(render, strokes, tuple(map(jnp.zeros_like, target)), count)
            return pullback(tuple(2 * (c - t) for c, t in zip(canvas, target, strict=True)))

        return jax.lax.map(group, (strokes, target))

    softness = jnp.ones(())
    seconds = machine.median_seconds(lambda: gradient(strokes, target, softness))
    work = groups * windows * size**2 * count
    cost = gradient.lower(strokes, target, softness).compile().cost_analysis()
    return {
        "block": size,
        "texture": "flat" if flat else "full",
        "ns": seconds / work * 1e9,
        # XLA counts the body of a loop once: here of two, over groups and strokes.
        "ns, FLOPs": cost["flops"] / (windows * size**2) / rates["GFLOP/s"],
        "ns, bytes": BYTES / rates["GB/s"],
        "ns at 140 GFLOP/s": seconds / work * 1e9 * rates["GFLOP/s"] / machine.REFERENCE_GFLOPS,
    }


def _drawing(options, shape: tuple[int, int]) -> dict[str, object]:
    """Random strokes of the size that cover a picture a few times, drawn with their texture."""
    brush = BRUSHES[options.brush]
    rng = np.random.default_rng(0)
    strokes = rng.uniform(size=(options.strokes, brush.dim)).astype(np.float32)
    strokes[:, brush.index("size")] *= 0.2
    strokes[:, brush.index("y")] *= shape[0] / max(shape)

    def draw():
        return drawing.draw_strokes(Engine(brush), strokes, shape, canvas=(1.0, 1.0, 1.0))

    return {"height": shape[0], "width": shape[1], "strokes": options.strokes, "seconds": machine.median_seconds(draw)}


def _stages(options) -> list[dict[str, object]]:
    """Seconds of a painting of the astronaut by kind of stage, the second time it is painted."""
    image = np.asarray(machine.photograph("astronaut"), np.float32) / 255
    size = min(512, int(np.sqrt(options.pixels)))
    settings = jaxpaint.Settings(strokes=options.strokes, brush=options.brush, size=size, steps=200)
    plan = jaxpaint.painting.plan(settings, images.fitted_shape(*image.shape[:2], size))
    kinds = ["texture" if s.textured else "levels" if s.add else "rounds" if s.replace else "full size" for s in plan]
    for _ in range(2):
        seconds = dict.fromkeys(kinds, 0.0)
        start = time.perf_counter()
        for _, progress in jaxpaint.paint_stages(image, key=jax.random.key(0), settings=settings):
            now = time.perf_counter()
            seconds[kinds[progress.stage - 1]] += now - start
            start = now
    steps = {kind: sum(s.steps for s, k in zip(plan, kinds, strict=True) if k == kind) for kind in seconds}
    return [{"stage": kind, "steps": steps[kind], "seconds": spent} for kind, spent in seconds.items()]


if __name__ == "__main__":
    main()
