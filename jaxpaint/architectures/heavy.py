"""`heavy`: Stylized Neural Painting's larger renderer."""

from jaxpaint.architectures.base import Architecture

ARCHITECTURE = Architecture(
    size=128,
    shading=((512, 1), (512, 2), (256, 2), (128, 2), (64, 2), (6, 2)),
    dense=(512, 1024, 2048, 4096),
    convs=((32, False), (32, True), (16, False), (16, True), (8, False), (12, True)),
)
