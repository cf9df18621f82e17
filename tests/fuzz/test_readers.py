"""Damaged files of every kind that is read: each is read all the same, or refused in one line that names it.

Files that are right are damaged as disks, downloads and hands do it: bits flip, bytes go, come or turn into extremes,
ends are cut, pieces change places.
"""

import contextlib
import io
import json
import warnings
from fractions import Fraction

import h5py
import numpy as np
import pytest
import tifffile
from PIL import Image

from jaxpaint.brushes import BRUSHES
from jaxpaint.cli import convert_weights, options
from jaxpaint.errors import JaxpaintError
from jaxpaint.io import films, images, npz, paintings, videos, weights
from jaxpaint.io.exports import export
from jaxpaint.settings import FilmSettings, Settings
from jaxpaint.training import State, checkpoints
from jaxpaint.types import Painting
from jaxpaint.video.frames import Film, Frame, FrameMetrics, Layer, Painted, VideoState

pytestmark = pytest.mark.slow
SEEDS = 30
RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (18, 24, 3), np.uint8)
DIM = BRUSHES["rectangle"].dim


def picture(path):
    Image.fromarray(PIXELS).save(path)


def deep_picture(path):
    tifffile.imwrite(path, PIXELS.astype(np.uint16) * 257, photometric="rgb")


def photograph(path):
    exif = Image.Exif()
    exif[0x112], exif[0x10E] = 6, "words"
    Image.fromarray(PIXELS).save(path, exif=exif)


def painting(path):
    settings = Settings(brush="rectangle", strokes=9, size=32)
    state = {"strokes": np.zeros((9, DIM), np.float32), "placed": np.array(4), "stage": np.array(1)}
    strokes = RNG.random((4, DIM), np.float32)
    npz.save_painting(path, Painting(strokes, "rectangle", 18, 24, (1.0, 1.0, 1.0), None, settings, state))


def strokes(path):
    stamps, settings = RNG.random((1, 2, 3, 3), np.float32), Settings(brush="filbert", strokes=4, size=32)
    parameters = RNG.random((4, BRUSHES["filbert"].dim), np.float32)
    export(Painting(parameters, "filbert", 18, 24, (1.0, 1.0, 1.0), stamps, settings), path)


def film(path):
    settings = FilmSettings(strokes=9, brush="rectangle", size=32)
    films.create(path, Film(settings, 18, 24, Fraction(30000, 1001), 3, "clip.mp4", origin="0" * 32))
    before = None
    for number in range(3):
        frame = Frame(number, RNG.random((9, DIM), np.float32), np.arange(9), number == 0)
        films.append(path, Painted(frame, FrameMetrics(20.0, 1.0, 0.5)), before)
        films.keep(path, VideoState(number, frame.ids, frame.keyframe, 9, Layer.fresh(frame.strokes)))
        before = frame


def video(path):
    videos.write_video(path, [np.roll(PIXELS, 2 * number, axis=1) for number in range(4)], fps=10.0)


def network(path):
    path.write_bytes((weights.SHIPPED / "light-rectangle.safetensors").read_bytes())


def keras(path):
    """The first two convolutions of VGG."""
    with h5py.File(path, "w") as file:
        for name, inputs in (("block1_conv1", 3), ("block1_conv2", 64)):
            file[f"{name}/kernel:0"] = RNG.random((3, 3, inputs, 64), np.float32)
            file[f"{name}/bias:0"] = RNG.random(64, np.float32)


def torch_checkpoint(path):
    _convert(weights.SHIPPED / "light-rectangle.safetensors", path)


def convert(path):
    _convert(path, path.with_name("converted.safetensors"), "--brush=rectangle")
    path.with_name("converted.safetensors").unlink()


def _convert(*arguments):
    """Runs the command, and raises what it complains of."""
    with contextlib.redirect_stderr(io.StringIO()) as said:
        status = convert_weights.main(["convert_weights", *map(str, arguments)])
    if status:
        raise JaxpaintError(said.getvalue().strip())


def config(path):
    path.write_text(json.dumps({"strokes": 9}))


def read_film(path):
    found, frames = films.read(path)
    list(frames)
    return films.resume(path), found


# Maker and reader of each kind.
KINDS = {
    "picture.png": (picture, images.read_image),
    "picture.gif": (picture, images.read_image),
    "picture.webp": (picture, images.read_image),
    "picture.bmp": (picture, images.read_image),
    "photo.jpg": (photograph, images.read_image),
    "picture.tif": (picture, images.read_image),
    "deep.tif": (deep_picture, images.read_image),
    "painting.npz": (painting, npz.load_painting),
    "strokes.json": (strokes, paintings.load_painting),
    "film.film": (film, read_film),
    "clip.mp4": (video, lambda path: list(videos.read(videos.probe(path)))),
    "clip.gif": (video, lambda path: list(videos.read(videos.probe(path)))),
    "light.safetensors": (network, weights.load),
    "settings.json": (config, options.load_config),
    "vgg.h5": (keras, convert),
    "light.pt": (torch_checkpoint, convert),
}


def damaged(data, rng):
    """The bytes, damaged in one to three ways."""
    data = bytearray(data)
    for _ in range(rng.integers(1, 4)):
        # The beginning, where sizes and kinds stand, as often as all the rest.
        span = len(data) if rng.random() < 0.5 else min(len(data), 200)
        at = int(rng.integers(0, max(span, 1)))
        length = int(rng.integers(1, 17))
        way = rng.integers(0, 6)
        if way == 0 and data:
            data[at] ^= 1 << int(rng.integers(0, 8))
        elif way == 1:
            data[at : at + length] = bytes([int(rng.choice([0, 255, 127, 128]))]) * length
        elif way == 2:
            del data[at : at + length]
        elif way == 3:
            data[at:at] = rng.bytes(length)
        elif way == 4:
            del data[int(rng.integers(0, len(data) + 1)) :]
        else:
            data[at : at + length], data[-length:] = data[-length:], data[at : at + length]
    return bytes(data)


@pytest.mark.parametrize("name", KINDS)
def test_a_damaged_file_is_read_or_refused_in_one_line(tmp_path, name):
    make, read = KINDS[name]
    path = tmp_path / name
    make(path)
    whole = path.read_bytes()
    read(path)
    for seed in range(SEEDS):
        path.write_bytes(damaged(whole, np.random.default_rng(seed)))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                read(path)
            except JaxpaintError as error:
                assert "\n" not in str(error) and name in str(error) and len(str(error)) < 2000, (seed, error)
            except Exception as error:
                raise AssertionError(f"seed {seed} of {name}") from error
        assert [left.name for left in tmp_path.iterdir()] == [name]


# When one of orbax's reads fails, others are still under way, and complain where nobody can hear.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_damaged_checkpoint_is_read_or_the_one_before(tmp_path):
    arrays = {"kernel": RNG.random((20, 30), np.float32), "bias": RNG.random(7, np.float32)}

    def state(step):
        return State(np.asarray(step), arrays, arrays, arrays)

    with checkpoints.manager(tmp_path) as saved:
        for step in (10, 20):
            checkpoints.save(saved, state(step))
    files = sorted(path for path in (tmp_path / "20").rglob("*") if path.is_file())
    found = []
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        path = files[rng.integers(len(files))]
        whole = path.read_bytes()
        path.write_bytes(damaged(whole, rng))
        with checkpoints.manager(tmp_path) as saved, warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            restored = checkpoints.restore(saved, state(0))
        aside = tmp_path / "damaged-20"
        assert (int(restored.step) == 10) == aside.exists()
        if aside.exists():
            aside.rename(tmp_path / "20")
        path.write_bytes(whole)
        found.append(int(restored.step))
        assert (found[-1] == 10) == any("20: a damaged checkpoint: " in str(each.message) for each in warned)
        # Orbax does not notice each damage to the numbers themselves.
        assert restored.params["kernel"].shape == (20, 30)
    assert set(found) == {10, 20}
