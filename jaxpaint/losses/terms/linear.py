"""`linear`: the scalar product of canvas and target, a sum.

If the target is the gradient of a loss of the whole canvas, the term passes that gradient on to the strokes.
"""

from jaxpaint.losses.pixel import canvas_product
from jaxpaint.losses.terms.base import Term

TERM = Term("linear", canvas_product, mean=False)
