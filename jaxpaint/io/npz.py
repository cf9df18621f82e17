"""Paintings as npz files, from which they can be drawn, resumed or styled.

| array | contents |
| --- | --- |
| `format` | version of this layout, 2; in version 1, oil strokes had no grain |
| `strokes` | float32 `[n, d]`, bottom to top, in canvas coordinates |
| `brush`, `config` | the brush's name; the settings as JSON (without `layering` in files older than glazes) |
| `styling`, `repainting` | the settings of the style transfer, or of the repainting, as JSON, if there was one |
| `height`, `width`, `canvas_color` | the photograph's pixels; red, green, blue in [0, 1] |
| `brush_image` | `[stamps, h, w, 3]`, shade, coverage and height of the user's own brush, if there is one |
| `state.…` | the state from which an unfinished painting is resumed |
| `x_ctt`, `x_color`, `x_alpha` | the strokes in the layout of Stylized Neural Painting, `[1, n, ·]` |

A `brush_image` of `[h, w, 2]` is older than sets of stamps and heights. The last three arrays repeat `strokes` for
other programs, and are not read back. The comment of the zip is the mark of the painting's origin, if the origin is
known (see `jaxpaint.io.origins`).
"""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import zipfile
from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np

from jaxpaint import checks, optimize
from jaxpaint.brushes import BRUSHES, with_grain
from jaxpaint.brushes.textures import of_light
from jaxpaint.errors import PaintingFileError, reason
from jaxpaint.io import kinds, origins
from jaxpaint.io.atomic import replacing
from jaxpaint.settings import Checked, Settings, StyleSettings
from jaxpaint.types import Painting

_Kind = TypeVar("_Kind", bound=Checked)

FORMAT = 2
_STATE = "state."
_NEEDED = ("format", "strokes", "brush", "config", "height", "width", "canvas_color")
# Limit for all arrays together, some five times what 100,000 strokes, their state and 64 stamps of `read_brush` take.
_MOST_BYTES = 2**28
_MOST_PIXELS, _MOST_STROKES = 10**9, 10**5
# Shapes may reach beyond the canvas, but never this far.
_FAR = 100.0


def save_painting(path: str | os.PathLike[str], painting: Painting) -> None:
    """Writes a painting as npz, atomically.

    Args:
      path: path of the file; an existing file is replaced.
      painting: a finished or unfinished painting.

    Raises:
      TypeError: `path` is not a path, or `painting` is not a painting.
      WriteError: the file can't be written.
    """
    checks.path(path)
    checks.instance(painting, Painting, "a painting")
    shape_dim = BRUSHES[painting.brush].shape_dim
    strokes = np.asarray(painting.strokes, np.float32)
    arrays: dict[str, Any] = {
        "format": np.int32(FORMAT),
        "strokes": strokes,
        "brush": np.str_(painting.brush),
        "config": np.str_(json.dumps(dataclasses.asdict(painting.settings))),
        "height": np.int32(painting.height),
        "width": np.int32(painting.width),
        "canvas_color": np.asarray(painting.canvas_color, np.float32),
        "x_ctt": strokes[None, :, :shape_dim],
        "x_color": strokes[None, :, shape_dim:-1],
        "x_alpha": strokes[None, :, -1:],
    }
    for name in ("styling", "repainting"):
        if (settings := getattr(painting, name)) is not None:
            arrays[name] = np.str_(json.dumps(dataclasses.asdict(settings)))
    if painting.brush_image is not None:
        arrays["brush_image"] = np.asarray(painting.brush_image, np.float32)
    for name, value in (painting.state or {}).items():
        arrays[_STATE + name] = np.asarray(value)
    with replacing(path) as temporary:
        with open(temporary, "wb") as file:
            np.savez(file, allow_pickle=False, **arrays)
        origins.sign(temporary, painting.origin)


def load_painting(path: str | os.PathLike[str]) -> Painting:
    """Reads a painting that `save_painting` wrote. Nothing is ever unpickled.

    Args:
      path: path of the npz.

    Returns:
      The painting, with every array checked.

    Raises:
      TypeError: the argument is not a path.
      PaintingFileError: the file is missing, damaged or foreign; one line says which.
    """
    checks.path(path)
    path = pathlib.Path(path)
    arrays = _read(path)
    try:
        return dataclasses.replace(painting_of(arrays), origin=origins.of_file(path))
    except (ValueError, TypeError) as error:
        raise PaintingFileError(f"{path}: not a painting that can be used: {error}") from None


def _read(path: pathlib.Path) -> dict[str, np.ndarray]:
    """Reads the file's arrays, except the copies for other programs."""
    if not os.path.exists(path):  # Also False for an impossible file name.
        raise PaintingFileError(f"{path}: no such file")
    if path.is_dir():
        raise PaintingFileError(f"{path}: a folder, not a painting (npz)")
    if not path.is_file():
        raise PaintingFileError(f"{path}: a pipe or a device, not a painting (npz)")
    try:
        foreign = not zipfile.is_zipfile(path)
        if not foreign:
            with zipfile.ZipFile(path) as archive:
                size = sum(member.file_size for member in archive.infolist())
                members = {name.removesuffix(".npy") for name in archive.namelist()}
            foreign = not members.issuperset(_NEEDED) or size > _MOST_BYTES
        if foreign:
            got = kinds.told(path, expected="a painting")
            raise PaintingFileError(
                f"{path}: not a painting (npz) made by jaxpaint, {f'but {got}' if got else 'or cut short'}"
            )
        with np.load(path, allow_pickle=False) as file:
            wanted = [name for name in file.files if not name.startswith("x_")]
            return {name: file[name] for name in wanted}
    except PaintingFileError:
        raise
    except Exception as error:  # Damage shows in many ways: zip, zlib, struct, header, end of file.
        raise PaintingFileError(f"{path}: a damaged painting (npz): {reason(error)}") from None


def painting_of(arrays: Mapping[str, np.ndarray]) -> Painting:
    """The painting that the arrays of a file describe.

    Raises:
      ValueError, TypeError: an array has another type, shape or range; one line says which.
    """
    version = _integer(arrays, "format", 2**31)
    if version > FORMAT:
        raise ValueError(f"format {version}, but this jaxpaint reads up to {FORMAT}; is there a newer one?")
    name = _text(arrays, "brush")
    if name not in BRUSHES:
        raise ValueError(f"expected brush {' or '.join(BRUSHES)}, got {name!r}")
    brush = BRUSHES[name]
    # A painting that has only just begun has no strokes.
    least = 0 if any(key.startswith(_STATE) for key in arrays) else 1
    strokes = _numbers(arrays, "strokes", (None, brush.dim), -_FAR, _FAR, least=least)
    if len(strokes) > _MOST_STROKES:
        raise ValueError(f"expected at most {_MOST_STROKES} strokes, got {len(strokes)}")
    paint = strokes[:, brush.shape_dim :]
    if np.any((paint < 0) | (paint > 1)):
        raise ValueError("colours and alphas of strokes have to be in [0, 1]")
    settings = _settings(Settings, _text(arrays, "config"))
    red, green, blue = _numbers(arrays, "canvas_color", (3,), 0.0, 1.0).tolist()
    state = optimize.renamed({key.removeprefix(_STATE): arrays[key] for key in arrays if key.startswith(_STATE)})
    if not all(value.dtype.kind in "biuf" and np.isfinite(value).all() for value in state.values()):
        raise ValueError("its state has values that are not finite numbers")
    if version == 1:
        strokes = with_grain(brush, strokes, np.arange(len(strokes)))
        if "strokes" in state and state["strokes"].shape[1:] == (brush.dim,):
            state["strokes"] = with_grain(brush, state["strokes"], np.arange(len(state["strokes"])))
    return Painting(
        strokes=strokes,
        brush=name,
        height=_integer(arrays, "height", _MOST_PIXELS),
        width=_integer(arrays, "width", _MOST_PIXELS),
        canvas_color=(red, green, blue),
        brush_image=_brush_image(arrays) if "brush_image" in arrays else None,
        settings=settings,
        state=state or None,
        styling=_settings(StyleSettings, _text(arrays, "styling")) if "styling" in arrays else None,
        repainting=_settings(Settings, _text(arrays, "repainting")) if "repainting" in arrays else None,
    )


def _brush_image(arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    if arrays["brush_image"].ndim == 3:
        return of_light(_numbers(arrays, "brush_image", (None, None, 2), 0.0, 1.0))
    return _numbers(arrays, "brush_image", (None, None, None, 3), 0.0, 1.0)


def _settings(kind: type[_Kind], text: str) -> _Kind:
    try:
        config = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"its config is not JSON: {error}") from None
    if not isinstance(config, dict):
        raise ValueError("its config is not a set of keys and values")
    return kind.from_file(config)


def _integer(arrays: Mapping[str, np.ndarray], name: str, high: int) -> int:
    value = arrays[name]
    if value.shape != () or value.dtype.kind not in "iu" or not 1 <= value <= high:
        raise ValueError(f"{name} has to be an integer from 1 to {high}")
    return int(value)


def _text(arrays: Mapping[str, np.ndarray], name: str) -> str:
    value = arrays[name]
    if value.shape != () or value.dtype.kind != "U":
        raise ValueError(f"{name} has to be text")
    return str(value)


def _numbers(
    arrays: Mapping[str, np.ndarray],
    name: str,
    shape: tuple[int | None, ...],
    low: float,
    high: float,
    *,
    least: int = 1,
) -> np.ndarray:
    """Returns an array as float32, after a check of its shape and range.

    Args:
      arrays: arrays of the file, by name.
      name: name of the array.
      shape: expected shape; None stands for `least` or more entries.
      low, high: range of the values, with both ends.
      least: least number of entries along the axes marked None.

    Raises:
      ValueError: the array has another type, shape or range.
    """
    value = arrays[name]
    if value.dtype.kind != "f" or value.ndim != len(shape):
        raise ValueError(f"{name} has to be an array of {len(shape)} axes of floats")
    for axis, (length, expected) in enumerate(zip(value.shape, shape, strict=True)):
        if length != expected and (expected is not None or length < least):
            wanted = f"at least {least}" if expected is None else str(expected)
            raise ValueError(f"{name} has {length} entries along axis {axis}, expected {wanted}")
    if not np.isfinite(value).all():
        raise ValueError(f"{name} has values that are not finite")
    if np.any((value < low) | (value > high)):
        raise ValueError(f"{name} has values outside [{low:g}, {high:g}]")
    return np.asarray(value, np.float32)
