"""Layers of the neural renderers, as matrix products, since XLA's CPU backend has slow gradients for its convolutions.

Feature maps are `[..., height, width, channels]`, of any leading shape.
"""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax.typing import DTypeLike
from jaxtyping import Array, Float

_KERNEL = 4
# Number of columns below which a kernel's gradient is computed in float32 (see `_narrow_backward`).
_FEW_COLUMNS = 512
# Full float32 precision, also on devices whose default is lower.
EXACT = jax.lax.Precision.HIGHEST
_normal, he_normal = nn.initializers.normal(0.02), nn.initializers.he_normal()
_dot = functools.partial(jnp.matmul, preferred_element_type=jnp.float32)


def depth_to_space(maps: Float[Array, "*n h w factor_factor_c"], factor: int) -> Float[Array, "*n H W c"]:
    """Rearranges channels, ordered (row, column, channel), to blocks of factor × factor pixels."""
    *n, h, w, channels = maps.shape
    blocks = maps.reshape(*n, h, w, factor, factor, channels // factor**2)
    return jnp.swapaxes(blocks, -4, -3).reshape(*n, h * factor, w * factor, channels // factor**2)


def pixel_shuffle(maps: Float[Array, "*n h w c_factor_factor"], factor: int = 2) -> Float[Array, "*n H W c"]:
    """Rearranges channels, ordered (channel, row, column) as in PyTorch's `PixelShuffle`, to blocks of pixels."""
    *n, h, w, channels = maps.shape
    ordered = maps.reshape(*n, h, w, channels // factor**2, factor**2)
    return depth_to_space(jnp.swapaxes(ordered, -1, -2).reshape(*n, h, w, channels), factor)


def product(
    values: Float[Array, "*n c"], kernel: Float[Array, "c d"], dtype: DTypeLike | None = None
) -> Float[Array, "*n d"]:
    """Matrix product of operands in `dtype`, summed in float32, as are its gradients.

    Args:
      values: vectors.
      kernel: the matrix.
      dtype: type of the operands. float32 is the device's default precision (a GPU takes 11 bits of each operand, a TPU
        8); None is full float32.
    """
    # With more than two axes, XLA copies an operand of the kernel's gradient into a slower layout.
    flat = values.reshape(-1, values.shape[-1])
    if dtype is None or jnp.dtype(dtype) == jnp.float32:
        flat = _dot(flat, kernel, precision=EXACT if dtype is None else None)
    else:
        flat = _narrow(jnp.dtype(dtype), flat, kernel)
    return flat.reshape(*values.shape[:-1], kernel.shape[-1])


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def _narrow(dtype: Any, values: Float[Array, "n c"], kernel: Float[Array, "c d"]) -> Float[Array, "n d"]:
    return _dot(values.astype(dtype), kernel.astype(dtype))


def _narrow_forward(
    dtype: Any, values: Float[Array, "n c"], kernel: Float[Array, "c d"]
) -> tuple[Float[Array, "n d"], tuple[Float[Array, "n c"], Float[Array, "c d"]]]:
    operands = values.astype(dtype), kernel.astype(dtype)
    return _dot(*operands), operands


def _narrow_backward(
    dtype: Any, operands: tuple[Float[Array, "n c"], Float[Array, "c d"]], gradient: Float[Array, "n d"]
) -> tuple[Float[Array, "n c"], Float[Array, "c d"]]:
    values, kernel = operands
    narrow = gradient.astype(dtype)
    to_values = _dot(narrow, _transposed(kernel))
    # With few columns, transposing the values costs more than the fast product gains.
    if kernel.shape[-1] < _FEW_COLUMNS:
        return to_values, _dot(values.astype(jnp.float32).T, gradient)
    return to_values, _dot(_transposed(values), narrow)


def _transposed(matrix: Float[Array, "m n"]) -> Float[Array, "n m"]:
    """Transposed copy of a matrix.

    The copy is made in two pieces, since XLA would fuse a single transpose into the product. The CPU backend's fast
    products of bfloat16 (on AMX, several times float32's rate) take operands only in their layout in memory.
    """
    half = matrix.shape[0] // 2
    return jnp.concatenate([matrix[:half].T, matrix[half:].T], axis=1)


_narrow.defvjp(_narrow_forward, _narrow_backward)


def patches(maps: Float[Array, "*n H W c"], stride: int) -> Float[Array, "*n h w taps_c"]:
    """Receptive fields of a convolution with padding 1: 3 × 3 pixels for stride 1, 4 × 4 pixels for stride 2.

    `patches` and `overlapped` are each other's transpose and gradient. The gradients that JAX would derive are several
    times slower.
    """
    return _patches(stride, maps)


def overlapped(seen: Float[Array, "*n h w taps_c"], stride: int) -> Float[Array, "*n H W c"]:
    """Sums the taps that overlap on each pixel, the transpose of `patches`."""
    return _overlapped(stride, seen)


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def _patches(stride: int, maps: Float[Array, "*n H W c"]) -> Float[Array, "*n h w taps_c"]:
    rows, columns = maps.shape[-3:-1]
    padded = jnp.pad(maps, _around(maps, (1, 1), (1, 1)))
    taps = range(stride + 2)
    seen = [padded[..., i : i + rows : stride, j : j + columns : stride, :] for i in taps for j in taps]
    return jnp.concatenate(seen, axis=-1)


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def _overlapped(stride: int, seen: Float[Array, "*n h w taps_c"]) -> Float[Array, "*n H W c"]:
    *n, h, w, channels = seen.shape
    if stride == 1:
        taps = jnp.split(seen, 9, axis=-1)
        shifts = [((i // 3, 2 - i // 3), (i % 3, 2 - i % 3)) for i in range(9)]
        shifted = [jnp.pad(tap, _around(tap, *shift)) for tap, shift in zip(taps, shifts, strict=True)]
        whole = functools.reduce(jnp.add, shifted)
    else:
        quarters = seen.reshape(*n, h, w, 2, 2, 2, 2, channels // 16)
        whole = jnp.zeros(())
        for a, b in ((0, 0), (0, 1), (1, 0), (1, 1)):
            quarter = depth_to_space(quarters[..., a, :, b, :, :].reshape(*n, h, w, channels // 4), 2)
            whole = whole + jnp.pad(quarter, _around(quarter, (2 * a, 2 - 2 * a), (2 * b, 2 - 2 * b)))
    return whole[..., 1:-1, 1:-1, :]


def _around(maps: Array, rows: tuple[int, int], columns: tuple[int, int]) -> list[tuple[int, int]]:
    return [(0, 0)] * (maps.ndim - 3) + [rows, columns, (0, 0)]


_patches.defvjp(
    lambda stride, maps: (_patches(stride, maps), None), lambda stride, _, gradient: (_overlapped(stride, gradient),)
)
_overlapped.defvjp(
    lambda stride, seen: (_overlapped(stride, seen), None), lambda stride, _, gradient: (_patches(stride, gradient),)
)


def transposed_conv(
    maps: Float[Array, "*n h w c"],
    kernel: Float[Array, "4 4 c d"],
    stride: int,
    dtype: DTypeLike | None = None,
) -> Float[Array, "*n H W d"]:
    """Transposed convolution with a kernel of 4 × 4 taps.

    One product computes every pixel's contributions to a block of 4 × 4 pixels. Stride 4 lays the blocks side by side;
    stride 2 adds the blocks where they overlap.

    Args:
      maps: maps of any size; of 1 × 1 pixels for stride 1.
      kernel: kernel in the layout of `jax.lax.conv_transpose` with `transpose_kernel=False`.
      stride: 1 (without padding: to 4 × 4 pixels), 2 (padding 1: to twice the size) or 4 (to four times the size).
      dtype: type of the product's operands (see `product`).

    Returns:
      Maps of `H = 4`, `2 h` or `4 h` pixels.
    """
    # conv_transpose correlates, so that the last tap contributes to the first pixel.
    taps = kernel[::-1, ::-1].transpose(2, 0, 1, 3).reshape(kernel.shape[2], -1)
    added = product(maps, taps, dtype)
    return overlapped(added, 2) if stride == 2 else depth_to_space(added, _KERNEL)


def conv(maps: Float[Array, "*n h w c"], kernel: Float[Array, "3 3 c d"]) -> Float[Array, "*n h w d"]:
    """Convolution with a kernel of 3 × 3 taps and padding 1, equal to `jax.lax.conv_general_dilated`.

    Args:
      maps: maps of any size.
      kernel: kernel with axes height, width, input channels and output channels.
    """
    _, _, c, d = kernel.shape
    if c <= d:
        return product(patches(maps, 1), kernel.reshape(9 * c, d))
    # With fewer output channels, scattering to the neighbours moves fewer numbers than gathering from them.
    taps = kernel[::-1, ::-1].transpose(2, 0, 1, 3).reshape(c, 9 * d)
    return overlapped(product(maps, taps), 1)


def _biased(layer: nn.Module, values: Float[Array, "*n d"]) -> Float[Array, "*n d"]:
    """Adds the layer's bias to the values."""
    bias = layer.param("bias", nn.initializers.zeros, values.shape[-1:])
    return values + bias.reshape((1,) * (values.ndim - 1) + bias.shape)


class TransposedConv(nn.Module):
    """`transposed_conv` with its kernel, and a bias if a normalisation has been folded into the layer.

    Attributes:
      channels: number of output channels.
      stride: 1, 2 or 4.
      use_bias: whether there is a bias.
      dtype: type of the product's operands (see `product`).
    """

    channels: int
    stride: int
    use_bias: bool = False
    dtype: DTypeLike | None = None

    @nn.compact
    def __call__(self, maps: Float[Array, "*n h w c"]) -> Float[Array, "*n H W d"]:  # noqa: D102
        kernel = self.param("kernel", _normal, (_KERNEL, _KERNEL, maps.shape[-1], self.channels))
        maps = transposed_conv(maps, kernel, self.stride, self.dtype)
        return _biased(self, maps) if self.use_bias else maps


class Conv(nn.Module):
    """Convolution of 3 × 3 taps with padding 1 and a bias.

    Attributes:
      channels: number of output channels.
    """

    channels: int

    @nn.compact
    def __call__(self, maps: Float[Array, "*n h w c"]) -> Float[Array, "*n h w d"]:  # noqa: D102
        kernel = self.param("kernel", he_normal, (3, 3, maps.shape[-1], self.channels))
        return _biased(self, conv(maps, kernel))
