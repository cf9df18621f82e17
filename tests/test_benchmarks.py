"""Benchmarks of quality and styles, as small as they go."""

import json
import re

import numpy as np
import pytest

from jaxpaint.io import images

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("benchmarks")]


def test_gallery(tmp_path, monkeypatch):
    import gallery

    (tmp_path / "tiny.py").write_text("def get_config():\n    return dict(strokes=5, steps=4, size=32)\n")
    flags = ["--photos=coffee", f"--presets={tmp_path}/tiny.py", "--size=48", "--high=40", f"--out={tmp_path}"]
    gallery.main(flags)
    painted = tmp_path / "gallery-pictures" / "coffee-tiny.npz"
    before = painted.stat().st_mtime_ns
    gallery.main(flags)
    assert painted.stat().st_mtime_ns == before
    sheets = [images.read_image(tmp_path / name) for name in ("look_tiny.jpg", "gallery-all.jpg")]
    # The one preset, larger; the photograph and its painting.
    assert [sheet.shape for sheet in sheets] == [(80, 80, 3), (40, 80, 3)]
    assert painted.with_suffix(".png").exists()


def test_steering(tmp_path, capsys):
    import steering

    steering.main(["--photos=coffee", "--colors=2,3", "--strokes=20", "--size=48", "--high=40", f"--out={tmp_path}"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(":")[0] for line in lines] == [f"{n} colours, {of}" for n in (2, 3) for of in ("coffee", "mean")]
    assert images.read_image(tmp_path / "steering.jpg").shape[0] == 40
    flags = ["--photos=coffee", "--strokes=20", "--size=48", "--high=40", f"--out={tmp_path}"]
    begins = {
        "detail": "coffee: inside ",
        "flow": "coffee: own forms ",
        "region": "coffee: ",
        "transparent": "coffee, ",
    }
    for what, begin in begins.items():
        steering.main([what, *flags])
        assert capsys.readouterr().out.startswith(begin)
    steering.main(["goal", *flags, "--psnr=17", "--seconds=0"])
    told = capsys.readouterr().out.splitlines()
    assert [line.split(" asked")[0] for line in told] == ["coffee: 17 dB"]
    assert re.search(r"17\.\d\d dB with \d+ strokes in \d trials, by bisection \d+, \+", told[0])


def test_quality(tmp_path):
    import quality

    tiny = [f"--config.{setting}" for setting in ("brush=rectangle", "size=32", "steps=10")]
    quality.main(["--photos=coffee", "--strokes=5", f"--out={tmp_path}", *tiny])
    (row,) = json.loads((tmp_path / "quality.json").read_text())["rows"]
    assert row["strokes"] == 5
    assert row["psnr"] > 5 and row["seconds warm"] > 0
    assert row["seam ratio"] is None
    assert (tmp_path / "quality.png").exists()


def test_quality_in_process(tmp_path):
    import quality

    tiny = [f"--config.{setting}" for setting in ("brush=rectangle", "size=32", "mode=grid", "grid=2")]
    quality.main(["--photos=coffee", "--strokes=5,9", "--seconds=0.1", "--in-process", f"--out={tmp_path}", *tiny])
    rows = json.loads((tmp_path / "quality.json").read_text())["rows"]
    assert [row["strokes"] for row in rows] == [5, 9]
    assert all(row["seconds warm"] is None and row["fitting at 140"] > 0 for row in rows)
    assert all(row["seam ratio"] > 0 for row in rows)


def test_quality_goes_on(tmp_path, monkeypatch, capsys):
    """What is painted already is not painted again, others are; and what of them belongs together is averaged."""
    import quality

    painted = []
    report = quality._report

    def counting(path, flags, *rest):
        painted.append(path.stem)
        return report(path, flags, *rest)

    monkeypatch.setattr(quality, "_report", counting)
    monkeypatch.setattr("machine.matrix_product_gflops", lambda: 140.0)
    tiny = ["--brushes=rectangle", "--config.size=32", "--config.steps=10", "--in-process", f"--out={tmp_path}"]
    quality.main(["--photos=coffee", "--strokes=5", *tiny])
    (first,) = json.loads((tmp_path / "quality.json").read_text())["rows"]
    quality.main(["--photos=coffee,astronaut", "--strokes=5", "--resume", *tiny])
    assert painted == ["coffee", "astronaut"]
    rows = json.loads((tmp_path / "quality.json").read_text())["rows"]
    assert rows[0] == first and [row["photo"] for row in rows] == ["coffee", "astronaut"]
    (summary,) = json.loads((tmp_path / "quality_summary.json").read_text())["rows"]
    assert (summary["strokes"], summary["photos"]) == (5, 2)
    assert summary["psnr"] == pytest.approx((rows[0]["psnr"] + rows[1]["psnr"]) / 2)
    assert summary["psnr sd"] == pytest.approx(abs(rows[0]["psnr"] - rows[1]["psnr"]) / 2**0.5)
    assert len(list((tmp_path / "quality-pictures").iterdir())) == 2
    assert not (tmp_path / "quality.svg").exists(), "there is nothing to plot a single number of strokes over"
    # Other settings make another painting, and what was there stays.
    quality.main(["--photos=coffee", "--strokes=5", "--resume", "--config.seed=1", *tiny])
    assert len(painted) == 3 and json.loads((tmp_path / "quality.json").read_text())["rows"][:2] == rows
    summaries = json.loads((tmp_path / "quality_summary.json").read_text())["rows"]
    assert summaries[0] == summary and summaries[1]["photos"] == 1
    capsys.readouterr()
    with pytest.raises(SystemExit):
        quality.main([*tiny, "--config.size=1"])
    assert "config.size" in capsys.readouterr().err


def test_quality_is_plotted_over_photographs_that_all_values_have(tmp_path):
    import machine
    import quality

    def row(*values):
        return {"renderer": "exact"} | dict(zip(("photo", "brush", "seconds", "strokes", "psnr"), values, strict=True))

    table = [row("a", "rectangle", None, strokes, psnr) for strokes, psnr in ((9, 23.0), (5, 20.0))]
    table += [row("b", "rectangle", None, 5, 30.0), row("a", "markerpen", None, 9, 22.0)]
    # The better of two; and seconds are another plot, of which there is but one.
    table += [row("a", "markerpen", None, 9, 21.0), row("a", "markerpen", 10, 9, 24.0)]
    panels, marks = quality._panels(table)
    assert list(panels) == ["PSNR in dB by strokes, exact, a"] and marks == [["5", "9"]]
    np.testing.assert_equal(*panels.values(), {"rectangle": [20.0, 23.0], "markerpen": [np.nan, 22.0]})
    machine.plot(tmp_path / "plot.svg", panels, end=marks)
    plot = (tmp_path / "plot.svg").read_text()
    assert plot.count('id="curve ') == 2 and ">5<" in plot and ">9<" in plot


def test_full_table():
    """All brushes; by the engine five photographs, by a network two; and no painting twice."""
    import argparse

    import quality

    options = argparse.Namespace(full=True, configs="paint")
    tasks = list(quality._tasks(options, []))
    assert len(tasks) == len(set(tasks)) == 4 * (5 * 4 + 5 * 2 + 2 + 2) + 2 * (1 + 2 + 1)
    by_engine = [task for task in tasks if "--config.renderer=exact" in task.flags]
    assert len({task.photo for task in by_engine}) == 5 and len({task.photo for task in tasks}) == 5
    assert {task.seconds for task in by_engine} == {None, 10, 30, 60, 120}
    assert tasks[0].settings["strokes"] == 200 and tasks[-1].settings["renderer"] == "light"
    # As planned: less than 90 minutes, at what a fit was seen to take, and for each stroke.
    curved = ("watercolor", "markerpen")

    def seconds(settings):
        if settings["renderer"] == "light":
            return 0.22 * settings["strokes"]
        base, each = (12, 0.02) if settings["brush"] in curved else (6, 0.008)
        return base + each * settings["strokes"]

    assert sum(task.seconds or seconds(task.settings) for task in tasks) < 85 * 60


def test_compare(tmp_path):
    """Differences of what both tables have."""
    import compare

    about = {"brush": "rectangle", "config": "paint", "seconds": None, "ssim": 0.5, "l1": 0.1, "fitting at 140": 2.0}
    a = [{"photo": photo, "renderer": "exact", "strokes": 5, "psnr": 20.0, **about} for photo in ("coffee", "china")]
    b = [{**a[1], "psnr": 21.0, "l1": 0.2}, {**a[0], "psnr": 20.5}, {**a[0], "strokes": 9}]
    for name, rows in (("a", a), ("b", b)):
        (tmp_path / f"{name}.json").write_text(json.dumps({"rows": rows}))
    files = [str(tmp_path / "a.json"), str(tmp_path / "b.json"), f"--out={tmp_path}"]
    compare.main(files)
    rows = json.loads((tmp_path / "compare.json").read_text())["rows"]
    assert [(row["photo"], row["psnr"], row["l1"]) for row in rows] == [("coffee", 0.5, 0.0), ("china", 1.0, 0.1)]
    summary = json.loads((tmp_path / "compare_summary.json").read_text())["rows"]
    psnr, _, l1, _ = summary
    assert psnr["mean"] == pytest.approx(0.75) and psnr["sd"] == pytest.approx(0.5 / 2**0.5)
    assert (psnr["rows"], psnr["better in"], l1["better in"]) == (2, 2, 0)
    assert (tmp_path / "compare.svg").exists()
    with pytest.raises(SystemExit, match="several rows"):
        compare.main([*files, "--apart-from=strokes"])
    (tmp_path / "b.json").write_text(json.dumps({"rows": [{**row, "renderer": "light"} for row in b]}))
    with pytest.raises(SystemExit, match="no row"):
        compare.main(files)
    compare.main([*files, "--apart-from=renderer"])
    assert len(json.loads((tmp_path / "compare.json").read_text())["rows"]) == 2


def test_styling(tmp_path):
    import styling

    tiny = ["--config.vgg_size=32", "--config.steps=2", "--config.laplacian=0,0.5", "--strokes=9", "--size=32"]
    tiny += ["--config.style_layers=relu1_1", "--config.content_layers=relu1_1"]
    styling.main(["--photos=coffee", "--styles=ink", "--name=tiny", f"--out={tmp_path}", *tiny])
    found = json.loads((tmp_path / "tiny.json").read_text())
    assert [(row["photo"], row["style"], row["laplacian"]) for row in found["rows"]] == [
        ("coffee", "ink", 0.0),
        ("coffee", "ink", 0.5),
    ]
    assert all(0 < row["edges"] <= 1 and row["gram"] > 0 and row["moments"] > 0 for row in found["rows"])
    assert [len(curve["psnr"]) for curve in found["curves"]] == [2, 2]
    assert (tmp_path / "tiny.png").exists()
    assert (tmp_path / "tiny.svg").read_text().count('id="curve ') == 4


def test_styles(tmp_path):
    import styles

    styles.main([f"--out={tmp_path}", "--size=48"])
    pictures = [styles.style(name, 48) for name in styles.STYLES]
    assert sorted(path.stem for path in tmp_path.iterdir()) == sorted(styles.STYLES)
    assert all(p.shape == (48, 48, 3) and 0 <= p.min() < p.max() <= 1 and p.std() > 0.1 for p in pictures)


def test_seam_ratio():
    import quality

    photo = np.zeros((40, 80, 3), np.float32)
    picture = np.full_like(photo, 0.1)
    grid = {"mode": "grid", "grid": 2}
    assert quality._seam_ratio(picture, photo, grid) == pytest.approx(1)
    picture[16:24] = picture[:, 36:44] = 0.2
    assert quality._seam_ratio(picture, photo, grid) == pytest.approx(2)
    assert quality._seam_ratio(picture, photo, grid | {"mode": "progressive"}) is None
    # One border of square blocks, from top to bottom.
    assert quality._seam_ratio(picture[:, 8:72], photo[:, 8:72], grid | {"mode": "blocks"}) > 1
    picture[16:24, :36] = picture[16:24, 44:] = 0.1
    assert quality._seam_ratio(picture, photo, grid | {"mode": "blocks"}) == pytest.approx(2)


def test_refuses_unknown_flags(capsys):
    import quality

    with pytest.raises(SystemExit):
        quality.main(["--photo=coffee", "--photos=no-such-photograph"])
    assert "--photo" in capsys.readouterr().err


# The command line and the files of SNP's demo. It looks at the network, and draws a grey square.
