"""Dots of colour, side by side.

bin/paint photo.jpg --out=paintings --config=configs/pointillist.py
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """6,000 small dabs, whose colours stray."""
    config = ml_collections.ConfigDict()
    config.brush = "oilpaintbrush"
    config.strokes = 6000
    config.steps = 200
    config.min_size = 0.007
    config.max_size = 0.02
    config.canvas_color = "0.92,0.88,0.80"
    config.detail = "alike"
    config.jitter = 0.05
    config.relief = 0.8
    config.max_aspect = 1.4
    return config
