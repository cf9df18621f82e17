"""Short, broken touches of pure colour, laid side by side on a warm ground.

bin/paint photo.jpg --out=paintings --config=configs/impressionist.py
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """1,800 curved strokes of middling size, whose colours stray."""
    config = ml_collections.ConfigDict()
    config.brush = "filbert"
    config.strokes = 1800
    config.steps = 240
    config.min_size = 0.01
    config.max_size = 0.032
    config.canvas_color = "0.78,0.66,0.50"
    config.jitter = 0.035
    config.relief = 1.3
    config.max_aspect = 4.5
    config.underpainting = 0.01
    config.spread = 0.6
    return config
