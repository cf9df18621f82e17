"""Optical flow: pictures that moved as far as is known."""

import numpy as np
import pytest
import scipy.ndimage

from jaxpaint.video import flow


def texture(height=60, width=90, seed=0):
    noise = scipy.ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=(height, width, 3)), (2, 2, 0))
    return np.float32((noise - noise.min()) / np.ptp(noise))


@pytest.mark.parametrize("offset", [(3, 0), (0, -2), (2, 4)])
def test_a_picture_that_moved(offset):
    """x to the right, y down."""
    large = texture(100, 120)
    x, y = offset
    first, second = large[20:80, 15:105], large[20 - y : 80 - y, 15 - x : 105 - x]
    found = flow.flow(first, second)
    assert found.shape == (60, 90, 2)
    np.testing.assert_allclose(np.median(found, axis=(0, 1)), offset, atol=0.2)
    inside = (slice(8, -8), slice(8, -8))
    assert np.abs(flow.warp(second, found) - first)[inside].mean() < 0.2 * np.abs(second - first)[inside].mean()
    there, back = found, flow.flow(second, first)
    assert flow.occluded(there, back)[inside].mean() < 0.05


def test_what_a_square_hides_is_occluded():
    first = texture(120, 160)
    second = first.copy()
    first[30:90, 30:90] = second[30:90, 38:98] = texture(60, 60, seed=1)
    hidden = flow.occluded(flow.flow(first, second), flow.flow(second, first))
    assert hidden[32:88, 91:97].mean() > 0.6
    assert hidden[:, 110:].mean() < 0.05 and hidden[45:75, 45:75].mean() < 0.05


def test_samples_between_pixels():
    """Against SciPy, and as it goes on beyond the border."""
    values = texture(7, 9)
    at = np.random.default_rng(0).uniform(-1, 10, (50, 2)).astype(np.float32)
    expected = [
        scipy.ndimage.map_coordinates(values[..., c], (at - 0.5).T[::-1], order=1, mode="nearest") for c in range(3)
    ]
    np.testing.assert_allclose(flow.sample(values, at), np.stack(expected, axis=-1), atol=1e-5)


def test_pictures_of_a_few_pixels():
    for shape in ((1, 1, 3), (3, 40, 3), (16, 2, 3)):
        picture = np.full(shape, 0.5, np.float32)
        assert np.abs(flow.flow(picture, picture)).max() < 1e-3
        np.testing.assert_allclose(flow.warp(picture, np.zeros((*shape[:2], 2), np.float32)), picture)
