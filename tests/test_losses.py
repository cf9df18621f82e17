"""Losses: against NumPy and an exact solver, finite everywhere, with the gradient they claim."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.optimize

from jaxpaint import losses
from jaxpaint.brushes import BRUSHES
from jaxpaint.renderers import engine

SIZE = 16


def planes(seed, low=0.2):
    return jax.random.uniform(jax.random.key(seed), (2, SIZE, SIZE), minval=low)


def test_pixel_losses_are_masked_sums():
    rng = np.random.default_rng(0)
    a, b = (tuple(map(jnp.asarray, rng.uniform(size=(3, 2, 4, 4)).astype(np.float32))) for _ in range(2))
    mask = jnp.asarray(rng.integers(0, 2, (2, 4, 4)).astype(np.float32))
    difference = (np.stack(a) - np.stack(b)) * np.asarray(mask)
    np.testing.assert_allclose(losses.l1(a, b, mask=mask), np.abs(difference).sum(), rtol=1e-5)
    np.testing.assert_allclose(losses.l2(a, b, mask=mask), (difference**2).sum(), rtol=1e-5)


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


def test_transport_gradient_agrees_with_finite_differences():
    picture, target = planes(2)
    direction = jax.random.normal(jax.random.key(5), picture.shape)

    def along(step):
        return losses.transport(picture + step * direction, target, iterations=200)

    numeric = (along(3e-3) - along(-3e-3)) / 6e-3
    gradient = jax.grad(lambda p: losses.transport(p, target, iterations=200))(picture)
    np.testing.assert_allclose((gradient * direction).sum(), numeric, rtol=0.05, atol=2e-5)


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
    opposite = jnp.zeros((SIZE, SIZE)).at[-1, -1].set(1.0)
    for pair in ((picture, opposite), (opposite, picture), (picture, picture)):
        value, gradients = jax.value_and_grad(losses.transport, argnums=(0, 1))(*pair)
        assert np.isfinite(value) and all(np.isfinite(g).all() for g in gradients)


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
    x = 0.25
    for _ in range(60):
        x = x - 0.02 * float(jnp.sign(slope(x))) * (1 if abs(x - 0.75) > 0.02 else 0.2)
    assert abs(x - 0.75) < 0.03
