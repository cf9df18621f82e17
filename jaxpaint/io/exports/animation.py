"""SVG of films: a path for each stroke, whose outline and colour change from frame to frame, without a script.

A stroke that stays is one path with one outline. Strokes have one colour, the mean of its two: a gradient has six
numbers that would change, too. Programs that know no animations, and readers who prefer reduced motion, see the first
frame, which is a drawing of its own. (Chromium does not tell an SVG in an `<img>` what readers prefer.)
"""

from __future__ import annotations

import dataclasses
import itertools
import pathlib
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float

from jaxpaint.brushes import BRUSHES
from jaxpaint.io.exports import svg
from jaxpaint.io.exports.base import Export
from jaxpaint.pictures import to_hex
from jaxpaint.settings import Checked, setting
from jaxpaint.video.frames import Film, Frame

# Shows the film in browsers.
_SHEET = "@media(prefers-reduced-motion:no-preference){#film{display:inline}#still{display:none}}"
# The data of a path that shows nothing.
_NOTHING = "M0 0"


@dataclasses.dataclass(frozen=True)
class Options(Checked):
    """Options of SVG of films."""

    groups = {"Options of SVG of films, as --KEY=VALUE": ""}
    prefix = ""

    precision: int = setting(0, "decimals of coordinates; the long side has 1,000 units", 0, 3)


def _write(film: Film, frames: Sequence[Frame], path: pathlib.Path, options: Options) -> None:
    first, scale = film.painting(frames[0]), svg.scale_of(options)
    still = svg.layers(first, np.arange(len(first.strokes)), svg.Options(precision=options.precision))
    seconds = len(frames) / float(film.rate)
    shown = (_animated(each, len(frames), seconds) for each in _paths(film, frames, scale))
    body = ['<g id="still">', *still, '</g><g id="film" display="none">', *shown, "</g>"]
    title = f"A painted film of {len(frames)} frames"
    lines = svg.document(first, body, title=title, scale=scale, sheet=_SHEET)
    data = "\n".join(lines).encode() + b"\n"
    path.write_bytes(svg.zipped(data, film.origin) if path.suffix.lower() == ".svgz" else data)


@dataclasses.dataclass
class _Path:
    """What a path shows in the course of a film.

    Attributes:
      outlines, fills: data of the path and its colour, by the numbers of the frames from which on it has them.
      stroke: id of the stroke that it shows; -1 for none.
      last: number of the last frame in which it showed one.
      color: colour and opacity of that stroke when the last fill was chosen.
    """

    outlines: dict[int, str]
    fills: dict[int, str]
    stroke: int = -1
    last: int = -1
    color: Float[np.ndarray, "4"] | None = None

    def show(self, number: int, stroke: int, outline: str, color: Float[np.ndarray, "4"]) -> None:
        """Shows a stroke in a frame."""
        _put(self.outlines, number, outline)
        if self.stroke != stroke or self.color is None or np.abs(color - self.color).max() * 255 >= svg.ALIKE:
            opacity = "" if color[3] > svg.OPAQUE else f"{round(float(color[3]) * 255):02x}"
            _put(self.fills, number, to_hex(color[:3]) + opacity)
            self.color = color
        self.stroke, self.last = stroke, number

    def hide(self, number: int) -> None:
        """Shows nothing from a frame on."""
        _put(self.outlines, number, _NOTHING)
        self.stroke = -1


def _put(values: dict[int, str], number: int, value: str) -> None:
    """Appends a value, unless it is the last one."""
    if not values or value != values[next(reversed(values))]:
        values[number] = value


def _paths(film: Film, frames: Sequence[Frame], scale: int) -> list[_Path]:
    """Paths for all strokes of a film, from the lowest to the highest.

    A path shows a stroke as long as it lives. Then it can show another one, if that lies between the same strokes, as
    all do after a cut.
    """
    brush, paths = BRUSHES[film.settings.brush], list[_Path]()
    for number, frame in enumerate(frames):
        strokes, ids = film.painting(frame).strokes, frame.ids.tolist()
        outlines, (colors, alphas) = brush.shapes(strokes).outline, brush.paint(strokes)
        before, paths, place = paths, [], 0
        ends, living = {path.stroke: end for end, path in enumerate(before, 1)}, set(ids)
        for stroke, outline, color, alpha in zip(ids, outlines, colors.mean(axis=1), alphas, strict=True):
            # A stroke that has changed its place in the order goes on in another path.
            end = ends.get(stroke, 0)
            if end <= place and place < len(before) and before[place].stroke not in living:
                end = place + 1
            if end > place:
                paths += before[place:end]
                place = end
            else:
                paths.append(_Path({} if number == 0 else {0: _NOTHING}, {}))
            paths[-1].show(number, stroke, svg.outlined(outline, scale), np.append(color, alpha))
        paths += before[place:]
        for path in paths:
            if path.last < number and path.stroke >= 0:
                path.hide(number)
    return paths


def _animated(path: _Path, count: int, seconds: float) -> str:
    """A path, and how it changes in the course of `count` frames."""
    values = {"d": path.outlines, "fill": path.fills}
    first = " ".join(f'{name}="{next(iter(each.values()))}"' for name, each in values.items())
    changes = "".join(_changes(name, each, count, seconds) for name, each in values.items() if len(each) > 1)
    return f"<path {first}>{changes}</path>" if changes else f"<path {first}/>"


def _changes(name: str, values: Mapping[int, str], count: int, seconds: float) -> str:
    """How an attribute changes: its values in all frames, or its new values and their times, if that is shorter."""
    first, *later = values
    every = itertools.accumulate(range(count), lambda last, number: values.get(number, last), initial=values[first])
    # Animations begin with a value at the time 0.
    times = ";".join(["0", *(f"{number / count:.5g}" for number in later)])
    timed = f'{";".join(values.values())}" keyTimes="{times}'
    told = min(";".join(itertools.islice(every, 1, None)), timed, key=len)
    pace = f'calcMode="discrete" dur="{seconds:.6g}s" repeatCount="indefinite"'
    return f'<animate attributeName="{name}" values="{told}" {pace}/>'


FILMS = (Export((".svg", ".svgz"), "vector graphics that move, for browsers", Options, _write, outlined=True),)
