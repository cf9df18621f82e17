"""Cuts of a video, and keyframes."""

import dataclasses
import itertools

import numpy as np
import pytest
from filmed import scene

from jaxpaint.settings import FilmSettings
from jaxpaint.video import cuts


def test_what_is_a_cut():
    frames = list(scene(8, speed=3, noise=0.02))
    assert not any(cuts.is_cut(a, b) for a, b in itertools.pairwise(frames))
    assert all(cuts.is_cut(frames[0], other) for seed in (1, 2, 3) for other in scene(1, seed=seed))
    # Neither is light that changes a little, nor noise in the dark.
    assert not cuts.is_cut(frames[0], 0.9 * frames[0])
    dark = [np.abs(np.random.default_rng(i).normal(0, 0.02, (48, 64, 3))).astype(np.float32) for i in (0, 1)]
    assert not cuts.is_cut(*dark)
    assert cuts.is_cut(dark[0], frames[0])


@pytest.mark.parametrize("size", [32, 64])
def test_a_cut_is_seen_at_any_size(size):
    settings = FilmSettings(size=size)
    (first, second), (other,) = scene(2), scene(1, seed=3)
    first, second, other = (cuts.fitted(picture, settings) for picture in (first, second, other))
    assert first.shape == (3 * size // 4, size, 3)
    assert not cuts.is_cut(first, second) and cuts.is_cut(second, other)


def test_a_frame_is_not_enlarged_for_the_fit():
    picture = next(scene(1))
    np.testing.assert_array_equal(cuts.fitted(picture, FilmSettings(size=512)), picture)


@pytest.mark.parametrize(
    ("method", "goes_on", "after_a_cut"),
    [("persistent", False, True), ("previous", False, False), ("independent", True, True)],
)
def test_which_frames_are_keyframes(method, goes_on, after_a_cut):
    settings = dataclasses.replace(FilmSettings(), method=method)
    (first, second), (other,) = scene(2), scene(1, seed=3)
    assert cuts.is_keyframe(first, second, settings) is goes_on
    assert cuts.is_keyframe(second, other, settings) is after_a_cut
