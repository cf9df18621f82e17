"""Every benchmark, as small as it goes."""

import json
import pathlib
import sys

import pytest

BENCHMARKS = pathlib.Path(__file__).parents[1] / "benchmarks"


@pytest.fixture(autouse=True)
def _importable(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    yield
    for name in ("machine", "quality", "profile_fit"):
        sys.modules.pop(name, None)


def test_quality(tmp_path):
    import quality

    tiny = [f"--set={setting}" for setting in ("size=32", "steps=10")]
    quality.main(["--photos=coffee", "--strokes=5,9", f"--out={tmp_path}", *tiny])
    rows = json.loads((tmp_path / "quality.json").read_text())["rows"]
    assert [row["strokes"] for row in rows] == [5, 9]
    assert all(row["psnr"] > 5 and row["seconds warm"] > 0 for row in rows)
    assert (tmp_path / "quality.png").exists()


def test_profile_fit(tmp_path):
    import profile_fit

    profile_fit.main(["--pixels=4096", "--strokes=12", "--drawings=32x48", f"--out={tmp_path}"])
    rows = json.loads((tmp_path / "profile_fit.json").read_text())["rows"]
    assert [row["block"] for row in rows] == [32, 32, 64, 64, 128, 128]
    assert all(row["ns"] > 0 for row in rows)
    stages = json.loads((tmp_path / "profile_stages.json").read_text())["rows"]
    assert {row["stage"] for row in stages} == {"levels", "rounds", "full size", "texture"}
