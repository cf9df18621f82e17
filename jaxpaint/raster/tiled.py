"""The tiled rasterizer: small tiles of the picture, each drawing the strokes that reach it.

For renderers that draw any part of a stroke. Tiles lie in groups that are drawn together; groups are dealt out to the
devices.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, PartitionSpec
from jaxtyping import Array, Bool, Float, Int

from jaxpaint import runtime
from jaxpaint.brushes import Brush, to_window, with_nowhere
from jaxpaint.problem import Problem
from jaxpaint.raster.compositing import Kept, composite_backward, composite_forward, room
from jaxpaint.raster.tiling import Grid, bin_strokes, rounded_up
from jaxpaint.renderers import Model

# Least pixels of tiles that a program is compiled for (512 × 512); a GPU draws all of them together. A CPU draws the
# second number together, which its cache holds.
_LEAST_PIXELS, PIXELS_TOGETHER = 2**18, 2**13
# Strokes listed for a tile, for each pixel of its side; where more reach it, the lowest ones are left out.
_LISTED = 8


class Tiled(NamedTuple):
    """A picture in tiles, in groups that are drawn together, sorted by device.

    Attributes:
      turns: `[devices]`, number of groups that a device draws; the rest are padding.
      ids: `[groups, k, tiles]`, the strokes of each, lowest first.
      counts: `[groups]`, how many there are at most in a group.
      origins: `[groups, 1, tiles, 2]`.
      sides: `[groups]`, of the tiles, in canvas units; one value, repeated since devices divide all arrays.
      target, canvas: planes `[groups, tiles, S, S]`.
      weight: of a pixel in the loss; 0 beyond the picture.
    """

    turns: Int[np.ndarray, "devices"]
    ids: Int[np.ndarray, "groups k tiles"]
    counts: Int[np.ndarray, "groups"]
    origins: Float[np.ndarray, "groups 1 tiles 2"]
    sides: Float[np.ndarray, "groups"]
    target: tuple[Float[np.ndarray, "groups tiles size size"], ...]
    canvas: tuple[Float[np.ndarray, "groups tiles size size"], ...]
    weight: Float[np.ndarray, "groups tiles size size"]

    @classmethod
    def of(
        cls,
        brush: Brush,
        strokes: Float[np.ndarray, "n d"],
        problem: Problem,
        *,
        margin: float,
        devices: int,
        first: int = 0,
        only: Bool[np.ndarray, "n"] | None = None,
    ) -> Tiled:
        """The tiles of a problem, and the strokes that reach each.

        Args:
          brush: says where strokes are.
          strokes: in canvas coordinates, lowest first.
          problem: has target, canvas and weights.
          margin: how far beyond its silhouette a stroke may act, in pixels.
          devices: between how many the tiles are divided.
          first: strokes below this one are not listed.
          only: leaves out tiles that none of these strokes reaches, unless none of the tiles is reached.
        """
        grid = Grid(*problem.shape, problem.tile)
        listed = _LISTED * grid.tile
        near = bin_strokes(brush, strokes, grid, margin=margin, most=listed, first=first)
        # A group holds tiles with similar numbers of strokes, since all of them wait for the fullest.
        order = np.argsort(-near.counts, kind="stable")
        pixels = PIXELS_TOGETHER if runtime.on_cpu() else _LEAST_PIXELS
        together = pixels // grid.tile**2
        # The strokes of a group's fullest tile are drawn in all of them: small pictures have few that are alike.
        while together > 1 and 2 * together * devices > len(order):
            together //= 2
        slots = rounded_up(-(-len(order) // (together * devices)), -(-_LEAST_PIXELS // (pixels * devices)))
        groups = slots * devices
        if only is not None and (reached := np.append(only, False)[near.ids[order]].any(axis=1)).any():
            order = order[reached]
        dealt, turns = _dealt(near.counts[order[::together]], devices, slots)
        places = (dealt.reshape(groups, 1) * together + np.arange(together)).ravel()
        # Padding: tiles in which nothing counts.
        filled, surplus = order[places % len(order)], places >= len(order)
        ids = np.where(surplus[:, None], len(strokes), near.ids[filled])
        counts = np.where(surplus, 0, near.counts[filled])

        def planes(picture: Float[np.ndarray, "height width c"]) -> tuple[np.ndarray, ...]:
            return tuple(p[filled].reshape(groups, together, grid.tile, grid.tile) for p in grid.split(picture))

        (weight,) = grid.split(problem.pixel_weights[..., None])
        weight = (weight * grid.inside())[filled] * ~surplus[:, None, None]
        return cls(
            turns=turns,
            ids=ids.reshape(groups, together, listed).swapaxes(1, 2),
            counts=counts.reshape(groups, together).max(axis=1),
            origins=grid.origins[filled].reshape(groups, 1, together, 2),
            sides=np.full(groups, grid.side, np.float32),
            target=planes(problem.target),
            canvas=planes(problem.canvas),
            weight=weight.reshape(groups, together, grid.tile, grid.tile),
        )

    def divided(self, mesh: Mesh, function: Callable[..., Any], *shared: Any) -> Any:
        """Shards `function` over the tiles; see `divided`."""
        return divided(mesh, function, self, *shared)

    def value_and_grad(
        self, mesh: Mesh, model: Model, loss: Callable[..., Any], *, softness: Any
    ) -> tuple[Callable[..., Any], Any]:
        """The loss of strokes and its gradient; on each device (see `divided`), of all of them together.

        Args:
          mesh: the devices.
          model: draws the strokes.
          loss: of `(canvas, target, weight)` in the tiles of a group; has an auxiliary value.
          softness: of the edges, in pixels.

        Returns:
          A function `(strokes, step, memory) -> (loss and auxiliary value, gradient, memory)`, and the memory that it
          hands on from step to step: it would take longer to clear that than to draw a tile.
        """
        render = model.renderer(self.weight.shape[-1], softness=softness)

        def of_group(strokes: Any, tiles: Any, below: Any) -> Any:
            windows, to_strokes = jax.vjp(lambda strokes: _windows(model.brush, strokes, tiles), strokes)
            canvas, below = composite_forward(render, windows, tiles.canvas, tiles.counts, below)
            value, gradient = jax.value_and_grad(loss, has_aux=True)(canvas, tiles.target, tiles.weight)
            gradient = composite_backward(render, windows, tiles.counts, below, gradient)
            return (value, to_strokes(gradient)[0]), below

        def value_and_gradient(strokes: Any, _: Any, below: Any) -> Any:
            zero = ((jnp.zeros(()),) * 2, jnp.zeros_like(strokes))
            sums, below = self._summed(functools.partial(of_group, strokes), zero, below)
            return *total(mesh, sums), below

        return value_and_gradient, self._room()

    def gains(self, mesh: Mesh, model: Model, strokes: Float[Array, "n d"]) -> Float[Array, "n"]:
        """By how much the weighted squared error would grow without each stroke; see `densify.leave_one_out_gains`."""
        render = model.renderer(self.weight.shape[-1], softness=jnp.zeros(()))

        def of_group(tiles: Any, below: Any) -> Any:
            windows = _windows(model.brush, strokes, tiles)
            canvas, below = composite_forward(render, windows, tiles.canvas, tiles.counts, below)
            errors = tuple(h - y for h, y in zip(canvas, tiles.target, strict=True))

            def downwards(i: Any, carry: Any) -> Any:
                seen, total = carry
                t = tiles.counts - 1 - i
                foreground, alpha, *_ = jax.vmap(render)(windows[t])
                alpha = alpha * (3 // len(alpha))
                # The stroke's contribution to the final canvas.
                shares = (s * a * (f - b[t]) for s, a, f, b in zip(seen, alpha, foreground, below, strict=True))
                gain = sum((e - share) ** 2 - e**2 for e, share in zip(errors, shares, strict=True))
                seen = tuple(s * (1 - a) for s, a in zip(seen, alpha, strict=True))
                return seen, total.at[t].set((gain * tiles.weight).sum(axis=(1, 2)))

            unseen = tuple(jnp.ones_like(h) for h in tiles.canvas)
            gains = jax.lax.fori_loop(0, tiles.counts, downwards, (unseen, jnp.zeros(windows.shape[:2])))[1]
            return jnp.zeros(strokes.shape[0] + 1).at[tiles.ids].add(gains)[:-1], below

        return total(mesh, self._summed(of_group, jnp.zeros(strokes.shape[0]), self._room())[0])

    def _room(self) -> Kept:
        """Memory for the canvases below the strokes of one group."""
        return room(tuple(jnp.asarray(plane[0]) for plane in self.canvas), self.ids.shape[1])

    def _summed(self, function: Callable[..., Any], zero: Any, below: Any) -> Any:
        """Sums `function(group, below)` over a device's groups, and hands its memory on from group to group."""

        def add(i: Any, carry: Any) -> Any:
            total, below = carry
            value, below = function(jax.tree.map(lambda leaf: leaf[i], self), below)
            return jax.tree.map(jnp.add, total, value), below

        return jax.lax.fori_loop(0, self.turns[0], add, (zero, below))


def divided(mesh: Mesh, function: Callable[..., Any], tiles: Any, *shared: Any) -> Any:
    """Shards `function` over the leading axis of the tiles.

    Args:
      mesh: the devices.
      function: of `(tiles, *shared)`; returns the same values on every device, by way of `total`.
      tiles: arrays, divided along their leading axis.
      shared: arrays that all devices see.
    """
    if mesh.size == 1:
        return function(tiles, *shared)
    return jax.shard_map(
        function,
        mesh=mesh,
        in_specs=(PartitionSpec(mesh.axis_names), *[PartitionSpec()] * len(shared)),
        out_specs=PartitionSpec(),
        check_vma=False,
    )(tiles, *shared)


def total(mesh: Mesh, values: Any) -> Any:
    """Sums values over the devices."""
    return values if mesh.size == 1 else jax.lax.psum(values, axis_name=mesh.axis_names)


def _windows(brush: Brush, strokes: Float[Array, "n d"], tiles: Tiled) -> Float[Array, "k tiles d"]:
    """The strokes of a group, in the coordinates of its tiles."""
    return to_window(brush, with_nowhere(brush, strokes)[tiles.ids], tiles.origins, tiles.sides)


def _dealt(
    costs: Int[np.ndarray, "groups"], devices: int, slots: int
) -> tuple[Int[np.ndarray, "devices slots"], Int[np.ndarray, "devices"]]:
    """Deals out groups: each, the dearest first, to the device that has least to do so far.

    Args:
      costs: of the groups, in falling order.
      devices: how many there are.
      slots: how many groups a device can take.

    Returns:
      The groups that each device takes, from the first slot on (in the others is the number of groups), and how many.
    """
    dealt = np.full((devices, slots), len(costs))
    turns, load = np.zeros(devices, np.int32), np.zeros(devices)
    for group, cost in enumerate(costs):
        device = np.where(turns < slots, load, np.inf).argmin()
        dealt[device, turns[device]] = group
        turns[device] += 1
        load[device] += cost
    return dealt, turns
