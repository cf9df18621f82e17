"""PSD: strokes in transparent layers, for Photoshop, GIMP, Krita and Affinity.

References:
  Adobe Photoshop File Formats Specification, https://www.adobe.com/devnet-apps/photoshop/fileformatashtml
"""

from __future__ import annotations

import pathlib

import numpy as np
from jaxtyping import UInt8
from psd_tools.constants import ChannelID, Compression
from psd_tools.psd import PSD, ChannelImageData, LayerInfo, LayerRecords
from psd_tools.psd.header import FileHeader
from psd_tools.psd.image_data import ImageData
from psd_tools.psd.layer_and_mask import (
    ChannelData,
    ChannelDataList,
    ChannelInfo,
    LayerAndMaskInformation,
    LayerRecord,
)

from jaxpaint.errors import ExportError
from jaxpaint.io.exports.base import Export
from jaxpaint.io.exports.layers import Options, layers_of
from jaxpaint.types import Painting

# Lengths in a file have 32 bits, and some programs read them as signed.
_MOST = 2**31 - 1
_CHANNELS = (ChannelID.CHANNEL_0, ChannelID.CHANNEL_1, ChannelID.CHANNEL_2, ChannelID.TRANSPARENCY_MASK)


def _write(painting: Painting, path: pathlib.Path, options: Options) -> None:
    records, channels, size = LayerRecords(), ChannelImageData(), 0
    for layer in layers_of(painting, options):
        record, data = _packed(layer.name, layer.colors)
        records.append(record)
        channels.append(data)
        size += sum(len(channel.data) for channel in data)
        if size > _MOST:
            raise ExportError(f"{path.name}: expected layers of at most 2 GB in all; choose a smaller size, or .ora")
    height, width, depth = layer.picture.shape
    header = FileHeader(channels=depth, height=height, width=width)
    merged = ImageData(Compression.RLE)
    merged.set_data([layer.picture[..., channel].tobytes() for channel in range(depth)], header)
    info = LayerInfo(len(records), records, channels)
    with path.open("wb") as file:
        PSD(header, layer_and_mask_information=LayerAndMaskInformation(info), image_data=merged).write(file)


def _packed(name: str, colors: UInt8[np.ndarray, "h w c"]) -> tuple[LayerRecord, ChannelDataList]:
    """A layer's head and its packed channels; a layer without alpha is opaque."""
    height, width, depth = colors.shape
    packed = ChannelDataList()
    for channel in range(depth):
        data = ChannelData(Compression.RLE)
        data.set_data(colors[..., channel].tobytes(), width, height, 8)
        # Some readers, such as Pillow, expect an even number of bytes.
        data.data += b"\0" * (len(data.data) % 2)
        packed.append(data)
    # A length counts the two bytes that tell the compression.
    about = [ChannelInfo(id, len(data.data) + 2) for id, data in zip(_CHANNELS, packed, strict=False)]
    return LayerRecord(bottom=height, right=width, channel_info=about, name=name), packed


EXPORTS = (Export((".psd",), "layers for Photoshop, GIMP and Krita", Options, _write),)
