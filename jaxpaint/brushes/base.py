"""The definition of a brush: the layout of its strokes, and the drawing of a stroke in a square of pixels.

Positions are *canvas* coordinates in [0, 1]², x to the right and y down. A stroke is a vector in [0, 1]^d. Lengths that
the paper gives in pixels are fractions of `REFERENCE_WIDTH`, so that a stroke looks the same at every size.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from jaxpaint.brushes.vectors import Vectors
from jaxpaint.errors import ExportError

# Canvas width, in pixels, at which a stroke of size 0 is one pixel wide.
REFERENCE_WIDTH = 512
HAIR = 1.0 / REFERENCE_WIDTH
# A stroke whose positions are at most this has not been placed yet.
NOWHERE = -9.0
# The values of t at which a curve's headings are taken.
_HEADINGS_AT = np.array([[0.25], [0.75]], np.float32)

Plane = Float[Array, "size size"]
# Three planes, red, green, blue, and a fourth where strokes have heights: of windows, and of one large canvas.
Canvas = tuple[Float[Array, "*n size size"], ...]
Affine = Float[Array, "3"]
Scalar = Float[Array, ""] | float
_Tree = TypeVar("_Tree")


class Stroke(NamedTuple):
    """The picture of one stroke, plane by plane.

    The channels are separate planes rather than one `[S, S, 3]` array. XLA's CPU backend compiles the gradient of a
    stack of channels to a branch per element, which doubles the time of a fit.

    Attributes:
      foreground: three planes `[S, S]` (red, green, blue) in [0, 1], zero outside the stroke.
      alpha: one plane `[S, S]` in [0, 1] for all channels, or three.
      height: one plane `[S, S]`, the thickness of the paint (see `Look.height`). Empty if the look does not ask for
        heights, or the brush's paint has no thickness.
      carried: one plane `[S, S]` in [0, 1], the share of paint that the brush has carried along from below its start
        (see `Look.wet`). Empty if the look does not ask for carried paint, or the brush carries none.
    """

    foreground: tuple[Plane, ...]
    alpha: tuple[Plane, ...]
    height: tuple[Plane, ...] = ()
    carried: tuple[Plane, ...] = ()


Renderer = Callable[[Float[Array, "d"]], Stroke]


class Pixels(NamedTuple):
    """The square of pixels that a stroke is drawn on, and the blur of the stroke's edges.

    Attributes:
      size: S, the side in pixels.
      softness: blur of the edges, in pixels, beyond the one pixel of antialiasing.
    """

    size: int
    softness: Scalar

    @property
    def sharpness(self) -> Scalar:
        """Slope of an edge, per unit of canvas coordinates."""
        return self.size / (1.0 + self.softness)

    @property
    def always(self) -> Float[Array, ""]:
        """The `always` argument of `stored`."""
        return jnp.asarray(self.softness, jnp.float32)

    def affine(self, coefficients: Affine) -> Plane:
        """Plane `a x + b y + c` at the centres of the pixels.

        A stroke's parameters enter its picture only through `affine` and `constant`. The gradient of such a plane, a
        reduction over all pixels, is one matrix product. (XLA's own reduction is some ten times slower on a CPU.)
        """
        return _affine(coefficients, self.size)

    def constant(self, value: Float[Array, ""]) -> Plane:
        """Plane that is `value` everywhere; its gradient is a matrix product, too."""
        return _constant(value, self.size)

    def slab(
        self,
        axis: Affine,
        half: Float[Array, ""],
        low: Plane | Scalar = 0.0,
        high: Plane | Scalar = 0.0,
    ) -> Plane:
        """Coverage of each pixel by the slab `|axis · (x, y, 1)| ≤ half`, in [0, 1].

        The coverage is the box filter's integral, so that slabs thinner than a pixel fade instead of vanishing.

        Args:
          axis: coefficients of the coordinate across the slab.
          half: half the slab's width, in canvas units.
          low, high: inset of the two edges, in canvas units.
        """
        low, high = low * self.sharpness, high * self.sharpness
        rim = jnp.zeros(3).at[2].set(half * self.sharpness + 0.5)
        axis = axis * self.sharpness
        below, above = self.affine(rim + axis) - low, self.affine(rim - axis) - high
        return jnp.maximum(jax.lax.clamp(0.0, below, 1.0) + jax.lax.clamp(0.0, above, 1.0) - 1.0, 0.0)


def centres(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates x and y of the pixels' centres, `[S, S]` each."""
    centre = (np.arange(size, dtype=np.float32) + 0.5) / size
    x, y = np.meshgrid(centre, centre)
    return x, y


@functools.partial(jax.custom_vjp, nondiff_argnums=(1,))
def _affine(coefficients: Affine, size: int) -> Plane:
    a, b, c = coefficients
    x, y = centres(size)
    return a * x + b * y + c


def _affine_forward(coefficients: Affine, size: int) -> tuple[Plane, None]:
    return _affine(coefficients, size), None


def _affine_backward(size: int, _: None, gradient: Plane) -> tuple[Affine]:
    x, y = centres(size)
    basis = np.stack([x, y, np.ones_like(x)], axis=-1).reshape(-1, 3)
    return (gradient.reshape(-1) @ basis,)


_affine.defvjp(_affine_forward, _affine_backward)


@functools.partial(jax.custom_vjp, nondiff_argnums=(1,))
def _constant(value: Float[Array, ""], size: int) -> Plane:
    return jnp.full((size, size), value)


def _constant_forward(value: Float[Array, ""], size: int) -> tuple[Plane, None]:
    return _constant(value, size), None


def _constant_backward(size: int, _: None, gradient: Plane) -> tuple[Float[Array, ""]]:
    return (total(gradient),)


_constant.defvjp(_constant_forward, _constant_backward)


def total(plane: Plane) -> Float[Array, ""]:
    """Sum of a plane, as a matrix product (see `Pixels.affine`)."""
    return plane.reshape(-1) @ jnp.ones(plane.size, plane.dtype)


def stored(function: Callable[..., _Tree], always: Float[Array, ""]) -> Callable[..., _Tree]:
    """Wraps `function` so that XLA stores its results, instead of computing them again at each use.

    The wrapper is a conditional, which is the one operation that XLA does not fuse across.

    Args:
      function: a function of arrays.
      always: any non-negative number that the compiler does not know, the same for all windows.
    """

    def run(*args: Any) -> Any:
        shapes = jax.eval_shape(function, *args)
        return jax.lax.cond(
            always >= 0,
            function,
            lambda *_: jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes),
            *args,
        )

    return run


@dataclasses.dataclass(frozen=True, eq=False)
class Brush:
    """A family of strokes.

    Attributes:
      name: the brush's key in `BRUSHES`.
      fields: the entries of a stroke in order, name to kind. Kinds: `x`, `y` (positions), `control` (positions relative
        to the end points), `size` (lengths), `angle` (units of π), `color`, `alpha`, `grain` (a random number that
        tells otherwise equal strokes apart, and that no fit changes), and `unused`.
      rasterize: `(stroke [d], pixels, look) -> Stroke`, differentiable in the stroke.
      distance: `(stroke [d], point [2]) -> []`, the signed distance (canvas units, negative inside) from a point to the
        silhouette, or a lower bound. It decides which pixels a stroke can reach.
      edges: `(stroke [d], point [2]) -> [e]`, signed distances (canvas units, negative inside) to the silhouette's
        edges: the sides of a box, or one outline. A point is inside where all are negative. Networks learn these
        distances first (`training.distances`).
      lay: NumPy function `(position [n, 2], heading [n], length [n], width [n], color [n, 3], alpha [n]) -> [n, d]`
        that makes strokes. They are centred at `position` and run along `heading` (radians, clockwise from x). Lengths
        and full widths are in canvas units.
      flip: NumPy function `strokes [n, d] -> [n, d]`: the same picture from the other end of the range of angles.
      textured: whether the brush has a texture, so that strokes look different from its average.
      start: NumPy function `strokes [n, d] -> [n, 2]`, the point where the brush is set down and picks up wet paint;
        None for a brush that carries none along.
      ground: default ground, one of `lighting.GROUNDS`.
      settles: part of the ground's grain where the pigment settles: "tops", "pits", or "" for an even spread
        (`compositing.caught`). Fits ignore the ground's grain.
      layering: default layering: "over" for strokes that cover the paint below by their alpha, or "glaze" for
        transparent films that darken the paint below (`layering.glazed`).
      pictured: whether a user's pictures of a brush can replace the brush's own texture.
      bristled: whether the texture is that of `bristles`.
      clockwise: whether angles grow clockwise on the screen.
      size_per_width: a size parameter is `size_per_width * full width - hair`.
      hair: the size that a size parameter of 0 stands for, in units of that parameter.
      vectors: NumPy function `strokes [n, d] -> Vectors`; None for a brush that cannot be exported as vector graphics.
    """

    name: str
    fields: Mapping[str, str]
    rasterize: Callable[..., Stroke]
    distance: Callable[[Float[Array, "d"], Float[Array, "2"]], Float[Array, ""]]
    edges: Callable[[Float[Array, "d"], Float[Array, "2"]], Float[Array, "e"]]
    lay: Callable[..., Float[np.ndarray, "n d"]]
    size_per_width: float
    flip: Callable[[Float[np.ndarray, "n d"]], Float[np.ndarray, "n d"]] = lambda strokes: strokes
    clockwise: bool = True
    textured: bool = True
    start: Callable[[Float[np.ndarray, "n d"]], Float[np.ndarray, "n 2"]] | None = None
    ground: str = "none"
    settles: str = ""
    layering: str = "over"
    pictured: bool = False
    bristled: bool = False
    hair: float = HAIR
    vectors: Callable[[Float[np.ndarray, "n d"]], Vectors] | None = None

    @property
    def dim(self) -> int:
        """Number of parameters of a stroke."""
        return len(self.fields)

    def index(self, *kinds: str) -> np.ndarray:
        """Indices, in a stroke, of the entries of these kinds."""
        return np.array([i for i, kind in enumerate(self.fields.values()) if kind in kinds], int)

    def mask(self, *kinds: str) -> np.ndarray:
        """Boolean mask `[d]` of the entries of these kinds."""
        return np.isin(np.array(list(self.fields.values())), kinds)

    @property
    def united(self) -> Float[np.ndarray, "d d"]:
        """Matrix that replaces the colours of a stroke's ends by their mean."""
        matrix, color = np.eye(self.dim, dtype=np.float32), self.index("color")
        matrix[np.ix_(color, color)] = np.tile(np.eye(3), (len(color) // 3,) * 2) / (len(color) // 3)
        return matrix

    def shapes(self, strokes: Float[np.ndarray, "n d"]) -> Vectors:
        """Strokes as vector graphics.

        Raises:
          ExportError: the brush has no vectors.
        """
        if self.vectors is None:
            raise ExportError(f"expected a brush whose strokes have outlines, got {self.name} without `vectors`")
        return self.vectors(strokes)

    def paint(self, strokes: Float[np.ndarray, "n d"]) -> tuple[Float[np.ndarray, "n 2 3"], Float[np.ndarray, "n"]]:
        """Colours of both ends of strokes, and the strokes' opacities, in [0, 1]."""
        color, alpha = self.index("color"), self.index("alpha")
        colors = strokes[:, color].reshape(len(strokes), len(color) // 3, 3)
        opacities = strokes[:, alpha[0]] if len(alpha) else np.ones(len(strokes), np.float32)
        return np.repeat(colors, 2 // colors.shape[1], axis=1), opacities

    def middle(self, strokes: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n 2"]:
        """Middles (x, y) of the strokes: the means of their positions."""
        return np.stack([strokes[:, self.index(axis)].mean(axis=1) for axis in "xy"], axis=1)

    def longest_size(self, strokes: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n"]:
        """Side, in canvas units, of the square in whose coordinates a stroke's greatest size parameter is about 1."""
        return strokes[:, self.index("size")].max(axis=1) + self.hair

    def extent(self, strokes: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n"]:
        """Approximate lengths, in canvas units: the spread of a stroke's positions plus its greatest width."""
        apart = np.max([np.ptp(strokes[:, self.index(axis)], axis=1) for axis in "xy"], axis=0)
        return apart + self.longest_size(strokes) / self.size_per_width

    def pace(self, strokes: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n+1"]:
        """Share of the painting's time, in [0, 1], before each stroke and after the last: long strokes take longer."""
        begun = np.concatenate([[0.0], np.cumsum(self.extent(strokes), dtype=float)])
        return begun / max(begun[-1], self.hair)

    def bounding_boxes(
        self, strokes: Float[np.ndarray, "n d"]
    ) -> tuple[Float[np.ndarray, "n 2"], Float[np.ndarray, "n 2"]]:
        """Axis-aligned bounding boxes, least and greatest (x, y), that hold for any angle of a stroke."""
        points = np.stack([strokes[:, self.index(axis)] for axis in "xy"], axis=-1)
        if len(control := self.index("control")):
            first, last = points[:, 0], points[:, -1]
            points = np.concatenate([points, (first + (last - first) * strokes[:, control])[:, None]], axis=1)
        corner = np.sqrt(0.5) * self.longest_size(strokes)[:, None] / self.size_per_width
        return points.min(axis=1) - corner, points.max(axis=1) + corner

    def shortened(self, strokes: Float[np.ndarray, "n d"], aspect: float) -> Float[np.ndarray, "n d"]:
        """Limits the lengths of strokes to `aspect` times their widths; middles stay in place.

        Args:
          strokes: strokes in canvas coordinates.
          aspect: greatest ratio of length to width, at least 1. A curve's length is its chord plus its width.
        """
        result, sizes = strokes.copy(), self.index("size")
        sides = strokes[:, sizes] + self.hair
        x, y = self.index("x"), self.index("y")
        if len(x) == 1:
            result[:, sizes] = np.minimum(sides, aspect * sides.min(axis=1, keepdims=True)) - self.hair
            return result
        width = sides.mean(axis=1) / self.size_per_width
        apart = np.hypot(np.ptp(strokes[:, x], axis=1), np.ptp(strokes[:, y], axis=1))
        kept = np.minimum(1.0, (aspect - 1.0) * width / np.maximum(apart, self.hair))[:, None]
        for axis in (x, y):
            middle = strokes[:, axis].mean(axis=1, keepdims=True)
            result[:, axis] = middle + kept * (strokes[:, axis] - middle)
        return result

    def areas(self, strokes: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n"]:
        """Approximate areas of the strokes, in square canvas units."""
        sides = (strokes[:, self.index("size")] + self.hair) / self.size_per_width
        x, y = (strokes[:, self.index(axis)] for axis in "xy")
        if x.shape[1] == 1:
            return sides.prod(axis=1)
        width = sides.mean(axis=1)
        return width * (width + np.hypot(np.ptp(x, axis=1), np.ptp(y, axis=1)))

    def headings(self, stroke: Float[Array, "d"]) -> tuple[Float[Array, "k 2"], Float[Array, "k 2"]]:
        """Headings of a stroke: a box's along its longer side, a curve's at two of its points.

        Args:
          stroke: a stroke in canvas coordinates.

        Returns:
          Points (x, y), and the heading at each as a doubled angle `(cos 2φ, sin 2φ)`, φ clockwise from x. Each heading
          is scaled by its clarity in [0, 1], which is 0 for a dab that is as long as wide. No gradient flows through
          the clarity, so that a fit turns strokes and does not stretch them.
        """
        ends = jnp.stack([stroke[self.index(axis)] for axis in "xy"], axis=1)
        sides = (stroke[self.index("size")] + self.hair) / self.size_per_width
        if len(ends) == 1:
            turned = (2 if self.clockwise else -2) * jnp.pi * stroke[self.index("angle")[0]]
            # The second side is the upright one of a box that is not turned.
            across, along = jax.lax.stop_gradient(sides) ** 2
            clear = (along - across) / (along + across)
            return ends, clear * jnp.stack([-jnp.cos(turned), -jnp.sin(turned)])[None]
        first = (ends[1:] - ends[:1]) * stroke[self.index("control")][None]
        second = ends[1:] - ends[:1] - first
        t = _HEADINGS_AT
        at = ends[:1] + 2 * t * (1 - t) * first + t**2 * (first + second)
        way = 2 * ((1 - t) * first + t * second)
        dx, dy = way[:, 0], way[:, 1]
        squared = dx**2 + dy**2 + HAIR**4
        clear = jax.lax.stop_gradient(squared / (squared + sides.mean() ** 2))
        return at, jnp.stack([dx**2 - dy**2, 2 * dx * dy], axis=1) * (clear / squared)[:, None]

    @property
    def grained(self) -> bool:
        """Whether strokes that differ only in their grain look different."""
        return "grain" in self.fields.values()

    @property
    def shape_dim(self) -> int:
        """Number of shape entries, which come first; colours follow, then one alpha or grain."""
        return self.dim - 1 - len(self.index("color"))


def to_window(
    brush: Brush,
    strokes: Float[Any, "*#n d"],
    origin: Float[Any, "*#n 2"],
    side: Scalar | Float[Any, "*#n 1"],
) -> Float[Any, "*n d"]:
    """Converts strokes from canvas coordinates to those of square windows.

    Args:
      brush: the strokes' brush.
      strokes: strokes in canvas coordinates.
      origin: the windows' top left corners, in canvas coordinates.
      side: the windows' side, in canvas units, one for all or one for each.

    Returns:
      The strokes for the window's own renderer: positions relative to the window, and sizes such that the length
      `size + hair` grows by 1 / side. They may leave [0, 1].
    """
    return _zoom(brush, strokes, -origin / side, 1.0 / side)


def from_window(
    brush: Brush,
    strokes: Float[Any, "*#n d"],
    origin: Float[Any, "*#n 2"],
    side: Scalar | Float[Any, "*#n 1"],
) -> Float[Any, "*n d"]:
    """Converts strokes from window to canvas coordinates, the inverse of `to_window`."""
    return _zoom(brush, strokes, origin, side)


def _zoom(brush: Brush, strokes: Any, offset: Any, factor: Any) -> Any:
    """Scales strokes by `factor`, then moves them by `offset`; in NumPy or JAX, as the arguments are."""

    def along_last(*kinds: str) -> np.ndarray:
        return brush.mask(*kinds).astype(np.float32).reshape((1,) * (strokes.ndim - 1) + (-1,))

    scale = 1.0 + along_last("x", "y", "size") * (factor - 1.0)
    hair = along_last("size") * (brush.hair * (factor - 1.0))
    axes = np.stack([brush.mask(axis) for axis in "xy"]).astype(np.float32)
    return strokes * scale + hair + offset @ axes


def moved(
    brush: Brush,
    strokes: Float[np.ndarray, "n d"],
    offset: Float[np.ndarray, "n 2"],
    *,
    turn: Float[np.ndarray, "n"],
    growth: Float[np.ndarray, "n"],
) -> Float[np.ndarray, "n d"]:
    """Moves strokes, and turns and scales them about their middles.

    Args:
      brush: the strokes' brush.
      strokes: strokes in canvas coordinates.
      offset: displacement of each middle, x and y, in canvas units.
      turn: rotation in radians, clockwise on the screen.
      growth: scale factor of lengths.

    Returns:
      The strokes; all entries but angles may leave [0, 1].
    """
    result = strokes.copy()
    x, y, control, sizes, angles = (brush.index(kind) for kind in ("x", "y", "control", "size", "angle"))
    middle = brush.middle(strokes)
    cos, sin = growth * np.cos(turn), growth * np.sin(turn)

    def turned(points: Float[np.ndarray, "n k 2"]) -> Float[np.ndarray, "n k 2"]:
        dx, dy = np.moveaxis(points - middle[:, None], -1, 0)
        around = np.stack([cos[:, None] * dx - sin[:, None] * dy, sin[:, None] * dx + cos[:, None] * dy], axis=-1)
        return (middle + offset)[:, None] + around

    ends = np.stack([strokes[:, x], strokes[:, y]], axis=-1)
    result[:, x], result[:, y] = np.moveaxis(turned(ends), -1, 0)
    if len(control):
        # Control points are relative to the chord, which may have no extent along an axis.
        way = ends[:, -1] - ends[:, 0]
        point = turned((ends[:, 0] + way * strokes[:, control])[:, None])[:, 0]
        first, last = (result[:, [x[end], y[end]]] for end in (0, -1))
        way = last - first
        there = np.abs(way) > HAIR
        result[:, control] = np.where(there, (point - first) / np.where(there, way, 1.0), strokes[:, control])
    result[:, sizes] = (strokes[:, sizes] + brush.hair) * growth[:, None] - brush.hair
    # An angle that passes one end of the range continues from the other end.
    angle = strokes[:, angles] + (1.0 if brush.clockwise else -1.0) * turn[:, None] / np.pi
    result[:, angles] = np.clip(angle, 0.0, 1.0)
    beyond = angle - result[:, angles]
    result = np.where((beyond != 0).any(axis=1, keepdims=True), brush.flip(result), result)
    result[:, angles] += beyond
    return result.astype(np.float32)


def nowhere(brush: Brush, count: int) -> Float[np.ndarray, "count d"]:
    """Strokes that reach no pixel: placeholders for strokes to come."""
    return np.tile(np.where(brush.mask("x", "y"), NOWHERE, 0.0).astype(np.float32), (count, 1))


def padded(brush: Brush, strokes: Float[np.ndarray, "n d"], *, least: int = 0) -> Float[np.ndarray, "m d"]:
    """Pads strokes to `padded_length`, of at least `least` strokes, with strokes that reach no pixel."""
    return np.concatenate([strokes, nowhere(brush, padded_length(max(len(strokes), least)) - len(strokes))])


def padded_length(count: int) -> int:
    """Rounds a count up to a power of two, at least 64, so that few shapes are compiled."""
    return 1 << max(6, (count - 1).bit_length())


def with_grain(
    brush: Brush, strokes: Float[np.ndarray, "n d"], numbers: Int[np.ndarray, "n"]
) -> Float[np.ndarray, "n d"]:
    """Sets each stroke's grain from its number, for files older than the grain."""
    result = strokes.copy()
    # With multiples of the golden ratio, neighbours are far apart and no two are the same.
    result[:, brush.index("grain")] = ((numbers + 1) * 0.6180339887498949 % 1.0)[:, None]
    return result


def with_nowhere(brush: Brush, strokes: Float[Array, "n d"]) -> Float[Array, "n+1 d"]:
    """Appends one stroke that reaches no pixel: the padding of lists of strokes."""
    return jnp.concatenate([jnp.asarray(strokes), nowhere(brush, 1)])
