"""`dcgan32`: the shading network alone, the papers' baseline.

bin/train_renderer --config=configs/dcgan32.py --out=runs/dcgan32

Zou et al., Stylized Neural Painting, CVPR 2021, arXiv:2011.08114, section 4.2.
2.7 million parameters, pictures of 32 × 32.
Not run to its end yet; 17.6 dB after 100,000 strokes, 24,000 of them a second on an H200 (benchmarks/renderers.py).
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """The oil brush; the others by `--config.brush`."""
    config = ml_collections.ConfigDict()
    config.net = "dcgan32"
    config.steps = 30_000
    config.batch = 64
    config.learning_rate = 0.002
    config.distance_steps = 0
    config.silhouette_steps = 0
    return config
