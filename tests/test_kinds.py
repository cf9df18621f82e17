"""Readers that get another kind of file say which, and what takes it."""

import numpy as np
import pytest
from PIL import Image

from jaxpaint.errors import FilmFileError, ImageError, PaintingFileError
from jaxpaint.io import films, kinds, videos
from jaxpaint.io.exports import export
from jaxpaint.io.images import read_image
from jaxpaint.io.npz import load_painting, save_painting
from jaxpaint.settings import Settings
from jaxpaint.types import Painting

SETTINGS = Settings(brush="rectangle", strokes=1)


@pytest.fixture
def folder(tmp_path):
    strokes = np.full((1, 9), 0.5, np.float32)
    painting = Painting(strokes, "rectangle", 2, 3, (1.0, 1.0, 1.0), None, SETTINGS)
    save_painting(tmp_path / "painting.png", painting)
    export(painting, tmp_path / "strokes.json")
    np.savez(tmp_path / "foreign.npz", a=strokes)
    (tmp_path / "film.npz").write_bytes(b'{"film": 2, "config": {}}\n')
    Image.new("RGB", (2, 2)).save(tmp_path / "picture.film", "png")
    for name in ("video.mp4", "weights.safetensors", "settings.json", "words.txt"):
        (tmp_path / name).write_text("{}")
    return tmp_path


def test_kinds_are_told_by_contents_or_else_by_the_ending(folder):
    for name, expected in (
        ("painting.png", "a painting; bin/draw draws it"),
        ("strokes.json", "a painting; bin/draw draws it"),
        ("film.npz", "a film; bin/draw draws it"),
        ("picture.film", "a picture; bin/paint paints it"),
        ("video.mp4", "a video; bin/paint_video paints it"),
        ("weights.safetensors", "weights of a network; --config.weights or --config.vgg takes them"),
        ("settings.json", "a file of settings; --config takes it"),
        ("words.txt", ""),
        ("foreign.npz", ""),
    ):
        assert kinds.told(folder / name, expected="something else") == expected
        assert not kinds.told(folder / name, expected=expected.partition(";")[0])


def test_readers_tell_of_other_kinds(folder):
    for read, error, name, expected in (
        (read_image, ImageError, "painting.png", "expected a picture, got a painting; bin/draw draws it"),
        (read_image, ImageError, "video.mp4", "expected a picture, got a video; bin/paint_video paints it"),
        (read_image, ImageError, "words.txt", "expected a picture, got something else$"),
        (load_painting, PaintingFileError, "picture.film", r"not a painting \(npz\) .* but a picture; bin/paint"),
        (load_painting, PaintingFileError, "film.npz", r"not a painting \(npz\) .* but a film; bin/draw"),
        (load_painting, PaintingFileError, "words.txt", r"not a painting \(npz\) made by jaxpaint, or cut short$"),
        (videos.probe, ImageError, "painting.png", "expected a video, got a painting; bin/draw draws it"),
        (videos.probe, ImageError, "film.npz", "expected a video, got a film; bin/draw draws it"),
        (films.read, FilmFileError, "picture.film", "not a film made by jaxpaint, or damaged: a picture; bin/paint"),
    ):
        with pytest.raises(error, match=f"{name}: {expected}"):
            read(folder / name)
