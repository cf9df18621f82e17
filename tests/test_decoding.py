"""Decoding: pictures as cameras, scanners and design tools write them come out as colour-managed viewers show them."""

import builtins
import io
import struct
import threading
import warnings
import zlib

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from jaxpaint.errors import ImageError
from jaxpaint.io import decoding
from jaxpaint.io.images import read_image

RAMP = np.tile(np.linspace(0.2, 0.8, 24), (16, 1))
COLORS = np.stack([RAMP, RAMP / 2, 1 - RAMP], axis=-1)
# Two rows of three colours: no turn leaves them as they are.
CORNERS = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]], [[0, 0, 0], [128, 128, 128], [255, 255, 255]]], np.uint8)


SRGB = ImageCms.createProfile("sRGB")


def wide_gamut():
    """A profile with the primaries of Display P3 and a gamma of 2.2."""

    def fixed(*numbers):
        return b"".join(struct.pack(">i", round(number * 65536)) for number in numbers)

    curve = b"curv\0\0\0\0" + struct.pack(">IH", 1, round(2.2 * 256)) + b"\0\0"
    white, red = (0.9642, 1, 0.8249), (0.51512, 0.24119, -0.00105)
    green, blue = (0.29198, 0.69225, 0.04189), (0.1571, 0.06657, 0.78407)
    tags = {b"desc": b"desc\0\0\0\0" + struct.pack(">I", 3) + b"P3\0" + bytes(79), b"cprt": b"text\0\0\0\0none\0\0\0\0"}
    tags |= {
        name: b"XYZ \0\0\0\0" + fixed(*values)
        for name, values in zip((b"wtpt", b"rXYZ", b"gXYZ", b"bXYZ"), (white, red, green, blue), strict=True)
    }
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    table, data, at = struct.pack(">I", len(tags)), b"", 132 + 12 * len(tags)
    for name, value in tags.items():
        value += bytes(-len(value) % 4)
        table += name + struct.pack(">II", at + len(data), len(value))
        data += value
    head = struct.pack(">I4sI4s4s4s", 128 + len(table) + len(data), b"lcms", 0x02400000, b"mntr", b"RGB ", b"XYZ ")
    head += struct.pack(">6H", 2024, 1, 1, 0, 0, 0) + b"acspAPPL" + bytes(20) + struct.pack(">I", 0) + fixed(*white)
    return head.ljust(128, b"\0") + table + data


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "PA", "deep"])
def test_colour_profiles_count_in_every_mode(tmp_path, mode):
    """A green of a wide gamut is beyond sRGB's."""
    path = tmp_path / "picture.tif"
    picture, profile = Image.new("RGB", (8, 8), (60, 220, 60)), wide_gamut()
    if mode == "deep":
        deep = np.broadcast_to(np.uint16([60 * 257, 220 * 257, 60 * 257]), (8, 8, 3))
        tifffile.imwrite(path, deep, photometric="rgb", iccprofile=profile)
    elif mode == "PA":
        path = path.with_suffix(".png")
        picture.quantize(4).save(path, icc_profile=profile, transparency=3)
    else:
        path = path.with_suffix(".png")
        (picture.quantize(4) if mode == "P" else picture.convert(mode)).save(path, icc_profile=profile)
    np.testing.assert_allclose(read_image(path)[4, 4] * 255, [0, 225, 0], atol=3)


@pytest.mark.parametrize("mode", ["L", "LA"])
def test_a_profile_of_colours_counts_for_a_grey_picture(tmp_path, mode):
    """Its curve, a power of 2.2, where sRGB's is steeper at first."""
    Image.new("L", (8, 8), 20).convert(mode).save(tmp_path / "grey.png", icc_profile=wide_gamut())
    np.testing.assert_allclose(read_image(tmp_path / "grey.png")[4, 4] * 255, 12, atol=1.5)


def with_chunks(path, **chunks):
    """Puts chunks into a PNG, behind its first one."""
    whole, added = path.read_bytes(), b""
    for name, data in chunks.items():
        added += (
            struct.pack(">I", len(data)) + name.encode() + data + struct.pack(">I", zlib.crc32(name.encode() + data))
        )
    path.write_bytes(whole[:33] + added + whole[33:])


# White, red, green and blue of Adobe RGB (1998), as PNG has them.
ADOBE = struct.pack(">8I", 31270, 32900, 64000, 33000, 21000, 71000, 15000, 6000)
RED, GREEN = (255, 0, 0), (0, 255, 0)


@pytest.mark.parametrize(
    ("color", "chunks", "expected"),
    [
        # sRGB's red and green as CSS Color 4 writes them in other spaces.
        ((234, 51, 35), {"cICP": bytes([12, 13, 0, 1])}, RED),
        ((117, 251, 76), {"cICP": bytes([12, 13, 0, 1])}, GREEN),
        ((219, 0, 0), {"cHRM": ADOBE, "gAMA": struct.pack(">I", 45455)}, RED),
        ((144, 255, 60), {"cHRM": ADOBE, "gAMA": struct.pack(">I", 45455)}, GREEN),
        # Half of the light.
        ((128, 128, 128), {"gAMA": struct.pack(">I", 100000)}, (188, 188, 188)),
        # What most programs write for sRGB, and what they can't mean.
        ((20, 120, 220), {"gAMA": struct.pack(">I", 45455)}, (20, 120, 220)),
        ((20, 120, 220), {"sRGB": b"\0", "gAMA": struct.pack(">I", 100000)}, (20, 120, 220)),
        ((20, 120, 220), {"cICP": bytes([1, 13, 0, 1])}, (20, 120, 220)),
        ((20, 120, 220), {"gAMA": bytes(4)}, (20, 120, 220)),
        ((20, 120, 220), {"cHRM": bytes(32), "gAMA": struct.pack(">I", 45455)}, (20, 120, 220)),
        # 203 cd/m², the white of graphics.
        ((148, 148, 148), {"cICP": bytes([9, 16, 0, 1])}, (255, 255, 255)),
    ],
)
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_colours_without_a_profile(tmp_path, color, chunks, expected, mode):
    path = tmp_path / "picture.png"
    picture = Image.new("RGB", (8, 8), color)
    (picture.quantize(4) if mode == "P" else picture.convert(mode)).save(path)
    with_chunks(path, **chunks)
    np.testing.assert_allclose(read_image(path)[4, 4] * 255, expected, atol=3)


def test_codes_go_before_a_profile_in_a_png(tmp_path):
    path = tmp_path / "picture.png"
    Image.new("RGB", (8, 8), (117, 251, 76)).save(path, icc_profile=ImageCms.ImageCmsProfile(SRGB).tobytes())
    with_chunks(path, cICP=bytes([12, 13, 0, 1]))
    np.testing.assert_allclose(read_image(path)[4, 4] * 255, GREEN, atol=3)


def test_deep_grey_with_a_gamma(tmp_path):
    path = tmp_path / "grey.png"
    Image.fromarray(np.full((8, 8), 32896, np.uint16)).save(path)
    with_chunks(path, gAMA=struct.pack(">I", 100000))
    np.testing.assert_allclose(read_image(path)[4, 4] * 255, 188, atol=1.5)


def test_codes_of_an_avif(tmp_path):
    path = tmp_path / "picture.avif"
    Image.new("RGB", (64, 64), (117, 251, 76)).save(path, quality=100, subsampling="4:4:4")
    whole = path.read_bytes()
    assert whole.count(b"colrnclx\0\1\0\x0d") == 1
    path.write_bytes(whole.replace(b"colrnclx\0\1\0\x0d", b"colrnclx\0\x0c\0\x0d"))
    np.testing.assert_allclose(read_image(path)[32, 32] * 255, GREEN, atol=3)


def test_lab(tmp_path):
    samples = np.zeros((8, 8, 3), np.uint8)
    samples[..., 0] = 128
    tifffile.imwrite(tmp_path / "lab.tif", samples, photometric="cielab")
    np.testing.assert_allclose(read_image(tmp_path / "lab.tif"), 0.467, atol=0.01)


def scaled(values, dtype):
    return (values * (1 if np.dtype(dtype).kind == "f" else np.iinfo(dtype).max)).astype(dtype)


@pytest.mark.parametrize("dtype", ["uint16", "uint32", "float16", "float32", "float64"])
@pytest.mark.parametrize("kind", ["grey", "white is zero", "colours", "planes", "with alpha", "grey with alpha"])
def test_deep_tiffs(tmp_path, dtype, kind):
    path, expected = tmp_path / "deep.tif", np.repeat(RAMP[..., None], 3, axis=-1)
    alpha = np.full_like(RAMP, 0.5)
    if kind == "grey":
        tifffile.imwrite(path, scaled(RAMP, dtype), photometric="minisblack")
    elif kind == "white is zero":
        tifffile.imwrite(path, scaled(1 - RAMP, dtype), photometric="miniswhite")
    elif kind == "grey with alpha":
        both = np.stack([RAMP, alpha], axis=-1)
        tifffile.imwrite(path, scaled(both, dtype), photometric="minisblack", planarconfig="contig", extrasamples=[2])
        expected = 0.5 * expected + 0.5
    else:
        expected, samples = COLORS, COLORS
        if kind == "with alpha":
            expected, samples = 0.5 * COLORS + 0.5, np.dstack([COLORS, alpha])
        if kind == "planes":
            samples = np.moveaxis(COLORS, -1, 0)
        planes = "separate" if kind == "planes" else "contig"
        extra = {"extrasamples": [2]} if kind == "with alpha" else {}
        tifffile.imwrite(path, scaled(samples, dtype), photometric="rgb", planarconfig=planes, **extra)
    np.testing.assert_allclose(read_image(path), expected, atol=2e-3)


@pytest.mark.parametrize("bits", [10, 12])
def test_fewer_bits_than_the_file_says(tmp_path, bits):
    """As scientific cameras write. Read as 16 bits, the picture would be nearly black."""
    tifffile.imwrite(tmp_path / "deep.tif", (RAMP * (2**bits - 1)).astype(np.uint16))
    with pytest.warns(UserWarning, match=f"deep.tif: values up to .*: read as {bits} bits"):
        np.testing.assert_allclose(read_image(tmp_path / "deep.tif")[..., 0], RAMP, atol=2e-3)
    most = [(281, "H", 1, 2**bits - 1, False)]
    tifffile.imwrite(tmp_path / "told.tif", (RAMP * (2**bits - 1)).astype(np.uint16), extratags=most)
    np.testing.assert_allclose(read_image(tmp_path / "told.tif")[..., 0], RAMP, atol=2e-3)


@pytest.mark.parametrize(("extra", "expected"), [(1, 0.5), (2, 0.25), (0, 0.5)])
def test_what_a_further_channel_of_a_deep_tiff_is(tmp_path, extra, expected):
    """Alpha, by which colours are multiplied already or not; or something else, which is left out."""
    samples = np.full((6, 6, 4), 0.5, np.float32)
    tifffile.imwrite(tmp_path / "deep.tif", samples, photometric="rgb", extrasamples=[extra])
    np.testing.assert_allclose(read_image(tmp_path / "deep.tif", canvas_color=(0.0, 0.0, 0.0)), expected, atol=1e-3)


def test_transparency_and_a_profile(tmp_path):
    """A transparent colour stays transparent."""
    path, picture = tmp_path / "picture.png", Image.new("RGB", (8, 8), (60, 220, 60))
    picture.save(path, icc_profile=wide_gamut(), transparency=(60, 220, 60))
    np.testing.assert_allclose(read_image(path, canvas_color=(0.5, 0.25, 0.75))[4, 4], [0.5, 0.25, 0.75], atol=0.01)


def test_psd(tmp_path):
    """Flat: a header, no more, and pixels."""
    head = b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, 6, 8, 8, 3) + struct.pack(">III", 0, 0, 0)
    planes = np.moveaxis(np.full((6, 8, 3), (60, 220, 60), np.uint8), -1, 0)
    (tmp_path / "picture.psd").write_bytes(head + struct.pack(">H", 0) + planes.tobytes())
    np.testing.assert_allclose(read_image(tmp_path / "picture.psd")[3, 3] * 255, [60, 220, 60], atol=1)


def test_floats_above_one(tmp_path):
    tifffile.imwrite(tmp_path / "bright.tif", (RAMP * 4).astype(np.float32))
    with pytest.warns(UserWarning, match="bright.tif: values up to 3.2, which becomes white"):
        np.testing.assert_allclose(read_image(tmp_path / "bright.tif")[..., 0], RAMP / 0.8, atol=1e-4)


def test_pages(tmp_path):
    pages = [np.full((6, 8), value, dtype) for value, dtype in ((50, np.uint8), (100, np.uint8))]
    deep = [page.astype(np.uint16) * 257 for page in pages]
    for name, stack in (("scan.tif", pages), ("deep.tif", deep)):
        with tifffile.TiffWriter(tmp_path / name) as file:
            for page in stack:
                file.write(page, photometric="minisblack")
        with pytest.warns(UserWarning, match=f"{name}: the first of 2 pages"):
            first = read_image(tmp_path / name)
        np.testing.assert_allclose(first, 50 / 255, atol=1e-6)
        np.testing.assert_allclose(read_image(tmp_path / name, page=2), 100 / 255, atol=1e-6)
        with pytest.raises(ImageError, match=f"{name}: expected a page from 1 to 2, got 3"):
            read_image(tmp_path / name, page=3)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("odd", [False, True])
def test_photographs_are_turned_upright(tmp_path, orientation, odd):
    """Also those of cameras whose EXIF has a resolution of -1 / 0."""
    turns = {2: 0, 3: 3, 4: 1, 5: 5, 6: 4, 7: 6, 8: 2}
    expected = Image.fromarray(CORNERS)
    if orientation > 1:
        expected = expected.transpose(Image.Transpose(turns[orientation]))
    saved = io.BytesIO()
    Image.fromarray(CORNERS.repeat(16, axis=0).repeat(16, axis=1)).save(saved, "jpeg", quality=95, subsampling=0)
    exif = b"Exif\0\0II*\0" + struct.pack("<IH", 8, 2) + struct.pack("<HHIHH", 0x112, 3, 1, orientation, 0)
    exif += struct.pack("<HHII", 0x11A, 10, 1, 38) + struct.pack("<Iii", 0, -1 if odd else 72, not odd)
    jpeg = saved.getvalue()
    path = tmp_path / "photo.jpg"
    path.write_bytes(jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + jpeg[2:])
    np.testing.assert_allclose(read_image(path)[8::16, 8::16] * 255, np.asarray(expected), atol=12)


def test_heic_is_named(tmp_path, monkeypatch):
    """Whatever the file's name; another library reads it."""
    path = tmp_path / "renamed.jpg"
    path.write_bytes(struct.pack(">I", 24) + b"ftypheic\0\0\0\0mif1heic" + bytes(64))
    load = builtins.__import__

    def without(name, *arguments):
        if name == "pillow_heif":
            raise ImportError
        return load(name, *arguments)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ImageError, match=r"renamed.jpg: a HEIC picture, .*'jaxpaint\[heic\]', or export it as JPEG"):
        read_image(path)


def test_a_cut_jpeg_is_read_where_that_is_asked_for(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    whole, path = io.BytesIO(), tmp_path / "cut.jpg"
    Image.fromarray(noise).save(whole, "jpeg")
    path.write_bytes(whole.getvalue()[: len(whole.getvalue()) // 2])
    with pytest.raises(ImageError, match="cut.jpg: a damaged picture: .*truncated.*; --salvage reads the intact part"):
        read_image(path)
    found = read_image(path, salvage=True)
    (tmp_path / "whole.jpg").write_bytes(whole.getvalue())
    np.testing.assert_array_equal(found[:8], read_image(tmp_path / "whole.jpg")[:8])


@pytest.mark.parametrize(
    ("suffix", "mode"), [("jpg", "RGB"), ("png", "RGBA"), ("png", "1"), ("png", "P"), ("tif", "I;16")]
)
def test_very_large_pictures_are_reduced(tmp_path, monkeypatch, suffix, mode):
    monkeypatch.setattr(decoding, "_ENOUGH", 100)
    path = tmp_path / f"large.{suffix}"
    halves = np.zeros((60, 40), np.uint8)
    halves[30:] = 255
    picture = (
        Image.fromarray(halves.astype(np.uint16) * 257) if mode == "I;16" else Image.fromarray(halves).convert(mode)
    )
    picture.save(path)
    found = read_image(path)
    assert found.size <= 3 * 100 and abs(len(found) - 1.5 * len(found[0])) <= 1
    np.testing.assert_allclose([found[1], found[-2]], [np.zeros_like(found[0]), np.ones_like(found[0])], atol=0.02)


def test_limits_and_filters_of_the_process_stay_as_they_are(tmp_path, monkeypatch):
    """However many threads read pictures."""
    Image.fromarray(CORNERS).save(tmp_path / "picture.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 12345)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        filters = list(warnings.filters)
        threads = [
            threading.Thread(target=lambda: [read_image(tmp_path / "picture.png") for _ in range(20)]) for _ in range(8)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert list(warnings.filters) == filters
    assert Image.MAX_IMAGE_PIXELS == 12345


def test_a_profile_that_is_none_is_left_out(tmp_path):
    Image.new("RGBA", (8, 8), (60, 220, 60, 255)).save(tmp_path / "a.png", icc_profile=b"words")
    np.testing.assert_allclose(read_image(tmp_path / "a.png")[4, 4] * 255, [60, 220, 60], atol=0.1)
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    Image.new("RGBA", (8, 8), (60, 220, 60, 255)).save(tmp_path / "b.png", icc_profile=srgb)
    np.testing.assert_allclose(read_image(tmp_path / "b.png")[4, 4] * 255, [60, 220, 60], atol=1)
