"""The cost of carrying one picture's paint to where another has it (ott-jax).

A pixel loss has no gradient where a stroke and its target do not overlap; this one has.
"""

from __future__ import annotations

import warnings
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxpaint.blending import Canvas

# Added to every pixel. Without it, paths longer than sqrt(90 ε) have no mass at all in float32: exp(−90) is its end.
_FLOOR = 1e-3


def transport(
    picture: Float[Array, "size size"],
    target: Float[Array, "size size"],
    *,
    epsilon: float = 0.01,
    iterations: int = 20,
) -> Float[Array, ""]:
    """Entropic optimal transport between two planes, each normalised to a distribution over its pixels.

    The value is the dual objective of Sinkhorn's potentials f and g, `⟨f, p⟩ + ⟨g, q⟩`; by the envelope theorem its
    gradient
    is that of the transport cost with f and g held, so that nothing is differentiated through the iterations.

    Args:
      picture, target: in [0, 1].
      epsilon: strength of the entropy, in squared sides of the picture.
      iterations: of Sinkhorn's algorithm.

    Returns:
      The cost, in squared sides of the picture, for pixels in [0, 1]²; differentiable in both.

    References:
      Zou et al., Stylized Neural Painting, CVPR 2021, arXiv:2011.08114, section 3.3; Cuturi, Sinkhorn distances, 2013.
    """
    p, q = (plane.ravel() + _FLOOR for plane in (picture, target))
    p, q = p / p.sum(), q / q.sum()
    f, g = jax.lax.stop_gradient(_potentials(*jax.lax.stop_gradient((p, q)), picture.shape, epsilon, iterations))
    return jnp.vdot(f, p) + jnp.vdot(g, q)


def canvas_transport(canvas: Canvas, target: Canvas) -> Float[Array, ""]:
    """`transport` of each plane and window, summed.

    Args:
      canvas, target: planes `[windows, S, S]` in [0, 1].
    """
    return jax.vmap(transport)(jnp.concatenate(canvas), jnp.concatenate(target)).sum()


def _potentials(p, q, shape, epsilon, iterations):
    """Sinkhorn's dual potentials, for an entropy relative to `p ⊗ q`."""
    with warnings.catch_warnings():
        # ott imports jaxopt, which says that nobody maintains it. Imported here, since it takes a second.
        warnings.filterwarnings("ignore", "JAXopt is no longer maintained", DeprecationWarning)
        from ott.geometry import grid
        from ott.solvers import linear

    with jax.numpy_rank_promotion("allow"):
        geometry = grid.Grid(x=[(jnp.arange(n) + 0.5) / n for n in shape], epsilon=epsilon)
        out: Any = linear.solve(geometry, p, q, lse_mode=False, min_iterations=iterations, max_iterations=iterations)
    # ott penalises the plan's entropy; relative to the marginals' own, the cost is that of the literature, never
    # negative.
    return out.f - epsilon * jnp.log(p), out.g - epsilon * jnp.log(q)
