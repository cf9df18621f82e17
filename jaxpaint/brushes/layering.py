"""Layering of strokes: a stroke covers the paint below, or darkens the paint below as a glaze."""

from __future__ import annotations

from collections.abc import Callable

import jax.numpy as jnp

from jaxpaint.brushes.base import Stroke


def glazed(stroke: Stroke) -> Stroke:
    """Turns a stroke into a transparent film: `h ← h (1 − α (1 − s))`, the light below times the film's colour.

    A film is written as black paint with an alpha for each channel, so that code that blends strokes blends films, too.
    A film has no thickness: light falls on the relief below.
    """
    alpha = stroke.alpha * (len(stroke.foreground) // len(stroke.alpha))
    absorbed = tuple(a * (1.0 - s) for a, s in zip(alpha, stroke.foreground, strict=True))
    return Stroke(tuple(jnp.zeros_like(a) for a in absorbed), absorbed)


def laid(render: Callable[..., Stroke], layering: str) -> Callable[..., Stroke]:
    """Makes a renderer draw strokes in the layering of `Settings.layering`, "over" or "glaze"."""
    return render if layering == "over" else lambda *args: glazed(render(*args))
