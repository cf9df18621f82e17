"""Dots of colour, side by side.

bin/paint photo.jpg --out=paintings --config=configs/pointillist.py
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """5,000 round dabs, whose colours stray."""
    config = ml_collections.ConfigDict()
    config.brush = "filbert"
    config.strokes = 5000
    config.steps = 200
    config.min_size = 0.008
    config.max_size = 0.016
    config.max_aspect = 1.25
    config.canvas_color = "0.92,0.88,0.80"
    config.underpainting = 0.01
    config.spread = 0.7
    config.detail = "alike"
    config.jitter = 0.08
    config.relief = 0.8
    return config
