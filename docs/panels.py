"""Rows of panels, strokes as lines, and meshes: shared by the figures of figures.py."""

from __future__ import annotations

import functools
import io
import pathlib
from collections.abc import Callable

import jax
import numpy as np
import trimesh
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from PIL import Image

from jaxpaint import pictures
from jaxpaint.brushes import BRUSHES, Look, nowhere
from jaxpaint.renderers import engine

ACCENT, INK, QUIET = "#8a4b2a", "#333333", "#9a9a9a"
RAMP = LinearSegmentedColormap.from_list("accent", ["#ffffff", "#e6c9b3", ACCENT, "#3a1d0f"])
# Figures are shown 700 pixels wide, and have twice as many.
WIDTH, DPI, MOST_BYTES = 7.0, 200, 80_000
FILBERT = BRUSHES["filbert"]


def save(figure: Figure, path: pathlib.Path) -> None:
    """Writes a figure as JPEG, in the best quality whose file is small enough."""
    buffer = io.BytesIO()
    figure.savefig(buffer, dpi=DPI, facecolor="white")
    plt.close(figure)
    image = Image.open(buffer).convert("RGB")
    for quality in range(90, 30, -4):
        packed = io.BytesIO()
        image.save(packed, "jpeg", quality=quality, optimize=True, progressive=True)
        if packed.tell() <= MOST_BYTES:
            break
    path.write_bytes(packed.getvalue())
    print(f"{path.name}: {image.width} × {image.height}, quality {quality}, {packed.tell() / 1000:.0f} kB")


def panels(columns: int, *, plot: float = 0.0, ratio: float = 1.0) -> tuple[Figure, list[Axes]]:
    """A row of panels, below their titles.

    Args:
      columns: number of panels.
      plot: width of a further panel with axes, in panels; 0: none.
      ratio: height of a panel, in widths.
    """
    gap, title, below = 0.008, 0.25, 0.34 if plot else 0.04
    left = (0.5 if plot else 0.0) / WIDTH
    wide = (1.0 - 2 * 0.004 - left - gap * (columns - 1 + (plot > 0))) / (columns + plot)
    high = wide * WIDTH * ratio
    total = title + high + below
    figure = plt.figure(figsize=(WIDTH, total))
    corners = [0.004 + (wide + gap) * column for column in range(columns)]
    axes = [figure.add_axes((corner, below / total, wide, high / total)) for corner in corners]
    if plot:
        corner = 0.004 + (wide + gap) * columns + left
        axes.append(figure.add_axes((corner, below / total, 0.976 - corner, high / total)))
    return figure, axes


def show(axes: Axes, picture: np.ndarray, title: str, **options: object) -> None:
    """A picture in [0, 1] with its title, in canvas coordinates."""
    height, width = picture.shape[:2]
    extent = (0, width / max(height, width), height / max(height, width), 0)
    axes.imshow(np.clip(picture, 0, 1), extent=extent, vmin=0, vmax=1, **{"interpolation": "lanczos", **options})
    axes.set(xticks=[], yticks=[], title=title)
    for spine in axes.spines.values():
        spine.set(visible=True, color="#d8d8d8", linewidth=0.6)


def pale(picture: np.ndarray, share: float = 0.35) -> np.ndarray:
    """A small picture in pale grey, to draw lines on."""
    grey = pictures.resize(np.float32(picture.mean(axis=-1, keepdims=True)), (112, 112))
    return np.repeat(1 - share * (1 - grey), 3, axis=-1)


@functools.cache
def _alphas(size: int) -> Callable[[np.ndarray], list]:
    return jax.jit(jax.vmap(engine(FILBERT, size, look=Look(flat=True))))


def outline(axes: Axes, strokes: np.ndarray, *, size: int = 192, **options: object) -> None:
    """Outlines of strokes, in canvas coordinates."""
    filled = np.concatenate([strokes, nowhere(FILBERT, -len(strokes) % 32)])
    at = (np.arange(size) + 0.5) / size
    style = {"colors": ACCENT, "linewidths": 0.8, **options}
    for start in range(0, len(strokes), 32):
        for alpha in np.asarray(_alphas(size)(filled[start : start + 32]).alpha[0]):
            if alpha.max() > 0.5:
                axes.contour(at, at, alpha, levels=[0.5], **style)


def curve(stroke: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Points of a stroke's Bézier curve, `[len(t), 2]`."""
    p0, p2 = stroke[0:2], stroke[4:6]
    p1 = p0 + (p2 - p0) * stroke[2:4]
    t = t[:, None]
    return (1 - t) ** 2 * p0 + 2 * t * (1 - t) * p1 + t**2 * p2


def pixels(data: bytes) -> np.ndarray:
    """The pixels of an encoded picture, with alpha, in [0, 1]."""
    with Image.open(io.BytesIO(data)) as picture:
        return np.asarray(picture.convert("RGBA"), np.float32) / 255


def slanted(axes: Axes, mesh: trimesh.Trimesh, title: str) -> None:
    """A mesh, white or in its colours, seen from below."""
    turns = (trimesh.transformations.rotation_matrix(*each) for each in ((-0.65, (1, 0, 0)), (0.15, (0, 0, 1))))
    seen = mesh.copy().apply_transform(next(turns) @ next(turns))
    color = np.full((len(mesh.faces), 3), 0.93)
    if isinstance(mesh.visual, trimesh.visual.TextureVisuals):
        places, texture = mesh.visual.uv[mesh.faces].mean(axis=1), mesh.visual.material.baseColorTexture
        color = trimesh.visual.color.uv_to_interpolated_color(places, texture)[:, :3] / 255
    shade = np.clip(seen.face_normals @ trimesh.unitize((-0.6, 0.5, 0.6)), 0.25, 1.0)[:, None]
    # The nearest triangles last; those of the back are not seen.
    order = np.argsort(seen.triangles_center[:, 2])
    order = order[seen.face_normals[order, 2] > 0]
    paint = {"facecolors": (color * shade)[order], "edgecolors": (color * shade)[order], "linewidths": 0.2}
    axes.add_collection(PolyCollection(seen.triangles[order][..., :2], **paint))
    axes.set(xticks=[], yticks=[], title=title, aspect="equal", adjustable="datalim")
    axes.margins(0)
    axes.autoscale()
    axes.axis("off")
