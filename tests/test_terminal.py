"""Pictures in terminals: what is sent is read back, and terminals are asked what they can."""

import base64
import io
import os
import pathlib
import re
import select
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from jaxpaint.cli.terminal import ROWS, Screen, iterm, kitty, sixel

ROOT = pathlib.Path(__file__).resolve().parents[1]


@pytest.fixture
def picture():
    """Of few colours, so that sixels have all of them, and of a height that is no multiple of six."""
    colors = np.array([[0, 0, 0], [255, 255, 255], [204, 51, 0], [51, 102, 153]], np.uint8)
    return colors[np.random.default_rng(0).integers(0, 4, (40, 65))].repeat(2, axis=1)


def sixels(text):
    """A picture that was sent as sixels: a reader for what `sixel` writes."""
    header = re.match(r'\x1bP0;1q"1;1;(\d+);(\d+)', text)
    width, height = map(int, header.groups())
    shown = np.full((height + 6, width, 3), -1)
    colors, row, column, color = {}, 0, 0, 0
    body = text[header.end() : -2]
    for number, rgb, count, one in re.findall(r"#(\d+)((?:;\d+)*)|(?:!(\d+))?([?-~$-])", body):
        if rgb:
            colors[int(number)] = [round(float(part) * 2.55) for part in rgb.split(";")[2:]]
        elif number:
            color = int(number)
        elif one in "$-":
            row, column = row + 6 * (one == "-"), 0
        else:
            lines = [bit for bit in range(6) if (ord(one) - 63) >> bit & 1]
            shown[np.ix_([row + line for line in lines], range(column, column + int(count or 1)))] = colors[color]
            column += int(count or 1)
    assert (shown[height:] == -1).all()
    return shown[:height]


def test_sixels(picture):
    text = sixel(picture, 2)
    assert text.endswith("\x1b\\")
    np.testing.assert_array_equal(sixels(text), picture)


def test_sixels_count_what_is_alike():
    assert len(sixel(np.zeros((240, 320, 3), np.uint8), 12)) < 6000


def test_kitty(picture):
    noise = np.random.default_rng(0).integers(0, 256, (60, 90, 3), np.uint8)
    for sent in (picture, noise):
        text = kitty(sent, 3)
        pieces = re.findall(r"\x1b_G([^;]*);([^\x1b]*)\x1b\\", text)
        assert "".join(f"\x1b_G{keys};{data}\x1b\\" for keys, data in pieces) == text
        first, *_ = keys = [dict(key.split("=") for key in keys.split(",")) for keys, _ in pieces]
        assert {"a": "T", "f": "100", "r": "3", "C": "1", "q": "2"}.items() <= first.items()
        assert [each["m"] for each in keys] == ["1"] * (len(keys) - 1) + ["0"]
        assert all(len(data) <= 4096 for _, data in pieces)
        with Image.open(io.BytesIO(base64.b64decode("".join(data for _, data in pieces)))) as read:
            np.testing.assert_array_equal(np.asarray(read), sent)
    assert len(keys) > 1


def test_iterm(picture):
    keys, data = re.fullmatch(r"\x1b\]1337;File=([^:]*):(.*)\x07", iterm(picture, 4)).groups()
    assert {"inline=1", "height=4"} <= set(keys.split(";"))
    with Image.open(io.BytesIO(base64.b64decode(data))) as read:
        np.testing.assert_array_equal(np.asarray(read), picture)


@pytest.mark.parametrize(
    ("shape", "shown", "rows"),
    [((100, 150), (280, 420), 14), ((100, 800), (80, 640), 4), ((900, 3), (280, 1), 14)],
)
def test_pictures_fit_above_the_cursor(shape, shown, rows):
    seen = []

    def encode(picture, rows):
        seen.append((picture.shape, rows))
        return "PICTURE"

    text = Screen(encode, 20, 640).above(np.full((*shape, 3), 0.5, np.float32))
    assert text == f"\x1b7\x1b[{ROWS}A\rPICTURE\x1b8"
    assert seen == [((*shown, 3), rows)]


CHILD = """
import os, sys
os.open(sys.argv[1], os.O_RDWR)
from jaxpaint.cli import terminal
for _ in range(5):
    found = terminal.screen()
    print(found and found.encode.__name__, flush=True)
"""


def test_terminals_are_asked():
    """Pictures go to those that say what they can; an answer is not left for the shell to read."""
    termios = pytest.importorskip("termios")
    master, terminal_ = os.openpty()
    termios.tcsetwinsize(terminal_, (24, 80))
    answers = [
        b"\x1b_Gi=31;OK\x1b\\\x1bP>|kitty(0.40)\x1b\\\x1b[?62;c",
        b"\x1bP>|iTerm2 3.5\x1b\\\x1b[?64;1;2;4;6c",
        b"\x1bP>|XTerm(390)\x1b\\\x1b[?63;1;2;4;22c",
        b"\x1b[?6c",
        b"",
    ]
    child = [sys.executable, "-c", CHILD, os.ttyname(terminal_)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(child, start_new_session=True, stdout=subprocess.PIPE, text=True, env=environment) as process:
        for answer, expected in zip(answers, ("kitty", "iterm", "sixel", "None", "None"), strict=True):
            asked = b""
            while not asked.endswith(b"\x1b[c"):
                assert select.select([master], [], [], 60)[0]
                asked += os.read(master, 1024)
            os.write(master, answer)
            assert process.stdout.readline() == f"{expected}\n"
    assert process.returncode == 0
    os.set_blocking(terminal_, False)
    with pytest.raises(BlockingIOError):
        os.read(terminal_, 1)


def test_without_a_terminal_there_are_no_pictures():
    child = "from jaxpaint.cli import terminal; assert terminal.screen() is None"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", child], check=True, start_new_session=True, env=environment)
