"""Every notebook runs from top to bottom in a fresh kernel, shows figures, and lies in the
repository without output.
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
LAST_CELL = "if 'slider' in globals():\n    slider.value = 99"  # or as far as it goes
# What a notebook says then: 1 % of 2,324 weights; 40 % of the 4,608,992 prunable ones of
# EfficientNet-lite0
MOVED = {
    "01_pruning_and_heatmaps": ("23 weights kept", "99.0% sparsity (n = 1)"),
    "03_real_networks": ("1,843,597 weights kept", "60.0% sparsity (n = 1)"),
}


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
def test_its_slider_redraws_the_figure(executed: NotebookNode) -> None:
    if not any("slider =" in cell.source for cell in code_cells(executed)[:-1]):
        pytest.skip("no slider")
    outputs = code_cells(executed)[-1].outputs
    said = "".join(output.text for output in outputs if output.output_type == "stream")
    kept, title = MOVED[executed.metadata["title"]]
    assert said.startswith(kept)
    (figure,) = [output.data[PLOTLY] for output in outputs if PLOTLY in output.get("data", {})]
    assert figure["layout"]["title"]["text"] == title


@pytest.mark.long
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_finds_the_engine_from_the_repository_too(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    notebook.cells = code_cells(notebook)[:1]
    outputs = execute(notebook, REPOSITORY).cells[0].outputs
    assert [output for output in outputs if output.output_type == "error"] == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_imports_from_the_facade_only(path: Path) -> None:
    tree = ast.parse("\n".join(cell.source for cell in code_cells(nbformat.read(path, as_version=4))))
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            assert not node.attr.startswith("_"), ast.unparse(node)
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] == "core":
            assert node.module == "core", ast.unparse(node)
            assert {alias.name for alias in node.names} <= set(core.__all__), ast.unparse(node)
        if isinstance(node, ast.Import):
            assert {alias.name.split(".")[0] for alias in node.names}.isdisjoint({"pages", "streamlit", "tests"})
