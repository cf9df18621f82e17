"""Thick slabs of paint, as a knife lays them: few, wide, almost smooth, and glossy.

bin/paint photo.jpg --out=paintings --config=configs/palette_knife.py
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """600 straight strokes with little of bristles."""
    config = ml_collections.ConfigDict()
    config.brush = "oilpaintbrush"
    config.strokes = 600
    config.steps = 240
    config.min_size = 0.018
    config.texture = 0.3
    config.canvas_color = "0.30,0.24,0.19"
    config.relief = 2.2
    config.gloss = 1.8
    config.direction = 4.0
    config.max_aspect = 3.5
    return config
