"""The figures of concepts.md, looks.md, exports.md and extending.md.

    python docs/figures.py
    python docs/figures.py --only=light,tiles --work=/tmp/figures

Paints the astronaut twice, some minutes of two cores, and writes docs/images/concept_NAME.jpg. --work
names a folder that keeps the paintings for the next call.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import pathlib
import re
import tempfile
import zipfile
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import matplotlib
import numpy as np
import optax
import resvg_py
import trimesh
from matplotlib import pyplot as plt
from matplotlib.colors import hsv_to_rgb
from matplotlib.figure import Figure
from panels import (
    ACCENT,
    FILBERT,
    INK,
    QUIET,
    RAMP,
    WIDTH,
    curve,
    outline,
    pale,
    panels,
    pixels,
    save,
    show,
    slanted,
)
from PIL import Image

import jaxpaint
from jaxpaint import attention, directions, drawing, optimize, pictures, runtime, toolpaths
from jaxpaint.brushes import BRUSHES, Look, nowhere
from jaxpaint.brushes.base import HAIR
from jaxpaint.io.exports.plotters import drawn as draw_plan
from jaxpaint.optimize.initialize import stroke_size
from jaxpaint.painter import CANDIDATE, Painter, generator, underpainting
from jaxpaint.raster import lighting
from jaxpaint.raster.tiling import Grid, bin_strokes
from jaxpaint.raster.windowed import Windows
from jaxpaint.renderers import engine

HERE = pathlib.Path(__file__).parent
SETTINGS = jaxpaint.Settings(strokes=600, steps=160, size=384)
GIVEN = "#1d3557,#e63946,#f4a261,#f1faee,#141414"
# An example of a stroke: from the lower left to the upper right, dark to light.
STROKE = np.float32([0.14, 0.76, 0.12, 0.9, 0.86, 0.26, 0.26, 0.44, 0.36, 0.17, 0.09, 0.89, 0.62, 0.30, 0.37])


@dataclasses.dataclass
class Example:
    """The photograph, its painting, and the painting after its two levels."""

    work: pathlib.Path | None
    photo: np.ndarray
    finished: jaxpaint.Painting
    early: jaxpaint.Painting


def main() -> None:
    """Draws the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default=",".join(FIGURES), help="names of figures, with commas")
    parser.add_argument("--work", type=pathlib.Path, help="a folder that keeps the painting")
    parser.add_argument("--out", type=pathlib.Path, default=HERE / "images")
    options = parser.parse_args()
    runtime.use_all_cores()
    runtime.keep_compilations()
    matplotlib.use("agg")
    plt.rcParams.update(
        {
            "font.family": "DejaVu Sans",
            "font.size": 8.5,
            "axes.titlesize": 8.5,
            "text.color": INK,
            "axes.labelcolor": INK,
            "axes.edgecolor": QUIET,
            "axes.linewidth": 0.7,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "xtick.color": INK,
            "ytick.color": INK,
        }
    )
    example = painted(options.work)
    for name in options.only.split(","):
        save(FIGURES[name](example), options.out / f"concept_{name}.jpg")


def painted(work: pathlib.Path | None) -> Example:
    """Paints the astronaut, unless the folder has its paintings."""
    photo = jaxpaint.read_image(HERE.parent / "examples" / "astronaut.png")
    stages: dict[int, jaxpaint.Painting] = {}

    def stage(number: int) -> jaxpaint.Painting:
        for painting, progress in () if stages else jaxpaint.paint_stages(photo, key=0, settings=SETTINGS):
            stages[progress.stage] = painting
            print(progress, flush=True)
        return stages[number] if number else stages[max(stages)]

    return Example(work, photo, kept(work, "finished", lambda: stage(0)), kept(work, "early", lambda: stage(2)))


def kept(work: pathlib.Path | None, name: str, paint: Callable[[], jaxpaint.Painting]) -> jaxpaint.Painting:
    """A painting that the folder has, or that is painted and put there."""
    path = work / f"{name}.npz" if work else None
    if path and path.exists():
        return jaxpaint.load_painting(path)
    painting = paint()
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        jaxpaint.save_painting(path, painting)
    return painting


def stroke(example: Example) -> Figure:
    """One stroke: its parameters, and drawings of three sizes."""
    settings = dataclasses.replace(SETTINGS, strokes=1, ground="none")
    alone = dataclasses.replace(example.finished, strokes=STROKE[None], height=512, width=512, settings=settings)
    figure = plt.figure(figsize=(WIDTH, 3.15))
    left = figure.add_axes((0.005, 0.01, 0.44, 0.98))
    left.imshow(jaxpaint.draw(alone, size=800), extent=(0, 1, 1, 0), interpolation="lanczos")
    left.set(xlim=(0, 1), ylim=(1, 0))
    left.axis("off")
    ends, way = STROKE[[0, 4]], STROKE[[1, 5]]
    middle = STROKE[0:2] + (STROKE[4:6] - STROKE[0:2]) * STROKE[2:4]
    line = {"color": ACCENT, "linewidth": 1.1}
    left.plot([ends[0], middle[0], ends[1]], [way[0], middle[1], way[1]], ":", **line)
    left.plot(*curve(STROKE, np.linspace(0, 1, 60)).T, color="white", linewidth=1.2)
    left.plot([*ends, middle[0]], [*way, middle[1]], "o", color="white", markeredgecolor=ACCENT, markersize=5)
    for end, radius, along in ((0, STROKE[6], middle - STROKE[0:2]), (1, STROKE[7], STROKE[4:6] - middle)):
        along = along / np.hypot(*along)
        across = np.array([-along[1], along[0]]) * (HAIR + radius / 4)
        at = np.array([ends[end], way[end]])
        left.annotate("", at + across, at, arrowprops={"arrowstyle": "->", "color": "white", "linewidth": 1.1})
    for text, at, color in (
        ("(x0, y0)\ncolour R0 G0 B0", (0.03, 0.93), INK),
        ("(x2, y2)\ncolour R2 G2 B2", (0.66, 0.055), INK),
        ("(x1, y1)", (0.04, 0.235), INK),
    ):
        left.text(*at, text, color=color, va="center", linespacing=1.3)
    for text, at in (("r0", (0.235, 0.78)), ("r2", (0.905, 0.40))):
        left.text(*at, text, color=INK, ha="left", va="center")
    names = list(FILBERT.fields)
    for row, chosen in enumerate((range(0, 8), range(8, 15))):
        for column, number in enumerate(chosen):
            x, y = 0.5 + 0.061 * column, 0.90 - 0.17 * row
            figure.text(x, y, names[number], ha="center", color=ACCENT)
            figure.text(x, y - 0.065, f"{STROKE[number]:.2f}", ha="center")
    figure.text(0.475, 0.545, "The same 15 numbers, drawn at")
    for column, size in enumerate((16, 64, 512)):
        axes = figure.add_axes((0.475 + 0.175 * column, 0.095, 0.165, 0.165 * WIDTH / 3.15))
        show(axes, jaxpaint.draw(alone, size=size), "", interpolation="nearest" if size < 512 else "lanczos")
        axes.set_xlabel(f"{size} × {size}", labelpad=3)
    return figure


def tiles(example: Example) -> Figure:
    """The strokes that reach one tile, and the blending of that tile."""
    painting, size, tile = example.finished, SETTINGS.size, 16
    grid, row, column = Grid(size, size, tile), 8, 9
    near = bin_strokes(FILBERT, painting.strokes, grid, margin=1.0)
    chosen = row * grid.columns + column
    count = int(near.counts[chosen])
    here = painting.strokes[near.ids[chosen, :count]]
    figure = plt.figure(figsize=(WIDTH, 3.25))
    left = figure.add_axes((0.005, 0.01, 0.425, 0.90))
    flat = drawing.draw_flat(painting, size=size)
    show(left, pale(flat, 0.5), f"A tile, and the {count} strokes that reach it")
    for at in np.arange(1, grid.columns) / grid.columns:
        left.axhline(at, color="white", linewidth=0.4)
        left.axvline(at, color="white", linewidth=0.4)
    outline(left, here, size=256, linewidths=0.7)
    side = grid.side
    place = (column * side, row * side)
    left.add_patch(plt.Rectangle(place, side, side, facecolor="white", edgecolor=INK, linewidth=1.6, zorder=5))
    shown = [0, 1, *np.unique(np.linspace(3, count, 4).astype(int)).tolist()]
    for number, stop in enumerate(shown):
        x, y = 0.465 + 0.18 * (number % 3), 0.515 - 0.505 * (number // 3)
        axes = figure.add_axes((x, y, 0.17, 0.17 * WIDTH / 3.25))
        part = dataclasses.replace(painting, strokes=here[:stop], settings=SETTINGS)
        part = drawing.relit(part, {"wet": 0.0})
        canvas = drawing.draw_flat(part, size=size) if stop else np.ones((size, size, 3))
        label = "before" if stop == 0 else f"{stop} stroke{'s' * (stop > 1)}" if stop < count else f"all {count}"
        cut = canvas[row * tile : (row + 1) * tile, column * tile : (column + 1) * tile]
        show(axes, cut, label, interpolation="nearest")
    return figure


def gradient(example: Example) -> Figure:
    """One stroke that gradient descent moves to its place."""
    del example
    size, rates = 96, optimize.cosine(0.03, 0.003, 121)
    render = engine(FILBERT, size, look=Look(flat=True), softness=1.0)
    target = STROKE.copy()
    start = np.float32([0.30, 0.50, 0.5, 0.5, 0.66, 0.50, 0.24, 0.24, *[0.55, 0.5, 0.45] * 2, 0.37])
    # Positions and sizes take smaller steps, as in a fit.
    scale = np.where(FILBERT.mask("x", "y", "size"), 0.5, 1.0)

    def picture(parameters: jax.Array) -> jax.Array:
        foreground, (alpha,), *_ = render(parameters)
        return jnp.stack([1.0 + alpha * (plane - 1.0) for plane in foreground], axis=-1)

    wanted = picture(jnp.asarray(target))
    value_and_grad = jax.jit(jax.value_and_grad(lambda each: ((picture(each) - wanted) ** 2).mean()))
    descent, now, ways, losses = optax.scale_by_adam(b1=0.9, b2=0.99, eps=1e-12), jnp.asarray(start), [], []
    state = descent.init(now)
    for rate in rates:
        value, slope = value_and_grad(now)
        ways.append((np.asarray(now), np.asarray(slope)))
        losses.append(float(value))
        update, state = descent.update(slope, state)
        now = jnp.clip(now - rate * scale * update, 0.0, 1.0)
    figure, axes = panels(4, plot=0.9)
    for axis, step in zip(axes, (0, 20, 40, 120), strict=False):
        parameters, slope = ways[step]
        show(axis, np.asarray(picture(jnp.asarray(parameters))), f"step {step}")
        outline(axis, target[None], size=size, linewidths=1.2)
        for x, y in ((0, 1), (4, 5)) if step < 100 else ():
            at, way = parameters[[x, y]], -slope[[x, y]]
            tip = at + 0.16 * way / max(np.hypot(*way), 1e-9)
            axis.annotate("", tip, at, arrowprops={"arrowstyle": "-|>", "color": INK, "linewidth": 1.0})
    last = axes[-1]
    last.plot(losses, color=ACCENT, linewidth=1.4)
    last.set(title="squared error", xticks=[0, 40, 80, 120], yticks=[0, 0.02, 0.04, 0.06], ylim=(0, None))
    last.set_xlabel("step", labelpad=1)
    last.tick_params(labelsize=7.5)
    return figure


def gain(example: Example) -> Figure:
    """Candidates where the canvas is wrong, and the gains that decide what stays."""
    early, rng = example.early, generator(jax.random.key(0), 2)
    painter = Painter.of(SETTINGS, example.photo.shape[:2])
    target = pictures.resize(example.photo, (192, 192))
    form = directions.varied(directions.form(example.photo))
    problem = painter.problem(target, softness=1.0, importance=attention.importance(example.photo), form=form)
    canvas = painter.draw(early.strokes, problem.shape)
    layout = painter.layout(CANDIDATE * stroke_size(problem.shape, SETTINGS.strokes))
    placed = painter.place(problem, canvas, 180, layout, rng=rng, form=form)
    model, strokes = painter.engine(flat=True), early.strokes
    tried = np.concatenate([placed, nowhere(FILBERT, len(strokes) - len(placed))])
    state, alone = optimize.initial(optimize.ADAM, tried), problem._replace(canvas=canvas)
    for rates in optimize.chunks(optimize.cosine(0.03, 0.006, 40)):
        tried, state, _ = optimize.descend(model, tried, state, alone, rates=rates, everywhere=False)
    every = np.concatenate([strokes, tried[: len(placed)]])
    gains = optimize.leave_one_out_gains(model, every, problem)
    kept = underpainting(SETTINGS)
    order = np.argsort(np.where(np.arange(len(every)) < kept, np.inf, gains), kind="stable")[::-1]
    figure, axes = panels(2, plot=1.0)
    error = np.abs(target - canvas).mean(axis=-1)
    show(axes[0], error / np.quantile(error, 0.995), "error of the canvas", cmap=RAMP)
    show(axes[1], canvas, f"{len(placed)} candidates, fitted alone")
    outline(axes[1], tried[: len(placed)], colors="white", linewidths=1.7)
    outline(axes[1], tried[: len(placed)], linewidths=0.8)
    # The underpainting stays, whatever its gain.
    shown, floor = order[kept:], 1e-3
    values, new = np.maximum(gains[shown], floor), shown >= len(strokes)
    bins = np.geomspace(floor, 100, 26)
    colors, labels = [QUIET, ACCENT], ["strokes", "candidates"]
    axes[2].hist([values[~new], values[new]], bins, stacked=True, color=colors, label=labels, rwidth=0.86)
    least = gains[order[len(strokes) - 1]]
    axes[2].axvline(least, color=INK, linewidth=0.9, linestyle="--")
    top = axes[2].get_xaxis_transform()
    axes[2].text(least * 0.8, 0.99, "go", ha="right", va="top", transform=top)
    axes[2].text(least * 1.25, 0.99, "stay", va="top", transform=top)
    axes[2].set(xscale="log", title="gain of each", yticks=[0, 50, 100], xlim=(floor * 0.9, 110))
    axes[2].minorticks_off()
    axes[2].set_xticks([0.001, 0.01, 0.1, 1, 10, 100], ["≤.001", ".01", ".1", "1", "10", "100"])
    axes[2].set_xlabel("squared error that the stroke removes", labelpad=1, size=7.5)
    axes[2].tick_params(labelsize=7.5)
    axes[2].legend(frameon=False, loc=(0.5, 0.75), handlelength=0.8, borderaxespad=0, fontsize=7.5)
    won = int((order[: len(strokes)] >= len(strokes)).sum())
    print(f"gain: {won} of {len(placed)} candidates stay")
    return figure


def stages(example: Example) -> Figure:
    """The lowest strokes of a painting, more and more of them."""
    painting, under = example.finished, underpainting(SETTINGS)
    figure, axes = panels(4)
    titles = (f"{under}: the underpainting", "100 strokes", "300 strokes", "all 600")
    for axis, count, title in zip(axes, (under, 100, 300, 600), titles, strict=True):
        show(axis, jaxpaint.draw(dataclasses.replace(painting, strokes=painting.strokes[:count]), size=480), title)
    return figure


def direction(example: Example) -> Figure:
    """Weights and directions of a photograph, and the strokes that follow."""
    photo, strokes = example.photo, example.finished.strokes
    figure, axes = panels(4)
    show(axes[0], photo, "photograph")
    weight = attention.importance(photo)
    show(axes[1], weight / weight.max(), "weight of an error", cmap=RAMP)
    form = directions.form(photo)
    show(axes[2], pale(photo, 0.3), "directions")
    show(axes[3], pale(photo, 0.3), "strokes")
    at = np.arange(4, directions.SIZE, 8)
    x, y = np.meshgrid(at, at)
    found = form[y, x]
    sure, angle = np.linalg.norm(found, axis=-1), directions.angle(found)
    for column, row, length, turn in zip(x.ravel(), y.ravel(), sure.ravel(), angle.ravel(), strict=True):
        way = np.array([np.cos(turn), np.sin(turn)]) * 0.016 * (0.25 + 0.75 * length)
        middle = np.array([column, row]) / directions.SIZE
        ends = np.stack([middle - way, middle + way])
        axes[2].plot(*ends.T, color=ACCENT, linewidth=0.9, solid_capstyle="butt")
    for each in strokes[underpainting(SETTINGS) :]:
        axes[3].plot(*curve(each, np.linspace(0, 1, 12)).T, color=ACCENT, linewidth=0.7)
    for axis in axes[2:]:
        axis.set(xlim=(0, 1), ylim=(1, 0))
    return figure


def light(example: Example) -> Figure:
    """A detail: its colours, its heights, and two lights."""
    size, side = 1300, 330
    cut = (slice(130, 130 + side), slice(430, 430 + side))
    layers = drawing.draw_layers(example.finished, size=size)
    dry = drawing.draw_flat(drawing.relit(example.finished, {"wet": 0.0}), size=size)
    heights = layers[..., 3]

    def lit(angle: float, relief: float) -> np.ndarray:
        return lighting.shone_on(layers[..., :3], heights, relief=relief, light=angle, gloss=1.0)[cut]

    low, high = np.quantile(heights[cut], [0.01, 0.99])
    figure, axes = panels(5)
    show(axes[0], dry[cut], "dry colours")
    show(axes[1], layers[..., :3][cut], "wet into wet")
    show(axes[2], (heights[cut] - low) / (high - low), "height", cmap="gray")
    show(axes[3], lit(135.0, 1.0), "light from the left")
    show(axes[4], lit(45.0, 2.0), "right, relief 2")
    return figure


def windows(example: Example) -> Figure:
    """A stroke by the engine and by two networks; the windows of some strokes on the canvas."""
    figure, axes = panels(4)
    oil = BRUSHES["oilpaintbrush"]
    vector = np.float32([0.5, 0.5, 0.22, 0.72, 0.17, 0.36, 0.17, 0.09, 0.89, 0.62, 0.30, 0.37])

    def laid(foreground: np.ndarray, alpha: np.ndarray) -> np.ndarray:
        return 1.0 - alpha + alpha * foreground / np.maximum(alpha, 1e-3) * (alpha > 0.05)

    drawn = jax.jit(engine(oil, 512, look=Look(flat=True)))(vector)
    alpha = np.asarray(drawn.alpha[0])[..., None]
    show(axes[0], 1.0 + alpha * (np.stack(drawn.foreground, axis=-1) - 1.0), "engine, any size")
    for axis, name in zip(axes[1:], ("light", "lite"), strict=False):
        foreground, alpha = jaxpaint.load_renderer(name)(vector[None])
        foreground, alpha = (np.clip(np.asarray(each[0]), 0, 1) for each in (foreground, alpha))
        size = foreground.shape[0]
        show(axis, laid(foreground, alpha), f"{name}, {size} × {size}", interpolation="nearest")
    painting = example.finished
    painter = Painter.of(SETTINGS, example.photo.shape[:2])
    target = pictures.resize(example.photo, (SETTINGS.size, SETTINGS.size))
    found = Windows.of(FILBERT, painting.strokes, painter.problem(target, softness=0.0))
    some = apart(found.origins, found.sides[:, 0], count=9)
    show(axes[3], pale(drawing.draw_flat(painting, size=SETTINGS.size), 0.4), "each in its own window")
    outline(axes[3], painting.strokes[some], size=256, linewidths=1.0)
    for origin, side in zip(found.origins[some], found.sides[some, 0], strict=True):
        axes[3].add_patch(plt.Rectangle(origin, side, side, fill=False, edgecolor=INK, linewidth=0.9))
    axes[3].set(xlim=(0, 1), ylim=(1, 0))
    return figure


def apart(corners: np.ndarray, sides: np.ndarray, *, count: int) -> list[int]:
    """Numbers of squares within the picture that do not overlap, of all sizes."""
    chosen: list[int] = []
    for size in np.geomspace(0.22, 0.04, count):
        for number in np.argsort(np.abs(np.log(sides / size))):
            low, high = corners[number] - 0.01, corners[number] + sides[number] + 0.01
            if low.min() < 0 or high.max() > 1:
                continue
            if all((low > corners[n] + sides[n]).any() or (high < corners[n]).any() for n in chosen):
                chosen.append(int(number))
                break
    return chosen


def rake(example: Example) -> Figure:
    """Strokes of the brush that extending.md adds, and the astronaut in it."""
    code = re.search(r"`jaxpaint/brushes/rake.py`:\n\n```python\n(.*?)```", (HERE / "extending.md").read_text(), re.S)
    assert code is not None
    found: dict[str, Any] = {}
    exec(code[1], found)
    brush = BRUSHES["rake"] = found["BRUSH"]
    settings = jaxpaint.Settings(brush="rake", strokes=800, steps=120)
    painting = kept(example.work, "rake", lambda: jaxpaint.paint(example.photo, key=0, settings=settings))
    figure, axes = panels(2, ratio=0.64)
    colors = np.float32([[0.54, 0.29, 0.16], [0.89, 0.62, 0.30], [0.25, 0.33, 0.42]])
    heading, one = np.float32([0.12, -0.06, 0.08]), np.ones(3, np.float32)
    position = np.float32([[0.5, 0.12], [0.5, 0.33], [0.5, 0.52]])
    strokes = brush.lay(position, heading, 0.8 * one, 0.13 * one, colors, one)
    sample = dataclasses.replace(painting, strokes=np.float32(strokes), height=320, width=500)
    show(axes[0], drawing.draw_flat(sample, size=700), "three strokes")
    show(axes[1], drawing.draw_flat(painting, size=700)[:448], "800 strokes")
    return figure


def palette(example: Example) -> Figure:
    """A painting in any colours, in eight, and in five that were given; the swatches of the eight."""
    figure, axes, paintings = *panels(4), []
    show(axes[0], jaxpaint.draw(example.finished, size=480), "any colours")
    for axis, name, colors in ((axes[1], "8 colours", "8"), (axes[3], "5 given colours", GIVEN)):
        settings = dataclasses.replace(SETTINGS, palette=colors)
        paint = functools.partial(jaxpaint.paint, example.photo, key=0, settings=settings)
        paintings.append(kept(example.work, name, paint))
        show(axis, jaxpaint.draw(paintings[-1], size=480), name)
    with tempfile.TemporaryDirectory() as folder:
        jaxpaint.export(paintings[0], f"{folder}/a_palette.png")
        show(axes[2], jaxpaint.read_image(f"{folder}/a_palette.png"), "the 8 colours")
    return figure


def steering(example: Example) -> Figure:
    """Directions as hues, and strokes along a map of them; what is around a head, painted anew in broad strokes."""
    figure, axes = panels(5)
    row, column = np.indices((480, 480), np.float32) / 479 - 0.5
    turn, away = np.arctan2(-row, column), np.hypot(row, column)
    # A direction and its opposite have one hue.
    hues = hsv_to_rgb(np.stack([2 * turn / (2 * np.pi) % 1.0, np.ones_like(turn), np.ones_like(turn)], axis=-1))
    ring = ((away > 0.3) & (away < 0.46))[..., None]
    show(axes[0], np.where(ring, hues, 1.0), "hue: direction")
    for angle in np.arange(0, np.pi, np.pi / 8):
        way = np.array([np.cos(angle), -np.sin(angle)])
        axes[0].plot(*(0.5 + np.outer([-0.28, 0.28], way)).T, color=INK, linewidth=1.2, solid_capstyle="round")
    circles = hsv_to_rgb(np.stack([(2 * turn + np.pi) / (2 * np.pi) % 1.0, *2 * [np.ones_like(turn)]], axis=-1))
    show(axes[1], circles, "--flow")
    form = directions.steered(directions.of_hues(circles.astype(np.float32)), example.photo)
    along = dataclasses.replace(SETTINGS, direction=10.0)
    paint = functools.partial(jaxpaint.paint, example.photo, key=0, settings=along, form=form)
    show(axes[2], jaxpaint.draw(kept(example.work, "circles", paint), size=480), "strokes along it")
    head = np.hypot((column + 0.05) / 0.16, (row + 0.25) / 0.22)
    show(axes[3], jaxpaint.draw(example.finished, size=480), "--region: outside")
    axes[3].contour(column[0] + 0.5, row[:, 0] + 0.5, head, levels=[1.0], colors="white")
    broad = dataclasses.replace(SETTINGS, min_size=0.05)
    anew = functools.partial(jaxpaint.repaint, example.finished, example.photo, strokes=120, settings=broad)
    paint = functools.partial(anew, mask=(head > 1).astype(np.float32), key=0)
    show(axes[4], jaxpaint.draw(kept(example.work, "outside", paint), size=480), "in 120 strokes")
    return figure


def exports(example: Example) -> Figure:
    """A painting for other programs: as SVG, two of its layers, and centre lines."""
    painting = example.finished
    figure, axes = panels(5)
    show(axes[0], jaxpaint.draw(painting, size=480), "painting")
    with tempfile.TemporaryDirectory() as folder:
        for axis, title, options in ((axes[1], "SVG", {}), (axes[4], "centre lines", {"centerlines": True})):
            jaxpaint.export(painting, f"{folder}/a.svg", **options)
            drawn = resvg_py.svg_to_bytes(svg_path=f"{folder}/a.svg", width=480, height=480)
            show(axis, pixels(bytes(drawn))[..., :3], title)
        jaxpaint.export(painting, f"{folder}/a.ora", size=480, layers=4)
        with zipfile.ZipFile(f"{folder}/a.ora") as archive:
            for axis, number, title in ((axes[2], 2, "layer 2 of 4"), (axes[3], 4, "layer 4 of 4")):
                layer = pixels(archive.read(f"data/layer{number:03d}.png"))
                checks = 1.0 - 0.12 * ((np.indices((480, 480)) // 20).sum(axis=0) % 2)[..., None]
                show(axis, layer[..., 3:] * layer[..., :3] + (1.0 - layer[..., 3:]) * checks, title)
    return figure


def maps(example: Example) -> Figure:
    """A painting's maps, and its relief as a mesh, as 3D programs read them."""
    figure, axes = panels(5)
    with tempfile.TemporaryDirectory() as folder:
        for axis, name in zip(axes, ("flat", "height", "normal"), strict=False):
            path = pathlib.Path(folder, f"a_{name}.png")
            jaxpaint.export(example.finished, path, size=480, depth=5.0)
            picture = np.asarray(Image.open(path), np.float32)
            show(axis, picture / picture.max(), path.name[1:], cmap="gray")
        for axis, ending in zip(axes[3:], (".stl", ".glb"), strict=True):
            path = pathlib.Path(folder, f"a{ending}")
            jaxpaint.export(example.finished, path, detail=240, depth=5.0)
            slanted(axis, trimesh.load(path, force="mesh"), ending)
    return figure


def plotters(example: Example) -> Figure:
    """What a painting robot and a pen plotter make of a painting, and what the plotter draws with one of its pens."""
    figure, axes = panels(4)
    show(axes[0], jaxpaint.draw(example.finished, size=480), "painting")
    robot = toolpaths.plan_of(example.finished, toolpaths.Options())
    pen = toolpaths.plan_of(example.finished, toolpaths.Options(colors=8, pen_mm=0.5, hatch_mm=1.2, width_mm=150.0))
    dark = pen._replace(steps=tuple(step for step in pen.steps if step.color == len(pen.colors) - 1))
    for axis, plan, title in ((axes[1], robot, "robot"), (axes[2], pen, "pens"), (axes[3], dark, "the darkest pen")):
        show(axis, draw_plan(plan, 480), title)
    return figure


FIGURES: dict[str, Callable[[Example], Figure]] = {
    "stroke": stroke,
    "tiles": tiles,
    "gradient": gradient,
    "gain": gain,
    "stages": stages,
    "directions": direction,
    "light": light,
    "windows": windows,
    "rake": rake,
    "palette": palette,
    "steering": steering,
    "exports": exports,
    "maps": maps,
    "plotters": plotters,
}


if __name__ == "__main__":
    main()
