"""Pictures as files. A user's pictures are checked here, before anything is computed."""

from __future__ import annotations

import os
import pathlib
from typing import Any

import imageio.v3 as iio
import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, UnidentifiedImageError

from jaxpaint import checks
from jaxpaint.brushes.textures import brush_picture
from jaxpaint.errors import ImageError, WriteError, reason
from jaxpaint.io import kinds, origins
from jaxpaint.io.atomic import replacing
from jaxpaint.io.decoding import decode
from jaxpaint.pictures import checked_color, converted, to_bytes

MOST_STAMPS = 64
# Endings of the formats that pictures with alpha are written in.
WITH_ALPHA = (".png", ".webp", ".tif", ".tiff")
# Endings of the formats that a resolution is written into.
_PRINTED = (".png", ".jpg", ".jpeg")
# Ending of the name, without suffix, of a picture of heights.
_HEIGHT = "_height"


def read_image(
    path: str | os.PathLike[str],
    *,
    canvas_color: tuple[float, float, float] = (1.0, 1.0, 1.0),
    page: int | None = None,
    salvage: bool = False,
    alpha: bool = False,
) -> Float[np.ndarray, "height width c"]:
    """Reads a photograph: grey, colour, palette, CMYK or CIELAB, with 1 to 32 bits or floats.

    The EXIF rotation is applied, and colours are converted by the colour profile. A picture of more than 20 megapixels
    is reduced by an integer factor.

    Args:
      path: path of the picture.
      canvas_color: colour behind transparent pixels; red, green, blue in [0, 1].
      page: number of the page, from 1, in a file of several; None for the first.
      salvage: reads the intact part of a truncated JPEG; the rest is grey.
      alpha: keeps the transparency, as a fourth channel.

    Returns:
      sRGB values in [0, 1], and alpha, if asked for.

    Raises:
      ValueError, TypeError: an argument has another type or range.
      ImageError: the file is missing, a folder, empty, not a picture, truncated, an animation, a video, or larger than
        200 megapixels; the page does not exist; no value is finite; the file is a HEIC, and pillow-heif is missing.

    Warns:
      UserWarning: the file has other pages, values that end far below or above full scale, or NaN values.
    """
    checks.path(path)
    path, canvas = pathlib.Path(path), checked_color(canvas_color)
    if page is not None:
        page = checks.whole(page, "the number of a page", 1, 10**6)
    check_file(path, "a picture")
    # Pillow mistakes some videos for pictures.
    if path.suffix.lower() in kinds.VIDEO_ENDINGS:
        raise ImageError(f"{path}: expected a picture, got {kinds.told(path, expected='a picture')}")
    try:
        values = decode(path, page=page, salvage=salvage)
    except ImageError:
        raise
    except UnidentifiedImageError:
        got = kinds.told(path, expected="a picture") or "something else"
        raise ImageError(f"{path}: expected a picture, got {got}") from None
    except Exception as error:  # Decoders raise many kinds of exceptions for damaged files.
        why = reason(error)
        problem = "can't be read" if isinstance(error, OSError) and error.errno else "a damaged picture"
        if "truncated" in why and path.suffix.lower() in (".jpg", ".jpeg"):
            why += "; --salvage reads the intact part"
        raise ImageError(f"{path}: {problem}: {why}") from None
    covered = values[..., 3:]
    return values if alpha else values[..., :3] * covered + canvas * (1.0 - covered)


def read_brush(path: str | os.PathLike[str]) -> Float[np.ndarray, "stamps across along 3"]:
    """Reads a user's own brush as a set of stamps; see `brushes.textures.brush_picture`.

    Args:
      path: path of a picture, or of a folder of pictures, which are read in the order of their names. For `NAME.png`,
        `NAME_height.png` contains the heights as grey values; all picture formats are allowed.

    Raises:
      ImageError: a picture can't be read (see `read_image`) or shows no brush; a picture of heights has no brush
        picture or another size; a folder has no pictures or too many.
    """
    path = pathlib.Path(path)
    found = _stamps_in(path) if path.is_dir() else {path: None}
    return np.stack([_read_stamp(picture, heights) for picture, heights in found.items()])


def _stamps_in(folder: pathlib.Path) -> dict[pathlib.Path, pathlib.Path | None]:
    """Finds a folder's brush pictures, in the order of their names, each with its picture of heights or None."""
    try:
        files = sorted(file for file in folder.iterdir() if not file.name.startswith("."))
    except OSError as error:
        raise ImageError(f"{folder}: can't be read: {error.strerror}") from None
    pictures: dict[str, pathlib.Path] = {}
    for file in files:
        if file.suffix.lower() not in Image.registered_extensions():
            continue
        if other := pictures.get(file.stem):
            raise ImageError(f"{file}: expected one picture of that name, got {other.name} too")
        pictures[file.stem] = file
    heights = {stem: pictures.pop(stem) for stem in list(pictures) if stem.endswith(_HEIGHT)}
    for stem, file in heights.items():
        if (name := stem.removesuffix(_HEIGHT)) not in pictures:
            raise ImageError(f"{file}: expected a picture {name} beside these heights, got none")
    if not 0 < len(pictures) <= MOST_STAMPS:
        raise ImageError(f"{folder}: expected 1 to {MOST_STAMPS} pictures of a brush, got {len(pictures) or 'none'}")
    return {file: heights.get(stem + _HEIGHT) for stem, file in pictures.items()}


def _read_stamp(path: pathlib.Path, heights: pathlib.Path | None) -> Float[np.ndarray, "across along 3"]:
    picture = read_image(path, canvas_color=(0.0, 0.0, 0.0))
    height = None if heights is None else read_image(heights, canvas_color=(0.0, 0.0, 0.0))
    if height is not None and height.shape != picture.shape:
        (rows, columns), (expected, wide) = height.shape[:2], picture.shape[:2]
        raise ImageError(f"{heights}: expected {wide} × {expected} pixels, as in {path.name}, got {columns} × {rows}")
    try:
        return brush_picture(picture, height)
    except ValueError as error:
        raise ImageError(f"{path}: {error}") from None


def check_file(path: pathlib.Path, kind: str) -> None:
    """Refuses a missing or empty file, and a folder.

    Args:
      path: path of the file.
      kind: noun for the expected file, for error messages.

    Raises:
      ImageError: one line names the problem.
    """
    if not os.path.exists(path):  # Also False for a name that no file can have.
        raise ImageError(f"{path}: no such file")
    if path.is_dir():
        raise ImageError(f"{path}: expected {kind}, got a folder")
    if not path.is_file():
        raise ImageError(f"{path}: expected {kind}, got a pipe or a device")
    if path.stat().st_size == 0:
        raise ImageError(f"{path}: expected {kind}, got an empty file")


def write_image(
    path: str | os.PathLike[str],
    image: Float[np.ndarray, "height width c"],
    *,
    origin: str = "",
    dpi: int | None = None,
) -> None:
    """Writes a picture with 8 bits a channel, atomically.

    Args:
      path: path of the file; the suffix selects the format.
      image: picture in [0, 1], or any other type that `pictures.converted` takes, such as uint8; with alpha as a fourth
        channel, for a PNG, WebP or TIFF.
      origin: checksum of the inputs, which is written into a PNG or JPEG (see `jaxpaint.io.origins`); empty if unknown.
      dpi: resolution of a print in pixels per inch, which is written into a PNG or JPEG; None for none.

    Raises:
      ValueError, TypeError: `path` is not a path, `image` is not a picture, or `dpi` is not a whole number from 1 to
        65535.
      WriteError: the file can't be written, or its suffix is not that of a picture format, or not of one with alpha.
    """
    checks.path(path)
    image = converted(image, alpha=True)
    resolution = {}
    if dpi is not None:
        # A JPEG has 16 bits for it.
        dpi = checks.whole(dpi, "a resolution in pixels per inch", 1, 2**16 - 1)
        if pathlib.Path(path).suffix.lower() in _PRINTED:
            resolution = {"dpi": (dpi, dpi)}
    if Image.registered_extensions().get(pathlib.Path(path).suffix.lower()) not in Image.SAVE:
        raise WriteError(f"{path}: can't be written: expected a name that ends in .png, .jpg or the like")
    if image.shape[-1] == 4 and pathlib.Path(path).suffix.lower() not in WITH_ALPHA:
        raise WriteError(f"{path}: can't be written: expected a name that ends in {', '.join(WITH_ALPHA)} for alpha")
    with replacing(path) as temporary:
        try:
            temporary.write_bytes(encoded(to_bytes(image), temporary.suffix.lower(), **resolution))
        except ValueError as error:  # For example, the picture is too large for its format.
            raise WriteError(f"{path}: can't be written: {reason(error)}") from None
        origins.sign(temporary, origin)


def encoded(pixels: UInt8[np.ndarray, "height width *c"], ending: str, **options: Any) -> bytes:
    """A picture in the format of an ending, such as ".png".

    In memory: on a full disk, a file of imageio's fails once more when it is collected as garbage.

    Args:
      pixels: the picture, with channels or grey.
      ending: ending of the format's names.
      options: options of the format that Pillow knows.

    Raises:
      ValueError: the format can't hold the picture.
    """
    return bytes(iio.imwrite("<bytes>", pixels, extension=ending, **options))
