"""Pictures of single strokes: one program for each brush, size and look, whatever the strokes' number and softness."""

import functools

import jax
import numpy as np

from jaxpaint.brushes import BRUSHES, Look, Stroke
from jaxpaint.renderers import engine

SMOOTH = Look(contrast=0.0)
# With heights, which change nothing else: one program for tests that look at them and for those that do not.
TEXTURED = Look(height=True)
FLAT = Look(flat=True)
# Strokes drawn at a time. To compile takes longer than to draw some strokes for nothing.
_TOGETHER = 8


@functools.cache
def _program(name, size, look):
    def draw(strokes, softness):
        return jax.vmap(engine(BRUSHES[name], size, look=look, softness=softness))(strokes)

    return jax.jit(draw)


def draw(name, strokes, *, size, look, softness=0.0):
    """The engine's pictures: planes `[n, S, S]`, in NumPy."""
    strokes, draw = np.asarray(strokes, np.float32), _program(name, size, look)
    filled = np.resize(strokes, (-(-len(strokes) // _TOGETHER), _TOGETHER, strokes.shape[1]))
    drawn = [jax.device_get(draw(some, np.float32(softness))) for some in filled]
    planes: Stroke = jax.tree.map(lambda *parts: np.concatenate(parts)[: len(strokes)], *drawn)
    return planes
