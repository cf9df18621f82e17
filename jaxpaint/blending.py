"""Soft blending of strokes onto a canvas: `h[t+1] = α[t] s[t] + (1 − α[t]) h[t]`."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from jaxpaint.brushes import Renderer, Stroke

# Three planes, red, green, blue: of windows, and of one large canvas.
Canvas = tuple[Float[Array, "*n size size"], ...]
Planes = tuple[Float[Array, "height width"], ...]


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


@jax.custom_vjp
def paste(pictures: Stroke, corners: Int[Array, "n 2"], canvas: Planes) -> Planes:
    """Lays pictures of strokes, each of a window of its own, one over the other on one large canvas.

    Its gradient goes back from window to window, too; JAX's own would touch the whole canvas for each.

    Args:
      pictures: planes `[n, S, S]`, lowest first.
      corners: row and column of the top left pixel of each; every window lies on the canvas.
      canvas: planes `[H, W]`.

    Returns:
      The canvas above them.
    """
    return _paste(pictures, corners, canvas)[0]


def _cut(canvas, corner, side):
    return tuple(jax.lax.dynamic_slice(plane, corner, (side, side)) for plane in canvas)


def _put(canvas, window, corner):
    return tuple(jax.lax.dynamic_update_slice(p, w, corner) for p, w in zip(canvas, window, strict=True))


def _visit(change, canvas, corners, pictures, *, backwards=False):
    """Changes a canvas window by window; gives it back with all windows, `[n, S, S]`, as they were before.

    A window is stored and read again: if it were used as it is cut, XLA would copy the whole canvas for each.
    """
    count, side = len(corners), pictures.alpha[0].shape[-1]

    def step(i, carry):
        canvas, windows = carry
        i = count - 1 - i if backwards else i
        cut = _cut(canvas, corners[i], side)
        windows = tuple(jax.lax.dynamic_update_index_in_dim(w, c, i, 0) for w, c in zip(windows, cut, strict=True))
        changed = change(tuple(w[i] for w in windows), jax.tree.map(lambda leaf: leaf[i], pictures))
        return _put(canvas, changed, corners[i]), windows

    windows = tuple(jnp.zeros((count, side, side), plane.dtype) for plane in canvas)
    return jax.lax.fori_loop(0, count, step, (canvas, windows))


def _paste(pictures, corners, canvas):
    above, below = _visit(blend, canvas, corners, pictures)
    return above, (pictures, corners, below)


def _paste_backward(kept, gradient):
    pictures, corners, below = kept

    def to_canvas(gradient, picture):
        _, vjp = jax.vjp(lambda canvas: blend(canvas, picture), gradient)
        return vjp(gradient)[0]

    gradient, above = _visit(to_canvas, gradient, corners, pictures, backwards=True)
    _, to_pictures = jax.vjp(lambda pictures: blend(below, pictures), pictures)
    return *to_pictures(above), None, gradient


paste.defvjp(_paste, _paste_backward)
