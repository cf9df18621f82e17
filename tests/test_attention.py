"""Where people look in a picture."""

import concurrent.futures

import numpy as np
import pytest
import skimage.data

from jaxpaint import attention, pictures


def _photograph(name):
    return np.asarray(getattr(skimage.data, name)()[..., :3], np.float32) / 255


@pytest.mark.parametrize("shape", [(512, 512), (300, 300), (1100, 1100)])
def test_face_is_found_at_any_size(shape):
    (face,) = attention.faces(pictures.resize(_photograph("astronaut"), shape))
    # From brow to chin, cheek to cheek, in the photograph of 512 pixels.
    assert (512 * face.x, 512 * face.y) == pytest.approx((226, 118), abs=12)
    assert 70 < 512 * face.side < 130 and face.score > 0.8


@pytest.mark.parametrize("name", ["coffee", "rocket", "chelsea"])
def test_no_face_where_there_is_none(name):
    assert attention.faces(_photograph(name)) == []


def test_a_small_face_in_a_wide_picture():
    wide = np.full((400, 1600, 3), 0.5, np.float32)
    wide[100:356, 1200:1456] = pictures.resize(_photograph("astronaut"), (256, 256))
    (face,) = attention.faces(wide)
    assert (1600 * face.x, 1600 * face.y) == pytest.approx((1200 + 113, 100 + 59), abs=10)


def test_several_threads_find_what_one_finds():
    """As when visitors of a page paint at once."""
    images = [pictures.resize(_photograph("astronaut"), (side, side)) for side in (200, 260, 320, 400)] * 3
    alone = [attention.faces(image) for image in images]
    with concurrent.futures.ThreadPoolExecutor(4) as threads:
        assert list(threads.map(attention.faces, images)) == alone


def test_errors_in_faces_count_several_times():
    weight = attention.importance(_photograph("astronaut"))
    assert weight.shape == (512, 512)
    assert weight.mean() == pytest.approx(1.0, abs=1e-3)
    assert weight[90:140, 200:250].min() > 5 * np.median(weight)


def test_errors_count_most_at_the_eyes_the_nose_and_the_mouth():
    picture = _photograph("astronaut")
    (face,) = attention.faces(picture)
    # In the photograph, as seen by eye.
    at = np.array([(205, 102), (247, 105), (225, 130), (223, 148)])
    np.testing.assert_allclose(512 * np.array(face.features), at, atol=5)
    weight = attention.importance(picture)
    x, y = at.T
    assert weight[y, x].min() > 1.5 * weight[80, 226]


def test_faint_details_are_left_out_where_people_seldom_look(monkeypatch):
    """A grain of 0.04 goes on the left, and stays on the right, which counts more; a bright line stays everywhere."""
    weight = np.repeat(np.float32([1.0, 3.0]), 150) * np.ones((200, 1), np.float32)
    monkeypatch.setattr(attention, "importance", lambda image: weight)
    grain = 0.04 * (np.random.default_rng(0).uniform(size=(200, 300, 1)) < 0.3)
    picture = (0.4 + grain).astype(np.float32).repeat(3, axis=-1)
    picture[50] = 1.0
    found = attention.simplified(picture, 1.0, 0.03)
    left, right = np.s_[80:120, 60:100], np.s_[80:120, 200:240]
    assert found[left].std() < 0.1 * picture[left].std()
    np.testing.assert_allclose(found[right], picture[right], atol=1e-4)
    assert found[50].min() > 0.9
    np.testing.assert_array_equal(attention.simplified(picture, 0.0, 0.03), picture)


@pytest.mark.parametrize("size", [0.0, 0.001, 1.4])
def test_details_of_any_size_are_left_out(size):
    """Also those of a single stroke, which is larger than the picture."""
    plain = np.full((600, 500, 3), 0.2, np.float32)
    np.testing.assert_allclose(attention.simplified(plain, 1.0, size), plain, atol=1e-6)


def test_what_stands_out():
    # One disc among stripes.
    picture = np.full((200, 300, 3), 0.4, np.float32)
    picture[np.arange(200) % 20 < 10] = 0.6
    y, x = np.ogrid[:200, :300]
    picture[np.hypot(y - 100, x - 210) < 15] = 1.0
    found = attention.saliency(picture)
    assert found.shape == (200, 300) and found.min() >= 0 and found.max() <= 1
    y, x = np.unravel_index(found.argmax(), found.shape)
    assert 80 < y < 120 and 190 < x < 230
    assert found[:, :150].mean() < 0.2 * found[85:115, 195:225].mean()


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (3, 500), (64, 64)])
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_plain_pictures_of_any_shape_count_alike(shape, value):
    weight = attention.importance(np.full((*shape, 3), value, np.float32))
    assert weight.shape == shape
    np.testing.assert_allclose(weight, 1.0, atol=1e-3)
