"""Painting a region anew: what stays, what changes, and what is refused."""

import dataclasses

import numpy as np
import pytest
from small import KEY, SMALL, disc_and_bar

import jaxpaint
from jaxpaint import drawing, pictures, repainting
from jaxpaint.brushes import BRUSHES
from jaxpaint.errors import ResumeError
from jaxpaint.settings import Settings
from jaxpaint.types import Painting


@pytest.fixture(scope="module")
def painted():
    return jaxpaint.paint(disc_and_bar(), key=KEY, settings=SMALL)


@pytest.fixture(scope="module")
def mask():
    """The left half."""
    left = np.zeros((6, 9), np.float32)
    left[:, :4] = 1.0
    return left


@pytest.fixture(scope="module")
def green():
    return np.broadcast_to(np.array([0.1, 0.7, 0.2], np.float32), (60, 90, 3))


@pytest.fixture(scope="module")
def repainted(painted, mask, green):
    return list(jaxpaint.repaint_stages(painted, green, mask=mask, key=KEY))


def dry(painting):
    return drawing.draw_flat(drawing.relit(painting, {"wet": 0.0}))


def test_strokes_outside_stay_and_as_many_new_ones_come_last(painted, mask, repainted):
    (done, progress) = repainted[-1]
    away = repainting.taken_away(painted, mask)
    middles = BRUSHES[painted.brush].middle(painted.strokes)
    np.testing.assert_array_equal(away, middles[:, 0] < 4 / 9)
    assert 3 < away.sum() < len(away) - 3
    np.testing.assert_array_equal(done.strokes[: (~away).sum()], painted.strokes[~away])
    assert len(done.strokes) == len(painted.strokes) and done.state is None
    assert progress.strokes == done.repainting.strokes == away.sum()
    assert done.settings == painted.settings


def test_the_region_takes_the_photograph_and_the_rest_stays(painted, green, repainted):
    before, after = dry(painted), dry(repainted[-1][0])
    target = pictures.resize(green, before.shape[:2])
    # Away from the border.
    inside, outside = np.s_[:, :18], np.s_[:, 27:]
    assert np.abs(after - target)[inside].mean() < 0.25 * np.abs(before - target)[inside].mean()
    assert np.abs(after - before)[outside].mean() < 0.1 * np.abs(before - target)[outside].mean()


def test_an_interrupted_repainting_goes_on_with_the_same_result(painted, mask, green, repainted, tmp_path):
    for stop in (0, len(repainted) // 2):
        jaxpaint.save_painting(tmp_path / "part.npz", repainted[stop][0])
        part = jaxpaint.load_painting(tmp_path / "part.npz")
        done = jaxpaint.repaint(painted, green, mask=mask, key=KEY, resume=part)
        np.testing.assert_array_equal(done.strokes, repainted[-1][0].strokes)
    jaxpaint.save_painting(tmp_path / "done.npz", done)
    assert jaxpaint.load_painting(tmp_path / "done.npz") == done
    with pytest.raises(ResumeError, match="photograph and region that the repainting began with, got others"):
        jaxpaint.repaint(painted, green, mask=mask[:, ::-1], key=KEY, resume=part)
    with pytest.raises(ResumeError, match="expected an unfinished repainting to go on from, got another painting"):
        jaxpaint.repaint(painted, green, mask=mask, key=KEY, resume=painted)
    with pytest.raises(ResumeError, match="got a finished one"):
        jaxpaint.repaint(painted, green, mask=mask, key=KEY, resume=done)


def test_new_strokes_may_be_others_and_of_the_painting_itself(painted, mask):
    """Without a photograph, the painting is the photograph."""
    settings = dataclasses.replace(painted.settings, palette="#204060,#f0e0c0", min_size=0.1)
    done = jaxpaint.repaint(painted, None, mask=mask, key=KEY, strokes=9, settings=settings)
    new, brush = done.strokes[-9:], BRUSHES[done.brush]
    colors = pictures.to_bytes(new[None, :, brush.index("color")])[0].reshape(-1, 3)
    assert {bytes(color).hex() for color in colors} <= {"204060", "f0e0c0"}
    assert (new[:, brush.index("size")] >= brush.size_per_width * 0.1 - brush.hair - 1e-6).all()
    assert len(done.strokes) == len(painted.strokes) - repainting.taken_away(painted, mask).sum() + 9


def test_a_found_palette_is_the_painting_s(mask):
    few = jaxpaint.paint(disc_and_bar(), key=KEY, settings=dataclasses.replace(SMALL, palette="3"))
    found = repainting.settings_of(few).palette_rgb
    assert 1 <= len(found) <= 3
    done = jaxpaint.repaint(few, None, mask=mask, key=KEY)
    colors = done.strokes[:, BRUSHES[done.brush].index("color")].reshape(-1, 3)
    assert len(np.unique(colors, axis=0)) <= 3


def test_a_photograph_of_other_proportions_is_cropped():
    picture = np.arange(60 * 90 * 3, dtype=np.float32).reshape(60, 90, 3)
    np.testing.assert_array_equal(repainting.cropped(picture, (32, 32)), picture[:, 15:75])
    np.testing.assert_array_equal(repainting.cropped(picture, (20, 60)), picture[15:45])
    np.testing.assert_array_equal(repainting.cropped(picture, (120, 180)), picture)


def test_the_painting_s_photograph_is_not_cropped():
    """By a row less, everything would be painted half a pixel beside what is there."""
    picture = np.zeros((427, 640, 3), np.float32)
    for shape in ((427, 640), (342, 512), (214, 320), (67, 100)):
        assert repainting.cropped(picture, shape).shape == picture.shape


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("mask", "changes", "expected"),
    [
        (np.zeros((4, 4)), {}, "expected a mask with a region of at least 0.5, got at most 0"),
        (np.full((4, 4), 2.0), {}, r"expected a mask of values in \[0, 1\], got 2 to 2"),
        (np.ones((4, 4, 3)), {}, r"expected a mask of shape \[height, width\], got \(4, 4, 3\)"),
        (np.ones((4, 4)), {"brush": "filbert"}, "config.brush: expected rectangle, as of the painting's other strokes"),
        (np.ones((4, 4)), {"canvas_color": "black"}, "config.canvas_color: expected white, as of the painting's"),
        (np.ones((4, 4)), {"mode": "blocks"}, "config.mode: expected progressive or grid"),
        (np.eye(90)[:1] + 0 * np.eye(90), {"strokes": 0}, "expected a region with strokes in it, or a number"),
    ],
)
def test_what_can_t_be_repainted_is_refused(painted, mask, changes, expected):
    count = changes.pop("strokes", 5)
    settings = dataclasses.replace(painted.settings, **changes)
    with pytest.raises(ValueError, match=expected):
        jaxpaint.repaint_stages(painted, None, mask=mask, key=KEY, strokes=count, settings=settings)


def test_the_underpainting_stays():
    settings = Settings(brush="filbert", strokes=40, underpainting=0.3)
    strokes = np.full((40, BRUSHES["filbert"].dim), 0.5, np.float32)
    painting = Painting(strokes, "filbert", 60, 90, (1.0, 1.0, 1.0), None, settings)
    away = repainting.taken_away(painting, np.ones((4, 4), np.float32))
    np.testing.assert_array_equal(away, np.arange(40) >= 12)


def test_an_unfinished_painting_is_refused(mask):
    part, _ = next(jaxpaint.paint_stages(disc_and_bar(), key=KEY, settings=SMALL))
    with pytest.raises(ValueError, match="expected a finished painting, got an unfinished one"):
        jaxpaint.repaint(part, None, mask=mask, key=KEY)
