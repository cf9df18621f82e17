"""`heavy`, the network of the original's figures.

bin/train_renderer --config=configs/heavy.py --out=runs/heavy

Zou et al., Stylized Neural Painting, CVPR 2021, arXiv:2011.08114; 18 million parameters, pictures of 128 × 128.
Days on two cores; meant for a GPU, and not run yet to its end. From scratch, as in the papers, 18.2 dB after 100,000
strokes, 6,500 of them a second on an H200 (benchmarks/renderers.py).
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """The oil brush; the others by `--config.brush`."""
    config = ml_collections.ConfigDict()
    config.net = "heavy"
    config.steps = 300_000
    config.batch = 64
    config.learning_rate = 0.0005
    config.distance_steps = 40_000
    config.silhouette_steps = 20_000
    return config
