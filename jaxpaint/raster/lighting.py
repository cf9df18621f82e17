"""Light on a painting: the ground's relief, how thick each stroke's paint is, and how light falls on both.

Heights are in units of a thick stroke's paint. One of them is `UNIT` of the picture's long side, so that a painting
looks the same at every size. Where paint is flat, light changes nothing: its colour is exactly the fitted one.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from jaxtyping import Float

from jaxpaint import pictures
from jaxpaint.brushes import Brush
from jaxpaint.brushes.base import Plane, Scalar

GROUNDS = ("linen", "paper", "none")
# Width of the strokes with the highest ridges, in long sides of the picture, and how fast others have lower ones.
_LOADED, _SELECTIVE = 0.045, 3.0
# Share of the ridges that is left without contrast to the paint below, and the contrast that brings half of the rest.
_SCRUBBED, _CONTRAST = 0.3, 0.08
# Mean height of a stroke before it is laid down, and height of a thick stroke's paint in long sides of the picture.
_MEAN, UNIT = 0.5, 0.0024
# Tilt of the light: its height over its length. Slopes are rounded off by so much, in long sides.
_ELEVATION, _ROUNDED = 0.58, 0.0004
# Shadows are less deep than the cosine has them and lights less bright, since light comes from everywhere in a room.
_SHADOW, _LIGHT, _DARKEST, _BRIGHTEST = 0.65, 0.80, 0.45, 1.45
# Share of a shadow that is missing in white paint, where light goes to and fro between the ridges.
_BOUNCED = 0.6
# Crevices: how far around, in long sides, how dark for a unit of depth, and at most.
_AROUND, _CREVICE, _DEEPEST = 0.005, 0.6, 0.20
# Gloss: how bright, and the exponent of Blinn and Phong.
_GLOSS, _SHARPNESS = 0.10, 24
# Threads along the long side, and how tall they are; cells of the paper's grain, coarse first.
_THREADS, _THREAD = 190, 0.07
_GRAIN, _CELL = (90, 210, 430, 860), 0.04
# What the light's formulas are scaled by, for programs that apply them elsewhere.
SCALES = {"unit": UNIT, "rounded": _ROUNDED, "around": _AROUND, "gloss": _GLOSS}
# How much each of them keeps a stick off the paper.
_PORES = (0.0, 1.0, 2.0, 1.5)


def thickness(
    brush: Brush, strokes: Float[np.ndarray, "n d"], below: Float[np.ndarray, "n 4"] | None = None
) -> Float[np.ndarray, "n 2"]:
    """How thick each stroke's paint is, and how far ridges rise above and below that, as factors (see `laid`).

    Paint is thick in the lights and thin in the darks. Accents, whose colour differs from what is below, have high
    ridges; paint over paint of its own colour is scrubbed flat, as in skies and skin. Ridges are lower in pale paint,
    which shows them most. A small brush leaves low ridges, and so does a very broad one, but no thinner paint: a thin
    stroke would seem to be carved out of its neighbours.

    Args:
      brush: whose strokes they are.
      strokes: in canvas coordinates.
      below: colour and coverage of the paint below each (see `drawing.paint_below`); None for strong contrast.
    """
    channels = brush.index("color")
    color = strokes[:, channels].reshape(len(strokes), len(channels) // 3, 3).mean(axis=1)
    lightness = color.mean(axis=1)
    width = (strokes[:, brush.index("size")].min(axis=1) + brush.hair) / brush.size_per_width
    wide = width / _LOADED
    ridges = (1.25 - 0.45 * lightness) * (2.0 * wide / (1.0 + wide * wide)) ** _SELECTIVE
    if below is not None:
        contrast = np.abs(color - below[:, :3]).max(axis=1)
        ridges *= _SCRUBBED + (1.0 - _SCRUBBED) * contrast / (contrast + _CONTRAST)
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
    if name == "linen":
        return _linen(shape)
    if name == "paper":
        return _grained(shape, [_CELL / 2**i for i in range(len(_GRAIN))])
    return np.zeros(shape, np.float32)


@functools.lru_cache(maxsize=2)
def tooth(name: str, shape: tuple[int, int]) -> Float[np.ndarray, "height width"]:
    """Share of a ground that is higher than each place, in [0, 1] (see `compositing.caught`); not to be written to.

    Args:
      name, shape: as for `ground`; any ground but none.
    """
    # A soft stick reaches the floor of wide hollows, not of pores: fine grain counts more.
    relief = _grained(shape, _PORES) if name == "paper" else ground(name, shape).copy()
    mean, deviation = relief.mean(), relief.std()
    for rows in pictures.bands(*shape):
        # A logistic approximation of the normal distribution function.
        relief[rows] = 1.0 / (1.0 + np.exp(1.702 * (relief[rows] - mean) / deviation))
    return relief


def _grained(shape: tuple[int, int], weights: Sequence[float]) -> Float[np.ndarray, "height width"]:
    """A paper's grain, with a weight for each size of cells, coarse first."""
    rng = np.random.default_rng(7)
    grain = [_cells(count, rng) for count in _GRAIN]
    relief = np.empty(shape, np.float32)
    for rows in pictures.bands(*shape):
        relief[rows] = sum(weight * _noise(cells, rows, shape) for weight, cells in zip(weights, grain, strict=True))
    return relief


def _cells(count: int, rng: np.random.Generator) -> Float[np.ndarray, "count count"]:
    """Random numbers of mean 0 for `_noise`."""
    return rng.standard_normal((count, count)).astype(np.float32)


def _noise(
    cells: Float[np.ndarray, "count count"], rows: slice, shape: tuple[int, int]
) -> Float[np.ndarray, "rows width"]:
    """Smooth noise, the same at every size.

    Args:
      cells: the noise at the centres of square cells, into which the canvas is divided.
      rows: of the picture that are wanted.
      shape: height and width of the picture, in pixels.
    """
    y, x = (centre * len(cells) - 0.5 for centre in _centres(rows, shape))
    across, down = (np.ascontiguousarray(grid) for grid in np.broadcast_arrays(x[None, :], y[:, None]))
    return cv2.remap(cells, across, down, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)


def _centres(rows: slice, shape: tuple[int, int]) -> tuple[Float[np.ndarray, "rows"], Float[np.ndarray, "width"]]:
    """Centres of the pixels of some rows of a picture, down and across, in its long sides."""
    down, across = np.arange(rows.start, rows.stop, dtype=np.float32), np.arange(shape[1], dtype=np.float32)
    return (down + 0.5) / max(shape), (across + 0.5) / max(shape)


def _linen(shape: tuple[int, int]) -> Float[np.ndarray, "height width"]:
    """Threads of uneven strength that wander, one over the other by turns."""
    rng = np.random.default_rng(7)
    # For threads that run down, and across: how they wander, far and near, and how strong each is.
    kinds = [(_cells(9, rng), _cells(70, rng), 1.0 + 0.35 * rng.standard_normal(_THREADS + 16)) for _ in range(2)]
    uneven = _cells(25, rng)
    woven = np.empty(shape, np.float32)
    for rows in pictures.bands(*shape):
        y, x = _centres(rows, shape)
        threads = []
        for place, (far, near, strengths) in zip((x[None, :], y[:, None]), kinds, strict=True):
            at = place * _THREADS + 0.6 * _noise(far, rows, shape) + 0.15 * _noise(near, rows, shape)
            number = np.floor(at)
            strength = strengths[number.astype(int) % len(strengths)]
            threads.append((number, (strength * np.sqrt(np.abs(np.sin(np.pi * at)))).astype(np.float32)))
        (column, warp), (row, weft) = threads
        over = (column + row) % 2 == 0
        woven[rows] = np.where(over, warp, weft) + 0.4 * np.where(over, weft, warp)
    mean = woven.mean()
    for rows in pictures.bands(*shape):
        woven[rows] = _THREAD * (woven[rows] - mean) * (1.0 + 0.3 * _noise(uneven, rows, shape))
    return woven


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
    lit = np.empty(picture.shape, np.float32)
    longest = max(heights.shape)
    # As far as OpenCV's kernel for floats reaches, and one more for the slopes.
    reach = math.ceil(4 * _AROUND * longest) + 2
    for rows in pictures.bands(*heights.shape):
        above = max(rows.start - reach, 0)
        around = np.ascontiguousarray(heights[above : rows.stop + reach], np.float32) * np.float32(relief)
        shade, shine = _light(around, picture[above : rows.stop + reach].mean(axis=-1), longest, light)
        here = slice(rows.start - above, rows.stop - above)
        lit[rows] = picture[rows] * shade[here, :, None] + (gloss * _GLOSS) * shine[here, :, None]
        np.clip(lit[rows], 0.0, 1.0, out=lit[rows])
    return lit


def _light(
    heights: Float[np.ndarray, "height width"], bright: Float[np.ndarray, "height width"], longest: int, light: float
) -> tuple[Float[np.ndarray, "height width"], Float[np.ndarray, "height width"]]:
    """How light falls on heights: a factor of the colours, and the strength of the highlights.

    Args:
      heights, bright: of a band of a picture; see `reflected`.
      longest: long side of the whole picture, in pixels.
      light: where the light comes from, in degrees.
    """

    def blurred(radius: float) -> Float[np.ndarray, "height width"]:
        return cv2.GaussianBlur(heights, (0, 0), max(radius * longest, 0.01), borderType=cv2.BORDER_REPLICATE)

    rounded = blurred(_ROUNDED)
    slope = UNIT * longest
    # Central differences: the kernel (−1, 0, 1) / 2.
    right, down = (
        cv2.Sobel(rounded, cv2.CV_32F, *axes, ksize=1, scale=slope / 2, borderType=cv2.BORDER_REPLICATE)
        for axes in ((1, 0), (0, 1))
    )
    return reflected(right, down, blurred(_AROUND) - rounded, bright, *towards(light))


def towards(light: float) -> Float[np.ndarray, "3"]:
    """Unit vector to the light, to the right, down, and to the eye.

    Args:
      light: direction of the light, in degrees, counter-clockwise from the right.
    """
    # float32, or every plane becomes float64.
    way = np.array([np.cos(np.radians(light)), -np.sin(np.radians(light)), _ELEVATION], np.float32)
    return way / np.linalg.norm(way)


def reflected(right: Any, down: Any, depth: Any, bright: Any, x: Any, y: Any, z: Any) -> tuple[Any, Any]:
    """The light that a surface reflects: a factor of its colours, and the strength of the highlights.

    Args:
      right, down: slopes of the surface, as arrays of NumPy or JAX.
      depth: how far the surface lies below what is around it, in units of paint.
      bright: brightness of the paint, in [0, 1].
      x, y, z: unit vector to the light, to the right, down, and to the eye. The eye is straight above.

    References:
      Blinn, "Models of light reflection for computer synthesized pictures", SIGGRAPH 1977.
    """
    xp = right.__array_namespace__()
    steep = 1.0 / xp.sqrt(1.0 + right * right + down * down)
    facing = (z - right * x - down * y) * steep / z - 1.0
    shadow = 1.0 - _BOUNCED * bright
    shade = xp.clip(1.0 + xp.where(facing < 0, shadow * _SHADOW * facing, _LIGHT * facing), _DARKEST, _BRIGHTEST)
    shade *= 1.0 - shadow * xp.clip(_CREVICE * depth, 0.0, _DEEPEST)
    # The vector halfway between the light and the eye, of unit length.
    halfway = xp.sqrt(2.0 + 2.0 * z)
    mirrored = (1.0 + z - right * x - down * y) * steep / halfway
    shine = xp.clip(xp.maximum(mirrored, 0.0) ** _SHARPNESS - ((1.0 + z) / halfway) ** _SHARPNESS, 0.0, 1.0)
    return shade, shine
