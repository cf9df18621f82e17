"""The painter: draws, fits and densifies the strokes of one picture, for paintings, styles and films alike."""

from __future__ import annotations

import dataclasses
import json
import warnings
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Float, Int, PRNGKeyArray

from jaxpaint import attention, checks, directions, mattes, optimize, palettes, pictures
from jaxpaint.brushes import BRUSHES, Brush, from_window, nowhere, textures, to_window
from jaxpaint.errors import WeightsError
from jaxpaint.optimize.initialize import Layout, Limits, place, place_in_blocks, stroke_size
from jaxpaint.problem import Bounds, Fit, Problem
from jaxpaint.raster.forward import draw_strokes
from jaxpaint.raster.windowed import BLOCK_ROOM
from jaxpaint.renderers import Engine, Model
from jaxpaint.settings import MOST_SEED, Settings, check_brush

# Weight of directions at a setting of 1; the mean squared difference is 0.001 at 30 dB.
_DIRECTION = 0.001
# How many strokes an underpainting has at least: a few alone would be as large as the picture.
_FEWEST = 8
# Size of new candidates, in typical strokes: small candidates hide few good pixels, and grow.
CANDIDATE = 0.5

Picture = Float[np.ndarray, "_ _ 3"]
Map = Float[np.ndarray, "_ _"]


class Painter(NamedTuple):
    """Settings, brush and renderer of one picture.

    Attributes:
      settings: how to paint.
      shape: height and width of the picture, in pixels; only their proportions count.
      brush_image: stamps of the user's own brush, or None.
      network: the network that draws strokes in a fit, in place of the engine; or None.
      palette: the only colours of strokes, in [0, 1]; or None.
      below: the picture below all strokes, of any size, in [0, 1], and of a transparent painting its alpha; None for
        the bare canvas.
      region: where new strokes may lie, of any size, in [0, 1]; None for anywhere.
      turned: whether the chessboard below a transparent painting is turned (see `mattes`).
      room: number of strokes that programs are compiled for (see `Problem`).
    """

    settings: Settings
    shape: tuple[int, int]
    brush_image: Float[np.ndarray, "stamps across along 3"] | None
    network: Model | None
    palette: Float[np.ndarray, "k 3"] | None = None
    below: Float[np.ndarray, "_ _ c"] | None = None
    region: Map | None = None
    turned: bool = False
    room: int = 0

    @classmethod
    def of(
        cls,
        settings: Settings,
        shape: tuple[int, int],
        brush_image: Float[np.ndarray, "stamps across along 3"] | None = None,
    ) -> Painter:
        """The painter that the settings name.

        Raises:
          ValueError: the user's own brush has another shape or range, is missing, or is for a brush that takes none.
          WeightsError: the network's weights are missing, or belong to another network or brush.

        Warns:
          UserWarning: the weights imitate the built-in bristles, but the painting uses a user's picture of a brush.
        """
        if brush_image is not None:
            check_brush(settings.brush, "brush_image")
            brush_image = textures.checked(brush_image)
        elif settings.brush_image:
            raise ValueError("config.brush_image: expected its stamps as brush_image, as images.read_brush gives them")
        network = network_of(settings, pictured=brush_image is not None)
        given = settings.palette_rgb
        palette = None if given is None else np.array(given, np.float32)
        return cls(settings, shape, brush_image, network, palette)

    @property
    def brush(self) -> Brush:
        """The brush whose strokes are painted."""
        return BRUSHES[self.settings.brush]

    @property
    def bounds(self) -> Bounds:
        """See `bounds`."""
        return bounds(self.settings, self.shape)

    def engine(self, *, flat: bool = False) -> Engine:
        """The engine; flat, it draws the texture's average."""
        stamps = None if self.brush_image is None else textures.pyramid(self.brush_image)
        return Engine.of(self.settings, stamps, flat=flat)

    def draw(self, strokes: Float[np.ndarray, "n d"], shape: tuple[int, int]) -> Picture:
        """The strokes as they will be seen, in dry paint; filled up, so that one program draws however many."""
        if len(strokes):
            # One more is appended, to fill up the tiles' lists.
            more = max(self.settings.strokes - len(strokes), self.room - 1 - len(strokes), 0)
            strokes = np.concatenate([strokes, nowhere(self.brush, more)])
        canvas = self.backdrop(shape) if self.below is None else self.seen(self.below, shape)
        return draw_strokes(self.engine(), strokes, shape, canvas=canvas)

    def backdrop(self, shape: tuple[int, int]) -> Picture:
        """The bare canvas in a fit: its colour; in a transparent painting, a chessboard (see `mattes`).

        An ink or a glaze cannot become lighter than the canvas, which differs from all of its strokes: it stays there.
        """
        settings = self.settings
        if settings.transparent and settings.layering == "over" and not settings.ink:
            return mattes.chessboard(shape, turned=self.turned)
        return np.broadcast_to(np.asarray(settings.canvas_rgb, np.float32), (*shape, 3))

    def seen(self, picture: Float[np.ndarray, "_ _ c"], shape: tuple[int, int]) -> Picture:
        """A picture as a fit sees it: resized, on the backdrop.

        Args:
          picture: on the canvas colour, in [0, 1], with an alpha as its fourth channel, if it is not opaque.
          shape: height and width, in pixels.
        """
        resized = pictures.resize(picture, shape)
        if resized.shape[-1] == 3:
            return resized
        return mattes.on_backdrop(resized[..., :3], resized[..., 3], self.backdrop(shape), self.settings.canvas_rgb)

    def draw_apart(self, strokes: Float[np.ndarray, "n d"], shape: tuple[int, int], block: int) -> Picture:
        """The strokes as they will be seen, each in its own block alone: drawn with the blocks moved apart."""
        side = block / max(shape)
        origins = (np.floor(self.brush.middle(strokes) / side) * side).astype(np.float32)
        within = to_window(self.brush, strokes, origins, side)
        apart = from_window(self.brush, within, origins, side / 2)
        rows, columns = (-(-length // block) for length in shape)
        drawn = self.draw(apart, (2 * rows * block, 2 * columns * block))
        blocks = drawn.reshape(rows, 2, block, columns, 2, block, 3)[:, 0, :, :, 0]
        return blocks.reshape(rows * block, columns * block, 3)[: shape[0], : shape[1]]

    def in_palette(self, strokes: Float[np.ndarray, "n d"], bounds: Bounds) -> tuple[Float[np.ndarray, "n d"], Bounds]:
        """Strokes in the palette's nearest colours, and bounds that fix these colours.

        Without a palette, both are unchanged.
        Both ends of a stroke get the same colour, unless the settings allow gradients (`palette_mix`).
        """
        if self.palette is None:
            return strokes, bounds
        index, strokes = self.brush.index("color"), strokes.copy()
        ends = strokes[:, index].reshape(len(strokes), -1, 3)
        aims = ends if self.settings.palette_mix else np.repeat(ends.mean(axis=1, keepdims=True), ends.shape[1], axis=1)
        nearest = palettes.nearest(aims.reshape(-1, 3), self.palette)
        strokes[:, index] = self.palette[nearest].reshape(len(strokes), -1)
        color = self.brush.mask("color")
        return strokes, Bounds(*(np.where(color, strokes, bound) for bound in bounds))

    def problem(
        self,
        target: Picture,
        *,
        softness: float,
        importance: Float[np.ndarray, "h w"] | None = None,
        form: directions.Field | None = None,
    ) -> Problem:
        """A target to be painted on the bare canvas, by the settings.

        Args:
          target: in [0, 1].
          softness: blur of the edges, in pixels.
          importance: weight of each pixel in the loss, of any size; None for equal weights.
          form: directions to follow, if the settings have strokes turn; None: any.
        """
        settings = self.settings
        turned = settings.direction and not settings.upright and settings.mode != "blocks"
        shape = target.shape[:2]
        return Problem(
            target=target,
            canvas=self.draw(nowhere(self.brush, 0), shape),
            weights=settings.loss_weights,
            bounds=self.bounds,
            softness=softness,
            direction=_DIRECTION * settings.direction,
            form=form if turned else None,
            importance=_resized(importance, shape),
            region=_resized(self.region, shape),
            max_aspect=settings.max_aspect,
            room=self.room,
        )

    def fit(
        self,
        strokes: Float[np.ndarray, "n d"],
        state: optax.OptState,
        problem: Problem,
        *,
        rates: Float[np.ndarray, "steps"],
        textured: bool,
        optimizer: optax.GradientTransformation = optimize.ADAM,
        first: int = 0,
        everywhere: bool = True,
    ) -> tuple[Float[np.ndarray, "n d"], optax.OptState, Fit]:
        """A few steps, by the network or the engine; see `optimize.descend`.

        Args:
          strokes, state, problem, rates, optimizer, first, everywhere: as there.
          textured: fits the texture as it is seen, not its average, which takes several times as long.
        """
        model = self.network or self.engine(flat=not (textured and self.brush.textured))
        if model.window and not problem.block:
            problem = problem._replace(drawn=self.draw(strokes, problem.shape))
        return optimize.descend(
            model, strokes, state, problem, rates=rates, optimizer=optimizer, first=first, everywhere=everywhere
        )

    def place(
        self,
        problem: Problem,
        canvas: Picture,
        count: int,
        layout: Layout,
        *,
        rng: np.random.Generator,
        form: directions.Field | None = None,
    ) -> Float[np.ndarray, "added d"]:
        """New strokes on a canvas, within the problem's bounds; see `optimize.initialize.place`."""
        settings = self.settings
        layout = layout._replace(upright=settings.upright, layering=settings.layering)
        placed = place(
            self.brush,
            problem.target,
            canvas,
            count,
            layout,
            rng=rng,
            importance=problem.importance,
            region=problem.region,
            form=form,
        )
        return np.clip(placed, *problem.bounds)

    def place_in_blocks(
        self, problem: Problem, strokes: Float[np.ndarray, "n d"], count: int, *, rng: np.random.Generator
    ) -> Float[np.ndarray, "added d"]:
        """New strokes, at most one in each block; see `optimize.initialize.place_in_blocks`."""
        assert problem.block is not None
        canvas = self.draw_apart(strokes, problem.shape, problem.block)
        placed = place_in_blocks(self.brush, problem.target, canvas, count, rng=rng, block=problem.block)
        return np.clip(placed, *self.bounds)

    def within(self, weight: Map | None) -> Map | None:
        """Weights of the pixels, 0 outside the region; None for equal weights."""
        if self.region is None or weight is None:
            return self.region if weight is None else weight
        return weight * _resized(self.region, weight.shape)

    @property
    def share(self) -> float:
        """Share of the picture that new strokes may lie in."""
        return 1.0 if self.region is None else float(self.region.mean())

    def layout(self, size: float, *, cells: int | None = None) -> Layout:
        """How strokes of the settings' proportions are laid, as large as `size` on average (see `Layout`)."""
        settings = self.settings
        return Layout(size, Limits(settings.min_size, settings.max_size), aspect=settings.aspect, cells=cells)

    def densify(
        self,
        strokes: Float[np.ndarray, "n d"],
        problem: Problem,
        candidates: int,
        *,
        rng: np.random.Generator,
        rate: float,
        form: directions.Field | None = None,
        lowest: int = 0,
    ) -> tuple[Float[np.ndarray, "n d"], Int[np.ndarray, "kept"]]:
        """Has candidates, laid where the canvas is wrong, compete with the strokes; see `optimize.compete`."""
        canvas = self.draw(strokes, problem.shape)
        layout = self.layout(CANDIDATE * stroke_size(problem.shape, self.settings.strokes, share=self.share))
        placed = self.place(problem, canvas, candidates, layout, rng=rng, form=form)
        return optimize.compete(self.engine(flat=True), strokes, placed, canvas, problem, rate=rate, lowest=lowest)


def as_key(key: PRNGKeyArray | int) -> PRNGKeyArray:
    """A random key, from a key or an integer.

    Args:
      key: a key of `jax.random`, new-style or legacy, or an unsigned 32-bit integer.

    Raises:
      TypeError: `key` has another type.
      ValueError: `key` is out of range, or several keys.
    """
    if isinstance(key, jax.Array | np.ndarray) and key.ndim <= 1:
        if jnp.issubdtype(key.dtype, jax.dtypes.prng_key) and key.ndim == 0:
            return key
        # A legacy key is the data of a new-style key.
        like = jax.eval_shape(lambda: jax.random.key_data(jax.random.key(0)))
        if (key.dtype, key.shape) == (like.dtype, like.shape):
            return key
    return jax.random.key(checks.whole(key, "one random key or a seed", 0, MOST_SEED))


def generator(key: PRNGKeyArray, stream: int) -> np.random.Generator:
    """NumPy's random generator for a stage or a frame: another stream, other numbers."""
    return np.random.default_rng([*np.asarray(jax.random.key_data(key)), stream])


def network_of(settings: Settings, *, pictured: bool = False) -> Model | None:
    """The network that the settings name, with its weights, if it is one.

    Args:
      settings: of a painting.
      pictured: the strokes are drawn with a user's picture of a brush.

    Raises, warns: see `Painter.of`.
    """
    if settings.renderer == "exact":
        return None
    # Imported here: Flax takes a while, and only networks need it.
    from jaxpaint.io import weights
    from jaxpaint.renderers.networks import Network, fold

    found = weights.load(settings.weights or settings.renderer, brush=settings.brush)
    if (found.net, found.brush) != (settings.renderer, settings.brush):
        raise WeightsError(
            f"{settings.weights}: weights of {found.net} for {found.brush}, not of {settings.renderer} for "
            f"{settings.brush}"
        )
    if pictured and json.loads(found.facts.get("recipe", "{}")).get("brush_image") == "":
        warnings.warn(f"these weights of {found.net} imitate the built-in bristles, not your brush", stacklevel=4)
    return Network(found.net, BRUSHES[found.brush], fold(found.variables), settings.dtype, settings.layering)


def _resized(values: Map | None, shape: tuple[int, int]) -> Float[np.ndarray, "height width"] | None:
    return None if values is None else pictures.resize(values[..., None], shape)[..., 0]


def prepared(
    settings: Settings, image: Picture, detail: Map | None = None, matte: Map | None = None
) -> Float[np.ndarray, "rows columns 3"]:
    """The picture that is painted: simplified, in shades between ink and canvas, and in thin paint, by the settings.

    Args:
      settings, image: as for `painting.paint`.
      detail: how much each place matters, in [0, 1], in place of where people look; or None.
      matte: where the image is opaque, in [0, 1]; elsewhere, the picture has the canvas colour. None for everywhere.
    """
    if settings.simplify and _weighted(settings, detail):
        # At the size of the fit, since a photograph may be much larger.
        image = at_fit(settings, image)
        size = stroke_size(image.shape[:2], settings.strokes)
        image = attention.simplified(image, settings.simplify, size, importance(settings, image, detail))
    if matte is None:
        return _toned(settings, image)
    canvas = np.array(settings.canvas_rgb, np.float32)
    toned = _toned(settings, canvas[None, None])[0, 0]
    return mattes.on_backdrop(
        _toned(settings, image), pictures.resize(matte[..., None], image.shape[:2])[..., 0], canvas, toned
    )


def _toned(settings: Settings, image: Picture) -> Picture:
    """A picture in shades between ink and canvas, and in thin paint."""
    if settings.ink_rgb:
        image = pictures.in_shades(image, settings.ink_rgb, settings.canvas_rgb)
    # The density of thin paint is the logarithm of its transmittance.
    return image ** (1.0 - settings.water) if settings.water else image


def importance(
    settings: Settings, image: Picture, detail: Map | None = None
) -> Float[np.ndarray, "rows columns"] | None:
    """Weight of each pixel in the loss, at the size of the fit, of mean 1; None for equal weights.

    Blocks get equal weights, since each is painted without knowledge of the others.

    Args:
      settings, image, detail: as for `prepared`.
    """
    if not _weighted(settings, detail):
        return None
    image = at_fit(settings, image)
    return attention.importance(image) if detail is None else attention.mapped(detail, image.shape[:2])


def _weighted(settings: Settings, detail: Map | None) -> bool:
    return (settings.detail == "auto" or detail is not None) and settings.mode != "blocks"


def at_fit(settings: Settings, image: Picture) -> Float[np.ndarray, "rows columns 3"]:
    """A picture at the size of the fit."""
    height, width, _ = image.shape
    return pictures.resize(image, pictures.fitted_shape(height, width, settings.size))


def underpainting(settings: Settings) -> int:
    """How many strokes are the underpainting, the lowest ones."""
    covers = BRUSHES[settings.brush].grained and settings.layering == "over"
    count = round(settings.underpainting * settings.strokes) if covers else 0
    return count if count >= _FEWEST else 0


def lowest_kept(settings: Settings) -> int:
    """Number of the lowest strokes that stay, whatever their gain: the underpainting and the strokes spread evenly."""
    return min(underpainting(settings) + round(settings.spread * settings.strokes), settings.strokes)


def bounds(settings: Settings, shape: tuple[int, int], count: int | None = None) -> Bounds:
    """Every parameter in [0, 1], positions inside the picture, sizes within the settings' limits.

    Args:
      settings: how strokes are painted.
      shape: height and width of the picture; only their proportions count.
      count: number of strokes, lowest first; each gets its own bounds, and the underpainting's strokes may have any
        size. None: one set of bounds for all other strokes.
    """
    if count is not None:
        any_size = bounds(dataclasses.replace(settings, min_size=0.0, max_size=1.0), shape)
        under = (np.arange(count) < underpainting(settings))[:, None]
        return Bounds(
            *(np.where(under, wide, each) for wide, each in zip(any_size, bounds(settings, shape), strict=True))
        )
    brush, (height, width) = BRUSHES[settings.brush], shape
    low, high = np.zeros(brush.dim, np.float32), np.ones(brush.dim, np.float32)
    high[brush.mask("x")] = width / max(height, width)
    high[brush.mask("y")] = height / max(height, width)
    for bound, width_limit in ((low, settings.min_size), (high, settings.max_size)):
        bound[brush.mask("size")] = np.clip(brush.size_per_width * width_limit - brush.hair, 0.0, 1.0)
    if settings.mode == "blocks":
        turned = brush.mask("angle", "control")
        low[turned], high[turned] = BLOCK_ROOM, 1.0 - BLOCK_ROOM
    if settings.upright:
        low[brush.mask("angle")] = high[brush.mask("angle")] = 0.0
    if settings.opaque:
        low[brush.mask("alpha")] = 1.0
    if settings.ink_rgb:
        color = brush.index("color")
        low[color] = high[color] = np.tile(settings.ink_rgb, len(color) // 3)
    return Bounds(low, high)
