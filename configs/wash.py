"""Watercolour: transparent washes on white paper, large ones first, whose edges dry dark.

bin/paint photo.jpg --out=paintings --config=configs/wash.py
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """520 glazes of thin paint."""
    config = ml_collections.ConfigDict()
    config.brush = "watercolor"
    config.strokes = 520
    config.steps = 300
    config.min_size = 0.01
    config.water = 0.35
    return config
