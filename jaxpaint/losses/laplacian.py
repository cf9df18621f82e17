"""Differences of Laplacians, which compare edges and details and ignore colours and brightness.

The Laplacian is the convolution with `[[0, −1, 0], [−1, 4, −1], [0, −1, 0]]`, with edge padding.
"""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from jaxpaint.losses.style import Features, Maps, over_layers


@functools.partial(jax.jit, static_argnames="poolings")
def laplacian(
    picture: Float[Array, "height width 3"],
    target: Float[Array, "height width 3"],
    *,
    poolings: tuple[int, ...] = (4,),
) -> Float[Array, ""]:
    """Mean squared difference of the Laplacians of two pictures, summed over poolings.

    The Laplacian is taken of the sum of the channels.

    Args:
      picture, target: pictures in [0, 1]. The paper's are in [0, 255], and its weights are 255² times smaller.
      poolings: sides, in pixels, of the cells that are averaged first. The paper's are 4 and 16.

    Returns:
      The difference, in [0, 576] for each pooling.

    Raises:
      ValueError: a cell is smaller than 1 pixel, or there are no poolings.

    References:
      Li et al., Laplacian-steered neural style transfer, 2017, arXiv:1707.01253.
    """
    if not poolings or min(poolings) < 1:
        raise ValueError(f"expected poolings of 1 pixel or more, got {poolings}")
    # The Laplacian and the poolings are linear, so that they can be taken of the difference.
    difference = (picture - target).sum(axis=-1, keepdims=True)
    return jnp.sum(jnp.stack([(_laplacian(_pooled(difference, cell)) ** 2).mean() for cell in poolings]))


@jax.jit
def feature_laplacian(features: Features, target: Features) -> Float[Array, ""]:
    """Mean squared difference of the Laplacians of features, relative to the target's mean square; summed over layers.

    Args:
      features: features of the picture.
      target: features of the picture with the desired details, of the same layers and sizes.

    Returns:
      The difference, at least 0, without a unit.

    Raises:
      ValueError: the features are not of the same layers.

    References:
      Laplacian-steered stylized neural painting, section on Laplacian loss.
    """
    return over_layers(lambda maps, wanted, unit: (_laplacian(maps - wanted) ** 2).mean() / unit**2, features, target)


def _laplacian(maps: Maps) -> Maps:
    # The result is that of edge padding, which would make XLA's loops six times slower.
    rows, columns = (2.0 - (np.arange(n) == 0) - (np.arange(n) == n - 1) for n in maps.shape[:2])
    neighbours = jnp.asarray(rows[:, None, None] + columns[:, None], maps.dtype)
    around = jnp.pad(maps, ((1, 1), (1, 1), (0, 0)))
    return neighbours * maps - around[:-2, 1:-1] - around[2:, 1:-1] - around[1:-1, :-2] - around[1:-1, 2:]


def _pooled(maps: Maps, cell: int) -> Float[Array, "rows columns c"]:
    """Averages maps over cells, with edge padding."""
    h, w, channels = maps.shape
    whole = jnp.pad(maps, ((0, -h % cell), (0, -w % cell), (0, 0)), mode="edge")
    return whole.reshape(-(-h // cell), cell, -(-w // cell), cell, channels).mean(axis=(1, 3))
