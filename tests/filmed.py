"""Films that tests share: pictures that move, and strokes of a film, which nothing has painted."""

import dataclasses
from fractions import Fraction

import numpy as np

from jaxpaint.pictures import resize
from jaxpaint.settings import FilmSettings
from jaxpaint.video.frames import Film, Frame, FrameMetrics, Painted

FILM = Film(FilmSettings(strokes=50, brush="rectangle", size=32), 24, 32, Fraction(30000, 1001), 3, "clip.mp4")


def painted(count=3, strokes=50, dim=9):
    """Frames: most strokes stay, some move, and one is new each time."""
    rng = np.random.default_rng(0)
    ids, rows = np.arange(strokes), rng.random((strokes, dim), np.float32)
    for number in range(count):
        yield Painted(
            Frame(number, rows, ids, number == 0), FrameMetrics(20.5 + number, 0.98 if number else np.nan, 0.5)
        )
        moved = rows + (rng.random((strokes, 1)) < 0.2) * np.float32(0.01)
        rows = np.concatenate([np.delete(moved, number, axis=0), rng.random((1, dim), np.float32)])
        ids = np.append(np.delete(ids, number), strokes + number)


def textured(rate=10, **settings):
    """A film of oil strokes, with texture, relief and wet paint."""
    settings = FilmSettings(strokes=50, brush="oilpaintbrush", size=256, **settings)
    return dataclasses.replace(FILM, settings=settings, height=240, width=320, rate=Fraction(rate))


def scene(count, *, speed=2, seed=0, noise=0.0):
    """A square that moves to the right over a coloured ground that stays, 48 × 64."""
    rng = np.random.default_rng(seed)
    ground = resize(rng.uniform(0.2, 0.8, (6, 8, 3)).astype(np.float32), (48, 64))
    square = resize(rng.uniform(0, 1, (4, 4, 3)).astype(np.float32), (16, 16))
    for number in range(count):
        frame = ground + rng.normal(0, noise, ground.shape).astype(np.float32)
        frame[16:32, 8 + speed * number : 24 + speed * number] = square
        yield np.clip(frame, 0, 1)
