"""Style pictures of our own making: a few lines of code each, from a seed.

    python benchmarks/styles.py --out=styles

Writes swirls, mosaic, ink, fields and waves as PNG.
"""

from __future__ import annotations

import argparse
import pathlib
from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from jaxpaint.io import images


def main(argv: Sequence[str] | None = None) -> None:
    """Writes all style pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("styles"))
    parser.add_argument("--size", type=int, default=512, help="side in pixels")
    options = parser.parse_args(argv)
    options.out.mkdir(parents=True, exist_ok=True)
    for name in STYLES:
        images.write_image(options.out / f"{name}.png", style(name, options.size))
        print(options.out / f"{name}.png")


def style(name: str, size: int = 512, seed: int = 0) -> np.ndarray:
    """A style picture `[size, size, 3]` in [0, 1] by its name."""
    return np.clip(STYLES[name](size, np.random.default_rng(seed)), 0, 1).astype(np.float32)


def _noise(size: int, rng: np.random.Generator, cells: float) -> np.ndarray:
    """Smooth noise in [0, 1] with about so many bumps along a side."""
    noise = ndimage.gaussian_filter(rng.normal(size=(size, size)), size / cells / 2, mode="wrap")
    return (noise - noise.min()) / np.ptp(noise)


def _gradient(values: np.ndarray, colors: Sequence[tuple[float, float, float]]) -> np.ndarray:
    """Colours for values from 0 to 1."""
    stops = np.linspace(0, 1, len(colors))
    return np.stack([np.interp(values, stops, channel) for channel in np.array(colors).T], axis=-1)


def _swirls(size: int, rng: np.random.Generator) -> np.ndarray:
    """Night-blue and yellow streaks that turn around a few centres: noise drawn out along a field of directions."""
    y, x = np.mgrid[:size, :size] / size
    angle = 0.4 + 0.5 * np.sin(4 * x + 3 * y)
    u, v = np.cos(angle), np.sin(angle)
    glow = np.zeros((size, size))
    for cx, cy, radius in zip(rng.uniform(0, 1, 9), rng.uniform(0, 1, 9), rng.uniform(0.06, 0.16, 9), strict=True):
        near = np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / radius**2 / 2)
        u, v = u * (1 - near) - 3 * near * (y - cy) / radius, v * (1 - near) + 3 * near * (x - cx) / radius
        glow += near**3
    u, v = (part / np.maximum(np.hypot(u, v), 1e-6) for part in (u, v))
    tones = [ndimage.gaussian_filter(rng.normal(size=(size, size)), size / 200, mode="wrap") for _ in range(2)]
    streaks, rows, columns = np.zeros((2, size, size)), y * size, x * size
    for _ in range(size // 16):
        at = (rows, columns)
        streaks += [ndimage.map_coordinates(tone, at, order=1, mode="wrap") for tone in tones]
        step = [ndimage.map_coordinates(part, at, order=1, mode="nearest") for part in (v, u)]
        rows, columns = rows + step[0], columns + step[1]
    light, hue = (part / part.std() for part in streaks)
    night = [(0.02, 0.05, 0.2), (0.05, 0.15, 0.45), (0.15, 0.4, 0.7), (0.6, 0.8, 0.85)]
    picture = _gradient(0.42 + 0.2 * light + 0.1 * hue, night)
    shine = np.clip(1.4 * glow + 0.12 * hue - 0.05, 0, 1)[..., None]
    return picture * (1 - shine) + shine * _gradient(
        0.5 + 0.3 * light, [(0.8, 0.5, 0.1), (0.95, 0.8, 0.25), (1, 1, 0.7)]
    )


def _mosaic(size: int, rng: np.random.Generator) -> np.ndarray:
    """Tesserae: cells around points, each of one colour, with dark joints."""
    count = 24
    grid = np.stack(np.mgrid[:count, :count], axis=-1).reshape(-1, 2) + rng.uniform(0.1, 0.9, (count**2, 2))
    y, x = (np.mgrid[:size, :size] + 0.5) * count / size
    distance = np.full((2, size, size), np.inf)
    nearest = np.zeros((size, size), int)
    for i, (cy, cx) in enumerate(grid):
        to_point = np.hypot(y - cy, x - cx)
        nearest = np.where(to_point < distance[0], i, nearest)
        distance = np.sort(np.stack([*distance, to_point]), axis=0)[:2]
    palette = np.array([(0.75, 0.2, 0.1), (0.9, 0.6, 0.15), (0.1, 0.35, 0.45), (0.9, 0.85, 0.7), (0.2, 0.5, 0.35)])
    region = _noise(count, rng, 5).ravel()
    index = np.clip(region * 5 + rng.normal(0, 0.7, count**2), 0, 4.99).astype(int)
    colors = palette[index] * rng.uniform(0.8, 1.15, (count**2, 1))
    joint = np.clip((distance[1] - distance[0] - 0.08) * 12, 0, 1)[..., None]
    return colors[nearest] * joint + (1 - joint) * 0.1


def _ink(size: int, rng: np.random.Generator) -> np.ndarray:
    """Cross-hatching in black ink on cream paper, denser where it is darker."""
    tone = _noise(size, rng, 7)
    y, x = np.mgrid[:size, :size] / size
    paper = np.ones((size, size))
    for i, angle in enumerate((0.7, 2.3, 0.1, 1.5)):
        waver = 0.006 * _noise(size, rng, 10)
        across = (x * np.sin(angle) + y * np.cos(angle) + waver) * 60
        width = np.clip(1.25 - tone * 1.6 - 0.22 * i, 0, 0.8) * (0.6 + 0.8 * _noise(size, rng, 40))
        line = np.abs(across % 1 - 0.5) * 2
        paper *= 1 - np.clip((width - line) * 6, 0, 1)
    return np.array([0.08, 0.07, 0.1]) + paper[..., None] * np.array([0.86, 0.81, 0.68])


def _fields(size: int, rng: np.random.Generator) -> np.ndarray:
    """Bold flat shapes in red, orange, teal and violet with black outlines."""
    y, x = np.mgrid[:size, :size] / size
    palette = [
        (0.85, 0.1, 0.15),
        (0.98, 0.6, 0.1),
        (0.05, 0.5, 0.55),
        (0.35, 0.15, 0.5),
        (0.98, 0.85, 0.3),
        (0.1, 0.2, 0.5),
    ]
    picture = np.ones((size, size, 3)) * palette[1]
    for _ in range(60):
        cx, cy, angle = rng.uniform(0, 1), rng.uniform(0, 1), rng.uniform(0, np.pi)
        a, b = rng.uniform(0.05, 0.22, 2)
        u = (x - cx) * np.cos(angle) + (y - cy) * np.sin(angle)
        v = (y - cy) * np.cos(angle) - (x - cx) * np.sin(angle)
        inside = np.hypot(u / a, v / b) - 1 if rng.random() < 0.5 else np.maximum(abs(u) / a, abs(v) / b) - 1
        edge = inside * min(a, b)
        cover = np.clip(0.5 - edge * size, 0, 1)[..., None]
        outline = np.clip(1.5 - np.abs(edge + 0.006) / 0.006, 0, 1)[..., None]
        picture = picture * (1 - cover) + cover * np.array(palette[rng.integers(len(palette))])
        picture = picture * (1 - outline) + outline * 0.05
    return picture


def _waves(size: int, rng: np.random.Generator) -> np.ndarray:
    """Printed waves: overlapping rows of scales in blues and white, outlined."""
    y, x = np.mgrid[:size, :size] / size
    x = x + 0.04 * _noise(size, rng, 4)
    y = y + 0.04 * _noise(size, rng, 4)
    picture = np.ones((size, size, 3)) * np.array([0.92, 0.88, 0.76])
    blues = [(0.1, 0.2, 0.4), (0.9, 0.9, 0.84), (0.25, 0.45, 0.6), (0.93, 0.91, 0.84), (0.5, 0.68, 0.72)]
    rows = 11
    for row in range(-1, 2 * rows + 2):
        for column in range(-1, rows + 2):
            radius = np.hypot(x * rows - column - row % 2 / 2, y * rows - row / 2 - 0.6) / 0.62
            ring = np.clip(radius * 5, 0, 4.99).astype(int)
            inside = radius < 1
            color = np.array(blues)[ring[inside]]
            line = np.abs(radius[inside] * 5 % 1 - 0.5) > 0.43
            color[line] = (0.06, 0.12, 0.28)
            picture[inside] = color
    return picture


STYLES = {"swirls": _swirls, "mosaic": _mosaic, "ink": _ink, "fields": _fields, "waves": _waves}

if __name__ == "__main__":
    main()
