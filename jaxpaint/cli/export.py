"""`export`: writes paintings and films for other programs."""

from __future__ import annotations

import dataclasses
import pathlib
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from absl import flags

from jaxpaint import ordering
from jaxpaint.cli import app, options, outputs, progress
from jaxpaint.cli.app import Refused
from jaxpaint.cli.outputs import Made
from jaxpaint.errors import FilmFileError, JaxpaintError
from jaxpaint.io import films
from jaxpaint.io.exports import EXPORTS, FILMS, Export, ending_of, export, export_film, plotters
from jaxpaint.io.paintings import load_frame, load_painting
from jaxpaint.video.frames import Frame

HELP = """\
usage: {program} PAINTING.npz --out=FILE [--overwrite]
       {program} FILM.film --out=FILE [--frame=K | --frames=K-L] [--overwrite]
       {program} PAINTING.npz... --formats=FORMAT[,FORMAT...] [--plan] [--out=FOLDER] [--overwrite]

Writes paintings, finished or not, for other programs; the format is the ending of the file's name.
A painting is an npz, an exported JSON, or one frame of a film. Some formats take whole films.

  {program} paintings/photo.npz --out=photo.html        a page that paints the picture
  {program} paintings/*.npz --formats=svg,json          several formats, beside the paintings
  {program} paintings/clip.film --out=clip.html         a page that plays a film
  {program} paintings/clip.film --frame=20 --out=a.svg  a frame of a film

{endings}

Formats for whole films of up to 30 s:

{films}

  -o, --out=OUT  the file, or a folder (default: beside the painting)
  --formats=F    formats, with commas
  --plan         formats for plotters and painting robots: {plan}
  --frame=K      this frame of a film, counted from 0
  --frames=K-L   only these frames of a film
{order}
{overwrite}
{quiet}
{help}

{options}
"""

_FORMATS = [*EXPORTS.values(), *FILMS.values()]
# Formats of plans.
_PLAN = [ending[1:] for format in plotters.EXPORTS for ending in format.endings]


def main(argv: Sequence[str] | None = None) -> int:
    """Exports paintings; returns the exit status."""
    return app.run(_main, argv, usage=HELP)


def _main(argv: list[str]) -> int:
    values, kinds = options.basic_flags(), dict.fromkeys(each.options for each in _FORMATS)
    flags.DEFINE_string("out", None, "file or folder", short_name="o", flag_values=values)
    options.define_formats(values)
    options.define_order(values)
    flags.DEFINE_boolean("plan", False, "formats of plans", flag_values=values)
    flags.DEFINE_integer("frame", None, "of a film", 0, flag_values=values)
    flags.DEFINE_string("frames", None, "of a film", flag_values=values)
    for kind in kinds:
        options.define_settings(values, kind, kind.defaults())
    sources = [pathlib.Path(name) for name in options.parse(values, argv)]
    if values.help:
        tables = [options.describe(kind, kind.defaults()) for kind in kinds]
        told = {"endings": _told(EXPORTS), "films": _told(FILMS), "plan": ", ".join(_PLAN)}
        options.print_usage(HELP, argv, **told, options="\n\n".join(tables))
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
    """The files to make of a painting, or of a whole film.

    Attributes:
      source: path of the painting or film.
      made: the files.
      formats: the formats that it can be written in.
      frames: the frames of the film, if not all.
    """

    source: pathlib.Path
    made: list[Made]
    formats: dict[str, Export]
    frames: range | None = None

    @classmethod
    def of(cls, source: pathlib.Path, values: flags.FlagValues) -> _Planned:
        """Names the files.

        Raises:
          Refused: a format is unknown, takes no film, or there is none; an option is of other formats, or no value for
            it.
        """
        frames, whole = _frames_of(values), source.suffix.lower() == ".film" and values.frame is None
        for flag in ("order",) if whole else ("frames",):
            if values[flag].value:
                expected = "a painting, or one frame of a film" if whole else "a film, and without --frame"
                raise Refused(f"--{flag}={values[flag].value}: expected with {expected}, got {source}")
        formats = FILMS if whole else EXPORTS
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
        for ending in endings:
            if ending not in formats:
                known = ", ".join(each[1:] for each in FILMS)
                raise Refused(f"{source}: a whole film becomes {known}; for {ending[1:]}, choose a frame by --frame=K")
        taken = {name for ending in endings for name in formats[ending].options.defaults()}
        for other in _FORMATS:
            for name in options.given(values, other.options.defaults()).keys() - taken:
                told = " or ".join(ending[1:] for ending in endings) + " of films" * whole
                raise Refused(f"--{name}: no option of {told}")
        for ending in endings:
            kind = formats[ending].options
            try:
                kind.from_config(options.given(values, kind.defaults()))
            except (ValueError, TypeError) as error:
                raise Refused(f"--{error}") from None
        part = "" if values.frame is None else f", frame {values.frame}"
        part += "" if frames is None else f", frames {values.frames}"
        origin = outputs.origin_of(f"export{part}", source)
        return cls(source, [Made(file, origin, source) for file in files], formats, frames)


def _frames_of(values: flags.FlagValues) -> range | None:
    """The frames that `--frames` names; None if it was not given.

    Raises:
      Refused: it names none.
    """
    if values.frames is None:
        return None
    found = re.fullmatch(r"(\d{1,9})-(\d{1,9})", values.frames)
    if not found or int(found[1]) > int(found[2]):
        raise Refused(f"--frames={values.frames}: expected the first and the last frame, such as 0-99")
    return range(int(found[1]), int(found[2]) + 1)


def _export(planned: _Planned, values: flags.FlagValues) -> None:
    source, painting = planned.source, None
    if planned.formats is FILMS:
        if not films.is_finished(source):
            app.complain(f"{source}: not finished, or cut short; exporting the frames that it has")
    else:
        painting = load_painting(source) if values.frame is None else load_frame(source, values.frame)
        if values.order:
            painting = ordering.reorder(painting, values.order)
    for path, origin, _ in planned.made:
        given = options.given(values, planned.formats[ending_of(path)].options.defaults())
        with outputs.output_folder(path.parent), progress.waiting(path.name, quiet=values.quiet):
            if painting is None:
                film, _ = films.read(source)
                frames = _read(source, planned.frames)
                export_film(dataclasses.replace(film, origin=origin), frames, path, **given)
            else:
                export(dataclasses.replace(painting, origin=origin), path, **given)
        print(path)


def _read(source: pathlib.Path, chosen: range | None) -> Iterator[Frame]:
    """Reads frames of a film.

    Raises:
      FilmFileError: the film is damaged, or ends before the last one.
    """
    count = 0
    for count, painted in enumerate(films.read(source)[1], 1):
        if chosen is None or count - 1 in chosen:
            yield painted.frame
        if chosen and count == chosen.stop:
            return
    if chosen:
        raise FilmFileError(f"{source}: has no frame {chosen[-1]}, but frames 0 to {count - 1}")


def _told(formats: Mapping[str, Export]) -> str:
    """Formats and what they are for, in lines."""
    lines = {each.about: ", ".join(ending[1:] for ending in each.endings) for each in formats.values()}
    return "\n".join(f"  {names:<26} {about}" for about, names in lines.items())
