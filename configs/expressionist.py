"""Large, loose strokes in colours that are stronger than what was seen.

bin/paint photo.jpg --out=paintings --config=configs/expressionist.py
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """350 curved strokes whose colours stray far."""
    config = ml_collections.ConfigDict()
    config.brush = "filbert"
    config.strokes = 350
    config.steps = 240
    config.min_size = 0.018
    config.canvas_color = "0.16,0.15,0.22"
    config.jitter = 0.07
    config.relief = 2.2
    config.direction = 4.0
    return config
