"""Fitting strokes to a picture by gradient descent through a renderer, tile by tile."""

from __future__ import annotations

import functools
import math
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.scipy.ndimage import map_coordinates
from jax.sharding import PartitionSpec
from jaxtyping import Array, Bool, Float, Int

from jaxpaint import losses, runtime
from jaxpaint.blending import Canvas, composite_backward, composite_forward, paste, room
from jaxpaint.brushes import NOWHERE, Brush, from_window, nowhere, to_window, with_nowhere
from jaxpaint.directions import Field
from jaxpaint.grids import Grid, reach, rounded_up
from jaxpaint.renderers import Arrays, Model

# Small tiles leave out most of the pixels that a stroke does not reach; transport needs room to move in.
_TILE, _TRANSPORT_TILE = 16, 64
# Programs are compiled for windows of at least so many pixels: 512 × 512. As many are drawn together; by a CPU, no more
# than its cache holds, the second number.
_LEAST_PIXELS, _PIXELS_TOGETHER = 2**18, 2**13
# A network's pictures that are made together: more of them leave a CPU's cache, and only take longer to compile for a
# GPU. Above the second number, theirs is rounded up to a multiple of it, below to a power of two: few programs.
_PICTURES_TOGETHER, _PICTURES_ROUNDED = 32, 128
# Pixels of windows whose pictures, and all that a network made them of, are kept until the gradient is known. Of more
# strokes than that, only the canvas below each so many is, and they are drawn once more.
_PIXELS_KEPT = 2**21
# Strokes listed for a tile, for each pixel of its side; where more reach it, the lowest ones are left out.
_LISTED = 8
# Steps between two looks at which strokes reach which tiles.
CHUNK = 20
# Steps in which candidates for new strokes are fitted by themselves, and how much of the rate is left at the last.
_TRIAL, _TRIAL_LAST = 2 * CHUNK, 0.2
# Side of the window that a network's stroke is drawn in: in lengths of the stroke and ranges of its sizes; at least, in
# pixels; at most, in long sides of the picture.
_PER_EXTENT, _PER_SIZE, _LEAST_WINDOW, _GREATEST_WINDOW = 1.3, 1.1, 8, 0.25
# How far strokes stay from the ends of the range, in sides of the window around each, and of a block.
_ROOM, BLOCK_ROOM = 0.02, 0.1
_ADAM = optax.scale_by_adam(b1=0.9, b2=0.99, eps=1e-12)
_RMSPROP = optax.scale_by_rms(decay=0.99, eps=1e-8, eps_in_sqrt=False)


class Weights(NamedTuple):
    """Weights of the losses, each a mean over the picture's pixels (transport: of the window that a pixel is in).

    `product` is the scalar product of canvas and target, a sum. With any loss's gradient for a target, of the whole
    canvas for instance, it brings that gradient to the strokes.

    `direction` is how far strokes' headings are from the picture's directions, see `strayed`; a mean over the pixels
    that each stroke covers.
    """

    l1: float = 0.0
    l2: float = 1.0
    transport: float = 0.0
    product: float = 0.0
    direction: float = 0.0


class Bounds(NamedTuple):
    """Least and greatest values of strokes' parameters, of all alike or of each."""

    low: Float[np.ndarray, "*#n d"]
    high: Float[np.ndarray, "*#n d"]


class Springs(NamedTuple):
    """What draws strokes back to where they rest: the loss grows by half of `stiffness · (strokes − rest)²`, summed."""

    rest: Float[np.ndarray, "n d"]
    stiffness: Float[np.ndarray, "n d"]


class Problem(NamedTuple):
    """A picture to be painted: what a fit is given besides the strokes.

    Attributes:
      target: in [0, 1].
      canvas: what lies below the strokes, in [0, 1].
      weights: of the losses.
      bounds: of the strokes' parameters.
      drawn: how canvas and strokes will be seen, in [0, 1]; a renderer of single windows is corrected by what its own
        picture is apart from that.
      springs: what draws strokes back, or None.
      importance: weight of each pixel in the loss, of mean 1; None for equal weights.
      max_aspect: greatest length of a stroke, in its widths; 0 for no limit.
      form: directions that strokes should follow (`directions.form`), or None.
    """

    target: Float[np.ndarray, "height width 3"]
    canvas: Float[np.ndarray, "height width 3"]
    weights: Weights
    bounds: Bounds
    drawn: Float[np.ndarray, "height width 3"] | None = None
    springs: Springs | None = None
    importance: Float[np.ndarray, "height width"] | None = None
    max_aspect: float = 0.0
    form: Field | None = None


class _Pull(NamedTuple):
    """The prior on headings.

    Attributes:
      form: the directions in the frame: doubled angles, times how sure they are.
      shares: of the picture's pixels that each stroke covers.
    """

    form: Float[np.ndarray, "side side 2"]
    shares: Float[np.ndarray, "n"]


def _pull(brush: Brush, strokes: Float[np.ndarray, "n d"], problem: Problem) -> _Pull | None:
    if problem.form is None:
        return None
    height, width, _ = problem.target.shape
    rows, columns, _ = problem.form.shape
    # Square, so that one program fits pictures of all proportions.
    form = np.pad(problem.form, ((0, max(columns - rows, 0)), (0, max(rows - columns, 0)), (0, 0)), mode="edge")
    return _Pull(form, (brush.areas(strokes) * max(height, width) ** 2 / (height * width)).astype(np.float32))


def strayed(brush: Brush, strokes: Float[Array, "n d"], form: Float[Array, "side side 2"]) -> Float[Array, "n"]:
    """How far each stroke's heading is from a field of directions, in [0, 2].

    `clear · sure · (1 − cos 2(φ − θ))`, of the heading φ and the direction θ where the stroke is: 0 along the field, 2
    across it where it is sure. The gradient turns strokes; it does not move them to where they would fit.

    Args:
      brush: whose strokes they are.
      strokes: in frame coordinates.
      form: directions in the frame, as `directions.form` gives them.
    """

    def each(stroke):
        at, heading = brush.headings(stroke)
        places = list(jax.lax.stop_gradient(at.T[::-1] * len(form) - 0.5))
        seen = jnp.stack([map_coordinates(form[..., i], places, order=1, mode="nearest") for i in range(2)], axis=1)
        most = jnp.linalg.norm(jax.lax.stop_gradient(heading), axis=1) * jnp.linalg.norm(seen, axis=1)
        return (most - (heading * seen).sum(axis=1)).mean()

    return jax.vmap(each)(strokes)


class _Tiles(NamedTuple):
    """Windows in groups that are drawn together; the first device's groups, then those of the next.

    Attributes:
      turns: `[devices]`, how many of its groups a device has to draw; the rest are there for the shape's sake.
      ids: `[groups, k, windows]`, the strokes of each, lowest first.
      counts: `[groups]`, how many there are at most in a group.
      origins: `[groups, 1, windows, 2]`.
      target, canvas: planes `[groups, windows, S, S]`.
      weight: of a pixel in the loss; 0 beyond the picture.
    """

    turns: Int[np.ndarray, "devices"]
    ids: Int[np.ndarray, "groups k windows"]
    counts: Int[np.ndarray, "groups"]
    origins: Float[np.ndarray, "groups 1 windows 2"]
    target: Canvas
    canvas: Canvas
    weight: Float[np.ndarray, "groups windows size size"]


class _Patches(NamedTuple):
    """One canvas, and the strokes that move, each with the window in which it is drawn.

    The canvas is square, with the largest window's margin around the picture. Strokes come in layers, whose pictures
    are kept together.

    Attributes:
      ids: `[layers, m]`, the strokes, lowest first.
      corners: `[layers, m, 2]`, row and column of each one's window on the canvas.
      origins: `[layers, m, 2]`, the same as x and y in frame coordinates.
      sides: `[layers, m, 1]`, of the windows, in frame units.
      target, canvas: planes `[1, P, P]`.
      drawn: like them, or None (see `Problem`).
      weight: of a pixel in the loss; 0 beyond the picture.
    """

    ids: Int[np.ndarray, "layers m"]
    corners: Int[np.ndarray, "layers m 2"]
    origins: Float[np.ndarray, "layers m 2"]
    sides: Float[np.ndarray, "layers m 1"]
    target: Canvas
    canvas: Canvas
    drawn: Canvas | None
    weight: Float[np.ndarray, "1 size size"]


class _Windows(NamedTuple):
    """Where strokes are drawn: squares of a canvas with a margin around the picture.

    Attributes:
      corners: row and column of each one's first pixel on the canvas.
      origins: the same as x and y in frame coordinates.
      sides: in frame units.
      margin: in pixels; no window is larger.
    """

    corners: Int[np.ndarray, "n 2"]
    origins: Float[np.ndarray, "n 2"]
    sides: Float[np.ndarray, "n 1"]
    margin: int


def _windows(brush: Brush, strokes: Float[np.ndarray, "n d"], longest: int, block: int | None) -> _Windows:
    """The blocks that strokes are in, or windows that each fills but for a margin."""
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
    return _Windows(corners, origins, (sides / longest).astype(np.float32), margin)


def _patches(windows: _Windows, moving: Bool[np.ndarray, "n"], problem: Problem, window: int, devices: int) -> _Patches:
    height, width, _ = problem.target.shape
    longest, margin = max(height, width), windows.margin
    ids = np.flatnonzero(moving)
    # Some 25 numbers are kept of a pixel on the canvas, and about 100 of one that a network makes.
    most = max(1, _PIXELS_KEPT // max(window**2, margin**2 // 4))
    unit = most if len(ids) > most else min(rounded_up(len(ids), _PICTURES_TOGETHER), _PICTURES_ROUNDED)
    unit = math.lcm(devices, unit)
    surplus = -len(ids) % unit
    layers = (len(ids) + surplus) // unit if len(ids) > most else 1
    # Filled up with strokes that are nowhere, in the window of the first.
    of = np.pad(ids, (0, surplus), constant_values=ids[0] if len(ids) else 0)
    ids = np.pad(ids, (0, surplus), constant_values=len(moving)).astype(np.int32)

    def plane(picture, mode):
        around = [(margin, margin + longest - side) for side in (height, width)]
        return np.pad(picture, around, mode=mode)[None]

    def planes(picture):
        return tuple(plane(picture[..., c], "edge") for c in range(3))

    target, canvas = planes(problem.target), planes(problem.canvas)
    drawn = None if problem.drawn is None else planes(problem.drawn)
    weight = plane(_pixel_weights(problem), "constant")
    ids, corners, origins, sides = (
        a.reshape(layers, -1, *a.shape[1:]) for a in (ids, windows.corners[of], windows.origins[of], windows.sides[of])
    )
    return _Patches(ids, corners, origins, sides, target, canvas, drawn, weight)


def _pixel_weights(problem: Problem) -> Float[np.ndarray, "height width"]:
    """Weights of the pixels in the loss."""
    if problem.importance is None:
        return np.ones(problem.target.shape[:2], np.float32)
    return problem.importance


def _own_bounds(brush: Brush, windows: _Windows, problem: Problem, *, room: float) -> Bounds:
    """The problem's bounds, and for each stroke those of its window."""
    ends = (np.full((len(windows.sides), brush.dim), value, np.float32) for value in (room, 1.0 - room))
    low, high = (from_window(brush, end, windows.origins, windows.sides) for end in ends)
    # What is fixed stays where it is.
    bound = brush.mask("x", "y", "size") & (problem.bounds.low < problem.bounds.high)
    low = np.where(bound, np.maximum(problem.bounds.low, low), problem.bounds.low)
    high = np.where(bound, np.minimum(problem.bounds.high, high), problem.bounds.high)
    return Bounds(low.astype(np.float32), np.maximum(low, high).astype(np.float32))


def tile(weights: Weights) -> int:
    """Side in pixels of the windows in which these losses are taken, where the renderer draws any."""
    return _TRANSPORT_TILE if weights.transport else _TILE


def _tiles(
    brush: Brush,
    strokes: Float[np.ndarray, "n d"],
    problem: Problem,
    first: int,
    margin: float,
    devices: int,
    *,
    only: Bool[np.ndarray, "n"] | None = None,
) -> _Tiles:
    """All windows of the picture; or those alone that one of `only` these strokes reaches, if any does."""
    height, width, _ = problem.target.shape
    grid = Grid(height, width, tile(problem.weights))
    listed = _LISTED * grid.tile
    near = reach(brush, strokes, grid, margin=margin, most=listed, first=first)
    # Windows that as many strokes reach lie in the same group.
    order = np.argsort(-near.counts, kind="stable")
    pixels = _PIXELS_TOGETHER if runtime.on_cpu() else _LEAST_PIXELS
    together = pixels // grid.tile**2
    # The strokes of a group's fullest window are drawn in all of them: small pictures have few that are alike.
    while together > 1 and 2 * together * devices > len(order):
        together //= 2
    slots = rounded_up(-(-len(order) // (together * devices)), -(-_LEAST_PIXELS // (pixels * devices)))
    groups = slots * devices
    if only is not None and (reached := np.append(only, False)[near.ids[order]].any(axis=1)).any():
        order = order[reached]
    dealt, turns = _dealt(near.counts[order[::together]], devices, slots)
    places = (dealt.reshape(groups, 1) * together + np.arange(together)).ravel()
    # What is left of the groups is filled up with windows in which nothing counts.
    filled, surplus = order[places % len(order)], places >= len(order)
    ids = np.where(surplus[:, None], len(strokes), near.ids[filled])
    counts = np.where(surplus, 0, near.counts[filled])

    def planes(picture):
        return tuple(p[filled].reshape(groups, together, grid.tile, grid.tile) for p in grid.split(picture))

    (weight,) = grid.split(_pixel_weights(problem)[..., None])
    weight = (weight * grid.inside())[filled] * ~surplus[:, None, None]
    return _Tiles(
        turns,
        ids.reshape(groups, together, listed).swapaxes(1, 2),
        counts.reshape(groups, together).max(axis=1),
        grid.origins[filled].reshape(groups, 1, together, 2),
        planes(problem.target),
        planes(problem.canvas),
        weight.reshape(groups, together, grid.tile, grid.tile),
    )


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


class Moments(NamedTuple):
    """What is remembered of the gradients of a stage: their mean (Adam's), their square, the number of steps."""

    steps: Int[Array, ""] | Int[np.ndarray, ""]
    mean: Float[Array, "n d"] | Float[np.ndarray, "n d"]
    square: Float[Array, "n d"] | Float[np.ndarray, "n d"]

    @classmethod
    def zero(cls, shape: tuple[int, int]) -> Moments:
        """The moments before the first step."""
        return cls(np.zeros((), np.int32), np.zeros(shape, np.float32), np.zeros(shape, np.float32))


class Fit(NamedTuple):
    """How good a fit is: its loss, and the mean squared difference between canvas and target."""

    loss: float
    squared: float

    @property
    def psnr(self) -> float:
        """Peak signal to noise ratio, in dB."""
        return -10.0 * math.log10(max(self.squared, 1e-10))


def descend(
    model: Model,
    arrays: Arrays,
    strokes: Float[np.ndarray, "n d"],
    moments: Moments,
    problem: Problem,
    *,
    first: int,
    rates: Float[np.ndarray, "steps"],
    softness: float,
    block: int | None = None,
    everywhere: bool = True,
) -> tuple[Float[np.ndarray, "n d"], Moments, Fit]:
    """A few steps of gradient descent on some of the strokes.

    By Adam, positions and sizes in proportion to a stroke's own size, all else in units of its parameter. In blocks, as
    Stylized Neural Painting has it: by RMSprop, positions and sizes in units of the block.

    Args:
      model: draws the strokes.
      arrays: the model's arrays.
      strokes: in frame coordinates, lowest first; those not placed yet are `nowhere`.
      moments: of the gradients so far.
      problem: what to paint.
      first: strokes below this one are left alone (and are part of the canvas).
      rates: the learning rate of each step.
      softness: of the edges, in pixels.
      block: side, in pixels, of the squares of the picture that are painted each for itself, with the strokes whose
        middle is in them; it is the window of a renderer that draws only one size. None: strokes may be anywhere.
      everywhere: whether all of the picture is looked at, or only where there are strokes that their bounds let move;
        with a renderer of single windows, all of it is in any case.

    Returns:
      The strokes, the moments, and how good the fit was before the last step, where it was looked at.
    """
    brush, window = model.brush, block or model.window
    placed = strokes[:, brush.index("x")[0]] > NOWHERE
    moving = placed & (np.arange(len(strokes)) >= first)
    where: _Tiles | _Patches
    patch = None
    mesh = runtime.mesh()
    height, width, _ = problem.target.shape
    longest = max(height, width)
    if window is None:
        bounds = problem.bounds
        free = None if everywhere else moving & (bounds.low < bounds.high).any(axis=-1)
        where = _tiles(brush, strokes, problem, first, 2.0 + softness, mesh.size, only=free)
    else:
        windows = _windows(brush, strokes, longest, block)
        where = _patches(windows, moving, problem, window, mesh.size)
        # In blocks, pictures are laid as they are drawn.
        patch = None if block else windows.margin
        bounds = _own_bounds(brush, windows, problem, room=BLOCK_ROOM if block else _ROOM)
    side = (window or tile(problem.weights)) / longest
    sizes = side if block else strokes[:, brush.index("size")].mean(axis=1, keepdims=True)
    scale = np.where(brush.mask("x", "y", "size"), sizes, 1.0) * moving[:, None]
    scale = np.where(bounds.low < bounds.high, scale, 0.0).astype(np.float32)
    steps = len(rates)
    padded = np.zeros(max(steps, CHUNK), np.float32)
    padded[:steps] = rates
    strokes, moments, fit = _descend(
        mesh,
        model,
        window,
        patch,
        "rmsprop" if block else "adam",
        problem.weights.transport > 0,
        where,
        arrays,
        strokes,
        moments,
        problem.springs,
        _pull(brush, strokes, problem),
        Bounds(*(np.broadcast_to(bound, scale.shape) for bound in bounds)),
        np.array(problem.weights, np.float32),
        np.float32(height * width),
        np.float32(side),
        scale,
        moving,
        padded,
        steps,
        np.float32(softness),
    )
    strokes = np.asarray(strokes)
    if problem.max_aspect:
        strokes = np.where(scale > 0, brush.shortened(strokes, problem.max_aspect), strokes)
    return strokes, jax.tree.map(np.asarray, moments), Fit(*map(float, fit))


@functools.partial(jax.jit, static_argnums=(0, 1, 2, 3, 4, 5), compiler_options=runtime.COMPILER_OPTIONS)
def _descend(mesh, model, window, patch, rule, with_transport, where, *shared):
    steps = functools.partial(_steps, mesh, model, window, patch, rule, with_transport)
    return divided(mesh, steps, where, *shared) if window is None else steps(lambda values: values, where, *shared)


def divided(mesh, function, tiles, *shared):
    """What devices find together, each in its own share of the tiles.

    Args:
      mesh: the devices.
      function: of `(total, tiles, *shared)`, where `total` adds up over the devices; returns such totals.
      tiles: arrays whose first axis is divided.
      shared: arrays that all devices see.
    """
    if mesh.size == 1:
        return function(lambda values: values, tiles, *shared)
    return jax.shard_map(
        functools.partial(function, functools.partial(jax.lax.psum, axis_name=mesh.axis_names)),
        mesh=mesh,
        in_specs=(PartitionSpec(mesh.axis_names), *[PartitionSpec()] * len(shared)),
        out_specs=PartitionSpec(),
        check_vma=False,
    )(tiles, *shared)


def _summed(function, tiles, zero, below):
    """The sum over a device's groups of tiles of what `function(group, below)` gives, and the memory it hands on."""

    def add(i, carry):
        total, below = carry
        value, below = function(jax.tree.map(lambda leaf: leaf[i], tiles), below)
        return jax.tree.map(jnp.add, total, value), below

    return jax.lax.fori_loop(0, tiles.turns[0], add, (zero, below))


def _room(tiles):
    """Memory for what lies below the strokes of one group."""
    return room(tuple(plane[0] for plane in tiles.canvas), tiles.ids.shape[1])


def _steps(
    mesh,
    model,
    window,
    patch,
    rule,
    with_transport,
    total,
    where,
    arrays,
    strokes,
    moments,
    springs,
    pull,
    bounds,
    weights,
    pixels,
    side,
    scale,
    moving,
    rates,
    steps,
    softness,
):
    """All steps of `descend`; `total` adds up over the devices."""
    brush = model.brush
    render = model.renderer(arrays, patch or window or where.weight.shape[-1], softness=softness)

    def in_windows(strokes, where, side):
        return to_window(brush, with_nowhere(brush, strokes)[where.ids], where.origins, side)

    def loss(canvas, target, weight):
        # The PSNR is of all pixels alike.
        squared = losses.canvas_l2(canvas, target, mask=jnp.sign(weight)) / (3 * pixels)
        value = weights[0] * losses.canvas_l1(canvas, target, mask=weight) / (3 * pixels)
        value += weights[1] * losses.canvas_l2(canvas, target, mask=weight) / (3 * pixels)
        if with_transport:
            value += weights[2] * losses.canvas_transport(canvas, target, mask=weight) / (3 * pixels)
        value += weights[3] * sum((h * slope * weight).sum() for h, slope in zip(canvas, target, strict=True))
        return value, squared

    def tiled(strokes, _, below):
        def group(tiles, below):
            windows, to_strokes = jax.vjp(lambda strokes: in_windows(strokes, tiles, side), strokes)
            canvas, below = composite_forward(render, windows, tiles.canvas, tiles.counts, below)
            value, gradient = jax.value_and_grad(loss, has_aux=True)(canvas, tiles.target, tiles.weight)
            gradient = composite_backward(render, windows, tiles.counts, below, gradient)
            return (value, to_strokes(gradient)[0]), below

        sums, below = _summed(group, where, ((jnp.zeros(()),) * 2, jnp.zeros_like(strokes)), below)
        return *total(sums), below

    def rendered(windows):
        def picture(each):
            window, own_side = each
            return render(window) if patch is None else render(window, own_side[0] / side)

        return jax.lax.map(picture, windows, batch_size=_PICTURES_TOGETHER)

    # What a network takes; the rest of a step is little, and each device does all of it. A CPU's cores do better with
    # XLA's own division of its products.
    rendered = rendered if runtime.on_cpu() else runtime.shared_out(mesh, rendered)

    def layered(windows, canvas):
        def lay(canvas, layer):
            corners, *windows = layer
            return paste(rendered(windows), corners, canvas), None

        lay = lay if len(windows) == 1 else jax.checkpoint(lay)
        return jax.lax.scan(lay, canvas, (where.corners, windows, where.sides))[0]

    def pasted(strokes, i, missing):
        windows, to_strokes = jax.vjp(lambda strokes: in_windows(strokes, where, where.sides), strokes)
        below = tuple(plane[0] for plane in where.canvas)
        canvas, to_windows = jax.vjp(lambda windows: layered(windows, below), windows)
        canvas = tuple(plane[None] for plane in canvas)
        if where.drawn is not None:
            # What the first step's canvas lacks of how it will be seen, all have to make up for.
            missing = tuple(jnp.where(i == 0, d - h, m) for d, h, m in zip(where.drawn, canvas, missing, strict=True))
            seen = (jnp.clip(h + m, 0.0, 1.0) for h, m in zip(canvas, missing, strict=True))
            canvas = tuple(h + jax.lax.stop_gradient(s - h) for h, s in zip(canvas, seen, strict=True))
        value, gradient = jax.value_and_grad(loss, has_aux=True)(canvas, where.target, where.weight)
        (gradient,) = to_windows(tuple(plane[0] for plane in gradient))
        return value, to_strokes(gradient)[0], missing

    # From step to step: the tiles' memory, or the correction of the canvas.
    if window is None:
        value_and_gradient, kept = tiled, _room(where)
    else:
        value_and_gradient, kept = pasted, jax.tree.map(jnp.zeros_like, where.canvas)

    def step(i, carry):
        strokes, moments, _, kept = carry
        value, gradient, kept = value_and_gradient(strokes, i, kept)
        if springs is not None:
            gradient += springs.stiffness * (strokes - springs.rest)
        if pull is not None:
            gradient += weights[4] * jax.grad(lambda s: pull.shares @ strayed(brush, s, pull.form))(strokes)
        if rule == "adam":
            update, state = _ADAM.update(gradient, optax.ScaleByAdamState(*moments))
            moments = Moments(*state)
        else:
            update, state = _RMSPROP.update(gradient, optax.ScaleByRmsState(moments.square))
            moments = moments._replace(square=state.nu)
        moved = jnp.clip(strokes - rates[i] * scale * update, bounds.low, bounds.high)
        return jnp.where(moving[:, None], moved, strokes), moments, value, kept

    return jax.lax.fori_loop(0, steps, step, (strokes, moments, (jnp.zeros(()),) * 2, kept))[:3]


def worth(
    model: Model,
    arrays: Arrays,
    strokes: Float[np.ndarray, "n d"],
    problem: Problem,
) -> Float[np.ndarray, "n"]:
    """What each stroke is worth: by how much the weighted squared error would grow without it.

    Exact for each alone; of two alike, one above the other, neither is worth much, and both together may be.

    Args:
      model, arrays, strokes, problem: as for `descend`.
    """
    mesh = runtime.mesh()
    tiles = _tiles(model.brush, strokes, problem, 0, 1.0, mesh.size)
    height, width, _ = problem.target.shape
    side = np.float32(tile(problem.weights) / max(height, width))
    return np.asarray(_worth(mesh, model, tiles, arrays, strokes, side))


@functools.partial(jax.jit, static_argnums=(0, 1), compiler_options=runtime.COMPILER_OPTIONS)
def _worth(mesh, model, tiles, *shared):
    return divided(mesh, functools.partial(_gains, model), tiles, *shared)


def _gains(model, total, tiles, arrays, strokes, side):
    """See `worth`; `total` adds up over the devices."""
    render = model.renderer(arrays, tiles.weight.shape[-1], softness=jnp.zeros(()))

    def group(tiles, below):
        windows = to_window(model.brush, with_nowhere(model.brush, strokes)[tiles.ids], tiles.origins, side)
        canvas, below = composite_forward(render, windows, tiles.canvas, tiles.counts, below)
        errors = tuple(h - y for h, y in zip(canvas, tiles.target, strict=True))

        def downwards(i, carry):
            seen, total = carry
            t = tiles.counts - 1 - i
            foreground, alpha, *_ = jax.vmap(render)(windows[t])
            alpha = alpha * (3 // len(alpha))
            # What the canvas owes to the stroke.
            shares = (s * a * (f - b[t]) for s, a, f, b in zip(seen, alpha, foreground, below, strict=True))
            gain = sum((e - share) ** 2 - e**2 for e, share in zip(errors, shares, strict=True))
            seen = tuple(s * (1 - a) for s, a in zip(seen, alpha, strict=True))
            return seen, total.at[t].set((gain * tiles.weight).sum(axis=(1, 2)))

        unseen = tuple(jnp.ones_like(h) for h in tiles.canvas)
        gains = jax.lax.fori_loop(0, tiles.counts, downwards, (unseen, jnp.zeros(windows.shape[:2])))[1]
        return jnp.zeros(strokes.shape[0] + 1).at[tiles.ids].add(gains)[:-1], below

    return total(_summed(group, tiles, jnp.zeros(strokes.shape[0]), _room(tiles))[0])


def cosine(first: float, last: float, steps: int) -> Float[np.ndarray, "steps"]:
    """Rates that fall from the first to the last along half a cosine."""
    phase = np.arange(steps) / max(steps - 1, 1)
    return (last + (first - last) * 0.5 * (1 + np.cos(np.pi * phase))).astype(np.float32)


def renewed(
    model: Model,
    arrays: Arrays,
    strokes: Float[np.ndarray, "n d"],
    candidates: Float[np.ndarray, "m d"],
    canvas: Float[np.ndarray, "height width 3"],
    problem: Problem,
    *,
    rate: float,
    softness: float,
    lowest: int = 0,
) -> tuple[Float[np.ndarray, "n d"], Int[np.ndarray, "kept"]]:
    """As many strokes, the best of these and of candidates, which are fitted by themselves before they compete.

    As it is placed, a candidate is often worth less than what it hides, and after some steps more.

    Args:
      model, arrays, strokes, problem: as for `descend`.
      candidates: new strokes, which will lie on top; not more than there are strokes.
      canvas: what the strokes leave, in [0, 1], which is what candidates are fitted on.
      rate: the learning rate of their first step.
      softness: of the edges, in pixels.
      lowest: how many of the lowest strokes stay, whatever they are worth.

    Returns:
      The strokes, lowest first, and the places, among those given, of those that are kept; the rest are new.
    """
    count, new = len(strokes), len(candidates)
    # Filled up, so that the program is that which fits the strokes.
    tried = np.concatenate([candidates, nowhere(model.brush, count - new)])
    alone, moments = problem._replace(canvas=canvas), Moments.zero(tried.shape)
    rates = cosine(rate, _TRIAL_LAST * rate, _TRIAL)
    for start in range(0, _TRIAL, CHUNK):
        some = rates[start : start + CHUNK]
        tried, moments, _ = descend(
            model, arrays, tried, moments, alone, first=0, rates=some, softness=softness, everywhere=False
        )
    every = np.concatenate([strokes, tried[:new]])
    gains = np.where(np.arange(len(every)) < lowest, np.inf, worth(model, arrays, every, problem))
    best = np.sort(np.argsort(gains, kind="stable")[new:])
    return every[best], best[best < count]


def needed(
    model: Model,
    arrays: Arrays,
    strokes: Float[np.ndarray, "n d"],
    problem: Problem,
    *,
    economy: float,
    lowest: int = 0,
) -> Float[np.ndarray, "m d"]:
    """The strokes without those that change little of what they cover.

    Args:
      model, arrays, strokes, problem: as for `descend`.
      economy: least root mean square error, in [0, 1], that a stroke must remove from its area.
      lowest: how many of the lowest strokes stay, whatever they are worth.

    References:
      Hertzmann, "Painterly rendering with curved brush strokes of multiple sizes", SIGGRAPH 1998, which lays no strokes
      where the error is small.
    """
    count, (height, width, channels) = len(strokes), problem.target.shape
    while True:
        # Filled up, so that one program serves however many are left.
        filled = np.concatenate([strokes, nowhere(model.brush, count - len(strokes))])
        worths = worth(model, arrays, filled, problem)[: len(strokes)]
        removed = worths / (channels * max(height, width) ** 2 * model.brush.areas(strokes))
        removed[:lowest] = np.inf
        idle = int((removed < economy**2).sum())
        if not idle:
            return strokes
        # Two identical strokes, one over the other, each seem idle, though one is needed: leave out half at a time.
        strokes = strokes[np.sort(np.argsort(removed, kind="stable")[-(-idle // 2) :])]
