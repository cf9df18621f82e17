"""Optimal transport: the cost of moving one picture's paint to the places of another's (ott-jax).

A pixel loss has no gradient where a stroke and its target do not overlap; the transport cost has one.
"""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from jaxpaint.brushes import Canvas

# Added to every pixel, so that an empty plane is a distribution, too.
_FLOOR = 1e-3


@functools.partial(jax.jit, static_argnames=("debiased", "epsilon", "iterations"))
def transport(
    picture: Float[Array, "height width 3"],
    target: Float[Array, "height width 3"],
    *,
    debiased: bool = False,
    epsilon: float = 0.01,
    iterations: int = 20,
) -> Float[Array, ""]:
    """Entropic optimal transport cost, the mean over the channels, each normalised to a distribution over its pixels.

    The value is the dual objective of Sinkhorn's potentials f and g, `⟨f, p⟩ + ⟨g, q⟩`. By the envelope theorem, its
    gradient is that of the transport cost with f and g fixed, so that no gradient flows through the iterations. The
    value is exact once the iterations have converged, which `marginal_error` measures. 20 iterations nearly always
    bring the marginal error below 1e-2. Pictures of a few isolated pixels, far apart, take more iterations.

    The algorithm works in the log domain, where no scaling leaves float32. An iteration takes twice as long as one with
    products of kernels, but in float32 such products cannot transport a pixel from one corner to another.

    Args:
      picture, target: pictures in [0, 1].
      debiased: returns the Sinkhorn divergence, which is 0 for equal pictures, and which takes three times as long.
      epsilon: strength of the entropy, in squared long sides of the picture; exact in float32 from 0.008 on.
      iterations: Sinkhorn iterations in a round, at least 1. Rounds go on while the marginal error is above 1e-2, at
        most 20 in all.

    Returns:
      The cost, in squared long sides of the picture, differentiable in both pictures.

    Raises:
      ValueError: there are no iterations.

    References:
      Zou et al., Stylized Neural Painting, CVPR 2021, arXiv:2011.08114, section 3.3; Cuturi, Sinkhorn distances, 2013;
      Thibault et al., Overrelaxed Sinkhorn-Knopp algorithm, 2017, arXiv:1711.01851; Feydy et al., Interpolating between
      optimal transport and MMD using Sinkhorn divergences, 2019, arXiv:1810.08278 (debiased).
    """

    def cost(a: Float[Array, "h w"], b: Float[Array, "h w"]) -> Float[Array, ""]:
        p, q = _distribution(a), _distribution(b)
        between = _cost(p, q, epsilon, iterations)
        return (
            between - (_cost(p, p, epsilon, iterations) + _cost(q, q, epsilon, iterations)) / 2 if debiased else between
        )

    return jax.vmap(cost, in_axes=-1)(picture, target).mean()


@functools.partial(jax.jit, static_argnames=("epsilon", "iterations"))
def marginal_error(
    picture: Float[Array, "height width 3"],
    target: Float[Array, "height width 3"],
    *,
    epsilon: float = 0.01,
    iterations: int = 20,
) -> Float[Array, ""]:
    """Marginal error of `transport`, which measures its convergence.

    Args:
      picture, target, epsilon, iterations: as for `transport`.

    Returns:
      The mass, out of 1, that the plan wrongly takes from the picture, in the worst channel. The plan's marginal on the
      target is exact.
    """

    def error(a: Float[Array, "h w"], b: Float[Array, "h w"]) -> Float[Array, ""]:
        return _solve(_distribution(a), _distribution(b), epsilon, iterations).error

    return jax.vmap(error, in_axes=-1)(picture, target).max()


@functools.partial(jax.jit, static_argnames=("epsilon", "iterations"))
def canvas_transport(
    canvas: Canvas,
    target: Canvas,
    *,
    mask: Float[Array, "windows size size"] | None = None,
    epsilon: float = 0.01,
    iterations: int = 20,
) -> Float[Array, ""]:
    """Transport cost of each plane and window, summed over the planes and over the masked pixels.

    Args:
      canvas, target: planes `[windows, S, S]` in [0, 1].
      mask: weight of each pixel, or None for 1. A window's cost counts once for each of its pixels in the mask.
      epsilon, iterations: as for `transport`.
    """

    def cost(a: Float[Array, "h w"], b: Float[Array, "h w"]) -> Float[Array, ""]:
        return _cost(_distribution(a), _distribution(b), epsilon, iterations)

    costs = jax.vmap(cost)(jnp.concatenate(canvas), jnp.concatenate(target)).reshape(len(canvas), -1)
    return costs.sum(axis=0) @ (jnp.ones_like(canvas[0]) if mask is None else mask).sum(axis=(1, 2))


def _distribution(plane: Float[Array, "h w"]) -> Float[Array, "h w"]:
    return (plane + _FLOOR) / (plane + _FLOOR).sum()


def _cost(p: Float[Array, "h w"], q: Float[Array, "h w"], epsilon: float, iterations: int) -> Float[Array, ""]:
    f, g, _ = _solve(p, q, epsilon, iterations)
    return (f * p).sum() + (g * q).sum()


def _solve(p: Float[Array, "h w"], q: Float[Array, "h w"], epsilon: float, iterations: int) -> Any:
    if iterations < 1:
        raise ValueError(f"transport needs at least 1 iteration, not {iterations}")
    # Imported here, since the import takes a second.
    from jaxpaint.losses import sinkhorn

    return jax.lax.stop_gradient(sinkhorn.solve(*jax.lax.stop_gradient((p, q)), epsilon=epsilon, iterations=iterations))
