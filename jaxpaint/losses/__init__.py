"""Losses: pure functions of a picture and its target, or of a network's features of both."""

from jaxpaint.losses.laplacian import feature_laplacian, laplacian
from jaxpaint.losses.moments import moments
from jaxpaint.losses.pixel import canvas_l1, canvas_l2, l1, l2
from jaxpaint.losses.style import Features, content, gram
from jaxpaint.losses.transport import canvas_transport, marginal_error, transport

__all__ = [
    "Features",
    "canvas_l1",
    "canvas_l2",
    "canvas_transport",
    "content",
    "feature_laplacian",
    "gram",
    "l1",
    "l2",
    "laplacian",
    "marginal_error",
    "moments",
    "transport",
]
