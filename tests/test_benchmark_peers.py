"""The comparison with Stylized Neural Painting, as small as it goes."""

import json
import sys

import numpy as np
import pytest

from jaxpaint import pictures

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("benchmarks")]


STAND_IN = """
import argparse, pathlib, time
import imageio.v3, numpy, torch

parser = argparse.ArgumentParser()
for name in ("canvas_color", "renderer", "net_G"):
    parser.add_argument("--" + name, required=True)
for name in ("img_path", "renderer_checkpoint_dir", "output_dir"):
    parser.add_argument("--" + name, type=pathlib.Path, required=True)
for name in ("max_m_strokes", "m_grid"):
    parser.add_argument("--" + name, type=int, required=True)
parser.add_argument("--disable_preview", action="store_true", required=True)
options = parser.parse_args()
assert pathlib.Path("demo.py").is_file() and options.img_path.is_file()
assert (options.canvas_color, options.net_G) == ("white", "zou-fusion-net-light")
weights = torch.load(options.renderer_checkpoint_dir / "last_ckpt.pt", weights_only=True)["model_G_state_dict"]
assert weights["huangnet.fc1.weight"].shape == (512, {"rectangle": 5}[options.renderer])
for step in range(4):
    print(f"iteration step {step}, step_psnr = 9.5")
    time.sleep(0.1)
options.output_dir.mkdir()
blocks = options.m_grid**2
shapes = numpy.zeros((blocks, options.max_m_strokes // blocks, 5))
numpy.savez(options.output_dir / f"{options.img_path.stem}_strokes.npz", x_ctt=shapes)
grey = numpy.full((64, 64, 3), 128, "uint8")
imageio.v3.imwrite(options.output_dir / f"{options.img_path.stem}_final.png", grey)
"""


def _checkout(folder, demo):
    (folder / "snp").mkdir()
    (folder / "snp" / "demo.py").write_text(demo)
    return f"--snp={folder / 'snp'}"


def test_against_snp(tmp_path, capsys, monkeypatch):
    """SNP's stand-in as a process; ours here, where much is compiled already, as processes of 2 seconds and 4 MiB."""
    import against_snp
    import machine
    import quality

    from jaxpaint import metrics
    from jaxpaint.cli import paint

    as_process, theirs_were, ours = against_snp._run, [], []

    def run(command, made, **others):
        if command[:2] != [sys.executable, str(quality.PAINT)]:
            theirs_were.append(as_process(command, made, **others))
            # Told at times that do not depend on what else the machine does.
            return theirs_were[0]._replace(seconds=9.0, steps=[5.0, 5.1, 5.3, 5.6])
        assert paint.main(command[1:]) == 0 and all(path.exists() for path in made)
        ours.append(command)
        return against_snp.Run(2.0, 2**22, [])

    monkeypatch.setattr(against_snp, "_run", run)
    tiny = ["--brush=rectangle", "--strokes=25", "--config.size=32", "--config.steps=2"]
    against_snp.main([_checkout(tmp_path, STAND_IN), "--photo=coffee", f"--out={tmp_path}", *tiny])
    found = json.loads((tmp_path / "against_snp.json").read_text())
    theirs, light, exact = found["rows"]
    assert [row["painter"] for row in found["rows"]] == ["SNP", "ours, light", "ours, exact"]
    assert [(row["strokes"], row["steps"]) for row in found["rows"]] == [(25, 4), (25, 2), (25, 2)]
    (run_was,) = theirs_were
    assert len(run_was.steps) == 4 and 0 < run_was.steps[0] < run_was.steps[-1] < run_was.seconds
    # From the first step's line to the last, not what it took to start.
    assert theirs["seconds a step"] == pytest.approx(0.2) and theirs["peak MiB"] > 100
    # After one each that compiled.
    assert len(ours) == 4 and all("--config=snp.py" in command for command in ours)
    assert all((row["seconds"], row["peak MiB"]) == (2.0, 4) and row["seconds a step"] > 0 for row in (light, exact))
    assert (theirs["drawing"], exact["drawing"]) == ("64 × 64", "32 × 21")
    photo = machine.picture("coffee")
    grey, white = (np.full((*shape, 3), value, np.float32) for shape, value in (((64, 64), 128 / 255), ((21, 32), 1)))
    assert theirs["psnr"] == metrics.closeness(grey, pictures.resize(photo, (64, 64)))["psnr"]
    blank = metrics.closeness(white, pictures.resize(photo, (21, 32)))["psnr"]
    assert light["psnr"] != exact["psnr"] and min(light["psnr"], exact["psnr"]) > blank
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("SNP took") and last.count(f"{theirs['seconds'] / 2:.3g} times") == 2
    assert (tmp_path / "against_snp.png").exists()


@pytest.mark.parametrize(
    "flags, message",
    [
        (["--snp=."], "no demo.py"),
        (["--strokes=60"], "a multiple of 25"),
        (["--python=no-such-python"], "no such program"),
        (["--python=false"], "a Python that has PyTorch"),
        (["--photo=no-such-photograph"], "no such file"),
        (["--smoke", "--grid=5"], "--grid=5"),
    ],
)
def test_against_snp_says_what_is_missing(tmp_path, capsys, flags, message):
    import against_snp

    with pytest.raises(SystemExit) as stopped:
        against_snp.main([_checkout(tmp_path, STAND_IN), f"--out={tmp_path}", *flags])
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err.splitlines()[-1]


def test_against_snp_needs_pytorch(tmp_path, capsys, monkeypatch):
    import against_snp

    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(SystemExit):
        against_snp.main([_checkout(tmp_path, STAND_IN), f"--out={tmp_path}"])
    assert "jaxpaint[torch]" in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(
    "program, how",
    [
        ("print('a step'); raise ValueError('no luck')", "exit status 1"),
        ("import os; print('no luck', flush=True); os.kill(os.getpid(), 9)", "exit status 137"),
        ("print('no luck')", "no painting.png"),
    ],
)
def test_a_painter_that_fails_is_heard(tmp_path, program, how):
    import against_snp

    with pytest.raises(SystemExit, match="no luck") as stopped:
        against_snp._run([sys.executable, "-c", program], [tmp_path / "painting.png"])
    assert how in stopped.value.code.splitlines()[-1]


def test_the_memory_of_a_painter_is_its_own(tmp_path):
    """Not what this process has held."""
    import against_snp

    peaks = [
        against_snp._run([sys.executable, "-c", f"held = b'1' * {mebibytes} * 2**20"], []).peak / 2**20
        for mebibytes in (0, 100)
    ]
    assert peaks[0] < 40 and 100 < peaks[1] < 140
