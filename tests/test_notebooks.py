"""Notebooks: what all of them have in common, and whether they run from top to bottom with small numbers.

The cell with the tag `parameters` says in its metadata what a small run needs: `small`, values for its names, and
`pictures`, how many pictures at least the run shows.
"""

import ast
import os
import pathlib
import re
import shutil

import nbclient
import nbformat
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
# Folders that notebooks read from.
READ = ("benchmarks", "bin", "configs", "examples", "notebooks")


def _read(path: pathlib.Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=nbformat.NO_CONVERT)


def _code(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def _parameters(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    (cell,) = [cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", [])]
    return cell


def _is_shown(output: nbformat.NotebookNode) -> bool:
    """Whether an output is a picture or a video."""
    data = output.get("data", {})
    return any(kind.startswith(("image/", "video/")) for kind in data) or "<video" in data.get("text/html", "")


each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def test_there_are_notebooks():
    assert {"paint", "style", "tour", "video"} <= {path.stem for path in NOTEBOOKS}


@each_notebook
def test_a_notebook_is_valid_and_has_no_outputs(path):
    notebook = _read(path)
    assert (notebook.nbformat, notebook.nbformat_minor) == (4, 5)
    nbformat.validate(notebook)
    for cell in _code(notebook):
        assert not cell.outputs
        assert cell.execution_count is None


@each_notebook
def test_a_notebook_begins_with_its_title_and_ends_with_what_to_try_next(path):
    first, *_, last = _read(path).cells
    assert (first.cell_type, last.cell_type) == ("markdown", "markdown")
    assert first.source.startswith("# ")
    assert last.source.startswith("## What to try next\n")


@each_notebook
def test_only_the_first_cell_of_code_installs(path):
    install, *others = _code(_read(path))
    assert "find_spec" in install.source
    assert "%pip install -q " in install.source
    assert not [cell.id for cell in others if re.search(r"^\s*[!%](pip|uv|conda)\b", cell.source, re.M)]


@each_notebook
def test_small_numbers_are_for_names_among_the_parameters(path):
    cell = _parameters(_read(path))
    nodes = ast.walk(ast.parse(cell.source))
    names = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    assert cell.metadata["small"]
    assert set(cell.metadata["small"]) <= names


@each_notebook
def test_links_of_a_notebook_lead_somewhere(path):
    texts = [cell.source for cell in _read(path).cells if cell.cell_type == "markdown"]
    links = re.findall(r"\]\(([^)#\s]+)", "\n".join(texts))
    assert not [link for link in links if "://" not in link and not (path.parent / link).exists()]


@pytest.mark.slow
@pytest.mark.parametrize("name", [path.stem for path in NOTEBOOKS])
def test_a_notebook_runs_from_top_to_bottom(name, tmp_path, monkeypatch):
    for folder in READ:
        ignored = shutil.ignore_patterns("__pycache__", "results", "paintings", "runs")
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=ignored)
    notebook = _read(tmp_path / "notebooks" / f"{name}.ipynb")
    parameters = _parameters(notebook)
    small = "\n".join(f"{key} = {value!r}" for key, value in parameters.metadata["small"].items())
    notebook.cells.insert(notebook.cells.index(parameters) + 1, nbformat.v4.new_code_cell(small))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep))
    # The tests' programs, which `keep_compilations` then leaves as they are.
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", os.environ["JAXPAINT_CACHE"])
    monkeypatch.setenv("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.1")
    client = nbclient.NotebookClient(
        notebook, timeout=600, resources={"metadata": {"path": str(tmp_path / "notebooks")}}
    )
    client.execute()
    outputs = [output for cell in _code(notebook) for output in cell.outputs]
    assert sum(map(_is_shown, outputs)) >= parameters.metadata.get("pictures", 1)
    told = "".join(output.text for output in outputs if output.output_type == "stream" and output.name == "stderr")
    assert "Warning" not in told
