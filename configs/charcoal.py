"""Black chalk on rough paper.

bin/paint photo.jpg --out=paintings --config=configs/charcoal.py
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """1,800 thin strokes of one soft stick, whose grain is the paper's."""
    config = ml_collections.ConfigDict()
    config.brush = "pastel"
    config.ink = "0.11,0.10,0.10"
    config.canvas_color = "0.93,0.91,0.86"
    config.strokes = 1800
    config.min_size = 0.003
    config.max_size = 0.03
    config.direction = 4.0
    config.steps = 240
    return config
