"""How a stroke lies over what is below: it covers it, or darkens it as a glaze."""

from __future__ import annotations

from collections.abc import Callable

import jax.numpy as jnp

from jaxpaint.brushes.base import Stroke


def glazed(stroke: Stroke) -> Stroke:
    """The stroke as a transparent film: `h ← h (1 − α (1 − s))`, the light below times the film's colour.

    Written as black paint with an alpha for each channel, so that all that blends strokes blends films. A film has no
    body: light falls on the relief below.
    """
    alpha = stroke.alpha * (len(stroke.foreground) // len(stroke.alpha))
    absorbed = tuple(a * (1.0 - s) for a, s in zip(alpha, stroke.foreground, strict=True))
    return Stroke(tuple(jnp.zeros_like(a) for a in absorbed), absorbed)


def laid(render: Callable[..., Stroke], layering: str) -> Callable[..., Stroke]:
    """The renderer, whose strokes lie over what is below as `Settings.layering` says."""
    return render if layering == "over" else lambda *args: glazed(render(*args))
