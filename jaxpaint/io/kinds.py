"""Kinds of files, for the errors of readers that expected another one."""

from __future__ import annotations

import contextlib
import pathlib
import warnings
import zipfile

from PIL import Image

VIDEO_ENDINGS = {".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv"}
# What takes each kind.
_TAKERS = {
    "a painting": "bin/draw draws it",
    "a film": "bin/draw draws it",
    "a video": "bin/paint_video paints it",
    "a picture": "bin/paint paints it",
    "weights of a network": "--config.weights or --config.vgg takes them",
    "a file of settings": "--config takes it",
}


def told(path: pathlib.Path, *, expected: str) -> str:
    """Which other kind of file one is, and which command or flag takes it, such as `a film; bin/draw draws it`.

    Args:
      path: path of the file.
      expected: the kind of file that it is not.

    Returns:
      The text; empty if the kind is unknown.
    """
    kind = _kind(path)
    return f"{kind}; {_TAKERS[kind]}" if kind not in ("", expected) else ""


def _kind(path: pathlib.Path) -> str:
    """The kind of a file by its contents, or else by its ending; empty if it is unknown."""
    suffix = path.suffix.lower()
    with path.open("rb") as file:
        head = file.read(64)
    with contextlib.suppress(zipfile.BadZipFile), zipfile.ZipFile(path) as archive:
        return "a painting" if {"strokes.npy", "brush.npy"} <= set(archive.namelist()) else ""
    if head.startswith(b'{"film": '):
        return "a film"
    if suffix in VIDEO_ENDINGS:
        return "a video"
    # Pillow warns of large pictures, and may stumble over damage.
    with contextlib.suppress(Exception), warnings.catch_warnings(action="ignore"), Image.open(path):
        return "a picture"
    if suffix == ".safetensors":
        return "weights of a network"
    return "a file of settings" if suffix in (".py", ".json") else ""
