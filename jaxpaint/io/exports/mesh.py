"""Reliefs: STL for printers, and GLB (binary glTF) with colours for Blender and browsers.

The paint's surface, four sides and a flat back are one closed mesh, with corners at the centres of the drawing's
pixels. STL is in millimetres, with z towards the viewer. glTF is in metres, with the picture standing upright.

References:
  Khronos Group, glTF 2.0 specification, 2021.
"""

from __future__ import annotations

import dataclasses
import json
import pathlib
import struct
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from jaxpaint import pictures
from jaxpaint.io import origins
from jaxpaint.io.exports.base import Export
from jaxpaint.io.exports.maps import layers_of
from jaxpaint.io.images import encoded
from jaxpaint.settings import Checked, setting
from jaxpaint.types import Painting

# Types of glTF's numbers, and kinds of its buffers.
_FLOAT, _UINT, _VERTICES, _INDICES = 5126, 5125, 34962, 34963


@dataclasses.dataclass(frozen=True)
class Options(Checked):
    """Options of STL and GLB."""

    groups = {"Options of STL and GLB": ""}
    prefix = ""

    detail: int = setting(1024, "corners of the mesh along the long side", 2, 2048)
    width_mm: float = setting(200.0, "width of the print, in millimetres", 1.0, 10_000.0)
    depth: float = setting(1.0, "height of the paint: 1 for thick oil, 2 for twice as much", 0.0, 20.0)
    base_mm: float = setting(2.0, "thickness below the lowest paint, in millimetres", 0.01, 1000.0)


class Mesh(NamedTuple):
    """A closed mesh, in millimetres: x to the right, y up, z towards the viewer.

    Attributes:
      corners: the surface's first, row by row, then those of the back.
      triangles: counter-clockwise from outside.
      colors: of the surface's flat paint, in [0, 1].
    """

    corners: Float[np.ndarray, "n 3"]
    triangles: Int[np.ndarray, "m 3"]
    colors: Float[np.ndarray, "h w 3"]


def mesh_of(painting: Painting, options: Options) -> Mesh:
    """A painting's relief as a mesh."""
    layers = layers_of(painting, options.detail)
    height, width, _ = layers.shape
    pixel = options.width_mm / width
    heights = (layers[..., 3] - layers[..., 3].min()) * (options.depth * max(height, width) * pixel)
    x, y = np.meshgrid((np.arange(width) + 0.5) * pixel, (height - 0.5 - np.arange(height)) * pixel)
    front = np.stack([x, y, heights + options.base_mm], axis=-1).reshape(-1, 3)
    number = np.arange(height * width).reshape(height, width)
    # The border, counter-clockwise as seen by the viewer, and the corners of the back below it.
    border = np.concatenate([number[:-1, 0], number[-1, :-1], number[:0:-1, -1], number[0, :0:-1]])
    back = len(front) + np.arange(len(border))
    middle = len(front) + len(border)
    below = front[border] * [1.0, 1.0, 0.0]
    corners = np.concatenate([front, below, below.mean(axis=0, keepdims=True)])
    a, b, c, d = number[:-1, :-1], number[1:, :-1], number[1:, 1:], number[:-1, 1:]
    after, back_after = np.roll(border, -1), np.roll(back, -1)
    faces = [
        (a, b, d),
        (d, b, c),
        (border, back, after),
        (after, back, back_after),
        (back_after, back, np.full_like(back, middle)),
    ]
    triangles = np.concatenate([np.stack(face, axis=-1).reshape(-1, 3) for face in faces])
    return Mesh(corners.astype(np.float32), triangles, layers[..., :3])


def _write_stl(painting: Painting, path: pathlib.Path, options: Options) -> None:
    corners, triangles, _ = mesh_of(painting, options)
    faces = np.zeros(len(triangles), np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("more", "<u2")]))
    faces["corners"] = corners[triangles]
    one, two, three = np.moveaxis(faces["corners"], 1, 0)
    normal = np.cross(two - one, three - one)
    faces["normal"] = normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
    title = f"In millimetres. {origins.mark(painting.origin)}".encode()
    path.write_bytes(title.ljust(80, b" ") + struct.pack("<I", len(faces)) + faces.tobytes())


def _write_glb(painting: Painting, path: pathlib.Path, options: Options) -> None:
    corners, triangles, colors = mesh_of(painting, options)
    height, width, _ = colors.shape
    # Places in the picture, also of the sides and the back, whose paint runs over the edge.
    places = corners[:, :2] / (options.width_mm, options.width_mm * height / width)
    places[:, 1] = 1.0 - places[:, 1]
    positions = corners / 1000.0
    parts = [
        (positions.astype("<f4").tobytes(), _VERTICES),
        (places.astype("<f4").tobytes(), _VERTICES),
        (triangles.astype("<u4").tobytes(), _INDICES),
        (encoded(pictures.to_bytes(colors), ".png"), None),
    ]
    data, views = b"", []
    for part, target in parts:
        views.append({"buffer": 0, "byteOffset": len(data), "byteLength": len(part)})
        views[-1] |= {"target": target} if target else {}
        data += part + bytes(-len(part) % 4)
    low, high = positions.min(axis=0).tolist(), positions.max(axis=0).tolist()
    accessors = [
        {"bufferView": 0, "componentType": _FLOAT, "count": len(corners), "type": "VEC3", "min": low, "max": high},
        {"bufferView": 1, "componentType": _FLOAT, "count": len(corners), "type": "VEC2"},
        {"bufferView": 2, "componentType": _UINT, "count": triangles.size, "type": "SCALAR"},
    ]
    name = f"A painting in {len(painting.strokes)} strokes"
    paint = {"baseColorTexture": {"index": 0}, "metallicFactor": 0.0, "roughnessFactor": 0.5}
    scene = {
        "asset": {"version": "2.0", "generator": "jaxpaint", "extras": {"origin": origins.mark(painting.origin)}},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, "name": name}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0, "TEXCOORD_0": 1}, "indices": 2, "material": 0}]}],
        "materials": [{"name": "paint", "pbrMetallicRoughness": paint}],
        "textures": [{"source": 0, "sampler": 0}],
        "samplers": [{"magFilter": 9729, "minFilter": 9987, "wrapS": 33071, "wrapT": 33071}],
        "images": [{"bufferView": 3, "mimeType": "image/png"}],
        "accessors": accessors,
        "bufferViews": views,
        "buffers": [{"byteLength": len(data)}],
    }
    text = json.dumps(scene).encode()
    text += b" " * (-len(text) % 4)
    chunks = struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(data), b"BIN\0") + data
    path.write_bytes(struct.pack("<4sII", b"glTF", 2, 12 + len(chunks)) + chunks)


EXPORTS = (
    Export((".stl",), "relief for printers, in millimetres", Options, _write_stl),
    Export((".glb",), "relief with colours for Blender and browsers", Options, _write_glb),
)
