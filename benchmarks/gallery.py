"""Photographs, painted in every preset: the gallery of the guide.

    python benchmarks/gallery.py
    python benchmarks/gallery.py --photos=astronaut,mine.jpg --presets=paint,alla_prima,wash
    python benchmarks/gallery.py --brushes

Paints each photograph (by scikit-image's or scikit-learn's name, or a file) with each config, and writes to --out:
NAME-all.jpg, a row of squares for each photograph, which stands at the left; look_PRESET.jpg, each preset closer, with
another photograph each; NAME-pictures/, every painting whole, at --size, with its strokes (npz). A painting that is
there already is not painted again. With --brushes, brushes.jpg alone: strokes of every brush under light.
"""

from __future__ import annotations

import argparse
import pathlib
import time
from collections.abc import Sequence

import jax
import machine
import numpy as np

import jaxpaint
from jaxpaint import runtime
from jaxpaint.brushes import BRUSHES
from jaxpaint.cli.options import find_config, load_config
from jaxpaint.io import images, npz
from jaxpaint.optimize import initialize

PHOTOS = "chelsea,astronaut,china,coffee,flower,camera,hubble_deep_field,rocket"
PRESETS = "paint,alla_prima,impressionist,expressionist,pastel,charcoal,pointillist,palette_knife,wash"
# Share of a photograph's largest square that look_PRESET.jpg shows.
_CLOSER = 0.75


def main(argv: Sequence[str] | None = None) -> None:
    """Paints the gallery."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", default=PHOTOS, help="names or files, with commas")
    parser.add_argument("--presets", default=PRESETS, help="files of configs/, with commas")
    parser.add_argument("--size", type=int, default=1500, help="long side of the paintings in pixels")
    parser.add_argument("--high", type=int, default=240, help="side of the squares in pixels")
    parser.add_argument("--brushes", action="store_true", help="strokes of every brush, and nothing else")
    parser.add_argument("--name", default="gallery")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("gallery"))
    options = parser.parse_args(argv)
    runtime.use_all_cores()
    runtime.keep_compilations()
    if options.brushes:
        options.out.mkdir(parents=True, exist_ok=True)
        sheet = np.concatenate([strokes_of(name) for name in sorted(BRUSHES)], axis=1)
        images.write_image(options.out / "brushes.jpg", sheet)
        return
    folder = options.out / f"{options.name}-pictures"
    folder.mkdir(parents=True, exist_ok=True)
    strips = []
    for name in options.photos.split(","):
        photo = machine.picture(name)
        strips.append([_square(photo)])
        for preset in options.presets.split(","):
            path = folder / f"{pathlib.Path(name).stem}-{pathlib.Path(preset).stem}.npz"
            if not path.exists():
                settings = jaxpaint.Settings.from_config(load_config(find_config(preset, default="paint.py")))
                start = time.perf_counter()
                painting = jaxpaint.paint(photo, key=jax.random.key(settings.seed), settings=settings)
                npz.save_painting(path, painting)
                print(f"{path.with_suffix('.png')}: {time.perf_counter() - start:.0f} s", flush=True)
            drawn = jaxpaint.draw(npz.load_painting(path), size=options.size)
            images.write_image(path.with_suffix(".png"), drawn)
            strips[-1].append(_square(drawn))
        images.write_image(options.out / f"{options.name}-all.jpg", machine.contact_sheet(strips, options.high))
    paintings = [strip[1:] for strip in strips]
    for number, preset in enumerate(options.presets.split(",")):
        closer = _square(paintings[number % len(paintings)][number], _CLOSER)
        path = options.out / f"look_{pathlib.Path(preset).stem}.jpg"
        images.write_image(path, machine.contact_sheet([[closer]], 2 * options.high))


def _square(picture: np.ndarray, share: float = 1.0) -> np.ndarray:
    """The central square of a picture; `share` is its side over the short side."""
    height, width, _ = picture.shape
    side = round(share * min(height, width))
    top, left = (height - side) // 2, (width - side) // 2
    return picture[top : top + side, left : left + side]


def strokes_of(name: str, *, side: int = 360) -> np.ndarray:
    """Six strokes of a brush, of several widths and headings, two colours where it has two."""
    brush, rng = BRUSHES[name], np.random.default_rng(4)
    count = 6
    position = np.stack([np.full(count, 0.5), (np.arange(count) + 0.8) / (count + 0.6)], axis=1)
    heading = np.pi + rng.normal(0, 0.15, count) if name == "oilpaintbrush" else rng.normal(0, 0.15, count)
    length, width = np.full(count, 0.75), np.array([0.05, 0.13, 0.08, 0.15, 0.03, 0.12])
    color = np.array(
        [[0.75, 0.2, 0.12], [0.9, 0.65, 0.2], [0.2, 0.35, 0.6], [0.85, 0.83, 0.78], [0.1, 0.1, 0.12], [0.35, 0.5, 0.25]]
    )
    strokes = brush.lay(position, heading, length, width, color, np.full(count, 0.8)).astype(np.float32)
    colors, control = brush.index("color"), brush.index("control")
    strokes[:, colors[3:]] = np.clip(0.6 * strokes[:, colors[3:]] + 0.25, 0, 1)
    strokes[:, control[1:]] += rng.uniform(-4, 4, (count, len(control[1:])))
    strokes = initialize.grained(brush, strokes, rng)
    settings = jaxpaint.Settings(brush=name, size=side, canvas_color="0.93,0.91,0.87")
    return jaxpaint.draw(jaxpaint.Painting(strokes, name, side, side, settings.canvas_rgb, None, settings))


if __name__ == "__main__":
    main()
