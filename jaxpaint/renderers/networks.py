"""The neural renderers: networks that imitate the engine at one size.

A shading network maps all of a stroke's parameters to colours. A rasterisation network maps the shape parameters to a
silhouette. Then `foreground = colours · silhouette` and `alpha = A · silhouette`; neither is squashed or clipped.

References:
  Zou et al., Stylized Neural Painting, CVPR 2021, arXiv:2011.08114, section 3.2 (`heavy`, `light`, and the baseline
  `dcgan32`); Laplacian-steered stylized neural painting, tables 1 and 2 (`lite`).
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax.typing import DTypeLike
from jaxtyping import Array, Float

from jaxpaint.architectures import ARCHITECTURES, Architecture
from jaxpaint.brushes import Brush, Stroke
from jaxpaint.brushes.layering import laid
from jaxpaint.renderers.layers import EXACT, Conv, TransposedConv, he_normal, pixel_shuffle

# Parameters by layer, in Flax's nesting.
Tree = Any
# Side, in pixels, of the maps in which the rasterisation network's fully connected layers end.
SEED = 16
_EPSILON = 1e-5


class Pictures(NamedTuple):
    """Pictures of strokes in a network's layout: foreground `[n, S, S, 3]` and alpha `[n, S, S, 1 or 3]`."""

    foreground: Float[Array, "*n size size 3"]
    alpha: Float[Array, "*n size size a"]


class Shading(nn.Module):
    """The shading network, from strokes `[..., d]` to maps `[..., S, S, c]` of 6 channels, or of the 3 that are used.

    Attributes:
      layers: channels and stride of each layer.
      folded: whether normalisations are part of the convolutions (see `fold`).
      dtype: type of the operands of all products but the first.
    """

    layers: tuple[tuple[int, int], ...]
    folded: bool = False
    dtype: DTypeLike | None = None

    @nn.compact
    def __call__(self, strokes: Float[Array, "*n d"]) -> Float[Array, "*n size size c"]:  # noqa: D102
        maps, last = strokes[..., None, None, :], len(self.layers) - 1
        for i, (channels, stride) in enumerate(self.layers):
            normalized = i < last
            # The first layer takes the stroke's parameters, whose small changes matter.
            dtype = self.dtype if i else None
            maps = TransposedConv(channels, stride, self.folded and normalized, dtype, name=f"conv{i}")(maps)
            if normalized and not self.folded:
                # With momentum 0, the statistics are those of the current batch (`training.statistics` averages them).
                norm = nn.BatchNorm(
                    use_running_average=not self.is_mutable_collection("batch_stats"),
                    momentum=0.0,
                    epsilon=_EPSILON,
                    scale_init=lambda key, shape, dtype=jnp.float32: 1.0 + 0.02 * jax.random.normal(key, shape, dtype),
                    name=f"norm{i}",
                )
                maps = norm(maps)
            maps = nn.relu(maps) if normalized else maps
        return maps


class Rasterization(nn.Module):
    """The rasterisation network, from shapes `[..., k]` to silhouettes `[..., S, S, 1 or 3]`.

    If called with `seed`, the network returns the maps of its last fully connected layer instead.

    Attributes:
      dense: channels of the fully connected layers.
      convs: channels of the convolutions, and whether a pixel shuffle follows.
    """

    dense: tuple[int, ...]
    convs: tuple[tuple[int, bool], ...]

    @nn.compact
    def __call__(self, shapes: Float[Array, "*n k"], *, seed: bool = False) -> Float[Array, "*n size size a"]:  # noqa: D102
        values = shapes
        for i, channels in enumerate(self.dense):
            dense = nn.Dense(channels, kernel_init=he_normal, precision=EXACT, name=f"dense{i}")
            values = dense(nn.relu(values) if i else values)
        maps = values.reshape(*values.shape[:-1], SEED, SEED, -1)
        if seed:
            return maps
        maps = nn.relu(maps)
        for i, (channels, shuffled) in enumerate(self.convs):
            maps = Conv(channels, name=f"conv{i}")(maps)
            maps = pixel_shuffle(maps) if shuffled else nn.relu(maps)
        return maps


class NeuralRenderer(nn.Module):
    """A network of `ARCHITECTURES` for one brush, from strokes `[..., d]` to `Pictures`.

    Attributes:
      architecture: the network's layers.
      brush: the brush, which determines the shape parameters and the use of alpha.
      folded: whether normalisations are part of the convolutions (see `fold`).
      dtype: type of the operands of the shading network's products (see `layers.product`). Sums, and the whole
        rasterisation network, are float32.
    """

    architecture: Architecture
    brush: Brush
    folded: bool = False
    dtype: DTypeLike | None = None

    def setup(self) -> None:  # noqa: D102
        layers = self.architecture
        shading = layers.shading
        if self.folded and layers.dense:
            shading = (*shading[:-1], (3, shading[-1][1]))
        self.shading = Shading(shading, self.folded, self.dtype)
        if layers.dense:
            self.rasterization = Rasterization(layers.dense, layers.convs)

    def __call__(self, strokes: Float[Array, "*n d"]) -> Pictures:  # noqa: D102
        if strokes.shape[-1:] != (self.brush.dim,):
            raise ValueError(
                f"expected strokes of {self.brush.name}, of shape [n, {self.brush.dim}], got {strokes.shape}"
            )
        maps = self.shading(strokes)
        if not self.architecture.dense:
            return Pictures(maps[..., :3], maps[..., 3:])
        silhouette = self.silhouette(strokes)
        return Pictures(maps[..., :3] * silhouette, self.opacity(strokes) * silhouette)

    def silhouette(self, strokes: Float[Array, "*n d"]) -> Float[Array, "*n size size a"]:
        """Silhouettes of strokes, by the rasterisation network alone."""
        return self.rasterization(strokes[..., : self.brush.shape_dim])

    def seed(self, strokes: Float[Array, "*n d"]) -> Float[Array, "*n seed seed c"]:
        """Maps of the rasterisation network's last fully connected layer, before their ReLU."""
        return self.rasterization(strokes[..., : self.brush.shape_dim], seed=True)

    def opacity(self, strokes: Float[Array, "*n d"]) -> Float[Array, "*n 1 1 1"]:
        """Factor of the silhouette in alpha: the stroke's alpha, or 1 if it has none."""
        alpha = strokes[..., self.brush.index("alpha")]
        return (alpha if alpha.shape[-1] else jnp.ones_like(strokes[..., :1]))[..., None, None, :]


def network(name: str, brush: Brush, *, folded: bool = False, dtype: DTypeLike | None = None) -> NeuralRenderer:
    """Returns the network of that name for a brush.

    Args:
      name: a key of `ARCHITECTURES`.
      brush: brush of the strokes.
      folded: whether the network takes weights that `fold` has made.
      dtype: type of the operands of the shading network's products.

    Raises:
      ValueError: there is no such network.
    """
    if name not in ARCHITECTURES:
        raise ValueError(f"expected a network of {', '.join(ARCHITECTURES)}, got {name!r}")
    return NeuralRenderer(ARCHITECTURES[name], brush, folded, dtype)


def fold(variables: Tree) -> Tree:
    """Folds the normalisations into the convolutions before them, and drops unused channels.

    Args:
      variables: `params` and `batch_stats` of a network that is not folded.

    Returns:
      `params` of the same network, folded, which draws the same pictures at a lower cost.
    """
    shading, statistics = dict(variables["params"]["shading"]), variables["batch_stats"]["shading"]
    for name, statistic in statistics.items():
        norm, conv = shading.pop(name), name.replace("norm", "conv")
        factor = norm["scale"] / jnp.sqrt(statistic["var"] + _EPSILON)
        shading[conv] = {
            "kernel": shading[conv]["kernel"] * factor[None, None, None],
            "bias": norm["bias"] - statistic["mean"] * factor,
        }
    if "rasterization" in variables["params"]:
        last = f"conv{len(statistics)}"
        shading[last] = {"kernel": shading[last]["kernel"][..., :3]}
    return {"params": {**variables["params"], "shading": shading}}


@functools.partial(
    jax.tree_util.register_dataclass,
    data_fields=["weights"],
    meta_fields=["name", "brush", "dtype", "layering"],
)
@dataclasses.dataclass(frozen=True)
class Network:
    """A network as a `renderers.Model`.

    Attributes:
      name: a key of `ARCHITECTURES`.
      brush: brush of the strokes.
      weights: weights that `fold` has made.
      dtype: type of the operands of the shading network's products, float32 or bfloat16.
      layering: layering of the strokes, "over" or "glaze".
    """

    name: str
    brush: Brush
    weights: Tree
    dtype: str = "float32"
    layering: str = "over"

    @property
    def window(self) -> int:
        """Implements `renderers.Model.window`."""
        return ARCHITECTURES[self.name].size

    def renderer(self, size: int, *, softness: Float[Array, ""] | float) -> Callable[..., Stroke]:
        """Implements `renderers.Model.renderer`, with edges about as soft as the network has learned them."""
        del softness
        model = network(self.name, self.brush, folded=True, dtype=self.dtype)

        def render(stroke: Float[Array, "d"], zoom: Float[Array, ""] | float | None = None) -> Stroke:
            pictures: Any = model.apply(self.weights, stroke)
            opacity: Any = model.apply(self.weights, stroke, method="opacity")
            foreground, silhouette = (
                jnp.moveaxis(jnp.clip(maps, 0.0, 1.0), -1, 0)
                for maps in (pictures.foreground, pictures.alpha / jnp.maximum(opacity, 1e-3))
            )
            if zoom is not None or size != self.window:
                zoom = size / self.window if zoom is None else zoom
                # Colours are weighted by their opacity, so that pixels beside a stroke do not darken its edges.
                light = _zoomed(foreground * silhouette, zoom, size)
                silhouette = _zoomed(silhouette, zoom, size)
                foreground = light / jnp.maximum(silhouette, 1e-3)
            # A network predicts the mean of whatever it is unsure of: edges are blurred, and insides are not quite
            # opaque. The cubic makes the silhouette steeper again.
            alpha = jnp.moveaxis(opacity, -1, 0) * silhouette**2 * (3.0 - 2.0 * silhouette)
            # No network was trained on strokes far outside the window, as strokes that are not placed yet are.
            there = jnp.abs(stroke[self.brush.index("x")[0]] - 0.5) < 1.0
            return Stroke(*(tuple(there * maps) for maps in (foreground, alpha)))

        return laid(render, self.layering)


def _zoomed(maps: Float[Array, "c s s"], zoom: Float[Array, ""] | float, size: int) -> Float[Array, "c size size"]:
    """Scales maps by `zoom` from the top left corner on; zero beyond them."""
    shape = (*maps.shape[:1], size, size)
    return jax.image.scale_and_translate(maps, shape, (1, 2), jnp.full(2, zoom), jnp.zeros(2), method="linear")
