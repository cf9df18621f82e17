"""Pictures in terminals that can show them, by the protocol of kitty or of iTerm2, or as sixels."""

from __future__ import annotations

import base64
import contextlib
import os
import re
import select
import struct
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from jaxpaint import pictures
from jaxpaint.io.images import encoded

try:
    import fcntl
    import termios
    import tty
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

# Lines of text that a picture may take.
ROWS = 14
# Width and height of a character, in pixels, where the terminal does not say.
_CELL = 10, 20
# Seconds to wait for a terminal's answers; the last question is one that all of them answer.
_PATIENCE = 1.0
# Asks for kitty's protocol (a picture of one pixel that is not shown), the terminal's name, and its abilities.
_QUESTIONS = b"\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\\x1b[>q\x1b[c"
_LAST_ANSWER = re.compile(rb"\x1b\[\?[\d;]*c")
# Bytes of a picture in one of kitty's sequences, at most.
_CHUNK = 4096
_COLORS = 256

# A picture of 0 to 255, at the size that it is shown at.
_Picture = UInt8[np.ndarray, "h w 3"]


class Screen(NamedTuple):
    """A terminal that shows pictures.

    Attributes:
      encode: the characters that show a picture at the cursor, in so many lines of text.
      line: height of a line, in pixels.
      width: of the terminal, in pixels.
    """

    encode: Callable[[_Picture, int], str]
    line: int
    width: int

    def above(self, picture: Float[np.ndarray, "h w 3"]) -> str:
        """The characters that show a picture in the `ROWS` lines above the cursor, which stays where it is."""
        height, width = picture.shape[:2]
        scale = min(ROWS * self.line / height, self.width / width)
        shape = max(1, round(scale * height)), max(1, round(scale * width))
        shown = self.encode(pictures.to_bytes(pictures.resize(picture, shape)), -(-shape[0] // self.line))
        return f"\x1b7\x1b[{ROWS}A\r{shown}\x1b8"


def screen() -> Screen | None:
    """The terminal of this process, if it says that it shows pictures.

    A process in the background asks nothing, since the terminal would stop it.
    """
    if fcntl is None:
        return None
    with contextlib.suppress(OSError, termios.error):
        terminal = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY)
        try:
            if os.tcgetpgrp(terminal) == os.getpgrp():
                return _screen(terminal)
        finally:
            os.close(terminal)
    return None


def _screen(terminal: int) -> Screen | None:
    rows, columns, width, height = struct.unpack("4H", fcntl.ioctl(terminal, termios.TIOCGWINSZ, bytes(8)))
    if rows < ROWS + 2:
        return None
    if not (width and height):
        width, height = columns * _CELL[0], rows * _CELL[1]
    answers = _ask(terminal)
    abilities = _LAST_ANSWER.search(answers)
    for able, encode in (
        (b"_Gi=31;OK" in answers, kitty),
        (b"iTerm2" in answers, iterm),
        (abilities and b"4" in re.findall(rb"\d+", abilities[0]), sixel),
    ):
        if able:
            return Screen(encode, max(1, height // rows), width)
    return None


def _ask(terminal: int) -> bytes:
    """What a terminal answers to `_QUESTIONS`; whoever types meanwhile does not see it."""
    usual, answers, deadline = termios.tcgetattr(terminal), b"", time.monotonic() + _PATIENCE
    tty.setcbreak(terminal)
    try:
        os.write(terminal, _QUESTIONS)
        while not _LAST_ANSWER.search(answers):
            if not select.select([terminal], [], [], max(0.0, deadline - time.monotonic()))[0]:
                break
            answers += os.read(terminal, 1024)
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, usual)
    return answers


def kitty(picture: _Picture, rows: int) -> str:
    """A picture by kitty's protocol (https://sw.kovidgoyal.net/kitty/graphics-protocol), in the place of the last."""
    data = _png(picture)
    chunks = [data[start : start + _CHUNK] for start in range(0, len(data), _CHUNK)]
    how = f"a=T,f=100,i={os.getpid()},r={rows},C=1,q=2,"
    keys = [how, *[""] * (len(chunks) - 1)]
    more = [*[1] * (len(chunks) - 1), 0]
    return "".join(f"\x1b_G{key}m={m};{chunk}\x1b\\" for key, m, chunk in zip(keys, more, chunks, strict=True))


def iterm(picture: _Picture, rows: int) -> str:
    """A picture by iTerm2's protocol (https://iterm2.com/documentation-images.html)."""
    return f"\x1b]1337;File=inline=1;height={rows};doNotMoveCursor=1:{_png(picture)}\x07"


def sixel(picture: _Picture, _: int) -> str:
    """A picture as sixels (DEC STD 070, chapter 9): bands of six lines, colour by colour, equal columns counted."""
    height, width, _ = picture.shape
    indexed = Image.fromarray(picture).quantize(_COLORS)
    colors = np.rint(np.array(indexed.getpalette()).reshape(-1, 3) / 2.55).astype(int)
    parts = [f'\x1bP0;1q"1;1;{width};{height}']
    parts += [f"#{number};2;{red};{green};{blue}" for number, (red, green, blue) in enumerate(colors)]
    for band in np.split(np.asarray(indexed), range(6, height, 6)):
        bits = 1 << np.arange(len(band))[:, None]
        for color in np.unique(band):
            columns = "".join(map(chr, 63 + ((band == color) * bits).sum(axis=0)))
            counted = re.sub(r"(.)\1{3,}", lambda run: f"!{len(run[0])}{run[1]}", columns)
            parts.append(f"#{color}{counted}$")
        parts.append("-")
    return "".join([*parts, "\x1b\\"])


def _png(picture: _Picture) -> str:
    return base64.b64encode(encoded(picture, ".png")).decode()
