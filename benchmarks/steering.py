"""What steering a painting costs, or gains: paintings in few colours.

    python benchmarks/steering.py
    python benchmarks/steering.py --photos=coffee,mine.jpg --colors=4,8,16 --strokes=2000

Paints each photograph (by scikit-image's or scikit-learn's name, or a file) three times: in any colours; the same
strokes in the nearest colours of a palette; and with that palette (`--config.palette`), whose colours are found for the
photograph. Prints the PSNR of the drawings without light against the photograph, and writes steering.jpg to --out: the
photograph and the three paintings under light.
"""

from __future__ import annotations

import argparse
import dataclasses
import pathlib
from collections.abc import Sequence

import machine
import numpy as np

import jaxpaint
from jaxpaint import drawing, metrics, palettes, pictures, runtime
from jaxpaint.brushes import BRUSHES
from jaxpaint.io import images

FIVE = "astronaut,coffee,chelsea,china,flower"


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", default=FIVE, help="names or files, with commas")
    parser.add_argument("--colors", default="8", help="sizes of the palette, with commas")
    parser.add_argument("--strokes", type=int, default=1000)
    parser.add_argument("--size", type=int, default=512, help="long side of the fit and of the sheet, in pixels")
    parser.add_argument("--high", type=int, default=320, help="height of the sheet's pictures, in pixels")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path())
    options = parser.parse_args(argv)
    runtime.use_all_cores()
    runtime.keep_compilations()
    settings = jaxpaint.Settings(strokes=options.strokes, size=options.size)
    for count in options.colors.split(","):
        rows, strips = [], []
        for name in options.photos.split(","):
            photo = machine.picture(name)
            free = jaxpaint.paint(photo, key=0, settings=settings)
            fitted = jaxpaint.paint(photo, key=0, settings=dataclasses.replace(settings, palette=count))
            every = [free, rounded(free, fitted), fitted]
            target = pictures.resize(photo, pictures.fitted_shape(*photo.shape[:2], options.size))
            rows.append([float(metrics.psnr(drawing.draw_flat(each), target)) for each in every])
            strips.append([photo, *(jaxpaint.draw(each) for each in every)])
            psnrs = "any {:.2f}, rounded {:.2f}, fitted {:.2f} dB".format(*rows[-1])
            print(f"{count} colours, {name}: {psnrs}", flush=True)
        free, nearest, found = np.mean(rows, axis=0)
        gain = f"fitted {found:.2f} dB, {found - nearest:+.2f} over rounded"
        print(f"{count} colours, mean: any {free:.2f}, rounded {nearest:.2f}, {gain}", flush=True)
    options.out.mkdir(parents=True, exist_ok=True)
    images.write_image(options.out / "steering.jpg", machine.contact_sheet(strips, options.high))


def rounded(free: jaxpaint.Painting, fitted: jaxpaint.Painting) -> jaxpaint.Painting:
    """The strokes of a painting in the nearest colours of another, one for each stroke."""
    index = BRUSHES[free.brush].index("color")
    palette = np.unique(fitted.strokes[:, index].reshape(-1, 3), axis=0)
    strokes = free.strokes.copy()
    means = strokes[:, index].reshape(len(strokes), -1, 3).mean(axis=1)
    strokes[:, index] = np.tile(palette[palettes.nearest(means, palette)], len(index) // 3)
    return dataclasses.replace(free, strokes=strokes)


if __name__ == "__main__":
    main()
