"""`linear`: the scalar product of canvas and target, a sum.

With the gradient of any loss of the whole canvas for a target, it brings that gradient to the strokes.
"""

from jaxpaint.losses.pixel import canvas_product
from jaxpaint.losses.terms.base import Term

TERM = Term("linear", canvas_product, mean=False)
