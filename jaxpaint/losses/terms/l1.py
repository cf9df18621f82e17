"""`l1`: the mean absolute difference."""

from jaxpaint.losses.pixel import canvas_l1
from jaxpaint.losses.terms.base import Term

TERM = Term("l1", canvas_l1, meaning="weight of the mean absolute difference")
