"""Origins: every file that is written says what it was made from, whatever its format and name."""

import json
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from jaxpaint.brushes import BRUSHES
from jaxpaint.cli import outputs
from jaxpaint.io import ffmpeg, films, images, npz, origins, videos
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


def write(path, origin):
    """Writes a file of the path's format, and reads it."""
    if path.suffix in (".png", ".jpg"):
        images.write_image(path, FRAMES[1] / np.float32(255), origin=origin)
        with Image.open(path) as picture:
            picture.load()
        assert np.array_equal(np.asarray(picture), FRAMES[1])
    elif path.suffix == ".json":
        outputs.write_json(path, {"psnr": 30.0}, origin=origin)
        assert json.loads(path.read_text())["psnr"] == 30.0
    elif path.suffix == ".npz":
        npz.save_painting(path, painting(origin))
        assert npz.load_painting(path).origin == origin
    elif path.suffix == ".film":
        film = Film(FilmSettings(), 24, 32, Fraction(30), 3, "clip.mp4", origin=origin)
        films.create(path, film)
        assert films.read(path)[0] == film
    else:
        videos.write_video(path, FRAMES, fps=10.0, origin=origin)
        assert videos.probe(path).frames == len(FRAMES)
        assert ffmpeg.run("-v", "warning", "-i", str(path), "-f", "null", "-").stderr == ""
    return path


SIGNED = ["mp4", "mov", "mkv", "webm", "gif", "png", "jpg", "npz", "json"]


@pytest.mark.parametrize("ending", [*SIGNED, "film"])
@pytest.mark.parametrize("origin", [ORIGIN, ""])
def test_a_file_says_what_it_was_made_from(tmp_path, ending, origin):
    path = write(tmp_path / f"file.{ending}", origin)
    assert origins.of_file(path) == origin
    path = path.rename(tmp_path / "another.name")
    assert origins.of_file(path) == origin and origins.is_unchanged(path)


@pytest.mark.parametrize("ending", SIGNED)
def test_a_changed_file_says_so(tmp_path, ending):
    """Wherever the change is: in its middle, or something inserted in front."""
    path = write(tmp_path / f"file.{ending}", ORIGIN)
    content = bytearray(path.read_bytes())
    middle = content.index(b"jaxpaint:") // 2
    content[middle] ^= 1
    path.write_bytes(content)
    assert origins.of_file(path) == ORIGIN and not origins.is_unchanged(path)
    content[middle] ^= 1
    for longer in (b"more" + content, content + b"more of it, behind"):
        path.write_bytes(longer)
        assert not origins.is_unchanged(path)
    path.write_bytes(content)
    assert origins.is_unchanged(path)


def test_a_picture_that_an_editor_saved_says_so(tmp_path):
    """The editor keeps the comment."""
    path = write(tmp_path / "file.png", ORIGIN)
    with Image.open(path) as picture:
        picture.load()
        kept = PngImagePlugin.PngInfo()
        kept.add_text("Comment", picture.text["Comment"])
        picture.point(lambda value: 255 - value).save(path, pnginfo=kept)
    assert origins.of_file(path) == ORIGIN and not origins.is_unchanged(path)


def test_a_video_with_sound_says_so_too(tmp_path):
    """Its sound is added afterwards."""
    with_sound = tmp_path / "sound.mp4"
    ffmpeg.run(
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
