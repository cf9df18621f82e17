"""`paint`: photographs in, paintings out."""

from __future__ import annotations

import pathlib
import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from absl import flags

from jaxpaint import commands, settings

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float

    from jaxpaint.painting import Painting

HELP = """\
usage: {program} IMAGE... [--out=DIR] [--size=N] [--timelapse] [--report] [--resume]
       [--config=FILE] [--config.KEY=VALUE]...

Paints photographs: DIR/NAME.png, and DIR/NAME.npz, from which it can be drawn at any size.

  --out=DIR      where to (default: paintings)
  --size=N       long side of the drawing in pixels (default: config.size)
  --timelapse    also DIR/NAME.mp4, a video of the drawing
  --report       also DIR/NAME.json: how close it is, how long it took
  --resume       goes on from DIR/NAME.npz where Ctrl-C stopped
  --config=FILE  a file of settings (default: configs/paint.py)
  --help         this text

Settings, as --config.KEY=VALUE, and what they are in {config}:
"""


class Options(NamedTuple):
    """The command line, understood.

    Attributes:
      photos: the pictures to paint.
      out: the folder to write to.
      flags: the others: size, timelapse, report, resume.
      settings: how to paint.
      asked: the settings that the user spoke of; a painting that is resumed has to agree with them.
      again: the command that goes on after Ctrl-C.
    """

    photos: list[pathlib.Path]
    out: pathlib.Path
    flags: flags.FlagValues
    settings: settings.Settings
    asked: list[str]
    again: str


def main(argv: Sequence[str] | None = None) -> int:
    """Paints photographs; returns the exit status."""
    return commands.run(_main, argv)


def _main(argv: list[str]) -> int:
    options = _options(argv)
    if options is None:
        return 0
    status = 0
    with commands.output_folder(options.out):
        for photo in options.photos:
            try:
                _paint(photo, options)
            except commands.bad_input() as error:
                commands.complain(error)
                status = 1
    return status


def _options(argv: list[str]) -> Options | None:
    """Parses the command line; None if it asks for help, which is then printed."""
    path, rest = commands.split_config(argv)
    config_path = commands.find_config(path, default="paint.py")
    config = commands.load_config(config_path)
    values = commands.define_flags()
    flags.DEFINE_string("out", "paintings", "folder", flag_values=values)
    flags.DEFINE_boolean("report", False, "also NAME.json", flag_values=values)
    flags.DEFINE_boolean("resume", False, "go on", flag_values=values)
    commands.define_config(values, settings.Settings.defaults(), rest)
    photos = [pathlib.Path(name) for name in commands.parse(values, rest)]
    if values.help:
        print(HELP.format(program=pathlib.Path(argv[0]).name, config=config_path.name), end="")
        print(commands.describe(settings.Settings.defaults() | config, settings.Settings.meanings()))
        return None
    overrides = commands.overrides(values)
    try:
        chosen = settings.Settings.from_config({**config, **overrides})
    except (ValueError, TypeError) as error:
        raise commands.Refused(error) from None
    out = pathlib.Path(values.out)
    commands.check_sources(photos, out, "picture")
    return Options(
        photos=photos,
        out=out,
        flags=values,
        settings=chosen,
        asked=[*overrides, *(config if path else ())],
        again=shlex.join(argv if values.resume else [*argv, "--resume"]),
    )


def _paint(photo: pathlib.Path, options: Options) -> None:
    """Paints one photograph and writes its files."""
    from jaxpaint import drawing, images, runtime

    runtime.use_all_cores()
    runtime.keep_compilations()
    png, npz, mp4, report = (options.out / f"{photo.stem}.{suffix}" for suffix in ("png", "npz", "mp4", "json"))
    result = _earlier(npz, options) if options.flags.resume else None
    chosen = result.settings if result else options.settings
    size = options.flags.size or chosen.size
    with runtime.Stopwatch() as watch:
        image = images.read_image(photo, canvas_color=chosen.canvas_rgb)
        if result and image.shape[:2] != (result.height, result.width):
            raise commands.Refused(f"{npz}: a painting of another photograph, not of {photo}")
        if result is None or result.state:
            with watch("fitting"):
                result = _fit(image, result, npz, size, options)
        with watch("drawing"):
            drawn = drawing.draw(result, size=size)
        images.write_image(png, drawn)
    print(png)
    if options.flags.timelapse:
        commands.write_timelapse(mp4, result, size)
        print(mp4)
    if options.flags.report:
        commands.write_report(report, image, drawn, result, watch.seconds)
        print(report)


def _fit(
    image: Float[np.ndarray, "H W 3"],
    result: Painting | None,
    npz: pathlib.Path,
    size: int,
    options: Options,
) -> Painting:
    """Paints, from the start or from where `result` got to, and saves now and then.

    Raises:
      commands.Interrupted: Ctrl-C, after what is painted so far has been written.
    """
    import jax

    from jaxpaint import images, painting

    chosen = result.settings if result else options.settings
    brush = images.read_brush(chosen.brush_image) if chosen.brush_image and not result else None
    stages = painting.paint_stages(
        image,
        key=jax.random.key(chosen.seed),
        settings=chosen,
        brush_image=result.brush_image if result else brush,
        resume=result,
    )
    return commands.follow(stages, npz, so_far=result, size=size, again=options.again)


def _earlier(npz: pathlib.Path, options: Options) -> Painting | None:
    """The painting to go on from, if there is one.

    Raises:
      commands.Refused: it was painted with other settings than asked for.
      PaintingFileError: it cannot be read.
    """
    from jaxpaint import exports

    if not npz.exists():
        print(f"{npz}: not there yet; painting from the start")
        return None
    earlier = exports.load_painting(npz)
    if earlier.styling:
        raise commands.Refused(f"{npz}: a painting in another style, not one of a photograph; see bin/stylize")
    commands.check_resumed(npz, earlier.settings, options.settings, options.asked)
    if not earlier.state:
        print(f"{npz}: finished already; drawing it again")
    return earlier
