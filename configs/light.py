"""`light`, the network to paint with.

bin/train_renderer --config=configs/light.py --out=runs/light

Zou et al., Stylized Neural Painting, CVPR 2021, arXiv:2011.08114; 5.4 million parameters, pictures of 32 × 32.
Two cores (400 to 480 GFLOP/s in a matrix product): 4,600 strokes/s of the silhouette, 670 of the shading: 40 minutes
if they do nothing else. 25.2 dB (foreground 24.9, alpha 25.6). The other brushes need less: rectangle 30.8 dB,
markerpen 25.2 dB with --config.distance_steps=3000 --config.silhouette_steps=8000 --config.steps=15000.
An H100: 5 minutes, 26.6 dB (26.3, 26.9) with --config.batch=256 --config.distance_steps=80000
--config.silhouette_steps=80000 --config.steps=220000 --config.log_every=4000 --config.validate_every=20000; shipped.
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """The oil brush; the others by `--config.brush`."""
    config = ml_collections.ConfigDict()
    config.net = "light"
    config.steps = 42_000
    config.batch = 64
    config.learning_rate = 1.5e-3
    config.distance_steps = 16_000
    config.silhouette_steps = 8_000
    return config
