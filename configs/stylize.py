"""What `bin/stylize` does when it is given no `--config`: clearly in the style, and the painting still recognised.

    bin/stylize paintings/photo.npz --style=style.jpg --out=stylized

A config of your own says only what differs from the defaults of `jaxpaint.settings.StyleSettings`.
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """Shapes and colours, by Gram matrices."""
    config = ml_collections.ConfigDict()
    config.mode = "full"
    config.style_loss = "gram"
    return config
