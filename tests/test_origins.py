"""Origins: every file that is written says what it was made from, whatever its format and name."""

from fractions import Fraction

import numpy as np
import pytest

from jaxpaint.brushes import BRUSHES
from jaxpaint.io import films, images, npz, origins, videos
from jaxpaint.settings import FilmSettings, Settings
from jaxpaint.types import Painting
from jaxpaint.video.frames import Film

ORIGIN = "0123456789abcdef" * 2
FRAMES = [np.full((16, 20, 3), 60 * number, np.uint8) for number in range(3)]


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "source.bin"
    path.write_bytes(b"a photograph")
    return path


def painting(origin):
    strokes = np.full((4, BRUSHES["rectangle"].dim), 0.5, np.float32)
    return Painting(strokes, "rectangle", 24, 32, (1.0, 1.0, 1.0), None, Settings(brush="rectangle"), origin=origin)


@pytest.mark.parametrize("ending", ["mp4", "mov", "mkv", "webm", "gif", "png", "npz", "film"])
@pytest.mark.parametrize("origin", [ORIGIN, ""])
def test_a_file_says_what_it_was_made_from(tmp_path, ending, origin):
    path = tmp_path / f"file.{ending}"
    if ending == "png":
        images.write_image(path, FRAMES[0] / np.float32(255), origin=origin)
    elif ending == "npz":
        npz.save_painting(path, painting(origin))
        assert npz.load_painting(path).origin == origin
    elif ending == "film":
        film = Film(FilmSettings(), 24, 32, Fraction(30), 3, "clip.mp4", origin=origin)
        films.create(path, film)
        assert films.read(path)[0] == film
    else:
        videos.write_video(path, FRAMES, fps=10.0, origin=origin)
        assert videos.probe(path).frames == len(FRAMES)
    assert origins.of_file(path) == origin
    assert origins.of_file(path.rename(tmp_path / "another.name")) == origin


def test_a_video_with_sound_says_so_too(tmp_path):
    """Its sound is added afterwards."""
    with_sound = tmp_path / "sound.mp4"
    videos._run(
        "-f", "lavfi", "-i", "testsrc=duration=1:size=64x48", "-f", "lavfi", "-i", "sine=duration=1", str(with_sound)
    )
    path = tmp_path / "file.mp4"
    videos.write_video(path, FRAMES, origin=ORIGIN, sound_of=with_sound)
    assert videos.probe(path).sound and origins.of_file(path) == ORIGIN


def test_origins_are_of_contents_not_of_names(tmp_path, source):
    origin = origins.made_from("painting", source)
    copy = tmp_path / "copy.bin"
    copy.write_bytes(source.read_bytes())
    assert origins.made_from("painting", copy) == origin
    assert len({origin, origins.made_from("film", source), origins.made_from("painting", source, copy)}) == 3
    copy.write_bytes(b"another photograph")
    assert origins.made_from("painting", copy) != origin


def test_large_files_are_compared_by_samples(tmp_path, monkeypatch):
    """From the beginning to the end of the file, and by its size."""
    monkeypatch.setattr(origins, "_SAMPLE", 4)
    path, whole = tmp_path / "film.mp4", bytearray(range(256)) * 8
    path.write_bytes(whole)
    found = {origins.made_from("film", path)}
    for at in (0, (len(whole) - 4) * 32 // 63, len(whole) - 1):
        changed = bytearray(whole)
        changed[at] ^= 1
        path.write_bytes(changed)
        found.add(origins.made_from("film", path))
    path.write_bytes(whole[:-1])
    assert len(found | {origins.made_from("film", path)}) == 5


def test_what_is_not_ours_has_no_origin(source):
    assert origins.of_file(source) == ""
    source.write_bytes(b"jaxpaint:0123, and no more")
    assert origins.of_file(source) == ""
