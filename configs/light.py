"""`light`, the network to paint with.

bin/train_renderer --config=configs/light.py --workdir=runs/light

Zou et al., Stylized Neural Painting, CVPR 2021 (its light renderer); 5.4 million parameters, pictures of 32 × 32.
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """The oil brush; the others by `--config.brush`."""
    config = ml_collections.ConfigDict()
    config.net = "light"
    config.steps = 60_000
    config.batch = 64
    config.learning_rate = 1e-3
    config.silhouette_steps = 4_000
    return config
