"""Soft blending of strokes onto a canvas: `h[t+1] = α[t] s[t] + (1 − α[t]) h[t]`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from jaxpaint.brushes import Canvas, Renderer, Stroke

Planes = tuple[Float[Array, "height width"], ...]
# The canvas below each of k strokes.
Kept = tuple[Float[Array, "k windows size size"], ...]


# How much of the relief below a stroke is still felt through its paint.
_FELT = 0.12
# Where pigment settles: its least exposure to a ground, where the mean is 1, and the exponent of its growth.
_SETTLING = {"tops": (0.40, 1.3), "pits": (0.86, 1.0)}


def blend(canvas: Canvas, stroke: Stroke) -> Canvas:
    """Lays one stroke over a canvas; of any leading shape.

    A height `h` is laid over a relief `H` as `H ← (1 − α) H + α (h + κ H)`, after Hertzmann, "Fast paint texture",
    NPAR 2002.
    """
    colors = canvas[: len(stroke.foreground)]
    alpha = stroke.alpha * (len(colors) // len(stroke.alpha))
    blended = tuple(h + a * (s - h) for h, s, a in zip(colors, stroke.foreground, alpha, strict=True))
    relief = canvas[len(colors) :]
    if stroke.height:
        ((below,), (height,)) = relief, stroke.height
        relief = (below + alpha[0] * (height - (1 - _FELT) * below),)
    return blended + relief


def caught(alpha: Float[Array, "*n"], tooth: Float[Array, "*n"], settles: str) -> Float[Array, "*n"]:
    """Alpha of a stroke on a grained ground, where pigment settles on the tops or in the pits.

    `1 − (1 − α)^g` with an exposure g of mean 1; so one thick layer equals several thin ones.

    Args:
      alpha: of the stroke on a smooth ground, in [0, 1].
      tooth: share of the ground that is higher than this place, in [0, 1].
      settles: on the "tops", as dry pigment does, or in the "pits", as pigment in water does.

    Returns:
      Values in [0, 1], whose mean over the ground is about `alpha`.
    """
    least, steep = _SETTLING[settles]
    share = tooth if settles == "pits" else 1.0 - tooth
    exposure = least + (1.0 - least) * (1.0 + steep) * share**steep
    return 1.0 - jnp.maximum(1.0 - alpha, 1e-6) ** exposure


def composite(
    render: Callable[[Any], Stroke],
    strokes: Any,
    canvas: Canvas,
    count: Int[Array, ""] | int,
) -> Canvas:
    """Draws strokes one over the other, in many windows at once.

    Args:
      render: draws one stroke.
      strokes: in each window's coordinates, lowest first: `[k, windows, d]`, or a tree of such arrays for `render`.
      canvas: the canvas below the strokes, planes `[windows, S, S]`.
      count: how many of the k strokes to draw; may be traced. Memory does not depend on it.

    Returns:
      The canvas above them.
    """

    def step(t: Any, canvas: Any) -> Any:
        return blend(canvas, jax.vmap(render)(jax.tree.map(lambda leaf: leaf[t], strokes)))

    return jax.lax.fori_loop(0, count, step, canvas)


def room(canvas: Canvas, k: int) -> Kept:
    """Memory for the canvas below each of k strokes, as `composite_forward` wants it."""
    return tuple(jnp.zeros((k, *plane.shape), plane.dtype) for plane in canvas)


def composite_forward(
    render: Renderer,
    strokes: Float[Array, "k windows d"],
    canvas: Canvas,
    count: Int[Array, ""] | int,
    below: Kept,
) -> tuple[Canvas, Kept]:
    """`composite`, and the canvas below each stroke, which a gradient needs.

    Args:
      render, strokes, canvas, count: as for `composite`.
      below: memory from `room`, whose content does not matter. A loop over many canvases hands the memory on: clearing
        the memory for each canvas would take a good part of the time of drawing.

    Returns:
      The canvas above the strokes; the canvas below each of the first `count`, the others as they were.
    """

    def step(t: Any, carry: Any) -> Any:
        canvas, below = carry
        below = tuple(jax.lax.dynamic_update_index_in_dim(b, h, t, 0) for b, h in zip(below, canvas, strict=True))
        return blend(canvas, jax.vmap(render)(strokes[t])), below

    return jax.lax.fori_loop(0, count, step, (canvas, below))


def composite_backward(
    render: Renderer,
    strokes: Float[Array, "k windows d"],
    count: Int[Array, ""] | int,
    below: Kept,
    gradient: Canvas,
) -> Float[Array, "k windows d"]:
    """Pulls a gradient of the canvas above the strokes back to them.

    For a number of strokes that is known only at run time. Each is drawn again, which costs less than keeping its own
    picture.

    Args:
      render, strokes, count: as for `composite_forward`.
      below: the canvases that `composite_forward` has kept.
      gradient: of the canvas that it gave.
    """

    def draw(stroke: Any, canvas: Any) -> Any:
        return blend(canvas, jax.vmap(render)(stroke))

    def step(i: Any, carry: Any) -> Any:
        gradient, total = carry
        t = count - 1 - i
        _, vjp = jax.vjp(draw, strokes[t], tuple(b[t] for b in below))
        stroke_gradient, gradient = vjp(gradient)
        return gradient, jax.lax.dynamic_update_index_in_dim(total, stroke_gradient, t, 0)

    return jax.lax.fori_loop(0, count, step, (gradient, jnp.zeros_like(strokes)))[1]


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


def _cut(canvas: Planes, corner: Any, side: int) -> Any:
    return tuple(jax.lax.dynamic_slice(plane, corner, (side, side)) for plane in canvas)


def _put(canvas: Planes, window: Any, corner: Any) -> Any:
    return tuple(jax.lax.dynamic_update_slice(p, w, corner) for p, w in zip(canvas, window, strict=True))


def _visit(
    change: Callable[..., Any], canvas: Planes, corners: Int[Array, "n 2"], pictures: Any, *, backwards: bool = False
) -> Any:
    """Changes a canvas window by window; gives it back with all windows, `[n, S, S]`, as they were before.

    A window is stored and read again: if it were used as it is cut, XLA would copy the whole canvas for each.
    """
    count, side = len(corners), pictures.alpha[0].shape[-1]

    def step(i: Any, carry: Any) -> Any:
        canvas, windows = carry
        i = count - 1 - i if backwards else i
        cut = _cut(canvas, corners[i], side)
        windows = tuple(jax.lax.dynamic_update_index_in_dim(w, c, i, 0) for w, c in zip(windows, cut, strict=True))
        changed = change(tuple(w[i] for w in windows), jax.tree.map(lambda leaf: leaf[i], pictures))
        return _put(canvas, changed, corners[i]), windows

    windows = tuple(jnp.zeros((count, side, side), plane.dtype) for plane in canvas)
    return jax.lax.fori_loop(0, count, step, (canvas, windows))


def _paste(pictures: Any, corners: Int[Array, "n 2"], canvas: Planes) -> Any:
    above, below = _visit(blend, canvas, corners, pictures)
    return above, (pictures, corners, below)


def _paste_backward(kept: Any, gradient: Planes) -> Any:
    pictures, corners, below = kept

    def to_canvas(gradient: Any, picture: Any) -> Any:
        _, vjp = jax.vjp(lambda canvas: blend(canvas, picture), gradient)
        return vjp(gradient)[0]

    gradient, above = _visit(to_canvas, gradient, corners, pictures, backwards=True)
    _, to_pictures = jax.vjp(lambda pictures: blend(below, pictures), pictures)
    return *to_pictures(above), None, gradient


paste.defvjp(_paste, _paste_backward)
