"""Layers as matrix products: the values and gradients of JAX's own convolutions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxpaint.renderers import layers


def random(seed, shape):
    """From NumPy: JAX would compile a program for each shape."""
    return jnp.asarray(np.random.default_rng(seed).standard_normal(shape, np.float32))


def compare(own, reference, *arguments):
    """Values, and gradients in all arguments, through a random weighting."""
    weights = random(9, jax.eval_shape(reference, *arguments).shape)

    def weighted(function):
        def total(*arguments):
            value = function(*arguments)
            return (value * weights).sum(), value

        return jax.jit(jax.grad(total, argnums=range(len(arguments)), has_aux=True))

    (gradients, value), (expected, wanted) = (weighted(function)(*arguments) for function in (own, reference))
    np.testing.assert_allclose(value, wanted, atol=1e-4)
    for gradient, wanted in zip(gradients, expected, strict=True):
        assert np.abs(wanted).max() > 1
        np.testing.assert_allclose(gradient, wanted, atol=1e-4 * np.abs(wanted).max())


@pytest.mark.parametrize(("stride", "size", "padding"), [(1, (1, 1), 3), (2, (3, 5), 2), (4, (3, 2), 3)])
def test_transposed_convolution_is_jax_s(stride, size, padding):
    maps = random(0, (2, *size, 7))
    kernel = random(1, (4, 4, 7, 5))

    def reference(maps, kernel):
        return jax.lax.conv_transpose(maps, kernel, (stride, stride), [(padding, padding)] * 2)

    compare(lambda m, k: layers.transposed_conv(m, k, stride), reference, maps, kernel)


@pytest.mark.parametrize("channels", [(3, 8), (8, 3), (5, 5)])
def test_convolution_is_jax_s(channels):
    maps = random(0, (2, 6, 4, channels[0]))
    kernel = random(1, (3, 3, *channels))

    def reference(maps, kernel):
        return jax.lax.conv_general_dilated(maps, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))

    compare(layers.conv, reference, maps, kernel)


@pytest.mark.parametrize("stride", [1, 2])
def test_patches_and_overlapped_are_each_other_s_transpose(stride):
    maps = random(0, (4, 6, 3))
    patches = jax.jit(layers.patches, static_argnums=1)(maps, stride)
    seen = random(1, patches.shape)
    overlapped = jax.jit(layers.overlapped, static_argnums=1)(seen, stride)
    np.testing.assert_allclose(np.vdot(patches, seen), np.vdot(maps, overlapped), rtol=1e-5)


def test_shuffles_spread_channels_over_pixels():
    maps = np.arange(2 * 3 * 8.0).reshape(1, 2, 3, 8)
    spread, shuffled = layers.depth_to_space(jnp.asarray(maps), 2), layers.pixel_shuffle(jnp.asarray(maps))
    for row in range(4):
        for column in range(6):
            at = maps[0, row // 2, column // 2]
            tap = row % 2 * 2 + column % 2
            np.testing.assert_array_equal(spread[0, row, column], at[2 * tap : 2 * tap + 2])
            np.testing.assert_array_equal(shuffled[0, row, column], at[[tap, 4 + tap]])


@pytest.mark.parametrize("columns", [3, 513])
def test_products_of_bfloat16_and_their_gradients_are_summed_in_float32(columns):
    values, kernel = jnp.ones((1025, 257)), jnp.ones((257, columns))

    def total(values, kernel):
        return layers.product(values, kernel, jnp.bfloat16).sum()

    # None of these numbers is one of bfloat16's.
    np.testing.assert_array_equal(layers.product(values, kernel, jnp.bfloat16), np.full((1025, columns), 257))
    to_values, to_kernel = jax.jit(jax.grad(total, argnums=(0, 1)))(values, kernel)
    np.testing.assert_array_equal(to_values, np.full(values.shape, columns))
    np.testing.assert_array_equal(to_kernel, np.full(kernel.shape, 1025))


@pytest.mark.parametrize("columns", [40, 600])
def test_gradients_of_products_of_bfloat16_are_float32_s_rounded(columns):
    values, kernel, weights = random(0, (7, 30)), random(1, (30, columns)), random(2, (7, columns))

    def total(values, kernel, dtype):
        return (layers.product(values, kernel, dtype) * weights).sum()

    gradient = jax.jit(jax.grad(total, argnums=(0, 1)), static_argnums=2)
    for short, exact in zip(gradient(values, kernel, "bfloat16"), gradient(values, kernel, "float32"), strict=True):
        np.testing.assert_allclose(short, exact, atol=0.01 * np.abs(exact).max())
        assert np.abs(short - exact).max() > 0
