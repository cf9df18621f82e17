"""Sinkhorn's algorithm between two planes: ott-jax's, on its grid geometry, in the log domain.

This module is imported only when it is needed, since importing ott takes a second.
"""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

with warnings.catch_warnings():
    # ott imports jaxopt, which warns that nobody maintains it.
    warnings.filterwarnings("ignore", "JAXopt is no longer maintained", DeprecationWarning)
    from ott.geometry import grid
    from ott.problems.linear import linear_problem
    from ott.solvers.linear import sinkhorn

# Length of a step: 1 is Sinkhorn's own, and 1.75 needs a third of the iterations. The extra length is limited, in units
# of ε, since otherwise some pictures oscillate for ever.
_RELAXATION, _LIMIT = 1.75, 3.0
# Tolerance of the marginal error, and the greatest number of times that the error is computed.
_ERROR, _ROUNDS = 1e-2, 20
# Both operands of a product are multiplied by exp(40), so that float32 holds exp(−127) of the largest.
_SHIFT = 40.0


@jax.tree_util.register_pytree_node_class
class Pixels(grid.Grid):
    """ott's grid, whose kernel in the log domain is applied as one matrix product along each axis.

    ott's own method sums exponentials of all pairs of rows, and of columns, which takes some fifteen times as long.
    Potentials and marginals are planes, not vectors, since flattening them twice an iteration takes as long as the
    products.
    """

    def apply_lse_kernel(self, f: Array, g: Array, eps: Any, vec: Any = None, axis: int = 0) -> Any:
        """Implements `ott.geometry.Geometry.apply_lse_kernel`.

        Each row is scaled by its largest term. For any potential, no significant term is lost as long as no squared
        distance along one axis is above 127 ε.
        """
        if vec is not None:
            return super().apply_lse_kernel(f, g, eps, vec, axis)
        m = (g if axis == 1 else f) / eps
        for at in reversed(self.x):
            kernel = jnp.exp(_SHIFT - (at[:, None] - at[None]) ** 2 / eps)
            largest = m.max(axis=1, keepdims=True)
            total = jnp.maximum(jnp.exp(m - largest + _SHIFT) @ kernel, jnp.finfo(m.dtype).tiny)
            m = (jnp.log(total) + (largest - 2 * _SHIFT)).T
        return eps * m, jnp.ones(())


@jax.tree_util.register_pytree_node_class
class _Relaxed(sinkhorn.Sinkhorn):
    """ott's solver, over-relaxed within a limit, which ott's own momentum lacks."""

    def lse_step(self, ot_prob: Any, state: Any, iteration: Any) -> Any:
        """Implements `ott.solvers.linear.sinkhorn.Sinkhorn.lse_step`."""

        def relaxed(best: Array, h: Array) -> Array:
            limit = _LIMIT * ot_prob.epsilon
            return best + (_RELAXATION - 1) * jnp.clip(best - h, -limit, limit)

        (f, g), update = state.potentials, ot_prob.geom.update_potential
        g = relaxed(update(f, g, jnp.log(ot_prob.b), iteration, axis=0), g)
        f = relaxed(update(f, g, jnp.log(ot_prob.a), iteration, axis=1), f)
        return state.set(potentials=(f, g))


class Solution(NamedTuple):
    """Dual potentials for an entropy relative to `p ⊗ q`, and the marginal error.

    The error is the mass, out of 1, that the plan wrongly takes from p. The plan's marginal on q is exact.
    """

    f: Float[Array, "height width"]
    g: Float[Array, "height width"]
    error: Float[Array, ""]


def solve(
    p: Float[Array, "height width"], q: Float[Array, "height width"], *, epsilon: float, iterations: int
) -> Solution:
    """Solves entropic optimal transport by Sinkhorn's algorithm, over-relaxed.

    The iterations start from the potentials that transport p's row and column sums to q's.

    Args:
      p, q: positive planes of sum 1.
      epsilon: strength of the entropy, in squared long sides.
      iterations: iterations in a round, at least 1. Rounds go on while the error is above 1e-2, at most 20 in all.
    """
    y, x = ((jnp.arange(n) + 0.5) / max(p.shape) for n in p.shape)
    rows, columns = _along(y, p.sum(axis=1), q.sum(axis=1)), _along(x, p.sum(axis=0), q.sum(axis=0))
    with jax.numpy_rank_promotion("allow"):
        geometry = Pixels(x=[y, x], epsilon=epsilon)
        log_p, log_q = jnp.log(p), jnp.log(q)
        solver = _Relaxed(
            # ott's own error is not used, since computing it takes as long as all the iterations.
            threshold=-1.0,
            inner_iterations=iterations,
            min_iterations=iterations,
            max_iterations=iterations,
            implicit_diff=None,
        )

        def more(state: Any) -> Any:
            rounds, relaxed, _ = state
            out = solver(linear_problem.LinearProblem(geometry, p, q), init=relaxed)
            # The last step is not relaxed: the plan's mass is then 1, so that the dual objective is at most the cost.
            g = geometry.update_potential(out.f, out.g, log_q, axis=0)
            best = geometry.update_potential(out.f, g, log_p, axis=1)
            error = jnp.abs(p * jnp.expm1((out.f - best) / epsilon)).sum()
            return rounds + 1, (out.f, out.g), Solution(out.f, g, error)

        g = rows[:, None] + columns[None] + epsilon * log_q
        f = geometry.update_potential(g, g, log_p, axis=1)
        _, _, (f, g, error) = jax.lax.while_loop(
            lambda state: (state[0] < _ROUNDS) & (state[2].error > _ERROR),
            more,
            (0, (f, g), Solution(f, g, jnp.full((), jnp.inf))),
        )
    # ott penalises the plan's entropy; the literature takes that entropy relative to the marginals'.
    return Solution(f - epsilon * log_p, g - epsilon * log_q, error)


def _along(x: Float[Array, "n"], a: Float[Array, "n"], b: Float[Array, "n"]) -> Float[Array, "n"]:
    """Potential on b that transports a to b along a line: its slope is twice the way to the same quantile of a.

    The sum of a potential along rows and one along columns is at most the cost between pixels, and so a feasible start
    for any pictures.

    Args:
      x: positions along the line.
      a, b: distributions over these positions.
    """
    middles_a, middles_b = (jnp.cumsum(marginal) - marginal / 2 for marginal in (a, b))
    slope = 2 * (x - jnp.interp(middles_b, middles_a, x)) * (2 * x[0])
    return jnp.cumsum(slope) - slope / 2
