"""`export`: writes paintings for other programs."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Sequence
from typing import NamedTuple

from absl import flags

from jaxpaint import ordering
from jaxpaint.cli import app, options, outputs
from jaxpaint.cli.app import Refused
from jaxpaint.cli.outputs import Made
from jaxpaint.errors import JaxpaintError
from jaxpaint.io.exports import EXPORTS, ending_of, export, plotters
from jaxpaint.io.paintings import load_frame, load_painting

HELP = """\
usage: {program} PAINTING.npz --out=FILE [--frame=K] [--overwrite]
       {program} PAINTING.npz... --formats=FORMAT[,FORMAT...] [--plan] [--out=FOLDER] [--overwrite]

Writes paintings, finished or not, for other programs; the format is the ending of the file's name.
A painting is an npz, a JSON that was exported, or one frame of a film.

  {program} paintings/photo.npz --out=photo.html        a page that paints the picture
  {program} paintings/*.npz --formats=svg,json          several formats, beside the paintings
  {program} paintings/clip.film --frame=20 --out=a.svg  a frame of a film

{endings}

  -o, --out=OUT  the file, or a folder (default: beside the painting)
  --formats=F    formats, with commas
  --plan         formats for plotters and painting robots: {plan}
  --frame=K      this frame of a film, counted from 0
{order}
{overwrite}
{quiet}
{help}

{options}
"""

# Formats of plans.
_PLAN = [ending[1:] for format in plotters.EXPORTS for ending in format.endings]


def main(argv: Sequence[str] | None = None) -> int:
    """Exports paintings; returns the exit status."""
    return app.run(_main, argv, usage=HELP)


def _main(argv: list[str]) -> int:
    values, kinds = options.basic_flags(), dict.fromkeys(each.options for each in EXPORTS.values())
    flags.DEFINE_string("out", None, "file or folder", short_name="o", flag_values=values)
    options.define_formats(values)
    options.define_order(values)
    flags.DEFINE_boolean("plan", False, "formats of plans", flag_values=values)
    flags.DEFINE_integer("frame", None, "of a film", 0, flag_values=values)
    for kind in kinds:
        options.define_settings(values, kind, kind.defaults())
    sources = [pathlib.Path(name) for name in options.parse(values, argv)]
    if values.help:
        tables = [options.describe(kind, kind.defaults()) for kind in kinds]
        options.print_usage(HELP, argv, endings=_formats(), plan=", ".join(_PLAN), options="\n\n".join(tables))
        return 0
    if values.plan:
        values["formats"].value = [*values.formats, *_PLAN]
    outputs.check_sources(sources, "painting")
    planned = [_Planned.of(source, values) for source in sources]
    app.start(values, divided=False)
    outputs.check_outputs([made for each in planned for made in each.made], sources, overwrite=values.overwrite)
    status = 0
    for each in planned:
        try:
            _export(each, values)
        except JaxpaintError as error:
            app.complain(error)
            status = 1
    return status


class _Planned(NamedTuple):
    """The files to make of a painting, and the options of their formats."""

    source: pathlib.Path
    made: list[Made]

    @classmethod
    def of(cls, source: pathlib.Path, values: flags.FlagValues) -> _Planned:
        """Names the files.

        Raises:
          Refused: a format is unknown, or there is none; an option is of other formats, or no value for it.
        """
        name = source.stem if values.frame is None else f"{source.stem}-{values.frame}"
        endings, out = options.formats_of(values), pathlib.Path(values.out or source.parent)
        if endings and not ending_of(out):
            files = [outputs.placed(str(out), name, [ending]) for ending in endings]
        elif endings or not ending_of(out) or out.is_dir():
            known = ", ".join(ending[1:] for ending in EXPORTS)
            raise Refused(f"--out={out}: expected a name that ends in {known}, or a folder and --formats")
        else:
            files = [out]
        endings = [ending_of(file) for file in files]
        taken = {name for ending in endings for name in EXPORTS[ending].options.defaults()}
        for other in EXPORTS.values():
            for name in options.given(values, other.options.defaults()).keys() - taken:
                raise Refused(f"--{name}: no option of {' or '.join(ending[1:] for ending in endings)}")
        for ending in endings:
            kind = EXPORTS[ending].options
            try:
                kind.from_config(options.given(values, kind.defaults()))
            except (ValueError, TypeError) as error:
                raise Refused(f"--{error}") from None
        frame = "" if values.frame is None else f", frame {values.frame}"
        origin = outputs.origin_of(f"export{frame}", source)
        return cls(source, [Made(file, origin, source) for file in files])


def _export(planned: _Planned, values: flags.FlagValues) -> None:
    source = planned.source
    painting = load_painting(source) if values.frame is None else load_frame(source, values.frame)
    if values.order:
        painting = ordering.reorder(painting, values.order)
    for path, origin, _ in planned.made:
        known = EXPORTS[ending_of(path)].options.defaults()
        with outputs.output_folder(path.parent):
            export(dataclasses.replace(painting, origin=origin), path, **options.given(values, known))
        print(path)


def _formats() -> str:
    """The formats and what they are for, in lines."""
    lines = {each.about: ", ".join(ending[1:] for ending in each.endings) for each in EXPORTS.values()}
    return "\n".join(f"  {names:<26} {about}" for about, names in lines.items())
