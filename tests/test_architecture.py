"""The tree keeps its shape: every module lies in a room, imports go down, functions are short."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("core", "pages", "bench", "docs")
SOURCES = sorted([ROOT / "app.py", *(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))])
# Lower floors first. A room imports rooms on lower floors, never one above it or beside it.
FLOORS = (
    ("core.base",),
    ("core.specs", "core.disk", "core.jobs", "core.classroom"),
    ("core.results", "core.saliency", "core.stats"),
    ("core.pruning", "core.measures"),
    ("core.models",),
    ("core.data", "core.store"),
    ("core.evaluation",),
    ("core.engine", "core.training"),
    ("core.sweeps",),
    ("core.units",),
    ("core.protocols",),
    ("core.figures",),
    ("core.study", "core.portable", "core.report"),
    ("core.cli", "core"),  # "core" alone is the facade
    ("pages.parts.common",),
    ("pages.parts.sidebar",),
    (
        "pages.parts.explore",
        "pages.parts.compare",
        "pages.parts.curves",
        "pages.parts.decide",
        "pages.parts.units",
        "pages.parts.study",
        "pages.parts.networks",
        "pages.parts.retrain",
        "pages.parts.lessons",
        "pages.parts.home",
        "pages.parts.settings",
    ),
    ("pages", "app", "bench", "core.__main__"),
    ("docs",),
)
STRANGERS = (("pages.parts", "core.cli"),)  # on different floors, and yet without a way between them
MOST_STATEMENTS, MOST_IN_A_FILE = 40, 250


def module_name(path: Path, root: Path = ROOT) -> str:
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room(module: str) -> tuple[int, str] | None:
    """Floor and name of the room that a module lies in, None for a module that no room lists."""
    for floor, names in enumerate(FLOORS):
        for name in names:
            inside = module == name or (name not in ("core", "pages", "app") and module.startswith(f"{name}."))
            if inside or (name == "pages" and module.startswith("pages.") and module.count(".") == 1):
                return floor, name
    return None


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
            found |= {_imported(node.module, alias.name) for alias in node.names}
    return found


def _imported(module: str, name: str) -> str:
    """The module behind `from module import name`."""
    inner = ROOT.joinpath(*module.split("."), name)
    return f"{module}.{name}" if inner.is_dir() or inner.with_suffix(".py").is_file() else module


def breaches(path: Path, root: Path = ROOT) -> list[str]:
    module = module_name(path, root)
    own = room(module)
    if own is None:
        return [] if module in ("pages.parts",) else [f"{module} lies in no room"]
    rows = []
    for name in runtime_imports(path):
        other = room(name)
        apart = any(module.startswith(a) and name.startswith(b) for a, b in STRANGERS)
        if other is not None and other != own and (other[0] >= own[0] or apart):
            rows.append(f"{module} imports {name}")
    return rows


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_every_module_lies_in_a_room_and_imports_downwards(path: Path) -> None:
    assert breaches(path) == []


@pytest.mark.parametrize(
    ("path", "text", "wrong"),
    [
        ("core/measures/bad.py", "from core.engine.engine import Engine", "imports core.engine.engine"),
        ("core/measures/bad.py", "from core.pruning import mask", "imports core.pruning.mask"),
        ("core/models/bad.py", "from core import Engine", "imports core"),
        ("core/loose.py", "", "lies in no room"),
        ("pages/parts/compare/bad.py", "from pages.parts.explore import costs", "imports pages.parts.explore.costs"),
        ("pages/parts/retrain/bad.py", "from core.cli.main import main", "imports core.cli.main"),
    ],
)
def test_a_breach_would_be_found(tmp_path: Path, path: str, text: str, wrong: str) -> None:
    bad = tmp_path / path
    bad.parent.mkdir(parents=True)
    bad.write_text(text)
    (found,) = breaches(bad, tmp_path)
    assert found.endswith(wrong)


def test_every_room_is_there() -> None:
    for name in {name for names in FLOORS for name in names}:
        place = ROOT.joinpath(*name.split("."))
        assert place.is_dir() or place.with_suffix(".py").is_file(), name


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


def statements(node: ast.AST) -> int:
    """Statements in a function, class or module, itself and docstrings left out."""
    return sum(
        isinstance(inner, ast.stmt) and not (isinstance(inner, ast.Expr) and isinstance(inner.value, ast.Constant))
        for inner in ast.walk(node)
        if inner is not node
    )


@pytest.mark.parametrize("path", SOURCES, ids=module_name)
def test_files_and_functions_are_short(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert statements(tree) <= MOST_IN_A_FILE
    long = []
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            arguments = len(node.args.args) + len(node.args.kwonlyargs) + len(node.args.posonlyargs)
            if statements(node) > MOST_STATEMENTS or arguments > 6:  # five arguments, and self
                long.append(f"{node.name}: {statements(node)}")
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
