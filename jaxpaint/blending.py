"""Soft blending of strokes onto a canvas: `h[t+1] = α[t] s[t] + (1 − α[t]) h[t]`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from jaxpaint.brushes import Renderer, Stroke

# Three planes: red, green, blue.
Canvas = tuple[Float[Array, "*n size size"], ...]
Item = TypeVar("Item")


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
    render: Callable[[Item], Stroke],
    strokes: Item,
    canvas: Canvas,
    count: Int[Array, ""] | int,
) -> tuple[Canvas, Callable[[Canvas], Item]]:
    """`composite`, and the function that pulls a gradient of its canvas back to its strokes.

    Like `jax.vjp`, for a number of strokes that is known only at run time. It keeps the canvas below each stroke and
    draws the stroke again on the way back, which costs less than keeping the strokes' own pictures. Pictures that cost
    more, and are kept, take the strokes' place: then `render` has nothing to do.

    Args:
      render: draws one stroke.
      strokes: arrays `[k, windows, ...]`, what `render` takes.
      canvas, count: as for `composite`.
    """

    def draw(stroke, canvas):
        return blend(canvas, jax.vmap(render)(stroke))

    def at(t):
        return jax.tree.map(lambda leaf: leaf[t], strokes)

    def forward(t, carry):
        canvas, below = carry
        below = tuple(jax.lax.dynamic_update_index_in_dim(b, h, t, 0) for b, h in zip(below, canvas, strict=True))
        return draw(at(t), canvas), below

    most = jax.tree.leaves(strokes)[0].shape[0]
    below = tuple(jnp.zeros((most, *h.shape), h.dtype) for h in canvas)
    canvas, below = jax.lax.fori_loop(0, count, forward, (canvas, below))

    def pullback(gradient: Canvas) -> Item:
        def backward(i, carry):
            gradient, total = carry
            t = count - 1 - i
            _, vjp = jax.vjp(draw, at(t), tuple(b[t] for b in below))
            stroke_gradient, gradient = vjp(gradient)
            total = jax.tree.map(
                lambda sum_, g: jax.lax.dynamic_update_index_in_dim(sum_, g, t, 0), total, stroke_gradient
            )
            return gradient, total

        return jax.lax.fori_loop(0, count, backward, (gradient, jax.tree.map(jnp.zeros_like, strokes)))[1]

    return canvas, pullback
