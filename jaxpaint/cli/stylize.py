"""`stylize`: gives paintings the style of other pictures."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from absl import flags
from jaxtyping import Float

from jaxpaint import drawing, pictures, runtime, styling
from jaxpaint.cli import app, maps, options, outputs, resumable
from jaxpaint.cli.app import Refused
from jaxpaint.cli.options import CommandLine
from jaxpaint.cli.outputs import PaintingFiles
from jaxpaint.io.images import read_image
from jaxpaint.io.paintings import load_painting
from jaxpaint.settings import Settings, StyleSettings
from jaxpaint.types import Painting

HELP = """\
usage: {program} PAINTING.npz... --style=IMAGE[,IMAGE...] [--mask=IMAGE] [--lock=IMAGE]
       [--out=OUT] [--size=N] [--dpi=N] [--wet=X] [--relief=X] [--light=X] [--gloss=X]
       [--ground=NAME] [--timelapse] [--report] [--resume] [--overwrite]
       [--paint=FILE] [--config=FILE] [--config.KEY=VALUE]...

Gives paintings the style of other pictures, stroke by stroke: OUT/NAME.png, and OUT/NAME.npz,
a painting like any other. A photograph is painted first, in strokes as wide and long as
the style's, which run where those run: OUT/NAME-painted.npz.

  {program} photo.jpg --style=style.jpg
  {program} paintings/photo.npz --style=style.jpg --config.style=10     more of it
  {program} paintings/photo.npz --style=style.jpg --config.mode=color   its colours alone

  --style=IMAGE  the style picture; several with commas, or with the flag again
  --mask=IMAGE   confines the style to where this picture is light
  --lock=IMAGE   leaves strokes as they are where this picture is light
  -o, --out=OUT  a folder, or the picture: NAME.png or NAME.jpg (default: stylized)
  --size=N       long side of the drawing in pixels (default: as it was painted),
{dpi}
  --timelapse    also OUT/NAME.mp4, a video of the drawing
{formats}
  --report       also OUT/NAME.json: how far from the painting it is, how long it took
{light}
  --resume       continues OUT/NAME.npz, or NAME-part.npz, after Ctrl-C
{overwrite}
{photo}
  --paint=FILE   a file of settings for painting photographs, in place of what suits the style
  --config=FILE  a file of settings (default: configs/stylize.py)
{preview}
{quiet}
{help}

Settings, as --config.KEY=VALUE, with their values in {config}; --help=KEY describes one:

"""


class _Pictures(NamedTuple):
    """The inputs of a style transfer, besides the painting.

    Attributes:
      styles: paths of the style pictures.
      mask: path of the mask that confines the style, or None.
      lock: path of the mask of strokes that stay, or None.
      painting: settings for painting photographs.
      asked: names of the painting settings that the user gave.
    """

    styles: list[pathlib.Path]
    mask: pathlib.Path | None
    lock: pathlib.Path | None
    painting: Settings
    asked: list[str]


def main(argv: Sequence[str] | None = None) -> int:
    """Gives paintings another style; returns the exit status."""
    return app.run(_main, argv, usage=HELP)


def _main(argv: list[str]) -> int:
    values = options.define_flags(out="stylized")
    options.define_light(values)
    options.define_style(values)
    flags.DEFINE_string("mask", None, "where the style goes", flag_values=values)
    flags.DEFINE_string("lock", None, "where strokes stay", flag_values=values)
    flags.DEFINE_string("paint", None, "settings of painting", flag_values=values)
    line = options.command_line(argv, values, StyleSettings, config="stylize.py", usage=HELP)
    if line is None:
        return 0
    given = _given(line)
    kept = [*given.styles, *(path for path in (given.mask, given.lock) if path)]
    outputs.check_sources(line.files, "painting")
    outputs.check_sources(kept, "style")
    planned = [PaintingFiles.of(source, "styled painting", values, *kept) for source in line.files]
    every = [each for files in planned for each in (files, _first(files, line)) if each]
    made = [made for files in every for made in files.made]
    read = [*line.files, *kept, *line.read, *([pathlib.Path(values.paint)] if values.paint else [])]
    outputs.check_outputs(made, read, overwrite=values.overwrite)
    resumable.check_unfinished(every, values)
    app.start(values)
    return outputs.for_each(planned, values, lambda files: _stylize(files, given, line))


def _first(files: PaintingFiles, line: CommandLine[StyleSettings]) -> PaintingFiles | None:
    """The files of the painting that a photograph becomes before it is styled; None if it is a painting already."""
    if files.source.suffix.lower() == ".npz":
        return None
    # It is painted in the styles' manner, unless a file of settings says how.
    styles = () if line.flags.paint else options.styles_of(line.flags)
    first = PaintingFiles.of(files.source, "painting to be styled", line.flags, *styles)
    return first._replace(mp4=None, json=None, exports=()).renamed(f"{files.png.stem}-painted")


def _given(line: CommandLine[StyleSettings]) -> _Pictures:
    """Collects the style pictures, the mask, and the settings for photographs.

    Raises:
      Refused: the flags or the settings are wrong.
    """
    styles = options.styles_of(line.flags)
    if not styles:
        raise Refused("no --style picture given; see --help")
    config = options.load_config(options.find_config(line.flags.paint, default="bold.py", flag="paint"), flag="paint")
    try:
        line.settings.weights_of(len(styles))
        painting = Settings.from_config(config)
    except (ValueError, TypeError) as error:
        raise Refused(error) from None
    mask, lock = (pathlib.Path(path) if path else None for path in (line.flags.mask, line.flags.lock))
    return _Pictures(styles, mask, lock, painting, list(config if line.flags.paint else ()))


def _stylize(files: PaintingFiles, given: _Pictures, line: CommandLine[StyleSettings]) -> None:
    """Styles one painting and writes its files."""
    resumable.check_unfinished([files], line.flags)
    earlier = _earlier(files, line) if line.flags.resume else None
    with runtime.Stopwatch() as watch:
        styles = [read_image(style) for style in given.styles]
        with watch("fitting"):
            before = drawing.relit(_painting(files, styles, given, line), options.light_of(line.flags))
        mask = _mask(given, (before.height, before.width))
        outputs.check_exports(line.flags, before.brush)
        if before.state:
            raise Refused(f"{files.source}: a painting that is not finished; see bin/paint --resume")
        if before.settings.transparent and line.settings.mode != "color":
            raise Refused(f"{files.source}: a transparent painting, whose strokes would move; see --config.mode=color")
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
                result = resumable.follow(stages, files, so_far=earlier, size=size, line=line)
        facts: dict[str, object] = {"styling": result.styling and dataclasses.asdict(result.styling)}
        if result is not earlier:
            # An earlier, finished painting may have been styled with other pictures.
            facts |= {name: path and str(path) for name, path in (("mask", given.mask), ("lock", given.lock))}
            facts |= {"styles": [str(style) for style in given.styles]}
        result = dataclasses.replace(drawing.relit(result, options.light_of(line.flags)), origin=files.origin)
        wanted = drawing.draw_flat(before, size=size) if files.json else styles[0]
        outputs.write_painting(files, result, wanted, size=size, values=line.flags, watch=watch, **facts)


def _mask(given: _Pictures, shape: tuple[int, int]) -> Float[np.ndarray, "rows columns"] | None:
    """Where the style goes: inside the mask, but not where strokes are locked; None for everywhere."""
    mask = None
    if given.mask:
        mask = maps.read_map(given.mask, shape, uniform="the style goes everywhere or nowhere")
    if given.lock:
        lock = maps.read_map(given.lock, shape, uniform="all strokes are locked or none")
        free = 1.0 - lock
        mask = free if mask is None else np.minimum(pictures.resize(mask[..., None], free.shape)[..., 0], free)
    return mask


def _painting(
    files: PaintingFiles,
    styles: list[Float[np.ndarray, "_ _ 3"]],
    given: _Pictures,
    line: CommandLine[StyleSettings],
) -> Painting:
    """Loads the painting to style; paints the source if it is a photograph."""
    first = _first(files, line)
    if first is None:
        return load_painting(files.source)
    outputs.check_outputs(first.made, [], overwrite=line.flags.overwrite)
    resumable.check_unfinished([first], line.flags)
    npz, part = (line.flags.resume and resumable.earlier(first)) or (first.npz, None)
    if part:
        resumable.check_resumed(npz, part.settings, given.painting, given.asked)
        if not part.state:
            return part
    chosen = part.settings if part else given.painting
    asked = line.flags
    image = read_image(files.source, canvas_color=chosen.canvas_rgb, page=asked.page, salvage=asked.salvage)
    suited, form = styling.in_manner(image, styles, line.settings)
    if not part and not line.flags.paint:
        chosen = suited
    size = line.flags.size or chosen.size
    return resumable.paint_picture(image, first, settings=chosen, form=form, so_far=part, size=size, line=line)


def _earlier(files: PaintingFiles, line: CommandLine[StyleSettings]) -> Painting | None:
    """Loads the styled painting to resume, if there is one.

    Raises:
      Refused: the painting was styled with other settings than the user asked for, or not at all.
      PaintingFileError: the file cannot be read.
    """
    found = resumable.earlier(files)
    if found is None:
        print(f"{files.npz}: not there yet; styling from the start")
        return None
    npz, earlier = found
    if not earlier.styling:
        raise Refused(f"{npz}: not a painting in another style; choose another --out")
    resumable.check_resumed(npz, earlier.styling, line.settings, line.asked)
    if not earlier.state:
        print(f"{npz}: finished already; drawing it again")
    return earlier
