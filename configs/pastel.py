"""Soft pastels on toned paper.

bin/paint photo.jpg --out=paintings --config=configs/pastel.py
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """1,600 strokes, whose grain is the paper's."""
    config = ml_collections.ConfigDict()
    config.brush = "pastel"
    config.canvas_color = "0.62,0.58,0.54"
    config.strokes = 1600
    config.min_size = 0.008
    config.steps = 240
    return config
