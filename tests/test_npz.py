"""Paintings as files: there and back, and nothing that is damaged or foreign gets in."""

import dataclasses
import json
import pickle

import numpy as np
import pytest

from jaxpaint.brushes import BRUSHES
from jaxpaint.errors import PaintingFileError
from jaxpaint.io.npz import load_painting, save_painting
from jaxpaint.settings import Settings, StyleSettings
from jaxpaint.types import Painting


def make(brush="oilpaintbrush", *, n=5, state=None, brush_image=None, styling=None):
    strokes = np.random.default_rng(0).random((n, BRUSHES[brush].dim), np.float32)
    return Painting(
        strokes=strokes,
        brush=brush,
        height=20,
        width=30,
        canvas_color=(0.5, 0.25, 1.0),
        brush_image=brush_image,
        settings=Settings(brush=brush, strokes=n, canvas_color="0.5,0.25,1"),
        state=state,
        styling=styling,
    )


@pytest.fixture
def path(tmp_path):
    return tmp_path / "painting.npz"


@pytest.mark.parametrize("brush", BRUSHES)
def test_there_and_back(path, brush):
    painting = make(brush)
    save_painting(path, painting)
    back = load_painting(path)
    np.testing.assert_array_equal(back.strokes, painting.strokes)
    assert back.strokes.dtype == np.float32
    assert back == painting
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_the_settings_of_a_styling(path):
    styling = StyleSettings(mode="color", laplacian=0.5, style_weights="1,2")
    save_painting(path, make(styling=styling))
    assert load_painting(path).styling == styling
    with np.load(path) as file:
        arrays = dict(file)
    np.savez(path, **arrays | {"styling": np.str_('{"mode": "loud"}')})
    with pytest.raises(PaintingFileError, match=r"config\.mode: expected full or color"):
        load_painting(path)
    # Files from before there was style transfer.
    del arrays["styling"]
    np.savez(path, **arrays)
    assert load_painting(path).styling is None


def test_state_and_brush_image(path):
    state = {"step": np.array(7), "moments": np.arange(6, dtype=np.float32).reshape(2, 3)}
    image = np.random.default_rng(1).random((2, 4, 8, 3), np.float32)
    save_painting(path, make(state=state, brush_image=image))
    back = load_painting(path)
    np.testing.assert_array_equal(back.brush_image, image)
    assert back.state is not None
    assert back.state.keys() == state.keys()
    for name, value in state.items():
        np.testing.assert_array_equal(back.state[name], value)
        assert back.state[name].dtype == value.dtype


def test_a_brush_from_before_there_were_sets_draws_the_same(path):
    """One stamp of shade and coverage, as high as it is light."""
    shade, coverage = np.random.default_rng(1).random((2, 128, 256), np.float32)
    save_painting(path, painting := make(brush_image=np.stack([shade, coverage, shade], axis=-1)[None]))
    with np.load(path) as file:
        arrays = dict(file)
    np.savez(path, **arrays | {"brush_image": np.stack([shade, coverage], axis=-1)})
    np.testing.assert_array_equal(load_painting(path).canvas, painting.canvas)


@pytest.mark.parametrize(
    ("brush", "sizes"),
    [
        ("oilpaintbrush", (5, 6, 1)),
        ("watercolor", (8, 6, 1)),
        ("markerpen", (8, 3, 1)),
        ("rectangle", (5, 3, 1)),
    ],
)
def test_arrays_of_stylized_neural_painting(path, brush, sizes):
    painting = make(brush)
    save_painting(path, painting)
    with np.load(path, allow_pickle=False) as file:
        parts = [file[name] for name in ("x_ctt", "x_color", "x_alpha")]
    assert [part.shape for part in parts] == [(1, 5, size) for size in sizes]
    np.testing.assert_array_equal(np.concatenate(parts, axis=-1)[0], painting.strokes)


def test_strokes_of_files_from_before_grains_get_one_each(path):
    """All of them had the same number there, which nothing looked at."""
    painting = make()
    painting.strokes[:, BRUSHES["oilpaintbrush"].index("grain")] = 0.95
    painting = dataclasses.replace(painting, state={"strokes": painting.strokes})
    save_painting(path, painting)
    with np.load(path) as file:
        arrays = dict(file)
    np.savez(path, **{**arrays, "format": np.int32(1)})
    first, second = load_painting(path), load_painting(path)
    np.testing.assert_array_equal(first.strokes, second.strokes)
    np.testing.assert_array_equal(first.strokes[:, :-1], painting.strokes[:, :-1])
    assert len(set(first.strokes[:, -1].tolist())) == len(first.strokes)
    assert first.state is not None
    np.testing.assert_array_equal(first.state["strokes"], first.strokes)


def test_paintings_from_before_glazes_draw_as_before(path):
    painting = make("watercolor")
    settings = dataclasses.replace(painting.settings, layering="over", canvas_color="white", size=48)
    painting = dataclasses.replace(painting, settings=settings, canvas_color=(1.0, 1.0, 1.0))
    save_painting(path, painting)
    with np.load(path) as file:
        arrays = dict(file)
    config = json.loads(str(arrays["config"]))
    del config["layering"]
    np.savez(path, **arrays | {"config": np.str_(json.dumps(config))})
    np.testing.assert_array_equal(load_painting(path).canvas, painting.canvas)
    glazed = dataclasses.replace(painting, settings=dataclasses.replace(settings, layering="glaze"))
    assert np.abs(glazed.canvas - painting.canvas).max() > 0.1


def test_a_failed_write_leaves_the_old_file(path):
    save_painting(path, make())
    before = path.read_bytes()
    broken = dataclasses.replace(make(), state={"x": np.array([object()])})
    with pytest.raises(ValueError, match="allow_pickle"):
        save_painting(path, broken)
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.usefixtures("unchecked")
def test_arguments_in_the_wrong_order(path):
    with pytest.raises(TypeError, match="expected a path, got Painting"):
        save_painting(make(), path)
    with pytest.raises(TypeError, match="expected a painting, got ndarray of shape"):
        save_painting(path, make().strokes)
    with pytest.raises(TypeError, match="expected a path, got Painting"):
        load_painting(make())


def refused(path, match):
    with pytest.raises(PaintingFileError, match=match) as caught:
        load_painting(path)
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


def test_not_there(path):
    refused(path, "no such file")


def test_a_name_that_no_file_can_have(path):
    refused(path.with_name(999 * "long"), "no such file")


def test_folder(path):
    path.mkdir()
    refused(path, "a folder")


@pytest.mark.parametrize("content", [b"", b"PK", b"hello", pickle.dumps({"strokes": 1})])
def test_foreign(path, content):
    path.write_bytes(content)
    refused(path, "not a painting")


def test_foreign_npz(path):
    np.savez(path, x_ctt=np.zeros((1, 5, 5)))
    refused(path, "not a painting")


def test_truncated_and_damaged(path):
    save_painting(path, make(n=300))
    whole = path.read_bytes()
    for length in range(0, len(whole), 997):
        path.write_bytes(whole[:length])
        refused(path, "painting")
    strokes = make(n=300).strokes.tobytes()
    at = whole.index(strokes[:64])
    path.write_bytes(whole[:at] + bytes(64) + whole[at + 64 :])
    refused(path, "damaged")


def test_any_flipped_byte_gives_the_painting_or_one_line(path):
    save_painting(path, make(n=1))
    whole = bytearray(path.read_bytes())
    for at in np.random.default_rng(0).integers(0, len(whole), 300):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
        try:
            load_painting(path)
        except PaintingFileError as error:
            assert "\n" not in str(error)


class Bomb:
    def __reduce__(self):
        return pytest.fail, ("unpickled",)


def changed(path, **changes):
    save_painting(path, make())
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files} | changes
    np.savez(path, **arrays)


def test_nothing_is_unpickled(path):
    changed(path, strokes=np.array([Bomb()], object))
    refused(path, "damaged.*pickle")


STROKES = make().strokes
CONFIG = dataclasses.asdict(make().settings)


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"format": np.int32(99)}, "format 99"),
        ({"format": np.float32(1)}, "format has to be an integer"),
        ({"height": np.int32(0)}, "height has to be an integer from 1"),
        ({"width": np.ones(2, np.int32)}, "width has to be an integer"),
        ({"brush": np.str_("broom")}, "got 'broom'"),
        ({"brush": np.str_("rectangle")}, "strokes has 12 entries along axis 1, expected 9"),
        ({"brush": np.float32(1)}, "brush has to be text"),
        ({"strokes": STROKES[0]}, "2 axes of floats"),
        ({"strokes": STROKES[:0]}, "strokes has 0 entries"),
        ({"strokes": STROKES.astype(int)}, "axes of floats"),
        ({"strokes": STROKES * np.float32(np.nan)}, "not finite"),
        ({"strokes": STROKES + 1000}, "outside"),
        ({"strokes": STROKES + 1}, "colours and alphas"),
        ({"canvas_color": np.float32([0, 0, 2])}, "canvas_color has values outside"),
        ({"canvas_color": np.zeros(4, np.float32)}, "canvas_color has 4 entries"),
        ({"brush_image": np.zeros((4, 8, 3), np.float32)}, "brush_image has 3 entries"),
        ({"brush_image": np.zeros((1, 4, 8, 2), np.float32)}, "brush_image has 2 entries"),
        ({"brush_image": np.full((1, 4, 8, 3), 2, np.float32)}, "brush_image has values outside"),
        ({"state.step": np.str_("1")}, "state"),
        ({"state.mean": np.float32([np.inf])}, "state"),
        ({"config": np.str_("{")}, "config"),
        ({"config": np.str_("[]")}, "config"),
        ({"config": np.str_(json.dumps({"stroks": 5}))}, "did you mean strokes"),
        ({"config": np.str_(json.dumps(CONFIG | {"size": 0}))}, "config.size"),
        ({"config": np.str_(json.dumps(CONFIG | {"brush": "markerpen"}))}, "another brush"),
    ],
)
def test_wrong_content(path, changes, match):
    changed(path, **changes)
    refused(path, match)
