"""README and the guide: what they name exists, and the commands that they show are understood."""

import importlib
import itertools
import pathlib
import re
import shlex

import pytest

from jaxpaint.settings import FilmSettings, Settings, StyleSettings

ROOT = pathlib.Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LINKED = [
    *PAGES,
    ROOT / "benchmarks" / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs/notes").glob("*.md")),
]
EVERY_PAGE = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
# What ends a command of a shell.
ENDS = {"&&", "&", "|", ";", "done"}


def text_of(page):
    return page.read_text(encoding="utf-8")


def commands(page):
    """The words of every command of ours in a page's fenced blocks of shell, its program without bin/."""
    blocks = re.findall(r"^```(?:bash|sh|shell|console)\n(.*?)^```", text_of(page), re.M | re.S)
    for line in "\n".join(blocks).replace("\\\n", " ").splitlines():
        words = shlex.split(line.removeprefix("$ ").replace("$k", "0"), comments=True)
        for number, word in enumerate(words):
            if word.startswith("bin/"):
                rest = itertools.takewhile(lambda each: each not in ENDS, words[number + 1 :])
                yield [word.removeprefix("bin/"), *rest]


@pytest.mark.parametrize("page", LINKED, ids=lambda page: "-".join(page.relative_to(ROOT).with_suffix("").parts))
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\(([^)\s]+)\)", text_of(page))
    for link in (link for link in links if "://" not in link):
        path, _, heading = link.partition("#")
        target = page.parent / path if path else page
        assert target.exists(), link
        if heading:
            headings = re.findall(r"^#+ (.*)$", text_of(target), re.M)
            assert heading in {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}, link


@EVERY_PAGE
def test_commands_are_understood(page, tmp_path, monkeypatch, capsys):
    """With --help they only say so: every flag and every setting is known, and every file of settings is there."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text("def get_config():\n    return {}\n")
    (tmp_path / "configs").symlink_to(ROOT / "configs")
    for program, *words in commands(page):
        main = importlib.import_module(f"jaxpaint.cli.{program}").main
        assert main([program, *words, "--help"]) == 0, (program, words, capsys.readouterr().err)
        assert "usage: " in capsys.readouterr().out


def test_the_page_of_settings_is_up_to_date(monkeypatch):
    """Else: python docs/settings_page.py."""
    monkeypatch.syspath_prepend(ROOT / "docs")
    import settings_page

    assert settings_page.written(text_of(settings_page.PAGE)) == text_of(settings_page.PAGE)


@EVERY_PAGE
def test_settings_have_their_names(page):
    known = {*Settings.defaults(), *FilmSettings.defaults(), *StyleSettings.defaults()}
    recipe = importlib.import_module("jaxpaint.training.steps").Recipe.defaults()
    named = set(re.findall(r"--(?:config|paint|stylize)\.(\w+)", text_of(page)))
    assert named <= known | set(recipe) | {"KEY"}


def test_every_page_of_the_guide_is_in_its_contents():
    listed = set(re.findall(r"^(?:[\w :]+<)?([\w/-]+)>?$", text_of(ROOT / "docs" / "index.md"), re.M))
    pages = {path.relative_to(ROOT / "docs").with_suffix("").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    assert pages - {"index"} == listed
