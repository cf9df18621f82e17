"""Commands under test: running them, their one line of complaint, their files; and a painter that takes no time."""

import pathlib

import numpy as np
from PIL import Image

from jaxpaint import drawing, painting, pictures
from jaxpaint.brushes import BRUSHES
from jaxpaint.types import Painting, Progress

ROOT = pathlib.Path(__file__).resolve().parents[1]
STEPS = 4


class Painter:
    """Stands in for `paint_stages`: a few strokes a step; can be interrupted; keeps its calls."""

    def __init__(self):
        self.calls = []
        self.interrupt_at = None

    def __call__(self, image, *, key, settings, brush_image=None, form=None, detail=None, matte=None, resume=None):
        self.calls.append((image.shape, key, settings, brush_image, resume))
        self.detail, self.form = detail, form
        strokes = np.random.default_rng(settings.seed).random(
            (settings.strokes, BRUSHES[settings.brush].dim), np.float32
        )
        for step in range(1 + (int(resume.state["step"]) if resume else 0), STEPS + 1):
            if step == self.interrupt_at:
                raise KeyboardInterrupt
            count = settings.strokes * step // STEPS
            state = {"step": np.array(step)} if step < STEPS else None
            result = Painting(
                strokes=strokes[:count],
                brush=settings.brush,
                height=image.shape[0],
                width=image.shape[1],
                canvas_color=settings.canvas_rgb,
                brush_image=brush_image,
                settings=settings,
                state=state,
            )
            yield result, Progress(1, 1, step, STEPS, 0.5, 20.0, count)


def stand_in(monkeypatch):
    """Replaces painting and drawing by what takes no time."""
    fake = Painter()
    monkeypatch.setattr(painting, "paint_stages", fake)

    def fake_draw(result, *, size=None):
        shape = pictures.fitted_shape(result.height, result.width, size or result.settings.size)
        return np.full((*shape, 3), min(len(result.strokes) / 255, 1.0), np.float32)

    def fake_timelapse(result, *, size, frames):
        for i in range(3):
            yield np.full((16, 16, 3), 40 * i, np.uint8)

    monkeypatch.setattr(drawing, "draw", fake_draw)
    monkeypatch.setattr(drawing, "draw_layers", fake_draw)
    monkeypatch.setattr(drawing, "timelapse", fake_timelapse)
    return fake


def photo(name, height=24, width=32):
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    Image.fromarray(pixels).save(name)
    return name


def size(path):
    with Image.open(path) as picture:
        return picture.size


def run(command, *arguments):
    return command.main([command.__name__.rpartition(".")[2], *map(str, arguments)])


def one_line(capsys):
    lines = capsys.readouterr().err.splitlines()
    complaints = [line for line in lines if line.startswith("jaxpaint: ")]
    assert len(complaints) == 1, lines
    return complaints[0]


def names(path="paintings"):
    return sorted(file.name for file in pathlib.Path(path).iterdir())
