"""Outputs: what has been made from the same input may be replaced, and nothing else."""

import os

import numpy as np
import pytest

from jaxpaint.cli import outputs
from jaxpaint.cli.app import Refused
from jaxpaint.cli.outputs import Made
from jaxpaint.io import images

BLACK = np.zeros((4, 4, 3), np.float32)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("photo.png", "other.png"):
        (tmp_path / name).write_bytes(name.encode())
    return tmp_path


def made(folder, path, source="photo.png"):
    source = folder / source
    return Made(folder / path, outputs.origin_of("painting", source), source)


def check(*files, inputs=(), overwrite=False):
    outputs.check_outputs(files, inputs, overwrite=overwrite)


def test_what_is_not_there_yet_may_be_written(folder):
    check(made(folder, "a.png"), made(folder, "b.png"))


def test_what_was_made_from_the_same_input_is_replaced(folder):
    file = made(folder, "a.png")
    images.write_image(file.path, BLACK, origin=file.origin)
    check(file)


def test_what_was_made_from_another_input_is_not_but_for_the_asking(folder):
    file = made(folder, "a.png")
    images.write_image(file.path, BLACK, origin=made(folder, "a.png", "other.png").origin)
    with pytest.raises(Refused, match="a.png is there already, made from something else than .*photo.png"):
        check(file)
    check(file, overwrite=True)


def test_what_we_have_not_made_is_not_replaced_but_for_the_asking(folder):
    images.write_image("a.png", BLACK)
    with pytest.raises(Refused, match="a.png is there already, and does not say that jaxpaint made it"):
        check(made(folder, "a.png"))
    check(made(folder, "a.png"), overwrite=True)


def test_what_was_changed_since_is_not_replaced_but_for_the_asking(folder):
    file = made(folder, "a.json")
    outputs.write_json(file.path, {"psnr": 30.0}, origin=file.origin)
    check(file)
    file.path.write_text(file.path.read_text().replace("30.0", "99.9"))
    with pytest.raises(Refused, match="a.json is there already, and was changed after jaxpaint made it"):
        check(file)
    check(file, overwrite=True)


@pytest.mark.parametrize("overwrite", [False, True])
def test_an_input_is_never_replaced(folder, overwrite):
    """Not even by another name."""
    os.link("other.png", "a.png")
    with pytest.raises(Refused, match="other.png would be overwritten"):
        check(made(folder, "a.png"), inputs=[folder / "other.png"], overwrite=overwrite)


@pytest.mark.parametrize("overwrite", [False, True])
def test_two_inputs_do_not_become_one_file(folder, overwrite):
    with pytest.raises(Refused, match="photo.png and .*other.png would both become .*a.png"):
        check(made(folder, "a.png"), made(folder, "a.png", "other.png"), overwrite=overwrite)


@pytest.mark.parametrize("overwrite", [False, True])
def test_what_is_no_file_is_not_replaced(folder, overwrite):
    os.mkdir("a.png")
    with pytest.raises(Refused, match="a.png is there already, and is no file"):
        check(made(folder, "a.png"), overwrite=overwrite)


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_link_into_a_folder_that_is_not_there(folder, overwrite):
    (folder / "a.png").symlink_to(folder / "nowhere" / "b.png")
    with pytest.raises(Refused, match="a.png: a link to .*nowhere/b.png, whose folder is not there"):
        check(made(folder, "a.png"), overwrite=overwrite)
    (folder / "nowhere").mkdir()
    check(made(folder, "a.png"), overwrite=overwrite)
