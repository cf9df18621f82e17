"""Frames of high dynamic range and wide gamuts, in sRGB.

References:
  ITU-R BT.2100: perceptual quantisation (PQ) and hybrid log-gamma (HLG), for a display of 1,000 cd/m².
  ITU-R BT.2408: the white of graphics, 203 cd/m², which becomes the white of sRGB.
  IEC 61966-2-1: sRGB.
"""

from __future__ import annotations

import functools

import numpy as np
from jaxtyping import Float, UInt8, UInt16

_WHITE, _HLG_PEAK, _HLG_GAMMA = 203.0, 1000.0, 1.2
# Linear red, green, blue to those of BT.709, from BT.2020 and Display P3, by ffmpeg's names.
_TO_BT709 = {
    "bt2020": ((1.660491, -0.587641, -0.072850), (-0.124550, 1.132900, -0.008349), (-0.018151, -0.100579, 1.118730)),
    "smpte432": ((1.224940, -0.224940, 0.0), (-0.042057, 1.042057, 0.0), (-0.019638, -0.078636, 1.098274)),
}
# Luminance of BT.2020's red, green, blue.
_LUMA = np.array([0.2627, 0.6780, 0.0593], np.float32)
PQ, HLG = "smpte2084", "arib-std-b67"


def beyond_srgb(primaries: str, transfer: str) -> bool:
    """Whether frames of these primaries and this transfer, by ffmpeg's names, are for `to_srgb`."""
    return primaries in _TO_BT709 or transfer in (PQ, HLG)


def to_srgb(
    frame: UInt16[np.ndarray, "height width 3"], *, primaries: str, transfer: str
) -> UInt8[np.ndarray, "height width 3"]:
    """Converts a frame to sRGB. What is brighter than white becomes white, or the colour's own brightest.

    Args:
      frame: the signal's red, green, blue, 0 to 65535.
      primaries: ffmpeg's name of the primaries, such as bt2020.
      transfer: ffmpeg's name of the transfer; that of sRGB is meant by all but PQ and HLG.
    """
    light = _decoded(transfer)[frame]
    if transfer == HLG:
        # The display's gamma acts on luminance, and so keeps the hue (BT.2100, table 5, OOTF).
        luminance = light @ _LUMA
        light = light * (np.maximum(luminance, 1e-6) ** (_HLG_GAMMA - 1.0))[..., None] * (_HLG_PEAK / _WHITE)
    light = np.maximum(light @ np.array(_TO_BT709.get(primaries, np.eye(3)), np.float32).T, 0.0)
    light /= np.maximum(light.max(axis=-1, keepdims=True), 1.0)
    return _encoded()[np.round(light * 65535.0).astype(np.uint16)]


@functools.lru_cache(4)
def _decoded(transfer: str) -> Float[np.ndarray, "65536"]:
    """Light of every value of the signal: of white is 1; for HLG, of the scene, at most 1."""
    signal = np.linspace(0.0, 1.0, 65536)
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
