"""Style transfer: photographs × styles × settings, what each came to, and how it looks.

    python benchmarks/styling.py
    python benchmarks/styling.py --name=figure8 --photos=astronaut,coffee,china --styles=swirls,ink \\
        --config.laplacian=0,0.1,0.3,1,3
    python benchmarks/styling.py --name=laplacian_forms --config.laplacian_form=picture,features,both
    python benchmarks/styling.py --name=style_losses --config.style_loss=gram,moments

Any setting may be a list, with commas: each combination is a run. Photographs are painted first, as `bin/stylize` does.
Writes NAME.json (with the total loss and the PSNR to the painting as it was at every step), NAME.svg (the same as
curves, each the mean over photographs and styles) and NAME.png (a row for a photograph and a setting: the photograph,
and to its right its styles; above, the style pictures; of each, the middle) to --out.

`edges` is the correlation of the brightness's gradient magnitudes with those of the painting as it was; `gram` and
`moments` are the distances to the style, as the losses of those names measure them, whichever was descended.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
import pathlib
import time
from collections.abc import Sequence

import jax
import machine
import numpy as np
import styles

import jaxpaint
from jaxpaint import losses, pictures, runtime, styling
from jaxpaint.io import images, weights
from jaxpaint.settings import StyleSettings

LAYERS = ("relu1_2", "relu2_2", "relu3_3", "relu4_3")
HEIGHT = 288


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--photos", default="astronaut,coffee,chelsea,china,flower", help="names or paths, with commas")
    parser.add_argument("--styles", default=",".join(styles.STYLES), help="names or paths, with commas")
    parser.add_argument("--strokes", type=int, default=0, help="how many; 0: as suits the style")
    parser.add_argument("--size", type=int, default=512, help="long side in pixels")
    parser.add_argument("--name", default="styling", help="of the files in --out")
    parser.add_argument("--out", type=pathlib.Path, default=machine.RESULTS)
    options, others = parser.parse_known_args(argv)
    varied = dict(_varied(parser, text) for text in others)
    runtime.use_all_cores()
    pictures = {pathlib.Path(name).stem: _style(name) for name in options.styles.split(",")}
    rows, curves, sheet = [], [], [[np.ones((1, 1, 3), np.float32), *pictures.values()]]
    gflops = machine.matrix_product_gflops()
    for photo in options.photos.split(","):
        photograph = machine.picture(photo)
        paintings = {name: _painted(photograph, style, options) for name, style in pictures.items()}
        for values in itertools.product(*varied.values()):
            variant = dict(zip(varied, values, strict=True))
            strip = [photograph]
            for name, picture in pictures.items():
                row, curve, canvas = _run(paintings[name], picture, StyleSettings.from_config(variant))
                about = {"photo": photo, "style": name, **variant}
                rows.append(about | row)
                curves.append(about | curve)
                strip.append(canvas)
                print(machine.table(rows[-1:]).splitlines()[-1], flush=True)
            sheet.append(strip)
            squares = [[_square(picture) for picture in row] for row in sheet]
            images.write_image(_made(options.out) / f"{options.name}.png", machine.contact_sheet(squares, HEIGHT))
    machine.write(options.name, rows, options.out, gflops=gflops, curves=curves)
    machine.plot(options.out / f"{options.name}.svg", {name: _mean(curves, varied, name) for name in ("loss", "psnr")})


def _mean(curves: Sequence[dict], varied: dict[str, list], name: str) -> dict[str, np.ndarray]:
    """Each combination of settings' curve, averaged over photographs and styles."""
    groups: dict[str, list] = {}
    for curve in curves:
        label = ", ".join(f"{key} {curve[key]}" for key in varied if len(varied[key]) > 1)
        groups.setdefault(label, []).append(curve[name])
    # The first drawing is the painting itself: its PSNR has no bound.
    return {label: np.minimum(np.mean(group, axis=0), 40.0) for label, group in groups.items()}


def _varied(parser: argparse.ArgumentParser, text: str) -> tuple[str, list]:
    """A setting and its values, from `--config.KEY=V1,V2,…`."""
    key, _, values = text.removeprefix("--config.").partition("=")
    defaults = StyleSettings.defaults()
    if not text.startswith("--config.") or key not in defaults:
        parser.error(f"expected flags as above or --config.KEY=VALUES, got {text}")
    if key.endswith("_layers"):
        return key, [values]
    return key, [type(defaults[key])(value) for value in values.split(",")]


def _made(folder: pathlib.Path) -> pathlib.Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _style(name: str) -> np.ndarray:
    return styles.style(name) if name in styles.STYLES else images.read_image(name)


def _painted(photograph: np.ndarray, style: np.ndarray, options: argparse.Namespace) -> jaxpaint.Painting:
    """The photograph, painted in the manner of a style."""
    suited, form = styling.in_manner(photograph, [style], StyleSettings())
    settings = dataclasses.replace(suited, size=options.size, strokes=options.strokes or suited.strokes)
    return jaxpaint.paint(photograph, key=jax.random.key(0), settings=settings, form=form)


def _square(picture: np.ndarray) -> np.ndarray:
    """The picture's middle."""
    height, width, _ = picture.shape
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    return picture[top : top + side, left : left + side]


def _run(painting: jaxpaint.Painting, style: np.ndarray, settings: StyleSettings) -> tuple[dict, dict, np.ndarray]:
    """The figures of one style transfer, its curves, and the drawing."""
    stages = styling.stylize_stages(painting, style, settings=settings)
    start, steps = time.perf_counter(), []
    for styled, progress in stages:
        # The first step compiles.
        start, result = (start if steps else time.perf_counter()), styled
        steps.append(progress)
    seconds = (time.perf_counter() - start) / max(len(steps) - 1, 1)
    content, canvas = painting.canvas, result.canvas
    see = weights.load_features("vgg16", layers=LAYERS)
    side = settings.vgg_size
    seen = see(pictures.resize(canvas, pictures.fitted_shape(*canvas.shape[:2], side)))
    wanted = see(pictures.resize(style, pictures.fitted_shape(*style.shape[:2], round(side * settings.scale))))
    row = {
        "loss": steps[-1].loss,
        "psnr": steps[-1].psnr,
        "edges": float(np.corrcoef(_edges(canvas).ravel(), _edges(content).ravel())[0, 1]),
        "gram": float(losses.gram(seen, wanted)) / len(LAYERS),
        "moments": float(losses.moments(seen, wanted)) / len(LAYERS),
        "seconds a step": round(seconds, 3),
    }
    curve = {name: [round(getattr(step, name), 5) for step in steps] for name in ("loss", "psnr")}
    return row, curve, canvas


def _edges(picture: np.ndarray) -> np.ndarray:
    """Magnitude of the brightness's gradient."""
    return np.hypot(*np.gradient(picture.mean(axis=-1)))


if __name__ == "__main__":
    main()
