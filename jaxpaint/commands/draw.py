"""`draw`: a painting's npz drawn again, at any size."""

from __future__ import annotations

import pathlib
from collections.abc import Sequence

from absl import flags

from jaxpaint import commands

HELP = """\
usage: {program} NAME.npz [--size=N] [--out=FILE.png] [--timelapse]

Draws a painting again, at any size, from the strokes in its npz.

  --size=N        long side in pixels (default: the size it was fitted at)
  --out=FILE.png  the drawing (default: NAME.png beside the npz)
  --timelapse     also a video of the drawing, FILE.mp4
  --help          this text
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Draws a painting again; returns the exit status."""
    return commands.run(_draw, argv)


def _draw(argv: list[str]) -> int:
    values = commands.define_flags()
    flags.DEFINE_string("out", None, "the drawing", flag_values=values)
    paths = commands.parse(values, argv)
    if values.help:
        print(HELP.format(program=pathlib.Path(argv[0]).name), end="")
        return 0
    if len(paths) != 1:
        raise commands.Refused(f"expected one painting (NAME.npz), got {len(paths)}; see --help")
    source = pathlib.Path(paths[0])
    picture = pathlib.Path(values.out) if values.out else source.with_suffix(".png")
    if picture.suffix.lower() != ".png":
        raise commands.Refused(f"--out={picture}: expected a name that ends in .png")

    from jaxpaint import drawing, exports, images, runtime

    runtime.keep_compilations()
    painting = exports.load_painting(source)
    size = values.size or painting.settings.size
    with commands.output_folder(picture.parent):
        images.write_image(picture, drawing.draw(painting, size=size))
        print(picture)
        if values.timelapse:
            commands.write_timelapse(picture.with_suffix(".mp4"), painting, size)
            print(picture.with_suffix(".mp4"))
    return 0
