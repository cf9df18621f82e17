"""Films as files: the strokes of a painted video, appended frame by frame.

A file begins with a line of JSON (`Film`). Records follow. A record consists of its kind (4 bytes), the length and the
checksum of its data (little endian, 32 bits each), and the compressed data. Readers ignore a last record that was not
written to its end, as after a crash of the machine.

| record | data |
| --- | --- |
| `STMP` | the user's own brush: stamps, height and width as 32-bit integers, then shade, coverage, height as float32 |
| `BRSH` | the older form of `STMP`: height and width, then shade and coverage of the only stamp |
| `FRAM` | number, whether it is a keyframe, PSNR, share of surviving strokes, seconds; the strokes' ids; the strokes |
| `STAT` | the state after the frame before it, as npz, from which an unfinished film is resumed |
| `DONE` | nothing: the film is finished, and has no more states |

Ids and strokes are stored as bitwise differences (XOR) from the previous frame, stroke by stroke, with the most
significant bytes of all values first. Frozen strokes, and most moving ones, therefore take little room.
"""

from __future__ import annotations

import dataclasses
import io
import json
import os
import pathlib
import re
import struct
import warnings
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, UInt32

from jaxpaint import optimize
from jaxpaint.brushes import BRUSHES
from jaxpaint.brushes.textures import of_light
from jaxpaint.errors import FilmFileError, WriteError
from jaxpaint.io import kinds, origins
from jaxpaint.io.atomic import replacing
from jaxpaint.io.decoding import MOST_PIXELS
from jaxpaint.settings import FilmSettings, StyleSettings
from jaxpaint.video.frames import FORMAT, Film, Frame, FrameMetrics, Layer, Painted, VideoState

_RECORD, _METRICS = struct.Struct("<4sII"), struct.Struct("<I?fff")
_MOST_BYTES = 2**30
_LAYERS = ("plain", "styled")


def create(path: str | os.PathLike[str], film: Film) -> None:
    """Starts a film file, and replaces any existing file.

    Args:
      path: path of the file.
      film: the film's properties.

    Raises:
      WriteError: the file can't be written.
    """
    header: dict[str, Any] = {
        "film": film.format,
        "config": dataclasses.asdict(film.settings),
        "height": film.height,
        "width": film.width,
        "rate": str(film.rate),
        "frames": film.frames,
        "source": film.source,
        "shown": film.shown,
    }
    if film.origin:
        header["origin"] = origins.mark(film.origin)
    if film.detail:
        header["detail"] = film.detail
    if film.styling:
        header |= {"styling": dataclasses.asdict(film.styling), "styles": film.styles}
    with replacing(path) as temporary, open(temporary, "wb") as file:
        file.write(json.dumps(header).encode() + b"\n")
        if film.brush_image is not None:
            shape = np.array(film.brush_image.shape[:3], np.int32).tobytes()
            _write(file, b"STMP", shape + np.asarray(film.brush_image, np.float32).tobytes())


def append(path: str | os.PathLike[str], painted: Painted, before: Frame | None) -> None:
    """Appends a frame.

    Args:
      path: path of a file that `create` started.
      painted: the frame and its metrics.
      before: the last appended frame, or None.

    Raises:
      WriteError: the file can't be written.
    """
    frame, metrics = painted
    head = _METRICS.pack(frame.number, frame.keyframe, metrics.psnr, metrics.survived, metrics.seconds)
    ids, rows = frame.ids.astype(np.uint32), np.ascontiguousarray(frame.strokes, np.float32).view(np.uint32)
    below, known = _below(before, len(ids)), _known(before, ids, rows.shape)
    _append(path, b"FRAM", head + struct.pack("<I", len(ids)) + _planes(ids ^ below) + _planes(rows ^ known))


def keep(path: str | os.PathLike[str], state: VideoState) -> None:
    """Appends the state after the last appended frame, from which the film can be resumed.

    Raises:
      WriteError: the file can't be written.
    """
    arrays: dict[str, Any] = {"number": state.number, "ids": state.ids, "keyframe": state.keyframe, "made": state.made}
    for name in _LAYERS:
        if layer := getattr(state, name):
            arrays |= {f"{name}.{key}": value for key, value in optimize.as_dict(layer.optimizer).items()}
            arrays[f"{name}.strokes"] = layer.strokes
    packed = io.BytesIO()
    np.savez(packed, allow_pickle=False, **arrays)
    _append(path, b"STAT", packed.getvalue())


def finish(path: str | os.PathLike[str]) -> None:
    """Marks a film as finished, and drops its states.

    Raises:
      WriteError: the file can't be written.
    """
    path = pathlib.Path(path)
    _, start = _header(path)
    with replacing(path) as temporary, path.open("rb") as old, temporary.open("wb") as new:
        new.write(old.read(start))
        for record in _records(path):
            content = old.read(record.end - old.tell())
            if record.kind == b"FRAM":
                new.write(content)
        _write(new, b"DONE", b"")


def is_finished(path: str | os.PathLike[str]) -> bool:
    """Whether a film is finished.

    Raises:
      FilmFileError: the file is missing, foreign or damaged.
    """
    return any(record.kind == b"DONE" for record in _records(pathlib.Path(path)))


def read(path: str | os.PathLike[str]) -> tuple[Film, Iterator[Painted]]:
    """Reads a film.

    Args:
      path: path of the file.

    Returns:
      The film's properties, and an iterator that reads the complete frames one by one.

    Raises:
      FilmFileError: the file is missing or foreign, or the iterator finds damage.
    """
    path = pathlib.Path(path)
    film, _ = _header(path)
    return film, _frames(path, BRUSHES[film.settings.brush].dim)


def resume(path: str | os.PathLike[str]) -> tuple[VideoState | None, bool]:
    """Reads the last state of an unfinished film, and truncates the film after it.

    Args:
      path: path of the film's file.

    Returns:
      The state, or None if the film is finished, or has to start anew because it has no state yet; and whether it is
      finished.

    Raises:
      FilmFileError: the film is foreign, or it has frames but no state before it is damaged or ends.

    Warns:
      UserWarning: the film is damaged, and what comes after its last good state is dropped.
    """
    path = pathlib.Path(path)
    film, end = _header(path)
    dim = BRUSHES[film.settings.brush].dim
    state, last, damage = None, None, ""
    try:
        for record in _records(path):
            if record.kind == b"FRAM":
                last = _next_frame(record.data, last, dim).frame
            elif record.kind == b"DONE":
                return None, True
            elif last is not None:
                state, end = _state(record.data, last), record.end
    except ValueError as error:
        damage = str(error).removeprefix(f"{path}: ")
    # The first frame is written before its state, and a run may stop between the two.
    if state is None and last is not None and last.number > 0:
        raise FilmFileError(f"{path}: can't be resumed: {damage or 'it has frames, but no state to go on from'}")
    if damage:
        warnings.warn(f"{path}: {damage}; going on from before that", stacklevel=2)
    os.truncate(path, end)
    return state, False


def _state(data: bytes, frame: Frame) -> VideoState:
    """Decodes a state, which has to be that after `frame`.

    Raises:
      ValueError: it is not, or its numbers can't be.
    """
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as file:
            found = {name: file[name] for name in file.files}
        layers = {name: _layer(found, f"{name}.") for name in _LAYERS if f"{name}.strokes" in found}
        state = VideoState(int(found["number"]), found["ids"], bool(found["keyframe"]), int(found["made"]), **layers)
    except (OSError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(f"a state that can't be read: {error}") from None
    if not all(np.array_equal(getattr(state.frame, name), getattr(frame, name)) for name in Frame._fields):
        raise ValueError("a state of another frame")
    return state


def _layer(found: Mapping[str, np.ndarray], prefix: str) -> Layer:
    strokes = found[f"{prefix}strokes"]
    own = {name.removeprefix(prefix): value for name, value in found.items() if name.startswith(prefix)}
    return Layer(strokes, optimize.from_dict(optimize.initial(optimize.ADAM, strokes), own))


def _header(path: pathlib.Path) -> tuple[Film, int]:
    """Reads the film's properties, and the position of its first frame's record."""
    if path.is_fifo():
        raise FilmFileError(f"{path}: a pipe, not a film made by jaxpaint")
    try:
        with path.open("rb") as file:
            line = file.readline(100_000)
            if not line.startswith(b'{"film": '):
                raise ValueError(kinds.told(path, expected="a film") or "its first line is another")
            found = json.loads(line)
            if not 1 <= found["film"] <= FORMAT:
                raise ValueError(
                    f"format {found['film']}, but this jaxpaint reads 1 to {FORMAT}; is there a newer one?"
                )
            start, brush = file.tell(), None
            if (record := _next(file)) and record[0] in (b"STMP", b"BRSH"):
                start, brush = file.tell(), _brush(*record)
        sides = {name: int(found[name]) for name in ("height", "width", "frames")}
        # A longer number would take for ever.
        if not re.fullmatch(r"\d{1,9}(/\d{1,9})?", found["rate"]):
            raise ValueError("its rate can't be")
        settings, rate = FilmSettings.from_file(found["config"]), Fraction(found["rate"])
        styling = StyleSettings.from_config(found["styling"]) if "styling" in found else None
        styles = tuple(map(str, found.get("styles", ())))
        if min(sides.values()) < 1 or sides["height"] * sides["width"] > MOST_PIXELS or rate <= 0:
            raise ValueError("its sizes or its rate can't be")
    except OSError as error:
        raise FilmFileError(f"{path}: {(error.strerror or str(error)).lower()}") from None
    except (ValueError, TypeError, KeyError, ZeroDivisionError) as error:
        raise FilmFileError(f"{path}: not a film made by jaxpaint, or damaged: {error}") from None
    height, width, frames = sides.values()
    film = Film(settings, height, width, rate, frames, str(found["source"]), brush, styling, styles, found["film"])
    shown, detail = max(0, int(found.get("shown", 0))), str(found.get("detail", ""))
    return dataclasses.replace(film, origin=origins.find(line), shown=shown, detail=detail), start


def _brush(kind: bytes, data: bytes) -> Float[np.ndarray, "stamps across along 3"]:
    """Decodes the user's own brush from its record."""
    axes, channels = (3, 3) if kind == b"STMP" else (2, 2)
    shape = np.frombuffer(data[: 4 * axes], np.int32)
    brush = np.frombuffer(data[4 * axes :], np.float32).reshape(*shape, channels)
    return brush if kind == b"STMP" else of_light(brush)


class _Record(NamedTuple):
    """A record: its kind and data, and the position in the file after it."""

    kind: bytes
    data: bytes
    end: int


def _records(path: pathlib.Path) -> Iterator[_Record]:
    """Reads the records after the header.

    Raises:
      FilmFileError: a record is damaged.
    """
    _, start = _header(path)
    with path.open("rb") as file:
        file.seek(start)
        frames = 0
        while True:
            try:
                found = _next(file)
                if found and found[0] not in (b"FRAM", b"STAT", b"DONE"):
                    raise ValueError("a record of an unknown kind")
            except ValueError as error:
                raise FilmFileError(f"{path}: damaged at frame {frames}: {error}") from None
            if found is None:
                return
            frames += found[0] == b"FRAM"
            yield _Record(*found, file.tell())


def _frames(path: pathlib.Path, dim: int) -> Iterator[Painted]:
    before = None
    for record in _records(path):
        if record.kind == b"FRAM":
            try:
                painted = _next_frame(record.data, before, dim)
            except ValueError as error:
                number = before.number + 1 if before else 0
                raise FilmFileError(f"{path}: damaged at frame {number}: {error}") from None
            before = painted.frame
            yield painted


def _next_frame(data: bytes, before: Frame | None, dim: int) -> Painted:
    """Decodes the frame that follows `before`.

    Raises:
      ValueError: the data are not of that frame.
    """
    try:
        number, keyframe, psnr, survived, seconds = _METRICS.unpack_from(data)
        (count,) = struct.unpack_from("<I", data, _METRICS.size)
    except struct.error as error:
        raise ValueError(error) from None
    if number != (before.number + 1 if before else 0):
        raise ValueError("another frame than expected")
    body = np.frombuffer(data, np.uint8, offset=_METRICS.size + 4)
    if len(body) != 4 * count * (1 + dim):
        raise ValueError("of another size than expected")
    ids = _values(body[: 4 * count], (count,)) ^ _below(before, count)
    strokes = (_values(body[4 * count :], (count, dim)) ^ _known(before, ids, (count, dim))).view(np.float32)
    if not np.isfinite(strokes).all():
        raise ValueError("strokes that are not finite")
    return Painted(Frame(number, strokes, ids.astype(np.int64), keyframe), FrameMetrics(psnr, survived, seconds))


def _below(before: Frame | None, count: int) -> UInt32[np.ndarray, "n"]:
    """The previous frame's ids at the same places; zeros where there are none."""
    ids = np.zeros(count, np.uint32)
    if before is not None:
        ids[: len(before.ids)] = before.ids[:count]
    return ids


def _known(before: Frame | None, ids: UInt32[np.ndarray, "n"], shape: tuple[int, ...]) -> UInt32[np.ndarray, "n d"]:
    """The bits of the same strokes in the previous frame; zeros for new strokes."""
    rows = np.zeros(shape, np.uint32)
    if before is not None:
        _, here, there = np.intersect1d(ids, before.ids.astype(np.uint32), assume_unique=True, return_indices=True)
        rows[here] = np.ascontiguousarray(before.strokes, np.float32).view(np.uint32)[there]
    return rows


def _planes(values: UInt32[np.ndarray, "*n"]) -> bytes:
    """The values as byte planes: the most significant bytes of all values, then the next bytes."""
    return np.ascontiguousarray(values.astype(">u4").reshape(-1, 1).view(np.uint8).T).tobytes()


def _values(planes: np.ndarray, shape: tuple[int, ...]) -> UInt32[np.ndarray, "*n"]:
    return np.ascontiguousarray(planes.reshape(4, -1).T).view(">u4").astype(np.uint32).reshape(shape)


def _append(path: str | os.PathLike[str], kind: bytes, data: bytes) -> None:
    try:
        with open(path, "ab") as file:
            _write(file, kind, data)
    except OSError as error:
        raise WriteError(f"{path}: can't be written: {error.strerror}") from None


def _write(file: io.BufferedWriter | Any, kind: bytes, data: bytes) -> None:
    packed = zlib.compress(data)
    file.write(_RECORD.pack(kind, len(packed), zlib.crc32(packed)) + packed)


def _next(file: io.BufferedReader | Any) -> tuple[bytes, bytes] | None:
    """Reads the next record.

    Returns:
      Kind and data of the record; None at the end of the file, and at a record that was not written to its end.

    Raises:
      ValueError: the record is damaged.
    """
    head = file.read(_RECORD.size)
    if len(head) < _RECORD.size:
        return None
    kind, length, checksum = _RECORD.unpack(head)
    packed = file.read(min(length, _MOST_BYTES))
    if len(packed) == length and zlib.crc32(packed) != checksum:
        raise ValueError("its checksum is another")
    unpacker = zlib.decompressobj()
    try:
        data = unpacker.decompress(packed, _MOST_BYTES)
    except zlib.error as error:
        raise ValueError(error) from None
    if len(packed) < length:
        # Not written to its end, unless the data are complete after all: then it is the length that is wrong.
        if unpacker.eof:
            raise ValueError("its length is another")
        return None
    if not unpacker.eof:
        raise ValueError("too large")
    return kind, data
