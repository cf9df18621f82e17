"""What `bin/paint_video` does when it is given no `--config`: strokes that persist, 1,000 a frame.

bin/paint_video clip.mp4 --out=painted.mp4
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """Oil on a white canvas."""
    config = ml_collections.ConfigDict()
    config.method = "persistent"
    config.strokes = 1000
    return config
