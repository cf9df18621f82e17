"""Exported films: what stays is stored once, the first frame is its drawing, and what can't be exported is refused."""

import dataclasses
import gzip
import json
import re
from fractions import Fraction

import numpy as np
import pytest
from filmed import FILM, painted, textured
from test_exports import by_resvg

import jaxpaint
from jaxpaint.errors import ExportError
from jaxpaint.io.exports import FILMS, export_film


def frames_of(count, dim=9):
    return [each.frame for each in painted(count, dim=dim)]


def again(frame, count):
    """A frame, and others that are the same."""
    return [frame._replace(number=number, keyframe=number == 0) for number in range(count)]


@pytest.mark.parametrize("ending", FILMS)
def test_strokes_that_stay_are_stored_once(ending, tmp_path):
    (first, other), sizes = frames_of(2), {}
    films = {"one": [first], "same": again(first, 20), "moved": [*again(first, 19), other]}
    for name, frames in films.items():
        export_film(FILM, frames, tmp_path / f"{name}{ending}")
        sizes[name] = (tmp_path / f"{name}{ending}").stat().st_size - (tmp_path / f"one{ending}").stat().st_size
    assert sizes["same"] < 400 < sizes["moved"]


def test_what_the_page_says(tmp_path):
    frames = frames_of(3)
    export_film(FILM, frames, tmp_path / "a.html")
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    data = json.loads(re.search(r'<script id="painting"[^>]*>(.*)</script>', page)[1])
    assert "<h1>A painted film of 0.1 s</h1>" in page and "3 frames of 50 strokes, rectangle" in page
    assert "One frame back" in page and "default-src 'none'" in page and "$" not in page.split("<script")[0]
    assert data["film"]["rate"] == pytest.approx(29.97, abs=1e-3) and data["film"]["counts"] == [50] * 3
    export_film(FILM, frames, tmp_path / "b.html", title="Mum & dad")
    assert "<h1>Mum &amp; dad</h1>" in (tmp_path / "b.html").read_text(encoding="utf-8")


def test_strokes_between_painted_frames_move_on(tmp_path):
    settings = dataclasses.replace(FILM.settings, stride=4, interpolate=True)
    film = dataclasses.replace(FILM, settings=settings, rate=Fraction(5), shown=10)
    export_film(film, frames_of(3), tmp_path / "a.html")
    page = (tmp_path / "a.html").read_text(encoding="utf-8")
    assert "A painted film of 0.5 s" in page and "10 frames" in page
    assert [frame.number for frame in film.shown_frames(frames_of(2))] == [0, 0, 1, 1, 1, 1, 1, 1]


def test_other_programs_show_the_first_frame_of_an_svg(tmp_path):
    for film, dim in ((FILM, 9), (textured(), 12)):
        frames = frames_of(3, dim)
        jaxpaint.export(film.painting(frames[0]), tmp_path / "still.svg", precision=0)
        export_film(film, frames, tmp_path / "film.svg")
        one, other = (by_resvg((tmp_path / f"{name}.svg").read_text(), (96, 128)) for name in ("still", "film"))
        np.testing.assert_array_equal(one, other)
        export_film(film, frames, tmp_path / "film.svgz")
        assert gzip.decompress((tmp_path / "film.svgz").read_bytes()) == (tmp_path / "film.svg").read_bytes()


def paths_of(film, frames, path):
    """What the paths of an SVG show in each frame; None for nothing."""
    export_film(film, frames, path)
    paths = re.search(r'<g id="film".*?>(.*)</g>', path.read_text(), re.S)[1].strip().splitlines()
    for line in paths:
        found = re.search(r'"d" values="(.*?)"(?: keyTimes="(.*?)")?', line)
        values = found[1].split(";") if found else [re.search(r' d="(.*?)"', line)[1]]
        times = [float(time) for time in (found and found[2] or "0").split(";")]
        times = times if len(times) == len(values) else np.arange(len(values)) / len(values)
        shown = [values[np.searchsorted(times, (number + 0.5) / len(frames)) - 1] for number in range(len(frames))]
        yield [None if value == "M0 0" else value for value in shown]


def test_paths_of_an_svg_are_strokes_in_their_order(tmp_path):
    frames = frames_of(6)
    moved = frames[5]._replace(strokes=frames[5].strokes[::-1].copy(), ids=frames[5].ids[::-1].copy())
    for chosen in (frames, [*frames[:5], moved]):
        paths = list(paths_of(FILM, chosen, tmp_path / "film.svg"))
        for number, frame in enumerate(chosen):
            jaxpaint.export(FILM.painting(frame), tmp_path / "still.svg", precision=0)
            wanted = re.findall(r'<path [^>]*d="(.*?)"', (tmp_path / "still.svg").read_text())
            assert [path[number] for path in paths if path[number]] == wanted
    # After a cut, paths go on with other strokes.
    cut = [frame._replace(ids=frame.ids + 1000 * number) for number, frame in enumerate(frames)]
    assert len(list(paths_of(FILM, cut, tmp_path / "film.svg"))) == 50


def test_strokes_smaller_than_a_unit_are_valid_paths(tmp_path):
    (frame,) = frames_of(1)
    frame.strokes[:, 2:4] = 0.0
    shown = [path for (path,) in paths_of(FILM, [frame], tmp_path / "film.svg")]
    assert len(shown) == 50 and all(re.fullmatch(r"M-?\d+[ -]\d+(l[ \d-]+)?z", path) for path in shown)


def test_films_that_cannot_be_exported(tmp_path):
    path = tmp_path / "a.html"
    with pytest.raises(ExportError, match="expected at most 30 s of film, got more; choose 60 frames"):
        export_film(dataclasses.replace(FILM, rate=Fraction(2)), again(frames_of(1)[0], 61), path)
    with pytest.raises(ExportError, match="expected at least one frame, got none"):
        export_film(FILM, [], path)
    with pytest.raises(ValueError, match="a.json: expected a name that ends in"):
        export_film(FILM, frames_of(1), tmp_path / "a.json")
    with pytest.raises(ValueError, match="duration"):
        export_film(FILM, frames_of(1), path, duration=3.0)
    assert not list(tmp_path.iterdir()) and set(FILMS) == {".html", ".svg", ".svgz"}
