"""The report's figures 4 to 6: a stroke that does not overlap its target, pushed by L1 and by transport.

    python benchmarks/transport.py

Each brush's stroke and its target differ in place and size, but not in colour; gradient descent moves the stroke's
place alone, or all of its shape. Writes transport.json; transport.svg with the distance at each step, as far as there
is anything left of the stroke; and transport.png with one row for each of the table's: the stroke as it is moved, and
its target on the right.
"""

from __future__ import annotations

import argparse
import itertools
import pathlib
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import machine
import numpy as np
import optax

from jaxpaint import losses
from jaxpaint.brushes import BRUSHES, Brush
from jaxpaint.io import images
from jaxpaint.renderers import engine

LOSSES = {"L1": losses.l1, "transport": losses.transport}
MOVED = {"place": ("x", "y"), "shape": ("x", "y", "control", "size", "angle")}
RATE = 0.2
FRAMES = 6
# Where strokes start and end, in canvas sides.
START, END = (0.25, 0.7), (0.72, 0.3)


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--brushes", default=",".join(BRUSHES), help="names, with commas")
    parser.add_argument("--size", type=int, default=64, help="side of the canvas in pixels")
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--out", type=pathlib.Path, default=machine.RESULTS)
    options = parser.parse_args(argv)
    brushes = options.brushes.split(",")
    rows, sheet = [], []
    panels: dict[str, dict[str, list[float]]] = {f"{brush}: distance": {} for brush in brushes}
    for name, moved, loss in itertools.product(brushes, MOVED, LOSSES):
        row, distances, strip = _push(BRUSHES[name], moved, loss, options.size, options.steps)
        rows.append(row)
        panels[f"{name}: distance"][f"{loss}, {moved}"] = distances
        sheet.append(strip)
    machine.write("transport", rows, options.out, size=options.size, steps=options.steps, rate=RATE)
    machine.plot(options.out / "transport.svg", panels, end=f"step {options.steps}")
    images.write_image(options.out / "transport.png", np.concatenate(sheet))


def _push(
    brush: Brush, moved: str, loss: str, size: int, steps: int
) -> tuple[dict[str, object], list[float], np.ndarray]:
    """How far the stroke came, its distance at each step (NaN where there is next to none), and pictures of its way."""
    draw = _painter(brush, size)
    start, end = _stroke(brush, START, 0.25), _stroke(brush, END, 0.4)
    target = draw(end)
    moving = jnp.asarray(brush.mask(*MOVED[moved]), jnp.float32)
    # Not Adam, which makes long steps of a gradient that is next to nothing.
    optimizer = optax.sgd(RATE)
    slope = jax.grad(lambda stroke: LOSSES[loss](draw(stroke), target))

    def step(carry, _):
        stroke, state = carry
        update, state = optimizer.update(moving * slope(stroke), state)
        stroke = jnp.clip(optax.apply_updates(stroke, update), 0.0, 1.0)
        return (stroke, state), stroke

    _, way = jax.jit(lambda: jax.lax.scan(step, (start, optimizer.init(start)), length=steps))()
    way = jnp.concatenate([start[None], way])
    pictures = np.asarray(jax.jit(jax.vmap(draw))(way))
    distances = [_distance(picture, np.asarray(target)) for picture in pictures]
    errors = [float(losses.l1(jnp.asarray(picture), target)) for picture in pictures[[0, -1]]]
    frames = [*pictures[np.linspace(0, steps, FRAMES).astype(int)], np.asarray(target)]
    row = {
        "brush": brush.name,
        "moved": moved,
        "loss": loss,
        "distance at first": distances[0],
        "at last": distances[-1],
        "L1 at first": errors[0],
        "L1 at last": errors[1],
    }
    strip = [np.pad(frame, ((1, 1), (1, 1), (0, 0)), constant_values=0.5) for frame in frames]
    return row, [np.nan if d is None else d for d in distances], np.concatenate(strip, axis=1)


def _painter(brush: Brush, size: int) -> Callable[[jax.Array], jax.Array]:
    """A stroke to its picture on black."""
    render = engine(brush, size)

    def draw(stroke):
        foreground, alpha, *_ = render(stroke)
        return jnp.stack(foreground, axis=-1) * alpha[0][..., None]

    return draw


def _stroke(brush: Brush, position: tuple[float, float], length: float) -> jax.Array:
    """An orange stroke there, a third as wide as long."""
    each = (np.array([value], np.float32) for value in (position, 0.5, length, length / 3, (0.9, 0.5, 0.2), 1.0))
    return jnp.asarray(brush.lay(*each)[0], jnp.float32)


def _distance(picture: np.ndarray, target: np.ndarray) -> float | None:
    """Between the middles of their paint, in canvas sides; None where next to nothing of the stroke is left."""
    masses = [image.sum(axis=-1) for image in (picture, target)]
    if masses[0].sum() < 0.01 * masses[1].sum():
        return None
    at = (np.indices(masses[0].shape) + 0.5) / len(picture)
    middles = [(at * mass).sum(axis=(1, 2)) / mass.sum() for mass in masses]
    return float(np.linalg.norm(middles[0] - middles[1]))


if __name__ == "__main__":
    main()
