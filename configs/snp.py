"""The schedule of Stylized Neural Painting (Zou et al., CVPR 2021, arXiv:2011.08114), for comparison.

bin/paint photo.jpg --out=paintings --config=configs/snp.py
"""

import ml_collections


def get_config() -> ml_collections.ConfigDict:
    """25 blocks of 20 strokes: 131,250 strokes are drawn and differentiated."""
    config = ml_collections.ConfigDict()
    config.renderer = "light"
    config.mode = "blocks"
    config.grid = 5
    config.strokes = 500
    config.steps = 500
    config.learning_rate = 0.002
    config.l1 = 1.0
    config.l2 = 0.0
    config.softness = 0.0
    return config
