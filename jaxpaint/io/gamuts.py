"""Conversion of high dynamic range and of other gamuts to sRGB.

References:
  ITU-R BT.2100: perceptual quantisation (PQ) and hybrid log-gamma (HLG), for a display of 1,000 cd/m².
  ITU-R BT.2408: the white of graphics, 203 cd/m², which becomes the white of sRGB.
  ITU-T H.273: codes of primaries and transfers, which have names in ffmpeg.
  IEC 61966-2-1: sRGB.
  Lam, Metamerism and colour constancy, 1985: the Bradford transform between white points.
"""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, UInt8, UInt16

_WHITE, _HLG_PEAK, _HLG_GAMMA = 203.0, 1000.0, 1.2
PQ, HLG = "smpte2084", "arib-std-b67"
_D65 = (0.3127, 0.3290)
# Keys are ffmpeg's names. Gamuts that hardly differ from sRGB are left out.
_PRIMARIES = {
    "bt2020": (0.708, 0.292, 0.170, 0.797, 0.131, 0.046, *_D65),
    "smpte431": (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, 0.314, 0.351),
    "smpte432": (0.680, 0.320, 0.265, 0.690, 0.150, 0.060, *_D65),
}
# Keys are codes of H.273.
_PRIMARY_CODES = {9: "bt2020", 11: "smpte431", 12: "smpte432"}
_TRANSFER_CODES: dict[int, str | float] = {4: 2.2, 5: 2.8, 8: 1.0, 16: PQ, 18: HLG}
_BRADFORD = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
# Luminance of BT.2020's red, green, blue.
_LUMA = np.array([0.2627, 0.6780, 0.0593], np.float32)


class Gamut(NamedTuple):
    """The colour space of a picture.

    Attributes:
      primaries: chromaticities x and y of red, green, blue and white.
      transfer: transfer function: PQ or HLG, the exponent of a power, or "srgb".
    """

    primaries: tuple[float, ...]
    transfer: str | float


SRGB = Gamut((0.64, 0.33, 0.30, 0.60, 0.15, 0.06, *_D65), "srgb")


def named(primaries: str, transfer: str) -> Gamut:
    """The gamut with ffmpeg's names; sRGB for unknown names and for standard video."""
    known = transfer if transfer in (PQ, HLG) else SRGB.transfer
    return Gamut(_PRIMARIES.get(primaries, SRGB.primaries), known)


def coded(primaries: int, transfer: int) -> Gamut:
    """The gamut with H.273's codes; sRGB for unknown codes and for standard video."""
    name = _PRIMARY_CODES.get(primaries, "")
    return Gamut(_PRIMARIES.get(name, SRGB.primaries), _TRANSFER_CODES.get(transfer, SRGB.transfer))


def is_possible(primaries: tuple[float, ...]) -> bool:
    """Whether the primaries of a `Gamut` form a triangle with the white point inside."""
    red, green, blue, white = (np.array([*primaries[i : i + 2], 1.0]) for i in range(0, 8, 2))
    triangle = np.stack([red, green, blue], axis=-1)
    with np.errstate(all="ignore"):
        return bool(
            min(primaries[1::2]) > 0.0
            and abs(np.linalg.det(triangle)) > 1e-4
            and np.all(np.linalg.solve(triangle, white) > 0.0)
        )


def to_srgb(frame: UInt16[np.ndarray, "height width 3"], gamut: Gamut) -> UInt8[np.ndarray, "height width 3"]:
    """Converts a frame to sRGB. What is brighter than white becomes white, or the colour's own brightest.

    Args:
      frame: the signal's red, green, blue, 0 to 65535.
      gamut: the signal's colour space.
    """
    light = _decoded(gamut.transfer)[frame]
    if gamut.transfer == HLG:
        # The display's gamma acts on luminance, and so keeps the hue (BT.2100, table 5, OOTF).
        luminance = light @ _LUMA
        light = light * (np.maximum(luminance, 1e-6) ** (_HLG_GAMMA - 1.0))[..., None] * (_HLG_PEAK / _WHITE)
    light = np.maximum(light @ _to_bt709(gamut.primaries).T, 0.0)
    light /= np.maximum(light.max(axis=-1, keepdims=True), 1.0)
    return _encoded()[np.round(light * 65535.0).astype(np.uint16)]


@functools.lru_cache(4)
def _to_bt709(primaries: tuple[float, ...]) -> Float[np.ndarray, "3 3"]:
    """Matrix from linear red, green, blue to linear BT.709, which maps white to white."""
    theirs, ours = (_BRADFORD @ _xyz(*white) for white in (primaries[6:], _D65))
    adapted = np.linalg.inv(_BRADFORD) @ np.diag(ours / theirs) @ _BRADFORD
    return (np.linalg.inv(_to_xyz(SRGB.primaries)) @ adapted @ _to_xyz(primaries)).astype(np.float32)


def _to_xyz(primaries: tuple[float, ...]) -> Float[np.ndarray, "3 3"]:
    """Matrix from linear red, green, blue to CIE XYZ."""
    columns = np.stack([_xyz(*primaries[start : start + 2]) for start in (0, 2, 4)], axis=-1)
    return columns * np.linalg.solve(columns, _xyz(*primaries[6:]))


def _xyz(x: float, y: float) -> Float[np.ndarray, "3"]:
    """CIE XYZ of a chromaticity, with Y = 1."""
    return np.array([x / y, 1.0, (1.0 - x - y) / y])


@functools.lru_cache(4)
def _decoded(transfer: str | float) -> Float[np.ndarray, "65536"]:
    """Light of every value of the signal: of white is 1; for HLG, of the scene, at most 1."""
    signal = np.linspace(0.0, 1.0, 65536)
    if isinstance(transfer, float):
        return (signal**transfer).astype(np.float32)
    if transfer == PQ:
        power = signal ** (1 / 78.84375)
        light = 10000.0 * (np.maximum(power - 0.8359375, 0.0) / (18.8515625 - 18.6875 * power)) ** (1 / 0.1593017578125)
        return (light / _WHITE).astype(np.float32)
    if transfer == HLG:
        upper = (np.exp((signal - 0.55991073) / 0.17883277) + 0.28466892) / 12.0
        return np.where(signal <= 0.5, signal**2 / 3.0, upper).astype(np.float32)
    return np.where(signal <= 0.04045, signal / 12.92, ((signal + 0.055) / 1.055) ** 2.4).astype(np.float32)


@functools.lru_cache(1)
def _encoded() -> UInt8[np.ndarray, "65536"]:
    """SRGB of every value of light, 0 to 65535."""
    light = np.linspace(0.0, 1.0, 65536)
    curve = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.round(255.0 * curve).astype(np.uint8)
