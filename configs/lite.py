"""`lite`: as good as `heavy` in the report, with a third of its parameters.

bin/train_renderer --config=configs/lite.py --out=runs/lite

Laplacian-steered stylized neural painting, tables 1 and 2; 5.4 million parameters, pictures of 128 × 128.
Two cores (220 GFLOP/s in a matrix product) with nothing beside: 1,000 strokes/s of the distances, 430 of the
silhouette, 58 of the shading: an hour and a half. 23.9 dB (foreground 25.5, alpha 22.4).
An H100: 5 minutes, 26.1 dB (27.5, 24.6) with --config.batch=128 --config.distance_steps=80000
--config.silhouette_steps=40000 --config.steps=148000 --config.validate_every=20000; shipped.
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """The oil brush; the others by `--config.brush`."""
    config = ml_collections.ConfigDict()
    config.net = "lite"
    config.steps = 33_500
    config.batch = 32
    config.learning_rate = 0.001
    config.distance_steps = 16_000
    config.silhouette_steps = 12_000
    config.dtype = "bfloat16"
    return config
