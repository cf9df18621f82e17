"""Videos of test pictures, made by ffmpeg and by `write_video`."""

import pathlib
import subprocess
from fractions import Fraction

import imageio_ffmpeg
import numpy as np

from jaxpaint.io import videos

FILM = Fraction(30000, 1001)
PATTERN = ["-f", "lavfi", "-i", "testsrc2=s=96x64:r=25:d=4"]
H264 = ["-c:v", "libx264", "-pix_fmt", "yuv420p"]


def ffmpeg(*arguments):
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-y", *map(str, arguments)]
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL)
    return pathlib.Path(arguments[-1])


def grey(value, shape=(32, 48)):
    return np.full((*shape, 3), value, np.uint8)


def values(frames):
    """The grey of each frame."""
    return np.array([frame.mean() for frame in frames])


def make_stairs(path):
    """Forty frames, each of a grey of its own, 5 times its number."""
    videos.write_video(path, (grey(5 * i) for i in range(40)), fps=FILM)
    return videos.probe(path)
