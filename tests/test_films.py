"""Films as files: what is appended is read again, bit by bit; what is damaged or unfinished is told apart."""

import contextlib
import dataclasses
import json

import jax
import numpy as np
import pytest
from filmed import FILM, painted

from jaxpaint.errors import FilmFileError
from jaxpaint.io import films
from jaxpaint.settings import FilmSettings
from jaxpaint.video.frames import Layer, VideoState


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.film"


def write(path, film=FILM, count=3):
    films.create(path, film)
    before = None
    for each in painted(count):
        films.append(path, each, before)
        before = each.frame
    return path


def same(a, b):
    np.testing.assert_array_equal(a.frame.strokes, b.frame.strokes)
    np.testing.assert_array_equal(a.frame.ids, b.frame.ids)
    np.testing.assert_allclose(a.metrics, b.metrics, rtol=1e-6)
    assert (a.frame.number, a.frame.keyframe) == (b.frame.number, b.frame.keyframe)


def test_what_is_written_is_read_again(path):
    film, frames = films.read(write(path))
    assert film == FILM
    for each, expected in zip(frames, painted(), strict=True):
        same(each, expected)


def test_a_brush_of_ones_own_is_kept(path):
    brush = np.random.default_rng(1).random((4, 5, 7, 3), np.float32)
    settings = FilmSettings(strokes=50, brush_image="mine.png")
    film, frames = films.read(write(path, dataclasses.replace(FILM, settings=settings, brush_image=brush), count=0))
    np.testing.assert_array_equal(film.brush_image, brush)
    assert list(frames) == []


def test_a_brush_from_before_there_were_sets_is_one_stamp(path):
    """As high as it is light; the frames come after it as before."""
    shade, coverage = np.random.default_rng(1).random((2, 5, 7), np.float32)
    write(path)
    header, frames = path.read_bytes().split(b"\n", 1)
    with path.open("wb") as file:
        file.write(header + b"\n")
        films._write(file, b"BRSH", np.int32([5, 7]).tobytes() + np.stack([shade, coverage], axis=-1).tobytes())
        file.write(frames)
    film, found = films.read(path)
    np.testing.assert_array_equal(film.brush_image, np.stack([shade, coverage, shade], axis=-1)[None])
    assert len(list(found)) == 3


def test_strokes_that_stay_take_next_to_no_room(path):
    films.create(path, FILM)
    (first,) = painted(1)
    films.append(path, first, None)
    size = path.stat().st_size
    films.append(path, first._replace(frame=first.frame._replace(number=1)), first.frame)
    assert path.stat().st_size - size < 0.05 * size


def test_a_record_that_was_not_written_to_its_end_is_left_out(path):
    whole = write(path).read_bytes()
    ends = [write(path, count=count).stat().st_size for count in range(4)]
    for cut in (ends[1] + 1, ends[1] + 20, ends[2] - 1):
        path.write_bytes(whole[:cut])
        film, frames = films.read(path)
        assert film == FILM and len(list(frames)) == 1


def test_damage_is_named(path):
    ends = [write(path, count=count).stat().st_size for count in range(4)]
    data = bytearray(path.read_bytes())
    data[ends[1] + 30] ^= 1
    path.write_bytes(data)
    _, frames = films.read(path)
    next(frames)
    with pytest.raises(FilmFileError, match="damaged at frame 1: its checksum"):
        next(frames)


def test_what_is_no_film_is_refused(path):
    with pytest.raises(FilmFileError, match="no such file"):
        films.read(path)
    with pytest.raises(FilmFileError, match="is a directory"):
        films.read(path.parent)
    header = {"film": 1, "config": {}, "height": 4, "width": 4, "rate": "30", "frames": 1, "source": "a"}
    for bad, expected in (
        (b"", "its first line is another"),
        (b"words", "its first line is another"),
        (json.dumps(header | {"film": 3}).encode(), "format 3, but this jaxpaint reads 1 to 2"),
        (json.dumps(header | {"config": {"stroks": 1}}).encode(), "did you mean strokes"),
        (json.dumps(header | {"height": 0}).encode(), "sizes or its rate"),
        (json.dumps(header | {"rate": "1/0"}).encode(), "not a film"),
    ):
        path.write_bytes(bad)
        with pytest.raises(FilmFileError, match=expected):
            films.read(path)


def test_finished(path):
    write(path)
    assert not films.is_finished(path)
    films.finish(path)
    assert films.is_finished(path) and len(list(films.read(path)[1])) == 3


def state_of(frame, made, *, styled=False):
    rng = np.random.default_rng(2)
    strokes = rng.random(frame.strokes.shape, np.float32) if styled else frame.strokes
    plain, other = (
        Layer(values, Layer.fresh(values).optimizer._replace(count=np.array(20, np.int32), mu=values, nu=values**2))
        for values in (strokes, frame.strokes)
    )
    return VideoState(frame.number, frame.ids, frame.keyframe, made, plain, other if styled else None)


@pytest.mark.parametrize("styled", [False, True])
def test_a_film_is_resumed_after_its_last_state(path, styled):
    frames = list(painted())
    write(path, count=2)
    state = state_of(frames[1].frame, 51, styled=styled)
    films.keep(path, state)
    end = path.stat().st_size
    films.append(path, frames[2], frames[1].frame)
    found, finished = films.resume(path)
    assert jax.tree.structure(found) == jax.tree.structure(state) and not finished
    jax.tree.map(np.testing.assert_array_equal, found, state)
    assert path.stat().st_size == end
    # What is appended now is read again; states are not in the way, and a finished film has none.
    films.append(path, frames[2], found.frame)
    films.finish(path)
    for each, expected in zip(films.read(path)[1], frames, strict=True):
        same(each, expected)
    assert films.resume(path) == (None, True)
    assert path.stat().st_size < end


def test_a_film_of_one_frame_without_a_state_is_begun_anew(path):
    assert films.resume(write(path, count=1)) == (None, False)


def test_a_film_without_a_state_is_not_painted_over(path):
    before = write(path, count=2).read_bytes()
    with pytest.raises(FilmFileError, match=f"{path.name}: can't be resumed: it has frames, but no state"):
        films.resume(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("fault", ["a bit", "the end", "the length", "another frame's state", "words for a state"])
def test_a_damaged_film_goes_on_from_before_the_damage(path, fault):
    """Its second state is of no use: there is the first."""
    frames = list(painted())
    states = [state_of(each.frame, 50 + number) for number, each in enumerate(frames)]
    write(path, count=1)
    films.keep(path, states[0])
    kept = path.stat().st_size
    films.append(path, frames[1], frames[0].frame)
    start = path.stat().st_size
    if fault == "words for a state":
        films._append(path, b"STAT", b"words")
    else:
        films.keep(path, states[2] if fault == "another frame's state" else states[1])
    data = bytearray(path.read_bytes())
    if fault == "a bit":
        data[start + 100] ^= 1
    elif fault == "the end":
        del data[-9:]
    elif fault == "the length":
        data[start + 5] ^= 64
    path.write_bytes(data)
    with contextlib.nullcontext() if fault == "the end" else pytest.warns(UserWarning, match="going on from before"):
        found, finished = films.resume(path)
    assert (found.number, finished, path.stat().st_size) == (0, False, kept)


def test_a_damaged_length_is_told_from_an_end_that_was_not_written(path):
    """Unlike a record that is cut short, its data are all there."""
    ends = [write(path, count=count).stat().st_size for count in range(4)]
    films.finish(path)
    data = bytearray(path.read_bytes())
    data[ends[1] + 7] ^= 1
    path.write_bytes(data)
    with pytest.raises(FilmFileError, match="damaged at frame 1: its length is another"):
        list(films.read(path)[1])


def test_films_from_before_glazes_cover(path):
    write(path, dataclasses.replace(FILM, settings=FilmSettings(strokes=50, brush="watercolor", size=32)), count=0)
    header, rest = path.read_bytes().split(b"\n", 1)
    found = json.loads(header)
    assert films.read(path)[0].settings.layering == found["config"].pop("layering") == "glaze"
    path.write_bytes(json.dumps(found).encode() + b"\n" + rest)
    assert films.read(path)[0].settings.layering == "over"
