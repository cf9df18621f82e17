"""Pictures of every kind that cameras, scanners and design tools write, decoded to sRGB.

Pillow decodes most of them. TIFFs of more than 8 bits a channel, which Pillow rounds, misreads or refuses, are for
tifffile.
"""

from __future__ import annotations

import io
import pathlib
import threading
import warnings

import numpy as np
import tifffile
from jaxtyping import Float
from PIL import Image

from jaxpaint.errors import ImageError
from jaxpaint.io import profiles
from jaxpaint.pictures import ORIENTATION, upright

MOST_PIXELS = 200_000_000
# Larger pictures are reduced by a whole factor as they are decoded: paintings are fitted at far smaller sizes.
_ENOUGH = 20_000_000
# Number of leading bytes that identify the format and the colours of a file.
_HEAD = 2**20
_HEIC = (b"heic", b"heix", b"hevc", b"heim", b"heis")
_TIFF = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
# TIFF's tags; and its codes for an alpha by which the colours are multiplied already, and for any other.
_MOST_SAMPLE, _PROFILE = 281, 34675
_ASSOCIATED, _UNASSOCIATED = 1, 2
# Pillow's limit of pixels and the filters of warnings belong to the whole process.
_LOCK = threading.Lock()


def decode(
    path: pathlib.Path, *, page: int | None = None, salvage: bool = False
) -> Float[np.ndarray, "height width 4"]:
    """Decodes a picture.

    Args:
      path: path of the file.
      page: number of the page, from 1, in a file of several; None for the first.
      salvage: reads the intact part of a truncated JPEG; the rest is grey.

    Returns:
      Red, green and blue in sRGB, and alpha, in [0, 1], upright.

    Raises:
      ImageError: the file is an animation or too large, needs another library, or has not so many pages.
      Exception: Pillow or tifffile find the file damaged, or no picture at all.

    Warns:
      UserWarning: the file has other pages, values that end far below or above full scale, or NaN values.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD)
    # Some files state only the family, mif1 or msf1, and list HEIC among the compatible brands that follow.
    if head[4:8] == b"ftyp" and any(brand in head[8:64] for brand in _HEIC):
        _need_heic(path)
    deep = _deep(path, page) if head[:4] in _TIFF else None
    if deep is not None:
        return deep
    # With a JPEG's end in place, its decoder fills up what is missing.
    return _by_pillow(path, io.BytesIO(path.read_bytes() + b"\xff\xd9") if salvage else path, page, head)


def _need_heic(path: pathlib.Path) -> None:
    """Registers pillow-heif, without which Pillow doesn't read HEIC."""
    try:
        import pillow_heif
    except ImportError:
        how = "pip install 'jaxpaint[heic]', or export it as JPEG"
        raise ImageError(f"{path}: a HEIC picture, which needs another library: {how}") from None
    pillow_heif.register_heif_opener()


def _by_pillow(
    path: pathlib.Path, source: pathlib.Path | io.BytesIO, page: int | None, head: bytes
) -> Float[np.ndarray, "height width 4"]:
    with _LOCK:
        limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
        try:
            with warnings.catch_warnings():
                # Pillow warns of unusual metadata.
                warnings.simplefilter("ignore")
                picture = Image.open(source)
                pages = getattr(picture, "n_frames", 1)
                profiles.note_codes(picture, head)
        finally:
            Image.MAX_IMAGE_PIXELS = limit
    with picture:
        _check_size(path, picture.width, picture.height)
        if picture.format in ("MPO", "HEIF", "PSD"):
            pages = 1
        elif pages > 1 and picture.format != "TIFF":
            raise ImageError(f"{path}: expected one picture, got an animation of {pages} frames")
        if chosen := _chosen(path, pages, page):
            picture.seek(chosen)
            _check_size(path, picture.width, picture.height)
        if (factor := _factor(picture.width, picture.height)) > 1:
            # A JPEG is then decoded at a half, a quarter or an eighth of its size.
            picture.draft(None, (picture.width // factor, picture.height // factor))
        with _LOCK, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            picture.load()
            # Not `ImageOps.exif_transpose`, which also rewrites EXIF, and fails on unusual values in it.
            orientation = picture.getexif().get(ORIENTATION, 1)
        return upright(_values(path, picture), orientation)


def _check_size(path: pathlib.Path, width: int, height: int) -> None:
    if width * height > MOST_PIXELS:
        got = f"{width * height / 1e6:.0f}"
        raise ImageError(f"{path}: expected at most {MOST_PIXELS // 10**6} megapixels, got {got}")


def _chosen(path: pathlib.Path, pages: int, page: int | None) -> int:
    """Index of the page to read."""
    if page is not None and page > pages:
        raise ImageError(f"{path}: expected a page from 1 to {pages}, got {page}")
    if page is None and pages > 1:
        warnings.warn(f"{path}: the first of {pages} pages (--page takes another)", stacklevel=2)
    return (page or 1) - 1


def _factor(width: int, height: int) -> int:
    """The least whole factor that reduces a picture to `_ENOUGH` pixels."""
    factor = 1
    while width * height > _ENOUGH * factor**2:
        factor += 1
    return factor


def _values(path: pathlib.Path, picture: Image.Image) -> Float[np.ndarray, "height width 4"]:
    """Values in sRGB of a picture of any of Pillow's modes."""
    if picture.mode.startswith("I;16") or picture.mode in ("I", "F"):
        samples = _numbers(path, np.asarray(picture, np.float32)[..., None])
        grey = _reduced(samples, _factor(picture.width, picture.height))
        grey = grey / (max(float(grey.max()), 1.0) if picture.mode == "F" else 65535.0)
        colors = profiles.in_srgb(grey, picture.info)
        return np.concatenate([colors, np.ones_like(grey)], axis=-1)
    if picture.mode == "1":
        picture = picture.convert("L")
    picture = profiles.to_srgb(picture)
    mode = "RGBA" if picture.has_transparency_data else "RGB" if picture.mode == "P" else picture.mode
    picture = picture.convert(mode).reduce(_factor(picture.width, picture.height))
    channels = picture.convert("RGBA" if mode == "RGBA" else "RGB").split()
    values = np.ones((picture.height, picture.width, 4), np.float32)
    for number, channel in enumerate(channels):
        np.divide(np.asarray(channel), np.float32(255.0), out=values[..., number])
    return values


def _deep(path: pathlib.Path, page: int | None) -> Float[np.ndarray, "height width 4"] | None:
    """Decodes a TIFF of more than 8 bits a channel; returns None for any other, which Pillow decodes."""
    try:
        with tifffile.TiffFile(path) as file:
            if np.max(file.pages.first.bitspersample) <= 8:
                return None
            found = file.pages[_chosen(path, len(file.pages), page)].aspage()
            _check_size(path, found.imagewidth, found.imagelength)
            return _developed(path, found, found.asarray())
    except ImageError:
        raise
    except (tifffile.TiffFileError, ValueError):
        return None  # Damaged, or of a compression that needs another library: Pillow may know it, or say what it is.


def _developed(path: pathlib.Path, found: tifffile.TiffPage, samples: np.ndarray) -> Float[np.ndarray, "h w 4"]:
    """Values in sRGB of the samples of a TIFF's page."""
    samples = np.moveaxis(samples, 0, -1) if found.axes == "SYX" else samples
    samples = samples[..., None] if found.axes == "YX" else samples
    kind, tag = tifffile.PHOTOMETRIC(found.photometric), found.tags.valueof
    inks = {"MINISWHITE": 1, "MINISBLACK": 1, "RGB": 3, "SEPARATED": 4}.get(kind.name, 0)
    if samples.ndim != 3 or not 0 < inks <= samples.shape[-1]:
        raise ImageError(f"{path}: a TIFF of a kind that is not read ({kind.name.lower()}); save it as RGB or grey")
    samples = _numbers(path, samples)
    full = np.float32(_full_scale(path, samples, tag(_MOST_SAMPLE), int(np.max(found.bitspersample))))
    values = (samples[..., : inks + 1].astype(np.float32) / full).clip(0.0, 1.0)
    colors, extra = values[..., :inks], [int(number) for number in found.extrasamples or ()]
    # A further channel without a known meaning may be anything, such as infrared.
    transparent = bool(extra) and extra[0] in (_ASSOCIATED, _UNASSOCIATED)
    alpha = values[..., inks:] if transparent else np.ones_like(values[..., :1])
    if kind is tifffile.PHOTOMETRIC.MINISWHITE:
        colors = 1.0 - colors
    if kind is tifffile.PHOTOMETRIC.SEPARATED:
        colors = (1.0 - colors[..., :3]) * (1.0 - colors[..., 3:])
    if not transparent or extra[0] == _UNASSOCIATED:
        colors = colors * alpha
    # Averages of pixels count by their alpha.
    factor = _factor(found.imagewidth, found.imagelength)
    colors, alpha = _reduced(colors, factor), _reduced(alpha, factor)
    shown = profiles.in_srgb(colors / np.maximum(alpha, 1e-6), {"icc_profile": tag(_PROFILE)})
    return upright(np.concatenate([shown, alpha], axis=-1), tag(ORIENTATION, 1))


def _numbers(path: pathlib.Path, samples: np.ndarray) -> np.ndarray:
    """Replaces NaN samples by 0, and infinite samples by white or black.

    Raises:
      ImageError: no sample is finite.

    Warns:
      UserWarning: some samples are NaN.
    """
    if samples.dtype.kind != "f" or (finite := np.isfinite(samples)).all():
        return samples
    if not finite.any():
        raise ImageError(f"{path}: expected a picture, got no value that is a finite number")
    if share := np.isnan(samples).mean():
        warnings.warn(f"{path}: {100 * share:.3g} % of the values are no numbers (NaN), and become 0", stacklevel=2)
    return np.nan_to_num(samples, posinf=max(float(samples[finite].max()), 1.0), neginf=0.0)


def _reduced(samples: np.ndarray, factor: int) -> Float[np.ndarray, "height width c"]:
    """Averages of squares of samples."""
    height, width = (length // factor for length in samples.shape[:2])
    squares = samples[: height * factor, : width * factor].reshape(height, factor, width, factor, -1)
    return squares.mean(axis=(1, 3), dtype=np.float32)


def _full_scale(path: pathlib.Path, samples: np.ndarray, most: object, bits: int) -> float:
    """The sample that stands for 1.

    Args:
      path: path of the file.
      samples: all samples.
      most: the greatest sample by the file's own account, if it has one.
      bits: of a sample, by the file's account.
    """
    greatest = float(samples.max(initial=0.0))
    if samples.dtype.kind == "f":
        if greatest > 1.0:
            warnings.warn(f"{path}: values up to {greatest:g}, which becomes white", stacklevel=2)
        return max(greatest, 1.0)
    if samples.dtype.kind != "u":
        raise ImageError(f"{path}: expected whole numbers from 0 or floats, got {samples.dtype}")
    full = 2**bits - 1
    if isinstance(most, int) and greatest <= most < full:
        return float(most)
    for fewer in (10, 12) if bits == 16 else ():
        if 255 < greatest < 2**fewer:
            warnings.warn(f"{path}: values up to {greatest:g}: read as {fewer} bits", stacklevel=2)
            return float(2**fewer - 1)
    return float(full)
