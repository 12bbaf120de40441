"""`core` offers what notebooks need, and imports torch only when a name that needs it is used."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

import core
from core.base.settings import REPOSITORY


@pytest.mark.parametrize("name", core.__all__)
def test_every_name_is_there(name: str) -> None:
    assert getattr(core, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'engine_of'"):
        core.engine_of  # noqa: B018 - reading it is the test


def test_importing_it_stays_light() -> None:
    heavy = ("torch", "plotly", "ipywidgets", "pandas", "numpy", "IPython")
    code = f"import sys, core; print([name for name in {heavy} if name in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


@pytest.mark.long
def test_importing_it_inside_ipython_shows_results_and_stays_light() -> None:
    """As a kernel does it; in a process of its own, because a shell takes over the interpreter."""
    code = (
        "import sys\n"
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "shell = InteractiveShell.instance()\n"
        "shell.run_cell('import core', silent=True)\n"
        "print('torch' in sys.modules)\n"
        "shell.run_cell('answer = core.Engine().report(core.VariantSpec())', silent=True)\n"
        "data, _ = shell.display_formatter.format(shell.user_ns['answer'])\n"
        "print('</table>' in data['text/html'], data['text/plain'].splitlines()[0])\n"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert run.stdout.splitlines() == [
        "False",
        "True At 0.0 % sparsity (1× compression), 2,324 of 2,324 prunable weights are left.",
    ]


@pytest.mark.parametrize("path", ["README.md", "docs/architecture.md"])
def test_examples_import_from_the_facade_only(path: str) -> None:
    text = (REPOSITORY / path).read_text(encoding="utf-8")
    for names in re.findall(r"^from core import (.*)$", text, re.MULTILINE):
        assert {name.strip() for name in names.split(",")} <= set(core.__all__)
    assert re.findall(r"^from core\.\S+ import", text, re.MULTILINE) == []
