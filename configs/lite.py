"""`lite`: as good as `heavy` in the report, with a third of its parameters.

bin/train_renderer --config=configs/lite.py --workdir=runs/lite

Laplacian-steered stylized neural painting, tables 1 and 2; 5.4 million parameters, pictures of 128 × 128.
Two cores (490 GFLOP/s in a matrix product): 95 strokes/s, 1,000 of the silhouette alone, so about 4 hours. Not run yet.
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """The oil brush; the others by `--config.brush`."""
    config = ml_collections.ConfigDict()
    config.net = "lite"
    config.steps = 60_000
    config.batch = 32
    config.learning_rate = 0.001
    config.distance_steps = 20_000
    config.silhouette_steps = 20_000
    return config
