"""Training of a network to draw the engine's pictures; strokes and targets are made on the device, from keys.

A run has three parts. In the part *distances*, the rasterisation network's fully connected layers learn the distances
from points of the picture to a stroke's edges. These distances are smooth functions of the stroke; a silhouette is not.
In the part *silhouette*, the convolutions learn to turn the distances into a silhouette. In the part *shading*, the
shading network learns the colours, which costs six times as much a stroke, within silhouettes that stay fixed. A run
from scratch without silhouette steps trains both networks together in the last part, as in the papers.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.sharding import Mesh
from jaxtyping import Array, Float, Int, PRNGKeyArray, UInt

from jaxpaint import runtime
from jaxpaint.architectures import ARCHITECTURES
from jaxpaint.brushes import BRUSHES, Brush, Look
from jaxpaint.brushes.textures import Stamps
from jaxpaint.renderers import engine
from jaxpaint.renderers.networks import SEED, NeuralRenderer, Pictures, Tree, network
from jaxpaint.settings import Checked, check_brush, setting

# Number of batches, and of strokes in each, for the normalisations' statistics.
_STATISTICS = (16, 256)
# Size of a step of the distances, in batches; larger, since these strokes are not drawn.
_UNDRAWN = 4
# Learning rates, relative to the recipe's: of the distances; and, in the silhouette part, of the layers that know the
# distances. At the full rate, these layers would first forget the distances.
_DISTANCE_RATE, _KNOWN_RATE = 2.0, 0.1
# Distance from an edge, in half pixels, at which an error of the distance has half its weight.
_NEAR = 2.0
# Views in the maps of distances, the most important first: a point around the middle of a pixel (in pixels), the side
# of an edge where distances are positive (1 outside, -1 inside), and an offset (in half pixels). The offset keeps
# distances on the other side, up to its size, through the ReLU that follows.
_POINTS = ((-0.25, -0.25), (0.25, 0.25), (0.25, -0.25), (-0.25, 0.25))
_VIEWS = tuple((*point, side, from_) for from_ in (0.5, 2.0) for side in (1, -1) for point in _POINTS)


@dataclasses.dataclass(frozen=True)
class Recipe(Checked):
    """Settings of a training run. Each field declares its range and meaning; other values are refused.

    Raises:
      ValueError, TypeError: one line that states the expected value.
    """

    net: str = setting("light", "heavy, light, lite or dcgan32", choices=tuple(ARCHITECTURES))
    brush: str = setting("oilpaintbrush", ", ".join(BRUSHES))
    brush_image: str = setting("", "a picture of your own brush, or a folder of them")
    texture: float = setting(1.0, "contrast of the brush's texture", 0.0, 2.0)
    init: str = setting("", "weights to begin with: a file, or a network's name")
    steps: int = setting(120_000, "gradient steps", 2, 10**8)
    batch: int = setting(64, "strokes a step", 2, 65_536)
    learning_rate: float = setting(2e-3, "Adam's, at its greatest", 1e-7, 1.0)
    warmup: int = setting(200, "steps over which the rate rises", 0, 10**6)
    distance_steps: int = setting(12_000, "first steps, of distances to the edges", 0, 10**8)
    silhouette_steps: int = setting(60_000, "next steps, of the silhouette alone; 0: with the shading", 0, 10**8)
    small: float = setting(0.0, "share of strokes with their sizes squared", 0.0, 1.0)
    ema: float = setting(0.999, "decay of the average of the weights", 0.0, 0.999999)
    log_every: int = setting(500, "steps between two lines", 1, 10**8)
    validate_every: int = setting(5_000, "steps between two checkpoints", 1, 10**8)
    validated: int = setting(4_096, "fresh strokes to measure on, in batches of 64", 64, 10**6)
    seed: int = setting(0, "another seed, another network", 0, 2**32 - 1)
    dtype: str = setting("float32", "numbers that the shading multiplies as it learns", choices=("float32", "bfloat16"))

    def __post_init__(self) -> None:
        super().__post_init__()
        check_brush(self.brush, self.brush_image)
        for name in ("distance_steps", "silhouette_steps"):
            if (value := getattr(self, name)) and not ARCHITECTURES[self.net].dense:
                raise ValueError(f"config.{name}: expected 0 with {self.net}, got {value}")
        if (value := _before_shading(self)) >= self.steps:
            raise ValueError(f"config.steps: expected more than are spent on distances and silhouette, {value}")


class State(NamedTuple):
    """A training run between two steps.

    Attributes:
      step: number of steps taken.
      params: the weights.
      average: exponential moving average of the weights.
      optimizer: state of the optimiser.
    """

    step: Int[Array, ""]
    params: Tree
    average: Tree
    optimizer: Tree


class Metrics(NamedTuple):
    """Mean squared errors of foreground and alpha."""

    foreground: Float[Array, ""]
    alpha: Float[Array, ""]


def psnr(metrics: Metrics) -> Float[Array, ""]:
    """Mean of the PSNR of foreground and alpha, in dB (Zou et al., section 4.2)."""
    return -5.0 * (jnp.log10(metrics.foreground) + jnp.log10(metrics.alpha))


@functools.partial(jax.jit, static_argnums=(0, 1))
def sample(
    brush: Brush, count: int, *, key: PRNGKeyArray, small: Float[Array, ""] | float = 0.0
) -> Float[Array, "count d"]:
    """Samples random strokes, uniform in [0, 1]^d.

    Args:
      brush: brush of the strokes.
      count: number of strokes.
      key: random key.
      small: share of the strokes whose sizes are squares of uniform numbers.
    """
    uniform, chosen = jax.random.split(key)
    strokes = jax.random.uniform(uniform, (count, brush.dim))
    smaller = (jax.random.uniform(chosen, (count, 1)) < small) & brush.mask("size")[None]
    return jnp.where(smaller, strokes**2, strokes)


def targets(recipe: Recipe, strokes: Float[Array, "n d"], picture: Stamps | None = None) -> Pictures:
    """The engine's pictures of strokes at the network's size.

    The pictures show no texture, as in a fit until its last steps, since a network cannot learn noise. A finished
    painting gets its texture from the engine. The layering of the strokes is not part of the pictures.

    Args:
      recipe: settings of the run, which name the brush and the network.
      strokes: strokes in [0, 1].
      picture: a user's own brush (`textures.pyramid`), or None.
    """
    size, brush = ARCHITECTURES[recipe.net].size, BRUSHES[recipe.brush]
    # A single picture of a brush looks the same in all strokes, so that a network can learn it.
    flat = picture is None or len(picture.means) > 1
    render = engine(brush, size, look=Look(picture, recipe.texture, flat))
    # Strokes are drawn in small batches, whose planes stay in the cache.
    stroke = jax.lax.map(render, strokes, batch_size=_together(strokes))
    return Pictures(jnp.stack(stroke.foreground, axis=-1), jnp.stack(stroke.alpha, axis=-1))


def distances(recipe: Recipe, strokes: Float[Array, "n d"]) -> Float[Array, "n seed seed c"]:
    """Signed distances to the strokes' edges, the first targets of the fully connected layers.

    Two ReLUs turn distances into a silhouette, `ReLU(1 − Σ ReLU(½ + distance))` over the edges, in pixels. A network
    that has to discover this formula by itself stays 2 dB behind.

    Args:
      recipe: settings of the run, which name the brush and the network.
      strokes: strokes in [0, 1].

    Returns:
      Maps of SEED × SEED pixels, in units of half a pixel.
    """
    brush = BRUSHES[recipe.brush]
    half = 1.0 / (2 * SEED)
    views, edges = _views(recipe)
    centre = (np.arange(SEED, dtype=np.float32) + 0.5) / SEED
    points = np.stack(np.meshgrid(centre, centre), axis=-1)[:, :, None] + views[:, :2] / SEED

    def one(stroke: Float[Array, "d"]) -> Float[Array, "seed seed c"]:
        to_edges = jax.vmap(lambda point: brush.edges(stroke, point))(points.reshape(-1, 2)) / half
        maps = views[None, :, 2:3] * to_edges.reshape(SEED**2, len(views), edges) + views[None, :, 3:]
        return maps.reshape(SEED, SEED, -1)

    return jax.lax.map(one, strokes, batch_size=_together(strokes))


def _together(strokes: Float[Array, "n d"]) -> int:
    """Number of strokes that are drawn at once: a divisor of all, since a remainder would be compiled separately."""
    return math.gcd(8, len(strokes)) if runtime.on_cpu() else len(strokes)


class Part(NamedTuple):
    """A part of a run.

    Attributes:
      name: distances, silhouette or shading. Without a known silhouette, and with dcgan32, shading trains the whole
        network.
      first, last: number of the part's first step, and of the step after its last.
    """

    name: str
    first: int
    last: int


def parts(recipe: Recipe) -> tuple[Part, ...]:
    """Parts of a run that have steps, in order."""
    silhouette = _before_shading(recipe)
    distances = silhouette - recipe.silhouette_steps
    ends = {"distances": distances, "silhouette": silhouette, "shading": recipe.steps}
    firsts = (0, distances, silhouette)
    return tuple(Part(*part) for part in zip(ends, firsts, ends.values(), strict=True) if part[1] < part[2])


def _before_shading(recipe: Recipe) -> int:
    """Number of steps of the first two parts; a run from given weights has no distances to learn."""
    return (0 if recipe.init else recipe.distance_steps) + recipe.silhouette_steps


def part_of(recipe: Recipe, step: int) -> Part:
    """Part of the next step after `step` steps; at the end of the run, the last part."""
    return next((part for part in parts(recipe) if step < part.last), parts(recipe)[-1])


def drawn(recipe: Recipe, step: int) -> int:
    """Number of strokes that have been drawn in the first `step` steps of a run."""
    return recipe.batch * sum(min(step, p.last) - min(step, p.first) for p in parts(recipe) if p.name != "distances")


def schedule(recipe: Recipe) -> optax.Schedule:
    """Learning rate by step: linear warm-up and cosine decay, for each part of the run."""

    def rates(part: Part) -> optax.Schedule:
        steps = part.last - part.first
        rate = recipe.learning_rate * (_DISTANCE_RATE if part.name == "distances" else 1.0)
        return optax.warmup_cosine_decay_schedule(0.0, rate, min(recipe.warmup, steps // 2), steps, 0.01 * rate)

    ran = parts(recipe)
    return optax.join_schedules([rates(part) for part in ran], [part.last for part in ran[:-1]])


def optimizer(recipe: Recipe) -> optax.GradientTransformation:
    """Returns Adam with the recipe's schedule."""
    return optax.adam(schedule(recipe), b1=0.9, b2=0.99, eps=1e-8)


def net(recipe: Recipe, dtype: str = "float32") -> NeuralRenderer:
    """Returns the recipe's network; `dtype` is the type of its shading's operands."""
    return network(recipe.net, BRUSHES[recipe.brush], dtype=dtype)


def start(recipe: Recipe, params: Tree = None) -> State:
    """Returns the state before the first step.

    Args:
      recipe: settings of the run.
      params: initial weights; random by default.
    """
    return _start(recipe, jnp.uint32(recipe.seed), params)


def shapes(recipe: Recipe) -> State:
    """Shapes and types of a state, as `jax.ShapeDtypeStruct`s; nothing is computed."""
    return _start.eval_shape(recipe, jnp.uint32(recipe.seed), None)


# Jitted as one program, instead of dozens for single operations.
@functools.partial(jax.jit, static_argnums=0, compiler_options=runtime.RUN_ONCE)
def _start(recipe: Recipe, seed: UInt[Array, ""], params: Tree) -> State:
    if params is None:
        strokes = jnp.zeros((2, BRUSHES[recipe.brush].dim))
        params = net(recipe).init(jax.random.key(seed), strokes)["params"]
        if recipe.distance_steps:
            params = _reading_distances(recipe, params)
    # A step donates its arguments' memory, so that each tree needs its own copy.
    params, average = (jax.tree.map(jnp.copy, params) for _ in range(2))
    return State(jnp.zeros((), jnp.int32), params, average, optimizer(recipe).init(params))


def _reading_distances(recipe: Recipe, params: Tree) -> Tree:
    """Sets the first convolution such that one unit for each point turns distances into the point's silhouette.

    The other units start small, since distances are large numbers, which would drown out the silhouette.
    """
    rasterization = dict(params["rasterization"])
    kernel, bias = rasterization["conv0"]["kernel"], rasterization["conv0"]["bias"]
    views, edges = _views(recipe)
    units = min(len(views), len(_POINTS))
    unit = np.repeat(np.eye(len(views), units, dtype=np.float32), edges, axis=0)
    kernel = (0.05 * kernel).at[..., :units].set(0.0).at[1, 1, :, :units].set(-unit)
    rasterization["conv0"] = {"kernel": kernel, "bias": bias.at[:units].set(1.0)}
    return {**params, "rasterization": rasterization}


def _views(recipe: Recipe) -> tuple[Float[np.ndarray, "views 4"], int]:
    """Views of distances for which the recipe's network has channels, and the number of edges in each view."""
    brush = BRUSHES[recipe.brush]
    edges = jax.eval_shape(brush.edges, jnp.zeros(brush.dim), jnp.zeros(2)).shape[0]
    channels = ARCHITECTURES[recipe.net].dense[-1] // SEED**2
    return np.array(_VIEWS[: channels // edges], np.float32), edges


def _squared(pictures: Pictures, wanted: Pictures) -> Metrics:
    return Metrics(*(((a - b) ** 2).mean() for a, b in zip(pictures, wanted, strict=True)))


def train(recipe: Recipe, state: State, count: int, picture: Stamps | None = None) -> tuple[State, Metrics]:
    """Takes some steps; the result does not depend on the division of steps into calls.

    Args:
      recipe: settings of the run. The batch is sharded over the devices (see `runtime.mesh`), and must be a multiple of
        their number.
      state: state before the steps; donated, and so not to be used afterwards.
      count: number of steps, all of the same part of the run.
      picture: a user's own brush (`textures.pyramid`), or None.

    Returns:
      The new state, and the errors of each step, `[count]`. In the part of the distances, the weighted errors of the
      distances, in units of half a pixel of SEED × SEED, take the place of alpha's.
    """
    part = part_of(recipe, int(state.step)).name
    return _train(runtime.mesh(), recipe, part, count, jnp.uint32(recipe.seed), state, picture)


# The seed is an argument, so that one compiled program serves all seeds.
@functools.partial(jax.jit, static_argnums=(0, 1, 2, 3), donate_argnums=5)
def _train(
    mesh: Mesh, recipe: Recipe, part: str, count: int, seed: UInt[Array, ""], state: State, picture: Stamps | None
) -> tuple[State, Metrics]:
    model, update = net(recipe, recipe.dtype), optimizer(recipe).update
    has_silhouette = part == "shading" and (recipe.silhouette_steps or recipe.init)
    finished = [name for name in state.params if has_silhouette and name != "shading"]

    def loss(params: Tree, strokes: Float[Array, "n d"]) -> tuple[Float[Array, ""], Metrics]:
        if part == "distances":
            maps: Any = model.apply({"params": params}, strokes, method="seed")
            known = runtime.shard(mesh, functools.partial(distances, recipe))(strokes)
            # Distances far from an edge need less precision.
            squared = ((maps - known) ** 2 / (1.0 + (known / _NEAR) ** 2)).mean()
            return squared, Metrics(jnp.zeros(()), squared)
        wanted = runtime.shard(mesh, functools.partial(targets, recipe))(strokes, picture)
        if part == "silhouette":
            silhouette: Any = model.apply({"params": params}, strokes, method="silhouette")
            alpha = ((model.opacity(strokes) * silhouette - wanted.alpha) ** 2).mean()
            return alpha, Metrics(jnp.zeros(()), alpha)
        # Colours that are still random would destroy a silhouette that is already learned.
        fixed = jax.lax.stop_gradient({name: params[name] for name in finished})
        pictures, _ = model.apply({"params": {**params, **fixed}}, strokes, mutable=["batch_stats"])
        metrics = _squared(pictures, wanted)
        return metrics.foreground + metrics.alpha, metrics

    def step(state: State, _: None) -> tuple[State, Metrics]:
        key = jax.random.fold_in(jax.random.key(seed), state.step)
        count = recipe.batch * (_UNDRAWN if part == "distances" else 1)
        strokes = runtime.sharded(mesh, sample(model.brush, count, key=key, small=recipe.small))
        gradient, metrics = jax.grad(loss, has_aux=True)(state.params, strokes)
        change, memory = update(gradient, state.optimizer, state.params)
        if part == "silhouette" and recipe.distance_steps:
            change = jax.tree_util.tree_map_with_path(
                lambda path, leaf: leaf * (_KNOWN_RATE if "dense" in jax.tree_util.keystr(path) else 1.0), change
            )
        params = optax.apply_updates(state.params, change)
        # Adam's momentum would move weights without a gradient, too.
        params = {**params, **{name: state.params[name] for name in finished}}
        # The average's decay grows over the first steps, so that it forgets the initial weights.
        decay = jnp.minimum(recipe.ema, (1.0 + state.step) / (10.0 + state.step))
        average = optax.incremental_update(params, state.average, 1.0 - decay)
        return runtime.replicated(mesh, (State(state.step + 1, params, average, memory), metrics))

    return jax.lax.scan(step, state, length=count)


@functools.partial(jax.jit, static_argnums=0)
def statistics(recipe: Recipe, params: Tree, key: PRNGKeyArray) -> Tree:
    """Means and variances for the normalisations of a trained network, over fresh strokes.

    The statistics are computed for the given weights. A running average over a run's batches would not fit averaged
    weights.
    """
    model, (batches, count) = net(recipe), _STATISTICS

    def batch(key: PRNGKeyArray) -> Tree:
        strokes = sample(model.brush, count, key=key)
        return model.apply({"params": params}, strokes, mutable=["batch_stats"])[1]["batch_stats"]

    return jax.tree.map(lambda leaf: leaf.mean(axis=0), jax.lax.map(batch, jax.random.split(key, batches)))


@functools.partial(jax.jit, static_argnums=0)
def side_by_side(
    recipe: Recipe, variables: Tree, strokes: Float[Array, "n d"], picture: Stamps | None = None
) -> tuple[Pictures, Pictures]:
    """Pictures of strokes by the network and by the engine.

    Args:
      recipe: settings of the network's run.
      variables: `params` and `batch_stats`.
      strokes: strokes in [0, 1].
      picture: a user's own brush (`textures.pyramid`), or None.
    """
    pictures: Any = net(recipe).apply(variables, strokes)
    return pictures, targets(recipe, strokes, picture)


@functools.partial(jax.jit, static_argnums=(0, 3))
def validate(recipe: Recipe, variables: Tree, key: PRNGKeyArray, count: int, picture: Stamps | None = None) -> Metrics:
    """Errors of the network on fresh uniform strokes.

    Args:
      recipe: settings of the network's run.
      variables: `params` and `batch_stats`.
      key: random key of the strokes.
      count: number of strokes, rounded up to whole batches of 64.
      picture: a user's own brush (`textures.pyramid`), or None.
    """
    brush = BRUSHES[recipe.brush]

    def batch(key: PRNGKeyArray) -> Metrics:
        return _squared(*side_by_side(recipe, variables, sample(brush, 64, key=key), picture))

    return jax.tree.map(jnp.mean, jax.lax.map(batch, jax.random.split(key, -(-count // 64))))
