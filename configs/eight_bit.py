"""8-bit art: upright opaque boxes on black, as in Stylized Neural Painting (arXiv:2011.08114).

bin/paint photo.jpg --out=paintings --config=configs/eight_bit.py
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """300 upright, opaque rectangles."""
    config = ml_collections.ConfigDict()
    config.brush = "rectangle"
    config.mode = "progressive"
    config.strokes = 300
    config.max_divide = 4
    config.canvas_color = "black"
    config.upright = True
    config.opaque = True
    return config
