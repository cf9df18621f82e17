"""`transport`: the optimal transport loss, a mean over pixels of that of the tile that each is in."""

from jaxpaint.losses.terms.base import Term
from jaxpaint.losses.transport import canvas_transport

TERM = Term(
    "transport",
    canvas_transport,
    meaning="weight of the optimal transport loss",
    # It needs room to move in.
    least_tile=64,
    costly=True,
)
