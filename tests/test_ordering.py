"""Orders of strokes: the same picture, bit for bit, and fewer ways or changes of colour."""

import dataclasses

import numpy as np
import pytest

import jaxpaint
from jaxpaint import ordering
from jaxpaint.brushes import BRUSHES
from jaxpaint.ordering import ORDERS
from jaxpaint.settings import Settings
from jaxpaint.types import Painting


def some(brush, count=120):
    """Small strokes all over a canvas, of colours that depend on the place."""
    rng = np.random.default_rng(1)
    place = rng.uniform(0.02, 0.98, (count, 2)) * (1.0, 0.7)
    color = np.stack([place[:, 0], (place[:, 1] > 0.3) * 0.8, np.full(count, 0.4)], axis=1)
    lengths, widths = rng.uniform(0.03, 0.15, count), rng.uniform(0.01, 0.05, count)
    strokes = BRUSHES[brush].lay(place, rng.uniform(-3, 3, count), lengths, widths, color, rng.uniform(0.4, 1, count))
    strokes = np.clip(strokes, 0, 1).astype(np.float32)
    return Painting(strokes, brush, 70, 100, (1.0, 1.0, 1.0), None, Settings(brush=brush, strokes=count, size=256))


@pytest.mark.parametrize("brush", [name for name, brush in BRUSHES.items() if brush.vectors])
def test_the_picture_stays_the_same_to_the_last_bit(brush):
    """With texture, under light, of wet paint or glazes on the brush's ground; most strokes move."""
    painting = some(brush)
    drawn = jaxpaint.draw(painting)
    for order in ORDERS[1:]:
        found = jaxpaint.reorder(painting, order)
        assert sorted(map(tuple, found.strokes.tolist())) == sorted(map(tuple, painting.strokes.tolist()))
        assert (found.strokes != painting.strokes).any(axis=1).mean() > 0.5
        np.testing.assert_array_equal(jaxpaint.draw(found), drawn)


def test_orders_do_what_they_are_for():
    painting = some("filbert")
    before, brush = ordering.effort(painting), BRUSHES["filbert"]
    found = {order: jaxpaint.reorder(painting, order) for order in ORDERS}
    assert found["painted"] is painting
    assert ordering.effort(found["travel"]).travel < 0.4 * before.travel
    assert ordering.effort(found["color"]).changes < 0.5 * before.changes

    def early(order, values):
        """Correlation of values with a stroke's number."""
        return np.corrcoef(np.arange(len(values)), values)[0, 1]

    areas = brush.areas(found["size"].strokes)
    assert early("size", areas) < early("painted", brush.areas(painting.strokes)) - 0.3


def test_the_nearest_stroke_is_next():
    """Of small strokes that do not overlap, some of which lie beyond the canvas."""
    painting = some("rectangle")
    place = np.stack(np.meshgrid(np.linspace(-0.1, 1.1, 9), np.linspace(-0.1, 0.8, 7)), axis=-1).reshape(-1, 2)
    strokes = np.resize(painting.strokes, (len(place), 9))
    strokes[:, :2] = np.random.default_rng(2).permutation(place)
    strokes[:, 2:4] = 0.01
    found = jaxpaint.reorder(dataclasses.replace(painting, strokes=strokes), "travel")
    path, at = BRUSHES["rectangle"].shapes(found.strokes).path, np.zeros(2)
    for number in range(len(path)):
        ways = np.linalg.norm(path[number:, 0] - at, axis=1)
        assert ways[0] <= ways.min() + 1e-6
        at = path[number, 2]


def test_what_draws_attention_comes_last():
    """A small bright spot on a dark ground: its strokes do not overlap the ground's."""
    painting = some("rectangle")
    strokes, color = painting.strokes.copy(), BRUSHES["rectangle"].index("color")
    middle = (np.abs(strokes[:, :2] - (0.5, 0.35)) < 0.08).all(axis=1)
    strokes[:, color] = np.where(middle[:, None], 1.0, 0.1)
    strokes[:, 2:4] = 0.02
    settings = dataclasses.replace(painting.settings, canvas_color="0.1,0.1,0.1")
    painting = dataclasses.replace(painting, strokes=strokes, settings=settings)
    for order in ("subject", "region"):
        found = jaxpaint.reorder(painting, order).strokes
        bright = found[:, color[0]] == 1.0
        assert np.flatnonzero(bright).mean() > 0.75 * len(found)


def test_strokes_on_one_place_keep_their_order():
    strokes = np.tile(some("rectangle").strokes[:1], (20, 1))
    strokes[:, BRUSHES["rectangle"].index("color")] = np.random.default_rng(0).random((20, 3))
    painting = dataclasses.replace(some("rectangle"), strokes=strokes)
    for order in ORDERS:
        np.testing.assert_array_equal(jaxpaint.reorder(painting, order).strokes, strokes)


def test_the_same_painting_gives_the_same_order():
    for order in ORDERS:
        one, other = (jaxpaint.reorder(some("pastel"), order) for _ in range(2))
        assert one == other


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_strokes(count):
    painting = dataclasses.replace(some("filbert"), strokes=some("filbert").strokes[:count])
    for order in ORDERS:
        assert len(jaxpaint.reorder(painting, order).strokes) == count


def test_what_is_refused(unchecked):
    with pytest.raises(ValueError, match="expected an order of painted, subject, .*, got 'colour'"):
        jaxpaint.reorder(some("filbert"), "colour")
    with pytest.raises(TypeError, match="expected a painting"):
        jaxpaint.reorder(np.zeros(3), "size")
