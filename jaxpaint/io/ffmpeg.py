"""Runs the ffmpeg of imageio-ffmpeg."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Iterator
from typing import Any

import imageio_ffmpeg

# Lets a browser start before it has the whole file; has no effect on formats that do not need the option.
FASTSTART = ["-movflags", "+faststart"]


def source(path: str | os.PathLike[str]) -> list[str]:
    """Arguments for an input file.

    The prefix `file:` prevents ffmpeg from reading a name as a URL or an option, and from fetching anything.
    """
    return ["-protocol_whitelist", "file", "-i", f"file:{os.fspath(path)}"]


def beside(streams: str) -> list[str]:
    """Arguments for reading unused streams as well.

    ffmpeg counts time from the first packet of the streams that it reads. In an MPEG transport stream, pictures and
    sound have the same beginning only if both are read.
    """
    return ["-map", streams, "-c", "copy", "-f", "null", "-"]


def _command(*arguments: str) -> list[str]:
    return [imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-nostdin", "-y", *arguments]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs ffmpeg to its end; returns its output and its log."""
    command, nothing = _command(*arguments), subprocess.DEVNULL
    return subprocess.run(
        command, stdin=nothing, capture_output=True, start_new_session=True, text=True, errors="replace"
    )


@contextlib.contextmanager
def process(arguments: list[str], **pipes: Any) -> Iterator[Any]:
    """Runs ffmpeg, which does not receive Ctrl-C and is killed at the end of the context in any case."""
    # A new session keeps Ctrl-C from ffmpeg, and is set up without Python's fork, about which JAX warns.
    with subprocess.Popen(_command(*arguments), start_new_session=True, **pipes) as started:
        try:
            yield started
        finally:
            started.kill()
            if started.stdin:
                with contextlib.suppress(OSError):
                    started.stdin.close()
