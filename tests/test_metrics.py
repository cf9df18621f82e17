"""Smoothness: what moves with its source has no warp error, what flickers has, and what was hidden does not count."""

import numpy as np
import scipy.ndimage

from jaxpaint import metrics


def ground(seed=0):
    noise = scipy.ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=(100, 140, 3)), (2, 2, 0))
    return np.float32((noise - noise.min()) / np.ptp(noise))


def test_warp_error():
    """Of a painting that moves as its source, and of one whose every frame is another."""
    source, paint, other = ground(0), ground(1), ground(2)
    first, second = source[10:90, 10:130], source[10:90, 13:133]
    moved = metrics.motion(first, second)
    assert moved.seen.mean() > 0.9
    steady = metrics.warp_error(paint[10:90, 10:130], paint[10:90, 13:133], moved)
    flickering = metrics.warp_error(paint[10:90, 10:130], other[10:90, 13:133], moved)
    still = metrics.warp_error(paint[10:90, 10:130], paint[10:90, 10:130], moved)
    assert steady < 0.2 * min(flickering, still)


def test_what_was_hidden_does_not_count():
    picture = np.zeros((20, 20, 3), np.float32)
    changed = picture.copy()
    changed[:, :10] = 1
    seen = np.ones((20, 20), bool)
    at_rest = metrics.Motion(np.zeros((20, 20, 2), np.float32), seen)
    assert metrics.warp_error(picture, changed, at_rest) == 0.5
    seen = seen.copy()
    seen[:, :10] = False
    assert metrics.warp_error(picture, changed, at_rest._replace(seen=seen)) == 0
    assert metrics.warp_error(picture, changed, at_rest._replace(seen=np.zeros((20, 20), bool))) == 0


def test_jitter():
    """None in strokes that go on evenly."""
    rng = np.random.default_rng(0)
    first, way = rng.random((2, 30, 9), np.float32)
    np.testing.assert_allclose(metrics.jitter(first, first + way, first + 2 * way), 0, atol=1e-6)
    np.testing.assert_allclose(metrics.jitter(first, first + way, first), 2 * way.mean(), rtol=1e-5)
    assert metrics.jitter(*np.zeros((3, 0, 9), np.float32)) == 0
