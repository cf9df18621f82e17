"""`stylize`: paintings and style pictures in, paintings in that style out."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from absl import flags

from jaxpaint import commands
from jaxpaint.settings import Settings, StyleSettings

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Float

    from jaxpaint.painting import Painting

HELP = """\
usage: {program} PAINTING.npz... --style=IMAGE[,IMAGE...] [--mask=IMAGE] [--out=DIR] [--size=N]
       [--wet=X] [--relief=X] [--light=X] [--gloss=X] [--ground=NAME]
       [--timelapse] [--report] [--resume] [--paint=FILE] [--config=FILE] [--config.KEY=VALUE]...

Gives paintings the style of other pictures, stroke by stroke: DIR/NAME.png, and DIR/NAME.npz,
a painting like any other. A photograph is painted first, in strokes as wide and long as
the style's, which run where those run: DIR/NAME-painted.npz.

  --style=IMAGE  the style picture, or several, with commas
  --mask=IMAGE   confines the style to where this picture is light
  --out=DIR      where to (default: stylized)
  --size=N       long side of the drawing in pixels (default: as it was painted)
  --timelapse    also DIR/NAME.mp4, a video of the drawing
  --report       also DIR/NAME.json: how far from the painting it is, how long it took
{light}
  --resume       goes on from DIR/NAME.npz where Ctrl-C stopped
  --paint=FILE   a file of settings for painting photographs, in place of what suits the style
  --config=FILE  a file of settings (default: configs/stylize.py)
  --help         this text

Settings, as --config.KEY=VALUE, and what they are in {config}:
"""


class _Pictures(NamedTuple):
    """What a painting is styled with.

    Attributes:
      styles: the style pictures.
      mask: where the style goes, or None.
      painting: how photographs are painted.
      asked: the settings of that which the user spoke of.
    """

    styles: list[pathlib.Path]
    mask: pathlib.Path | None
    painting: Settings
    asked: list[str]


def main(argv: Sequence[str] | None = None) -> int:
    """Gives paintings another style; returns the exit status."""
    return commands.run(_main, argv)


def _main(argv: list[str]) -> int:
    values = commands.define_flags(out="stylized")
    commands.define_light(values)
    flags.DEFINE_list("style", [], "style pictures", flag_values=values)
    flags.DEFINE_string("mask", None, "where the style goes", flag_values=values)
    flags.DEFINE_string("paint", None, "settings of painting", flag_values=values)
    line = commands.command_line(argv, values, StyleSettings, config="stylize.py", usage=HELP)
    if line is None:
        return 0
    given = _given(line)
    kept = [*given.styles, *([given.mask] if given.mask else [])]
    commands.check_sources(line.files, pathlib.Path(values.out), "painting", kept=kept)
    commands.start(values)
    return commands.for_each(line.files, pathlib.Path(values.out), lambda source: _stylize(source, given, line))


def _given(line: commands.CommandLine[StyleSettings]) -> _Pictures:
    """The style pictures, the mask, and the settings for photographs.

    Raises:
      commands.Refused: something is wrong with them.
    """
    styles = [pathlib.Path(name) for name in line.flags.style]
    if not styles:
        raise commands.Refused("no --style picture given; see --help")
    config = commands.load_config(commands.find_config(line.flags.paint, default="bold.py", flag="paint"))
    try:
        line.settings.weights_of(len(styles))
        painting = Settings.from_config(config)
    except (ValueError, TypeError) as error:
        raise commands.Refused(error) from None
    mask = pathlib.Path(line.flags.mask) if line.flags.mask else None
    return _Pictures(styles, mask, painting, list(config if line.flags.paint else ()))


def _stylize(source: pathlib.Path, given: _Pictures, line: commands.CommandLine[StyleSettings]) -> None:
    """Styles one painting and writes its files."""
    from jaxpaint import drawing, images, painting, runtime, styling

    stem = f"{line.flags.out}/{source.stem}"
    png, npz, mp4, report = (pathlib.Path(f"{stem}.{suffix}") for suffix in ("png", "npz", "mp4", "json"))
    earlier = _earlier(npz, line) if line.flags.resume else None
    with runtime.Stopwatch() as watch:
        styles = [images.read_image(style) for style in given.styles]
        mask = images.read_image(given.mask, canvas_color=(0.0, 0.0, 0.0)).mean(axis=-1) if given.mask else None
        with watch("fitting"):
            before = drawing.relit(_painting(source, styles, given, line), commands.light_of(line.flags))
        if before.state:
            raise commands.Refused(
                f"{source}: expected a finished painting, got an unfinished one; see bin/paint --resume"
            )
        size = line.flags.size or before.settings.size
        result = earlier
        if result is None or result.state:
            with watch("styling"):
                stages = styling.stylize_stages(
                    before,
                    styles,
                    settings=earlier.styling if earlier and earlier.styling else line.settings,
                    mask=mask,
                    resume=earlier,
                )
                try:
                    result = commands.follow(stages, npz, so_far=earlier, size=size, again=line.again)
                except painting.ResumeError as error:
                    raise commands.Refused(f"{npz}: {error}") from None
        with watch("drawing"):
            result = drawing.relit(result, commands.light_of(line.flags))
            drawn = drawing.draw_layers(result, size=size)
        images.write_image(png, drawing.shown(result.settings, drawn))
    print(png)
    if line.flags.timelapse:
        commands.write_timelapse(mp4, result, size)
        print(mp4)
    if line.flags.report:
        facts: dict[str, object] = {"styling": result.styling and dataclasses.asdict(result.styling)}
        if result is not earlier:
            # What was finished before may have been styled with others.
            facts |= {"styles": [str(style) for style in given.styles], "mask": given.mask and str(given.mask)}
        commands.write_report(report, drawing.draw_flat(before, size=size), drawn, result, watch.seconds, **facts)
        print(report)


def _painting(
    source: pathlib.Path,
    styles: list[Float[np.ndarray, "_ _ 3"]],
    given: _Pictures,
    line: commands.CommandLine[StyleSettings],
) -> Painting:
    """The painting that is to be styled; a photograph is painted."""
    from jaxpaint import exports, images, styling

    if source.suffix.lower() == ".npz":
        return exports.load_painting(source)
    npz = pathlib.Path(line.flags.out) / f"{source.stem}-painted.npz"
    part = exports.load_painting(npz) if line.flags.resume and npz.exists() else None
    if part:
        commands.check_resumed(npz, part.settings, given.painting, given.asked)
        if not part.state:
            return part
    chosen = part.settings if part else given.painting
    image = images.read_image(source, canvas_color=chosen.canvas_rgb)
    suited, form = styling.in_manner(image, styles, line.settings)
    if not part and not line.flags.paint:
        chosen = suited
    size = line.flags.size or chosen.size
    return commands.paint_picture(image, npz, settings=chosen, form=form, so_far=part, size=size, again=line.again)


def _earlier(npz: pathlib.Path, line: commands.CommandLine[StyleSettings]) -> Painting | None:
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
    commands.check_resumed(npz, earlier.styling, line.settings, line.asked)
    if not earlier.state:
        print(f"{npz}: finished already; drawing it again")
    return earlier
