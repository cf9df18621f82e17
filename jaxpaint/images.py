"""Pictures, in and out. What a user hands in is checked here, before anything is computed."""

from __future__ import annotations

import contextlib
import io
import os
import pathlib
import tempfile
import warnings
from collections.abc import Iterator
from typing import Any

import imageio.v3 as iio
import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from jaxpaint import runtime

MOST_PIXELS = 200_000_000
MOST_STAMPS = 64
# What the name of a picture of heights ends with.
_HEIGHT = "_height"
_VIDEO_ENDINGS = {".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv"}


class ImageError(ValueError):
    """A picture or a video that can't be read, or a file that can't be written; one line says why."""


def read_image(
    path: str | os.PathLike[str], *, canvas_color: tuple[float, float, float] = (1.0, 1.0, 1.0)
) -> Float[np.ndarray, "height width 3"]:
    """Reads a photograph: grey, colour, palette, CMYK, of 1 to 16 bits, turned as its EXIF data say.

    Args:
      path: of the picture.
      canvas_color: what shows through where the picture is transparent; red, green, blue in [0, 1].

    Returns:
      sRGB values in [0, 1].

    Raises:
      ImageError: no such file, a folder, empty, not a picture, cut short, an animation or a video, or of more than
        200 megapixels.
    """
    path = pathlib.Path(path)
    check_file(path, "a picture")
    if path.suffix.lower() in _VIDEO_ENDINGS:
        raise ImageError(f"{path}: expected a picture, got a video")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with _open(path) as picture:
                return _pixels(ImageOps.exif_transpose(picture), canvas_color)
    except ImageError:
        raise
    except UnidentifiedImageError:
        raise ImageError(f"{path}: expected a picture, got something else") from None
    except Exception as error:  # Decoders raise all kinds of things at damaged files.
        reason = " ".join(str(error).split()) or type(error).__name__
        problem = "can't be read" if isinstance(error, OSError) and error.errno else "a damaged picture"
        raise ImageError(f"{path}: {problem}: {reason}") from None


def read_brush(path: str | os.PathLike[str]) -> Float[np.ndarray, "stamps across along 3"]:
    """Reads a user's own brush: stamps as `brushes.textures.brush_picture` understands them.

    Args:
      path: of a picture, or of a folder of pictures, which are taken in the order of their names. Beside a `NAME.png`,
        `NAME_height.png` has its heights in grey values; endings may be those of any pictures.

    Raises:
      ImageError: as `read_image`; a picture that shows no brush; heights without a picture or of another size; a folder
        without pictures, or with too many.
    """
    path = pathlib.Path(path)
    found = _stamps_in(path) if path.is_dir() else {path: None}
    return np.stack([_read_stamp(picture, heights) for picture, heights in found.items()])


def _stamps_in(folder: pathlib.Path) -> dict[pathlib.Path, pathlib.Path | None]:
    """The pictures of a folder in the order of their names, and the picture of the heights of each."""
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
    from jaxpaint.brushes.textures import brush_picture

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
    """Refuses what is no file, or an empty one.

    Args:
      path: of the file.
      kind: what it is called.

    Raises:
      ImageError: one line says what it is.
    """
    if not os.path.exists(path):  # False, too, for a name that no file can have.
        raise ImageError(f"{path}: no such file")
    if path.is_dir():
        raise ImageError(f"{path}: expected {kind}, got a folder")
    if path.stat().st_size == 0:
        raise ImageError(f"{path}: expected {kind}, got an empty file")


@contextlib.contextmanager
def _open(path: pathlib.Path) -> Iterator[Image.Image]:
    """The picture, its header read and its size accepted."""
    limit = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = None
    try:
        with Image.open(path) as picture:
            pixels = picture.width * picture.height
            if pixels > MOST_PIXELS:
                raise ImageError(f"{path}: expected at most {MOST_PIXELS // 10**6} megapixels, got {pixels / 1e6:.0f}")
            if (frames := getattr(picture, "n_frames", 1)) > 1 and picture.format != "MPO":
                raise ImageError(f"{path}: expected one picture, got an animation of {frames} frames")
            picture.load()
            yield picture
    finally:
        Image.MAX_IMAGE_PIXELS = limit


def _pixels(picture: Image.Image, canvas_color: tuple[float, float, float]) -> np.ndarray:
    """Values in [0, 1] of a decoded picture of any mode, over the canvas colour."""
    if picture.mode.startswith("I;16") or picture.mode in ("I", "F"):
        values = np.nan_to_num(np.asarray(picture, np.float32), posinf=1.0)
        values = values / (65535.0 if picture.mode != "F" else max(float(values.max()), 1.0))
        return np.repeat(np.clip(values, 0, 1)[..., None], 3, axis=-1)
    picture = _to_srgb(picture)
    values = np.asarray(picture.convert("RGBA"), np.float32) / 255.0
    alpha = values[..., 3:]
    return values[..., :3] * alpha + np.asarray(canvas_color, np.float32) * (1.0 - alpha)


def _to_srgb(picture: Image.Image) -> Image.Image:
    """Colours converted from the picture's own profile, where it has one that can be used."""
    profile = picture.info.get("icc_profile")
    if not profile or picture.mode not in ("RGB", "CMYK", "L"):
        return picture
    try:
        converted = ImageCms.profileToProfile(
            picture,
            ImageCms.ImageCmsProfile(io.BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            outputMode="RGB",
        )
        return converted or picture
    except (ImageCms.PyCMSError, OSError):
        return picture


def fitted_shape(height: int, width: int, size: int) -> tuple[int, int]:
    """Height and width of the same proportions whose longer side is `size` pixels; at least one pixel each."""
    scale = size / max(height, width)
    return max(1, round(height * scale)), max(1, round(width * scale))


def checked(picture: Any, kind: str = "a picture") -> Float[np.ndarray, "height width 3"]:
    """The picture in float32.

    Args:
      picture: an array.
      kind: what it is called.

    Raises:
      ValueError: it is not of shape `[height, width, 3]` with values in [0, 1].
    """
    picture = np.asarray(picture, np.float32)
    if picture.ndim != 3 or picture.shape[-1] != 3 or not picture.size:
        raise ValueError(f"expected {kind} of shape [height, width, 3], got {picture.shape}")
    least, most = float(picture.min()), float(picture.max())
    if not (least >= 0 and most <= 1):
        raise ValueError(f"expected {kind} of values in [0, 1], got {least:g} to {most:g}")
    return picture


def resize(
    image: Float[np.ndarray, "height width channels"], shape: tuple[int, int]
) -> Float[np.ndarray, "h w channels"]:
    """The picture at another size: averaged where it shrinks, cubic where it grows.

    Args:
      image: any number of channels.
      shape: height and width in pixels.
    """
    height, width = shape
    if image.shape[:2] == (height, width):
        return np.array(image, np.float32)
    shrinks = height <= image.shape[0] and width <= image.shape[1]
    method = Image.Resampling.BOX if shrinks else Image.Resampling.BICUBIC
    channels = [
        Image.fromarray(np.ascontiguousarray(image[..., c], np.float32)).resize((width, height), method)
        for c in range(image.shape[-1])
    ]
    return np.clip(np.stack([np.asarray(c) for c in channels], axis=-1), image.min(), image.max())


def in_shades(
    image: Float[np.ndarray, "height width 3"], one: tuple[float, float, float], other: tuple[float, float, float]
) -> Float[np.ndarray, "height width 3"]:
    """Maps a picture's luma (ITU-R BT.709) to the shades between two colours, dark to light.

    Args:
      image: in [0, 1].
      one, other: red, green, blue in [0, 1].
    """
    luma = np.array([0.2126, 0.7152, 0.0722], np.float32)
    dark, light = (np.array(color, np.float32) for color in sorted((one, other), key=lambda color: luma @ color))
    return dark + (light - dark) * (image @ luma)[..., None]


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[pathlib.Path]:
    """A temporary name beside `path`, which takes its place once all is written, and is removed if that fails.

    Of processes that work together, only the first one's takes its place.

    Raises:
      ImageError: if the folder can't be written to.
    """
    path = pathlib.Path(path)
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent)
        os.close(handle)
    except OSError as error:
        raise ImageError(f"{path}: can't be written: {error.strerror}") from None
    temporary = pathlib.Path(name)
    try:
        yield temporary
        mask = os.umask(0)
        os.umask(mask)
        temporary.chmod(0o666 & ~mask)
        if runtime.is_first():
            os.replace(temporary, path)
    except OSError as error:
        raise ImageError(f"{path}: can't be written: {error.strerror or error}") from None
    finally:
        temporary.unlink(missing_ok=True)


def to_bytes(image: Float[np.ndarray, "height width 3"]) -> UInt8[np.ndarray, "height width 3"]:
    """Values in [0, 1] as 0 to 255, rounded."""
    return np.round(np.clip(image, 0.0, 1.0) * 255.0).astype(np.uint8)


def write_image(path: str | os.PathLike[str], image: Float[np.ndarray, "height width 3"]) -> None:
    """Writes a picture in [0, 1] as 8 bits a channel, all of it or nothing.

    Raises:
      ImageError: if the file can't be written, or its name does not end like a picture's.
    """
    if pathlib.Path(path).suffix.lower() not in Image.registered_extensions():
        raise ImageError(f"{path}: can't be written: expected a name that ends in .png, .jpg or the like")
    with replacing(path) as temporary:
        iio.imwrite(temporary, to_bytes(image))
