"""Losses: against NumPy and an exact solver, finite everywhere, with the gradient they claim."""

import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize
import scipy.special

from jaxpaint import losses
from jaxpaint.brushes import BRUSHES
from jaxpaint.losses.transport import _potentials
from jaxpaint.renderers import engine

SIZE = 16


def planes(seed, low=0.2):
    return jax.random.uniform(jax.random.key(seed), (2, SIZE, SIZE), minval=low)


def dot(row, column):
    return jnp.zeros((SIZE, SIZE)).at[row, column].set(1.0)


def squares():
    """Two that do not overlap."""
    plane = jnp.zeros((SIZE, SIZE))
    return plane.at[6:10, 1:5].set(1.0), plane.at[5:9, 10:14].set(1.0)


def naive(picture, target, epsilon, iterations):
    """The cost by the log domain, in float64, from scalings of 1."""
    p, q = ((plane + 1e-3) / (plane + 1e-3).sum() for plane in (np.float64(picture), np.float64(target)))
    f, g = -np.log(p), np.zeros_like(q)
    for _ in range(iterations):
        g = -smooth(f + np.log(p), epsilon)
        f = -smooth(g + np.log(q), epsilon)
    return epsilon * ((f * p).sum() + (g * q).sum())


def smooth(scaling, epsilon):
    """The logarithm of the kernel times a scaling, which is given by its logarithm too."""
    x = (np.arange(len(scaling)) + 0.5) / len(scaling)
    kernel = -((x[:, None] - x) ** 2) / epsilon
    rows = scipy.special.logsumexp(kernel[:, :, None] + scaling, axis=1)
    return scipy.special.logsumexp(kernel + rows[:, None], axis=2)


def marginal_error(picture, target, iterations):
    """Mass that the plan leaves or brings wrongly, of 1; the larger of both sides."""
    p, q = ((plane.ravel() + 1e-3) / (plane + 1e-3).sum() for plane in (picture, target))
    f, g = _potentials(p, q, picture.shape, 0.01, iterations)
    p, q, f, g = (np.float64(plane).reshape(SIZE, SIZE) for plane in (p, q, f, g))
    left = p * np.exp(f / 0.01 + smooth(g / 0.01 + np.log(q), 0.01))
    right = q * np.exp(g / 0.01 + smooth(f / 0.01 + np.log(p), 0.01))
    return max(np.abs(left - p).sum(), np.abs(right - q).sum())


def test_pixel_losses_are_masked_sums():
    rng = np.random.default_rng(0)
    a, b = (tuple(map(jnp.asarray, rng.uniform(size=(3, 2, 4, 4)).astype(np.float32))) for _ in range(2))
    mask = jnp.asarray(rng.integers(0, 2, (2, 4, 4)).astype(np.float32))
    difference = (np.stack(a) - np.stack(b)) * np.asarray(mask)
    np.testing.assert_allclose(losses.l1(a, b, mask=mask), np.abs(difference).sum(), rtol=1e-5)
    np.testing.assert_allclose(losses.l2(a, b, mask=mask), (difference**2).sum(), rtol=1e-5)
    for loss in (losses.l1, losses.l2):
        np.testing.assert_allclose(loss(a, b), loss(a, b, mask=jnp.ones_like(mask)), rtol=1e-6)


def test_transport_approaches_the_exact_cost():
    """A linear programme over all plans, on few pixels; a small ε leaves little of the entropy."""
    rng = np.random.default_rng(1)
    a, b = rng.uniform(0.1, 1, (2, 4, 4))
    p, q = ((plane.ravel() + 1e-3) / (plane + 1e-3).sum() for plane in (a, b))
    y, x = (np.mgrid[:4, :4] + 0.5) / 4
    at = np.stack([x.ravel(), y.ravel()], axis=1)
    cost = ((at[:, None] - at[None]) ** 2).sum(axis=-1)
    rows = np.kron(np.eye(16), np.ones(16))
    columns = np.kron(np.ones(16), np.eye(16))
    exact = scipy.optimize.linprog(cost.ravel(), A_eq=np.concatenate([rows, columns]), b_eq=np.concatenate([p, q]))
    ours = losses.transport(jnp.float32(a), jnp.float32(b), epsilon=0.02, iterations=500)
    assert exact.fun < ours < exact.fun + 0.05
    closer = losses.transport(jnp.float32(a), jnp.float32(b), epsilon=0.015, iterations=500)
    assert exact.fun < closer < ours


def test_transport_of_dots_is_their_squared_distance():
    """Up to the floor's mass, which is carried too."""
    dot = jnp.zeros((32, 32)).at[8, 8].set(1000.0)
    far = jnp.zeros((32, 32)).at[8, 24].set(1000.0)
    near = jnp.zeros((32, 32)).at[8, 12].set(1000.0)
    costs = [float(losses.transport(dot, other)) for other in (dot, near, far)]
    np.testing.assert_allclose(costs, [0, (4 / 32) ** 2, (16 / 32) ** 2], atol=0.01)


@pytest.mark.parametrize("iterations", [1, 5, 20, 25])
@pytest.mark.parametrize("pair", [planes(2), squares(), (dot(0, 0), dot(-1, -1))], ids=["random", "squares", "corners"])
def test_transport_agrees_with_the_log_domain(pair, iterations):
    """After as many iterations as are asked for, be they a multiple of ten or not."""
    ours = losses.transport(*pair, iterations=iterations)
    np.testing.assert_allclose(ours, naive(*pair, 0.01, iterations), atol=1e-3)


@pytest.mark.parametrize(
    ("pair", "iterations"),
    [(squares(), 20), (planes(2), 40), ((jnp.zeros((SIZE, SIZE)), squares()[1]), 40)],
    ids=["squares", "random", "empty"],
)
def test_the_marginal_error_is_small(pair, iterations):
    assert marginal_error(*pair, iterations) < 1e-2


@pytest.mark.parametrize(
    ("pair", "iterations", "tolerance"),
    [(planes(2), 200, 2e-3), (squares(), 20, 2e-2)],
    ids=["random", "squares"],
)
def test_transport_gradient_agrees_with_finite_differences(pair, iterations, tolerance):
    """Of the converged cost in float64, in any direction: also one that only makes the picture brighter."""
    picture, target = map(np.float64, pair)
    gradient = np.float64(jax.grad(lambda p: losses.transport(p, pair[1], iterations=iterations))(pair[0]))
    for direction in (np.random.default_rng(5).uniform(size=picture.shape), np.ones_like(picture)):
        ends = [naive(picture + step * direction, target, 0.01, 300) for step in (1e-5, -1e-5)]
        numeric = (ends[0] - ends[1]) / 2e-5
        np.testing.assert_allclose((gradient * direction).sum(), numeric, rtol=tolerance)


def test_transport_of_a_canvas_is_a_sum_over_the_pixels_of_a_mask():
    canvas, target = (tuple(jax.random.uniform(key, (3, 2, 8, 8))) for key in jax.random.split(jax.random.key(6)))
    one_by_one = np.array(
        [
            [losses.transport(a, b, epsilon=0.02, iterations=5) for a, b in zip(*planes, strict=True)]
            for planes in zip(canvas, target, strict=True)
        ]
    )
    ours = jax.jit(lambda a, b, mask: losses.canvas_transport(a, b, mask=mask, epsilon=0.02, iterations=5))
    np.testing.assert_allclose(ours(canvas, target, None), 64 * one_by_one.sum(), rtol=1e-4)
    mask = jnp.ones((2, 8, 8)).at[1, 2:].set(0.0)
    np.testing.assert_allclose(ours(canvas, target, mask), (one_by_one.sum(axis=0) * (64, 16)).sum(), rtol=1e-4)


@pytest.mark.parametrize(
    "picture",
    [
        jnp.zeros((SIZE, SIZE)),
        jnp.ones((SIZE, SIZE)),
        jnp.full((SIZE, SIZE), 1e-30),
        jnp.zeros((SIZE, SIZE)).at[0, 0].set(1.0),
        planes(3)[0],
    ],
    ids=["empty", "full", "tiny", "corner", "random"],
)
def test_transport_is_finite(picture):
    opposite = dot(-1, -1)
    for pair in ((picture, opposite), (opposite, picture), (picture, picture)):
        value, gradients = jax.value_and_grad(losses.transport, argnums=(0, 1))(*pair)
        assert np.isfinite(value) and all(np.isfinite(g).all() for g in gradients)


def test_transport_is_finite_where_scalings_leave_float32():
    value, gradients = jax.value_and_grad(losses.transport, argnums=(0, 1))(dot(0, 0), dot(-1, -1), iterations=60)
    assert np.isfinite(value) and all(np.isfinite(g).all() for g in gradients)


def test_transport_refuses_no_iterations():
    with pytest.raises(ValueError, match="at least 1 iteration, not 0"):
        losses.transport(*squares(), iterations=0)


def test_ott_is_imported_late_and_without_a_warning():
    code = """
import sys, warnings
from jaxpaint import losses
import jax.numpy as jnp
assert "ott" not in sys.modules
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    losses.transport(jnp.ones((4, 4)), jnp.ones((4, 4)), iterations=1)
assert "ott" in sys.modules
assert not [w for w in caught if "JAXopt" in str(w.message)], caught
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_a_stroke_that_does_not_overlap_its_target():
    """The report's figures 4 to 6: under L1 it stays, under transport it arrives."""
    render = engine(BRUSHES["rectangle"], 32)
    stroke = jnp.array([0.25, 0.5, 0.3, 0.3, 0.0, 1.0, 1.0, 1.0, 1.0])
    target = render(stroke.at[0].set(0.75)).alpha[0]

    def l1(x):
        return losses.l1((render(stroke.at[0].set(x)).alpha[0],), (target,), mask=jnp.ones_like(target))

    def transport(x):
        return losses.transport(render(stroke.at[0].set(x)).alpha[0], target)

    assert abs(jax.grad(l1)(0.25)) < 1e-3
    slope = jax.jit(jax.grad(transport))
    assert slope(0.25) < 0 < slope(0.9)
    x = jnp.array(0.25)
    for _ in range(12):
        x = x - 0.5 * slope(x)
    assert abs(x - 0.75) < 0.03
