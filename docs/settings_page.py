"""Writes the tables of settings.md from the code: `python docs/settings_page.py`."""

import dataclasses
import pathlib
import re

from jaxpaint.settings import Checked, FilmSettings, Settings, StyleSettings

PAGE = pathlib.Path(__file__).with_name("settings.md")


def written(page: str) -> str:
    """The page with new tables between its marks."""
    tables = {
        "Settings": tables_of(Settings),
        "StyleSettings": tables_of(StyleSettings),
        "FilmSettings": tables_of(FilmSettings, but=Settings),
    }
    mark = r"(<!-- (\w+) -->\n).*?(<!-- end -->)"
    return re.sub(mark, lambda found: f"{found[1]}\n{tables[found[2]]}\n{found[3]}", page, flags=re.S)


def tables_of(kind: type[Checked], *, but: type[Checked] | None = None) -> str:
    """Tables of settings, one for each group.

    Args:
      kind: class of settings.
      but: class whose settings are left out where they are the same.
    """
    fields = {field.name: field for field in dataclasses.fields(kind)}
    others = {field.name: field.default for field in dataclasses.fields(but)} if but else {}
    meanings, lines = kind.meanings(), []
    for title, names in kind.grouped().items():
        names = [name for name in names if name not in others or others[name] != fields[name].default]
        lines += [f"### {title}", "", "| setting | default | values | meaning |", "| --- | --- | --- | --- |"]
        for name in names:
            default = fields[name].default
            shown = str(default).lower() if isinstance(default, bool) else default
            shown = "empty" if shown == "" else f"`{shown}`"
            lines.append(f"| `{name}` | {shown} | {kind.expectation(name)} | {meanings[name]} |")
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
