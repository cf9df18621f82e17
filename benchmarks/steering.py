"""PSNR of steered paintings: few colours, mixtures, maps of detail and directions, a region painted anew, cut-outs.

    python benchmarks/steering.py
    python benchmarks/steering.py palette --photos=coffee,mine.jpg --colors=4,8,16 --strokes=2000
    python benchmarks/steering.py pigments --colors=12
    python benchmarks/steering.py detail
    python benchmarks/steering.py flow
    python benchmarks/steering.py region
    python benchmarks/steering.py transparent
    python benchmarks/steering.py goal --size=256

Paints photographs (by scikit-image's or scikit-learn's name, or a file), and writes steering.jpg to --out: a row of
pictures for each photograph, under light. PSNRs are those of drawings without light against the photograph.

palette: in any colours; the same strokes in the nearest colours of a palette; and with that palette
(`--config.palette`), whose colours are found for the photograph.

pigments: in few colours of any kind, and in as many mixtures of a set of paints (`--config.pigments`), for some sets.

detail: with all places alike, and with a map that is light in an ellipse: a face, an eye, a cup, a roof, a flower's
heart. Prints the PSNR inside the ellipse and outside.

flow: along the photograph's own forms, and along circles around its middle, with several weights. Prints the mean angle
between strokes and circles, and the PSNR.

region: the ellipse painted anew from the same photograph, in as many strokes as lay there. Prints the root mean square
error within 4 pixels of the ellipse's border, relative to that in the rest of the ellipse, before and after, and how
far the rest of the painting has changed.

transparent: ellipses twice as large cut out, with three brushes; coffee's has a soft border. Prints the mean alpha
where the matte is 0, in all of the picture and within 4 pixels of the matte; the mean alpha where it is 1; and the PSNR
there, over grey.

goal: the search for a PSNR (`--config.psnr`), and the fewest strokes that a bisection finds, by paintings of the same
kind; then a time (`--config.seconds`), twice.
"""

from __future__ import annotations

import argparse
import dataclasses
import pathlib
import time
from collections.abc import Callable, Sequence

import cv2
import jax
import machine
import numpy as np

import jaxpaint
from jaxpaint import directions, drawing, metrics, pictures, repainting, runtime
from jaxpaint.brushes import BRUSHES
from jaxpaint.io import images
from jaxpaint.painter import Painter

FIVE = "astronaut,coffee,chelsea,china,flower"
# Centres and semi-axes of ellipses, in long sides.
ELLIPSES = {
    "astronaut": (0.432, 0.215, 0.10, 0.13),
    "coffee": (0.42, 0.40, 0.17, 0.13),
    "chelsea": (0.33, 0.29, 0.10, 0.09),
    "china": (0.3, 0.35, 0.12, 0.2),
    "flower": (0.5, 0.35, 0.15, 0.15),
}
# Sets of paints.
PIGMENTS = ("zorn", "impressionist", "studio")
# Weights of directions (`--config.direction`).
WEIGHTS = (1.0, 10.0)
# Brushes of cut-outs.
CUT_OUT = ("filbert", "oilpaintbrush", "pastel")
# Width of a region's border, in pixels.
BORDER = 4

Strip = list[np.ndarray]


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="?", choices=STEERED, default="palette")
    parser.add_argument("--photos", default=FIVE, help="names or files, with commas")
    parser.add_argument("--colors", default="8", help="sizes of the palette, with commas")
    parser.add_argument("--strokes", type=int, default=1000)
    parser.add_argument("--psnr", type=float, default=25.0, help="a goal, in dB; 0: none")
    parser.add_argument("--seconds", type=float, default=30.0, help="a goal; 0: none")
    parser.add_argument("--size", type=int, default=512, help="long side of the fit and of the sheet, in pixels")
    parser.add_argument("--high", type=int, default=320, help="height of the sheet's pictures, in pixels")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path())
    options = parser.parse_args(argv)
    runtime.use_all_cores()
    runtime.keep_compilations()
    options.out.mkdir(parents=True, exist_ok=True)
    settings = jaxpaint.Settings(strokes=options.strokes, size=options.size)
    strips = STEERED[options.what](options.photos.split(","), settings, options)
    images.write_image(options.out / "steering.jpg", machine.contact_sheet(strips, options.high))


def in_few_colors(names: Sequence[str], settings: jaxpaint.Settings, options: argparse.Namespace) -> list[Strip]:
    """Measures palettes of several sizes; gives the pictures of the last."""
    for count in options.colors.split(","):
        rows, strips = [], []
        for name in names:
            photo = machine.picture(name)
            free = jaxpaint.paint(photo, key=0, settings=settings)
            fitted = jaxpaint.paint(photo, key=0, settings=dataclasses.replace(settings, palette=count))
            every = [free, rounded(free, fitted), fitted]
            rows.append([float(metrics.psnr(drawing.draw_flat(each), at_fit(photo, settings))) for each in every])
            strips.append([photo, *(jaxpaint.draw(each) for each in every)])
            psnrs = "any {:.2f}, rounded {:.2f}, fitted {:.2f} dB".format(*rows[-1])
            print(f"{count} colours, {name}: {psnrs}", flush=True)
        free, nearest, found = np.mean(rows, axis=0)
        gain = f"fitted {found:.2f} dB, {found - nearest:+.2f} over rounded"
        print(f"{count} colours, mean: any {free:.2f}, rounded {nearest:.2f}, {gain}", flush=True)
    return strips


def in_mixtures(names: Sequence[str], settings: jaxpaint.Settings, options: argparse.Namespace) -> list[Strip]:
    """Measures mixtures of several sets of paints; gives the pictures."""
    rows, strips = [], []
    for name in names:
        photo = machine.picture(name)
        few = dataclasses.replace(settings, palette=options.colors)
        every = [jaxpaint.paint(photo, key=0, settings=dataclasses.replace(few, pigments=p)) for p in ("", *PIGMENTS)]
        rows.append([float(metrics.psnr(drawing.draw_flat(each), at_fit(photo, settings))) for each in every])
        strips.append([photo, *(jaxpaint.draw(each) for each in every)])
        print(f"{name}: {told_mixtures(rows[-1])}", flush=True)
    print(f"mean: {told_mixtures(np.mean(rows, axis=0))}", flush=True)
    return strips


def told_mixtures(psnrs: Sequence[float]) -> str:
    """PSNRs in words."""
    return ", ".join(f"{name} {psnr:.2f} dB" for name, psnr in zip(("any", *PIGMENTS), psnrs, strict=True))


def in_detail(names: Sequence[str], settings: jaxpaint.Settings, _: argparse.Namespace) -> list[Strip]:
    """Measures maps of detail; gives the pictures."""
    settings, strips = dataclasses.replace(settings, detail="alike", simplify=0.0), []
    for name in names:
        photo = machine.picture(name)
        target = at_fit(photo, settings)
        away = distance(name, target)
        detail = np.clip(2.2 - 1.2 * away, 0.0, 1.0).astype(np.float32)
        every = [jaxpaint.paint(photo, key=0, settings=settings, detail=each) for each in (None, detail)]
        squared = [(drawing.draw_flat(each) - target) ** 2 for each in every]
        inside, outside = ([-10 * np.log10(each[where].mean()) for each in squared] for where in (away < 1, away >= 1))
        told = (f"{before:.2f} to {after:.2f} dB" for before, after in (inside, outside))
        print(f"{name}: inside {next(told)}, outside {next(told)}", flush=True)
        strips.append([photo, grey(detail), *(jaxpaint.draw(each) for each in every)])
    return strips


def in_directions(names: Sequence[str], settings: jaxpaint.Settings, _: argparse.Namespace) -> list[Strip]:
    """Measures maps of directions; gives the pictures."""
    rows, strips = [], []
    for name in names:
        photo = machine.picture(name)
        target = at_fit(photo, settings)
        row, column = (axis - side / 2 for axis, side in zip(np.indices(target.shape[:2]), target.shape, strict=False))
        circles = directions.of_vectors(
            np.stack([-row, column], axis=-1) / np.maximum(np.hypot(row, column), 1)[..., None]
        )
        every = [jaxpaint.paint(photo, key=0, settings=settings)]
        for weight in WEIGHTS:
            chosen = dataclasses.replace(settings, direction=weight)
            every.append(jaxpaint.paint(photo, key=0, settings=chosen, form=directions.steered(circles, photo)))
        angles = [mean_angle(each, circles) for each in every]
        psnrs = [float(metrics.psnr(drawing.draw_flat(each), target)) for each in every]
        rows.append([*angles, *psnrs])
        print(f"{name}: {told_directions(rows[-1])}", flush=True)
        strips.append([photo, *(jaxpaint.draw(each) for each in every)])
    print(f"mean: {told_directions(np.mean(rows, axis=0))}", flush=True)
    return strips


def told_directions(values: Sequence[float]) -> str:
    """Angles and PSNRs in words."""
    count = 1 + len(WEIGHTS)
    labels = ["own forms", *(f"weight {weight:g}" for weight in WEIGHTS)]
    pairs = zip(labels, values[:count], values[count:], strict=True)
    return ", ".join(f"{label} {angle:.1f}° {psnr:.2f} dB" for label, angle, psnr in pairs)


def mean_angle(painting: jaxpaint.Painting, field: directions.Field) -> float:
    """Mean angle between strokes and a field of directions, in degrees, by the strokes' areas; 45 for no relation."""
    brush = BRUSHES[painting.brush]
    places, headings = (np.asarray(each) for each in jax.vmap(brush.headings)(painting.strokes))
    cells = np.clip(places * max(field.shape), 0, np.array(field.shape[1::-1]) - 1).astype(int)
    wanted = field[cells[..., 1], cells[..., 0]]
    turned = np.abs(np.angle(to_complex(headings) / to_complex(wanted))) / 2
    return float(np.rad2deg(np.average(turned.mean(axis=1), weights=brush.areas(painting.strokes))))


def to_complex(doubled: np.ndarray) -> np.ndarray:
    """Doubled angles as complex numbers, none of them 0."""
    return doubled[..., 0] + 1j * doubled[..., 1] + 1e-9


def in_a_region(names: Sequence[str], settings: jaxpaint.Settings, _: argparse.Namespace) -> list[Strip]:
    """Measures regions that are painted anew; gives the pictures."""
    rows, strips = [], []
    for name in names:
        photo = machine.picture(name)
        target = at_fit(photo, settings)
        mask = (distance(name, target) < 1).astype(np.float32)
        before = jaxpaint.paint(photo, key=0, settings=settings)
        after = jaxpaint.repaint(before, photo, mask=mask, key=1)
        within = cv2.distanceTransform(mask.astype(np.uint8), cv2.DIST_L2, 5)
        errors = [((drawing.draw_flat(each) - target) ** 2).mean(axis=-1) for each in (before, after)]
        seams = [np.sqrt(e[(within > 0) & (within <= BORDER)].mean() / e[within > BORDER].mean()) for e in errors]
        inside, outside = ([-10 * np.log10(e[mask == m].mean()) for e in errors] for m in (1, 0))
        rows.append(seams)
        new = int(repainting.taken_away(before, mask).sum())
        told = "{:.2f} to {:.2f} dB inside, {:.2f} to {:.2f} dB outside".format(*inside, *outside)
        print(f"{name}: {new} strokes, error at the border {seams[0]:.2f} to {seams[1]:.2f}, {told}", flush=True)
        strips.append([photo, jaxpaint.draw(before), grey(mask), jaxpaint.draw(after)])
    print("mean: error at the border {:.2f} to {:.2f}".format(*np.mean(rows, axis=0)), flush=True)
    return strips


def in_a_matte(names: Sequence[str], settings: jaxpaint.Settings, _: argparse.Namespace) -> list[Strip]:
    """Measures cut-outs; gives the pictures."""
    strips, every = [], {brush: [] for brush in CUT_OUT}
    for name in names:
        photo = machine.picture(name)
        target = at_fit(photo, settings)
        away = distance(name, target) / 2
        matte = np.clip((1.1 - away) / 0.2, 0.0, 1.0) if name == "coffee" else away < 1
        matte = matte.astype(np.float32)
        outside = matte == 0
        near = outside & (cv2.dilate((matte > 0).astype(np.uint8), np.ones((2 * BORDER + 1,) * 2)) > 0)
        strip = [photo, grey(matte)]
        for brush, rows in every.items():
            chosen = dataclasses.replace(settings, brush=brush)
            painting = jaxpaint.paint(photo, key=0, settings=chosen, matte=matte)
            flat = jaxpaint.draw(painting, relief=0.0)
            errors = (over(flat, np.float32(0.5)) - target) ** 2
            psnr = -10 * np.log10(errors[matte == 1].mean())
            rows.append([*(float(flat[..., 3][where].mean()) for where in (outside, near, matte == 1)), psnr])
            print(f"{name}, {brush}: {told_cut_out(rows[-1])}", flush=True)
            drawn = jaxpaint.draw(painting)
            strip.append(over(drawn, checkerboard(drawn.shape[:2])))
        strips.append(strip)
    for brush, rows in every.items():
        print(f"mean, {brush}: {told_cut_out(np.mean(rows, axis=0))}", flush=True)
    return strips


def told_cut_out(values: Sequence[float]) -> str:
    """What is measured of a cut-out in words."""
    return "alpha outside {:.5f}, near the border {:.4f}, inside {:.4f}, {:.2f} dB".format(*values)


def checkerboard(shape: tuple[int, int]) -> np.ndarray:
    """Squares of two greys, which stand for transparency."""
    row, column = np.indices(shape) // 16
    return grey(0.6 + 0.25 * ((row + column) % 2)).astype(np.float32)


def over(picture: np.ndarray, below: np.ndarray) -> np.ndarray:
    """A picture with alpha over another."""
    alpha = picture[..., 3:]
    return alpha * picture[..., :3] + (1.0 - alpha) * below


def to_a_goal(names: Sequence[str], settings: jaxpaint.Settings, options: argparse.Namespace) -> list[Strip]:
    """Measures goals; gives the pictures."""
    strips = []
    for name in names:
        photo, strip = machine.picture(name), []
        if options.psnr:
            strip.append(near_enough(name, photo, dataclasses.replace(settings, psnr=options.psnr)))
        if options.seconds:
            strip += [in_time(name, photo, dataclasses.replace(settings, seconds=options.seconds)) for _ in range(2)]
        strips.append([photo, *map(jaxpaint.draw, strip)])
    return strips


def near_enough(name: str, photo: np.ndarray, settings: jaxpaint.Settings) -> jaxpaint.Painting:
    """Searches for a PSNR, and compares the strokes with those of a bisection."""
    *_, (near, progress) = parts = list(jaxpaint.paint_stages(photo, key=0, settings=settings))
    found, trials = len(near.strokes), len({each.note for _, each in parts})
    told = f"{settings.psnr:g} dB asked, {progress.psnr:.2f} dB with {found} strokes in {trials} trials"
    fewest = bisected(photo, settings, found)
    print(f"{name}: {told}, by bisection {fewest}, {found / fewest - 1:+.1%}", flush=True)
    return near


def in_time(name: str, photo: np.ndarray, settings: jaxpaint.Settings) -> jaxpaint.Painting:
    """Paints in some seconds."""
    start = time.perf_counter()
    result = jaxpaint.paint(photo, key=0, settings=settings)
    spent = time.perf_counter() - start
    psnr = float(metrics.psnr(drawing.draw_dry(result), at_fit(photo, settings)))
    told = f"{len(result.strokes)} strokes, {result.settings.steps} steps, {psnr:.2f} dB"
    print(f"{name}: {settings.seconds:g} s asked, {spent:.1f} s, {told}", flush=True)
    return result


def bisected(photo: np.ndarray, settings: jaxpaint.Settings, found: int) -> int:
    """Fewest strokes whose painting has the PSNR of the settings, within 3 %, by bisection around those found."""

    def enough(strokes: int) -> bool:
        # The first trial of a search for more than there is.
        chosen = dataclasses.replace(settings, strokes=strokes, psnr=60.0)
        stages = jaxpaint.paint_stages(photo, key=0, settings=chosen)
        return next(p.psnr for _, p in stages if p.step == p.steps) >= settings.psnr

    low, high = found * 2 // 3, found
    while low > 1 and enough(low):
        low, high = low * 2 // 3, low
    while high - low > max(1, 0.03 * high):
        middle = round((low * high) ** 0.5)
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


STEERED: dict[str, Callable[..., list[Strip]]] = {
    "palette": in_few_colors,
    "pigments": in_mixtures,
    "detail": in_detail,
    "flow": in_directions,
    "region": in_a_region,
    "transparent": in_a_matte,
    "goal": to_a_goal,
}


def at_fit(photo: np.ndarray, settings: jaxpaint.Settings) -> np.ndarray:
    """A photograph at the size of the fit."""
    height, width, _ = photo.shape
    return pictures.resize(photo, pictures.fitted_shape(height, width, settings.size))


def distance(name: str, target: np.ndarray) -> np.ndarray:
    """Distance of each pixel from the middle of a photograph's ellipse; 1 on its border."""
    x, y, wide, high = ELLIPSES[name]
    row, column = np.indices(target.shape[:2]) / max(target.shape)
    return np.hypot((column - x) / wide, (row - y) / high)


def grey(map_: np.ndarray) -> np.ndarray:
    """A map as a picture."""
    return np.repeat(map_[..., None], 3, axis=-1)


def rounded(free: jaxpaint.Painting, fitted: jaxpaint.Painting) -> jaxpaint.Painting:
    """The strokes of a painting in the nearest colours of another."""
    colors = fitted.strokes[:, BRUSHES[fitted.brush].index("color")].reshape(-1, 3)
    painter = Painter.of(free.settings, (free.height, free.width))._replace(palette=np.unique(colors, axis=0))
    return dataclasses.replace(free, strokes=painter.in_palette(free.strokes, painter.bounds)[0])


if __name__ == "__main__":
    main()
