"""Frames of a film: strokes with ids, what lies between two of them, and drawing them."""

import dataclasses
from fractions import Fraction

import numpy as np
import pytest
from filmed import FILM, painted

from jaxpaint import drawing, pictures
from jaxpaint.brushes import BRUSHES, with_grain
from jaxpaint.settings import FilmSettings
from jaxpaint.video import frames


def test_between_frames():
    """Strokes of both are on their way, others in the nearer frame; nothing goes across a cut."""
    brush = BRUSHES["rectangle"]
    rng = np.random.default_rng(0)
    strokes = rng.uniform(0.2, 0.4, (4, 9)).astype(np.float32)
    first = frames.Frame(0, strokes[:3], np.array([0, 1, 2]), True)
    second = frames.Frame(1, np.concatenate([strokes[1:3] + np.float32(0.2), strokes[3:]]), np.array([1, 2, 3]), False)
    early, late = (frames.between(brush, first, second, share) for share in (0.25, 0.75))
    np.testing.assert_allclose(early, np.concatenate([strokes[:1], strokes[1:3] + 0.05]), atol=1e-6)
    np.testing.assert_allclose(late, np.concatenate([strokes[1:3] + 0.15, strokes[3:]]), atol=1e-6)
    cut = second._replace(keyframe=True)
    np.testing.assert_array_equal(frames.between(brush, first, cut, 0.4), first.strokes)
    np.testing.assert_array_equal(frames.between(brush, first, cut, 0.6), cut.strokes)
    # An angle that went on from the other end of its range makes no whole turn.
    over = second._replace(strokes=second.strokes.copy())
    over.strokes[0, 4] = first.strokes[1, 4] + 0.7
    np.testing.assert_array_equal(frames.between(brush, first, over, 0.25)[1], strokes[1])


@pytest.mark.parametrize(("stride", "interpolate"), [(1, False), (3, False), (3, True)])
def test_drawing(stride, interpolate):
    settings = dataclasses.replace(FILM.settings, stride=stride, interpolate=interpolate)
    film = dataclasses.replace(FILM, settings=settings, rate=Fraction(30, stride))
    frames = [each.frame for each in painted()]
    shown = list(film.drawn(frames, size=40))
    assert len(shown) == 3 * stride and film.shown_rate == 30
    for frame, picture in zip(frames, shown[::stride], strict=True):
        assert picture.shape == (30, 40, 3)
        np.testing.assert_array_equal(picture, pictures.to_bytes(drawing.draw(film.painting(frame), size=40)))
    if stride > 1:
        assert (shown[1] is shown[0]) != interpolate and shown[-1] is shown[-2]
    if interpolate:
        assert (shown[1] != shown[0]).any() and (shown[1] != shown[3]).any()


def test_a_film_is_as_long_as_its_source():
    """Seven frames; every third is painted."""
    settings = dataclasses.replace(FILM.settings, stride=3)
    film = dataclasses.replace(FILM, settings=settings, rate=Fraction(10, 3), shown=7)
    assert len(list(film.drawn([each.frame for each in painted()], size=40))) == 7


@pytest.mark.parametrize(
    ("size", "shape", "expected"), [(64, (48, 100), 64), (64, (48, 40), 48), (64, (9, 7), 16), (16, (480, 640), 16)]
)
def test_frames_are_fitted_no_larger_than_the_source(size, shape, expected):
    assert frames.fitted_size(FilmSettings(size=size), shape) == expected


def test_a_frame_is_a_painting():
    settings = FilmSettings(brush="rectangle", strokes=50, size=64, canvas_color="0.1,0.2,0.3", seed=3)
    frame = next(painted()).frame
    painting = frames.painting_of(frame, settings, (24, 32))
    np.testing.assert_array_equal(painting.strokes, frame.strokes)
    assert (painting.brush, painting.height, painting.width) == ("rectangle", 24, 32)
    assert painting.canvas_color == (0.1, 0.2, 0.3) and painting.brush_image is None
    # The source is smaller than the fit's size.
    assert painting.settings == dataclasses.replace(settings.painting, size=32)


def test_a_state_shows_its_styled_strokes_if_there_are_any():
    plain, styled = (frames.Layer.fresh(np.full((4, 9), value, np.float32)) for value in (0.2, 0.7))
    assert not plain.optimizer.mu.any() and plain.optimizer.mu.shape == (4, 9) and plain.optimizer.count == 0
    state = frames.VideoState(5, np.arange(4), True, 9, plain)
    for layer, expected in ((None, 0.2), (styled, 0.7)):
        frame = state._replace(styled=layer).frame
        assert (frame.number, frame.keyframe, frame.ids.tolist()) == (5, True, [0, 1, 2, 3])
        assert (frame.strokes == np.float32(expected)).all()


@pytest.mark.parametrize(("survived", "told"), [(np.nan, "anew"), (0.9871, "98.7% of the strokes kept")])
def test_progress_is_told_in_a_line(survived, told):
    progress = frames.VideoProgress(3, 40, frames.FrameMetrics(23.456, survived, 1.25))
    assert str(progress) == f"frame 3/40 · 23.46 dB · 1.25 s · {told}"


def test_strokes_of_films_from_before_there_was_grain_get_grain_by_their_ids():
    settings = FilmSettings(strokes=50, brush="oilpaintbrush", size=32)
    old = dataclasses.replace(FILM, settings=settings, format=1)
    frame = next(painted(dim=12)).frame
    expected = with_grain(BRUSHES["oilpaintbrush"], frame.strokes, frame.ids)
    np.testing.assert_array_equal(old.painting(frame).strokes, expected)
    assert len(set(expected[:, -1].tolist())) == 50
    np.testing.assert_array_equal(dataclasses.replace(old, format=2).painting(frame).strokes, frame.strokes)
