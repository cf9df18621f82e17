"""Style transfer: the strokes of a painting take the style of other pictures and keep the painting's content.

The loss is that of the report, `L = L_content + α L_l1 + β L_style + γ L_lap + δ L_ot`, of the whole canvas at once: a
network sees across whatever blocks the strokes were painted in. Its gradient goes back to the strokes through the
renderer, as in painting.

References:
  Laplacian-steered stylized neural painting, section III; Zou et al., Stylized Neural Painting, CVPR 2021,
  arXiv:2011.08114, section 3.5; Li et al., Laplacian-steered neural style transfer, 2017, arXiv:1707.01253;
  Gatys et al., Preserving color in neural artistic style transfer, 2016, arXiv:1606.05897 (`chroma`).
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int, PRNGKeyArray

from jaxpaint import checks, chroma, directions, drawing, losses, manner, optimize, painting, pictures, regions, runtime
from jaxpaint.brushes import BRUSHES, Brush
from jaxpaint.errors import ResumeError
from jaxpaint.io import weights
from jaxpaint.losses import Features
from jaxpaint.painter import Painter, as_key, bounds
from jaxpaint.problem import Bounds, Fit, Problem
from jaxpaint.settings import BOLD, Settings, StyleSettings
from jaxpaint.types import Painting, Picture, Progress, Style

TERMS = ("content", "l1", "style", "laplacian", "transport")
# Long side, in pixels, of the pictures between which transport is taken.
_TRANSPORT_SIZE = 64
# Cells of the picture, in pixels, between which details are compared.
_POOLINGS = (2, 8)
# Weight of directions at a setting of 1.
_DIRECTION = 0.1
# Final learning rate, as a fraction of the first.
_LAST_RATE = 0.05
# Side in pixels of the thumbnails that a palette is made from, and the least variance of its colours along any axis.
_COLORS, _LEAST_VARIANCE = 64, 0.03**2
# Least distance to a style for the relative distance, because a painting may already have the style.
_LEAST_DISTANCE = 1e-3
# The network halves its maps a few times.
_LEAST_SEEN = 32


def stylize(
    picture: Painting | Picture,
    style: Picture | Sequence[Picture],
    *,
    key: PRNGKeyArray | int,
    settings: StyleSettings = StyleSettings(),
    mask: Float[np.ndarray, "rows columns"] | None = None,
    resume: Painting | None = None,
) -> Painting:
    """Gives a painting the style of another picture, or of several.

    Args:
      picture: a finished painting, or a photograph `[height, width, 3]` in [0, 1], which is painted first.
      style: pictures `[height, width, 3]` in [0, 1], each of any size.
      key: random key or integer, for painting a photograph. The style transfer itself is deterministic.
      settings: settings of the style transfer.
      mask: array of any size in [0, 1]: 1 in the region of the new style. Strokes do not change if the mask at their
        middle is below 0.5.
      resume: unfinished styling of the same painting to continue.

    Returns:
      The painting in its new style.

    Raises:
      ValueError, TypeError: the painting is unfinished, or has no strokes; it is transparent, and the settings let its
        strokes move; an argument has another type, shape or
        range; the number of pictures is not that of their weights.
      ResumeError: the styling to resume is finished, or began with other pictures or settings.
      WeightsError: the weights of VGG are missing, or lack one of the layers.
    """
    key = as_key(key)
    if not isinstance(picture, Painting):
        suited, form = in_manner(picture, style, settings)
        picture = painting.paint(picture, key=key, settings=suited, form=form)
    *_, (styled, _) = stylize_stages(picture, style, settings=settings, mask=mask, resume=resume)
    return styled


def stylize_stages(
    picture: Painting,
    style: Picture | Sequence[Picture],
    *,
    settings: StyleSettings = StyleSettings(),
    mask: Float[np.ndarray, "rows columns"] | None = None,
    resume: Painting | None = None,
) -> Iterator[tuple[Painting, Progress]]:
    """`stylize`, a few steps at a time.

    Args:
      picture: a finished painting.
      style, settings, mask, resume: as for `stylize`.

    Yields:
      The painting so far and its progress, with the PSNR to the original painting. The last painting is finished. Each
      painting can be saved and resumed, with the same result.

    Raises:
      ValueError, TypeError, ResumeError, WeightsError: as for `stylize`, before the first step.
    """
    checks.instance(picture, Painting, "a painting", reader="jaxpaint.load_painting")
    styles = _styles(style, settings)
    picture.check_finished()
    if picture.settings.transparent and settings.mode != "color":
        raise ValueError("config.mode: expected color for a transparent painting, whose shape strokes would leave")
    mask = None if mask is None else regions.checked(mask)
    begun_with = checks.digest(picture.strokes, *styles, *([] if mask is None else [mask]))
    strokes, state, done = picture.strokes, optimize.initial(optimize.ADAM, picture.strokes), 0
    if resume is not None:
        strokes, state, done = _state_of(resume, picture, settings, begun_with)
    # Dry, as a fit draws strokes.
    content = drawing.draw_flat(drawing.relit(picture, {"wet": 0.0}), size=settings.size or picture.settings.size)
    loss = total_loss(content, styles, mask, settings)
    painter = Painter.of(picture.settings, (picture.height, picture.width), picture.brush_image)
    limits, shares = _bounds(picture, settings, mask), settings.weights_of(len(styles))
    problem = Problem(
        target=content,
        canvas=np.broadcast_to(np.asarray(picture.canvas_color, np.float32), content.shape),
        weights={"linear": 1.0},
        bounds=limits,
        softness=picture.settings.softness / 2,
        direction=_DIRECTION * settings.direction,
        form=manner.form(content, styles, shares) if settings.direction else None,
        max_aspect=picture.settings.max_aspect,
    )
    palette = _palette([content, *styles], [0.5, *(0.5 * share for share in shares)])
    free = limits.low < limits.high

    def recolored(strokes: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n d"]:
        if settings.color == "keep":
            allowed = chroma.kept(painter.brush, strokes, picture.strokes)
        elif settings.palette:
            allowed = _in_palette(painter.brush, strokes, palette, settings.palette)
        else:
            return strokes
        return np.where(free, allowed, strokes)

    rates = optimize.cosine(settings.learning_rate, _LAST_RATE * settings.learning_rate, settings.steps)
    for step in range(done, settings.steps):
        drawn = painter.draw(strokes, problem.shape)
        value, gradient = loss(drawn)
        # A network's pixels stand for those of the drawing, to first order.
        aim = problem._replace(target=np.asarray(gradient))
        strokes, state, _ = painter.fit(strokes, state, aim, rates=rates[step : step + 1], textured=True)
        strokes = recolored(strokes)
        unfinished = step + 1 < settings.steps
        how_far = Progress(
            stage=1,
            stages=1,
            step=step + 1,
            steps=settings.steps,
            loss=float(value),
            psnr=Fit(float(value), float(np.mean((drawn - content) ** 2))).psnr,
            strokes=len(strokes),
        )
        styled = dataclasses.replace(
            picture,
            strokes=strokes,
            state=optimize.as_dict(state) | {"pictures": begun_with} if unfinished else None,
            styling=settings,
        )
        yield styled, how_far


def in_manner(
    photograph: Picture, style: Picture | Sequence[Picture], settings: StyleSettings
) -> tuple[Settings, directions.Field]:
    """Settings and directions for painting a photograph in strokes like those of the style pictures.

    Args:
      photograph: in [0, 1].
      style, settings: as for `stylize`.

    Raises:
      ValueError, TypeError: as for `stylize`.
    """
    styles = _styles(style, settings)
    photograph, shares = pictures.checked(photograph), settings.weights_of(len(styles))
    suited = BOLD | manner.settings_of(styles, shares, photograph.shape[:2])
    return Settings.from_config(suited), manner.form(photograph, styles, shares)


def _styles(style: Picture | Sequence[Picture], settings: StyleSettings) -> Sequence[Picture]:
    return Style(style if isinstance(style, Sequence) else [style], settings).pictures


class _Palette(NamedTuple):
    """The mean of a distribution of colours, and the matrix that whitens their deviations from it."""

    mean: Float[np.ndarray, "3"]
    whitening: Float[np.ndarray, "3 3"]


def _palette(samples: Sequence[Picture], weights: Sequence[float]) -> _Palette:
    """The distribution of the colours of weighted pictures."""
    colors = [pictures.resize(picture, (_COLORS, _COLORS)).reshape(-1, 3) for picture in samples]
    weight = np.repeat(np.asarray(weights) / sum(weights), _COLORS**2) / _COLORS**2
    every = np.concatenate(colors).astype(np.float64)
    mean = weight @ every
    variance, axes = np.linalg.eigh((every - mean).T @ ((every - mean) * weight[:, None]))
    return _Palette(mean, axes / np.sqrt(np.maximum(variance, _LEAST_VARIANCE)))


def _in_palette(brush: Brush, strokes: Float[np.ndarray, "n d"], palette: _Palette, most: float) -> np.ndarray:
    """Pulls colours that are more than `most` standard deviations from the mean back towards it."""
    result, index = strokes.copy(), brush.index("color")
    away = strokes[:, index].reshape(-1, 3) - palette.mean
    far = np.linalg.norm(away @ palette.whitening, axis=1, keepdims=True)
    nearer = palette.mean + away * np.minimum(1.0, most / np.maximum(far, 1e-12))
    result[:, index] = nearer.reshape(len(strokes), -1)
    return result


def _state_of(
    resume: Painting, picture: Painting, settings: StyleSettings, begun_with: Int[np.ndarray, ""]
) -> tuple[Float[np.ndarray, "n d"], optax.OptState, int]:
    """Strokes, the optimiser's state and number of steps of an unfinished styling."""
    checks.instance(resume, Painting, "a styling to go on from", reader="jaxpaint.load_painting")
    found, like = resume.state or {}, optimize.initial(optimize.ADAM, picture.strokes)
    expected = optimize.as_dict(like)
    if missing := set(expected) - set(found):
        raise ResumeError(f"expected an unfinished styling to go on from, got one without {', '.join(sorted(missing))}")
    if resume.brush != picture.brush or resume.strokes.shape != picture.strokes.shape:
        raise ResumeError("expected an unfinished styling of the same painting, got one of another")
    if resume.styling != settings:
        raise ResumeError("expected a styling to go on from with the settings it began with, got others")
    if found.get("pictures") != begun_with:
        raise ResumeError("expected the painting, style pictures and mask that the styling began with, got others")
    try:
        state = optimize.from_dict(like, found)
    except ValueError as error:
        raise ResumeError(f"expected the state of an unfinished styling, got one whose {error}") from None
    if not 0 < found["count"] < settings.steps:
        raise ResumeError(f"expected a styling of fewer than {settings.steps} steps to go on from, got another's state")
    return resume.strokes, state, int(found["count"])


def _bounds(picture: Painting, settings: StyleSettings, mask: Float[np.ndarray, "rows columns"] | None) -> Bounds:
    """The bounds of painting; a parameter that is fixed has its own value for both."""
    brush, strokes = BRUSHES[picture.brush], picture.strokes
    low, high = bounds(picture.settings, (picture.height, picture.width), len(strokes))
    free = np.broadcast_to(brush.mask("color") if settings.mode == "color" else True, strokes.shape)
    if mask is not None:
        free = free & regions.contains(mask, picture)[:, None]
    return Bounds(np.where(free, low, strokes), np.where(free, high, strokes))


class _Recipe(NamedTuple):
    """The static part of the loss.

    Attributes:
      shape: height and width at which the network sees the picture.
      style, content, laplacian: the network's layers, each none if the term is not wanted.
      grey: the network sees lightness alone, and colours are compared with the painting's.
      moments: style is moments, not Gram matrices.
      pixels: details are compared between pixels.
      transport: there is a transport term.
    """

    shape: tuple[int, int]
    style: tuple[str, ...]
    content: tuple[str, ...]
    laplacian: tuple[str, ...]
    grey: bool
    moments: bool
    pixels: bool
    transport: bool

    @classmethod
    def of(cls, settings: StyleSettings, shape: tuple[int, int]) -> _Recipe:
        """The recipe of a style transfer."""
        form = settings.laplacian_form

        def layers(names: str, wanted: bool = True) -> tuple[str, ...]:
            return tuple(name.strip() for name in names.split(",")) if wanted else ()

        return cls(
            shape=shape,
            style=layers(settings.style_layers),
            content=layers(settings.content_layers, settings.content > 0),
            laplacian=layers(settings.laplacian_layers, settings.laplacian > 0 and form != "picture"),
            grey=settings.color == "keep",
            moments=settings.style_loss == "moments",
            pixels=settings.laplacian > 0 and form != "features",
            transport=settings.transport > 0,
        )

    @property
    def layers(self) -> tuple[str, ...]:
        """All that the network has to give."""
        return tuple(dict.fromkeys((*self.style, *self.content, *self.laplacian)))


class _Aims(NamedTuple):
    """The arrays that the drawing is compared with.

    Attributes:
      weights: of the five terms.
      picture: the painting as it was.
      features: its features.
      details: mean square of its Laplacian.
      styles: features of each style picture.
      distances: from the painting as it was to each style.
      shares: how much each counts.
      mask: how much the style counts where, or None.
    """

    weights: Float[Array, "5"]
    picture: Float[Array, "height width 3"]
    features: Features
    details: Float[Array, ""]
    styles: list[Features]
    distances: Float[Array, "styles"]
    shares: Float[Array, "styles"]
    mask: Float[Array, "rows columns"] | None


def total_loss(
    content: Picture,
    styles: Sequence[Picture],
    mask: Float[np.ndarray, "rows columns"] | None,
    settings: StyleSettings,
) -> Callable[[Picture], tuple[Array, Float[Array, "height width 3"]]]:
    """The total loss, as a function of a drawing that gives its value and gradient.

    Args:
      content: how the painting looked before, in [0, 1].
      styles: pictures in [0, 1], each of any size.
      mask: as for `stylize`.
      settings: of the style transfer.

    Raises:
      ValueError: the number of styles is not that of their weights.
      WeightsError: the weights of VGG are missing, or lack one of the layers.
    """
    recipe = _Recipe.of(settings, _seen(content, settings.vgg_size))
    see = _eyes(settings.vgg, recipe.layers)
    seen = pictures.resize(content, recipe.shape)
    small = [pictures.resize(style, _seen(style, round(settings.scale * settings.vgg_size))) for style in styles]
    if recipe.grey:
        seen, small = chroma.grey(seen), [chroma.matched(style, seen) for style in small]
    aims = _Aims(
        weights=jnp.array([getattr(settings, term) for term in TERMS]),
        picture=jnp.asarray(content),
        features=see(jnp.asarray(seen)),
        details=losses.laplacian(jnp.asarray(content), jnp.zeros(content.shape), poolings=_POOLINGS),
        styles=[_features(settings.vgg, recipe.layers, each.tobytes(), each.shape) for each in small],
        distances=jnp.ones(len(styles)),
        shares=jnp.array(settings.weights_of(len(styles))),
        mask=None if mask is None else jnp.asarray(mask),
    )
    aims = aims._replace(distances=jax.jit(_distances, static_argnums=0)(recipe, aims.features, aims))
    return functools.partial(_value_and_gradient, recipe, see, aims)


def _seen(picture: Picture, size: int) -> tuple[int, int]:
    """Height and width at which the network sees a picture."""
    height, width, _ = picture.shape
    height, width = pictures.fitted_shape(height, width, size)
    return max(height, _LEAST_SEEN), max(width, _LEAST_SEEN)


# One object for the same network, whose programs are then compiled once.
@functools.lru_cache(maxsize=4)
def _eyes(source: str, layers: tuple[str, ...]) -> Callable[[Array], dict[str, Array]]:
    return weights.load_features(source, layers=layers)


# Cached, since all frames of a film share their style pictures.
@functools.lru_cache(maxsize=16)
def _features(source: str, layers: tuple[str, ...], data: bytes, shape: tuple[int, ...]) -> Features:
    return _eyes(source, layers)(jnp.asarray(np.frombuffer(data, np.float32).reshape(shape)))


@functools.partial(jax.jit, static_argnums=0, compiler_options=runtime.COMPILER_OPTIONS)
def _value_and_gradient(recipe: _Recipe, see: Callable[[Array], Features], aims: _Aims, picture: Any) -> Any:
    def total(picture: Any) -> Any:
        return aims.weights @ jnp.stack([jnp.asarray(term, jnp.float32) for term in _terms(recipe, see, aims, picture)])

    return jax.value_and_grad(total)(picture)


def _terms(recipe: _Recipe, see: Callable[[Array], Features], aims: _Aims, picture: Array) -> list[Any]:
    """The five terms, in the order of `TERMS`; sums over layers become means.

    The distance to a style is relative to the original painting's distance. So Gram matrices and moments have similar
    weights, and so have near styles and far styles.
    """
    features = see(jax.image.resize(chroma.grey(picture) if recipe.grey else picture, (*recipe.shape, 3), "linear"))

    def compared(loss: Callable[..., Any], layers: Sequence[str]) -> Any:
        return loss(_of(layers, features), _of(layers, aims.features)) / len(layers)

    laplacian: Any = compared(losses.feature_laplacian, recipe.laplacian) if recipe.laplacian else 0.0
    if recipe.pixels:
        laplacian += losses.laplacian(picture, aims.picture, poolings=_POOLINGS) / jnp.maximum(aims.details, 1e-6)
    transport: Any = 0.0
    if recipe.transport:
        height, width, _ = picture.shape
        small = (*pictures.fitted_shape(height, width, _TRANSPORT_SIZE), 3)
        transport = losses.transport(*(jax.image.resize(p, small, "linear") for p in (picture, aims.picture)))
    return [
        compared(losses.content, recipe.content) if recipe.content else 0.0,
        losses.l1(picture, aims.picture, colorless=not recipe.grey),
        aims.shares @ (_distances(recipe, features, aims) / jnp.maximum(aims.distances, _LEAST_DISTANCE)),
        laplacian,
        transport,
    ]


def _distances(recipe: _Recipe, features: Features, aims: _Aims) -> Float[Array, "styles"]:
    """How far features are from each style, summed over its layers."""
    distance = losses.moments if recipe.moments else losses.gram
    seen = _of(recipe.style, features)
    return jnp.stack([distance(seen, _of(recipe.style, style), weight=aims.mask) for style in aims.styles])


def _of(layers: Sequence[str], features: Features) -> Features:
    return {layer: features[layer] for layer in layers}
