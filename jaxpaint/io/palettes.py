"""Palettes as files: of GIMP (.gpl), as lines of hexadecimal numbers (.hex), as JSON, or as a picture."""

from __future__ import annotations

import json
import os
import pathlib
import re

import numpy as np

from jaxpaint import checks, palettes, pictures
from jaxpaint.errors import PaletteError, reason
from jaxpaint.io.images import check_file, read_image
from jaxpaint.settings import MOST_COLORS

# How many colours are found in a picture that has more than a palette may have.
_FOUND = 8
# Most bytes of a file that lists colours.
_MOST_BYTES = 2**20
# A colour, of 8 bits, and its name, empty if it has none.
_Named = tuple[list[int], str]


def read_palette(path: str | os.PathLike[str]) -> str:
    """Reads a palette, for `Settings.palette`.

    Args:
      path: a palette of GIMP (.gpl); one colour as rrggbb in each line (.hex, .txt); a list of "#rrggbb" or of
        [red, green, blue] from 0 to 255, alone or as "colors" (.json); or a picture, whose colours are taken if they
        are few, and are summed up by eight otherwise.

    Returns:
      Distinct colours as #rrggbb with commas between them, in the order of the file; 1 to 64.

    Raises:
      TypeError: the path has another type.
      PaletteError: the file lists no colours, or too many, or something else.
      ImageError: the file is missing, or a picture that can't be read.
    """
    return ",".join(_named(path))


def read_pigments(path: str | os.PathLike[str]) -> str:
    """Reads paints, for `Settings.pigments`: the colours of a palette, and their names in a palette of GIMP.

    Args:
      path: as for `read_palette`.

    Returns:
      Paints as `name #rrggbb` with commas between them, in the order of the file; without names, `#rrggbb`.

    Raises:
      TypeError, PaletteError, ImageError: as for `read_palette`.
    """
    return ",".join(f"{name} {color}".strip() for color, name in _named(path).items())


def _named(path: str | os.PathLike[str]) -> dict[str, str]:
    """The name of each colour of a file, empty if it has none; see `read_palette`."""
    checks.path(path)
    path = pathlib.Path(path)
    check_file(path, "a palette")
    listed = {".gpl": _of_gimp, ".hex": _of_lines, ".txt": _of_lines, ".json": _of_json}.get(path.suffix.lower())
    if listed is None:
        colors = _of_picture(path)
    else:
        try:
            with path.open("rb") as file:
                colors = listed(file.read(_MOST_BYTES).decode())
        except (OSError, ValueError, TypeError, RecursionError) as error:
            raise PaletteError(f"{path}: expected a palette, got {reason(error)}") from None
    distinct: dict[str, str] = {}
    for color, name in colors:
        distinct.setdefault("#" + bytes(color).hex(), name)
    if not 1 <= len(distinct) <= MOST_COLORS:
        raise PaletteError(f"{path}: expected a palette of 1 to {MOST_COLORS} colours, got {len(distinct)}")
    return distinct


def _of_gimp(text: str) -> list[_Named]:
    head, *lines = text.splitlines() or [""]
    if not head.startswith("GIMP Palette"):
        raise ValueError("no palette of GIMP")
    found = (re.match(r"\s*(\d+)\s+(\d+)\s+(\d+)(?!\S)(.*)", line) for line in lines)
    matches = (match.groups() for match in found if match)
    # Commas and # separate colours in settings.
    return [(_checked([int(number) for number in rgb]), re.sub("[#,]", " ", name).strip()) for *rgb, name in matches]


def _of_lines(text: str) -> list[_Named]:
    return [(_of_hex(line), "") for line in text.split()]


def _of_json(text: str) -> list[_Named]:
    found = json.loads(text)
    colors = found.get("colors") if isinstance(found, dict) else found
    if not isinstance(colors, list):
        raise ValueError('no list of colours, alone or as "colors"')
    return [(_of_hex(color) if isinstance(color, str) else _checked(color), "") for color in colors]


def _of_hex(text: str) -> list[int]:
    if not re.fullmatch("#?[0-9a-fA-F]{6}", text):
        raise ValueError(f"{text!r} in place of a colour as rrggbb")
    return list(bytes.fromhex(text.removeprefix("#")))


def _checked(color: object) -> list[int]:
    if (
        not isinstance(color, list)
        or len(color) != 3
        or not all(type(number) is int and 0 <= number <= 255 for number in color)
    ):
        raise ValueError(f"{color!r} in place of three numbers from 0 to 255")
    return color


def _of_picture(path: pathlib.Path) -> list[_Named]:
    picture = read_image(path)
    # As one number each, which are sorted much sooner.
    distinct = np.unique(pictures.to_bytes(picture).astype(np.int32) @ np.array([65536, 256, 1], np.int32))
    if len(distinct) <= MOST_COLORS:
        colors = np.stack([distinct >> 16, distinct >> 8 & 255, distinct & 255], axis=1)
    else:
        colors = pictures.to_bytes(palettes.of_picture(picture, _FOUND))
    return [(color, "") for color in colors.tolist()]
