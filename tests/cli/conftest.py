"""Shared by the tests of the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

import core.cli.main as command_line


@pytest.fixture
def command(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    """Runs one command with an empty cache folder: exit status, standard output, standard error,
    without progress on it, however slow the machine is.
    """
    monkeypatch.setattr("core.cli.progress.FIRST_S", 3600.0)

    def run(*words: str) -> tuple[int, str, str]:
        status = command_line.main(
            [*words, *([] if any("--folder" in word for word in words) else ["--folder", str(tmp_path / "cache")])]
        )
        out, err = capsys.readouterr()
        return status, out, err

    return run
