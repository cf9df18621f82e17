"""What the architecture of a network is."""

from typing import NamedTuple


class Architecture(NamedTuple):
    """The layers of a network.

    Attributes:
      size: S, the side of its pictures in pixels.
      shading: channels and stride of each transposed convolution.
      dense: channels of each fully connected layer of the rasterisation network; none if there is no such network.
      convs: channels of its convolutions, and whether a pixel shuffle follows in place of a ReLU.
    """

    size: int
    shading: tuple[tuple[int, int], ...]
    dense: tuple[int, ...] = ()
    convs: tuple[tuple[int, bool], ...] = ()
