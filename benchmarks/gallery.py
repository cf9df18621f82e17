"""Photographs, painted in every preset: the gallery of the guide.

    python benchmarks/gallery.py --photos=astronaut,coffee,chelsea,china --presets=paint,alla_prima,wash

Paints each photograph (scikit-image's astronaut, coffee, chelsea; scikit-learn's china, flower; or files) with each
config, and writes to --out: NAME.jpg, a strip for each photograph, which stands at the left; NAME-pictures/, every
painting at --size, with its strokes (npz). A painting that is there already is not painted again.
"""

from __future__ import annotations

import argparse
import pathlib
import time
from collections.abc import Sequence

import jax
import machine

import jaxpaint
from jaxpaint import commands, exports, images, runtime

PRESETS = "paint,impressionist,palette_knife,alla_prima,expressionist,pointillist,wash"


def main(argv: Sequence[str] | None = None) -> None:
    """Paints the gallery."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", default="astronaut,coffee,chelsea,china", help="names or files, with commas")
    parser.add_argument("--presets", default=PRESETS, help="files of configs/, with commas")
    parser.add_argument("--size", type=int, default=1500, help="long side of the paintings in pixels")
    parser.add_argument("--high", type=int, default=300, help="height of the strips in pixels")
    parser.add_argument("--name", default="gallery")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("gallery"))
    options = parser.parse_args(argv)
    runtime.use_all_cores()
    runtime.keep_compilations()
    folder = options.out / f"{options.name}-pictures"
    folder.mkdir(parents=True, exist_ok=True)
    strips = []
    for name in options.photos.split(","):
        photo = machine.picture(name)
        strips.append([photo])
        for preset in options.presets.split(","):
            path = folder / f"{pathlib.Path(name).stem}-{pathlib.Path(preset).stem}.npz"
            if not path.exists():
                settings = jaxpaint.Settings.from_config(
                    commands.load_config(commands.find_config(preset, default="paint.py"))
                )
                start = time.perf_counter()
                painting = jaxpaint.paint(photo, key=jax.random.key(settings.seed), settings=settings)
                exports.save_painting(path, painting)
                print(f"{path.with_suffix('.png')}: {time.perf_counter() - start:.0f} s", flush=True)
            drawn = jaxpaint.draw(exports.load_painting(path), size=options.size)
            images.write_image(path.with_suffix(".png"), drawn)
            strips[-1].append(drawn)
        images.write_image(options.out / f"{options.name}.jpg", machine.contact_sheet(strips, options.high))


if __name__ == "__main__":
    main()
