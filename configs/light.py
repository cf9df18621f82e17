"""`light`, the network to paint with.

bin/train_renderer --config=configs/light.py --workdir=runs/light

Zou et al., Stylized Neural Painting, CVPR 2021, arXiv:2011.08114; 5.4 million parameters, pictures of 32 × 32.
Two cores (480 GFLOP/s in a matrix product): 670 strokes/s, 4,600 of the silhouette alone; 38,000 steps, 20,000 of them
of the silhouette alone, gave 22.9 dB in 55 minutes, 45,000 more of the silhouette 23.4 dB in 12. This one, of about two
hours, has not been run to its end.
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """The oil brush; the others by `--config.brush`."""
    config = ml_collections.ConfigDict()
    config.net = "light"
    config.steps = 120_000
    config.batch = 64
    config.learning_rate = 2e-3
    config.distance_steps = 20_000
    config.silhouette_steps = 40_000
    return config
