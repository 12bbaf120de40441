"""Every notebook runs from top to bottom in a fresh kernel, shows figures and results, installs
Sparsight outside a checkout, and lies in the repository without output.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode

import core
from core.base.settings import REPOSITORY

NOTEBOOKS = sorted((REPOSITORY / "notebooks").glob("*.ipynb"))
PLOTLY = "application/vnd.plotly.v1+json"
SECONDS = 200  # a cell
HTML = "text/html"
WIDGET = "application/vnd.jupyter.widget-view+json"
# Moves the slider as far as it goes, and shows the answer that stands below it then.
LAST_CELL = "if 'view' in globals():\n    view.slider.value = 99\n    display(view.wait())"
# What a notebook says then; the slider of a network for photographs ends at 60 %.
MOVED = {"01_pruning_and_heatmaps": "99.01 % sparsity", "03_real_networks": "60.0 % sparsity"}


def code_cells(notebook: NotebookNode) -> list[NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


@pytest.fixture(scope="module", autouse=True)
def surroundings(tmp_path_factory: pytest.TempPathFactory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SPARSIGHT_CACHE", str(tmp_path_factory.mktemp("cache")))
        patch.setenv("SPARSIGHT_DEVICE", "cpu")
        # Beside other work on few cores, threads that spin while waiting take minutes.
        patch.setenv("OMP_WAIT_POLICY", "PASSIVE")
        yield


def execute(notebook: NotebookNode, folder: Path) -> NotebookNode:
    client = NotebookClient(
        notebook, timeout=SECONDS, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    )
    # By default the client answers a widget's output over the socket on which it waits for the
    # cell's reply. Now and then that loses the wake-up, and the cell seems to take the whole
    # time-out. Without an answer, output lands in the cell that caused it.
    client.widget_registry = {}
    return client.execute()


@pytest.fixture(scope="module", params=NOTEBOOKS, ids=lambda path: path.stem)
def executed(request: pytest.FixtureRequest) -> NotebookNode:
    """The notebook as Jupyter starts it, in its own folder; then its slider, if it has one, is
    moved.
    """
    notebook = nbformat.read(request.param, as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell(LAST_CELL))
    notebook.metadata["title"] = request.param.stem
    return execute(notebook, request.param.parent)


def test_there_are_notebooks() -> None:
    assert NOTEBOOKS


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_is_saved_without_output(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert [cell.outputs for cell in code_cells(notebook) if cell.outputs] == []
    assert {cell.execution_count for cell in code_cells(notebook)} == {None}
    assert "widgets" not in notebook.metadata


@pytest.mark.long
def test_it_runs_and_shows_figures(executed: NotebookNode) -> None:
    outputs = [output for cell in code_cells(executed) for output in cell.outputs]
    assert [output for output in outputs if output.output_type == "error"] == []
    said = "".join(output.text for output in outputs if output.output_type == "stream" and output.name == "stderr")
    assert "Warning" not in said
    figures = [output.data[PLOTLY] for output in outputs if PLOTLY in output.get("data", {})]
    assert figures
    assert all(figure["data"] for figure in figures)
    titles = [figure["layout"]["title"]["text"] for figure in figures]
    # Every figure says how many it counts.
    assert [title for title in titles if not re.search(r"\(.*\d.*\)", title)] == []


@pytest.mark.long
def test_results_show_themselves(executed: NotebookNode) -> None:
    outputs = [output for cell in code_cells(executed) for output in cell.outputs]
    pages = [output.data[HTML] for output in outputs if HTML in output.get("data", {})]
    assert pages
    assert not any("<script" in page for page in pages)
    pictures = [alt for page in pages for alt in re.findall('<img [^>]*alt="([^"]*)"', page)]
    assert "" not in pictures
    if executed.metadata["title"] != "02_the_mnist_study":  # which has tables
        assert pictures


@pytest.mark.long
def test_its_slider_shows_the_answer(executed: NotebookNode) -> None:
    if executed.metadata["title"] not in MOVED:
        pytest.skip("no slider")
    *cells, last = code_cells(executed)
    assert any(WIDGET in output.get("data", {}) for cell in cells for output in cell.outputs)
    (output,) = [output for output in last.outputs if HTML in output.get("data", {})]
    assert MOVED[executed.metadata["title"]] in output.data[HTML]


@pytest.mark.long
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_finds_the_engine_from_the_repository_too(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    notebook.cells = code_cells(notebook)[:2]
    outputs = [output for cell in execute(notebook, REPOSITORY).cells for output in cell.outputs]
    assert [output for output in outputs if output.output_type == "error"] == []


def test_the_first_cell_is_the_same_everywhere() -> None:
    notebooks = [nbformat.read(path, as_version=4) for path in NOTEBOOKS]
    assert len({code_cells(notebook)[0].source for notebook in notebooks}) == 1


@pytest.mark.long
def test_the_first_cell_installs_outside_a_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Colab: an empty folder, and git and pip do the rest; then it finds what it cloned."""
    if not (REPOSITORY / ".git").exists():
        pytest.skip("this is no git repository, so there is nothing to clone")
    monkeypatch.setenv("SPARSIGHT_SOURCE", REPOSITORY.resolve().as_uri())
    notebook = nbformat.read(NOTEBOOKS[0], as_version=4)
    first = code_cells(notebook)[0]
    where = nbformat.v4.new_code_cell("import core\nprint(core.__file__)")
    notebook.cells = [first, nbformat.from_dict(first), where]
    *_, output = execute(notebook, tmp_path).cells[-1].outputs
    assert output.text.strip() == str(tmp_path / "sparsight" / "core" / "__init__.py")


def test_outside_a_checkout_it_asks_where_to_find_sparsight(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPARSIGHT_SOURCE", raising=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileNotFoundError, match="Set SOURCE to the address"):
        exec(code_cells(nbformat.read(NOTEBOOKS[0], as_version=4))[0].source, {})


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_imports_from_the_facade_only(path: Path) -> None:
    tree = ast.parse("\n".join(cell.source for cell in code_cells(nbformat.read(path, as_version=4))))
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            assert not node.attr.startswith("_"), ast.unparse(node)
            if ast.unparse(node.value) == "core":
                assert node.attr in core.__all__, ast.unparse(node)
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "core":
            assert node.module == "core", ast.unparse(node)
            assert {alias.name for alias in node.names} <= set(core.__all__), ast.unparse(node)
        if isinstance(node, ast.Import):
            names = {alias.name for alias in node.names}
            assert {name.split(".")[0] for name in names}.isdisjoint({"pages", "streamlit", "tests", "plotly"})
            assert not any(name.startswith("core.") for name in names), ast.unparse(node)
