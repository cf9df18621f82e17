"""The package as a whole: what it promises by its names, its files and its set-up."""

import configparser
import importlib
import inspect
import pathlib
import re
import shlex
import subprocess
import sys

import pytest

import jaxpaint

ROOT = pathlib.Path(__file__).resolve().parents[1]
SOURCES = ("jaxpaint", "configs", "bin", "benchmarks", "tests")
README = (ROOT / "README.md").read_text(encoding="utf-8")


def _setup() -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser


def _commands(text: str) -> list[list[str]]:
    """The words of every command in a text's fenced blocks of shell."""
    blocks = re.findall(r"^```(?:bash|sh|shell|console)\n(.*?)^```", text, re.M | re.S)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    words = [shlex.split(line.removeprefix("$ "), comments=True) for line in lines]
    return [line for line in words if line]


def _paths(commands: list[list[str]]) -> list[str]:
    """The words that name something in the repository: not options, nor what the commands write."""
    written = {"paintings"}
    for command in commands:
        for word, after in zip(command, [*command[1:], ""], strict=True):
            if word.startswith("--out"):
                written.add((word.partition("=")[2] or after).split("/")[0])
    words = [word for command in commands for word in command]
    words = [word.partition("=")[2] if word.startswith("--config=") else word for word in words]
    relative = [w for w in words if re.fullmatch(r"[\w.][\w.*-]*(/[\w.*-]+)+", w)]
    return [word for word in relative if word.split("/")[0] not in {*written, ".venv", "venv"}]


def test_importing_takes_less_than_two_seconds():
    code = "from time import time; start = time(); import jaxpaint; print(time() - start)"
    command = [sys.executable, "-c", code]
    seconds = [float(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout) for _ in range(3)]
    assert min(seconds) < 2.0


def test_public_names_are_listed_once():
    assert len(jaxpaint.__all__) == len(set(jaxpaint.__all__)) > 0


@pytest.mark.parametrize("name", jaxpaint.__all__)
def test_a_public_name_exists_and_is_documented(name):
    value = getattr(jaxpaint, name)
    if callable(value) or inspect.ismodule(value):
        text = value.__doc__ or ""
        assert text.strip()
        # Dataclasses and named tuples without a docstring get their signature for one.
        assert not text.startswith(f"{name}(")


@pytest.mark.parametrize("name", jaxpaint.__all__)
def test_options_are_keyword_only(name):
    value = getattr(jaxpaint, name)
    if inspect.isclass(value) or not callable(value):
        return
    for parameter in inspect.signature(value).parameters.values():
        if parameter.name == "key" or parameter.default is not parameter.empty:
            assert parameter.kind is parameter.KEYWORD_ONLY, parameter.name


def test_readme_shows_how_to_paint_and_how_to_test():
    commands = _commands(README)
    assert any("paint" in pathlib.Path(command[0]).name for command in commands)
    assert any("pytest" in command for command in commands)


def test_commands_in_readme_name_files_that_exist():
    missing = [path for path in _paths(_commands(README)) if not list(ROOT.glob(path))]
    assert not missing


def test_what_readme_installs_is_declared():
    setup = _setup()
    extras = {extra for names in re.findall(r"(?:\.|jaxpaint)\[([\w,]+)\]", README) for extra in names.split(",")}
    scripts = set(re.findall(r"\bjaxpaint-\w+", README))
    declared = setup["options.entry_points"]["console_scripts"]
    assert extras <= set(setup["options.extras_require"])
    assert scripts <= {line.split("=")[0].strip() for line in declared.strip().splitlines()}


def test_console_scripts_lead_to_functions():
    for line in _setup()["options.entry_points"]["console_scripts"].strip().splitlines():
        module, _, function = line.partition("=")[2].strip().partition(":")
        assert callable(getattr(importlib.import_module(module), function))


def test_every_folder_of_the_package_is_installed():
    folders = {path.parent for path in (ROOT / "jaxpaint").rglob("*.py")}
    names = {".".join(folder.relative_to(ROOT).parts) for folder in folders}
    assert set(_setup()["options"]["packages"].split()) == names | {"jaxpaint.configs"}


def test_programs_can_be_run():
    programs = [path for path in (ROOT / "bin").iterdir() if path.is_file()]
    assert programs
    for path in [*programs, ROOT / ".ci" / "run"]:
        assert path.read_text(encoding="utf-8").startswith("#!/usr/bin/env ")
        assert path.stat().st_mode & 0o111, path


def test_no_module_is_called_utils():
    modules = [path for folder in SOURCES for path in (ROOT / folder).rglob("*.py")]
    assert not [path for path in modules if re.fullmatch(r"_?utils?|.*_utils?", path.stem)]
    assert not [path for path in modules if path.parent.name in ("util", "utils")]
