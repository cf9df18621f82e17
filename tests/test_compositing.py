"""Blending, beyond `test_drawing`: with three alphas, by hand-written gradients, and without retracing."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxpaint.brushes import Stroke
from jaxpaint.brushes.layering import glazed, laid
from jaxpaint.raster.compositing import blend, caught, composite, composite_backward, composite_forward, paste, room

K, WINDOWS, SIZE = 5, 3, 4


def render(stroke):
    """Six plain planes: three of colour, three of alpha, as a network may give them."""
    planes = tuple(jnp.broadcast_to(value, (SIZE, SIZE)) for value in stroke)
    return Stroke(planes[:3], planes[3:])


def planes(seed):
    return tuple(jnp.asarray(np.random.default_rng(seed).random((3, WINDOWS, SIZE, SIZE)), jnp.float32))


@pytest.fixture
def strokes():
    return np.random.default_rng(0).uniform(0.1, 0.9, (K, WINDOWS, 6)).astype(np.float32)


@pytest.fixture
def canvas():
    return planes(1)


def pulled_back(strokes, canvas, count, gradient_of):
    """The canvas above the strokes, and a gradient of it at them; what is kept has been used before."""
    strokes = jnp.asarray(strokes)
    used = tuple(plane + 7 for plane in room(canvas, K))
    drawn, below = composite_forward(render, strokes, canvas, count, used)
    return drawn, composite_backward(render, strokes, count, below, gradient_of(drawn))


def naive(strokes, canvas):
    """`h[t+1] = α[t] s[t] + (1 − α[t]) h[t]`, value by value."""
    result = np.array(canvas, np.float64)
    for stroke in strokes:
        for channel, window in np.ndindex(3, WINDOWS):
            color, alpha = (float(stroke[window, channel + offset]) for offset in (0, 3))
            for y, x in np.ndindex(SIZE, SIZE):
                result[channel, window, y, x] = alpha * color + (1 - alpha) * result[channel, window, y, x]
    return result


@pytest.mark.parametrize("count", range(K + 1))
def test_compositing_is_the_loop_of_the_definition(strokes, canvas, count):
    drawn = composite(render, jnp.asarray(strokes), canvas, count)
    np.testing.assert_allclose(np.stack(drawn), naive(strokes[:count], canvas), atol=1e-6)


def test_windows_do_not_touch_each_other(strokes, canvas):
    drawn = np.stack(composite(render, jnp.asarray(strokes), canvas, K))
    changed = strokes.copy()
    changed[:, 1] = 1 - changed[:, 1]
    again = np.stack(composite(render, jnp.asarray(changed), canvas, K))
    np.testing.assert_array_equal(again[:, [0, 2]], drawn[:, [0, 2]])
    assert (again[:, 1] != drawn[:, 1]).all()


def test_what_is_blended_lies_between_canvas_and_stroke():
    low, high, alpha = (planes(seed) for seed in range(3))
    blended = np.stack(blend(low, Stroke(high, alpha)))
    assert (blended >= np.minimum(low, high) - 1e-6).all() and (blended <= np.maximum(low, high) + 1e-6).all()
    # One alpha is that of all channels.
    np.testing.assert_array_equal(blend(low, Stroke(high, alpha[:1])), blend(low, Stroke(high, alpha[:1] * 3)))


@pytest.mark.parametrize("count", [0, 3, K])
def test_the_pullback_is_the_gradient_by_hand(strokes, canvas, count):
    """`∂h/∂s[t] = α[t] Π (1 − α[u])` over what lies above, `∂h/∂α[t] = (s[t] − h[t]) Π (1 − α[u])`."""
    weights = planes(2)
    expected = np.zeros((K, WINDOWS, 6))
    for t in range(count):
        below = naive(strokes[:t], canvas)
        for channel, window in np.ndindex(3, WINDOWS):
            color, alpha = strokes[t, window, channel], strokes[t, window, channel + 3]
            through = weights[channel][window] * np.prod(1 - strokes[t + 1 : count, window, channel + 3])
            expected[t, window, channel] = (through * alpha).sum()
            expected[t, window, channel + 3] = (through * (color - below[channel, window])).sum()
    drawn, gradient = pulled_back(strokes, canvas, count, lambda _: weights)
    np.testing.assert_allclose(np.stack(drawn), naive(strokes[:count], canvas), atol=1e-6)
    np.testing.assert_allclose(gradient, expected, atol=1e-5)


def test_the_pullback_is_jax_s_gradient_of_the_unrolled_loop(strokes, canvas):
    def unrolled(strokes):
        drawn = canvas
        for stroke in strokes:
            drawn = blend(drawn, jax.vmap(render)(stroke))
        return sum((plane**2).sum() for plane in drawn)

    _, gradient = pulled_back(strokes, canvas, K, lambda drawn: tuple(2 * plane for plane in drawn))
    np.testing.assert_allclose(gradient, jax.grad(unrolled)(jnp.asarray(strokes)), rtol=1e-5, atol=1e-5)


def test_the_count_is_no_reason_to_trace_again(strokes, canvas):
    traced = []

    @jax.jit
    def pulled(strokes, canvas, count):
        traced.append(count)
        return pulled_back(strokes, canvas, count, lambda drawn: drawn)

    for count in (1, 4, 2):
        drawn, _ = pulled(strokes, canvas, count)
        np.testing.assert_allclose(np.stack(drawn), naive(strokes[:count], canvas), atol=1e-6)
    assert len(traced) == 1


def random_pictures(count, side, alphas):
    planes = np.random.default_rng(3).uniform(size=(3 + alphas, count, side, side)).astype(np.float32)
    return Stroke(tuple(map(jnp.asarray, planes[:3])), tuple(map(jnp.asarray, planes[3:])))


@pytest.mark.parametrize("alphas", [1, 3])
def test_pasting_is_the_loop_of_the_definition(alphas):
    """Windows that overlap, touch the canvas's edges, and lie on each other; in NumPy."""
    corners = np.array([[0, 0], [2, 1], [5, 6], [2, 1], [1, 4]], np.int32)
    pictures, canvas = random_pictures(5, 4, alphas), np.full((3, 9, 10), 0.25, np.float32)
    expected = canvas.copy()
    for t, (row, column) in enumerate(corners):
        for c in range(3):
            window = expected[c, row : row + 4, column : column + 4]
            alpha = np.asarray(pictures.alpha[c % alphas][t])
            window[:] = alpha * np.asarray(pictures.foreground[c][t]) + (1 - alpha) * window
    drawn = jax.jit(paste)(pictures, jnp.asarray(corners), tuple(map(jnp.asarray, canvas)))
    np.testing.assert_allclose(drawn, expected, atol=1e-6)


def test_the_gradient_of_pasting_is_that_of_the_unrolled_loop():
    corners = jnp.asarray([[0, 0], [2, 1], [5, 6], [2, 1]])
    pictures, canvas = random_pictures(4, 4, 1), tuple(jnp.full((3, 9, 10), 0.25))
    weights = np.random.default_rng(0).standard_normal((3, 9, 10), np.float32)

    def unrolled(pictures, canvas):
        for t, (row, column) in enumerate(np.asarray(corners)):
            picture = jax.tree.map(lambda plane, t=t: plane[t], pictures)
            below = tuple(plane[row : row + 4, column : column + 4] for plane in canvas)
            above = blend(below, picture)
            canvas = tuple(
                plane.at[row : row + 4, column : column + 4].set(w) for plane, w in zip(canvas, above, strict=True)
            )
        return canvas

    def value(function):
        return lambda p, c: sum((w * plane).sum() for w, plane in zip(weights, function(p, c), strict=True))

    own = jax.grad(value(lambda p, c: paste(p, corners, c)), argnums=(0, 1))(pictures, canvas)
    wanted = jax.grad(value(unrolled), argnums=(0, 1))(pictures, canvas)
    for one, other in zip(*map(jax.tree.leaves, (own, wanted)), strict=True):
        assert np.abs(other).max() > 0.1
        np.testing.assert_allclose(one, other, atol=1e-5)


@pytest.mark.parametrize("alphas", [1, 3])
def test_a_glaze_is_light_through_coloured_glass(alphas):
    """`h (1 − α (1 − s))`: it never lightens, in any order comes to the same, and leaves the relief as it is."""
    canvas, one, other = (planes(seed) for seed in range(3))
    stroke = Stroke(one, other[:alphas], (jnp.ones_like(one[0]),))
    above = blend((*canvas, canvas[0]), glazed(stroke))
    for c in range(3):
        np.testing.assert_allclose(above[c], canvas[c] * (1 - other[c % alphas] * (1 - one[c])), atol=1e-6)
        assert (above[c] <= canvas[c]).all()
    np.testing.assert_array_equal(above[3], canvas[0])
    second = glazed(Stroke(other, one[:alphas]))
    first = glazed(Stroke(one, other[:alphas]))
    np.testing.assert_allclose(blend(blend(canvas, first), second), blend(blend(canvas, second), first), atol=1e-6)
    each = np.minimum(np.stack(blend(canvas, first)), np.stack(blend(canvas, second)))
    assert (np.stack(blend(blend(canvas, first), second)) <= each).all()


def test_strokes_that_cover_are_not_touched():
    assert laid(render, "over") is render
    stroke = jnp.linspace(0.1, 0.6, 6)
    np.testing.assert_array_equal(
        jax.tree.leaves(laid(render, "glaze")(stroke)), jax.tree.leaves(glazed(render(stroke)))
    )


def test_dry_pigment_covers_as_much_as_it_should_and_tops_first():
    tooth = jnp.linspace(0, 1, 1001)
    for alpha in (0.0, 0.1, 0.5, 0.9, 1.0):
        covered = np.asarray(caught(jnp.full(1001, alpha), tooth, "tops"))
        assert covered.mean() == pytest.approx(alpha, abs=0.08)
        assert (np.diff(covered) <= 1e-6).all()
        assert np.ptp(covered) > 0.3 or alpha in (0.0, 0.1, 1.0)


def test_wet_pigment_settles_in_the_pits():
    tooth = jnp.linspace(0, 1, 1001)
    for alpha in (0.0, 0.1, 0.5, 0.9):
        covered = np.asarray(caught(jnp.full(1001, alpha), tooth, "pits"))
        assert covered.mean() == pytest.approx(alpha, abs=0.01)
        assert (np.diff(covered) >= -1e-6).all() and (covered[-1] > covered[0]) == (alpha > 0)


@pytest.mark.parametrize("settles", ["tops", "pits"])
def test_pigment_is_the_same_in_one_layer_or_in_three(settles):
    tooth = jnp.linspace(0, 1, 101)
    one, three = (
        caught(jnp.full(101, 1 - 0.6**3), tooth, settles),
        1 - (1 - caught(jnp.full(101, 0.4), tooth, settles)) ** 3,
    )
    np.testing.assert_allclose(one, three, atol=1e-5)
