"""Conversion of pictures to sRGB, by the profile, the codes, or the primaries and gamma in their files.

References:
  ISO 15076-1: ICC profiles.
  ITU-T H.273: codes of primaries and transfers, in the chunk cICP of PNG, and in the box nclx of AVIF and HEIC.
  Portable Network Graphics, third edition, section 4.3: precedence is cICP, iCCP, sRGB, then gAMA with cHRM.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Float
from PIL import Image, ImageCms

from jaxpaint.io import gamuts

_CICP, _NCLX = re.compile(rb"\x00\x00\x00\x04cICP(.)(.)", re.DOTALL), re.compile(rb"colrnclx\x00(.)\x00(.)", re.DOTALL)
# Key of the gamut in a picture's `info`.
_GAMUT = "gamut"
# A PNG with only this gamma is sRGB: programs wrote gAMA alone before the chunk sRGB existed.
_USUAL_GAMMA = 0.45455
# Number of pixels per conversion.
_TOGETHER = 2**20


def note_codes(picture: Image.Image, head: bytes) -> None:
    """Adds the gamut, which Pillow does not read, to a picture's `info`.

    Args:
      picture: a newly opened picture.
      head: the first bytes of its file.
    """
    info = picture.info
    if picture.format == "PNG" and (found := _CICP.search(head.partition(b"IDAT")[0])):
        info.pop("icc_profile", None)
        info[_GAMUT] = gamuts.coded(*map(ord, found.groups()))
    elif picture.format == "PNG" and "srgb" not in info and ("gamma" in info or "chromaticity" in info):
        info[_GAMUT] = _of_chunks(info.get("gamma", _USUAL_GAMMA), info.get("chromaticity"))
    elif picture.format in ("AVIF", "HEIF") and (found := _NCLX.search(head)):
        info[_GAMUT] = gamuts.coded(*map(ord, found.groups()))


def _of_chunks(gamma: float, chromaticities: tuple[float, ...] | None) -> gamuts.Gamut:
    """The gamut of a PNG's chunks gAMA and cHRM; sRGB if the chunks are invalid.

    Args:
      gamma: the encoding exponent.
      chromaticities: x and y of white, red, green and blue, or None.
    """
    primaries = gamuts.SRGB.primaries
    if chromaticities and not np.allclose(stated := (*chromaticities[2:], *chromaticities[:2]), primaries, atol=1e-3):
        primaries = tuple(stated)
    if not gamuts.is_possible(primaries) or not 0.1 <= gamma <= 10.0:
        return gamuts.SRGB
    usual = abs(gamma - _USUAL_GAMMA) < 0.01 and primaries == gamuts.SRGB.primaries
    return gamuts.Gamut(primaries, gamuts.SRGB.transfer if usual else 1.0 / gamma)


def to_srgb(picture: Image.Image) -> Image.Image:
    """Converts a picture to sRGB by its profile, or by its gamut if there is no usable profile."""
    if picture.mode == "LAB":
        return _by_profile(picture, ImageCms.createProfile("LAB")) or picture
    profile, gamut = picture.info.get("icc_profile"), picture.info.get(_GAMUT, gamuts.SRGB)
    if not profile and gamut == gamuts.SRGB:
        return picture
    if picture.mode in ("P", "PA") or (picture.has_transparency_data and picture.mode not in ("RGBA", "LA")):
        picture = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    alpha = picture.getchannel("A") if picture.mode in ("RGBA", "LA") else None
    colors = picture.convert(picture.mode[:-1]) if alpha else picture
    if not profile:
        converted: Image.Image | None = _by_gamut(colors, gamut)
    else:
        try:
            converted = _by_profile(colors, ImageCms.ImageCmsProfile(io.BytesIO(profile)))
        except (ImageCms.PyCMSError, OSError):
            return picture
    if converted is not None and alpha:
        converted.putalpha(alpha)
    return converted or picture


def in_srgb(colors: Float[np.ndarray, "h w c"], facts: Mapping[Any, Any]) -> Float[np.ndarray, "h w 3"]:
    """Converts grey or colours to sRGB.

    Args:
      colors: values with 1, 3 or 4 channels.
      facts: properties of the picture, as in Pillow's `info`.
    """
    colors = np.clip(colors, 0.0, 1.0).astype(np.float32)
    if facts.get("icc_profile") or facts.get(_GAMUT, gamuts.SRGB) != gamuts.SRGB:
        # Pillow's profile conversion has 8 bits only.
        rounded = np.round(colors * 255.0).astype(np.uint8)
        shown = Image.fromarray(rounded[..., 0] if colors.shape[-1] == 1 else rounded)
        shown.info |= facts
        colors = np.asarray(to_srgb(shown), np.float32).reshape(*colors.shape[:2], -1) / np.float32(255.0)
    return np.broadcast_to(colors, (*colors.shape[:2], 3))


def _by_profile(picture: Image.Image, profile: Any) -> Image.Image | None:
    if picture.mode == "L" and getattr(profile, "profile", profile).xcolor_space.strip() == "RGB":
        picture = picture.convert("RGB")
    return ImageCms.profileToProfile(picture, profile, ImageCms.createProfile("sRGB"), outputMode="RGB")


def _by_gamut(picture: Image.Image, gamut: gamuts.Gamut) -> Image.Image:
    samples = np.asarray(picture.convert("RGB"))
    rows = max(1, _TOGETHER // picture.width)
    bands = (samples[start : start + rows].astype(np.uint16) * 257 for start in range(0, picture.height, rows))
    return Image.fromarray(np.concatenate([gamuts.to_srgb(band, gamut) for band in bands]))
