"""The schedule of Stylized Neural Painting (Zou et al., CVPR 2021, arXiv:2011.08114), for comparison.

bin/paint photo.jpg --out=paintings --config=configs/snp.py

One of the painter's modes: 5 × 5 blocks of the network's own size are each painted for itself; twenty times, each is
given one more stroke, and all strokes so far are fitted for 25 steps, by RMSprop, to the mean absolute difference:
131,250 strokes are drawn and differentiated. With `--config.renderer=exact` blocks are a fifth of `config.size`.

As in the paper: placing, sizes, bounds (0.1 to 0.9 of the block), rates, grid, budget, blocks interleaved at random.
Not so: the picture keeps its proportions (blocks are square, and those that lie in it share the budget); no stroke is
left out for being small, since it was fitted as one that is there; neither in the fit nor in the drawing are strokes'
colours dilated and their alphas eroded, since the engine's colours reach to the edge and have no dark rims; the fit's
error map is that of the engine's drawing of each block; the network's edges are made steeper, as always here.
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """Oil on a white canvas, by `light`."""
    config = ml_collections.ConfigDict()
    config.renderer = "light"
    config.brush = "oilpaintbrush"
    config.mode = "blocks"
    config.grid = 5
    config.strokes = 500
    config.steps = 500
    config.learning_rate = 0.002
    config.l1 = 1.0
    config.l2 = 0.0
    config.softness = 0.0
    return config
