"""How ffmpeg is run: names are files, Ctrl-C is not for it, and it ends with its consumer."""

import os
import pathlib
import signal
import subprocess
import sys
import time

import numpy as np
from clips import H264, ffmpeg, grey, values

from jaxpaint.io import videos


def test_a_browser_can_start_before_it_has_all(stairs):
    data = stairs.path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def test_reading_is_lazy_and_ends_with_its_consumer(tmp_path, monkeypatch):
    """Of two minutes, two frames are wanted: the rest is not decoded meanwhile."""
    long = ffmpeg(
        "-f", "lavfi", "-i", "color=s=64x48:r=100:d=120", *H264, "-preset", "ultrafast", tmp_path / "long.mp4"
    )
    video, started, start = videos.probe(long), [], subprocess.Popen
    monkeypatch.setattr(
        subprocess, "Popen", lambda *args, **kwargs: started.append(start(*args, **kwargs)) or started[-1]
    )
    frames = videos.read(video)
    next(frames), next(frames)
    time.sleep(0.5)
    assert [process.poll() for process in started] == [None]
    frames.close()
    assert started[0].returncode is not None


def test_names_are_files_whatever_they_look_like(tmp_path, monkeypatch, stairs):
    monkeypatch.chdir(tmp_path)
    for name in ("-i.mp4", "http:a.mp4", "a %03d 'ü'.mp4"):
        videos.write_video(name, [grey(90)] * 3, sound_of=stairs.path)
        assert len(list(videos.read(videos.probe(name)))) == 3


INTERRUPTED = """
import signal, sys, time
from jaxpaint.io import videos

# Tests that run in the background ignore it, and so would this process.
signal.signal(signal.SIGINT, signal.default_int_handler)

def frames():
    reading = videos.read(videos.probe(sys.argv[1]))
    try:
        for _ in range(5):
            yield next(reading)
        print("painting", flush=True)
        time.sleep(60)
    except KeyboardInterrupt:
        yield from reading

videos.write_video(sys.argv[2], frames())
"""


def test_ctrl_c_is_not_for_ffmpeg(tmp_path, stairs):
    """The whole group gets it, as on a terminal, while one ffmpeg reads and another writes; both go on."""
    process = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, stairs.path, tmp_path / "out.mp4"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=os.environ | {"PYTHONPATH": str(pathlib.Path(videos.__file__).parents[2])},
    )
    assert process.stdout.readline() == "painting\n"
    os.killpg(process.pid, signal.SIGINT)
    assert (*process.communicate(timeout=20), process.returncode) == ("", "", 0)
    read_back = values(videos.read(videos.probe(tmp_path / "out.mp4"))) / 5
    np.testing.assert_allclose(read_back, np.arange(40), atol=0.8)
