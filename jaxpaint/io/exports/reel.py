"""HTML of films: the player's page, which plays all frames of a film as paintings.

The page has each stroke's difference from the same stroke in the frame before, so that strokes that stay take next to
no room. Numbers are rounded to steps that are not seen.
"""

from __future__ import annotations

import base64
import dataclasses
import pathlib
import zlib
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float, Int, UInt16

from jaxpaint.brushes import BRUSHES
from jaxpaint.errors import ExportError
from jaxpaint.io.exports import html
from jaxpaint.io.exports.base import Export
from jaxpaint.settings import Checked, setting
from jaxpaint.types import Painting
from jaxpaint.video.frames import Film, Frame

# Frames that are packed together: the first has whole strokes, and is the nearest one that playing can begin at.
_CHUNK = 50
# The number that stands for 0, and the most strokes: places in the frame before are numbers of 16 bits, too.
_ZERO, _MOST = 32768, 65535
# Steps of numbers. Positions and angles are within an eighth of a pixel at 1,000 pixels; grains choose the texture.
_FINE = 2.0**-12
_KINDS = {"color": 2.0**-8, "alpha": 2.0**-8, "grain": 2.0**-15}
_STEPS = {"thickness": 2.0**-7, "below": 2.0**-6, "ends": 2.0**-8}
_WORDS = {
    "unit": "frame",
    "many": "a second",
    "begin": "Play",
    "ends": "first frame, last frame",
}


@dataclasses.dataclass(frozen=True)
class Options(Checked):
    """Options of HTML of films."""

    groups = {"Options of HTML of films": ""}
    prefix = ""

    title: str = setting("", "title of the page; default: the duration")


def _write(film: Film, frames: Sequence[Frame], path: pathlib.Path, options: Options) -> None:
    # A frame without strokes does not have all numbers.
    first = film.painting(max(frames, key=lambda frame: len(frame.ids)))
    found = html.columns(first)
    steps = _steps(first, found)
    data = {
        "strokes": {
            "count": 0,
            "low": (-_ZERO * steps).tolist(),
            "span": (_MOST * steps).tolist(),
            "data": "",
            **html.fields(first, found),
        },
        "film": {"rate": float(film.rate), "size": _CHUNK, "counts": [len(each.ids) for each in frames]},
        **html.look(first, found),
    }
    starts = range(0, len(frames), _CHUNK)
    data["film"]["chunks"] = [_packed(film, frames[start : start + _CHUNK], steps) for start in starts]
    duration = f"{len(frames) / float(film.rate):.1f} s".replace(".0 ", " ")
    number = f"{len(frames):,} frame{'s' * (len(frames) != 1)} of {len(first.strokes):,} strokes"
    about = f"{number}, {first.brush}, made with jaxpaint"
    title = options.title or f"A painted film of {duration}"
    path.write_text(html.page(title, about, data, _WORDS), encoding="utf-8")


def _steps(painting: Painting, found: Mapping[str, Float[np.ndarray, "n _"]]) -> Float[np.ndarray, "k"]:
    """The step of each of a stroke's numbers."""
    kinds = [_KINDS.get(kind, _FINE) for kind in BRUSHES[painting.brush].fields.values()]
    others = [np.full(each.shape[1], _STEPS.get(name, _FINE)) for name, each in found.items() if name != "stroke"]
    return np.concatenate([kinds, *others])


def _packed(film: Film, frames: Sequence[Frame], steps: Float[np.ndarray, "k"]) -> str:
    """Successive frames, as the page's program unpacks them (see `player/reel.js`)."""
    ids, rows, parts = np.zeros(0, int), np.zeros((1, len(steps)), np.uint16) + np.uint16(_ZERO), []
    for frame in frames:
        if len(frame.ids) > _MOST:
            raise ExportError(f"expected at most {_MOST:,} strokes a frame, got {len(frame.ids):,} in {frame.number}")
        found = list(html.columns(film.painting(frame)).values()) if len(frame.ids) else [np.zeros((0, len(steps)))]
        after = np.clip(np.rint(np.concatenate(found, axis=1) / steps) + _ZERO, 0, _MOST).astype(np.uint16)
        places = _places(frame.ids, ids)
        parts += [np.diff(places, prepend=np.uint16(0)), (after - rows[places]).T.ravel()]
        # New strokes are at place 0: their numbers were 0.
        ids, rows = frame.ids, np.concatenate([rows[:1], after])
    # Small differences are small numbers with their signs last, and have a high byte of 0.
    signed = np.concatenate(parts).view(np.int16)
    data = ((signed << 1) ^ (signed >> 15)).view(np.uint16)
    planes = np.concatenate([data & 255, data >> 8]).astype(np.uint8)
    return base64.b64encode(zlib.compress(planes.tobytes(), 9)).decode()


def _places(ids: Int[np.ndarray, "n"], before: Int[np.ndarray, "m"]) -> UInt16[np.ndarray, "n"]:
    """Where the same strokes were before, from 1; 0 for new strokes."""
    places = np.zeros(len(ids), np.uint16)
    _, here, there = np.intersect1d(ids, before, assume_unique=True, return_indices=True)
    places[here] = there + 1
    return places


FILMS = (Export((".html",), "a page that plays the film, for browsers", Options, _write, outlined=True),)
