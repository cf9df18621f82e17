"""Light on a painting: the ground's relief, how thick each stroke's paint is, and how light falls on both.

Heights are in units of a thick stroke's paint. One of them is `_UNIT` of the picture's long side, so that a painting
looks the same at every size. Where paint is flat, light changes nothing: its colour is exactly the fitted one.
"""

from __future__ import annotations

import functools

import cv2
import numpy as np
from jaxtyping import Float

from jaxpaint.brushes import Brush
from jaxpaint.brushes.base import Plane, Scalar

GROUNDS = ("linen", "paper", "none")
# Width from which strokes have ridges as high as any, in long sides of the picture.
_LOADED = 0.045
# Mean height of a stroke before it is laid down, and height of a thick stroke's paint in long sides of the picture.
_MEAN, _UNIT = 0.5, 0.0024
# Tilt of the light: its height over its length. Slopes are rounded off by so much, in long sides.
_ELEVATION, _ROUNDED = 0.58, 0.0004
# Shadows are less deep than the cosine has them and lights less bright, since light comes from everywhere in a room.
_SHADOW, _LIGHT, _DARKEST, _BRIGHTEST = 0.65, 0.80, 0.45, 1.45
# Crevices: how far around, in long sides, how dark for a unit of depth, and at most.
_AROUND, _CREVICE, _DEEPEST = 0.005, 0.6, 0.20
# Gloss: how bright, and the exponent of Blinn and Phong.
_GLOSS, _SHARPNESS = 0.10, 24
# Threads along the long side, and how tall they are; cells of the paper's grain, coarse first.
_THREADS, _THREAD = 190, 0.07
_GRAIN, _CELL = (90, 210, 430, 860), 0.04
# How much each of them keeps a stick off the paper.
_PORES = (0.0, 1.0, 2.0, 1.5)


def thickness(brush: Brush, strokes: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n 2"]:
    """How thick each stroke's paint is, and how far ridges rise above and below that, as factors (see `laid`).

    Paint is thick in the lights and thin in the darks. A small brush leaves low ridges, but no thinner paint: a thin
    stroke would seem to be carved out of its neighbours.

    Args:
      brush: whose strokes they are.
      strokes: in canvas coordinates.
    """
    lightness = strokes[:, brush.index("color")].mean(axis=1)
    width = (strokes[:, brush.index("size")].min(axis=1) + brush.hair) / brush.size_per_width
    small = np.minimum(width / _LOADED, 1.0)
    ridges = (0.38 + 0.62 * lightness**1.5) * (small * np.exp(1.0 - small)) ** 2
    # With larger differences of thickness, each stroke would stand out from its neighbours like a tile.
    load = 0.9 + 0.2 * (strokes[:, brush.index("grain")].sum(axis=1) * 151.7 % 1.0)
    return np.stack([(0.7 + 0.3 * lightness) * load, ridges * load], axis=1).astype(np.float32)


def laid(height: Plane, thick: Scalar, ridges: Scalar) -> Plane:
    """A stroke's heights as they are laid down, by the two factors that `thickness` gives."""
    return thick * _MEAN + ridges * (height - _MEAN)


# Cached, since all frames of a film share one ground.
@functools.lru_cache(maxsize=2)
def ground(name: str, shape: tuple[int, int]) -> Float[np.ndarray, "height width"]:
    """The relief of the ground; not to be written to.

    Args:
      name: one of `GROUNDS`: a weave of uneven threads, a paper's grain, or nothing.
      shape: height and width of the picture, in pixels.
    """
    rng = np.random.default_rng(7)
    if name == "linen":
        return _linen(shape, rng)
    if name == "paper":
        return sum(_CELL / 2**i * plane for i, plane in enumerate(_grain(shape, rng)))
    return np.zeros(shape, np.float32)


@functools.lru_cache(maxsize=2)
def tooth(name: str, shape: tuple[int, int]) -> Float[np.ndarray, "height width"]:
    """Share of a ground that is higher than each place, in [0, 1] (see `compositing.caught`); not to be written to.

    Args:
      name, shape: as for `ground`; any ground but none.
    """
    relief = ground(name, shape)
    if name == "paper":
        # A soft stick reaches the floor of wide hollows, not of pores: fine grain counts more.
        relief = np.tensordot(_PORES, _grain(shape, np.random.default_rng(7)), axes=1)
    # A logistic approximation of the normal distribution function.
    return (1.0 / (1.0 + np.exp(1.702 * (relief - relief.mean()) / relief.std()))).astype(np.float32)


def _grain(shape: tuple[int, int], rng: np.random.Generator) -> list[Float[np.ndarray, "height width"]]:
    """A paper's grain, coarse first."""
    return [_noise(cells, shape, rng) for cells in _GRAIN]


def _noise(cells: int, shape: tuple[int, int], rng: np.random.Generator) -> Float[np.ndarray, "height width"]:
    """Smooth noise of mean 0 with `cells` cells along the canvas, the same at every size."""
    values = rng.standard_normal((cells, cells)).astype(np.float32)
    longest = max(shape)
    y, x = (((np.arange(side, dtype=np.float32) + 0.5) / longest * cells - 0.5) for side in shape)
    across, down = (np.ascontiguousarray(grid) for grid in np.broadcast_arrays(x[None, :], y[:, None]))
    return cv2.remap(values, across, down, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)


def _linen(shape: tuple[int, int], rng: np.random.Generator) -> Float[np.ndarray, "height width"]:
    """Threads of uneven strength that wander, one over the other by turns."""
    longest = max(shape)
    y, x = ((np.arange(side, dtype=np.float32) + 0.5) / longest for side in shape)
    threads = []
    for place in (x[None, :], y[:, None]):
        at = place * _THREADS + 0.6 * _noise(9, shape, rng) + 0.15 * _noise(70, shape, rng)
        number = np.floor(at)
        strength = 1.0 + 0.35 * rng.standard_normal(_THREADS + 16)[number.astype(int) % (_THREADS + 16)]
        threads.append((number, (strength * np.sqrt(np.abs(np.sin(np.pi * at)))).astype(np.float32)))
    (column, warp), (row, weft) = threads
    over = (column + row) % 2 == 0
    woven = np.where(over, warp, weft) + 0.4 * np.where(over, weft, warp)
    return _THREAD * (woven - woven.mean()) * (1.0 + 0.3 * _noise(25, shape, rng))


def shone_on(
    picture: Float[np.ndarray, "height width 3"],
    heights: Float[np.ndarray, "height width"],
    *,
    relief: float,
    light: float,
    gloss: float,
) -> Float[np.ndarray, "height width 3"]:
    """A picture of flat colours as it looks under light.

    Args:
      picture: in [0, 1].
      heights: of the paint.
      relief: factor of the heights; 0 leaves the picture as it is.
      light: where the light comes from, in degrees, counter-clockwise from the right.
      gloss: strength of highlights; 0 for none.

    Returns:
      The picture, in [0, 1].
    """
    if relief == 0:
        return picture
    longest = max(heights.shape)
    heights = np.ascontiguousarray(heights, np.float32) * np.float32(relief)

    def blurred(radius: float) -> Float[np.ndarray, "height width"]:
        return cv2.GaussianBlur(heights, (0, 0), max(radius * longest, 0.01), borderType=cv2.BORDER_REPLICATE)

    rounded = blurred(_ROUNDED)
    slope = _UNIT * longest
    # Central differences: the kernel (−1, 0, 1) / 2.
    right, down = (
        cv2.Sobel(rounded, cv2.CV_32F, *axes, ksize=1, scale=slope / 2, borderType=cv2.BORDER_REPLICATE)
        for axes in ((1, 0), (0, 1))
    )
    steep = 1.0 / np.sqrt(1.0 + right * right + down * down)
    tilt = np.hypot(1.0, _ELEVATION)
    towards = np.cos(np.radians(light)) / tilt, -np.sin(np.radians(light)) / tilt, _ELEVATION / tilt
    facing = (towards[2] - right * towards[0] - down * towards[1]) * steep / towards[2] - 1.0
    shade = np.clip(1.0 + np.where(facing < 0, _SHADOW, _LIGHT) * facing, _DARKEST, _BRIGHTEST)
    shade *= 1.0 - np.clip(_CREVICE * (blurred(_AROUND) - rounded), 0.0, _DEEPEST)
    # Halfway between the light and the eye, which is straight above.
    between = np.array([towards[0], towards[1], towards[2] + 1.0])
    between /= np.linalg.norm(between)
    mirrored = (between[2] - right * between[0] - down * between[1]) * steep
    shine = np.clip(np.maximum(mirrored, 0.0) ** _SHARPNESS - between[2] ** _SHARPNESS, 0.0, 1.0)
    lit = picture * shade[..., None] + (gloss * _GLOSS) * shine[..., None]
    return np.clip(lit, 0.0, 1.0).astype(np.float32)
