"""Palettes: few colours, near to those that they stand for, and nearest to those that count most."""

import numpy as np
import pytest

from jaxpaint import palettes


def test_colours_of_clusters_are_found_again():
    rng = np.random.default_rng(0)
    wanted = np.float32([[0.9, 0.9, 0.8], [0.9, 0.2, 0.1], [0.1, 0.3, 0.8], [0.05, 0.05, 0.1]])
    truth = rng.integers(0, 4, 300)
    colors = np.clip(wanted[truth] + rng.normal(0, 0.01, (300, 3)), 0, 1).astype(np.float32)
    found = palettes.reduced(colors, np.ones(300), 4)
    # Light ones come first.
    np.testing.assert_allclose(found.colors, wanted[[0, 1, 2, 3]], atol=0.01)
    np.testing.assert_array_equal(found.members, truth)


def test_a_palette_is_nearest_to_what_counts():
    colors = np.float32([[x, x, x] for x in np.linspace(0, 1, 50)])
    weights = np.where(colors[:, 0] > 0.8, 100.0, 1.0)
    found = palettes.reduced(colors, weights, 3)
    error = np.abs(found.colors[found.members] - colors).mean(axis=1)
    assert error[weights > 1].mean() < 0.3 * palettes_error(colors, 3, weights > 1)
    assert (found.colors[:, 0] > 0.8).sum() == 2


def palettes_error(colors, count, where):
    plain = palettes.reduced(colors, np.ones(len(colors)), count)
    return np.abs(plain.colors[plain.members] - colors).mean(axis=1)[where].mean()


@pytest.mark.parametrize("distinct", [0, 1, 3, 4])
def test_few_colours_stay_as_they_are(distinct):
    some = np.random.default_rng(1).random((distinct, 3)).astype(np.float32)
    colors = np.repeat(some, 2, axis=0)
    found = palettes.reduced(colors, np.ones(len(colors)), 4)
    assert len(found.colors) == distinct
    np.testing.assert_allclose(found.colors[found.members], colors, atol=2e-3)
