"""Origins: what a file was made from, written into the file itself, so that no other file is ever replaced.

Every file that a command writes (pictures, videos, paintings, films, reports, weights) carries a short text: the mark
of this program, and a checksum of the input that the file was made from and of what it is. A file is recognised by this
text alone, whatever its name. The text stands near the beginning or the end of every format (the comment of a PNG or
GIF, a tag of an MP4 or WebM, an array of an npz, a key of a JSON), so that one search finds it.
"""

from __future__ import annotations

import hashlib
import os
import pathlib
import re

# Bytes at either end of a file that are searched.
_SEARCHED = 2**24
# Larger files, such as long videos, take minutes to read. Number of the samples that are read instead, and their bytes.
_SAMPLES, _SAMPLE = 64, 2**26
_MARK = re.compile(rb"jaxpaint:([0-9a-f]{32})")


def made_from(kind: str, *sources: str | os.PathLike[str]) -> str:
    """The origin of what is made from files: equal for equal contents, whatever their names.

    Files of more than 4 GiB are compared by their size and by 64 samples of 64 MiB, spread evenly.

    Args:
      kind: what is made from them, such as "painting".
      sources: paths of the files.

    Returns:
      32 hexadecimal digits.

    Raises:
      OSError: a file can't be read.
    """
    digest = hashlib.sha256(kind.encode())
    for source in sources:
        digest.update(_checksum(source))
    return digest.hexdigest()[:32]


def _checksum(path: str | os.PathLike[str]) -> bytes:
    with open(path, "rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        if size <= _SAMPLES * _SAMPLE:
            return hashlib.file_digest(file, "sha256").digest()
        digest = hashlib.sha256(str(size).encode())
        for number in range(_SAMPLES):
            file.seek((size - _SAMPLE) * number // (_SAMPLES - 1))
            digest.update(file.read(_SAMPLE))
        return digest.digest()


def mark(origin: str) -> str:
    """The text that a file made from `origin` carries."""
    return f"jaxpaint:{origin}"


def of_file(path: str | os.PathLike[str]) -> str:
    """The origin of a file; empty if it is not a file of ours.

    Raises:
      OSError: the file can't be read.
    """
    with pathlib.Path(path).open("rb") as file:
        start = file.read(_SEARCHED)
        size = file.seek(0, os.SEEK_END)
        file.seek(max(len(start), size - _SEARCHED))
        return find(start) or find(file.read())


def find(content: bytes) -> str:
    """The origin of the first mark in a file's content; empty if there is none."""
    found = _MARK.search(content)
    return found[1].decode() if found else ""
