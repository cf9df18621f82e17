"""`paint`: turns photographs into paintings."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from jaxpaint import drawing, mattes, pictures, runtime
from jaxpaint.cli import app, maps, options, outputs, repaint, resumable
from jaxpaint.cli.app import Refused
from jaxpaint.cli.options import CommandLine
from jaxpaint.cli.outputs import PaintingFiles
from jaxpaint.io.images import read_image
from jaxpaint.settings import Settings
from jaxpaint.types import Painting

HELP = """\
usage: {program} IMAGE... [--out=OUT] [--size=N] [--dpi=N] [--timelapse] [--report] [--resume]
       [--overwrite] [--detail=IMAGE] [--flow=IMAGE] [--matte=MASK] [--wet=X] [--relief=X]
       [--light=X] [--gloss=X] [--ground=NAME] [--config=FILE] [--config.KEY=VALUE]...
       {program} --repaint=NAME.npz [IMAGE] --region=MASK [--config.KEY=VALUE]...

Paints photographs: OUT/NAME.png, and OUT/NAME.npz, from which it can be drawn at any size.

  {program} photo.jpg                                  1,800 strokes of oil, in paintings/
  {program} photo.jpg --config=alla_prima.py -o art    in another way: see configs/
  {program} photo.jpg --config.strokes=8000            closer to the photograph
  {program} photo.jpg --config.psnr=28                 the fewest strokes that come as near as 28 dB
  {program} photo.jpg --repaint=paintings/photo.npz --region=sky.png     its sky anew

What is painted:

  --detail=IMAGE smaller strokes, closer to the photograph, where this picture is light
  --flow=IMAGE   directions of strokes, as hues: red level, half the hue turns counter-clockwise;
                 grey: as the photograph has them. Or vectors, in a .npy
  --matte=MASK   a cut-out: strokes stay where this picture is light, in place of the photograph's
                 alpha (config.transparent)
  --repaint=NPZ  paints a part of a painting anew, from IMAGE or else from itself: OUT/NAME-2.npz
  --region=MASK  with --repaint: the part, where this picture is light
{photo}

How the paint looks:

{light}

What is written:

  -o, --out=OUT  a folder, or the picture: NAME.png or NAME.jpg (default: paintings)
  --size=N       long side of the drawing in pixels (default: config.size),
{dpi}
  --timelapse    also OUT/NAME.mp4, a video of the drawing, or a WebM with alpha
{formats}
  --report       also OUT/NAME.json: how close it is, how long it took
  --resume       continues OUT/NAME.npz, or NAME-part.npz, after Ctrl-C
{overwrite}

How it runs:

  --config=FILE  a file of settings, .py or .json (default: configs/paint.py)
{preview}
{quiet}
{help}

Settings, as --config.KEY=VALUE, with their values in {config}; --help=KEY describes one:

"""


def main(argv: Sequence[str] | None = None) -> int:
    """Paints photographs; returns the exit status."""
    return app.run(_main, argv, usage=HELP)


def _main(argv: list[str]) -> int:
    values = options.define_flags(out="paintings")
    options.define_light(values)
    maps.define(values)
    repaint.define(values)
    line = options.command_line(argv, values, Settings, config="paint.py", usage=HELP)
    if line is None:
        return 0
    if values.matte:
        try:
            settings = dataclasses.replace(line.settings, transparent=True)
        except ValueError as error:
            raise Refused(error) from None
        line = dataclasses.replace(line, settings=settings, asked=[*line.asked, "transparent"])
    given = maps.check(values, line.settings)
    if values.repaint or values.region:
        planned, do = [repaint.plan(line)], repaint.repaint
    else:
        outputs.check_sources(line.files, "picture")
        outputs.check_exports(values, line.settings.brush)
        transparent = line.settings.transparent
        planned = [PaintingFiles.of(photo, "painting", values, transparent=transparent) for photo in line.files]
        do = _paint
    made = [made for each in planned for made in each.made]
    read = [*line.files, *line.read, *given, *repaint.inputs(values)]
    outputs.check_outputs(made, read, overwrite=values.overwrite)
    resumable.check_unfinished(planned, values)
    app.start(values)
    return outputs.for_each(planned, values, lambda files: do(files, line))


def _paint(files: PaintingFiles, line: CommandLine[Settings]) -> None:
    """Paints one photograph and writes its files."""
    resumable.check_unfinished([files], line.flags)
    result = _earlier(files, line) if line.flags.resume else None
    if result:
        result = dataclasses.replace(drawing.relit(result, options.light_of(line.flags)), origin=files.origin)
    chosen = result.settings if result else line.settings
    size = line.flags.size or chosen.size
    with runtime.Stopwatch() as watch:
        asked = line.flags
        canvas, alpha = chosen.canvas_rgb, chosen.transparent
        image = read_image(files.source, canvas_color=canvas, page=asked.page, salvage=asked.salvage, alpha=alpha)
        wanted, matte = mattes.parted(image, chosen)
        if result and image.shape[:2] != (result.height, result.width):
            raise Refused(f"{files.npz}: a painting of another photograph, not of {files.source}")
        if result is None or result.state:
            given = maps.read(asked, wanted)
            if chosen.transparent and matte is None and result is None and "matte" not in given:
                expected = "expected transparent places for config.transparent, or --matte=MASK"
                raise Refused(f"{files.source}: {expected}, got an opaque photograph")
            if "matte" in given:
                full = pictures.resize(given["matte"][..., None], wanted.shape[:2])[..., 0]
                wanted = mattes.cut_out(wanted, full, canvas)
            with watch("fitting"):
                result = resumable.paint_picture(
                    image, files, settings=chosen, so_far=result, size=size, line=line, **given
                )
        outputs.write_painting(files, result, wanted, size=size, values=asked, watch=watch)


def _earlier(files: PaintingFiles, line: CommandLine[Settings]) -> Painting | None:
    """Loads the painting to resume, if there is one.

    Raises:
      Refused: the painting has other settings than the user asked for, or another style.
      PaintingFileError: the file cannot be read.
    """
    found = resumable.earlier(files)
    if found is None:
        print(f"{files.npz}: not there yet; painting from the start")
        return None
    npz, earlier = found
    if earlier.styling:
        raise Refused(f"{npz}: a painting in another style, not one of a photograph; see bin/stylize")
    # A goal has chosen some of them anew.
    asked = [name for name in line.asked if name not in earlier.settings.sought]
    resumable.check_resumed(npz, earlier.settings, line.settings, asked)
    if not earlier.state:
        print(f"{npz}: finished already; drawing it again")
    return earlier
