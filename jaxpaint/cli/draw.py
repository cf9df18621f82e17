"""`draw`: draws a painting's npz or a video's film again, at any size."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Sequence

from absl import flags

from jaxpaint import drawing, ordering
from jaxpaint.cli import app, options, outputs
from jaxpaint.cli.app import Refused
from jaxpaint.cli.outputs import Made
from jaxpaint.io import films, videos
from jaxpaint.io.paintings import load_frame, load_painting

HELP = """\
usage: {program} NAME.npz [--size=N] [--dpi=N] [--out=FILE.png] [--timelapse]
       {program} NAME.film [--size=N] [--out=FILE.mp4] [--frame=K [--dpi=N] [--timelapse]]
       [--wet=X] [--relief=X] [--light=X] [--gloss=X] [--ground=NAME] [--overwrite]

Draws a painting again, at any size, from the strokes in its npz; or a painted video, or one frame
of it, from its film.

  {program} paintings/photo.npz --size=3840                in 4K
  {program} paintings/photo.npz --relief=2 --light=30      thicker paint, lit from the right
  {program} paintings/clip.film --frame=20                 one frame of a film

  --size=N       long side in pixels (default: the size it was fitted at; of a video, its source's),
{dpi}
  -o, --out=OUT  a folder, or the drawing (default: NAME.png beside the npz, NAME.mp4 beside the
                 film, with the sound of any that is there, or NAME-K.png)
  --frame=K      this frame alone, counted from 0
  --timelapse    also a video of the drawing, FILE.mp4
{order}
{light}
{overwrite}
{quiet}
{help}
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Draws a painting or a film again; returns the exit status."""
    return app.run(_draw, argv, usage=HELP)


def _draw(argv: list[str]) -> int:
    values = options.define_flags()
    options.define_light(values)
    options.define_order(values)
    flags.DEFINE_string("out", None, "the drawing", short_name="o", flag_values=values)
    flags.DEFINE_integer("frame", None, "of a film", 0, flag_values=values)
    paths = options.parse(values, argv)
    if values.help:
        options.print_usage(HELP, argv)
        return 0
    if len(paths) != 1:
        raise Refused(f"expected one painting (NAME.npz) or film (NAME.film), got {len(paths)}; see --help")
    source = pathlib.Path(paths[0])
    is_film = source.suffix.lower() == ".film"
    if values.frame is not None and not is_film:
        raise Refused(f"--frame={values.frame}: expected only with a film, got {source}")

    app.start(values, divided=False)
    if is_film and values.frame is None:
        _draw_film(source, values)
    else:
        _draw_painting(source, values)
    return 0


def _draw_painting(source: pathlib.Path, values: flags.FlagValues) -> None:
    name = source.stem if values.frame is None else f"{source.stem}-{values.frame}"
    default = source.with_name(f"{name}.png")
    picture = outputs.placed(values.out, name, outputs.PICTURES) if values.out else default
    if values.frame is None:
        painting = load_painting(source)
        size = values.size or painting.settings.size
    else:
        painting = load_frame(source, values.frame)
        size = values.size or max(painting.height, painting.width)
    painting = drawing.relit(painting, options.light_of(values))
    if values.order:
        painting = ordering.reorder(painting, values.order)
    # Where it was painted to, a drawing takes the place of the painting's first; elsewhere, of its own alone.
    own = painting.origin if picture == default and values.frame is None else ""
    painting = dataclasses.replace(painting, origin=own or outputs.origin_of(f"drawing of {name}", source))
    mp4 = picture.with_suffix(outputs.timelapse_ending(painting.settings.transparent)) if values.timelapse else None
    _check(source, painting.origin, [picture, *([mp4] if mp4 else [])], values)
    with outputs.output_folder(picture.parent):
        outputs.write_drawing(picture, painting, drawing.draw(painting, size=size), dpi=values.dpi)
        print(picture)
        if mp4:
            outputs.write_timelapse(mp4, painting, size)
            print(mp4)


def _draw_film(source: pathlib.Path, values: flags.FlagValues) -> None:
    for flag in ("timelapse", "order"):
        if values[flag].value:
            raise Refused(f"--{flag}: expected a painting, or one frame of a film")
    if values.dpi:
        raise Refused("--dpi, or a --size with a unit: expected a painting, or one frame of a film")
    film, frames = films.read(source)
    film = dataclasses.replace(film, settings=dataclasses.replace(film.settings, **options.light_of(values)))
    beside = source.with_suffix(".mp4")
    out = outputs.placed(values.out, source.stem, videos.ENDINGS) if values.out else beside
    own = film.origin if out == beside else ""
    film = dataclasses.replace(film, origin=own or outputs.origin_of("drawing of a film", source))
    size = values.size or max(film.height, film.width)
    _check(source, film.origin, [out], values)
    if not films.is_finished(source):
        app.complain(f"{source}: not finished, or cut short; drawing the frames that it has")
    with outputs.output_folder(out.parent):
        pictures = film.drawn((each.frame for each in frames), size=size)
        sound = beside if beside.exists() else None
        videos.write_video(out, pictures, fps=film.shown_rate, sound_of=sound, origin=film.origin)
    print(out)


def _check(source: pathlib.Path, origin: str, paths: Sequence[pathlib.Path], values: flags.FlagValues) -> None:
    """Refuses to replace anything but earlier drawings of the same painting."""
    made = [Made(path, origin, source) for path in paths]
    outputs.check_outputs(made, [source], overwrite=values.overwrite)
