"""python -m bench: one line of JSON for each bench, and errors that say what to do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench import BENCHES
from bench.__main__ import build
from core.cli.app import run_command


@pytest.mark.long
def test_prints_one_line_of_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(build, ["threads", "--n", "4", "--device", "cpu", "--folder", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    assert json.loads(out)["differing"] == 0


@pytest.mark.parametrize(
    ("words", "said"), [(["slidr"], "Did you mean 'slider'?"), (["slider", "--n", "0"], "at least 1")]
)
def test_says_what_is_wrong(words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(build, [*words, "--folder", str(tmp_path)]) == 1
    assert said in capsys.readouterr().err


def test_help_names_every_bench(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(build, ["--help"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in BENCHES)


def test_a_campaign_whose_trials_are_all_there_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    row = {"number": 0, "took_s": 1.0, "case": "full", "faults": [], "facts": {}}
    (tmp_path / "disk.jsonl").write_text(json.dumps(row) + "\n")
    assert run_command(build, ["faults", "disk", "--n", "1", "--out", str(tmp_path)]) == 0
    out, err = capsys.readouterr()
    assert err == f"Nothing was tried: {tmp_path}/disk.jsonl has 1 trial already.\n"
    assert json.loads(out)["n"] == 1
