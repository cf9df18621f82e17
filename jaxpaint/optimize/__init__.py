"""Optimization: strokes are initialized, fitted by gradient descent, and compete for their places."""

from jaxpaint.optimize.densify import compete, leave_one_out_gains, prune
from jaxpaint.optimize.loop import (
    ADAM,
    CHUNK,
    RMSPROP,
    as_dict,
    chunks,
    cosine,
    descend,
    deviation,
    from_dict,
    initial,
    kept_rows,
    renamed,
)
from jaxpaint.problem import Bounds, Fit, Problem, Springs

__all__ = [
    "ADAM",
    "CHUNK",
    "RMSPROP",
    "Bounds",
    "Fit",
    "Problem",
    "Springs",
    "as_dict",
    "chunks",
    "compete",
    "cosine",
    "descend",
    "deviation",
    "from_dict",
    "initial",
    "kept_rows",
    "leave_one_out_gains",
    "prune",
    "renamed",
]
