"""Sizes of exported paintings, how closely other programs draw them, and what other orders of their strokes save.

    python benchmarks/exports.py

A photograph is painted with each brush. Every painting is written in each format, and resvg and Skia draw its SVG at
1,024 pixels. The PSNR, in dB, is that against `draw` without texture and relief. Skia's reader of SVG has no blend
modes, so that it draws no glazes. The SVG of oil brushes is also written with bristles, and compared with the drawing
with texture. Writes exports.json to --out, and orders.json: for each order, the way from stroke to stroke in long sides
of the picture, and changes of colour. `many` random strokes of oil are written, too: many.json has seconds and the peak
of this program's memory.
"""

from __future__ import annotations

import argparse
import dataclasses
import io
import pathlib
import tempfile
import time
from collections.abc import Sequence

import machine
import numpy as np
import resvg_py
import skia
from PIL import Image

import jaxpaint
from jaxpaint import drawing, metrics, ordering, runtime

STROKES = {
    "rectangle": 1000,
    "oilpaintbrush": 4000,
    "filbert": 2500,
    "pastel": 2500,
    "watercolor": 1000,
    "markerpen": 1000,
}
SIZE = 1024


def main(argv: Sequence[str] | None = None) -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photo", default="coffee", help="of scikit-image or scikit-learn, or a path")
    parser.add_argument("--brushes", default=",".join(STROKES), help="names, with commas")
    parser.add_argument("--strokes", type=int, help="for all brushes alike")
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--many", type=int, default=100_000)
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("benchmarks/results"))
    options = parser.parse_args(argv)
    # First, so that the peak of memory is theirs.
    machine.write("many", many(options.many), options.out)
    photo, rows, efforts = machine.picture(options.photo), [], []
    for brush in options.brushes.split(","):
        count = options.strokes or STROKES[brush]
        settings = jaxpaint.Settings(brush=brush, strokes=count, steps=options.steps)
        painting = jaxpaint.paint(photo, key=0, settings=settings)
        rows.append(measured(painting))
        print(rows[-1], flush=True)
        for order in ordering.ORDERS:
            effort = ordering.effort(jaxpaint.reorder(painting, order))
            efforts.append({"brush": brush, "strokes": count, "order": order, **effort._asdict()})
    machine.write("exports", rows, options.out, photo=options.photo, steps=options.steps)
    machine.write("orders", efforts, options.out, photo=options.photo, steps=options.steps)


def many(count: int) -> list[dict[str, object]]:
    """Rows: seconds for writing and sorting so many strokes, and the peak of memory after each, in MiB."""
    rng, rows = np.random.default_rng(0), []
    brush = jaxpaint.BRUSHES["oilpaintbrush"]
    sizes = rng.uniform(0.005, 0.03, count), rng.uniform(0.002, 0.01, count)
    places, headings, colors = rng.random((count, 2)), rng.uniform(-3, 3, count), rng.random((count, 3))
    strokes = brush.lay(places, headings, *sizes, colors, np.ones(count))
    settings = jaxpaint.Settings(brush=brush.name, strokes=count)
    painting = jaxpaint.Painting(strokes.astype(np.float32), brush.name, 512, 512, settings.canvas_rgb, None, settings)
    with tempfile.TemporaryDirectory() as folder:
        work = {f"write {ending}": (jaxpaint.export, painting, f"{folder}/a.{ending}") for ending in ("svg", "json")}
        work |= {"read json": (jaxpaint.load_painting, f"{folder}/a.json")}
        work |= {f"order {order}": (jaxpaint.reorder, painting, order) for order in ordering.ORDERS[1:]}
        for name, (function, *arguments) in work.items():
            start = time.perf_counter()
            function(*arguments)
            seconds, peak = time.perf_counter() - start, runtime.peak_memory()
            rows.append({"work": name, "strokes": count, "seconds": seconds, "MiB": peak and peak / 2**20})
    return rows


def measured(painting: jaxpaint.Painting) -> dict[str, object]:
    """A row: bytes of each format, seconds for the SVG, and the PSNR of what resvg and Skia draw, in dB."""
    row: dict[str, object] = {"brush": painting.brush, "strokes": len(painting.strokes)}
    with tempfile.TemporaryDirectory() as folder:
        for ending in ("svg", "svgz", "json", "csv", "ora"):
            path, start = pathlib.Path(folder) / f"a.{ending}", time.perf_counter()
            jaxpaint.export(painting, path)
            row |= {"svg seconds": time.perf_counter() - start} if ending == "svg" else {}
            row[f"{ending} kB"] = path.stat().st_size / 1000
        svg = (pathlib.Path(folder) / "a.svg").read_text(encoding="utf-8")
        if jaxpaint.BRUSHES[painting.brush].bristled:
            row |= with_bristles(painting, pathlib.Path(folder))
    plain = dataclasses.replace(painting.settings, texture=0.0, wet=0.0, ground="none")
    wanted = drawing.draw_flat(dataclasses.replace(painting, settings=plain), size=SIZE)
    shape, size = wanted.shape[:2], (painting.width, painting.height)
    row["resvg dB"] = float(metrics.psnr(by_resvg(svg, shape), wanted))
    glazed = painting.settings.layering == "glaze"
    row["skia dB"] = None if glazed else float(metrics.psnr(by_skia(svg, shape, size), wanted))
    return row


def with_bristles(painting: jaxpaint.Painting, folder: pathlib.Path) -> dict[str, object]:
    """Bytes of an SVG with bristles, and the PSNR without and with them against the drawing with texture, in dB."""
    wanted, row = drawing.draw_flat(painting, size=SIZE), {}
    for bristles, title in ((False, "plain, textured dB"), (True, "bristles, textured dB")):
        for ending in ("svg", "svgz"):
            jaxpaint.export(painting, folder / f"b.{ending}", bristles=bristles)
        svg = (folder / "b.svg").read_text(encoding="utf-8")
        row[title] = float(metrics.psnr(by_resvg(svg, wanted.shape[:2]), wanted))
    sizes = {f"bristles {ending} kB": (folder / f"b.{ending}").stat().st_size / 1000 for ending in ("svg", "svgz")}
    return row | sizes


def by_resvg(svg: str, shape: tuple[int, int]) -> np.ndarray:
    """An SVG as resvg draws it, in [0, 1]."""
    drawn = resvg_py.svg_to_bytes(svg_string=svg, height=shape[0], width=shape[1])
    with Image.open(io.BytesIO(bytes(drawn))) as picture:
        return np.asarray(picture.convert("RGB"), np.float32) / 255


def by_skia(svg: str, shape: tuple[int, int], size: tuple[int, int]) -> np.ndarray:
    """An SVG of this width and height as Skia draws it, in [0, 1]."""
    dom = skia.SVGDOM.MakeFromStream(skia.MemoryStream(svg.encode(), True))
    surface = skia.Surface(shape[1], shape[0])
    surface.getCanvas().scale(shape[1] / size[0], shape[0] / size[1])
    dom.setContainerSize(skia.Size(*size))
    dom.render(surface.getCanvas())
    pixels = surface.makeImageSnapshot().toarray(colorType=skia.kRGBA_8888_ColorType)
    return pixels[..., :3].astype(np.float32) / 255


if __name__ == "__main__":
    main()
