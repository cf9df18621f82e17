"""`dcgan32`: the shading network of `light` alone, Stylized Neural Painting's baseline."""

from jaxpaint.architectures.base import Architecture
from jaxpaint.architectures.light import ARCHITECTURE as LIGHT

ARCHITECTURE = Architecture(size=LIGHT.size, shading=LIGHT.shading)
