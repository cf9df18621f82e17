"""PSNR of steered paintings: few colours, and more detail in one place.

    python benchmarks/steering.py
    python benchmarks/steering.py --photos=coffee,mine.jpg --colors=4,8,16 --strokes=2000
    python benchmarks/steering.py --detail

Paints each photograph (by scikit-image's or scikit-learn's name, or a file) three times: in any colours; the same
strokes in the nearest colours of a palette; and with that palette (`--config.palette`), whose colours are found for the
photograph. Prints the PSNR of the drawings without light against the photograph, and writes steering.jpg to --out: the
photograph and the three paintings under light.

With --detail, paints photographs with all places alike, and with a map that is light in an ellipse: a face, an eye, a
cup, a roof, a flower's heart. Prints the PSNR inside the ellipse and outside, and writes the photographs, the maps and
both paintings.
"""

from __future__ import annotations

import argparse
import dataclasses
import pathlib
from collections.abc import Sequence

import machine
import numpy as np

import jaxpaint
from jaxpaint import drawing, metrics, pictures, runtime
from jaxpaint.brushes import BRUSHES
from jaxpaint.io import images
from jaxpaint.painter import Painter

FIVE = "astronaut,coffee,chelsea,china,flower"
# Centres and semi-axes of ellipses, in long sides.
ELLIPSES = {
    "astronaut": (0.432, 0.215, 0.10, 0.13),
    "coffee": (0.42, 0.40, 0.17, 0.13),
    "chelsea": (0.33, 0.29, 0.10, 0.09),
    "china": (0.3, 0.35, 0.12, 0.2),
    "flower": (0.5, 0.35, 0.15, 0.15),
}


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", default=FIVE, help="names or files, with commas")
    parser.add_argument("--colors", default="8", help="sizes of the palette, with commas")
    parser.add_argument("--strokes", type=int, default=1000)
    parser.add_argument("--size", type=int, default=512, help="long side of the fit and of the sheet, in pixels")
    parser.add_argument("--high", type=int, default=320, help="height of the sheet's pictures, in pixels")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path())
    parser.add_argument("--detail", action="store_true", help="maps of detail, in place of few colours")
    options = parser.parse_args(argv)
    runtime.use_all_cores()
    runtime.keep_compilations()
    options.out.mkdir(parents=True, exist_ok=True)
    settings = jaxpaint.Settings(strokes=options.strokes, size=options.size)
    names = options.photos.split(",")
    strips = in_detail(names, settings) if options.detail else in_few_colors(names, settings, options.colors.split(","))
    images.write_image(options.out / "steering.jpg", machine.contact_sheet(strips, options.high))


def in_few_colors(names: Sequence[str], settings: jaxpaint.Settings, counts: Sequence[str]) -> list[list[np.ndarray]]:
    """Measures palettes of several sizes; gives the pictures of the last."""
    for count in counts:
        rows, strips = [], []
        for name in names:
            photo = machine.picture(name)
            free = jaxpaint.paint(photo, key=0, settings=settings)
            fitted = jaxpaint.paint(photo, key=0, settings=dataclasses.replace(settings, palette=count))
            every = [free, rounded(free, fitted), fitted]
            rows.append([float(metrics.psnr(drawing.draw_flat(each), at_fit(photo, settings))) for each in every])
            strips.append([photo, *(jaxpaint.draw(each) for each in every)])
            psnrs = "any {:.2f}, rounded {:.2f}, fitted {:.2f} dB".format(*rows[-1])
            print(f"{count} colours, {name}: {psnrs}", flush=True)
        free, nearest, found = np.mean(rows, axis=0)
        gain = f"fitted {found:.2f} dB, {found - nearest:+.2f} over rounded"
        print(f"{count} colours, mean: any {free:.2f}, rounded {nearest:.2f}, {gain}", flush=True)
    return strips


def in_detail(names: Sequence[str], settings: jaxpaint.Settings) -> list[list[np.ndarray]]:
    """Measures maps of detail; gives the pictures."""
    settings, strips = dataclasses.replace(settings, detail="alike", simplify=0.0), []
    for name in names:
        photo = machine.picture(name)
        target = at_fit(photo, settings)
        x, y, wide, high = ELLIPSES[name]
        row, column = np.indices(target.shape[:2]) / max(target.shape)
        away = np.hypot((column - x) / wide, (row - y) / high)
        detail = np.clip(2.2 - 1.2 * away, 0.0, 1.0).astype(np.float32)
        every = [jaxpaint.paint(photo, key=0, settings=settings, detail=each) for each in (None, detail)]
        squared = [(drawing.draw_flat(each) - target) ** 2 for each in every]
        inside, outside = ([-10 * np.log10(each[where].mean()) for each in squared] for where in (away < 1, away >= 1))
        told = (f"{before:.2f} to {after:.2f} dB" for before, after in (inside, outside))
        print(f"{name}: inside {next(told)}, outside {next(told)}", flush=True)
        strips.append([photo, np.repeat(detail[..., None], 3, axis=-1), *(jaxpaint.draw(each) for each in every)])
    return strips


def at_fit(photo: np.ndarray, settings: jaxpaint.Settings) -> np.ndarray:
    """A photograph at the size of the fit."""
    height, width, _ = photo.shape
    return pictures.resize(photo, pictures.fitted_shape(height, width, settings.size))


def rounded(free: jaxpaint.Painting, fitted: jaxpaint.Painting) -> jaxpaint.Painting:
    """The strokes of a painting in the nearest colours of another."""
    colors = fitted.strokes[:, BRUSHES[fitted.brush].index("color")].reshape(-1, 3)
    painter = Painter.of(free.settings, (free.height, free.width))._replace(palette=np.unique(colors, axis=0))
    return dataclasses.replace(free, strokes=painter.in_palette(free.strokes, painter.bounds)[0])


if __name__ == "__main__":
    main()
