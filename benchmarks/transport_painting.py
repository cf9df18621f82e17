"""Painting by L2 alone and with transport: what the same time gives, from good and bad placing.

    python benchmarks/transport_painting.py
    python benchmarks/transport_painting.py --steps=120 --transport=0,0.000001,0.1,1 --name=transport_steps

Strokes start where `initialize.place` puts them on a white canvas (good); or anywhere, turned anyhow and in any colour,
of the same size (random); or the same in the middle, a quarter as far apart (heap). They are fitted by L2 plus so much
of transport. All get the same seconds: how long a step takes with each weight is measured first, by turns, and a fit
has as many steps as they allow; or, by --steps, all have as many. With any transport, windows are of 64 pixels, not 16,
and a stroke that hurries out of its windows is seen farther: a weight of next to nothing tells what that alone does.
Strokes have the average of their texture, in fit and drawing.

Writes NAME.json (with the PSNR of the drawing after every few steps), NAME.svg (the same as curves over the seconds, or
steps) and NAME.png (a row for each photograph and placing: the picture, the strokes as they start, and what each weight
makes of them) to --out.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import pathlib
from collections.abc import Callable, Iterator, Sequence

import machine
import numpy as np

from jaxpaint import metrics, optimize, painter, pictures, runtime
from jaxpaint.brushes import BRUSHES, Brush
from jaxpaint.io import images
from jaxpaint.optimize import initialize
from jaxpaint.raster import forward
from jaxpaint.renderers import Engine
from jaxpaint.settings import Settings

PLACINGS = ("good", "random", "heap")
# Moments of the curves.
MOMENTS = 101

Fitted = tuple[int, np.ndarray]


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", default="astronaut,coffee", help="names or paths, with commas")
    parser.add_argument("--placings", default=",".join(PLACINGS), help="names, with commas")
    parser.add_argument("--transport", default="0,0.1,1", help="its weights beside an L2 of 1, with commas")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each fit")
    parser.add_argument("--steps", type=int, default=0, help="of each fit, in place of the seconds")
    parser.add_argument("--strokes", type=int, default=500)
    parser.add_argument("--size", type=int, default=256, help="long side in pixels")
    parser.add_argument("--brush", default="oilpaintbrush", choices=BRUSHES)
    parser.add_argument("--name", default="transport_painting", help="of the files in --out")
    parser.add_argument("--out", type=pathlib.Path, default=machine.RESULTS)
    options = parser.parse_args(argv)
    runtime.use_all_cores()
    weights = [float(weight) for weight in options.transport.split(",")]
    settings = Settings(strokes=options.strokes, size=options.size, brush=options.brush)
    model = Engine(BRUSHES[options.brush], flat=True)
    gflops = machine.matrix_product_gflops()
    rows, curves, sheet = [], [], []
    for photo, placed in itertools.product(options.photos.split(","), options.placings.split(",")):
        image = machine.picture(photo)
        target = pictures.resize(image, pictures.fitted_shape(*image.shape[:2], options.size))
        start = _place(placed, model.brush, target, options.strokes)
        draw = functools.partial(forward.draw_strokes, model, shape=target.shape[:2], canvas=settings.canvas_rgb)
        fits = [functools.partial(_fit, model, target, start, settings, weight) for weight in weights]
        lengths = [options.steps] * len(fits) if options.steps else _lengths(fits, options.seconds)
        strip = [target, draw(start)]
        for weight, fit, steps in zip(weights, fits, lengths, strict=True):
            way = [(step, draw(strokes)) for step, strokes in fit(steps)]
            strip.append(way[-1][1])
            close = [metrics.closeness(picture, target) for _, picture in way]
            about = {"photo": photo, "placing": placed, "transport": weight}
            row = {"steps": steps, "psnr at first": close[0]["psnr"], "at last": close[-1]["psnr"]}
            rows.append(about | row | {"ssim": close[-1]["ssim"]})
            curves.append(about | {"step": [step for step, _ in way], "psnr": [each["psnr"] for each in close]})
            print(machine.table(rows[-1:]).splitlines()[-1], flush=True)
        sheet.append(strip)
    machine.write(options.name, rows, options.out, gflops=gflops, curves=curves)
    end = f"step {options.steps}" if options.steps else f"{options.seconds:g} s"
    machine.plot(options.out / f"{options.name}.svg", _panels(curves), end=end)
    images.write_image(options.out / f"{options.name}.png", machine.contact_sheet(sheet, options.size))


def _place(placed: str, brush: Brush, target: np.ndarray, count: int) -> np.ndarray:
    """The strokes at first, all to cover the picture twice."""
    rng, shape = np.random.default_rng(0), np.array(target.shape[:2])
    size = initialize.stroke_size(target.shape[:2], count)
    if placed == "good":
        return initialize.place(brush, target, np.ones_like(target), count, initialize.Layout(size), rng=rng)
    spread = 0.25 if placed == "heap" else 1.0
    position = (0.5 + spread * rng.uniform(-0.5, 0.5, (count, 2))) * shape[::-1] / shape.max()
    extents = size * rng.uniform(0.7, 1.3, (2, count))
    parts = (position, rng.uniform(0, 2 * np.pi, count), *extents, rng.uniform(size=(count, 3)), np.full(count, 0.95))
    return brush.lay(*(np.asarray(part, np.float32) for part in parts)).astype(np.float32)


def _fit(
    model: Engine, target: np.ndarray, strokes: np.ndarray, settings: Settings, transport: float, steps: int
) -> Iterator[Fitted]:
    """Fits the strokes: steps taken and strokes, before the first and after every few."""
    problem = optimize.Problem(
        target=target,
        canvas=np.ones_like(target),
        weights={"l2": 1.0, "transport": transport},
        bounds=painter.bounds(settings, target.shape[:2]),
        softness=settings.softness,
    )
    moments = optimize.initial(optimize.ADAM, strokes)
    rates = optimize.cosine(settings.learning_rate, 0.05 * settings.learning_rate, steps)
    yield 0, strokes
    for step, some in zip(range(0, steps, optimize.CHUNK), optimize.chunks(rates), strict=True):
        strokes, moments, _ = optimize.descend(model, strokes, moments, problem, rates=some)
        yield step + len(some), strokes


def _lengths(fits: Sequence[Callable[[int], Iterator[Fitted]]], seconds: float) -> list[int]:
    """How many steps of each take so long, once it is compiled."""
    chunks = [functools.partial(lambda fit: list(fit(optimize.CHUNK)), fit) for fit in fits]
    paces = machine.alternating_seconds(chunks, repeats=3)
    return [max(1, round(optimize.CHUNK * seconds / pace)) for pace in paces]


def _panels(curves: Sequence[dict]) -> dict[str, dict[str, np.ndarray]]:
    """A panel for each photograph and placing, a curve for each weight; all curves are as long."""
    panels: dict[str, dict[str, np.ndarray]] = {}
    for curve in curves:
        title = f"PSNR of {curve['photo']}, {curve['placing']} placing"
        at = np.linspace(0, curve["step"][-1], MOMENTS)
        panels.setdefault(title, {})[f"transport {curve['transport']:g}"] = np.interp(at, curve["step"], curve["psnr"])
    return panels


if __name__ == "__main__":
    main()
