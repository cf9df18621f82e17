"""PSD: strokes in transparent layers, for Photoshop, GIMP, Krita and Affinity.

References:
  Adobe Photoshop File Formats Specification, https://www.adobe.com/devnet-apps/photoshop/fileformatashtml
"""

from __future__ import annotations

import pathlib

from jaxpaint.errors import ExportError
from jaxpaint.io.exports.base import Export
from jaxpaint.io.exports.layers import Options, layers_of
from jaxpaint.types import Painting

# Lengths in a file have 32 bits, and some programs read them as signed.
_MOST = 2**31 - 1


def _write(painting: Painting, path: pathlib.Path, options: Options) -> None:
    # Imported late: psd-tools takes a tenth of a second, which every command would wait for.
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

    ids = (ChannelID.CHANNEL_0, ChannelID.CHANNEL_1, ChannelID.CHANNEL_2, ChannelID.TRANSPARENCY_MASK)
    records, channels, size = LayerRecords(), ChannelImageData(), 0
    for layer in layers_of(painting, options):
        height, width, depth = layer.colors.shape
        packed, about = ChannelDataList(), []
        # The canvas has no alpha, and is opaque.
        for channel, id in zip(range(depth), ids, strict=False):
            data = ChannelData(Compression.RLE)
            data.set_data(layer.colors[..., channel].tobytes(), width, height, 8)
            # Some readers, such as Pillow, expect an even number of bytes.
            data.data += b"\0" * (len(data.data) % 2)
            packed.append(data)
            # The length includes the two bytes that name the compression.
            about.append(ChannelInfo(id, len(data.data) + 2))
            size += len(data.data)
        if size > _MOST:
            raise ExportError("size: expected layers of at most 2 GB in all; choose a smaller size, or .ora")
        records.append(LayerRecord(bottom=height, right=width, channel_info=about, name=layer.name))
        channels.append(packed)
    height, width, depth = layer.picture.shape
    header = FileHeader(channels=depth, height=height, width=width)
    merged = ImageData(Compression.RLE)
    merged.set_data([layer.picture[..., channel].tobytes() for channel in range(depth)], header)
    # A negative number says that the merged picture's last channel is its transparency.
    info = LayerInfo(-len(records) if depth == 4 else len(records), records, channels)
    with path.open("wb") as file:
        PSD(header, layer_and_mask_information=LayerAndMaskInformation(info), image_data=merged).write(file)


EXPORTS = (Export((".psd",), "layers for Photoshop, GIMP and Krita", Options, _write),)
