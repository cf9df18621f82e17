"""Pictures in and out: every kind is read as what it shows, and bad files are refused in one line."""

import errno
import gc
import io
import re
import struct
import zlib

import imageio.v3 as iio
import numpy as np
import pytest
from PIL import Image

from jaxpaint import pictures
from jaxpaint.errors import ImageError, WriteError
from jaxpaint.io import images, videos

COLORS = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]], [[0, 0, 0], [128, 128, 128], [255, 255, 255]]], np.uint8)


def refused(path, match):
    with pytest.raises(ImageError, match=match) as error:
        images.read_image(path)
    assert "\n" not in str(error.value) and str(path) in str(error.value)


def test_what_is_no_picture_is_refused(tmp_path):
    refused(tmp_path / "missing.png", "no such file")
    refused(tmp_path, "got a folder")
    (tmp_path / "empty.png").touch()
    refused(tmp_path / "empty.png", "empty file")
    (tmp_path / "text.png").write_text("not a picture")
    refused(tmp_path / "text.png", "expected a picture")
    refused(tmp_path / ("long" * 100 + ".png"), "no such file")


def test_a_picture_that_may_not_be_read_is_not_called_damaged(tmp_path, monkeypatch):
    def open_nothing(path):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    Image.fromarray(COLORS).save(tmp_path / "secret.png")
    monkeypatch.setattr(Image, "open", open_nothing)
    refused(tmp_path / "secret.png", "can't be read: .*Permission denied")


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_a_truncated_picture_is_refused(tmp_path, suffix):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    whole = io.BytesIO()
    Image.fromarray(noise).save(whole, "png" if suffix == "png" else "jpeg")
    path = tmp_path / f"cut.{suffix}"
    path.write_bytes(whole.getvalue()[: len(whole.getvalue()) // 2])
    refused(path, "damaged")


def test_animations_and_videos_are_refused(tmp_path):
    frames = [Image.fromarray(np.full((8, 8, 3), value, np.uint8)) for value in (0, 90, 200)]
    for name in ("a.gif", "a.png", "a.webp"):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:])
        refused(tmp_path / name, "animation of 3 frames")
    video = tmp_path / "a.mp4"
    videos.write_video(video, (np.asarray(f.resize((32, 32))) for f in frames))
    refused(video, "got a video")
    renamed = video.rename(tmp_path / "renamed.jpg")
    refused(renamed, "expected a picture")


def test_more_than_200_megapixels_are_refused_before_decoding(tmp_path):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 20000, 20000, 8, 2, 0, 0, 0)
    picture = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"")) + chunk(b"IEND", b"")
    (tmp_path / "bomb.png").write_bytes(picture)
    refused(tmp_path / "bomb.png", "at most 200 megapixels, got 400")


def read(tmp_path, picture, name="picture.png", **kwargs):
    picture.save(tmp_path / name)
    return images.read_image(tmp_path / name, **kwargs)


def test_colour_grey_and_palette(tmp_path):
    picture = Image.fromarray(COLORS)
    np.testing.assert_array_equal(read(tmp_path, picture), COLORS / np.float32(255))
    np.testing.assert_allclose(read(tmp_path, picture.quantize(6)), COLORS / 255, atol=0.01)
    grey = np.array([[0, 51, 255]], np.uint8)
    expected = np.repeat(grey[..., None] / 255, 3, axis=-1)
    np.testing.assert_allclose(read(tmp_path, Image.fromarray(grey)), expected, atol=1e-6)
    bits = np.array([[True, False]])
    assert read(tmp_path, Image.fromarray(bits))[0].tolist() == [[1.0] * 3, [0.0] * 3]


def test_floats(tmp_path):
    values = np.array([[0.25, 1.0, -1.0, np.nan, np.inf]], np.float32)
    with pytest.warns(UserWarning, match=r"float.tif: 20 % of the values are no numbers \(NaN\), and become 0"):
        read_back = read(tmp_path, Image.fromarray(values), "float.tif")
    assert read_back[0, :, 2].tolist() == [0.25, 1.0, 0.0, 0.0, 1.0]


def test_floats_without_a_number_are_refused(tmp_path):
    for suffix, values in (("tif", [[np.nan, np.inf]]), ("pfm", [[np.nan, np.nan]])):
        Image.fromarray(np.array(values, np.float32)).save(tmp_path / f"none.{suffix}")
        refused(tmp_path / f"none.{suffix}", "expected a picture, got no value that is a finite number")


def test_cmyk(tmp_path):
    picture = Image.new("CMYK", (8, 8), (0, 255, 255, 0))
    red = read(tmp_path, picture, "cmyk.jpg")[4, 4]
    assert red[0] > 0.9 and red[1] < 0.15 and red[2] < 0.15


def test_sixteen_bits(tmp_path):
    values = np.array([[0, 32768, 65535]], np.uint16)
    read_back = read(tmp_path, Image.fromarray(values))
    np.testing.assert_allclose(read_back[0, :, 1], [0, 0.5, 1], atol=1e-3)
    color = np.zeros((2, 2, 3), np.uint16)
    color[..., 1] = 65535
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in color)

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 2, 2, 16, 2, 0, 0, 0)
    path = tmp_path / "deep.png"
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    )
    np.testing.assert_allclose(images.read_image(path), np.broadcast_to([0.0, 1.0, 0.0], (2, 2, 3)), atol=1e-3)


def test_transparency_shows_the_canvas(tmp_path):
    pixels = np.array([[[255, 0, 0, 255], [255, 0, 0, 0], [0, 0, 0, 128]]], np.uint8)
    read_back = read(tmp_path, Image.fromarray(pixels), canvas_color=(0.0, 0.5, 1.0))
    half = 127 / 255
    np.testing.assert_allclose(read_back[0], [[1, 0, 0], [0, 0.5, 1], [0, 0.5 * half, half]], atol=2e-3)
    light = np.array([[[200, 0], [200, 255]]], np.uint8)
    read_back = read(tmp_path, Image.fromarray(light, "LA"), canvas_color=(1.0, 0.0, 0.0))
    np.testing.assert_allclose(read_back[0], [[1, 0, 0], [200 / 255] * 3], atol=1e-6)


def test_transparency_of_a_palette_shows_the_canvas(tmp_path):
    picture = Image.fromarray(np.array([[0, 1, 2]], np.uint8), "P")
    picture.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    canvas = (1.0, 0.0, 1.0)
    picture.save(tmp_path / "one.png", transparency=1)
    expected = [[1, 0, 0], canvas, [0, 0, 1]]
    np.testing.assert_allclose(images.read_image(tmp_path / "one.png", canvas_color=canvas)[0], expected, atol=1e-6)
    picture.save(tmp_path / "each.png", transparency=bytes([255, 51, 0]))
    expected = [[1, 0, 0], [0.8, 0.2, 0.8], canvas]
    np.testing.assert_allclose(images.read_image(tmp_path / "each.png", canvas_color=canvas)[0], expected, atol=1e-6)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation(tmp_path, orientation):
    """A picture whose top left is red, stored as each camera would."""
    upright = np.zeros((16, 24, 3), np.uint8)
    upright[:8, :12, 0] = 255
    undo = {
        2: lambda a: a[:, ::-1],
        3: lambda a: a[::-1, ::-1],
        4: lambda a: a[::-1],
        5: lambda a: a.swapaxes(0, 1),
        6: lambda a: np.rot90(a),
        7: lambda a: np.rot90(a, 2).swapaxes(0, 1),
        8: lambda a: np.rot90(a, -1),
    }
    stored = np.ascontiguousarray(undo.get(orientation, np.asarray)(upright))
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(stored).save(tmp_path / "turned.jpg", exif=exif, quality=95)
    read_back = images.read_image(tmp_path / "turned.jpg")
    assert read_back.shape == (16, 24, 3)
    assert read_back[4, 6, 0] > 0.9 and max(read_back[12, 18, 0], read_back[4, 18, 0], read_back[12, 6, 0]) < 0.1


@pytest.mark.parametrize("shape", [(1, 1), (20, 5000)])
def test_extreme_shapes(tmp_path, shape):
    read_back = read(tmp_path, Image.new("RGB", shape[::-1], "teal"))
    np.testing.assert_allclose(read_back, np.broadcast_to([0, 128 / 255, 128 / 255], (*shape, 3)), atol=1e-6)


def test_a_brush_is_light_on_black(tmp_path):
    """What is transparent is black; the stroke may lie or stand."""
    pixels = np.zeros((40, 20, 4), np.uint8)
    pixels[5:35, 5:15] = 255
    Image.fromarray(pixels).save(tmp_path / "standing.png")
    Image.fromarray(pixels.swapaxes(0, 1).copy()).save(tmp_path / "lying.png")
    brush = images.read_brush(tmp_path / "standing.png")
    np.testing.assert_array_equal(brush, images.read_brush(tmp_path / "lying.png"))
    np.testing.assert_allclose(brush, 1.0, atol=1e-6)
    Image.new("RGBA", (20, 20), (255, 255, 255, 0)).save(tmp_path / "nothing.png")
    with pytest.raises(ImageError, match="nothing.png: expected a picture of a light brush stroke"):
        images.read_brush(tmp_path / "nothing.png")
    with pytest.raises(ImageError, match="no such file"):
        images.read_brush(tmp_path / "missing.png")


def test_a_folder_of_pictures_is_a_set_of_stamps(tmp_path):
    """In the order of their names, each with its own heights, or as high as it is light."""
    light = np.zeros((20, 40), np.uint8)
    light[5:15, 5:35] = 128
    light[5:10, 5:35] = 255
    for name, picture in {
        "b.png": light,
        "b_height.bmp": np.full_like(light, 51),
        "c.tif": light[::-1],
        "a.png": light,
        "a_height.png": np.full_like(light, 204),
    }.items():
        Image.fromarray(picture).save(tmp_path / name)
    (tmp_path / "licence.txt").write_text("words")
    (tmp_path / ".hidden.png").write_text("words")
    stamps = images.read_brush(tmp_path)
    assert stamps.shape == (3, 128, 256, 3)
    np.testing.assert_array_equal(stamps[0, ..., :2], stamps[1, ..., :2])
    np.testing.assert_allclose(stamps[:2, 64, 128, 2], [0.8, 0.2], atol=1e-5)
    np.testing.assert_array_equal(stamps[2, ..., 2], stamps[2, ..., 0])
    np.testing.assert_array_equal(stamps[2], images.read_brush(tmp_path / "c.tif")[0])
    np.testing.assert_allclose(stamps[2, ..., 0], stamps[0, ::-1, :, 0], atol=1e-6)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, "stamps: expected 1 to 64 pictures of a brush, got none"),
        ({"a.txt": "words"}, "stamps: expected 1 to 64 pictures of a brush, got none"),
        ({"a.png": (20, 40), "b_height.png": (20, 40)}, "b_height.png: expected a picture b beside these heights"),
        (
            {"a.png": (20, 40), "a_height.png": (40, 20)},
            "a_height.png: expected 40 × 20 pixels, as in a.png, got 20 × 40",
        ),
        ({"a.png": (20, 40), "a.bmp": (20, 40)}, "a.png: expected one picture of that name, got a.bmp too"),
        ({"a.png": (20, 40), "b.png": 0}, "b.png: expected a picture of a light brush stroke on black"),
        ({"a.png": (20, 40), "b.png": "words"}, "b.png: expected a picture, got something else"),
        ({"a.png": (20, 40), "a_height.png": "words"}, "a_height.png: expected a picture, got something else"),
        ({f"{number}.png": (20, 40) for number in range(65)}, "stamps: expected 1 to 64 pictures of a brush, got 65"),
    ],
)
def test_a_folder_that_is_no_set_of_stamps_is_refused(tmp_path, files, expected):
    folder = tmp_path / "stamps"
    folder.mkdir()
    for name, content in files.items():
        if isinstance(content, str):
            (folder / name).write_text(content)
        else:
            Image.fromarray(np.full(content or (20, 40), 200 if content else 0, np.uint8)).save(folder / name)
    with pytest.raises(ImageError, match=re.escape(expected)) as caught:
        images.read_brush(folder)
    assert "\n" not in str(caught.value)


def test_fitted_shape_keeps_proportions():
    assert pictures.fitted_shape(3000, 4000, 512) == (384, 512)
    assert pictures.fitted_shape(5000, 20, 512) == (512, 2)
    assert pictures.fitted_shape(1, 5000, 512) == (1, 512)


def test_resize_averages_where_it_shrinks():
    image = np.random.default_rng(0).uniform(size=(12, 8, 3)).astype(np.float32)
    expected = image.reshape(3, 4, 2, 4, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(pictures.resize(image, (3, 2)), expected, atol=1e-6)
    flat = np.full((2, 2, 3), 0.3, np.float32)
    np.testing.assert_allclose(pictures.resize(flat, (7, 5)), 0.3, atol=1e-6)


def test_a_written_picture_is_read_back(tmp_path):
    images.write_image(tmp_path / "out.png", COLORS.astype(np.float32) / 255)
    np.testing.assert_array_equal(iio.imread(tmp_path / "out.png"), COLORS)
    assert [path.name for path in tmp_path.iterdir()] == ["out.png"]


def test_what_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "folder.png").mkdir()
    for name in ("missing/out.png", "file/out.png", "folder.png"):
        with pytest.raises(WriteError, match="can't be written"):
            images.write_image(tmp_path / name, np.zeros((2, 2, 3), np.float32))
    with pytest.raises(WriteError, match="large.webp: can't be written: .*16383"):
        images.write_image(tmp_path / "large.webp", np.zeros((1, 17000, 3), np.float32))
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder.png"]


def test_a_picture_records_the_resolution_of_a_print(tmp_path):
    for ending in ("png", "jpg", "tif"):
        plain, dense = tmp_path / f"plain.{ending}", tmp_path / f"dense.{ending}"
        images.write_image(plain, COLORS.astype(np.float32) / 255)
        images.write_image(dense, COLORS.astype(np.float32) / 255, dpi=300)
        np.testing.assert_array_equal(iio.imread(dense), iio.imread(plain))
    # Pixels per metre in a chunk before the pixels (PNG, 11.3.4.3); JFIF's unit of an inch, and both densities.
    png, jpeg = ((tmp_path / f"dense.{ending}").read_bytes() for ending in ("png", "jpg"))
    assert b"pHYs" + struct.pack(">IIB", 11811, 11811, 1) in png[: png.index(b"IDAT")]
    assert jpeg[6:18] == b"JFIF\0\1\1" + struct.pack(">BHH", 1, 300, 300)
    assert b"pHYs" not in (tmp_path / "plain.png").read_bytes()
    assert (tmp_path / "plain.jpg").read_bytes()[13] == 0


@pytest.mark.usefixtures("unchecked")
def test_bad_arguments(tmp_path):
    image = COLORS.astype(np.float32) / 255
    with pytest.raises(TypeError, match="expected a path, got ndarray of shape"):
        images.write_image(image, tmp_path / "a.png")
    for wrong in (COLORS.astype(np.float32), image * np.nan, image[:0], None):
        with pytest.raises(ValueError, match="expected a picture of"):
            images.write_image(tmp_path / "a.png", wrong)
    assert not list(tmp_path.iterdir())
    # As timelapses and other programs give them.
    images.write_image(tmp_path / "a.png", COLORS)
    np.testing.assert_array_equal(iio.imread(tmp_path / "a.png"), COLORS)
    for dpi in (0, 70000, 72.5, "72"):
        with pytest.raises((ValueError, TypeError), match="expected a resolution in pixels per inch, a whole number"):
            images.write_image(tmp_path / "a.png", image, dpi=dpi)
    for page in (0, -1, "1", 1.0):
        with pytest.raises((ValueError, TypeError), match="expected the number of a page, a whole number from 1"):
            images.read_image(tmp_path / "a.png", page=page)
    with pytest.raises(ValueError, match="expected a colour"):
        images.read_image(tmp_path / "a.png", canvas_color="white")
    with pytest.raises(TypeError, match="expected a path, got NoneType"):
        images.read_image(None)


def test_values_are_rounded_and_clipped():
    image = np.array([[[-1.0, 0.0, 0.499 / 255], [0.501 / 255, 1.0, 2.0]]], np.float32)
    assert pictures.to_bytes(image).tolist() == [[[0, 0, 0], [1, 255, 255]]]


def test_a_picture_needs_a_picture_s_name(tmp_path):
    for name in ("plain", "odd.xyz", "read-only.psd"):
        with pytest.raises(WriteError, match="expected a name that ends in .png"):
            images.write_image(tmp_path / name, np.zeros((4, 4, 3), np.float32))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["a.png", "a.jpg", "a.gif", "a.webp", "a.tif", "a.bmp"])
def test_a_picture_on_a_full_disk_is_one_error(tmp_path, full, name):
    with pytest.raises(WriteError, match=f"{name}: can't be written: File too large"):
        images.write_image(tmp_path / name, np.zeros((40, 40, 3), np.float32))
    # What is left of a writer complains when it is collected.
    gc.collect()
    assert not list(tmp_path.iterdir())
