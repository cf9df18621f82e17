"""Soft pastels on toned paper.

bin/paint photo.jpg --out=paintings --config=configs/pastel.py
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """1,000 strokes along the forms, whose grain is the paper's."""
    config = ml_collections.ConfigDict()
    config.brush = "pastel"
    config.canvas_color = "0.62,0.58,0.54"
    config.strokes = 1000
    config.min_size = 0.012
    config.direction = 3.0
    config.steps = 240
    return config
