"""Films as files: the strokes of a painted video, appended frame by frame.

A file begins with a line of JSON (`Film`). Records follow. A record consists of its kind (4 bytes), the length and the
checksum of its data (little endian, 32 bits each), and the compressed data. Readers ignore a record that was not
written to its end, as after a crash of the machine.

| record | data |
| --- | --- |
| `STMP` | the user's own brush: stamps, height and width as 32-bit integers, then shade, coverage, height as float32 |
| `BRSH` | the older form of `STMP`: height and width, then shade and coverage of the only stamp |
| `FRAM` | number, whether it is a keyframe, PSNR, share of surviving strokes, seconds; the strokes' ids; the strokes |
| `DONE` | nothing: the film is finished |

Ids and strokes are stored as bitwise differences (XOR) from the previous frame, stroke by stroke, with the most
significant bytes of all values first. Frozen strokes, and most moving ones, therefore take little room.
"""

from __future__ import annotations

import dataclasses
import io
import itertools
import json
import os
import pathlib
import struct
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

import numpy as np
from jaxtyping import Float, UInt32

from jaxpaint import optimize
from jaxpaint.brushes import BRUSHES
from jaxpaint.brushes.textures import of_light
from jaxpaint.errors import FilmFileError, WriteError
from jaxpaint.io.atomic import replacing
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
    }
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
    try:
        with open(path, "ab") as file:
            _write(file, b"FRAM", head + struct.pack("<I", len(ids)) + _planes(ids ^ below) + _planes(rows ^ known))
    except OSError as error:
        raise WriteError(f"{path}: can't be written: {error.strerror}") from None


def finish(path: str | os.PathLike[str]) -> None:
    """Marks a film as finished."""
    with open(path, "ab") as file:
        _write(file, b"DONE", b"")


def is_finished(path: str | os.PathLike[str]) -> bool:
    """Whether a film is finished.

    Raises:
      FilmFileError: the file is missing, foreign or damaged.
    """
    return any(kind == b"DONE" for kind, *_ in _records(pathlib.Path(path)))


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


def save_state(path: str | os.PathLike[str], state: VideoState) -> None:
    """Writes the state from which an unfinished film can be resumed, atomically."""
    arrays: dict[str, Any] = {"number": state.number, "ids": state.ids, "anew": state.keyframe, "made": state.made}
    for name in _LAYERS:
        if layer := getattr(state, name):
            arrays |= {f"{name}.{key}": value for key, value in optimize.as_dict(layer.optimizer).items()}
            arrays[f"{name}.strokes"] = layer.strokes
    with replacing(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, allow_pickle=False, **arrays)


def load_state(path: str | os.PathLike[str], film: pathlib.Path) -> VideoState | None:
    """Reads the state to resume from, and truncates the film after the state's frame.

    Args:
      path: path of the file that `save_state` wrote.
      film: the film's file.

    Returns:
      The state, or None if the film has to start anew.

    Raises:
      FilmFileError: the film is damaged, or the film has frames but its state is missing, damaged or another film's.
    """
    state = _read_state(pathlib.Path(path))
    if state is not None:
        _, frames = read(film)
        last = next(itertools.islice(frames, state.number, None), None)
        if last is not None and np.array_equal(last.frame.strokes, state.frame.strokes):
            os.truncate(film, next(itertools.islice((end for *_, end in _records(film)), state.number, None)))
            return state
    # The first frame is written before its state, and a run may stop between the two writes.
    if sum(1 for _ in itertools.islice(read(film)[1], 2)) > 1:
        raise FilmFileError(f"{film}: can't be resumed: {path} is missing, damaged or another film's")
    return None


def _read_state(path: pathlib.Path) -> VideoState | None:
    """Reads the file that `save_state` wrote; returns None if the file can't be read."""
    try:
        with np.load(path, allow_pickle=False) as file:
            found = {name: file[name] for name in file.files}
        layers = {name: _layer(found, f"{name}.") for name in _LAYERS if f"{name}.strokes" in found}
        return VideoState(int(found["number"]), found["ids"], bool(found["anew"]), int(found["made"]), **layers)
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
        return None


def _layer(found: Mapping[str, np.ndarray], prefix: str) -> Layer:
    strokes = found[f"{prefix}strokes"]
    own = {name.removeprefix(prefix): value for name, value in found.items() if name.startswith(prefix)}
    return Layer(strokes, optimize.from_dict(optimize.initial(optimize.ADAM, strokes), optimize.renamed(own)))


def _header(path: pathlib.Path) -> tuple[Film, int]:
    """Reads the film's properties, and the position of its first frame's record."""
    try:
        with path.open("rb") as file:
            line = file.readline(100_000)
            if not line.startswith(b'{"film": '):
                raise ValueError("its first line is another")
            found = json.loads(line)
            if not 1 <= found["film"] <= FORMAT:
                raise ValueError(
                    f"format {found['film']}, but this jaxpaint reads 1 to {FORMAT}; is there a newer one?"
                )
            start, brush = file.tell(), None
            if (record := _next(file)) and record[0] in (b"STMP", b"BRSH"):
                start, brush = file.tell(), _brush(*record)
        sides = {name: int(found[name]) for name in ("height", "width", "frames")}
        settings, rate = FilmSettings.from_file(found["config"]), Fraction(found["rate"])
        styling = StyleSettings.from_config(found["styling"]) if "styling" in found else None
        styles = tuple(map(str, found.get("styles", ())))
        if min(sides.values()) < 1 or rate <= 0:
            raise ValueError("its sizes or its rate can't be")
    except OSError as error:
        raise FilmFileError(f"{path}: {(error.strerror or str(error)).lower()}") from None
    except (ValueError, TypeError, KeyError, ZeroDivisionError) as error:
        raise FilmFileError(f"{path}: not a film made by jaxpaint: {error}") from None
    height, width, frames = sides.values()
    film = Film(settings, height, width, rate, frames, str(found["source"]), brush, styling, styles, found["film"])
    return film, start


def _brush(kind: bytes, data: bytes) -> Float[np.ndarray, "stamps across along 3"]:
    """Decodes the user's own brush from its record."""
    axes, channels = (3, 3) if kind == b"STMP" else (2, 2)
    shape = np.frombuffer(data[: 4 * axes], np.int32)
    brush = np.frombuffer(data[4 * axes :], np.float32).reshape(*shape, channels)
    return brush if kind == b"STMP" else of_light(brush)


def _records(path: pathlib.Path) -> Iterator[tuple[bytes, bytes, int]]:
    """Reads the records after the header.

    Yields:
      Kind and data of each record, and the position of its end.

    Raises:
      FilmFileError: a record is damaged.
    """
    _, start = _header(path)
    with path.open("rb") as file:
        file.seek(start)
        for number in itertools.count():
            try:
                record = _next(file)
            except (ValueError, zlib.error) as error:
                raise FilmFileError(f"{path}: damaged at frame {number}: {error}") from None
            if record is None:
                return
            yield *record, file.tell()


def _frames(path: pathlib.Path, dim: int) -> Iterator[Painted]:
    before = None
    for number, (kind, data, _) in enumerate(_records(path)):
        if kind != b"FRAM":
            return
        try:
            painted = _painted(data, before, dim)
            if painted.frame.number != number:
                raise ValueError("another frame than expected")
        except (ValueError, struct.error) as error:
            raise FilmFileError(f"{path}: damaged at frame {number}: {error}") from None
        before = painted.frame
        yield painted


def _painted(data: bytes, before: Frame | None, dim: int) -> Painted:
    number, keyframe, psnr, survived, seconds = _METRICS.unpack_from(data)
    (count,) = struct.unpack_from("<I", data, _METRICS.size)
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
    if len(packed) < length:
        return None
    if zlib.crc32(packed) != checksum:
        raise ValueError("its checksum is another")
    unpacker = zlib.decompressobj()
    data = unpacker.decompress(packed, _MOST_BYTES)
    if not unpacker.eof:
        raise ValueError("too large")
    return kind, data
