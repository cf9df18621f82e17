"""Style as the distribution of features, described by its moments instead of Gram matrices."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from jaxpaint.losses.style import Features, over_layers, samples


@functools.partial(jax.jit, static_argnames="order")
def moments(
    features: Features, style: Features, *, order: int = 5, weight: Float[Array, "height width"] | None = None
) -> Float[Array, ""]:
    """Central moment discrepancy of features, bounded to [0, 1] by a sigmoid; summed over the layers.

    The discrepancy is the sum of the distances of the channels' means and of their central moments from the second on.
    Each distance is a root mean square over the channels. Products of channels, which Gram matrices hold, play no part.

    Args:
      features: features of the picture.
      style: features of the picture with the desired style, of the same layers.
      order: the highest moment, at least 1.
      weight: weight of each pixel of the picture, at least 0, at any resolution; None for equal weights.

    Returns:
      The distance, without a unit; each layer's is in [0, order].

    Raises:
      ValueError: the features are not of the same layers, or the order is less than 1.

    References:
      Kalischek et al., In the light of feature distributions: moment matching for neural style transfer, CVPR 2021,
      arXiv:2103.07208; Zellinger et al., Central moment discrepancy, 2017, arXiv:1702.08811.
    """
    if order < 1:
        raise ValueError(f"moments are of order 1 at least, not {order}")

    def discrepancy(
        maps: Float[Array, "_ _ c"], wanted: Float[Array, "_ _ c"], unit: Float[Array, ""]
    ) -> Float[Array, ""]:
        pairs = zip(_moments(maps / unit, weight, order), _moments(wanted / unit, None, order), strict=True)
        # The paper divides each moment by a power of the interval's length, which is 1.
        return sum(optax.safe_norm(a - b, 0.0) for a, b in pairs) / jnp.sqrt(maps.shape[-1])

    return over_layers(discrepancy, features, style)


def _moments(
    maps: Float[Array, "h w c"], weight: Float[Array, "height width"] | None, order: int
) -> list[Float[Array, "c"]]:
    """Mean of each channel, and its central moments up to the order."""
    values, share = samples(jax.nn.sigmoid(maps), weight)

    def mean(values: Float[Array, "n c"]) -> Float[Array, "c"]:
        return values.sum(axis=0) * share if weight is None else share @ values

    first = mean(values)
    return [first, *(mean((values - first[None]) ** k) for k in range(2, order + 1))]
