"""`paint --repaint`: paints a region of a painting anew."""

from __future__ import annotations

import dataclasses
import pathlib
import re
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np
from absl import flags
from jaxtyping import Float

from jaxpaint import drawing, mattes, regions, repainting, runtime
from jaxpaint.cli import maps, options, outputs, resumable
from jaxpaint.cli.app import Refused, complain
from jaxpaint.cli.options import CommandLine
from jaxpaint.cli.outputs import PaintingFiles
from jaxpaint.errors import ResumeError, WeightsError
from jaxpaint.io.images import read_image
from jaxpaint.io.paintings import load_painting
from jaxpaint.settings import LIGHT, Settings
from jaxpaint.types import Painting, Progress


def define(values: flags.FlagValues) -> None:
    """Defines the flags repaint and region."""
    flags.DEFINE_string("repaint", None, "a painting", flag_values=values)
    flags.DEFINE_string("region", None, "what is painted anew", flag_values=values)


def inputs(values: flags.FlagValues) -> list[pathlib.Path]:
    """Paths of the painting and of the region."""
    return [pathlib.Path(path) for path in (values.repaint, values.region) if path]


def plan(line: CommandLine[Settings]) -> PaintingFiles:
    """The files of a repainting: by default, with a number after the painting's name, so that the old ones stay.

    Raises:
      Refused: the painting or the region is missing; there are several photographs.
    """
    values = line.flags
    if not values.repaint:
        raise Refused(f"--region={values.region}: expected --repaint=NAME.npz, the painting that it is a part of")
    if not values.region:
        raise Refused(f"--repaint={values.repaint}: expected --region=MASK, which is light where to paint anew")
    source, region = inputs(values)
    outputs.check_sources([source, region, *line.files], "painting")
    if len(line.files) > 1:
        raise Refused(f"expected at most one photograph for --repaint={source}, got {len(line.files)}")
    files = PaintingFiles.of(source, "repainted painting", values, region, *line.files)
    return files if pathlib.Path(values.out) == files.png else files.renamed(_next(source.stem))


def _next(name: str) -> str:
    """The name of a painting's next version: photo, photo-2, photo-3."""
    found = re.fullmatch(r"(.*)-(\d{1,6})", name)
    return f"{found[1]}-{int(found[2]) + 1}" if found else f"{name}-2"


def repaint(files: PaintingFiles, line: CommandLine[Settings]) -> None:
    """Paints a region of one painting anew and writes the files."""
    values = line.flags
    resumable.check_unfinished([files], values)
    before = drawing.relit(load_painting(files.source), options.light_of(values))
    outputs.check_exports(values, before.brush)
    strokes, settings = _settings(before, line)
    result = _earlier(files, line) if values.resume else None
    with runtime.Stopwatch() as watch:
        image = _photograph(line, before)
        mask = maps.read_map(values.region, (before.height, before.width), uniform=None)
        if mask.min() >= regions.INSIDE:
            complain(f"{values.region}: light everywhere, so the whole painting is painted anew")
        wanted = drawing.draw_flat(before) if image is None else mattes.parted(image, before.settings)[0]
        size = values.size or before.settings.size
        if result is None or result.state:
            if result and result.repainting:
                settings, strokes = result.repainting, result.repainting.strokes
            with watch("fitting"):
                stages = _stages(
                    files,
                    before,
                    image,
                    mask=mask,
                    key=jax.random.key(settings.seed),
                    strokes=strokes,
                    settings=settings,
                    resume=result,
                    **maps.read(values, wanted),
                )
                result = resumable.follow(stages, files, so_far=result, size=size, line=line)
        result = dataclasses.replace(drawing.relit(result, options.light_of(values)), origin=files.origin)
        outputs.write_painting(files, result, wanted, size=size, values=values, watch=watch)


def _stages(files: PaintingFiles, *arguments: Any, **options: Any) -> Iterator[tuple[Painting, Progress]]:
    """`repainting.repaint_stages`, with its complaints about the painting and the settings as refusals."""
    try:
        return repainting.repaint_stages(*arguments, **options)
    except (ResumeError, WeightsError):
        raise
    except ValueError as error:
        raise Refused(f"{files.source}: {error}") from None


def _photograph(line: CommandLine[Settings], before: Painting) -> Float[np.ndarray, "rows columns c"] | None:
    """The photograph to repaint from, cropped to the painting's proportions; None without one."""
    if not line.files:
        return None
    (path,), values = line.files, line.flags
    alpha = before.settings.transparent
    found = read_image(path, canvas_color=before.canvas_color, page=values.page, salvage=values.salvage, alpha=alpha)
    image = repainting.cropped(found, (before.height, before.width))
    (height, width, _), (rows, columns, _) = found.shape, image.shape
    if max(height / rows, width / columns) > maps.ALIKE:
        complain(f"{path}: {width} × {height} pixels, of which the middle {columns} × {rows} are painted")
    return image


def _settings(before: Painting, line: CommandLine[Settings]) -> tuple[int | None, Settings]:
    """Number of new strokes, or None for as many as before, and their settings: the painting's, and the user's."""
    asked = {name: getattr(line.settings, name) for name in line.asked if name not in LIGHT}
    if "pigments" in asked:
        # How many mixtures, in place of the painting's colours.
        asked["palette"] = line.settings.palette
    return asked.pop("strokes", None), dataclasses.replace(repainting.settings_of(before), **asked)


def _earlier(files: PaintingFiles, line: CommandLine[Settings]) -> Painting | None:
    """Loads the repainting to resume, if there is one.

    Raises:
      Refused: the painting there is no repainting, or one with other settings than the user asked for.
      PaintingFileError: the file cannot be read.
    """
    found = resumable.earlier(files)
    if found is None:
        print(f"{files.npz}: not there yet; painting from the start")
        return None
    npz, earlier = found
    if earlier.repainting is None:
        raise Refused(f"{npz}: not a painting with a region painted anew; choose another --out")
    resumable.check_resumed(npz, earlier.repainting, line.settings, line.asked)
    if not earlier.state:
        print(f"{npz}: finished already; drawing it again")
    return earlier
