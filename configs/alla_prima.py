"""Wet into wet in one sitting: broad strokes first, the subject in fewer and smaller ones, on a brown ground.

bin/paint photo.jpg --out=paintings --config=configs/alla_prima.py
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """1,200 curved strokes, or fewer where the picture is plain."""
    config = ml_collections.ConfigDict()
    config.brush = "filbert"
    config.strokes = 1200
    config.steps = 280
    config.min_size = 0.007
    config.aspect = 5.0
    config.economy = 0.02
    config.canvas_color = "0.30,0.24,0.19"
    return config
