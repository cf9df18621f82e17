"""Networks that learn something in a second."""

from jaxpaint.renderers.networks import Architecture

TINY = Architecture(32, ((16, 1), (16, 2), (16, 2), (6, 2)), (16, 2048), ((8, False), (12, True)))
# Without a rasterisation network.
TINY_SHADING = Architecture(TINY.size, TINY.shading)
