"""The palette of a painting: a sheet of numbered swatches, and a palette for GIMP, Krita and Inkscape.

A painting with more colours than a palette may have is summed up by the means of clusters. Colours that are mixed from
pigments come with their recipes.
"""

from __future__ import annotations

import dataclasses
import math
import pathlib
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from PIL import Image, ImageDraw, ImageFont

from jaxpaint import drawing, palettes, pictures, pigments, visibility
from jaxpaint.brushes import BRUSHES
from jaxpaint.io.exports.base import Export
from jaxpaint.io.images import encoded
from jaxpaint.optimize.initialize import grained
from jaxpaint.settings import MOST_COLORS, Checked, setting
from jaxpaint.types import Painting

# Long side, in pixels, of the picture in which areas are counted.
_LOOKED_AT = 1024
# Size of a swatch, height of the lines below it, and height of letters, in pixels.
_WIDE, _HIGH, _BELOW, _LETTERS = 280, 170, 74, 22
_LINE = 1.3 * _LETTERS
# Length and width of a swatch's stroke, in widths of the swatch.
_LENGTH, _THICKNESS = 0.78, 0.36
_INK, _QUIET, _SHEET = "#26241f", "#6d6961", "white"


@dataclasses.dataclass(frozen=True)
class Options(Checked):
    """Options of palettes."""

    groups = {"Options of palettes": ""}
    prefix = ""

    colors: int = setting(8, "number of colours for paintings without a palette", 1, MOST_COLORS)


class Swatches(NamedTuple):
    """Colours, and what is seen of each.

    Attributes:
      colors: in [0, 1]: in the order that the user gave them, or else light ones first.
      shares: of the picture's area.
      recipes: the parts of pigments that each is mixed from; none where there are no pigments, or others.
    """

    colors: Float[np.ndarray, "k 3"]
    shares: Float[np.ndarray, "k"]
    recipes: list[list[str]]


def swatches_of(painting: Painting, count: int) -> Swatches:
    """The colours of a painting's strokes, if they are few, or else `count` clusters of them.

    Raises:
      ExportError: the brush has no vectors.
    """
    owner = visibility.look(painting, _LOOKED_AT).owner
    pixels = np.bincount(owner[owner >= 0], minlength=len(painting.strokes))
    ends = painting.strokes[:, BRUSHES[painting.brush].index("color")].reshape(len(painting.strokes), -1, 3)
    areas = np.repeat(pixels / ends.shape[1], ends.shape[1])
    given, colors = painting.settings.palette_rgb, ends.reshape(-1, 3)
    if given is not None:
        chosen = np.array(given, np.float32)
        found = palettes.Palette(chosen, palettes.nearest(colors, chosen))
    else:
        distinct = len(np.unique(pictures.to_bytes(colors[None]), axis=1)[0])
        found = palettes.reduced(colors, np.maximum(areas, 1e-3), distinct if distinct <= MOST_COLORS else count)
    shares = np.bincount(found.members, areas, minlength=len(found.colors)) / owner.size
    mixtures = pigments.mixtures(painting.settings.pigments) if painting.settings.pigments else None
    return Swatches(found.colors, shares, [mixtures.recipe(color) if mixtures else [] for color in found.colors])


def _write_gimp(painting: Painting, path: pathlib.Path, options: Options) -> None:
    colors, shares, recipes = swatches_of(painting, options.colors)
    lines = ["GIMP Palette", f"Name: A painting in {len(painting.strokes)} strokes", "#"]
    for number, (color, share, recipe) in enumerate(zip(pictures.to_bytes(colors), shares, recipes, strict=True), 1):
        mixed = f", {' + '.join(recipe)}" if recipe else ""
        lines.append("{:3} {:3} {:3}\t".format(*color) + f"{number}: {100 * share:.1f} %{mixed}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _write_sheet(painting: Painting, path: pathlib.Path, options: Options) -> None:
    colors, shares, recipes = swatches_of(painting, options.colors)
    # Below a swatch: number and share, the colour, and a line for each paint.
    below = _BELOW + round(_LINE * max(map(len, recipes), default=0))
    columns = max(1, math.ceil(math.sqrt(1.6 * len(colors))))
    rows = max(1, math.ceil(len(colors) / columns))
    sheet = Image.new("RGB", (columns * _WIDE, rows * (_HIGH + below)), _SHEET)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(_LETTERS)
    for number, (color, share, recipe) in enumerate(zip(colors, shares, recipes, strict=True)):
        left, top = number % columns * _WIDE, number // columns * (_HIGH + below)
        sheet.paste(Image.fromarray(_swatch(painting, color, number)), (left, top))
        lines = [f"{number + 1} · {100 * share:.1f} % of the area", pictures.to_hex(color), *recipe]
        for line, text in enumerate(lines):
            ink = _QUIET if line == 1 else _INK
            pen.text((left + _WIDE / 2, top + _HIGH + line * _LINE), text, ink, font, anchor="ma")
    path.write_bytes(encoded(np.asarray(sheet), ".png"))


def _swatch(painting: Painting, color: Float[np.ndarray, "3"], number: int) -> np.ndarray:
    """A stroke of the painting's brush in one colour; another number, another stroke."""
    brush, one = BRUSHES[painting.brush], np.ones(1, np.float32)
    settings = dataclasses.replace(
        painting.settings, canvas_color=_SHEET, ground="none", palette="", pigments="", wet=0.0
    )
    middle = np.array([[0.5, 0.5 * _HIGH / _WIDE]], np.float32)
    rng = np.random.default_rng(number)
    stroke: np.ndarray = brush.lay(middle, rng.normal(0, 0.06, 1), _LENGTH * one, _THICKNESS * one, color[None], one)
    alone = Painting(
        grained(brush, stroke.astype(np.float32), rng),
        brush.name,
        _HIGH,
        _WIDE,
        settings.canvas_rgb,
        painting.brush_image,
        settings,
    )
    return pictures.to_bytes(drawing.opaque(alone.settings, drawing.draw(alone, size=_WIDE)))


EXPORTS = (
    Export(
        ("_palette.png",), "numbered swatches of the colours, and shares of area", Options, _write_sheet, outlined=True
    ),
    Export(("_palette.gpl",), "the colours for GIMP, Krita and Inkscape", Options, _write_gimp, outlined=True),
)
