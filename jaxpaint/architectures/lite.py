"""`lite`: the 5.4 M-parameter renderer of the report "Laplacian-steered stylized neural painting"."""

from jaxpaint.architectures.base import Architecture

ARCHITECTURE = Architecture(
    size=128,
    shading=((512, 1), (256, 4), (256, 4), (6, 2)),
    dense=(512, 4096),
    convs=((32, False), (32, True), (16, False), (16, True), (8, False), (4, True)),
)
