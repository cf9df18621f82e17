"""Style as the distribution of features, by its moments in place of Gram matrices."""

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

    The distance of the channels' means and of their central moments from the second on, each a root mean square over
    the channels. Products of channels, which Gram matrices hold, play no part.

    Args:
      features: of the picture.
      style: of the picture whose style it shall have, of the same layers.
      order: the highest moment, at least 1.
      weight: how much each pixel of the picture counts, at any resolution, at least 0; all alike if none is given.

    Returns:
      The distance, without a unit; each layer's is in [0, order].

    Raises:
      ValueError: they are not of the same layers, or the order is less than 1.

    References:
      Kalischek et al., In the light of feature distributions: moment matching for neural style transfer, CVPR 2021,
      arXiv:2103.07208; Zellinger et al., Central moment discrepancy, 2017, arXiv:1702.08811.
    """
    if order < 1:
        raise ValueError(f"moments are of order 1 at least, not {order}")

    def discrepancy(maps, wanted, unit):
        pairs = zip(_moments(maps / unit, weight, order), _moments(wanted / unit, None, order), strict=True)
        # The interval's length, by whose powers each is divided, is 1.
        return sum(optax.safe_norm(a - b, 0.0) for a, b in pairs) / jnp.sqrt(maps.shape[-1])

    return over_layers(discrepancy, features, style)


def _moments(maps, weight, order) -> list[Float[Array, "c"]]:
    """Each channel's mean, and its central moments up to the order."""
    values, share = samples(jax.nn.sigmoid(maps), weight)

    def mean(values):
        return values.sum(axis=0) * share if weight is None else share @ values

    first = mean(values)
    return [first, *(mean((values - first[None]) ** k) for k in range(2, order + 1))]
