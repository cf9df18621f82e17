"""Videos in and out: shown as players show them, as long as they were, and what is damaged is named."""

import subprocess
import warnings
from fractions import Fraction

import imageio_ffmpeg
import numpy as np
import pytest
from clips import FILM, H264, PATTERN, ffmpeg, grey, values
from PIL import Image

from jaxpaint import pictures
from jaxpaint.errors import ImageError, WriteError
from jaxpaint.io import decoding, gamuts, videos


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv", "a.webm"])
@pytest.mark.parametrize("shape", [(33, 47), (32, 48), (1, 1)])
def test_sides_become_even_by_repeating_the_edge(tmp_path, name, shape):
    frames = [grey(40 * i, shape) for i in range(5)]
    videos.write_video(tmp_path / name, frames, fps=10.0)
    video = videos.probe(tmp_path / name)
    assert (video.height, video.width) == tuple(side + side % 2 for side in shape)
    assert (video.rate, video.frames, video.sound, video.path) == (10, 5, False, tmp_path / name)
    read_back = list(videos.read(video))
    np.testing.assert_allclose(values(read_back), [0, 40, 80, 120, 160], atol=3)
    assert {frame.shape for frame in read_back} == {(video.height, video.width, 3)}
    assert max(np.ptp(frame) for frame in read_back) <= 6


@pytest.mark.parametrize("fps", [30000 / 1001, FILM, 24.0, 29.97, 12.5])
def test_rate_and_duration_are_kept(tmp_path, fps):
    videos.write_video(tmp_path / "a.mp4", (grey(i) for i in range(37)), fps=fps)
    video = videos.probe(tmp_path / "a.mp4")
    exact = {29.97: Fraction(2997, 100), 30000 / 1001: FILM}.get(fps, fps)
    assert video.rate == exact and video.frames == 37
    assert video.duration == pytest.approx(37 / fps, abs=1e-3)


def test_colours_are_kept(tmp_path):
    colours = np.array(
        [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255], [0, 0, 0], [200, 40, 90], [20, 130, 60]]
    )
    frame = np.repeat(np.repeat(colours[None].astype(np.uint8), 16, axis=1), 16, axis=0)
    for name in ("a.mp4", "a.webm", "a.gif"):
        videos.write_video(tmp_path / name, [frame] * 3)
        read_back = next(videos.read(videos.probe(tmp_path / name)))
        np.testing.assert_allclose(read_back[8, 8::16].astype(int), colours, atol=4 if name == "a.webm" else 3)
    log = subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-i", tmp_path / "a.mp4"], capture_output=True).stderr
    assert b"yuv420p(tv, bt709, progressive)" in log and b"h264 (High)" in log


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_rotation(tmp_path, turn):
    upright = np.zeros((32, 48, 3), np.uint8)
    upright[:16, :32, 0] = 255
    videos.write_video(tmp_path / "lying.mp4", [upright] * 2)
    turned = ffmpeg("-display_rotation", turn, "-i", tmp_path / "lying.mp4", "-c", "copy", tmp_path / "turned.mp4")
    video, expected = videos.probe(turned), np.rot90(upright, turn // 90)
    assert (video.height, video.width) == expected.shape[:2]
    read_back = next(videos.read(video))
    np.testing.assert_allclose(read_back[8::16, 8::16].astype(int), expected[8::16, 8::16], atol=6)


@pytest.mark.parametrize(("aspect", "shape"), [("4/3", (64, 128)), ("1/2", (128, 96))])
def test_pixels_are_stretched_to_squares(tmp_path, aspect, shape):
    video = videos.probe(ffmpeg(*PATTERN, "-t", "0.2", "-vf", f"setsar={aspect}", *H264, tmp_path / "a.mp4"))
    assert (video.height, video.width) == next(videos.read(video)).shape[:2] == shape


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_a_variable_rate_keeps_its_duration(tmp_path, name):
    """Frames 5 to 20 of 50 are missing: frame 4 stays for that long."""
    videos.write_video(tmp_path / "whole.mp4", (grey(5 * i) for i in range(50)), fps=25.0)
    path = ffmpeg(
        *("-i", tmp_path / "whole.mp4", "-vf", "select='not(between(n,5,20))'", "-fps_mode", "vfr", *H264),
        tmp_path / name,
    )
    video = videos.probe(path)
    assert (video.rate, video.frames) == (25, 50)
    read_back = values(videos.read(video)) / 5
    expected = np.arange(50)
    expected[5:21] = 4
    assert len(read_back) == 50 and np.abs(read_back - expected).max() < 0.8


def test_times_in_milliseconds_are_no_rate_of_a_thousand(tmp_path):
    """As browsers record: no rate is named, and each frame comes a little early or late."""
    jitter = r"settb=1/1000,setpts=40*N+8*mod(N\,3)"
    video = videos.probe(
        ffmpeg(
            *PATTERN, "-vf", jitter, "-fps_mode", "passthrough", "-enc_time_base", "1/1000", *H264, tmp_path / "a.mkv"
        )
    )
    assert 20 <= video.rate <= 60
    assert video.duration == pytest.approx(4, abs=0.1)
    assert abs(sum(1 for _ in videos.read(video)) / video.rate - 4) < 0.1


def test_pictures_that_start_after_the_sound_wait(tmp_path):
    late = ["-itsoffset", "1", *PATTERN, "-f", "lavfi", "-i", "sine=d=3"]
    video = videos.probe(ffmpeg(*late, "-t", "3", *H264, tmp_path / "late.mkv"))
    read_back = list(videos.read(video))
    assert len(read_back) == video.frames == 75
    assert np.array_equal(read_back[0], read_back[25]) and not np.array_equal(read_back[25], read_back[30])


def test_sound_with_a_little_silence_in_front_adds_no_frame(tmp_path):
    """As encoders of sound put it there."""
    source = ffmpeg(*PATTERN, "-f", "lavfi", "-i", "sine=d=2", *H264, "-c:a", "aac", "-t", "2", tmp_path / "source.ts")
    video = videos.probe(source)
    read_back = list(videos.read(video))
    assert len(read_back) == video.frames == 50
    assert not np.array_equal(read_back[0], read_back[1])


def test_a_stream_without_times(tmp_path):
    video = videos.probe(ffmpeg(*PATTERN, *H264, "-t", "2", tmp_path / "bare.h264"))
    assert len(list(videos.read(video))) == video.frames == 50


def test_a_size_that_changes_midway(tmp_path):
    """Everything is shown at the first size, and no frame twice."""
    parts = [ffmpeg(*PATTERN, "-s", size, *H264, "-t", "1", tmp_path / f"{size}.h264") for size in ("96x64", "48x32")]
    (tmp_path / "whole.h264").write_bytes(b"".join(part.read_bytes() for part in parts))
    video = videos.probe(tmp_path / "whole.h264")
    read_back = list(videos.read(video))
    assert len(read_back) == video.frames == 50
    small = np.array(list(videos.read(videos.probe(parts[1])))).repeat(2, axis=1).repeat(2, axis=2)
    assert np.abs(small - read_back[30].astype(int)).mean((1, 2, 3)).argmin() == 5


def test_stride_and_start(stairs):
    read_back = list(videos.read(stairs))
    assert len(read_back) == stairs.frames == 40
    for stride, start in ((1, 7), (3, 0), (3, 5), (7, 6)):
        np.testing.assert_array_equal(
            list(videos.read(stairs, stride=stride, start=start)), read_back[::stride][start:]
        )
    assert not list(videos.read(stairs, start=40))
    for wrong in ({"stride": 0}, {"start": -1}, {"size": 0}):
        with pytest.raises(ValueError, match="expected a stride"):
            next(videos.read(stairs, **wrong))


def test_size_is_the_long_side(stairs):
    for size in (24, 31, 96):
        frame = next(videos.read(stairs, size=size, start=20))
        assert frame.shape[:2] == pictures.fitted_shape(stairs.height, stairs.width, size)
        np.testing.assert_allclose(frame.astype(int), 100, atol=3)


def test_shrinking_averages(tmp_path):
    checkers = np.kron(np.indices((16, 24)).sum(axis=0) % 2 * 255, np.ones((2, 2)))[..., None].repeat(3, axis=-1)
    videos.write_video(tmp_path / "a.mp4", [checkers.astype(np.uint8)])
    np.testing.assert_allclose(next(videos.read(videos.probe(tmp_path / "a.mp4"), size=12)).astype(int), 128, atol=6)


@pytest.mark.parametrize(("fps", "frames", "hundredths"), [(30.0, 30, 100), (10.0, 10, 100), (100.0, 20, 20)])
def test_an_animated_gif(tmp_path, fps, frames, hundredths):
    colours = [np.full((33, 47, 3), [200 - 4 * i, 8 * i, 90], np.uint8) for i in range(frames)]
    videos.write_video(tmp_path / "a.gif", colours, fps=fps)
    with Image.open(tmp_path / "a.gif") as gif:
        assert gif.size == (47, 33) and gif.info["loop"] == 0
        durations = []
        for number in range(gif.n_frames):
            gif.seek(number)
            durations.append(gif.info["duration"] // 10)
            at_most_fifty = number * frames // gif.n_frames
            assert np.abs(np.asarray(gif.convert("RGB"), int) - colours[at_most_fifty]).max() <= 10
    assert sum(durations) == pytest.approx(hundredths, abs=2) and min(durations) >= 2
    video = videos.probe(tmp_path / "a.gif")
    assert video.duration == pytest.approx(hundredths / 100, abs=0.03)
    assert len(list(videos.read(video))) == video.frames


def refused(path, match):
    with pytest.raises(ImageError, match=match) as error:
        videos.probe(path)
    assert "\n" not in str(error.value) and str(path) in str(error.value)


def test_what_is_no_video_is_refused(tmp_path, capfd):
    refused(tmp_path / "missing.mp4", "no such file")
    refused(tmp_path, "expected a video, got a folder")
    (tmp_path / "empty.mp4").touch()
    refused(tmp_path / "empty.mp4", "expected a video, got an empty file")
    (tmp_path / "noise.bin").write_text("not a video\n" * 1000)
    refused(tmp_path / "noise.bin", "expected a video, got text|can't be read as a video")
    (tmp_path / "noise.mp4").write_bytes(np.random.default_rng(0).bytes(5000))
    refused(tmp_path / "noise.mp4", "can't be read as a video")
    for name in ("a.png", "a.jpg", "a.webp", "a.gif", "a.bmp"):
        Image.new("RGB", (40, 30), "teal").save(tmp_path / name)
        refused(tmp_path / name, "got a picture; bin/paint paints it")
    refused((tmp_path / "a.jpg").rename(tmp_path / "renamed.mp4"), "got a picture")
    refused(ffmpeg("-f", "lavfi", "-i", "sine=d=1", tmp_path / "a.wav"), "got no pictures, only sound")
    cover = ["-f", "lavfi", "-i", "sine=d=1", "-i", tmp_path / "a.png", "-disposition:v", "attached_pic"]
    refused(ffmpeg(*cover, tmp_path / "song.mp3"), "got no pictures, only sound")
    fast = ["-f", "lavfi", "-i", "testsrc2=s=32x32:r=2000:d=0.1", *H264, tmp_path / "fast.mp4"]
    refused(ffmpeg(*fast), "at most 1000 frames a second, got 2000")
    assert capfd.readouterr() == ("", "")


def test_more_than_200_megapixels_are_refused(tmp_path, monkeypatch, stairs):
    monkeypatch.setattr(decoding, "MOST_PIXELS", 1000)
    refused(stairs.path, "at most 0 megapixels")


def read_with_warnings(video, **kwargs):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        frames = list(videos.read(video, **kwargs))
    return frames, [str(warning.message) for warning in caught]


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4"])
def test_a_truncated_video_ends_early_and_says_where(tmp_path, name, capfd):
    whole = ffmpeg(*PATTERN, *H264, "-movflags", "+faststart", tmp_path / name).read_bytes()
    path = tmp_path / f"cut-{name}"
    path.write_bytes(whole[: len(whole) * 6 // 10])
    frames, messages = read_with_warnings(videos.probe(path))
    assert 30 < len(frames) < 90
    assert messages[-1] == f"{path}: cut short: it ends before frame {len(frames)}"
    path.write_bytes(whole[:1500])
    refused(path, "can't be read as a video|can't be decoded")
    assert capfd.readouterr() == ("", "")


def packets(path):
    """Where in the file each stored frame is, in order: its time in frames, its offset, its size."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", path, "-c", "copy", "-f", "framecrc", "-"]
    rows = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    rows = [[int(field) for field in row.split(",")[2:5]] for row in rows if not row.startswith("#")]
    offset, found = path.read_bytes().index(b"mdat") + 4, []
    for time_, length, size in rows:
        found.append((time_ // length, offset, size))
        offset += size
    return found


@pytest.mark.parametrize("damage", ["bits", "length"])
@pytest.mark.parametrize("which", [30, 51])
def test_a_damaged_frame_is_named_and_the_duration_stays(tmp_path, damage, which, capfd):
    """Wrong bits within a frame, which is then guessed, or a frame that is no frame at all."""
    path = ffmpeg(*PATTERN, *H264, "-g", "25", tmp_path / "bad.mp4")
    whole = list(videos.read(videos.probe(path)))
    number, offset, size = packets(path)[which]
    data = bytearray(path.read_bytes())
    data[offset : offset + 4] = b"\x7f\xff\xff\xff" if damage == "length" else data[offset : offset + 4]
    if damage == "bits":
        data[offset + size // 3 : offset + size] = bytes(
            255 - byte for byte in data[offset + size // 3 : offset + size]
        )
    path.write_bytes(data)
    video = videos.probe(path)
    frames, messages = read_with_warnings(video)
    assert len(frames) == video.frames == len(whole)
    assert f"{path}: frame {number} ({number / 25:.2f} s) is damaged, and was guessed" in messages
    same = [np.array_equal(a, b) for a, b in zip(frames, whole, strict=True)]
    assert all(same[:25]) and not all(same)
    assert all(same[75:])
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("frames", [1, 100])
def test_a_video_that_cannot_be_encoded_replaces_nothing(tmp_path, frames, monkeypatch):
    """Whether the encoder gives up after all frames were sent, or before."""
    path = tmp_path / "out.mp4"
    path.write_text("before")
    noise = np.random.default_rng(0).integers(0, 256, (256, 256, 3), dtype=np.uint8)
    monkeypatch.setitem(videos._ENCODERS, ".mp4", ["-c:v", "unknown"])
    with pytest.raises(WriteError, match="can't be written: .*nknown") as error:
        videos.write_video(path, [noise] * frames)
    assert "\n" not in str(error.value)
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"] and path.read_text() == "before"


def test_what_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "folder.mp4").mkdir()
    for name in ("missing/out.mp4", "file/out.mp4", "folder.mp4", "out.unknown", "out"):
        with pytest.raises(WriteError, match="can't be written"):
            videos.write_video(tmp_path / name, [grey(0)])
    for fps in (0.0, -1.0, 2000.0):
        with pytest.raises(ImageError, match="expected up to 1000 frames a second"):
            videos.write_video(tmp_path / "out.mp4", [grey(0)], fps=fps)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder.mp4"]


def test_an_interrupted_video_leaves_nothing(tmp_path):
    def frames():
        yield grey(0)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        videos.write_video(tmp_path / "out.mp4", frames())
    with pytest.raises(ImageError, match="got none"):
        videos.write_video(tmp_path / "none.mp4", [])
    assert not list(tmp_path.iterdir())


def test_frames_of_several_sizes_are_refused(tmp_path):
    frames = [np.zeros((8, 8, 3), np.uint8), np.zeros((8, 10, 3), np.uint8)]
    with pytest.raises(ImageError, match=r"expected frames of one shape, \(8, 8, 3\), got \(8, 10, 3\)"):
        videos.write_video(tmp_path / "a.mp4", frames)
    assert not list(tmp_path.iterdir())


def bt2020(colors, transfer):
    """The signal of sRGB's colours in BT.2100, 65535 times, for white at 203 cd/m²."""
    srgb = np.asarray(colors) / 255
    light = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    rows = [[0.627404, 0.329283, 0.043313], [0.069097, 0.919540, 0.011362], [0.016391, 0.088013, 0.895595]]
    nits = 203 * light @ np.array(rows).T
    if transfer == "smpte2084":
        power = (nits / 10000) ** 0.1593017578125
        signal = ((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power)) ** 78.84375
    else:
        scene = nits / 1000 * (nits @ [[0.2627], [0.6780], [0.0593]] / 1000) ** (1 / 1.2 - 1)
        high = 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073
        signal = np.where(scene <= 1 / 12, np.sqrt(3 * scene), high)
    return np.round(65535 * signal).astype("<u2")


@pytest.mark.parametrize("transfer", ["smpte2084", "arib-std-b67"])
def test_films_of_high_dynamic_range_look_as_they_shall(tmp_path, transfer):
    """White is white, and colours keep their hue; phones record such films."""
    colors = np.array([(255, 255, 255), (200, 40, 40), (40, 160, 60), (30, 60, 200), (128, 128, 128), (20, 20, 20)])
    raw, path = tmp_path / "frames.raw", tmp_path / "film.mp4"
    raw.write_bytes(np.tile(bt2020(colors, transfer).repeat(16, axis=0), (2, 64, 1, 1)).tobytes())
    tags = f"setparams=color_primaries=bt2020:color_trc={transfer}:colorspace=bt2020nc"
    film = ["-vf", f"scale=out_color_matrix=bt2020nc:out_range=tv,format=yuv444p10le,{tags}", "-c:v", "libx265"]
    film += ["-x265-params", "log-level=error:lossless=1", str(path)]
    ffmpeg("-f", "rawvideo", "-pix_fmt", "rgb48le", "-s", "96x64", "-r", "10", "-i", raw, *film)
    first = next(videos.read(videos.probe(path)))
    np.testing.assert_allclose(first[32, 8::16].astype(int), colors, atol=3)


def test_transparent_films_of_high_dynamic_range(tmp_path):
    """As phones and design tools export stickers: a half-transparent colour over the canvas."""
    color, alpha = (200, 40, 40), 32768
    pixel = np.concatenate([bt2020([color], "arib-std-b67"), np.full((1, 1), alpha, "<u2")], axis=1)
    (tmp_path / "raw").write_bytes(np.tile(pixel, (2, 48, 64, 1)).tobytes())
    raw = ["-f", "rawvideo", "-pix_fmt", "rgba64le", "-s", "64x48", "-r", "10", "-i", tmp_path / "raw"]
    tags = "setparams=color_primaries=bt2020:color_trc=arib-std-b67:colorspace=bt2020nc"
    how = ["-vf", f"scale=out_color_matrix=bt2020nc:out_range=tv,format=yuva444p10le,{tags}", "-c:v", "prores_ks"]
    path = ffmpeg(*raw, *how, "-profile:v", "4444", tmp_path / "sticker.mov")
    first = next(videos.read(videos.probe(path), canvas_color=(0.5, 0.25, 0.75)))
    expected = [(value + 255 * under) / 2 for value, under in zip(color, (0.5, 0.25, 0.75), strict=True)]
    np.testing.assert_allclose(first[24, 32].astype(int), expected, atol=4)


def test_light_beyond_white_keeps_its_hue():
    bright = bt2020([[255, 100, 50]], "smpte2084")[None]
    signal = gamuts._decoded("smpte2084")
    brighter = np.searchsorted(signal, 4 * signal[bright]).astype(np.uint16)
    for frame in (bright, brighter):
        red, green, blue = gamuts.to_srgb(frame.astype(np.uint16), gamuts.named("bt2020", gamuts.PQ))[0, 0]
        assert abs(int(red) - 255) <= 1 and abs(int(green) - 100) <= 2 and abs(int(blue) - 50) <= 2


def test_interlaced_films_show_no_combs(tmp_path):
    path = tmp_path / "fields.mp4"
    moving = "[0][1]overlay=x='8*n':y=0,format=yuv420p,interlace=scan=tff:lowpass=off"
    sources = [
        "-f",
        "lavfi",
        "-i",
        "color=black:s=96x64:r=50:d=0.4",
        "-f",
        "lavfi",
        "-i",
        "color=white:s=16x64:r=50:d=0.4",
    ]
    fields = ["-c:v", "libx264", "-crf", "5", "-flags", "+ilme+ildct", "-x264-params", "tff=1"]
    ffmpeg(*sources, "-filter_complex", moving, *fields, path)
    frames = [frame.astype(int) for frame in videos.read(videos.probe(path))]
    assert len(frames) == videos.probe(path).frames == 10
    assert max(np.abs(frame[30] - frame[31]).mean() for frame in frames) < 5


@pytest.mark.parametrize("name", ["title.mov", "sticker.gif", "sticker.png", "title.webm", "older.webm"])
def test_transparent_films_lie_over_the_canvas(tmp_path, name):
    frames = []
    for number in range(3):
        frame = Image.new("RGBA", (64, 48), (255, 0, 0, 0))
        frame.paste((0, 0, 255, 255), (32 + number, 0, 64, 48))
        frames.append(frame)
    path = tmp_path / name
    if path.suffix in (".gif", ".png"):
        frames[0].save(path, save_all=True, append_images=frames[1:], duration=100, disposal=2)
    else:
        (tmp_path / "raw").write_bytes(b"".join(frame.tobytes() for frame in frames))
        raw = ["-f", "rawvideo", "-pix_fmt", "rgba", "-s", "64x48", "-r", "10", "-i", tmp_path / "raw"]
        webm = ["-pix_fmt", "yuva420p", "-crf", "10", "-b:v", "1M"]
        codecs = {
            "title.mov": ["-c:v", "qtrle"],
            "title.webm": ["-c:v", "libvpx-vp9", *webm],
            "older.webm": ["-c:v", "libvpx", "-auto-alt-ref", "0", *webm],
        }
        ffmpeg(*raw, *codecs[name], path)
    found = list(videos.read(videos.probe(path), canvas_color=(0.5, 0.25, 0.75)))
    assert len(found) == 3
    np.testing.assert_allclose(found[1][24, 8].astype(int), [128, 64, 191], atol=2)
    np.testing.assert_allclose(found[1][24, 50].astype(int), [0, 0, 255], atol=6)
