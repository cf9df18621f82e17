"""The guide as a site: `python -m sphinx -W -b html docs build/docs`.

Every page is Markdown that also reads well without the site. The Python API is taken from the code, and so are the
tables of settings (see settings_page.py).
"""

import os
import pathlib
import re

import jaxpaint

project = "jaxpaint"
author = "The jaxpaint authors"
release = jaxpaint.__version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
myst_heading_anchors = 3
autodoc_typehints = "none"
autodoc_preserve_defaults = True
# Names in single backticks, as docstrings have them.
default_role = "code"
html_theme = "furo"
html_title = "jaxpaint"
html_static_path = ["_static"]
html_css_files = ["guide.css"]
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#8a4b2a", "color-brand-content": "#8a4b2a"},
    "dark_css_variables": {"color-brand-primary": "#d9996f", "color-brand-content": "#d9996f"},
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
