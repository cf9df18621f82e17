"""Which strokes are worth their place: candidates compete with strokes, and idle strokes are left out.

The densify and prune strategies of splatting, for strokes. A stroke's gain is exact.
"""

from __future__ import annotations

import functools
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh
from jaxtyping import Float, Int

from jaxpaint import runtime
from jaxpaint.brushes import nowhere, padded
from jaxpaint.optimize.loop import ADAM, CHUNK, cosine, descend, initial
from jaxpaint.problem import Problem
from jaxpaint.raster.tiled import Tiled
from jaxpaint.renderers import Model

# Steps in which candidates for new strokes are fitted by themselves, and how much of the rate is left at the last.
_TRIAL, _TRIAL_LAST = 2 * CHUNK, 0.2


def leave_one_out_gains(model: Model, strokes: Float[np.ndarray, "n d"], problem: Problem) -> Float[np.ndarray, "n"]:
    """By how much the weighted squared error would grow without each stroke.

    Exact for each alone; of two alike, one above the other, neither is worth much, and both together may be.

    Args:
      model, strokes, problem: as for `descend`.
    """
    mesh = runtime.mesh()
    # One program for all numbers of candidates: the number differs from frame to frame of a film.
    # With room for strokes, for their candidates, too.
    filled = padded(model.brush, strokes, least=2 * problem.room)
    tiles = Tiled.of(model.brush, filled, problem, margin=1.0, devices=mesh.size)
    return np.asarray(_gains(mesh, tiles, model, filled))[: len(strokes)]


@functools.partial(jax.jit, static_argnums=0, compiler_options=runtime.COMPILER_OPTIONS)
def _gains(mesh: Mesh, tiles: Tiled, model: Model, strokes: Any) -> Any:
    return tiles.divided(mesh, lambda tiles, *shared: tiles.gains(mesh, *shared), model, strokes)


def compete(
    model: Model,
    strokes: Float[np.ndarray, "n d"],
    candidates: Float[np.ndarray, "m d"],
    canvas: Float[np.ndarray, "height width 3"],
    problem: Problem,
    *,
    rate: float,
    lowest: int = 0,
) -> tuple[Float[np.ndarray, "n d"], Int[np.ndarray, "kept"]]:
    """Fits the candidates alone, then keeps the n best of all.

    Most new candidates are worth less than the strokes they hide. After some steps, more of them win.

    Args:
      model, strokes, problem: as for `descend`.
      candidates: new strokes, which will lie on top; not more than there are strokes.
      canvas: the drawing of the strokes, in [0, 1], below the candidates.
      rate: the learning rate of their first step.
      lowest: number of the lowest strokes that stay, whatever their gain.

    Returns:
      The n strokes, lowest first, and the indices of those kept of the strokes given; the rest are new.
    """
    count, new = len(strokes), len(candidates)
    # Padded, so that the program is the one that fits the strokes.
    tried = np.concatenate([candidates, nowhere(model.brush, count - new)])
    alone, state = problem._replace(canvas=canvas), initial(ADAM, tried)
    rates = cosine(rate, _TRIAL_LAST * rate, _TRIAL)
    for start in range(0, _TRIAL, CHUNK):
        some = rates[start : start + CHUNK]
        tried, state, _ = descend(model, tried, state, alone, rates=some, everywhere=False)
    every = np.concatenate([strokes, tried[:new]])
    gains = np.where(np.arange(len(every)) < lowest, np.inf, leave_one_out_gains(model, every, problem))
    best = np.sort(np.argsort(gains, kind="stable")[new:])
    return every[best], best[best < count]


def prune(
    model: Model,
    strokes: Float[np.ndarray, "n d"],
    problem: Problem,
    *,
    economy: float,
    lowest: int = 0,
) -> Float[np.ndarray, "m d"]:
    """Leaves out strokes that change little of the area they cover.

    Args:
      model, strokes, problem: as for `descend`.
      economy: least root mean square error, in [0, 1], that a stroke must remove from its area.
      lowest: number of the lowest strokes that stay, whatever their gain.

    References:
      Hertzmann, "Painterly rendering with curved brush strokes of multiple sizes", SIGGRAPH 1998, which lays no strokes
      where the error is small.
    """
    count, (height, width, channels) = len(strokes), problem.target.shape
    while True:
        # Padded, so that one program serves any number of strokes.
        filled = np.concatenate([strokes, nowhere(model.brush, count - len(strokes))])
        gains = leave_one_out_gains(model, filled, problem)[: len(strokes)]
        removed = gains / (channels * max(height, width) ** 2 * model.brush.areas(strokes))
        removed[:lowest] = np.inf
        idle = int((removed < economy**2).sum())
        if not idle:
            return strokes
        # Two identical strokes, one over the other, each seem idle, though one is needed: leave out half at a time.
        strokes = strokes[np.sort(np.argsort(removed, kind="stable")[-(-idle // 2) :])]
