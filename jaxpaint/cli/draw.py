"""`draw`: draws a painting's npz or a video's film again, at any size."""

from __future__ import annotations

import dataclasses
import itertools
import pathlib
from collections.abc import Sequence

from absl import flags

from jaxpaint import drawing, runtime
from jaxpaint.cli import app, options, outputs
from jaxpaint.cli.app import Refused
from jaxpaint.io import films, videos
from jaxpaint.io.images import write_image
from jaxpaint.io.npz import load_painting

HELP = """\
usage: {program} NAME.npz [--size=N] [--out=FILE.png] [--timelapse]
       {program} NAME.film [--size=N] [--out=FILE.mp4] [--frame=K [--timelapse]]
       [--wet=X] [--relief=X] [--light=X] [--gloss=X] [--ground=NAME]

Draws a painting again, at any size, from the strokes in its npz; or a painted video, or one frame
of it, from its film.

  --size=N       long side in pixels (default: the size it was fitted at; of a video, its source's)
  --out=FILE     the drawing (default: NAME.png beside the npz, NAME.mp4 beside the film, with the
                 sound of any that is there, or NAME-K.png)
  --frame=K      this frame alone, counted from 0
  --timelapse    also a video of the drawing, FILE.mp4
{light}
  --help         this text
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Draws a painting or a film again; returns the exit status."""
    return app.run(_draw, argv)


def _draw(argv: list[str]) -> int:
    values = options.define_flags()
    options.define_light(values)
    flags.DEFINE_string("out", None, "the drawing", flag_values=values)
    flags.DEFINE_integer("frame", None, "of a film", 0, flag_values=values)
    paths = options.parse(values, argv)
    if values.help:
        print(HELP.format(program=pathlib.Path(argv[0]).name, light=options.LIGHT_HELP), end="")
        return 0
    if len(paths) != 1:
        raise Refused(f"expected one painting (NAME.npz) or film (NAME.film), got {len(paths)}; see --help")
    source = pathlib.Path(paths[0])
    is_film = source.suffix.lower() == ".film"
    if values.frame is not None and not is_film:
        raise Refused(f"--frame={values.frame}: expected only with a film, got {source}")

    runtime.keep_compilations()
    if is_film and values.frame is None:
        _draw_film(source, values)
    else:
        _draw_painting(source, values)
    return 0


def _draw_painting(source: pathlib.Path, values: flags.FlagValues) -> None:

    default = (
        source.with_suffix(".png") if values.frame is None else source.with_name(f"{source.stem}-{values.frame}.png")
    )
    picture = pathlib.Path(values.out) if values.out else default
    if picture.suffix.lower() != ".png":
        raise Refused(f"--out={picture}: expected a name that ends in .png")
    if values.frame is None:
        painting = load_painting(source)
        size = values.size or painting.settings.size
    else:
        film, frames = films.read(source)
        found = next(itertools.islice(frames, values.frame, None), None)
        if found is None:
            raise Refused(f"--frame={values.frame}: {source} has not so many frames")
        painting = film.painting(found.frame)
        size = values.size or max(film.height, film.width)
    painting = drawing.relit(painting, options.light_of(values))
    with outputs.output_folder(picture.parent):
        write_image(picture, drawing.draw(painting, size=size))
        print(picture)
        if values.timelapse:
            outputs.write_timelapse(picture.with_suffix(".mp4"), painting, size)
            print(picture.with_suffix(".mp4"))


def _draw_film(source: pathlib.Path, values: flags.FlagValues) -> None:

    if values.timelapse:
        raise Refused("--timelapse: expected a painting, or one frame of a film")
    film, frames = films.read(source)
    film = dataclasses.replace(film, settings=dataclasses.replace(film.settings, **options.light_of(values)))
    beside = source.with_suffix(".mp4")
    out = pathlib.Path(values.out) if values.out else beside
    size = values.size or max(film.height, film.width)
    with outputs.output_folder(out.parent):
        pictures = film.drawn((each.frame for each in frames), size=size)
        videos.write_video(out, pictures, fps=film.shown_rate, sound_of=beside if beside.exists() else None)
    print(out)
