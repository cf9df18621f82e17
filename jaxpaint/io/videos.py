"""Reading and writing videos, frame by frame: the memory does not depend on a video's length.

The ffmpeg of imageio-ffmpeg decodes and encodes all videos.
"""

from __future__ import annotations

import collections
import contextlib
import itertools
import math
import os
import pathlib
import re
import subprocess
import tempfile
import threading
import warnings
from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import UInt8

from jaxpaint import pictures
from jaxpaint.errors import ImageError, WriteError
from jaxpaint.io import decoding, ffmpeg, gamuts, images, kinds, origins, tracks
from jaxpaint.io.atomic import replacing

FASTEST = 1000
# A file whose frame times are whole milliseconds, such as a screen recording, states 1000 frames a second. A stated
# rate above this limit is therefore compared with the average rate.
_FAST = 120
# ffmpeg's time for packets without a time is the smallest 64-bit integer.
_NO_TIME = -(2**62)
# Browsers show each frame of a faster GIF for a tenth of a second.
_FASTEST_GIF = 50

_FLAGS = "accurate_rnd+full_chroma_int"
# If a file names no colour matrix, players choose one by the video's size.
_BT709 = (
    f"scale=out_color_matrix=bt709:out_range=tv:flags={_FLAGS},format=yuv420p,"
    "setparams=color_primaries=bt709:color_trc=bt709"
)
_H264 = ["-vf", _BT709, "-c:v", "libx264", "-crf", "10"]
# With alpha, for frames of four channels.
_BT709A = _BT709.replace("yuv420p", "yuva420p")
_VP9 = ["-vf", _BT709, "-c:v", "libvpx-vp9", "-crf", "20", "-b:v", "0", "-row-mt", "1"]
# Each frame has its own palette, because ffmpeg would hold all frames in memory for a common palette.
_PALETTES = "split[a][b];[a]palettegen=stats_mode=single[p];[b][p]paletteuse=new=1:dither=bayer:bayer_scale=4"
_GIF = ["-vf", rf"fps=min(source_fps\,{_FASTEST_GIF}),{_PALETTES}", "-loop", "0"]
_ENCODERS = {".mp4": _H264, ".mov": _H264, ".mkv": _H264, ".webm": _VP9, ".gif": _GIF}
ENDINGS = tuple(_ENCODERS)
# Ending of the format that frames with alpha are written in.
WITH_ALPHA = ".webm"


# ffmpeg's names of pixel formats with transparency.
_WITH_ALPHA = r"argb|rgba|abgr|bgra|rgba64\w+|bgra64\w+|ya8|ya16\w+|yuva\w+|gbrap\w*|pal8"
# A frame of the first fields in place of two fields at once.
_DEINTERLACED = "bwdif=mode=send_frame:deint=interlaced,"


class Video(NamedTuple):
    """Properties of a video file, as it is shown.

    Attributes:
      path: path of the file.
      height, width: size in pixels, after the file's rotation; pixels become square by stretching, never by shrinking.
      rate: exact number of frames per second: Fraction(30000, 1001) is not 29.97.
      duration: duration of the pictures, in seconds, whether or not the sound is longer.
      sound: whether the video has sound.
      interlaced: whether frames are two fields, lines of two moments.
      transparent: whether frames may be transparent.
      decoder: name of the decoder to use in place of ffmpeg's usual one, or empty.
      gamut: colour space of the frames.
      lead: seconds by which the sound begins before the pictures, if that is half a frame to a frame, as with an
        encoder's leading silence. Frames are shown earlier by this time; otherwise the first frame would appear twice.
    """

    path: pathlib.Path
    height: int
    width: int
    rate: Fraction
    duration: float
    sound: bool
    interlaced: bool = False
    transparent: bool = False
    decoder: str = ""
    gamut: gamuts.Gamut = gamuts.SRGB
    lead: float = 0.0

    @property
    def frames(self) -> int:
        """Number of frames at the video's rate; a damaged video may have fewer."""
        return max(1, round(self.duration * self.rate))


def probe(path: str | os.PathLike[str]) -> Video:
    """Reads a video's properties: decodes its first frame, and scans the rest without decoding.

    Animations (GIF) are videos, too. The rate is the one that the file states, even if the frames' times vary. If the
    stated rate is above 120 a second and more than twice the average, the rate is the rounded average.

    Args:
      path: path of the video.

    Raises:
      ImageError: the file is missing, a folder, empty, not a video, a picture, sound alone, or can't be decoded; it has
        more than 200 megapixels or 1000 frames a second.
    """
    path = pathlib.Path(path)
    images.check_file(path, "a video")
    # The muxer framecrc lists sizes and time bases, then frames: decoded ones as stream 0, stored ones as stream 1.
    shown = r"trim=end_frame=1,scale=iw*max(sar\,1):ih*max(1/sar\,1),setsar=1"
    once = ["-map", "0:V:0", "-c:0", "rawvideo", "-fps_mode:0", "cfr", "-filter:0", shown]
    all_ = ["-map", "0:V:0", "-c:1", "copy"]
    listed = [*once, *all_, "-f", "framecrc", "pipe:1", *ffmpeg.beside("0:a?")]
    result = ffmpeg.run("-nostats", *ffmpeg.source(path), *listed)
    log, listing = result.stderr, result.stdout
    kind = re.search(r"^Input #0, (\S+), from", log, re.MULTILINE)
    if kind is None:
        if got := kinds.told(path, expected="a video"):
            raise ImageError(f"{path}: expected a video, got {got}")
        reason = re.search(r"^\[.*?\] (?!Format )(?:Error opening input: )?(.*)$", log, re.MULTILINE)
        raise ImageError(f"{path}: can't be read as a video: {reason[1] if reason else 'ffmpeg failed'}")
    if kind[1] == "tty":
        raise ImageError(f"{path}: expected a video, got {kinds.told(path, expected='a video') or 'text'}")
    stored = [tuple(map(int, row)) for row in re.findall(r"^1, +(?:\S+), +(-?\d+), +(\d+),", listing, re.MULTILINE)]
    if re.search("image2|_pipe$", kind[1]) or (kind[1] in ("gif", "apng", "webp_anim") and len(stored) == 1):
        got = kinds.told(path, expected="a video") or "a picture; bin/paint paints it"
        raise ImageError(f"{path}: expected a video, got {got}")
    if "matches no streams" in log:
        raise ImageError(f"{path}: expected a video, got no pictures, only sound or the like")
    units = {name: Fraction(unit) for name, unit in re.findall(r"^#tb (\d): (\d+/[1-9]\d*)$", listing, re.MULTILINE)}
    size = re.search(r"^#dimensions 0: (\d+)x(\d+)$", listing, re.MULTILINE)
    if not (size and stored and units.get("0")):
        raise ImageError(f"{path}: a damaged video: its frames can't be decoded")
    width, height = map(int, size.groups())
    if width * height > decoding.MOST_PIXELS:
        most = decoding.MOST_PIXELS // 10**6
        raise ImageError(f"{path}: expected at most {most} megapixels, got {width * height / 1e6:.0f}")
    rate = 1 / units["0"]
    # Raw streams, such as .h264, have no times.
    timed = [(time, length) for time, length in stored if time > _NO_TIME]
    begin = float(min((time for time, _ in timed), default=0) * units["1"])
    lead = begin if 0.5 <= begin * rate < 1.0 else 0.0
    duration = float(max(map(sum, timed), default=0) * units["1"]) - lead or float(len(stored) / rate)
    average = len(stored) / duration
    if rate > max(_FAST, 2.0 * average):
        rate = Fraction(max(1, round(average)))
    if rate > FASTEST:
        raise ImageError(f"{path}: expected at most {FASTEST} frames a second, got {float(rate):.0f}")
    sound = bool(re.search(r"Stream #0:\d.*: Audio: ", log))
    return Video(path, height, width, rate, duration, sound, *_look(log), lead)


def _look(log: str) -> tuple[bool, bool, str, gamuts.Gamut]:
    """Finds `Video`'s fields from `interlaced` to `gamut` in ffmpeg's log."""
    streams = re.findall(r"Stream #0:\d.*: Video: (.*)\n((?: {4,}.*\n)*)", log)
    # A cover is no part of the film.
    stream, after = next((each for each in streams if "(attached pic)" not in each[0]), ("", ""))
    colors = re.search(r"[\w-]+/([\w-]+)/([\w-]+)[,)]", stream)
    gamut = gamuts.named(*colors.groups()) if colors else gamuts.SRGB
    interlaced = bool(re.search(r"(?:top|bottom)(?: coded)? first", stream))
    # ffmpeg's own decoders of VP8 and VP9 leave out alpha.
    decoder = ""
    if re.search(r"^ *alpha_mode *: 1$", after, re.MULTILINE):
        decoder = {"vp8": "libvpx", "vp9": "libvpx-vp9"}.get(re.split(r"\W", stream, maxsplit=1)[0], "")
    transparent = bool(decoder or re.search(rf", (?:{_WITH_ALPHA})\b", stream))
    return interlaced, transparent, decoder, gamut


def read(
    video: Video,
    *,
    stride: int = 1,
    start: int = 0,
    size: int | None = None,
    canvas_color: tuple[float, float, float] = (1.0, 1.0, 1.0),
) -> Iterator[UInt8[np.ndarray, "height width 3"]]:
    """Reads a video's frames at a constant rate; if the frames' times vary, frames are repeated or left out.

    A damaged video is read as far as possible, with warnings. A frame that can't be decoded is guessed, or the previous
    frame is repeated. A truncated video ends early. Warnings count the video's frames from 0.

    Args:
      video: the video, as `probe` returns it.
      stride: distance between successive frames of the result, in frames of the video.
      start: number of frames to leave out at the beginning of the result; the frames after them stay the same, since
        the omitted frames are decoded, too.
      size: long side in pixels; None for the video's own size.
      canvas_color: colour behind transparent pixels; red, green, blue in [0, 1].

    Yields:
      Frames as they are shown, deinterlaced, in sRGB with values 0 to 255. `gamuts.to_srgb` converts high dynamic range
      and wide gamuts.

    Raises:
      ValueError: `stride` or `size` is not positive, or `start` is negative.
      ImageError: no frame can be decoded.
    """
    if stride < 1 or start < 0 or (size is not None and size < 1):
        raise ValueError(f"expected a stride and a size from 1 on, a start from 0 on; got {stride}, {size}, {start}")
    shape = (video.height, video.width)
    height, width = pictures.fitted_shape(*shape, size) if size else shape
    method = "area" if height <= video.height else "bicubic"
    # Sound starts at time 0, so pictures that start later must be delayed.
    chosen = _DEINTERLACED if video.interlaced else ""
    chosen += f"setpts=PTS-{video.lead:.6f}/TB," if video.lead else ""
    chosen += f"fps={video.rate}:start_time=0,framestep={stride},trim=start_frame={start}"
    # Averages of pixels count by their alpha.
    chosen += ",format=gbrap16le,premultiply=inplace=1" if video.transparent else ""
    pixels = _Pixels.of(video)
    scaled = f"scale={width}:{height}:flags={method}+{_FLAGS},format={pixels.name}"
    decoder = ["-c:v", video.decoder] if video.decoder else []
    # A filter that is reinitialised when the size changes would count time from 0 again.
    decoder += ["-reinit_filter", "0"]
    arguments = ["-nostats", "-debug_ts", "-max_error_rate", "1", *decoder, *ffmpeg.source(video.path), "-map", "0:V:0"]
    arguments += ["-vf", f"{chosen},{scaled}", "-fps_mode", "passthrough", "-f", "rawvideo", "pipe:1"]
    arguments += ffmpeg.beside("0:a?")
    faults: collections.deque[float] = collections.deque()
    number, count = start * stride, 0
    with ffmpeg.process(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        found = (time - video.lead for time in _faults(process.stderr))
        listener = threading.Thread(target=faults.extend, args=(found,), daemon=True)
        listener.start()
        try:
            count_bytes = height * width * pixels.channels * pixels.dtype.itemsize
            while len(data := process.stdout.read(count_bytes)) == count_bytes:
                while faults and faults[0] * video.rate < number + stride:
                    _warn_of_damage(video, faults.popleft())
                yield pixels.shown(np.frombuffer(data, pixels.dtype).reshape(height, width, -1), video, canvas_color)
                number, count = number + stride, count + 1
            listener.join()  # ffmpeg reports faults at the end of the file last.
            if process.wait() and math.inf not in faults:
                faults.append(math.inf)
        finally:
            process.kill()
            listener.join()
    if not count and not start:
        raise ImageError(f"{video.path}: a damaged video: its frames can't be decoded")
    for seconds in faults:
        if seconds < math.inf:
            _warn_of_damage(video, seconds)
        else:
            warnings.warn(f"{video.path}: cut short: it ends before frame {number}", stacklevel=2)


class _Pixels(NamedTuple):
    """The format in which ffmpeg gives frames, with its way there, and the channels and type of its pixels."""

    name: str
    channels: int
    dtype: np.dtype[Any]

    @classmethod
    def of(cls, video: Video) -> _Pixels:
        """The format for a video."""
        # By way of planes, since ffmpeg's scaling to packed pixels of 16 bits loses green with some flags.
        if video.transparent:
            return cls("gbrap16le,format=rgba64le", 4, np.dtype("<u2"))
        if video.gamut != gamuts.SRGB:
            return cls("gbrp16le,format=rgb48le", 3, np.dtype("<u2"))
        return cls("rgb24", 3, np.dtype(np.uint8))

    def shown(
        self, frame: np.ndarray, video: Video, canvas_color: tuple[float, float, float]
    ) -> UInt8[np.ndarray, "height width 3"]:
        """A frame over the canvas, in sRGB."""
        beyond = video.gamut != gamuts.SRGB
        full, alpha = np.float32(65535.0), frame[..., 3:]
        if beyond:
            colors = frame[..., :3].astype(np.uint16)
            if self.channels == 4:
                # Without the alpha that they have been multiplied by.
                colors = np.minimum(colors * (full / np.maximum(alpha, 1)), full).astype(np.uint16)
            frame = gamuts.to_srgb(colors, video.gamut)
        if self.channels == 4:
            share = alpha / full
            visible = frame * (share / 255) if beyond else frame[..., :3] / full
            return pictures.to_bytes(visible + (1.0 - share) * np.asarray(canvas_color, np.float32))
        return frame


def _warn_of_damage(video: Video, seconds: float) -> None:
    number = round(seconds * video.rate)
    warnings.warn(f"{video.path}: frame {number} ({seconds:.2f} s) is damaged, and was guessed", stacklevel=3)


def _faults(log: Iterable[bytes]) -> Iterator[float]:
    """Finds damaged frames in ffmpeg's log with -debug_ts.

    ffmpeg reports a corrupt frame just before the frame itself. A packet that gives no frame leaves a gap in the times
    of the frames, which appears some frames later.

    Args:
      log: lines of the log.

    Yields:
      Times of the damaged frames, in seconds; infinity for a truncated video.
    """
    corrupt, lost, expected, cut = False, 0, 0.0, False
    for line in log:
        if b"] decoder -> " in line:
            times = {name: float(value) for name, value in re.findall(rb" (pts|duration)_time:([\d.]+)", line)}
            time, length = times.get(b"pts", expected), times.get(b"duration", 0.0)
            while lost and length and time > expected + length / 2:
                yield expected
                lost, expected = lost - 1, expected + length
            if corrupt:
                yield time
            corrupt, expected = False, time + length
        elif b"corrupt decoded frame" in line:
            corrupt = True
        elif b"rror submitting packet" in line or b"Decoding error" in line:
            lost += 1
        elif b"partial file" in line or b"File ended prematurely" in line:
            cut = True
    if cut:
        yield math.inf


def write_video(
    path: str | os.PathLike[str],
    frames: Iterable[UInt8[np.ndarray, "height width c"]],
    *,
    fps: float | Fraction = 30.0,
    sound_of: str | os.PathLike[str] | None = None,
    origin: str = "",
) -> None:
    """Writes a video, frame by frame: H.264 that browsers play, VP9 in .webm, or an animated GIF that repeats.

    The sides of a video are made even by repeating the edge. A GIF keeps at most 50 frames a second.

    Args:
      path: path of the file, which gets its name once it is complete.
      frames: frames of one size, with values 0 to 255; with alpha as a fourth channel, for a WebM.
      fps: frames per second.
      sound_of: video whose sound and subtitles are copied, all tracks up to the last frame, except into a GIF.
      origin: checksum of the inputs, which is written into the file (see `jaxpaint.io.origins`); empty if unknown.

    Raises:
      ImageError: there are no frames, or their sizes differ.
      WriteError: the file can't be written, or its suffix is not that of a video format, or not of one with alpha.

    Warns:
      UserWarning: the sound can't be copied, and the video is silent; or only its first track could be copied; or the
        subtitles can't be copied.
    """
    check_name(path)
    ending = pathlib.Path(path).suffix.lower()
    rate = Fraction(fps).limit_denominator(1001)
    if not 0 < rate <= FASTEST:
        raise ImageError(f"{path}: expected up to {FASTEST} frames a second, got {float(fps):g}")
    if sound_of is not None:
        images.check_file(pathlib.Path(sound_of), "a video with sound")
    frames = iter(frames)
    first = next(frames, None)
    if first is None:
        raise ImageError(f"{path}: expected frames, got none")
    if first.shape[-1] == 4 and ending != WITH_ALPHA:
        raise WriteError(f"{path}: can't be written: expected a name that ends in {WITH_ALPHA} for frames with alpha")
    with replacing(path) as temporary:
        count = _encode(path, temporary, itertools.chain([first], frames), first.shape, rate)
        if sound_of is not None and ending != ".gif":
            tracks.copy(path, temporary, sound_of, seconds=count / rate)
        origins.sign(temporary, origin)


def check_name(path: str | os.PathLike[str]) -> None:
    """Refuses a file name with a suffix in which no video can be written.

    Raises:
      WriteError: one line lists the suffixes.
    """
    if pathlib.Path(path).suffix.lower() not in _ENCODERS:
        raise WriteError(f"{path}: can't be written: expected a name that ends in {', '.join(_ENCODERS)}")


def _encode(
    path: str | os.PathLike[str],
    temporary: pathlib.Path,
    frames: Iterable[np.ndarray],
    shape: Any,
    rate: Fraction,
) -> int:
    """Encodes the frames, and returns their number; error messages name `path`."""
    ending = temporary.suffix.lower()
    pad = [(0, side % 2 if ending != ".gif" else 0) for side in shape[:2]] + [(0, 0)]
    height, width = (side + after for side, (_, after) in zip(shape[:2], pad, strict=False))
    format_, encoder = "rgb24", _ENCODERS[ending]
    if shape[-1] == 4:
        format_, encoder = "rgba", [_BT709A if option == _BT709 else option for option in encoder]
    arguments = ["-v", "error", "-f", "rawvideo", "-pix_fmt", format_, "-s", f"{width}x{height}", "-r", str(rate)]
    arguments += ["-i", "pipe:0", *encoder, *ffmpeg.FASTSTART, f"file:{temporary}"]
    count = 0
    with (
        tempfile.TemporaryFile() as log,
        ffmpeg.process(arguments, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=log) as process,
    ):
        for frame in frames:
            if frame.shape != shape:
                raise ImageError(f"{path}: expected frames of one shape, {shape}, got {frame.shape}")
            try:
                process.stdin.write(np.ascontiguousarray(np.pad(frame, pad, mode="edge")))
            except OSError:  # ffmpeg has given up; the reason is in its log.
                break
            count += 1
        with contextlib.suppress(OSError):
            process.stdin.close()
        if process.wait():
            log.seek(0)
            reason = log.readline().decode(errors="replace").strip() or "the encoder failed"
            reason = re.sub(r"^(\[.*?\] )+", "", reason)
            raise WriteError(f"{path}: can't be written: {reason}")
    return count
