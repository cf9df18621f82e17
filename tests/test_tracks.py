"""Sound and subtitles go along: together with the pictures, no longer than these, and never silently lost."""

import re
import subprocess

import imageio_ffmpeg
import numpy as np
import pytest
from clips import H264, PATTERN, ffmpeg, grey

from jaxpaint.errors import ImageError
from jaxpaint.io import videos


@pytest.mark.parametrize("late", ["pictures", "sound"])
@pytest.mark.parametrize("ending", ["mp4", "mkv", "ts"])
def test_pictures_and_sound_stay_together(tmp_path, late, ending):
    """One of them begins 0.7 s after the other, with a flash and a beep at the same moment."""
    offsets = [0.7, 0.0] if late == "pictures" else [0.0, 0.7]
    flash = "color=black:s=64x64:r=25:d=3,drawbox=enable='between(n,25,27)':color=white:t=fill"
    beep = 1.0 + offsets[0] - offsets[1]
    wave = f"aevalsrc='sin(2*PI*880*t)*between(t,{beep},{beep + 0.12})':d=3"
    sources = ["-itsoffset", str(offsets[0]), "-f", "lavfi", "-i", flash]
    sources += ["-itsoffset", str(offsets[1]), "-f", "lavfi", "-i", wave]
    source = videos.probe(ffmpeg(*sources, *H264, "-c:a", "aac", tmp_path / f"source.{ending}"))
    read_back = list(videos.read(source))
    videos.write_video(tmp_path / "a.mp4", read_back, fps=source.rate, sound_of=source.path)
    seen = next(number for number, frame in enumerate(read_back) if frame.mean() > 128) / 25
    delayed = ["-af", "aresample=async=1:first_pts=0", "-f", "f32le", "-ac", "1", "-ar", "8000"]
    sound = np.fromfile(ffmpeg("-i", tmp_path / "a.mp4", "-vn", *delayed, tmp_path / "sound"), np.float32)
    heard = np.argmax(abs(sound) > 0.1) / 8000
    assert heard == pytest.approx(1.0 + offsets[0], abs=0.03)
    assert seen == pytest.approx(heard, abs=0.06)


def test_sound_is_kept_and_trimmed(tmp_path, stairs):
    source = ffmpeg("-f", "lavfi", "-i", "sine=d=3", *PATTERN, *H264, "-c:a", "aac", tmp_path / "source.mp4")
    assert videos.probe(source).sound
    for name, codec in (("a.mp4", b"aac"), ("a.mov", b"aac"), ("a.mkv", b"aac"), ("a.webm", b"opus")):
        videos.write_video(tmp_path / name, (grey(5 * i) for i in range(40)), fps=25.0, sound_of=source)
        video = videos.probe(tmp_path / name)
        assert video.sound and video.frames == 40
        sound = ffmpeg("-i", tmp_path / name, "-vn", "-f", "f32le", "-ac", "1", "-ar", "8000", tmp_path / "sound")
        waves = np.fromfile(sound, np.float32)
        assert len(waves) / 8000 == pytest.approx(1.6, abs=0.06)
        spectrum = np.abs(np.fft.rfft(waves[4000:8000]))
        assert spectrum.argmax() * 2 == pytest.approx(440, abs=4)
        log = subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-i", tmp_path / name], capture_output=True).stderr
        assert b"Audio: " + codec in log
    videos.write_video(tmp_path / "silent.mp4", [grey(0)] * 5, sound_of=stairs.path)
    assert not videos.probe(tmp_path / "silent.mp4").sound
    videos.write_video(tmp_path / "silent.gif", [grey(0), grey(9)], sound_of=source)
    with pytest.raises(ImageError, match="missing.mp4: no such file"):
        videos.write_video(tmp_path / "b.mp4", [grey(0)], sound_of=tmp_path / "missing.mp4")
    (tmp_path / "noise.bin").write_bytes(bytes(range(256)))
    assert not list(tmp_path.glob("*b.mp4"))
    # What has been painted is worth more than its sound.
    with pytest.warns(UserWarning, match="noise.bin: its sound can't be copied; .*b.mp4 is silent"):
        videos.write_video(tmp_path / "b.mp4", [grey(0)], sound_of=tmp_path / "noise.bin")
    assert videos.probe(tmp_path / "b.mp4").frames == 1 and not list(tmp_path.glob(".*"))


@pytest.mark.parametrize("codec", ["wmav2", "libvorbis"])
def test_sound_that_players_do_not_expect_there_is_encoded_anew(tmp_path, codec):
    source = ffmpeg("-f", "lavfi", "-i", "sine=d=1", *PATTERN, *H264, "-c:a", codec, tmp_path / "source.mkv")
    videos.write_video(tmp_path / "a.mp4", [grey(0)] * 10, fps=10.0, sound_of=source)
    log = subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-i", tmp_path / "a.mp4"], capture_output=True).stderr
    assert b"Audio: aac" in log


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.webm"])
def test_all_sound_tracks_are_kept(tmp_path, name):
    """As of films in two languages, or of a recorded game with voices."""
    tones = ["-f", "lavfi", "-i", "sine=440:d=1", "-f", "lavfi", "-i", "sine=880:d=1"]
    languages = ["-metadata:s:a:0", "language=eng", "-metadata:s:a:1", "language=deu"]
    maps = ["-map", "0", "-map", "1", "-map", "2"]
    source = ffmpeg(*PATTERN, *tones, *maps, *languages, *H264, "-c:a", "aac", "-t", "1", tmp_path / "source.mkv")
    videos.write_video(tmp_path / name, [grey(0)] * 10, fps=10.0, sound_of=source)
    log = subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-i", tmp_path / name], capture_output=True, text=True
    ).stderr
    assert re.findall(r"Stream #0:\d.*\((\w+)\): Audio", log) == ["eng", "deu"]


def test_a_sound_track_that_is_unknown_does_not_silence_the_others(tmp_path):
    """As phones' spatial sound may be, beside the usual one."""
    tones = ["-f", "lavfi", "-i", "sine=440:d=1", "-f", "lavfi", "-i", "sine=880:d=1"]
    maps = ["-map", "0", "-map", "1", "-map", "2"]
    source = ffmpeg(*PATTERN, *tones, *maps, *H264, "-c:a", "aac", "-t", "1", tmp_path / "source.mp4")
    content = bytearray(source.read_bytes())
    for known, unknown in ((b"mp4a", b"apac"), (b"esds", b"free")):
        of_the_second = content.rfind(known)
        content[of_the_second : of_the_second + 4] = unknown
    source.write_bytes(content)
    with pytest.warns(UserWarning, match=r"source\.mp4: only the first of its sound tracks could be copied"):
        videos.write_video(tmp_path / "a.mp4", [grey(0)] * 10, fps=10.0, sound_of=source)
    assert videos.probe(tmp_path / "a.mp4").sound


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.webm"])
@pytest.mark.parametrize(("source", "codec"), [("source.mkv", "subrip"), ("source.mp4", "mov_text")])
def test_subtitles_are_kept(tmp_path, name, source, codec):
    """With and without sound, and up to the last frame."""
    (tmp_path / "words.srt").write_text(
        "1\n00:00:00,200 --> 00:00:00,700\nGood morning\n\n2\n00:00:02,000 --> 00:00:03,000\ntoo late\n"
    )
    maps = ["-map", "0", "-map", "1", "-metadata:s:s:0", "language=deu"]
    source = ffmpeg(*PATTERN, "-i", tmp_path / "words.srt", *maps, *H264, "-c:s", codec, "-t", "3", tmp_path / source)
    videos.write_video(tmp_path / name, [grey(0)] * 10, fps=10.0, sound_of=source)
    assert videos.probe(tmp_path / name).frames == 10
    log = subprocess.run(
        [imageio_ffmpeg.get_ffmpeg_exe(), "-i", tmp_path / name], capture_output=True, text=True
    ).stderr
    assert re.findall(r"Stream #0:\d.*\((\w+)\): Subtitle", log) == ["deu"]
    words = ffmpeg("-i", tmp_path / name, tmp_path / "again.srt").read_text()
    assert "00:00:00,200 --> 00:00:00,700\nGood morning" in words and "too late" not in words


def test_subtitles_that_are_pictures_are_told(tmp_path):
    (tmp_path / "words.srt").write_text("1\n00:00:00,200 --> 00:00:00,700\nGood morning\n")
    maps = ["-map", "0", "-map", "1", "-c:s", "subrip"]
    source = ffmpeg(*PATTERN, "-i", tmp_path / "words.srt", *maps, *H264, "-t", "1", tmp_path / "source.mkv")
    # ffmpeg can't make such subtitles of words.
    source.write_bytes(source.read_bytes().replace(b"S_TEXT/UTF8", b"S_HDMV/PGS\0"))
    with pytest.warns(UserWarning, match=r"source\.mkv: its subtitles can't be copied; .*a\.mp4 has none"):
        videos.write_video(tmp_path / "a.mp4", [grey(0)] * 10, fps=10.0, sound_of=source)
    assert videos.probe(tmp_path / "a.mp4").frames == 10
