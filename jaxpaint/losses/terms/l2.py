"""`l2`: the mean squared difference."""

from jaxpaint.losses.pixel import canvas_l2
from jaxpaint.losses.terms.base import Term

TERM = Term("l2", canvas_l2, meaning="weight of the mean squared difference", weight=1.0)
