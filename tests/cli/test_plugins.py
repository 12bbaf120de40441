"""--plugins on the command line: what they register is there; an error stops nothing."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.cli.main import build
from core.cli.structure import commands_of, options_of
from tests.plugins_of_a_test import forget

Command = Callable[..., tuple[int, str, str]]
GOOD = """
from core.pruning.scores import CRITERIA

@CRITERIA.register("opposite", "Opposite", "Large weights go first.", needs="weights")
def opposite(evidence):
    return {name: evidence.mean(name, 1 / (1 + values.abs())) for name, values in evidence.weights.items()}
"""


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    yield
    forget()


@pytest.fixture
def files(tmp_path: Path) -> str:
    """A plugin with an error, and one without."""
    (tmp_path / "bad.py").write_text("1 / 0\n")
    (tmp_path / "good.py").write_text(GOOD)
    return os.pathsep.join((str(tmp_path / "bad.py"), str(tmp_path / "good.py")))


def test_the_good_one_answers_and_the_error_of_the_other_is_said(command: Command, files: str, tmp_path: Path) -> None:
    status, out, err = command("info", "--plugins", files, "--json")
    assert status == 0
    assert json.loads(out)["criteria"]["opposite"] == "Large weights go first."
    assert err.startswith(f"Warning: The plugin {tmp_path / 'bad.py'}, line 1: ZeroDivisionError: division by zero.\n")
    words = ("heatmap", "--sparsity", "0.5", "--criterion", "opposite", "--plugins", files, "--json")
    status, out, err = command(*words)
    assert status == 0
    assert json.loads(out)["mask"]["sparsity"] == pytest.approx(0.5, abs=1e-3)
    forget()
    status, _, err = command(*words[:5], "--json")
    assert status == 1
    assert "There is no criterion 'opposite'" in err


def test_the_variable_does_the_same(command: Command, files: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARSIGHT_PLUGINS", files)
    status, out, err = command("info", "--json")
    assert status == 0
    assert "opposite" in json.loads(out)["criteria"]
    assert "ZeroDivisionError" in err


def test_every_command_has_the_option() -> None:
    app = build()
    groups = [app[name] for name in commands_of(app)]
    commands = [one for group in groups for one in ([group[name] for name in commands_of(group)] or [group])]
    assert len(commands) > 15
    lacking = [one.name for one in commands if "--folder" in options_of(one) and "--plugins" not in options_of(one)]
    assert lacking == []
