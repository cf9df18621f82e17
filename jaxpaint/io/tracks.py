"""Sound and subtitles of one video, copied into another."""

from __future__ import annotations

import os
import pathlib
import warnings
from collections.abc import Sequence
from fractions import Fraction

from jaxpaint.errors import ImageError
from jaxpaint.io import ffmpeg
from jaxpaint.io.atomic import replacing

# ffmpeg's subtitle codecs, in the order of trial.
_TEXT = ["mov_text"]
_SUBTITLES = {".mp4": _TEXT, ".mov": _TEXT, ".mkv": ["copy", "subrip"], ".webm": ["webvtt"]}


def copy(path: object, temporary: pathlib.Path, source: str | os.PathLike[str], *, seconds: Fraction) -> None:
    """Adds the sound and the subtitles of another video as far as possible; warnings name `path`."""
    log = ffmpeg.run(*ffmpeg.source(source)).stderr
    if "Audio: " in log or "Input #0" not in log:
        try:
            _copy_sound(temporary, source, log, seconds=seconds)
        except ImageError:
            warnings.warn(f"{source}: its sound can't be copied; {path} is silent", stacklevel=3)
    if "Subtitle: " in log:
        ways = [("1:s", "-c:s", codec) for codec in _SUBTITLES[temporary.suffix.lower()]]
        try:
            _add(temporary, source, ways, seconds=seconds)
        except ImageError:
            # For example, bitmap subtitles, which MP4 does not support.
            warnings.warn(f"{source}: its subtitles can't be copied; {path} has none", stacklevel=3)


def _copy_sound(path: pathlib.Path, source: str | os.PathLike[str], log: str, *, seconds: Fraction) -> None:
    """Adds the sound of another video, all its tracks if possible, up to a time.

    Args:
      path: path of the video.
      source: path of the other video.
      log: ffmpeg's log of the other video.
      seconds: duration of the sound.

    Raises:
      ImageError: the sound can't be copied or encoded.

    Warns:
      UserWarning: only the first track could be copied.
    """
    every, first = "1:a", "1:a:0"
    ending = path.suffix.lower()
    codecs = ["copy", "libopus" if ending == ".webm" else "aac"]
    # ffmpeg can copy Vorbis into MP4, but few players support it.
    if ending in (".mp4", ".mov") and "Audio: vorbis" in log:
        codecs.remove("copy")
    ways = [(tracks, "-c:a", codec) for tracks in (every, first) for codec in codecs]
    if _add(path, source, ways, seconds=seconds)[0] == first:
        # For example, a phone's spatial sound beside the usual track.
        warnings.warn(f"{source}: only the first of its sound tracks could be copied", stacklevel=3)


def _add(
    path: pathlib.Path, source: str | os.PathLike[str], ways: Sequence[tuple[str, ...]], *, seconds: Fraction
) -> tuple[str, ...]:
    """Adds tracks of another video up to a time, in the first way that ffmpeg supports.

    Args:
      path: path of the video.
      source: path of the other video.
      ways: ffmpeg's name of the tracks to add, and its arguments for them.
      seconds: duration of the tracks.

    Returns:
      The successful way.

    Raises:
      ImageError: no way succeeded.
    """
    with replacing(path) as both:
        for tracks, *how in ways:
            arguments = ["-map", "0", "-map", tracks, "-c", "copy", *how, "-t", f"{float(seconds):.6f}"]
            arguments += [*ffmpeg.FASTSTART, f"file:{both}", *ffmpeg.beside("1:v?")]
            if ffmpeg.run(*ffmpeg.source(path), *ffmpeg.source(source), *arguments).returncode == 0:
                return (tracks, *how)
        raise ImageError(f"{source}: can't be copied from")
