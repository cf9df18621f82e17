"""Layers of the neural renderers, as matrix products: XLA's CPU backend has slow gradients for its convolutions.

Feature maps are `[..., height, width, channels]`, of any leading shape.
"""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
from flax import linen as nn
from jax.typing import DTypeLike
from jaxtyping import Array, Float

_KERNEL = 4
# Columns of a product below which its kernel's gradient is computed in float32 (see `_narrow_backward`).
_FEW_COLUMNS = 512
# All of float32, on devices that would take less.
EXACT = jax.lax.Precision.HIGHEST
_normal, he_normal = nn.initializers.normal(0.02), nn.initializers.he_normal()
_dot = functools.partial(jnp.matmul, preferred_element_type=jnp.float32)


def depth_to_space(maps: Float[Array, "*n h w factor_factor_c"], factor: int) -> Float[Array, "*n H W c"]:
    """Spreads channels, ordered (row, column, channel), over blocks of factor × factor pixels."""
    *n, h, w, channels = maps.shape
    blocks = maps.reshape(*n, h, w, factor, factor, channels // factor**2)
    return jnp.swapaxes(blocks, -4, -3).reshape(*n, h * factor, w * factor, channels // factor**2)


def pixel_shuffle(maps: Float[Array, "*n h w c_factor_factor"], factor: int = 2) -> Float[Array, "*n H W c"]:
    """`depth_to_space` with channels ordered (channel, row, column), as PyTorch's `PixelShuffle` has them."""
    *n, h, w, channels = maps.shape
    ordered = maps.reshape(*n, h, w, channels // factor**2, factor**2)
    return depth_to_space(jnp.swapaxes(ordered, -1, -2).reshape(*n, h, w, channels), factor)


def product(
    values: Float[Array, "*n c"], kernel: Float[Array, "c d"], dtype: DTypeLike | None = None
) -> Float[Array, "*n d"]:
    """A matrix product of operands in `dtype`, summed in float32; its gradients are, too.

    float32 is what a device takes for it (a GPU 11 bits of each operand, a TPU 8); None is all of it.
    """
    # Of two matrices: with more axes, XLA copies an operand of the kernel's gradient into a slower layout.
    flat = values.reshape(-1, values.shape[-1])
    if dtype is None or jnp.dtype(dtype) == jnp.float32:
        flat = _dot(flat, kernel, precision=EXACT if dtype is None else None)
    else:
        flat = _narrow(jnp.dtype(dtype), flat, kernel)
    return flat.reshape(*values.shape[:-1], kernel.shape[-1])


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def _narrow(dtype, values, kernel):
    return _dot(values.astype(dtype), kernel.astype(dtype))


def _narrow_forward(dtype, values, kernel):
    operands = values.astype(dtype), kernel.astype(dtype)
    return _dot(*operands), operands


def _narrow_backward(dtype, operands, gradient):
    values, kernel = operands
    narrow = gradient.astype(dtype)
    to_values = _dot(narrow, _transposed(kernel))
    # To transpose the values costs more than is won where few columns follow.
    if kernel.shape[-1] < _FEW_COLUMNS:
        return to_values, _dot(values.astype(jnp.float32).T, gradient)
    return to_values, _dot(_transposed(values), narrow)


def _transposed(matrix):
    """A transposed copy.

    In two pieces: a transpose alone XLA makes part of the product, and its CPU backend's fast products of bfloat16 (on
    AMX, several times float32's rate) take operands only as they lie.
    """
    half = matrix.shape[0] // 2
    return jnp.concatenate([matrix[:half].T, matrix[half:].T], axis=1)


_narrow.defvjp(_narrow_forward, _narrow_backward)


def patches(maps: Float[Array, "*n H W c"], stride: int) -> Float[Array, "*n h w taps_c"]:
    """What a convolution with padding 1 sees around each of its pixels: 3 × 3 pixels for stride 1, 4 × 4 for stride 2.

    The transpose of `overlapped`, and each is the other's gradient: what JAX would derive is several times slower.
    """
    return _patches(stride, maps)


def overlapped(seen: Float[Array, "*n h w taps_c"], stride: int) -> Float[Array, "*n H W c"]:
    """Sums what lies on the same pixel: the transpose of `patches`."""
    return _overlapped(stride, seen)


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def _patches(stride, maps):
    rows, columns = maps.shape[-3:-1]
    padded = jnp.pad(maps, _around(maps, (1, 1), (1, 1)))
    taps = range(stride + 2)
    seen = [padded[..., i : i + rows : stride, j : j + columns : stride, :] for i in taps for j in taps]
    return jnp.concatenate(seen, axis=-1)


@functools.partial(jax.custom_vjp, nondiff_argnums=(0,))
def _overlapped(stride, seen):
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


def _around(maps, rows, columns):
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

    One product gives what every pixel adds to the 4 × 4 pixels around it; stride 4 lays them side by side, stride 2
    adds those that overlap.

    Args:
      maps: of 1 × 1 pixels for stride 1.
      kernel: as `jax.lax.conv_transpose` takes it with `transpose_kernel=False`.
      stride: 1 (without padding: to 4 × 4 pixels), 2 (padding 1: to twice the size) or 4 (to four times the size).
      dtype: of the operands of the product (see `product`).

    Returns:
      Maps of `H = 4`, `2 h` or `4 h` pixels.
    """
    # conv_transpose correlates: the tap that adds to the first pixel is the last one.
    taps = kernel[::-1, ::-1].transpose(2, 0, 1, 3).reshape(kernel.shape[2], -1)
    added = product(maps, taps, dtype)
    return overlapped(added, 2) if stride == 2 else depth_to_space(added, _KERNEL)


def conv(maps: Float[Array, "*n h w c"], kernel: Float[Array, "3 3 c d"]) -> Float[Array, "*n h w d"]:
    """Convolution with a kernel of 3 × 3 taps and padding 1, as `jax.lax.conv_general_dilated` does it.

    Args:
      maps: any.
      kernel: height, width, channels in and out.
    """
    _, _, c, d = kernel.shape
    if c <= d:
        return product(patches(maps, 1), kernel.reshape(9 * c, d))
    # Fewer numbers are moved when pixels add to their neighbours than when they look at them.
    taps = kernel[::-1, ::-1].transpose(2, 0, 1, 3).reshape(c, 9 * d)
    return overlapped(product(maps, taps), 1)


def _biased(layer: nn.Module, values: Float[Array, "*n d"]) -> Float[Array, "*n d"]:
    """The values and the layer's bias."""
    bias = layer.param("bias", nn.initializers.zeros, values.shape[-1:])
    return values + bias.reshape((1,) * (values.ndim - 1) + bias.shape)


class TransposedConv(nn.Module):
    """`transposed_conv` with its kernel, and a bias once a normalisation has been folded into it.

    Attributes:
      channels: of its result.
      stride: 1, 2 or 4.
      use_bias: whether there is a bias.
      dtype: of the operands of the product (see `product`).
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
      channels: of its result.
    """

    channels: int

    @nn.compact
    def __call__(self, maps: Float[Array, "*n h w c"]) -> Float[Array, "*n h w d"]:  # noqa: D102
        kernel = self.param("kernel", he_normal, (3, 3, maps.shape[-1], self.channels))
        return _biased(self, conv(maps, kernel))
