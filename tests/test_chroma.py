"""Lightness apart from colour: grey pictures, matched lightness, and strokes that keep their chroma."""

import numpy as np
import pytest

from jaxpaint import chroma
from jaxpaint.brushes import BRUSHES

WEIGHTS = np.array([0.2126, 0.7152, 0.0722])


def test_grey_has_the_luma_in_all_channels():
    picture = np.random.default_rng(0).random((5, 7, 3), np.float32)
    grey = chroma.grey(picture)
    np.testing.assert_allclose(grey, np.repeat((picture @ WEIGHTS)[..., None], 3, axis=-1), atol=1e-6)
    np.testing.assert_allclose(chroma.grey(grey), grey, atol=1e-6)


def test_a_matched_picture_has_the_other_s_mean_and_contrast():
    rng = np.random.default_rng(0)
    picture, other = rng.random((6, 8, 3), np.float32), 0.3 + 0.2 * rng.random((9, 5, 3), np.float32)
    matched = chroma.matched(picture, other)
    luma = other @ WEIGHTS
    np.testing.assert_allclose([matched.mean(), matched.std()], [luma.mean(), luma.std()], atol=1e-5)
    # Light stays light: the luma is a rising line of the picture's own.
    slope = np.polyfit((picture @ WEIGHTS).ravel(), matched[..., 0].ravel(), 1)
    np.testing.assert_allclose(np.polyval(slope, picture @ WEIGHTS), matched[..., 0], atol=1e-5)
    # A uniform style has no contrast to match, and a style may be brighter than white.
    np.testing.assert_allclose(chroma.matched(np.full_like(picture, 0.5), other), luma.mean(), atol=1e-5)
    assert chroma.matched(other, np.eye(9, dtype=np.float32)[..., None].repeat(3, -1)).min() == 0


@pytest.mark.parametrize("name", BRUSHES)
def test_kept_strokes_have_the_chroma_of_others_and_their_lightness_if_it_can_be(name):
    brush, rng = BRUSHES[name], np.random.default_rng(0)
    strokes, original = (rng.random((200, brush.dim), np.float32) for _ in range(2))
    strokes[:8, brush.index("color")] = np.repeat([0.0, 1.0], 4)[:, None]
    kept, color = chroma.kept(brush, strokes, original), brush.index("color")
    np.testing.assert_array_equal(kept[:, ~brush.mask("color")], strokes[:, ~brush.mask("color")])
    now, asked, before = (each[:, color].reshape(-1, 3) for each in (kept, strokes, original))
    found, wanted = (each - (each @ WEIGHTS)[:, None] for each in (now, before))
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    # Another lightness only where a channel is at its end, as near as may be.
    off = asked @ WEIGHTS - now @ WEIGHTS
    assert 0 < (np.abs(off) > 1e-4).mean() < 0.8
    np.testing.assert_allclose(now[off < -1e-4].min(axis=1), 0, atol=1e-5)
    np.testing.assert_allclose(now[off > 1e-4].max(axis=1), 1, atol=1e-5)
    assert now.min() >= 0 and now.max() <= 1
    # A colour of its own is as it was.
    np.testing.assert_allclose(chroma.kept(brush, original, original), original, atol=1e-6)
