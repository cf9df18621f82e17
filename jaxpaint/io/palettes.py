"""Palettes as files: of GIMP (.gpl), as lines of hexadecimal numbers (.hex), as JSON, or as a picture."""

from __future__ import annotations

import json
import os
import pathlib
import re
from collections.abc import Iterable
from typing import Any

import numpy as np
from jaxtyping import UInt8

from jaxpaint import checks, palettes, pictures
from jaxpaint.errors import PaletteError, reason
from jaxpaint.io.images import check_file, read_image
from jaxpaint.settings import MOST_COLORS

# How many colours are found in a picture that has more than a palette may have.
_FOUND = 8
# Most bytes of a file that lists colours.
_MOST_BYTES = 2**20


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
    checks.path(path)
    path = pathlib.Path(path)
    check_file(path, "a palette")
    listed = {".gpl": _of_gimp, ".hex": _of_lines, ".txt": _of_lines, ".json": _of_json}.get(path.suffix.lower())
    colors: Iterable[Any]
    if listed is None:
        colors = _of_picture(path)
    else:
        try:
            with path.open("rb") as file:
                colors = listed(file.read(_MOST_BYTES).decode())
        except (OSError, ValueError, TypeError, RecursionError) as error:
            raise PaletteError(f"{path}: expected a palette, got {reason(error)}") from None
    distinct = list(dict.fromkeys("#" + bytes(color).hex() for color in colors))
    if not 1 <= len(distinct) <= MOST_COLORS:
        raise PaletteError(f"{path}: expected a palette of 1 to {MOST_COLORS} colours, got {len(distinct)}")
    return ",".join(distinct)


def _of_gimp(text: str) -> list[list[int]]:
    head, *lines = text.splitlines() or [""]
    if not head.startswith("GIMP Palette"):
        raise ValueError("no palette of GIMP")
    found = (re.match(r"\s*(\d+)\s+(\d+)\s+(\d+)(?!\S)", line) for line in lines)
    return [_checked([int(number) for number in match.groups()]) for match in found if match]


def _of_lines(text: str) -> list[list[int]]:
    return [_of_hex(line) for line in text.split()]


def _of_json(text: str) -> list[list[int]]:
    found = json.loads(text)
    colors = found.get("colors") if isinstance(found, dict) else found
    if not isinstance(colors, list):
        raise ValueError('no list of colours, alone or as "colors"')
    return [_of_hex(color) if isinstance(color, str) else _checked(color) for color in colors]


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


def _of_picture(path: pathlib.Path) -> UInt8[np.ndarray, "n 3"]:
    picture = read_image(path)
    # As one number each, which are sorted much sooner.
    distinct = np.unique(pictures.to_bytes(picture).astype(np.int32) @ np.array([65536, 256, 1], np.int32))
    if len(distinct) <= MOST_COLORS:
        return np.stack([distinct >> 16, distinct >> 8 & 255, distinct & 255], axis=1).astype(np.uint8)
    return pictures.to_bytes(palettes.of_picture(picture, _FOUND)[None])[0]
