"""Origins: marks inside files that name their inputs, so that commands replace only their own files.

Every file that a command writes (pictures, videos, paintings, films, reports, weights) contains a mark: the name of
this program, and a checksum of the inputs and of the kind of the file. The mark alone identifies a file; the file's
name does not matter.

Files that other programs may edit are signed: the mark is at the end of the file, with a checksum of all bytes before
the mark. The checksum shows whether the file has changed.
"""

from __future__ import annotations

import hashlib
import os
import pathlib
import re
import struct
import zlib
from collections.abc import Callable
from typing import BinaryIO, NamedTuple

# Bytes at either end of a file that are searched.
_SEARCHED = 2**24
# Number of bytes per read.
_PIECE = 2**20
# Larger files, such as long videos, take minutes to read. Number of the samples that are read instead, and their bytes.
_SAMPLES, _SAMPLE = 64, 2**26
_MARK = re.compile(rb"jaxpaint:([0-9a-f]{32})(?::([0-9a-f]{32}))?")
# Greatest number of bytes after a mark.
_MOST_AFTER = 16
_LENGTH = len("jaxpaint:") + 32 + len(":") + 32


class _Place(NamedTuple):
    """The place of the signature in a file format.

    Attributes:
      last: number of bytes at the file's end that the signature replaces.
      before: bytes before the mark.
      after: function from the mark to the bytes after the mark.
    """

    last: int
    before: bytes
    after: Callable[[bytes], bytes]


_COMMENT, _IEND = b"tEXtComment\0", b"\0\0\0\0IEND\xaeB`\x82"
_SEGMENT = b"\x18\x53\x80\x67"
_BOX = _Place(0, struct.pack(">I4s", 8 + _LENGTH, b"free"), lambda mark: b"")
_VOID = _Place(0, bytes([0xEC, 0x80 | _LENGTH]), lambda mark: b"")
_PLACES = {
    # A text chunk before the last chunk.
    ".png": _Place(
        len(_IEND),
        struct.pack(">I", len(_COMMENT) - 4 + _LENGTH) + _COMMENT,
        lambda mark: struct.pack(">I", zlib.crc32(_COMMENT + mark)) + _IEND,
    ),
    # A comment before the end of the picture (ITU-T T.81, B.2.4.5).
    **dict.fromkeys(
        (".jpg", ".jpeg"), _Place(2, struct.pack(">2sH", b"\xff\xfe", 2 + _LENGTH), lambda mark: b"\xff\xd9")
    ),
    # After the end, which readers ignore. In a GIF, ffmpeg reads a comment after the last frame as another frame.
    **dict.fromkeys((".gif", ".psd"), _Place(0, b"", lambda mark: b"")),
    # The comment of the zip. The length of the comment is the last field of a zip without comment.
    **dict.fromkeys((".npz", ".ora"), _Place(2, struct.pack("<H", _LENGTH), lambda mark: b"")),
    # Another key, indented as by `json.dumps(..., indent=2)`.
    ".json": _Place(3, b',\n  "origin": "', lambda mark: b'"\n}\n'),
    # A comment before the end of the drawing.
    ".svg": _Place(7, b"<!-- ", lambda mark: b" -->\n</svg>\n"),
    ".html": _Place(8, b"<!-- ", lambda mark: b" -->\n</html>\n"),
    # Comments of G-code, of GIMP's palettes, and of HPGL.
    ".gcode": _Place(0, b"; ", lambda mark: b"\n"),
    ".gpl": _Place(0, b"# ", lambda mark: b"\n"),
    ".hpgl": _Place(0, b'CO"', lambda mark: b'";\n'),
    # A box, or an element of the segment, that players ignore.
    **dict.fromkeys((".mp4", ".mov"), _BOX),
    **dict.fromkeys((".mkv", ".webm"), _VOID),
}


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
    """The text that a file made from `origin` carries; empty if the origin is."""
    return f"jaxpaint:{origin}" if origin else ""


def sign(path: str | os.PathLike[str], origin: str) -> None:
    """Adds a mark, and a checksum of all bytes before the mark, to a complete file.

    Args:
      path: path of a file whose format has a place for the signature, by its ending; other files are not changed.
      origin: checksum of the inputs; if empty, the file is not changed.

    Raises:
      OSError: the file can't be written.
    """
    place = _PLACES.get(pathlib.Path(path).suffix.lower())
    if not origin or place is None:
        return
    with open(path, "r+b") as file:
        if place is _VOID:
            _lengthen_segment(file, len(place.before) + _LENGTH)
        file.seek(-place.last, os.SEEK_END)
        file.truncate()
        file.write(place.before)
        signature = f"{mark(origin)}:{_checksum_before(file, file.tell())}".encode()
        file.write(signature + place.after(signature))


def _lengthen_segment(file: BinaryIO, count: int) -> None:
    """Increases the length field of a Matroska file's only segment: eight bytes that begin with 1."""
    head = file.read(1024)
    at = head.index(_SEGMENT) + len(_SEGMENT)
    file.seek(at)
    file.write(struct.pack(">Q", struct.unpack_from(">Q", head, at)[0] + count))


def of_file(path: str | os.PathLike[str]) -> str:
    """The origin of a file; empty if it is not a file of ours.

    Raises:
      OSError: the file can't be read.
    """
    with open(path, "rb") as file:
        return find(_marked(file)[1])


def find(content: bytes) -> str:
    """The origin of the first mark in a file's content; empty if there is none."""
    found = _MARK.search(content)
    return found[1].decode() if found else ""


def is_unchanged(path: str | os.PathLike[str]) -> bool:
    """Whether a file is unchanged since it was signed; also True for an unsigned file.

    Raises:
      OSError: the file can't be read.
    """
    with open(path, "rb") as file:
        start, text = _marked(file)
        found, size = _MARK.fullmatch(text), file.seek(0, os.SEEK_END)
        if found is None or found[2] is None:
            return True
        return size <= start + len(text) + _MOST_AFTER and found[2].decode() == _checksum_before(file, start)


def _marked(file: BinaryIO) -> tuple[int, bytes]:
    """Position and text of the first mark near the beginning or the end of a file; empty text without a mark."""
    size = file.seek(0, os.SEEK_END)
    for start in (0, max(_SEARCHED, size - _SEARCHED)):
        file.seek(start)
        if found := _MARK.search(file.read(_SEARCHED)):
            return start + found.start(), found[0]
    return 0, b""


def _checksum_before(file: BinaryIO, end: int) -> str:
    """Checksum of a file's bytes before a position, in 32 hexadecimal digits; leaves the file at that position."""
    digest = hashlib.sha256()
    file.seek(0)
    while count := min(_PIECE, end - file.tell()):
        digest.update(file.read(count))
    return digest.hexdigest()[:32]
