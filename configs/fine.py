"""Six times the strokes, fitted at twice the size: some minutes on two cores.

bin/paint photo.jpg --out=paintings --config=configs/fine.py
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """Oil on a white canvas, coarse to fine."""
    config = ml_collections.ConfigDict()
    config.strokes = 16000
    config.steps = 300
    config.size = 1024
    return config
