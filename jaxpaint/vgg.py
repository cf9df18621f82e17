"""VGG-16 and VGG-19: features of a picture by networks trained on ImageNet.

Only the networks' convolutional layers are here: `conv1_1`, `relu1_1`, `conv1_2`, `relu1_2`, `pool1`, `conv2_1` and so
on to `pool5`.

References:
  Simonyan and Zisserman, Very deep convolutional networks for large-scale image recognition, 2014, arXiv:1409.1556;
  Gatys et al., Image style transfer using convolutional neural networks, CVPR 2016 (average pooling).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import jax.numpy as jnp
from flax import linen as nn
from jaxtyping import Array, Float

from jaxpaint.errors import WeightsError

# Number of convolutions in each block.
ARCHITECTURES = {"vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}
_CHANNELS = (64, 128, 256, 512, 512)
_POOLINGS: dict[str, Callable[..., Array]] = {"average": nn.avg_pool, "max": nn.max_pool}


def layer_names(net: str) -> tuple[str, ...]:
    """Names of the layers of a network of `ARCHITECTURES`, in order."""
    names: list[str] = []
    for block, convs in enumerate(ARCHITECTURES[net], 1):
        names += [f"{kind}{block}_{i}" for i in range(1, convs + 1) for kind in ("conv", "relu")]
        names.append(f"pool{block}")
    return tuple(names)


class VGG(nn.Module):
    """A network from a picture `[H, W, 3]` in [0, 1] to features of some layers: maps `[h, w, c]` by the layers' names.

    The network's variables are `params`, a kernel and a bias for each convolution, and `preprocessing`, the `mean` and
    the `std` of red, green and blue that normalise a picture. Use `network` to make one.

    Attributes:
      needed: layers to compute, in order.
      layers: layers among them whose features are returned.
      pooling: average or max.
    """

    needed: tuple[str, ...]
    layers: tuple[str, ...]
    pooling: str = "average"

    @nn.compact
    def __call__(self, picture: Float[Array, "height width 3"]) -> dict[str, Float[Array, "_ _ _"]]:  # noqa: D102
        mean = self.variable("preprocessing", "mean", jnp.zeros, 3).value
        std = self.variable("preprocessing", "std", jnp.ones, 3).value
        maps, found = (picture - mean[None, None]) / std[None, None], {}
        for layer in self.needed:
            if layer.startswith("conv"):
                # Without a gradient for the kernel, XLA's own convolution is twice as fast as `renderers.layers`'.
                maps = nn.Conv(_CHANNELS[int(layer[4]) - 1], (3, 3), name=layer)(maps)
            elif layer.startswith("relu"):
                maps = nn.relu(maps)
            elif min(maps.shape[:2]) < 2:
                raise ValueError(
                    f"a picture of {picture.shape[0]} × {picture.shape[1]} pixels is too small for {layer}"
                )
            else:
                maps = _POOLINGS[self.pooling](maps, (2, 2), (2, 2))
            found[layer] = maps
        return {layer: found[layer] for layer in self.layers}


def network(net: str, *, layers: Sequence[str], pooling: str = "average") -> VGG:
    """Returns the network of that name, cut after the deepest of the layers.

    Args:
      net: a key of `ARCHITECTURES`.
      layers: layers whose features are returned, such as relu1_2 or conv3_3 (before its ReLU); at least one.
      pooling: average, which is smoother, or max, with which the network was trained.

    Raises:
      WeightsError: there is no such network, layer or pooling.
    """
    if net not in ARCHITECTURES:
        raise WeightsError(f"expected a network of {', '.join(ARCHITECTURES)}, got {net!r}")
    if pooling not in _POOLINGS:
        raise WeightsError(f"expected a pooling of {' or '.join(_POOLINGS)}, got {pooling!r}")
    names = layer_names(net)
    if unknown := [layer for layer in layers if layer not in names]:
        raise WeightsError(f"{net} has no layer {unknown[0]!r}; its layers are conv1_1, relu1_1, … {names[-1]}")
    if not layers:
        raise WeightsError(f"expected layers of {net}, got none")
    return VGG(names[: 1 + max(map(names.index, layers))], tuple(layers), pooling)
