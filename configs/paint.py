"""What `bin/paint` does when it is given no `--config`: 1,800 strokes of oil, in a minute of two cores or less.

    bin/paint photo.jpg --out=paintings

A config of your own says only what differs from the defaults of `jaxpaint.settings.Settings`.
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """Oil on a white canvas, coarse to fine."""
    config = ml_collections.ConfigDict()
    config.brush = "filbert"
    config.mode = "progressive"
    config.canvas_color = "white"
    return config
