"""Reflectance spectra: of sRGB colours, and back.

A spectrum is a row of reflectances in (0, 1), at 380, 390, …, 730 nm.

References:
  CIE 018:2019, tables of the 1931 standard observer and of illuminant D65.
  IEC 61966-2-1:1999 (sRGB).
  Burns, Numerical methods for smoothest reflectance reconstruction, Color Research and Application 45, 2020.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

# Wavelength in nm; colour matching functions of the CIE 1931 2° standard observer, x, y and z; power of illuminant D65.
_TABLE = [
    [380, 0.001368, 0.000039, 0.00645, 49.9755],
    [390, 0.004243, 0.00012, 0.02005, 54.6482],
    [400, 0.01431, 0.000396, 0.06785, 82.7549],
    [410, 0.04351, 0.00121, 0.2074, 91.486],
    [420, 0.13438, 0.004, 0.6456, 93.4318],
    [430, 0.2839, 0.0116, 1.3856, 86.6823],
    [440, 0.34828, 0.023, 1.74706, 104.865],
    [450, 0.3362, 0.038, 1.77211, 117.008],
    [460, 0.2908, 0.06, 1.6692, 117.812],
    [470, 0.19536, 0.09098, 1.28764, 114.861],
    [480, 0.09564, 0.13902, 0.81295, 115.923],
    [490, 0.03201, 0.20802, 0.46518, 108.811],
    [500, 0.0049, 0.323, 0.272, 109.354],
    [510, 0.0093, 0.503, 0.1582, 107.802],
    [520, 0.06327, 0.71, 0.07825, 104.79],
    [530, 0.1655, 0.862, 0.04216, 107.689],
    [540, 0.2904, 0.954, 0.0203, 104.405],
    [550, 0.43345, 0.99495, 0.00875, 104.046],
    [560, 0.5945, 0.995, 0.0039, 100],
    [570, 0.7621, 0.952, 0.0021, 96.3342],
    [580, 0.9163, 0.87, 0.00165, 95.788],
    [590, 1.0263, 0.757, 0.0011, 88.6856],
    [600, 1.0622, 0.631, 0.0008, 90.0062],
    [610, 1.0026, 0.503, 0.00034, 89.5991],
    [620, 0.85445, 0.381, 0.00019, 87.6987],
    [630, 0.6424, 0.265, 0.00005, 83.2886],
    [640, 0.4479, 0.175, 0.00002, 83.6992],
    [650, 0.2835, 0.107, 0, 80.0268],
    [660, 0.1649, 0.061, 0, 80.2146],
    [670, 0.0874, 0.032, 0, 82.2778],
    [680, 0.04677, 0.017, 0, 78.2842],
    [690, 0.0227, 0.00821, 0, 69.7213],
    [700, 0.011359, 0.004102, 0, 71.6091],
    [710, 0.00579, 0.002091, 0, 74.349],
    [720, 0.002899, 0.001047, 0, 61.604],
    [730, 0.00144, 0.00052, 0, 69.8856],
]
BANDS = len(_TABLE)
# CIE XYZ of D65's light, of Y 1, in linear sRGB.
_TO_RGB = np.array([[3.2406, -1.5372, -0.4986], [-0.9689, 1.8758, 0.0415], [0.0557, -0.2040, 1.0570]])
_LIT = np.array(_TABLE)[:, 1:4].T * np.array(_TABLE)[:, 4]
_SEEN = _TO_RGB @ _LIT
# Linear red, green and blue of a spectrum; of a perfect white, exactly 1.
_SEEN /= _SEEN.sum(axis=1, keepdims=True)
# Least distance of linear red, green and blue from 0 and 1, where no spectrum in (0, 1) is.
_MARGIN = 1e-4
# Rounds of Newton's method: twice as many as any colour of 8 bits needs.
_ROUNDS = 20


def of_colors(colors: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 36"]:
    """The smoothest spectrum of each colour under D65, for the CIE 1931 observer.

    Minimises the squared differences between the logits of neighbouring reflectances, as Burns' LHTSS does, by Newton's
    method on the Lagrangian.

    Args:
      colors: sRGB in [0, 1].
    """
    linear = np.where(colors <= 0.04045, colors / 12.92, ((colors + 0.055) / 1.055) ** 2.4).astype(np.float64)
    wanted = np.clip(linear, _MARGIN, 1 - _MARGIN)
    steps = np.diff(np.eye(BANDS), axis=0)
    rough = steps.T @ steps
    logits, prices = np.zeros((len(colors), BANDS)), np.zeros((len(colors), 3))
    for _ in range(_ROUNDS):
        found = 1 / (1 + np.exp(-logits))
        slope = found * (1 - found)
        pull = prices @ _SEEN
        system = np.zeros((len(colors), BANDS + 3, BANDS + 3))
        system[:, :BANDS, :BANDS] = rough + (slope * (1 - 2 * found) * pull)[:, :, None] * np.eye(BANDS)
        system[:, BANDS:, :BANDS] = slope[:, None] * _SEEN
        system[:, :BANDS, BANDS:] = system[:, BANDS:, :BANDS].transpose(0, 2, 1)
        missing = np.concatenate([logits @ rough + slope * pull, found @ _SEEN.T - wanted], axis=1)
        change = np.linalg.solve(system, -missing[..., None])[..., 0]
        logits, prices = logits + change[:, :BANDS], prices + change[:, BANDS:]
    spectra: Float[np.ndarray, "n 36"] = 1 / (1 + np.exp(-logits))
    return spectra


def to_colors(spectra: Float[np.ndarray, "n 36"]) -> Float[np.ndarray, "n 3"]:
    """The sRGB colour of each spectrum, in [0, 1]; colours that sRGB lacks are clipped."""
    linear = np.clip(spectra @ _SEEN.T, 0.0, 1.0)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)


def luminances(spectra: Float[np.ndarray, "n 36"]) -> Float[np.ndarray, "n"]:
    """CIE Y of each spectrum under D65, in [0, 1]."""
    return spectra @ _LIT[1] / _LIT[1].sum()
