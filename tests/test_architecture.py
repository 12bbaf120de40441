"""The tree keeps its shape: directions of imports, sizes, no streamlit below the pages, no torch in
them.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted([ROOT / "app.py", *(ROOT / "core").rglob("*.py"), *(ROOT / "pages").rglob("*.py")])
# Lower rooms first: a room imports rooms above it in this list never, except itself.
ROOMS = (
    (
        "core.errors",
        "core.stamps",
        "core.suggestions",
        "core.text",
        "core.registry",
        "core.specs",
        "core.results",
        "core.device",
        "core.control",
    ),
    ("core.pruning", "core.saliency", "core.measures", "core.stats"),
    (
        "core.store",
        "core.models",
        "core.data",
        "core.training",
        "core.protocols",
        "core.evaluation",
        "core.comparing",
        "core.cost",
        "core.freshness",
        "core.pictures",
        "core.plots",
        "core.strips",
        "core.sheets",
        "core.amounts",
        "core.wording",
    ),
    (
        "core.engine",
        "core.rounding",
        "core.sweep",
        "core.jobs",
        "core.job_process",
        "core.retraining",
        "core.retraining_data",
        "core.shipping",
    ),
    ("core.bench",),
    (
        "core.describe",
        "core.printing",
        "core.study_text",
        "core.export",
        "core.protocol_commands",
        "core.merkle_commands",
        "core.ship_commands",
        "core.vonrad_commands",
        "core.job_commands",
        "core.asked",
        "core.asked_training",
        "core.target",
        "core.writing",
    ),
    ("core.__main__", "core.parser"),
    ("pages.shared",),
    ("pages", "app"),
)
PURE = ("core.pruning", "core.saliency", "core.measures", "core.stats")


def module_name(path: Path, root: Path = ROOT) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room(module: str) -> tuple[int, str] | None:
    """Floor and name of the room a module lies in; the longest name that fits."""
    fitting = [
        (floor, name)
        for floor, names in enumerate(ROOMS)
        for name in names
        if module == name or module.startswith(name + ".")
    ]
    return max(fitting, key=lambda found: len(found[1]), default=None)


def runtime_imports(path: Path) -> set[str]:
    """Imported modules, those for type checkers only left out."""
    tree = ast.parse(path.read_text())
    skipped = {
        id(node)
        for test in ast.walk(tree)
        if isinstance(test, ast.If) and "TYPE_CHECKING" in ast.unparse(test.test)
        for node in ast.walk(test)
    }
    found = set()
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {
                f"{node.module}.{alias.name}" for alias in node.names if node.module in ("core", "pages")
            }
    return found


def breaches(path: Path, root: Path = ROOT) -> list[str]:
    own = room(module_name(path, root))
    if own is None:  # core/__init__.py, which shows the engine to notebooks
        return []
    rows = []
    for name in runtime_imports(path):
        other = room(name)
        sideways = other is not None and other != own and own[1] in PURE and other[1] in PURE
        if other is not None and (other[0] > own[0] or sideways):
            rows.append(f"{path} imports {name}")
    return rows


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_imports_go_downwards(path: Path) -> None:
    assert breaches(path) == []


def test_a_breach_would_be_found(tmp_path: Path) -> None:
    bad = tmp_path / "core" / "measures" / "bad.py"
    bad.parent.mkdir(parents=True)
    bad.write_text("from core.engine import Engine\nfrom core.saliency import cams\n")
    assert len(breaches(bad, tmp_path)) == 2


def test_core_is_free_of_streamlit_and_pages_of_torch() -> None:
    roots = {path: {name.split(".")[0] for name in runtime_imports(path)} for path in SOURCES}
    assert [
        path for path, names in roots.items() if module_name(path).startswith("core") and "streamlit" in names
    ] == []
    assert [
        path
        for path, names in roots.items()
        if module_name(path).startswith(("pages", "app")) and names & {"torch", "numpy"}
    ] == []


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_files_and_functions_are_short(path: Path) -> None:
    text = path.read_text()
    assert text.count("\n") <= 330
    long = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef):
            doc = (ast.get_docstring(node) or "").count("\n") + 1
            arguments = len(node.args.args) + len(node.args.kwonlyargs) + len(node.args.posonlyargs)
            if node.end_lineno - node.lineno + 1 - doc > 50 or arguments > 6:  # five arguments, and self
                long.append(node.name)
    assert long == []


def test_every_module_and_public_class_of_core_says_what_it_is() -> None:
    silent = []
    for path in SOURCES:
        nodes = ast.walk(ast.parse(path.read_text())) if module_name(path).startswith("core") else ()
        named = [
            (getattr(node, "name", "module"), node) for node in nodes if isinstance(node, ast.ClassDef | ast.Module)
        ]
        silent += [
            f"{module_name(path)}:{name}"
            for name, node in named
            if not name.startswith("_") and not ast.get_docstring(node)
        ]
    assert silent == []
