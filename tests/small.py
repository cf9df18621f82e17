"""Small settings and a small picture that tests share, and with them compiled programs."""

import dataclasses

import jax
import numpy as np

from jaxpaint.settings import Settings

KEY = jax.random.key(7)
# Of the brush whose programs compile soonest; without the fit of the texture, which rectangles have none of.
SMALL = Settings(brush="rectangle", strokes=37, steps=24, size=48, textured=False)
# For tests of bristles.
SMALL_OIL = dataclasses.replace(SMALL, brush="oilpaintbrush")
NEURAL = dataclasses.replace(SMALL_OIL, renderer="light", steps=16, size=64, detail="alike")


def disc_and_bar():
    """A disc and a bar on a gradient, 60 × 90."""
    y, x = np.mgrid[:60, :90] / 60
    image = np.stack([0.3 + 0.4 * x, 0.2 + 0.5 * y, 0.6 - 0.3 * x], axis=-1) * 0.7
    image[(x - 0.5) ** 2 + (y - 0.5) ** 2 < 0.08] = (0.9, 0.8, 0.1)
    image[(abs(x - 1.2) < 0.08) & (y > 0.2)] = (0.05, 0.1, 0.3)
    return np.clip(image, 0, 1).astype(np.float32)


def stripes():
    """Wide dark blue and orange stripes, 40 × 56: a style."""
    row = (np.arange(56) // 14 % 2)[None, :, None]
    return np.broadcast_to(np.where(row, [0.95, 0.5, 0.1], [0.05, 0.1, 0.3]), (40, 56, 3)).astype(np.float32)
