"""The plan of a painting: its stages.

A stage places strokes and fits them. *Levels* add strokes, coarse ones first. In *rounds*, candidates are placed where
the canvas is most wrong and fitted alone; then the strokes and candidates of least gain are left out. The *finish* fits
all strokes at full size, and at last the brush's texture.

In mode `blocks`, the plan is that of Stylized Neural Painting: a stage for each stroke of a block.
"""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from jaxpaint import pictures
from jaxpaint.optimize.initialize import stroke_size
from jaxpaint.painter import lowest_kept
from jaxpaint.raster.tiling import Grid
from jaxpaint.settings import Settings

_ROUNDS = 6
# Share of the steps after which colours are fixed to the palette.
_REDUCED = 0.5
# Share of the steps that go to the levels, the rounds, the fit at full size, the accents and the fit with texture.
_SHARES = (0.28, 0.41, 0.24, 0.10, 0.07)
# Candidates of a round, in shares of the strokes.
_CANDIDATES = 0.3
# How many typical strokes fit along a picture of the renderer's, where it draws pictures of one size.
_WINDOW_PER_STROKE = 1.6
# Side of a typical stroke, in pixels, that a coarse fit has to resolve.
_RESOLVED = 13.0


class Stage(NamedTuple):
    """One stage of a painting.

    Attributes:
      add: how many strokes it adds; if any, only these are fitted, on the canvas that the others give.
      candidates: number of new strokes that compete with the present ones for their places.
      size: long side of the picture that is fitted, in pixels.
      steps: gradient steps.
      rates: learning rate of the first step and of the last.
      softness: of the edges, in pixels.
      textured: fits strokes with their texture, not its average.
      economy: leaves out strokes that change less than this, first of all (see `optimize.prune`).
      accents: lays small strokes.
      cells: spreads added strokes evenly over cells × cells.
      block: side, in pixels, of the blocks that are painted each for itself, all of their strokes at once.
      reduced: fixes the strokes' colours to the palette.
    """

    add: int
    candidates: int
    size: int
    steps: int
    rates: tuple[float, float]
    softness: float
    textured: bool = False
    economy: float = 0.0
    accents: bool = False
    cells: int | None = None
    block: int | None = None
    reduced: bool = False

    def __str__(self) -> str:
        parts = [f"{self.steps} steps at {self.size} px"]
        parts += [f"{self.add} {'accents' if self.accents else 'strokes'} added"] * bool(self.add)
        parts += [f"{self.candidates} candidates"] * bool(self.candidates)
        parts += ["with texture"] * self.textured
        parts += ["colours of the palette"] * self.reduced
        return ", ".join(parts)


def plan(
    settings: Settings, shape: tuple[int, int], *, window: int | None = None, share: float = 1.0
) -> tuple[Stage, ...]:
    """The stages of a painting. Their steps add up to the settings' steps; without an economy, so do their strokes.

    Args:
      settings: how to paint.
      shape: height and width of the picture at `settings.size`.
      window: side in pixels of the only pictures that the renderer draws; None if it draws any.
      share: of the picture that strokes are laid in.
    """
    if settings.mode == "blocks":
        stages = _plan_blocks(settings, shape, window or max(1, round(settings.size / settings.grid)))
    else:
        stages = _plan_levels(settings, stroke_size(shape, settings.strokes, share=share), window)
    if not settings.palette:
        return stages
    before = itertools.accumulate((stage.steps for stage in stages), initial=0)
    # Fixing the colours halfway gives a higher PSNR than fixing them at the first step or rounding them after the last
    # (docs/notes/painting-quality.md).
    return tuple(
        stage._replace(reduced=start + stage.steps / 2 >= _REDUCED * settings.steps)
        for stage, start in zip(stages, before, strict=False)
    )


def _plan_levels(settings: Settings, typical: float, window: int | None) -> tuple[Stage, ...]:
    """Levels, rounds and a finish, for strokes that are typically this large."""
    if window:
        # Pictures are laid about as large as they are drawn.
        full = coarse = int(np.clip(window / (_WINDOW_PER_STROKE * typical), window, max(window, settings.size)))
    else:
        full = coarse = settings.size
        while coarse > 64 and typical * coarse > 2 * _RESOLVED:
            coarse //= 2
    rate, softness = settings.learning_rate, settings.softness
    divisions = settings.max_divide or 2
    levels = np.arange(1.0, divisions + 1) ** 2 if settings.mode == "progressive" else np.ones(1)
    kept = lowest_kept(settings) if settings.spread else 0
    accents = min(round(settings.accents * settings.strokes), settings.strokes - kept)
    adds = [*([kept] if kept else []), *_split(settings.strokes - kept - accents, levels)]
    stages = [
        Stage(
            add,
            0,
            coarse,
            0,
            (rate, 0.1 * rate),
            2 * softness,
            cells=settings.grid if settings.mode == "grid" else None,
        )
        for add in adds
    ]
    candidates = int(_CANDIDATES * settings.strokes)
    stages += [Stage(0, candidates, coarse, 0, (rate, 0.5 * rate), softness)] * _ROUNDS
    stages.append(Stage(0, 0, full, 0, (rate * 2 / 3, rate / 15), softness / 2, economy=settings.economy))
    stages += [Stage(accents, 0, full, 0, (rate, rate / 10), softness / 4, accents=True)] * (accents > 0)
    stages.append(Stage(0, 0, full, 0, (rate / 2, rate / 20), softness / 8, textured=settings.textured))
    each = (len(adds), _ROUNDS, 1, int(accents > 0), 1)
    shares = np.concatenate([np.full(n, share / max(n, 1)) for n, share in zip(each, _SHARES, strict=True)])
    steps = _split(settings.steps, shares)
    # A round without steps is none.
    return tuple(
        stage._replace(steps=n, candidates=stage.candidates if n else 0) for stage, n in zip(stages, steps, strict=True)
    )


def _plan_blocks(settings: Settings, shape: tuple[int, int], block: int) -> tuple[Stage, ...]:
    """A stage for each stroke of a block, in the blocks that lie in the picture."""
    size = settings.grid * block
    grid = Grid(*pictures.fitted_shape(*shape, size), block)
    blocks = grid.rows * grid.columns
    adds = [min(blocks, settings.strokes - before) for before in range(0, settings.strokes, blocks)]
    rates = (settings.learning_rate, settings.learning_rate)
    return tuple(
        Stage(add, 0, size, steps, rates, settings.softness, textured=True, block=block)
        for add, steps in zip(adds, _split(settings.steps, np.ones(len(adds))), strict=True)
    )


def _split(total: int, shares: Float[np.ndarray, "n"]) -> list[int]:
    """Whole numbers in these proportions, whose sum is exactly `total`."""
    bounds = np.rint(np.cumsum(shares) / np.sum(shares) * total).astype(int)
    return np.diff(bounds, prepend=0).tolist()
