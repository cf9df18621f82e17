"""Training a network to draw what the engine draws; strokes and targets are made on the device, from keys."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float, Int, PRNGKeyArray

from jaxpaint.brushes import BRUSHES, Brush, Look
from jaxpaint.renderers import Arrays, engine
from jaxpaint.renderers.networks import ARCHITECTURES, NeuralRenderer, Pictures, Tree, network
from jaxpaint.settings import Checked, check_brush, setting

# Batches, and strokes in each, from which the normalisations' statistics are taken.
_STATISTICS = (16, 256)


@dataclasses.dataclass(frozen=True)
class Recipe(Checked):
    """How a network is trained. Each field's range and meaning stand beside it; anything else is refused.

    Raises:
      ValueError, TypeError: one line that says what was expected.
    """

    net: str = setting("light", "heavy, light, lite or dcgan32", choices=tuple(ARCHITECTURES))
    brush: str = setting("oilpaintbrush", "oilpaintbrush, watercolor, markerpen or rectangle")
    brush_image: str = setting("", "a picture of your own brush, in place of the built-in texture")
    texture: float = setting(1.0, "contrast of the brush's texture", 0.0, 2.0)
    init: str = setting("", "weights to begin with: a file, or a network's name")
    steps: int = setting(120_000, "gradient steps", 2, 10**8)
    batch: int = setting(64, "strokes a step", 2, 65_536)
    learning_rate: float = setting(2e-3, "Adam's, at its greatest", 1e-7, 1.0)
    warmup: int = setting(200, "steps over which the rate rises", 0, 10**6)
    silhouette_steps: int = setting(65_000, "first steps, of the silhouette alone", 0, 10**8)
    small: float = setting(0.0, "share of strokes with their sizes squared", 0.0, 1.0)
    alpha_weight: float = setting(1.0, "weight of alpha's error, the foreground's being 1", 0.0, 1e3)
    ema: float = setting(0.999, "decay of the average of the weights", 0.0, 0.999999)
    log_every: int = setting(500, "steps between two lines", 1, 10**8)
    validate_every: int = setting(5_000, "steps between two checkpoints", 1, 10**8)
    validated: int = setting(4_096, "fresh strokes to measure on, in batches of 64", 64, 10**6)
    seed: int = setting(0, "another seed, another network", 0, 2**32 - 1)

    def __post_init__(self) -> None:
        super().__post_init__()
        check_brush(self.brush, self.brush_image)
        if self.silhouette_steps and not ARCHITECTURES[self.net].dense:
            raise ValueError(f"config.silhouette_steps: expected 0 with {self.net}, got {self.silhouette_steps}")
        if self.silhouette_steps >= self.steps:
            raise ValueError(f"config.silhouette_steps: expected fewer than steps, got {self.silhouette_steps}")


class State(NamedTuple):
    """A training run between two steps.

    Attributes:
      step: how many have been taken.
      params: the weights.
      average: their exponential moving average.
      optimizer: the optimiser's state.
    """

    step: Int[Array, ""]
    params: Tree
    average: Tree
    optimizer: Tree


class Metrics(NamedTuple):
    """Mean squared errors of the foreground and of alpha."""

    foreground: Float[Array, ""]
    alpha: Float[Array, ""]


def psnr(metrics: Metrics) -> Float[Array, ""]:
    """Mean of the PSNR of foreground and alpha, in dB (Zou et al., section 4.2)."""
    return -5.0 * (jnp.log10(metrics.foreground) + jnp.log10(metrics.alpha))


def sample(brush: Brush, count: int, *, key: PRNGKeyArray, small: float = 0.0) -> Float[Array, "count d"]:
    """Random strokes, uniform in [0, 1]^d.

    Args:
      brush: whose strokes.
      count: how many.
      key: says which.
      small: share of them whose sizes are squares of uniform numbers.
    """
    uniform, chosen = jax.random.split(key)
    strokes = jax.random.uniform(uniform, (count, brush.dim))
    smaller = (jax.random.uniform(chosen, (count, 1)) < small) & brush.mask("size")[None]
    return jnp.where(smaller, strokes**2, strokes)


def targets(recipe: Recipe, strokes: Float[Array, "n d"], picture: Arrays = None) -> Pictures:
    """What the engine draws of the strokes at the network's size.

    Args:
      recipe: says which brush and size.
      strokes: in [0, 1].
      picture: a user's own brush (`textures.pyramid`), or None.
    """
    size, brush = ARCHITECTURES[recipe.net].size, BRUSHES[recipe.brush]
    render = engine(brush, size, look=Look(None if picture is None else jnp.asarray(picture), recipe.texture))
    # One after the other: in the cache, so that a stroke's planes need not be stored.
    stroke = jax.lax.map(render, strokes, batch_size=min(8, len(strokes)))
    return Pictures(jnp.stack(stroke.foreground, axis=-1), jnp.stack(stroke.alpha, axis=-1))


def schedule(recipe: Recipe) -> optax.Schedule:
    """The learning rate by step: up along a line, down along half a cosine, for either part of the run."""

    def part(steps):
        rise = min(recipe.warmup, steps // 2)
        return optax.warmup_cosine_decay_schedule(0.0, recipe.learning_rate, rise, steps, 0.01 * recipe.learning_rate)

    alone = recipe.silhouette_steps
    if not alone:
        return part(recipe.steps)
    return optax.join_schedules([part(alone), part(recipe.steps - alone)], [alone])


def optimizer(recipe: Recipe) -> optax.GradientTransformation:
    """Adam with the recipe's schedule."""
    return optax.adam(schedule(recipe), b1=0.9, b2=0.99, eps=1e-8)


def net(recipe: Recipe) -> NeuralRenderer:
    """The recipe's network."""
    return network(recipe.net, BRUSHES[recipe.brush])


def start(recipe: Recipe, params: Tree = None) -> State:
    """The state before the first step.

    Args:
      recipe: how to train.
      params: weights to begin with; random ones by default.
    """
    if params is None:
        strokes = jnp.zeros((2, BRUSHES[recipe.brush].dim))
        params = net(recipe).init(jax.random.key(recipe.seed), strokes)["params"]
    return State(jnp.zeros((), jnp.int32), params, jax.tree.map(jnp.copy, params), optimizer(recipe).init(params))


def _squared(pictures: Pictures, wanted: Pictures) -> Metrics:
    return Metrics(*(((a - b) ** 2).mean() for a, b in zip(pictures, wanted, strict=True)))


def train(recipe: Recipe, state: State, count: int, picture: Arrays = None) -> tuple[State, Metrics]:
    """Some steps; the same numbers, however they are divided into calls.

    Args:
      recipe: how to train.
      state: is not used again afterwards: its memory is taken.
      count: steps to take, all with the silhouette alone or none (see `Recipe.silhouette_steps`).
      picture: a user's own brush (`textures.pyramid`), or None.

    Returns:
      The new state, and the errors of each step, `[count]`.
    """
    alone = int(state.step) < recipe.silhouette_steps
    return _train(recipe, alone, count, state, picture)


@functools.partial(jax.jit, static_argnums=(0, 1, 2), donate_argnums=3)
def _train(recipe: Recipe, alone: bool, count: int, state: State, picture: Arrays) -> tuple[State, Metrics]:
    model, update = net(recipe), optimizer(recipe).update

    def loss(params, strokes, wanted):
        if alone:
            silhouette = model.apply({"params": params}, strokes, method="silhouette")
            alpha = ((model.opacity(strokes) * silhouette - wanted.alpha) ** 2).mean()
            return alpha, Metrics(jnp.zeros(()), alpha)
        # Colours that are still random would pull a silhouette that is known already to pieces.
        pictures, _ = model.apply({"params": params}, strokes, detached=True, mutable=["batch_stats"])
        metrics = _squared(pictures, wanted)
        return metrics.foreground + recipe.alpha_weight * metrics.alpha, metrics

    def step(state: State, _):
        key = jax.random.fold_in(jax.random.key(recipe.seed), state.step)
        strokes = sample(model.brush, recipe.batch, key=key, small=recipe.small)
        gradient, metrics = jax.grad(loss, has_aux=True)(state.params, strokes, targets(recipe, strokes, picture))
        change, memory = update(gradient, state.optimizer, state.params)
        params = optax.apply_updates(state.params, change)
        # Young averages forget faster.
        decay = jnp.minimum(recipe.ema, (1.0 + state.step) / (10.0 + state.step))
        average = optax.incremental_update(params, state.average, 1.0 - decay)
        return State(state.step + 1, params, average, memory), metrics

    return jax.lax.scan(step, state, length=count)


@functools.partial(jax.jit, static_argnums=0)
def statistics(recipe: Recipe, params: Tree, key: PRNGKeyArray) -> Tree:
    """The means and variances that the normalisations need once training is over, over fresh strokes.

    Taken for the weights at hand, averaged ones too, which no running average of a run's batches fits.
    """
    model, (batches, count) = net(recipe), _STATISTICS

    def batch(key):
        strokes = sample(model.brush, count, key=key)
        return model.apply({"params": params}, strokes, mutable=["batch_stats"])[1]["batch_stats"]

    return jax.tree.map(lambda leaf: leaf.mean(axis=0), jax.lax.map(batch, jax.random.split(key, batches)))


@functools.partial(jax.jit, static_argnums=(0, 3))
def validate(recipe: Recipe, variables: Tree, key: PRNGKeyArray, count: int, picture: Arrays = None) -> Metrics:
    """Errors on fresh uniform strokes.

    Args:
      recipe: of the network.
      variables: `params` and `batch_stats`.
      key: says which strokes.
      count: how many, made up to whole batches of 64.
      picture: a user's own brush (`textures.pyramid`), or None.
    """
    model = net(recipe)

    def batch(key):
        strokes = sample(model.brush, 64, key=key)
        pictures: Any = model.apply(variables, strokes)
        return _squared(pictures, targets(recipe, strokes, picture))

    return jax.tree.map(jnp.mean, jax.lax.map(batch, jax.random.split(key, -(-count // 64))))
