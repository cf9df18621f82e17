"""Soft blending of strokes onto a canvas: `h[t+1] = α[t] s[t] + (1 − α[t]) h[t]`."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from jaxpaint.brushes import Renderer, Stroke

# Three planes: red, green, blue.
Canvas = tuple[Float[Array, "*n size size"], ...]


def blend(canvas: Canvas, stroke: Stroke) -> Canvas:
    """Lays one stroke over a canvas; of any leading shape."""
    alpha = stroke.alpha * (len(canvas) // len(stroke.alpha))
    return tuple(h + a * (s - h) for h, s, a in zip(canvas, stroke.foreground, alpha, strict=True))


def composite(
    render: Renderer,
    strokes: Float[Array, "k windows d"],
    canvas: Canvas,
    count: Int[Array, ""] | int,
) -> Canvas:
    """Draws strokes one over the other, in many windows at once.

    Args:
      render: draws one stroke.
      strokes: in each window's coordinates, lowest first.
      canvas: what lies below, planes `[windows, S, S]`.
      count: how many of the k strokes to draw; may be traced. Memory does not depend on it.

    Returns:
      The canvas above them.
    """

    def step(t, canvas):
        return blend(canvas, jax.vmap(render)(strokes[t]))

    return jax.lax.fori_loop(0, count, step, canvas)


def composite_vjp(
    render: Renderer,
    strokes: Float[Array, "k windows d"],
    canvas: Canvas,
    count: Int[Array, ""] | int,
) -> tuple[Canvas, Callable[[Canvas], Float[Array, "k windows d"]]]:
    """`composite`, and the function that pulls a gradient of its canvas back to its strokes.

    Like `jax.vjp`, for a number of strokes that is known only at run time. It keeps the canvas below each stroke and
    draws the stroke again on the way back, which costs less than keeping the strokes' own pictures.
    """

    def draw(stroke, canvas):
        return blend(canvas, jax.vmap(render)(stroke))

    def forward(t, carry):
        canvas, below = carry
        below = tuple(jax.lax.dynamic_update_index_in_dim(b, h, t, 0) for b, h in zip(below, canvas, strict=True))
        return draw(strokes[t], canvas), below

    below = tuple(jnp.zeros((strokes.shape[0], *h.shape), h.dtype) for h in canvas)
    canvas, below = jax.lax.fori_loop(0, count, forward, (canvas, below))

    def pullback(gradient: Canvas) -> Float[Array, "k windows d"]:
        def backward(i, carry):
            gradient, total = carry
            t = count - 1 - i
            _, vjp = jax.vjp(draw, strokes[t], tuple(b[t] for b in below))
            stroke_gradient, gradient = vjp(gradient)
            return gradient, jax.lax.dynamic_update_index_in_dim(total, stroke_gradient, t, 0)

        return jax.lax.fori_loop(0, count, backward, (gradient, jnp.zeros_like(strokes)))[1]

    return canvas, pullback
