"""`light`: Stylized Neural Painting's smaller renderer."""

from jaxpaint.architectures.base import Architecture

ARCHITECTURE = Architecture(
    size=32,
    shading=((512, 1), (256, 2), (128, 2), (6, 2)),
    dense=(512, 1024, 2048),
    convs=((64, False), (12, True)),
)
