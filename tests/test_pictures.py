"""Pictures as arrays: what programs pass around is taken where it is unambiguous, else one line says how to pass it."""

import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from jaxpaint import pictures
from jaxpaint.io.images import read_image

GOOD = np.random.default_rng(0).uniform(0.1, 0.9, (6, 8, 3)).astype(np.float32)
BYTES = np.round(GOOD * 255).astype(np.uint8)


def torch_of(array):
    return pytest.importorskip("torch").from_numpy(array.copy()).requires_grad_()


@pytest.mark.parametrize(
    ("picture", "expected"),
    [
        (GOOD.astype(np.float64), GOOD),
        (GOOD[:, ::-1], GOOD[:, ::-1]),
        (jnp.asarray(GOOD), GOOD),
        (jnp.asarray(GOOD, "bfloat16"), GOOD),
        (torch_of(GOOD), GOOD),
        (BYTES, BYTES / 255),
        (BYTES.astype(np.uint16) * 257, BYTES / 255),
        (Image.fromarray(BYTES), BYTES / 255),
        (Image.fromarray(BYTES).convert("RGBA"), BYTES / 255),
        (Image.fromarray(BYTES[..., 0]), np.repeat(BYTES[..., :1], 3, axis=-1) / 255),
        (Image.fromarray((BYTES > 99)[..., 0]), np.repeat((BYTES > 99)[..., :1], 3, axis=-1)),
        (Image.fromarray(BYTES[..., 0].astype(np.uint16) * 257), np.repeat(BYTES[..., :1], 3, axis=-1) / 255),
        (GOOD[..., 0], np.repeat(GOOD[..., :1], 3, axis=-1)),
        (GOOD[..., :1], np.repeat(GOOD[..., :1], 3, axis=-1)),
        (np.moveaxis(GOOD, -1, 0), GOOD),
        (np.dstack([GOOD, np.ones((6, 8))]), GOOD),
        (GOOD + np.float32(1 - GOOD.max() + 1e-7), GOOD + 1 - GOOD.max()),
    ],
)
def test_what_is_unambiguous_is_converted(picture, expected):
    found = pictures.checked(picture)
    assert found.dtype == np.float32 and found.min() >= 0 and found.max() <= 1
    np.testing.assert_allclose(found, expected, atol=5e-3 if "bfloat16" in str(getattr(picture, "dtype", "")) else 1e-6)


@pytest.mark.parametrize(
    ("picture", "expected"),
    [
        ("photo.jpg", "as an array, got a path; jaxpaint.read_image reads it"),
        (GOOD[None], r"got \(1, 6, 8, 3\); pass the pictures of a batch one by one"),
        (np.dstack([GOOD, GOOD[..., 0]]), r"got \(6, 8, 4\); lay its colours over a canvas by its alpha first"),
        (GOOD[:0], r"got \(0, 8, 3\)"),
        (np.where(np.isclose(GOOD, GOOD.max()), np.nan, GOOD), "got 0.694 % that are no numbers"),
        (GOOD + 1, "got 1.1.* to 1.8"),
        (BYTES.astype(np.int64), "of floats in .*, or of uint8, got int64"),
        (Image.fromarray(BYTES[..., 0].astype(np.int32)), r"of floats in .*, or of uint8, got Image \(int32\)"),
        (None, r"got NoneType \(object\)"),
        (GOOD.astype(complex), "of floats in .*, got complex128"),
        (BYTES.astype("M8[s]"), r"of floats in .*, got datetime64\[s\]"),
        ([[0.5, 0.5], [0.5]], "expected a picture as an array, got list: "),
    ],
)
def test_what_is_not_is_told_in_one_line(picture, expected):
    with pytest.raises(ValueError, match=expected) as error:
        pictures.checked(picture)
    assert "\n" not in str(error.value)


def test_a_checked_picture_is_a_new_array_and_a_converted_one_need_not_be():
    assert not np.shares_memory(pictures.checked(GOOD), GOOD)
    assert np.shares_memory(pictures.converted(GOOD), GOOD)


@pytest.mark.parametrize(
    ("color", "expected"),
    [("white", "got str"), ((0.5, 0.5), r"of shape \(2,\)"), ((255, 255, 255), r"in \[0, 1\], got 255 to 255")],
)
def test_a_colour_is_three_numbers(color, expected):
    np.testing.assert_array_equal(pictures.checked_color((1, 0, 0.5)), np.float32([1, 0, 0.5]))
    with pytest.raises(ValueError, match=f"expected a colour .*{expected}"):
        pictures.checked_color(color)


@pytest.mark.parametrize("size", [1, 16384, np.int64(7), np.array(7), jnp.int32(7)])
def test_sizes_are_whole_numbers(size):
    assert pictures.checked_size(size) == int(size) and type(pictures.checked_size(size)) is int


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_an_image_of_pillow_is_turned_as_its_file_is(tmp_path, orientation):
    exif = Image.Exif()
    exif[274] = orientation
    Image.fromarray(BYTES).save(tmp_path / "photo.png", exif=exif)
    with Image.open(tmp_path / "photo.png") as image:
        np.testing.assert_allclose(pictures.checked(image), read_image(tmp_path / "photo.png"), atol=1e-6)
