"""Watercolour: thin washes on white paper, light over light.

bin/paint photo.jpg --out=paintings --config=configs/wash.py
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """350 strokes that let the paper through."""
    config = ml_collections.ConfigDict()
    config.brush = "watercolor"
    config.strokes = 350
    config.steps = 240
    config.min_size = 0.012
    config.texture = 1.6
    return config
