"""`stylize`: paintings and style pictures in, paintings in that style out."""

from __future__ import annotations

import dataclasses
import pathlib
import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from absl import flags

from jaxpaint import commands, settings

if TYPE_CHECKING:
    from jaxpaint.painting import Painting

HELP = """\
usage: {program} PAINTING.npz... --style=IMAGE[,IMAGE...] [--mask=IMAGE] [--out=DIR] [--size=N]
       [--timelapse] [--report] [--resume] [--paint=FILE] [--config=FILE] [--config.KEY=VALUE]...

Gives paintings the style of other pictures, stroke by stroke: DIR/NAME.png, and DIR/NAME.npz,
a painting like any other. A photograph is painted first: DIR/NAME-painted.npz.

  --style=IMAGE  the style picture, or several, with commas
  --mask=IMAGE   confines the style to where this picture is light
  --out=DIR      where to (default: stylized)
  --size=N       long side of the drawing in pixels (default: as it was painted)
  --timelapse    also DIR/NAME.mp4, a video of the drawing
  --report       also DIR/NAME.json: how far from the painting it is, how long it took
  --resume       goes on from DIR/NAME.npz where Ctrl-C stopped
  --paint=FILE   a file of settings for painting photographs (default: configs/paint.py)
  --config=FILE  a file of settings (default: configs/stylize.py)
  --help         this text

Settings, as --config.KEY=VALUE, and what they are in {config}:
"""


class Options(NamedTuple):
    """The command line, understood.

    Attributes:
      sources: the paintings, and photographs.
      styles: the style pictures.
      mask: where the style goes, or None.
      out: the folder to write to.
      flags: the others: size, timelapse, report, resume.
      settings: of the style transfer.
      painting: how photographs are painted.
      asked: the settings that the user spoke of; a styling that is resumed has to agree with them.
      again: the command that goes on after Ctrl-C.
    """

    sources: list[pathlib.Path]
    styles: list[pathlib.Path]
    mask: pathlib.Path | None
    out: pathlib.Path
    flags: flags.FlagValues
    settings: settings.StyleSettings
    painting: settings.Settings
    asked: list[str]
    again: str


def main(argv: Sequence[str] | None = None) -> int:
    """Gives paintings another style; returns the exit status."""
    return commands.run(_main, argv)


def _main(argv: list[str]) -> int:
    options = _options(argv)
    if options is None:
        return 0
    status = 0
    with commands.output_folder(options.out):
        for source in options.sources:
            try:
                _stylize(source, options)
            except commands.bad_input() as error:
                commands.complain(error)
                status = 1
    return status


def _options(argv: list[str]) -> Options | None:
    """Parses the command line; None if it asks for help, which is then printed."""
    path, rest = commands.split_config(argv)
    config_path = commands.find_config(path, default="stylize.py")
    config = commands.load_config(config_path)
    values = commands.define_flags()
    flags.DEFINE_list("style", [], "style pictures", flag_values=values)
    flags.DEFINE_string("mask", None, "where the style goes", flag_values=values)
    flags.DEFINE_string("out", "stylized", "folder", flag_values=values)
    flags.DEFINE_boolean("report", False, "also NAME.json", flag_values=values)
    flags.DEFINE_boolean("resume", False, "go on", flag_values=values)
    flags.DEFINE_string("paint", None, "settings of painting", flag_values=values)
    commands.define_config(values, settings.StyleSettings.defaults(), rest)
    sources = [pathlib.Path(name) for name in commands.parse(values, rest)]
    if values.help:
        print(HELP.format(program=pathlib.Path(argv[0]).name, config=config_path.name), end="")
        print(commands.describe(settings.StyleSettings.defaults() | config, settings.StyleSettings.meanings()))
        return None
    overrides = commands.overrides(values)
    styles = [pathlib.Path(name) for name in values.style]
    if not styles:
        raise commands.Refused("no --style picture given; see --help")
    paint_config = commands.load_config(commands.find_config(values.paint, default="paint.py", flag="paint"))
    try:
        chosen = settings.StyleSettings.from_config({**config, **overrides})
        chosen.weights_of(len(styles))
        painting = settings.Settings.from_config(paint_config)
    except (ValueError, TypeError) as error:
        raise commands.Refused(error) from None
    mask = pathlib.Path(values.mask) if values.mask else None
    out = pathlib.Path(values.out)
    commands.check_sources(sources, out, "painting", kept=[*styles, *([mask] if mask else [])])
    return Options(
        sources=sources,
        styles=styles,
        mask=mask,
        out=out,
        flags=values,
        settings=chosen,
        painting=painting,
        asked=[*overrides, *(config if path else ())],
        again=shlex.join(argv if values.resume else [*argv, "--resume"]),
    )


def _stylize(source: pathlib.Path, options: Options) -> None:
    """Styles one painting and writes its files."""
    from jaxpaint import drawing, images, runtime, styling

    runtime.use_all_cores()
    runtime.keep_compilations()
    png, npz, mp4, report = (options.out / f"{source.stem}.{suffix}" for suffix in ("png", "npz", "mp4", "json"))
    earlier = _earlier(npz, options) if options.flags.resume else None
    with runtime.Stopwatch() as watch:
        styles = [images.read_image(style) for style in options.styles]
        mask = images.read_image(options.mask, canvas_color=(0.0, 0.0, 0.0)).mean(axis=-1) if options.mask else None
        with watch("fitting"):
            before = _painting(source, options)
        size = options.flags.size or before.settings.size
        result = earlier
        if result is None or result.state:
            with watch("styling"):
                try:
                    stages = styling.stylize_stages(
                        before,
                        styles,
                        settings=earlier.styling if earlier and earlier.styling else options.settings,
                        mask=mask,
                        resume=earlier,
                    )
                    result = commands.follow(stages, npz, so_far=earlier, size=size, again=options.again)
                except ValueError as error:
                    raise commands.Refused(f"{source}: {error}") from None
        with watch("drawing"):
            drawn = drawing.draw(result, size=size)
        images.write_image(png, drawn)
    print(png)
    if options.flags.timelapse:
        commands.write_timelapse(mp4, result, size)
        print(mp4)
    if options.flags.report:
        styled_with = {"styles": [str(style) for style in options.styles], "mask": options.mask and str(options.mask)}
        facts = {**styled_with, "styling": result.styling and dataclasses.asdict(result.styling)}
        commands.write_report(report, drawing.draw(before, size=size), drawn, result, watch.seconds, **facts)
        print(report)


def _painting(source: pathlib.Path, options: Options) -> Painting:
    """The painting that is to be styled; a photograph is painted."""
    import jax

    from jaxpaint import exports, images, painting

    if source.suffix.lower() == ".npz":
        return exports.load_painting(source)
    npz = options.out / f"{source.stem}-painted.npz"
    part = exports.load_painting(npz) if options.flags.resume and npz.exists() else None
    if part and not part.state:
        return part
    chosen = part.settings if part else options.painting
    image = images.read_image(source, canvas_color=chosen.canvas_rgb)
    brush = images.read_brush(chosen.brush_image) if chosen.brush_image and not part else None
    stages = painting.paint_stages(
        image,
        key=jax.random.key(chosen.seed),
        settings=chosen,
        brush_image=part.brush_image if part else brush,
        resume=part,
    )
    return commands.follow(stages, npz, so_far=part, size=options.flags.size or chosen.size, again=options.again)


def _earlier(npz: pathlib.Path, options: Options) -> Painting | None:
    """The styling to go on from, if there is one.

    Raises:
      commands.Refused: it was styled with other settings than asked for, or not at all.
      PaintingFileError: it cannot be read.
    """
    from jaxpaint import exports

    if not npz.exists():
        print(f"{npz}: not there yet; styling from the start")
        return None
    earlier = exports.load_painting(npz)
    if not earlier.styling:
        raise commands.Refused(f"{npz}: not a painting in another style; choose another --out")
    commands.check_resumed(npz, earlier.styling, options.settings, options.asked)
    if not earlier.state:
        print(f"{npz}: finished already; drawing it again")
    return earlier
