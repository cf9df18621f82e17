"""Definition of a network's architecture."""

from typing import NamedTuple


class Architecture(NamedTuple):
    """The layers of a network.

    Attributes:
      size: S, the side of its pictures in pixels.
      shading: channels and stride of each transposed convolution.
      dense: channels of each fully connected layer of the rasterisation network; empty if there is no such network.
      convs: channels of each convolution of the rasterisation network, and whether a pixel shuffle replaces its ReLU.
    """

    size: int
    shading: tuple[tuple[int, int], ...]
    dense: tuple[int, ...] = ()
    convs: tuple[tuple[int, bool], ...] = ()
