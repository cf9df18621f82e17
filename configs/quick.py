"""A sketch in a few seconds: 500 strokes.

bin/paint photo.jpg --out=paintings --config=configs/quick.py
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """Oil on a white canvas, coarse to fine."""
    config = ml_collections.ConfigDict()
    config.strokes = 500
    config.steps = 200
    config.size = 512
    return config
