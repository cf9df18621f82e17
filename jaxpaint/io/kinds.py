"""Kinds of files, for errors of readers that got another kind."""

from __future__ import annotations

import contextlib
import pathlib
import warnings
import zipfile

from PIL import Image

VIDEO_ENDINGS = {".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv"}
# The command or flag that takes each kind.
_TAKERS = {
    "a painting": "bin/draw draws it",
    "a film": "bin/draw draws it",
    "a video": "bin/paint_video paints it",
    "a picture": "bin/paint paints it",
    "weights of a network": "--config.weights or --config.vgg takes them",
    "a file of settings": "--config takes it",
}


def told(path: pathlib.Path, *, expected: str) -> str:
    """Names the kind of a file and the command or flag that takes it, such as `a film; bin/draw draws it`.

    Args:
      path: path of the file.
      expected: the kind that the reader expected.

    Returns:
      The text; empty if the kind is unknown.
    """
    kind = _kind(path)
    return f"{kind}; {_TAKERS[kind]}" if kind not in ("", expected) else ""


def _kind(path: pathlib.Path) -> str:
    """The kind of a file, from its contents or else from its ending; empty if unknown."""
    suffix = path.suffix.lower()
    with path.open("rb") as file:
        head = file.read(64)
    with contextlib.suppress(zipfile.BadZipFile), zipfile.ZipFile(path) as archive:
        return "a painting" if {"strokes.npy", "brush.npy"} <= set(archive.namelist()) else ""
    if head.startswith(b'{"film": '):
        return "a film"
    if b'"jaxpaint painting"' in head:
        return "a painting"
    if suffix in VIDEO_ENDINGS:
        return "a video"
    # Pillow warns of large pictures, and may fail on damaged files.
    with contextlib.suppress(Exception), warnings.catch_warnings(action="ignore"), Image.open(path):
        return "a picture"
    if suffix == ".safetensors":
        return "weights of a network"
    return "a file of settings" if suffix in (".py", ".json") else ""
