"""A sketch in a few seconds: 500 strokes.

bin/paint photo.jpg --out=paintings --config=configs/quick.py
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """Oil on a white canvas, coarse to fine."""
    config = ml_collections.ConfigDict()
    config.strokes = 500
    config.steps = 250
    config.size = 512
    # One program less to start: a quarter of the whole time, for a tenth of a decibel.
    config.textured = False
    return config
