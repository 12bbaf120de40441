"""Studies on the command line: prepared, shown, exported, backed up, and what is refused."""

from __future__ import annotations

import io
import json
import re
import zipfile
from contextlib import redirect_stdout
from pathlib import Path

import pytest

import core.cli.main as command_line

LITTLE = """
title: Which one?
model: thesis-cnn
variants:
  dense: {}
  pruned: {schedule: iterative-reset, level: 10}
data: {name: digits, noise: 0.2}
images: 1
pool: 60
heatmap: {method: grad-cam, layer: relu2, target: own}
tasks:
  - {kind: heatmap-pair, pairs: [[dense, pruned]]}
  - {kind: name-object, variants: [dense, pruned]}
answers: 4
trials: 10
catch: 1
practice: 1
"""


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    folder = tmp_path_factory.mktemp("cli-study")
    (folder / "study.yaml").write_text(LITTLE)
    return ("--folder", str(folder))


@pytest.fixture(scope="module")
def prepared(here: tuple[str, ...]) -> str:
    """The name of a small study."""
    said = io.StringIO()
    words = ["study", "new", "small", "--file", str(Path(here[1]) / "study.yaml"), "--device", "cpu", *here]
    with redirect_stdout(said):
        assert command_line.main(words) == 0
    assert "'small' is ready: 12 participants, 11 questions each" in said.getvalue()
    return "small"


def test_presets_and_studies_are_listed(command, here: tuple[str, ...], prepared: str) -> None:
    out = command("study", "list", *here)[1]
    assert "less-is-more" in out
    assert "0 of 12" in out
    facts = json.loads(command("study", "list", "--json", *here)[1])
    assert facts == {"presets": ["class", "less-is-more", "digits"], "studies": ["small"]}


def test_a_preset_is_written_and_not_overwritten(command, here: tuple[str, ...], tmp_path: Path) -> None:
    out = tmp_path / "class.yaml"
    assert command("study", "write", "class", str(out), *here)[0] == 0
    assert "heatmap-pair" in out.read_text()
    assert "exists already" in command("study", "write", "class", str(out), *here)[2]
    assert "Did you mean" in command("study", "write", "klass", str(tmp_path / "x.yaml"), *here)[2]


def test_results_are_shown_as_text_and_as_json(command, here: tuple[str, ...], prepared: str) -> None:
    assert "Nobody has answered yet." in command("study", "show", prepared, *here)[1]
    facts = json.loads(command("study", "show", prepared, "--json", *here)[1])
    assert facts["counts"]["slots"] == 12
    shown = command("study", "simulate", prepared, "--preference", "0.9", *here)[1]
    assert re.search(r"Simulated: [\d,]+ participants with answers, of whom \d+ stopped early", shown)
    assert "prefer 'pruned' to 'dense'" in shown
    assert json.loads(command("study", "show", prepared, "--json", *here)[1])["counts"]["answers"] == 0


def test_the_published_counts_are_analysed(command, here: tuple[str, ...]) -> None:
    shown = command("study", "show", "--published", *here)[1]
    assert "715 / 818 / 967" in shown
    assert ".57" in shown


def test_a_study_is_exported_backed_up_restored_and_deleted(
    command, here: tuple[str, ...], prepared: str, tmp_path: Path
) -> None:
    assert command("study", "export", prepared, str(tmp_path / "all.zip"), *here)[0] == 0
    names = zipfile.ZipFile(tmp_path / "all.zip").namelist()
    assert any(name.endswith("codebook.csv") for name in names)
    assert command("study", "backup", prepared, str(tmp_path / "copy.db"), *here)[0] == 0
    assert "never overwrites" in command("study", "backup", prepared, str(tmp_path / "copy.db"), *here)[2]
    assert command("study", "restore", "again", str(tmp_path / "copy.db"), "--device", "cpu", *here)[0] == 0
    assert "--yes" in command("study", "delete", "again", *here)[2]
    assert command("study", "delete", "again", "--yes", *here)[0] == 0
    assert json.loads(command("study", "list", "--json", *here)[1])["studies"] == ["small"]


def test_a_study_is_closed_and_opened(command, here: tuple[str, ...], prepared: str) -> None:
    assert "is closed" in command("study", "close", prepared, *here)[1]
    assert "is open" in command("study", "reopen", prepared, *here)[1]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["new", "Big Name"], "cannot be called"),
        (["new", "x", "--preset", "klass"], "Did you mean"),
        (["new", "x", "--preset", "class", "--file", "y.yaml"], "Both a preset and a file"),
        (["new", "x", "--file", "missing.yaml"], "cannot be read"),
        (["new", "x", "--images", "0"], "number of images"),
        (["show", "nothing"], "There is no study 'nothing'"),
        (["serve", "nothing"], "There is no study 'nothing'"),
        (["restore", "x", "missing.db"], "There is no file"),
        (["import-mturk", "missing.csv", "missing.yaml"], "missing"),
    ],
)
def test_what_cannot_be_done_is_explained(command, here: tuple[str, ...], words: list[str], said: str) -> None:
    status, _, err = command("study", *words, *here)
    assert status in (1, 2)
    assert said in err
    assert "Traceback" not in err
