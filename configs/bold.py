"""Few and broad strokes, which take on a style better than many small ones; `--paint=bold.py` of `bin/stylize`.

bin/paint photo.jpg --out=paintings --config=configs/bold.py
"""

import ml_collections

from jaxpaint.settings import BOLD


def get_config() -> ml_collections.ConfigDict:
    """1,000 curved strokes, none of them thin."""
    return ml_collections.ConfigDict(BOLD)
