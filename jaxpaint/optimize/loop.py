"""Gradient descent on strokes: steps of an optax transformation, for any rasterizer, renderer and loss."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.scipy.ndimage import map_coordinates
from jax.sharding import Mesh
from jaxtyping import Array, Bool, Float, Int

from jaxpaint import runtime
from jaxpaint.brushes import NOWHERE, Brush, Canvas, nowhere
from jaxpaint.losses.pixel import canvas_l2
from jaxpaint.losses.terms import TERMS
from jaxpaint.problem import Bounds, Fit, Problem, Springs
from jaxpaint.raster.tiled import Tiled
from jaxpaint.raster.windowed import Windowed, Windows
from jaxpaint.renderers import Model

# Steps between two binnings of strokes to tiles.
CHUNK = 20
ADAM = optax.scale_by_adam(b1=0.9, b2=0.99, eps=1e-12)
# Stylized Neural Painting's (arXiv:2011.08114).
RMSPROP = optax.scale_by_rms(decay=0.99, eps=1e-8, eps_in_sqrt=False)
# A number of steps, and means of squares.
_NOT_NEGATIVE = ("count", "nu")
# Names of the arrays in files from before the optimiser's state was optax's own.
_RENAMED = {"steps": "count", "mean": "mu", "square": "nu"}


def cosine(first: float, last: float, steps: int) -> Float[np.ndarray, "steps"]:
    """Learning rates that fall from the first to the last along half a cosine."""
    phase = np.arange(steps) / max(steps - 1, 1)
    return (last + (first - last) * 0.5 * (1 + np.cos(np.pi * phase))).astype(np.float32)


def initial(optimizer: optax.GradientTransformation, strokes: Float[np.ndarray, "n d"]) -> optax.OptState:
    """The optimiser's state before the first step."""
    # In NumPy: JAX would compile a program for it.
    return jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), jax.eval_shape(optimizer.init, strokes))


def chunks(rates: Float[np.ndarray, "steps"]) -> Iterator[Float[np.ndarray, "some"]]:
    """Splits learning rates into the chunks that `descend` is called with."""
    for start in range(0, len(rates), CHUNK):
        yield rates[start : start + CHUNK]


def as_dict(state: optax.OptState) -> dict[str, np.ndarray]:
    """The optimiser's state as named arrays, for a file."""
    return {name: np.asarray(value) for name, value in state._asdict().items()}


def renamed(found: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Named arrays of a file, by the names that `as_dict` gives: older files have others."""
    return {_RENAMED.get(name, name): value for name, value in found.items()}


def from_dict(like: optax.OptState, found: Mapping[str, np.ndarray]) -> optax.OptState:
    """The inverse of `as_dict`, for a state of the same kind.

    Raises:
      ValueError: an array is missing, or its shape or a number in it can't be; the message begins with its name.
    """
    for name, value in as_dict(like).items():
        array = found.get(name)
        if array is None or array.shape != value.shape or not np.isfinite(array).all():
            raise ValueError(f"{name} can't be")
        if name in _NOT_NEGATIVE and (array < 0).any():
            raise ValueError(f"{name} can't be")
    return type(like)(**{name: found[name] for name in like._fields})


def kept_rows(state: optax.OptState, kept: Int[np.ndarray, "kept"]) -> optax.OptState:
    """The optimiser's state after a densify step: rows of the strokes that are kept, then zeros for new strokes."""

    def rows(leaf: Any) -> np.ndarray:
        leaf = np.asarray(leaf)
        if not leaf.ndim:
            return leaf
        return np.concatenate([leaf[kept], np.zeros((len(leaf) - len(kept), *leaf.shape[1:]), leaf.dtype)])

    return jax.tree.map(rows, state)


def descend(
    model: Model,
    strokes: Float[np.ndarray, "n d"],
    state: optax.OptState,
    problem: Problem,
    *,
    rates: Float[np.ndarray, "steps"],
    optimizer: optax.GradientTransformation = ADAM,
    first: int = 0,
    everywhere: bool = True,
) -> tuple[Float[np.ndarray, "n d"], optax.OptState, Fit]:
    """A few steps of gradient descent on some of the strokes.

    Positions and sizes move in proportion to a stroke's own size, all else in units of its parameter; in blocks,
    positions and sizes in units of the block.

    Args:
      model: draws the strokes.
      strokes: in canvas coordinates, lowest first; strokes not placed yet are `nowhere`.
      state: the optimiser's so far (see `initial`).
      problem: the target, and how differences count.
      rates: the learning rate of each step.
      optimizer: makes updates of gradients; another object means another program.
      first: index of the first stroke that is fitted; the strokes below are part of the canvas.
      everywhere: draws the whole picture; otherwise only the tiles of strokes that their bounds let move. A renderer of
        single windows always draws the whole picture.

    Returns:
      The strokes, the optimiser's state, and the fit before the last step, over the pixels that were drawn.
    """
    brush, window = model.brush, problem.block or model.window
    placed = strokes[:, brush.index("x")[0]] > NOWHERE
    moving = placed & (np.arange(len(strokes)) >= first)
    mesh, longest = runtime.mesh(), max(problem.shape)
    raster: Tiled | Windowed
    if window is None:
        bounds = problem.bounds
        only = None if everywhere else moving & (bounds.low < bounds.high).any(axis=-1)
        margin = 2.0 + problem.softness
        raster = Tiled.of(brush, strokes, problem, first=first, margin=margin, devices=mesh.size, only=only)
    else:
        windows = Windows.of(brush, strokes, problem)
        raster = Windowed.of(windows, problem, moving=moving, window=window, devices=mesh.size)
        bounds = windows.bounds(brush, problem)
    side = (window or problem.tile) / longest
    sizes: Any = side if problem.block else strokes[:, brush.index("size")].mean(axis=1, keepdims=True)
    scale = np.where(brush.mask("x", "y", "size"), sizes, 1.0) * moving[:, None]
    scale = np.where(bounds.low < bounds.high, scale, 0.0).astype(np.float32)
    padded = np.zeros(max(len(rates), CHUNK), np.float32)
    padded[: len(rates)] = rates
    count = len(strokes)
    more = max(problem.room - count, 0) if window is None else 0
    given = _Given(
        model=model,
        springs=_filled(problem.springs, more),
        prior=_prior(brush, strokes, problem, more),
        bounds=_filled(Bounds(*(np.broadcast_to(bound, scale.shape) for bound in bounds)), more),
        weights={name: np.float32(problem.weights.get(name, 0.0)) for name in problem.terms},
        pixels=np.float32(np.prod(problem.shape)),
        scale=_filled(scale, more),
        moving=_filled(moving, more),
        rates=padded,
        steps=len(rates),
        softness=np.float32(problem.softness),
    )
    every = np.concatenate([strokes, nowhere(brush, more)])
    every, state, fit = _descend(mesh, optimizer, raster, given, every, _filled(state, more))
    strokes, state = jax.tree.map(
        lambda leaf: np.asarray(leaf)[:count] if leaf.ndim else np.asarray(leaf), (every, state)
    )
    if problem.max_aspect:
        strokes = np.where(scale > 0, brush.shortened(strokes, problem.max_aspect), strokes)
    return strokes, state, Fit(*map(float, fit))


def _filled(values: Any, more: int) -> Any:
    """Appends rows of zeros to arrays that have a row for each stroke; arrays without axes stay."""

    def each(leaf: np.ndarray) -> np.ndarray:
        return np.concatenate([leaf, np.zeros((more, *leaf.shape[1:]), leaf.dtype)]) if leaf.ndim else leaf

    return jax.tree.map(each, values) if more else values


class _Prior(NamedTuple):
    """The prior on headings.

    Attributes:
      form: the directions over the canvas: doubled angles, times how sure they are.
      shares: of the picture's pixels that each stroke covers.
      weight: of their mean deviation.
    """

    form: Float[np.ndarray, "side side 2"]
    shares: Float[np.ndarray, "n"]
    weight: np.float32


class _Given(NamedTuple):
    """Arguments of the compiled loop, besides the picture, the strokes and the optimiser's state.

    Attributes:
      model: draws the strokes.
      springs, bounds: see `Problem`.
      prior: on headings, or None.
      weights: of the terms of the loss.
      pixels: how many the picture has.
      scale: how far a parameter moves at a learning rate of 1.
      moving: which strokes are fitted.
      rates: learning rates, padded.
      steps: how many of them count.
      softness: of the edges, in pixels.
    """

    model: Model
    springs: Springs | None
    prior: _Prior | None
    bounds: Bounds
    weights: dict[str, np.float32]
    pixels: np.float32
    scale: Float[np.ndarray, "n d"]
    moving: Bool[np.ndarray, "n"]
    rates: Float[np.ndarray, "padded"]
    steps: int
    softness: np.float32


@functools.partial(jax.jit, static_argnums=(0, 1), compiler_options=runtime.COMPILER_OPTIONS)
def _descend(
    mesh: Mesh, optimizer: Any, raster: Tiled | Windowed, given: _Given, strokes: Any, state: optax.OptState
) -> Any:
    return raster.divided(mesh, functools.partial(_steps, mesh, optimizer), given, strokes, state)


def _steps(
    mesh: Mesh,
    optimizer: optax.GradientTransformation,
    raster: Tiled | Windowed,
    given: _Given,
    strokes: Float[Array, "n d"],
    state: optax.OptState,
) -> Any:
    """All steps of `descend`."""
    loss = functools.partial(_loss, given)
    value_and_grad, memory = raster.value_and_grad(mesh, given.model, loss, softness=given.softness)

    def step(i: Any, carry: Any) -> Any:
        strokes, state, _, memory = carry
        value, gradient, memory = value_and_grad(strokes, i, memory)
        if given.springs is not None:
            gradient += given.springs.stiffness * (strokes - given.springs.rest)
        if given.prior is not None:
            gradient += given.prior.weight * jax.grad(_deviation, argnums=1)(given, strokes)
        update, state = optimizer.update(gradient, state)
        moved = jnp.clip(strokes - given.rates[i] * given.scale * update, given.bounds.low, given.bounds.high)
        return jnp.where(given.moving[:, None], moved, strokes), state, value, memory

    return jax.lax.fori_loop(0, given.steps, step, (strokes, state, (jnp.zeros(()),) * 2, memory))[:3]


def _loss(given: _Given, canvas: Canvas, target: Canvas, weight: Float[Array, "*n size size"]) -> Any:
    """The weighted terms, and the mean squared difference of all pixels alike, which the PSNR is of."""
    count = 3 * given.pixels
    value: Any = 0.0
    for name, factor in given.weights.items():
        term = TERMS[name].function(canvas, target, mask=weight)
        value += factor * term / count if TERMS[name].mean else factor * term
    return value, canvas_l2(canvas, target, mask=jnp.sign(weight)) / count


def _prior(brush: Brush, strokes: Float[np.ndarray, "n d"], problem: Problem, more: int) -> _Prior | None:
    if problem.form is None:
        return None
    height, width = problem.shape
    rows, columns, _ = problem.form.shape
    # Square, so that one program fits pictures of all proportions.
    form = np.pad(problem.form, ((0, max(columns - rows, 0)), (0, max(rows - columns, 0)), (0, 0)), mode="edge")
    shares = (brush.areas(strokes) * max(height, width) ** 2 / (height * width)).astype(np.float32)
    return _Prior(form, _filled(shares, more), np.float32(problem.direction))


def _deviation(given: _Given, strokes: Float[Array, "n d"]) -> Float[Array, ""]:
    assert given.prior is not None
    return jnp.asarray(given.prior.shares) @ deviation(given.model.brush, strokes, jnp.asarray(given.prior.form))


def deviation(brush: Brush, strokes: Float[Array, "n d"], form: Float[Array, "side side 2"]) -> Float[Array, "n"]:
    """How far each stroke's heading is from a field of directions, in [0, 2].

    `clear · sure · (1 − cos 2(φ − θ))`, of the heading φ and the direction θ where the stroke is: 0 along the field, 2
    across it where it is sure. The gradient turns strokes; it does not move them to where they would fit.

    Args:
      brush: whose strokes they are.
      strokes: in canvas coordinates.
      form: directions over the canvas, as `directions.form` gives them.
    """

    def each(stroke: Any) -> Any:
        at, heading = brush.headings(stroke)
        places = list(jax.lax.stop_gradient(at.T[::-1] * len(form) - 0.5))
        seen = jnp.stack([map_coordinates(form[..., i], places, order=1, mode="nearest") for i in range(2)], axis=1)
        most = jnp.linalg.norm(jax.lax.stop_gradient(heading), axis=1) * jnp.linalg.norm(seen, axis=1)
        return (most - (heading * seen).sum(axis=1)).mean()

    return jax.vmap(each)(strokes)
