"""New strokes: where the canvas is wrong, along edges, in the right colours."""

import numpy as np

from jaxpaint.brushes import BRUSHES
from jaxpaint.optimize import initialize


def test_strokes_are_placed_where_the_canvas_is_wrong_and_along_edges():
    target = np.zeros((64, 64, 3), np.float32)
    target[:, 40:44] = 1.0
    strokes = initialize.place(
        BRUSHES["oilpaintbrush"],
        target,
        np.zeros_like(target),
        200,
        initialize.Layout(0.1),
        rng=np.random.default_rng(0),
    )
    near = np.abs(strokes[:, 0] - 42 / 64) < 0.1
    assert near.mean() > 0.9
    # Their long side, h, stands upright: θ near 0 or 1.
    assert np.median(np.abs(np.sin(np.pi * strokes[near, 4]))) < 0.35


def test_grid_mode_gives_each_block_its_share():
    target = np.zeros((60, 60, 3), np.float32)
    target[:10, :10] = 1.0
    strokes = initialize.place(
        BRUSHES["rectangle"],
        target,
        np.zeros_like(target),
        25,
        initialize.Layout(0.2, cells=3),
        rng=np.random.default_rng(0),
    )
    cells = (strokes[:, :2] * 3).astype(int)
    counts = np.bincount(cells[:, 1] * 3 + cells[:, 0], minlength=9)
    assert sorted(counts) == [2, 2, 3, 3, 3, 3, 3, 3, 3]


def test_candidates_for_glazes_lie_where_the_canvas_is_too_light():
    """The right half of the canvas is too dark already. A film of a candidate's colour gives the target."""
    target, canvas = np.full((40, 80, 3), 0.5, np.float32), np.full((40, 80, 3), 0.8, np.float32)
    canvas[:, 40:] = 0.1
    brush = BRUSHES["watercolor"]
    rng, layout = np.random.default_rng(0), initialize.Layout(0.1)
    strokes = initialize.place(brush, target, canvas, 200, layout._replace(layering="glaze"), rng=rng)
    middle = brush.middle(strokes)[:, 0]
    assert (middle < 0.55).mean() > 0.98
    film = 1 - strokes[:, -1:] * (1 - strokes[:, brush.index("color")])
    np.testing.assert_allclose(0.8 * film[middle < 0.45], 0.5, atol=1e-3)
    assert (brush.middle(initialize.place(brush, target, canvas, 200, layout, rng=rng))[:, 0] > 0.5).mean() > 0.5
