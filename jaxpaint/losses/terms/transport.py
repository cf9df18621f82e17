"""`transport`: the optimal transport loss of each tile, averaged over the tiles' pixels."""

from jaxpaint.losses.terms.base import Term
from jaxpaint.losses.transport import canvas_transport

TERM = Term(
    "transport",
    canvas_transport,
    meaning="weight of the optimal transport loss",
    # In smaller tiles, paint has no room to move.
    least_tile=64,
    costly=True,
)
