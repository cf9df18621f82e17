"""`dcgan32`: Stylized Neural Painting's baseline, the shading network of `light` alone."""

from jaxpaint.architectures.base import Architecture
from jaxpaint.architectures.light import ARCHITECTURE as LIGHT

ARCHITECTURE = Architecture(size=LIGHT.size, shading=LIGHT.shading)
