"""The guide as a site: `python -m sphinx -W -b html docs build/docs`.

Every page is Markdown that also reads well without the site. What the code knows (settings, flags, the Python API) is
taken from the code.
"""

import dataclasses
import os
import pathlib
import re

import jaxpaint
from jaxpaint.settings import Checked, FilmSettings, Settings, StyleSettings

project = "jaxpaint"
author = "The jaxpaint authors"
release = jaxpaint.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
myst_enable_extensions = ["dollarmath", "substitution"]
myst_heading_anchors = 3
autodoc_typehints = "none"
autodoc_preserve_defaults = True
# Names in single backticks, as docstrings have them.
default_role = "code"
html_theme = "furo"
html_title = "jaxpaint"
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#8a4b2a", "color-brand-content": "#8a4b2a"},
    "dark_css_variables": {"color-brand-primary": "#d9996f", "color-brand-content": "#d9996f"},
}


def table_of(kind: type[Checked], *, but: type[Checked] | None = None) -> str:
    """A table of settings.

    Args:
      kind: class of settings.
      but: class whose settings are left out where they are the same.
    """
    fields = {field.name: field for field in dataclasses.fields(kind)}
    others = {field.name: field.default for field in dataclasses.fields(but)} if but else {}
    rows = ["| setting | default | range | meaning |", "| --- | --- | --- | --- |"]
    for name, meaning in kind.meanings().items():
        field = fields[name]
        if name in others and others[name] == field.default:
            continue
        default = str(field.default).lower() if isinstance(field.default, bool) else field.default
        low, high = field.metadata["low"], field.metadata["high"]
        choices = ", ".join(f"`{choice}`" for choice in field.metadata["choices"])
        bounds = "" if low is None else f"{low:g} to {high:g}"
        rows.append(f"| `{name}` | {f'`{default}`' if default != '' else 'empty'} | {choices or bounds} | {meaning} |")
    return "\n".join(rows)


myst_substitutions = {
    "painting_settings": table_of(Settings),
    "style_settings": table_of(StyleSettings),
    "film_settings": table_of(FilmSettings, but=Settings),
}


def on_the_site(app, name: str, source: list[str]) -> None:
    """Leads links to the benchmarks' page into the site, and turns others that lead out of docs/ into text."""
    docs = pathlib.Path(app.srcdir)
    page, benchmarks = docs / f"{name}.md", docs.parent / "benchmarks" / "README.md"
    written = benchmarks if name == "benchmarks" else page
    source[0] = written.read_text(encoding="utf-8")

    def led(match: re.Match[str]) -> str:
        text, link, heading = match.groups()
        target = (written.parent / link).resolve()
        target = docs / "benchmarks.md" if target == benchmarks else target
        if not target.is_relative_to(docs):
            return text
        return f"[{text}]({os.path.relpath(target, page.parent)}{heading})"

    source[0] = re.sub(r"(?<!!)\[([^\]]*)\]\((?!\w+://)([^)#\s]+)([^)]*)\)", led, source[0])


def setup(app) -> None:
    """Sphinx's hook."""
    app.connect("source-read", on_the_site)
