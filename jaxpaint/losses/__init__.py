"""Losses: pure functions of a canvas and its target."""

from jaxpaint.losses.pixel import l1, l2
from jaxpaint.losses.transport import canvas_transport, transport

__all__ = ["canvas_transport", "l1", "l2", "transport"]
