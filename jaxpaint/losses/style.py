"""Content and style: differences of a network's features of two pictures.

Features are maps `[h, w, c]` by the names of their layers, as `jaxpaint.vgg` returns them. Each layer's unit is the
root mean square of the reference's features in that layer, so that weights mean the same for all layers and networks.
Losses are summed over layers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

Maps = Float[Array, "h w c"]
Features = Mapping[str, Float[Array, "_ _ _"]]
# Maps whose root mean square is far below this count as empty.
_LEAST = 1e-3


@jax.jit
def content(features: Features, target: Features) -> Float[Array, ""]:
    """Mean squared difference of features, relative to the target's mean square; summed over the layers.

    Args:
      features: features of the picture.
      target: features of the picture with the desired content, of the same layers and sizes.

    Returns:
      The difference, at least 0, without a unit; each layer's is 1 for features of 0.

    Raises:
      ValueError: the features are not of the same layers.

    References:
      Gatys et al., Image style transfer using convolutional neural networks, CVPR 2016, equation 1.
    """
    return over_layers(lambda maps, wanted, unit: ((maps - wanted) ** 2).mean() / unit**2, features, target)


@jax.jit
def gram(
    features: Features, style: Features, *, weight: Float[Array, "height width"] | None = None
) -> Float[Array, ""]:
    """Squared difference of Gram matrices, relative to the square of the style's; summed over the layers.

    A Gram matrix holds the means over pixels of the products of any two channels, so that the two pictures may differ
    in size.

    Args:
      features: features of the picture.
      style: features of the picture with the desired style, of the same layers.
      weight: weight of each pixel of the picture, at least 0, at any resolution; None for equal weights.

    Returns:
      The difference, at least 0, without a unit; each layer's is 1 for features of 0.

    Raises:
      ValueError: the features are not of the same layers.

    References:
      Gatys et al., Image style transfer using convolutional neural networks, CVPR 2016, equations 3 to 5.
    """

    def distance(
        maps: Float[Array, "_ _ c"], wanted: Float[Array, "_ _ c"], unit: Float[Array, ""]
    ) -> Float[Array, ""]:
        seen, wanted = _gram(maps, weight) / unit**2, _gram(wanted, None) / unit**2
        # In these units, the square of the style's Gram matrix is at least 1, unless the style's maps are empty.
        return ((seen - wanted) ** 2).sum() / jnp.maximum((wanted**2).sum(), 1.0)

    return over_layers(distance, features, style)


def _gram(maps: Maps, weight: Float[Array, "height width"] | None) -> Float[Array, "c c"]:
    values, share = samples(maps, weight)
    return values.T @ values * share if weight is None else values.T @ (values * share[:, None])


def over_layers(
    loss: Callable[[Maps, Maps, Float[Array, ""]], Array], features: Features, reference: Features
) -> Float[Array, ""]:
    """Sums a loss over layers.

    Args:
      loss: function of maps, the reference's maps, and the reference's root mean square, which is the unit of both.
      features, reference: features of the same layers.

    Raises:
      ValueError: the features are not of the same layers, or there are none.
    """
    if features.keys() != reference.keys() or not features:
        names = (", ".join(sorted(layers)) or "none" for layers in (features, reference))
        raise ValueError("expected features of the same layers, got {} and {}".format(*names))
    total = jnp.zeros(())
    for name, maps in features.items():
        wanted = reference[name]
        total += loss(maps, wanted, jnp.sqrt((wanted**2).mean() + _LEAST**2))
    return total


def samples(maps: Maps, weight: Float[Array, "height width"] | None) -> tuple[Float[Array, "n c"], Float[Array, "*n"]]:
    """Flattens maps to a list of pixels, and gives each pixel's share in an average.

    Args:
      maps: maps of any size.
      weight: weights of pixels, at any resolution, resized to the maps' by averaging. None gives one share for all.
    """
    h, w, channels = maps.shape
    values = maps.reshape(-1, channels)
    if weight is None:
        return values, jnp.asarray(1 / len(values))
    resized = jax.image.resize(weight, (h, w), "linear").ravel()
    return values, resized / jnp.maximum(resized.sum(), jnp.finfo(resized.dtype).tiny)
