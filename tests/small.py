"""Small settings and a small picture that tests share, and with them compiled programs."""

import dataclasses

import jax
import numpy as np

from jaxpaint.settings import Settings

KEY = jax.random.key(7)
# Without the fit of the texture, whose program takes longest to compile; it has tests of its own.
SMALL = Settings(brush="oilpaintbrush", strokes=37, steps=24, size=48, textured=False)
NEURAL = dataclasses.replace(SMALL, renderer="light", steps=16, size=64, detail="alike")
SMALL_RECTANGLES = dataclasses.replace(SMALL, brush="rectangle")


def disc_and_bar():
    """A disc and a bar on a gradient, 60 × 90."""
    y, x = np.mgrid[:60, :90] / 60
    image = np.stack([0.3 + 0.4 * x, 0.2 + 0.5 * y, 0.6 - 0.3 * x], axis=-1) * 0.7
    image[(x - 0.5) ** 2 + (y - 0.5) ** 2 < 0.08] = (0.9, 0.8, 0.1)
    image[(abs(x - 1.2) < 0.08) & (y > 0.2)] = (0.05, 0.1, 0.3)
    return np.clip(image, 0, 1).astype(np.float32)
