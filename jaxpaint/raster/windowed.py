"""The windowed rasterizer: each stroke drawn in a window of its own, and pasted onto one canvas.

For networks, which draw a stroke in the middle of pictures of one size, and for painting in blocks.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh
from jaxtyping import Bool, Float, Int

from jaxpaint import runtime
from jaxpaint.brushes import Brush, Stroke, from_window, to_window, with_nowhere
from jaxpaint.problem import Bounds, Problem
from jaxpaint.raster.compositing import paste
from jaxpaint.raster.tiling import rounded_up
from jaxpaint.renderers import Model

# Batch of pictures that a network makes together: larger batches leave a CPU's cache, and only take longer to compile
# for a GPU. Numbers of pictures are rounded up, to limit recompilation: to a power of two up to the second number, and
# to its multiples above.
_PICTURES_TOGETHER, _PICTURES_ROUNDED = 32, 128
# Pixels of windows whose activations are kept for the gradient. Where strokes need more, they come in layers: only the
# canvas below each layer is kept, and its pictures are made again.
_PIXELS_KEPT = 2**21
# Side of the window that a network's stroke is drawn in: in lengths of the stroke and ranges of its sizes; at least, in
# pixels; at most, in long sides of the picture.
_PER_EXTENT, _PER_SIZE, _LEAST_WINDOW, _GREATEST_WINDOW = 1.3, 1.1, 8, 0.25
# How far strokes stay from the ends of the range, in sides of the window around each, and of a block.
_ROOM, BLOCK_ROOM = 0.02, 0.1


class Windows(NamedTuple):
    """Where strokes are drawn: squares of a canvas with a margin around the picture.

    Attributes:
      corners: row and column of each one's first pixel on the canvas.
      origins: the same as x and y in canvas coordinates.
      sides: in canvas units.
      margin: in pixels; no window is larger.
    """

    corners: Int[np.ndarray, "n 2"]
    origins: Float[np.ndarray, "n 2"]
    sides: Float[np.ndarray, "n 1"]
    margin: int

    @classmethod
    def of(cls, brush: Brush, strokes: Float[np.ndarray, "n d"], problem: Problem) -> Windows:
        """The blocks that strokes are in, or windows that each fills but for a margin."""
        longest, block = max(problem.shape), problem.block
        middle = brush.middle(strokes)[:, ::-1] * longest
        if block:
            margin, sides = block, np.full((len(strokes), 1), block)
            corners = block * (middle // block + 1)
        else:
            margin = max(_LEAST_WINDOW, math.ceil(_GREATEST_WINDOW * longest))
            sides = np.maximum(_PER_EXTENT * brush.extent(strokes), _PER_SIZE * brush.longest_size(strokes))
            sides = np.clip(np.rint(longest * sides[:, None]), _LEAST_WINDOW, margin)
            corners = np.rint(middle + margin - sides / 2)
        corners = np.clip(corners, 0, longest + margin).astype(np.int32)
        origins = (corners[:, ::-1] - margin).astype(np.float32) / longest
        return cls(corners, origins, (sides / longest).astype(np.float32), margin)

    def bounds(self, brush: Brush, problem: Problem) -> Bounds:
        """The problem's bounds, cut to each stroke's window."""
        room = BLOCK_ROOM if problem.block else _ROOM
        ends = (np.full((len(self.sides), brush.dim), value, np.float32) for value in (room, 1.0 - room))
        low, high = (from_window(brush, end, self.origins, self.sides) for end in ends)
        # Fixed parameters stay where they are.
        bound = brush.mask("x", "y", "size") & (problem.bounds.low < problem.bounds.high)
        low = np.where(bound, np.maximum(problem.bounds.low, low), problem.bounds.low)
        high = np.where(bound, np.minimum(problem.bounds.high, high), problem.bounds.high)
        return Bounds(low.astype(np.float32), np.maximum(low, high).astype(np.float32))


@functools.partial(
    jax.tree_util.register_dataclass,
    data_fields=["ids", "corners", "origins", "sides", "side", "target", "canvas", "drawn", "weight"],
    meta_fields=["patch", "zoomed"],
)
@dataclasses.dataclass(frozen=True)
class Windowed:
    """One canvas, and the strokes that move, each with the window in which it is drawn.

    The canvas is square, with the largest window's margin around the picture. Strokes come in layers, whose pictures
    are kept together.

    Attributes:
      ids: `[layers, m]` integers, the strokes, lowest first.
      corners: `[layers, m, 2]`, row and column of each one's window on the canvas.
      origins: `[layers, m, 2]`, the same as x and y in canvas coordinates.
      sides: `[layers, m, 1]`, of the windows, in canvas units.
      side: of a window that is shown as it is drawn, in canvas units.
      target, canvas: planes `[1, P, P]`.
      drawn: like them, or None (see `Problem`).
      weight: of a pixel in the loss; 0 beyond the picture.
      patch: side of the pictures that are pasted, in pixels.
      zoomed: whether windows are of different sides; else all fill their pictures.
    """

    # Any: JAX builds this form of other leaves, too, such as tracers.
    ids: Any
    corners: Any
    origins: Any
    sides: Any
    side: Any
    target: Any
    canvas: Any
    drawn: Any
    weight: Any
    patch: int
    zoomed: bool

    @classmethod
    def of(
        cls, windows: Windows, problem: Problem, *, moving: Bool[np.ndarray, "n"], window: int, devices: int
    ) -> Windowed:
        """The canvas of a problem, and the strokes that move on it.

        Args:
          windows: of all strokes.
          problem: has target, canvas and weights.
          moving: which strokes are drawn.
          window: side, in pixels, of the pictures that the renderer draws.
          devices: between how many the pictures are divided.
        """
        height, width = problem.shape
        longest, margin = max(height, width), windows.margin
        ids = np.flatnonzero(moving)
        # Some 25 numbers are kept of a pixel on the canvas, and about 100 of one that a network makes.
        most = max(1, _PIXELS_KEPT // max(window**2, margin**2 // 4))
        unit = most if len(ids) > most else min(rounded_up(len(ids), _PICTURES_TOGETHER), _PICTURES_ROUNDED)
        unit = math.lcm(devices, unit)
        surplus = -len(ids) % unit
        layers = (len(ids) + surplus) // unit if len(ids) > most else 1
        # Filled up with strokes that are nowhere, in the window of the first.
        chosen = np.pad(ids, (0, surplus), constant_values=ids[0] if len(ids) else 0)
        ids = np.pad(ids, (0, surplus), constant_values=len(moving)).astype(np.int32)

        def plane(picture: Float[np.ndarray, "height width"], mode: Any) -> Float[np.ndarray, "1 size size"]:
            around = [(margin, margin + longest - side) for side in (height, width)]
            return np.pad(picture, around, mode=mode)[None]

        def planes(picture: Float[np.ndarray, "height width 3"]) -> tuple[np.ndarray, ...]:
            return tuple(plane(picture[..., c], "edge") for c in range(3))

        def in_layers(rows: np.ndarray) -> np.ndarray:
            return rows.reshape(layers, -1, *rows.shape[1:])

        return cls(
            ids=in_layers(ids),
            corners=in_layers(windows.corners[chosen]),
            origins=in_layers(windows.origins[chosen]),
            sides=in_layers(windows.sides[chosen]),
            side=np.float32(window / longest),
            target=planes(problem.target),
            canvas=planes(problem.canvas),
            drawn=None if problem.drawn is None else planes(problem.drawn),
            weight=plane(problem.pixel_weights, "constant"),
            # In blocks, pictures are laid as they are drawn.
            patch=window if problem.block else margin,
            zoomed=not problem.block,
        )

    def divided(self, mesh: Mesh, function: Callable[..., Any], *shared: Any) -> Any:
        """Calls `function` undivided: only the making of pictures is sharded (see `value_and_grad`)."""
        del mesh
        return function(self, *shared)

    def value_and_grad(
        self, mesh: Mesh, model: Model, loss: Callable[..., Any], *, softness: Any
    ) -> tuple[Callable[..., Any], Any]:
        """The loss of strokes and its gradient.

        Args:
          mesh: the devices, between which the pictures are divided.
          model, loss, softness: as for `Tiled.value_and_grad`.

        Returns:
          A function `(strokes, step, memory) -> (loss and auxiliary value, gradient, memory)`, and its first memory:
          the difference between the drawing as seen and the first step's canvas, which corrects all steps.
        """

        def layered(windows: Any, canvas: Any) -> Any:
            def lay(canvas: Any, layer: Any) -> Any:
                corners, *windows = layer
                return paste(self._pictures(mesh, model, softness, windows), corners, canvas), None

            lay = lay if len(windows) == 1 else jax.checkpoint(lay)
            return jax.lax.scan(lay, canvas, (self.corners, windows, self.sides))[0]

        def value_and_gradient(strokes: Any, i: Any, missing: Any) -> Any:
            windows, to_strokes = jax.vjp(
                lambda strokes: to_window(
                    model.brush, with_nowhere(model.brush, strokes)[self.ids], self.origins, self.sides
                ),
                strokes,
            )
            below = tuple(plane[0] for plane in self.canvas)
            canvas, to_windows = jax.vjp(lambda windows: layered(windows, below), windows)
            canvas = tuple(plane[None] for plane in canvas)
            if self.drawn is not None:
                lacks = zip(self.drawn, canvas, missing, strict=True)
                missing = tuple(jnp.where(i == 0, drawn - h, m) for drawn, h, m in lacks)
                seen = (jnp.clip(h + m, 0.0, 1.0) for h, m in zip(canvas, missing, strict=True))
                canvas = tuple(h + jax.lax.stop_gradient(s - h) for h, s in zip(canvas, seen, strict=True))
            value, gradient = jax.value_and_grad(loss, has_aux=True)(canvas, self.target, self.weight)
            (gradient,) = to_windows(tuple(plane[0] for plane in gradient))
            return value, to_strokes(gradient)[0], missing

        return value_and_gradient, jax.tree.map(jnp.zeros_like, self.canvas)

    def _pictures(self, mesh: Mesh, model: Model, softness: Any, windows: Any) -> Stroke:
        """The pictures of strokes, given in their windows' coordinates, with the windows' sides."""
        render = model.renderer(self.patch, softness=softness)

        def picture(each: Any) -> Stroke:
            window, own_side = each
            return render(window, own_side[0] / self.side) if self.zoomed else render(window)

        def pictures(windows: Any) -> Stroke:
            return jax.lax.map(picture, windows, batch_size=_PICTURES_TOGETHER)

        # The network takes most of a step's time. XLA itself divides matrix products between a CPU's cores.
        return pictures(windows) if runtime.on_cpu() else runtime.shard(mesh, pictures)(windows)
