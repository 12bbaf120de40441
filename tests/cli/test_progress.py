"""Long commands in processes of their own: progress on stderr, and Ctrl-C in the middle."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from core.base.settings import REPOSITORY

WAIT_S = 120.0
SWEEP = """
models: [thesis-cnn]
prunings: [{sparsity: [0.5, 0.9]}]
heatmaps: [grad-cam]
measures: [right, agrees, pearson, deletion, insertion]
"""
LINE = re.compile(r"^(.+): ([\d,]+) of ([\d,]+)( \(.+ % of the next\))?, .+ so far(, .+ left)?$", re.MULTILINE)


def start(folder: Path, *words: str, first_s: float = 0.2) -> subprocess.Popen[str]:
    """Starts a command whose first line of progress comes early."""
    code = f"import core.cli.progress as p; p.FIRST_S = {first_s}; from core.cli.main import main; exit(main())"
    return subprocess.Popen(
        [sys.executable, "-c", code, *words, "--folder", str(folder), "--device", "cpu"],
        cwd=REPOSITORY,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def interrupted(process: subprocess.Popen[str], ready: Callable[[], bool]) -> tuple[int, str, str]:
    """Presses Ctrl-C once the command is ready for it: exit status, stdout, stderr."""
    end = time.monotonic() + WAIT_S
    while not ready() and process.poll() is None and time.monotonic() < end:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=WAIT_S)
    return process.returncode, out, err


def after_a_line(process: subprocess.Popen[str], wanted: str, seen: list[str]) -> Callable[[], bool]:
    """Whether stderr has said something like this; what was read is kept in `seen`."""

    def ready() -> bool:
        assert process.stderr is not None
        seen.append(process.stderr.readline())
        return re.search(wanted, seen[-1]) is not None

    return ready


@pytest.mark.long
def test_a_stopped_evaluation_keeps_its_images(tmp_path: Path) -> None:
    words = ("evaluate", "--sparsity", "0.9", "--heatmaps", "--faithfulness", "--json", "--out")
    process, seen = start(tmp_path / "cache", *words, str(tmp_path / "stopped.csv")), list[str]()
    status, out, err = interrupted(process, after_a_line(process, '"Heatmaps made", "done": [1-9]', seen))
    assert (status, out) == (130, "")
    assert err.splitlines()[-1].startswith("Stopped. The images that are done are kept; the same command goes on")
    assert "Traceback" not in err
    found = [json.loads(line)["progress"] for line in seen]
    assert found[-1]["total"] == 5000
    assert found[-1]["seconds_left"] is None or found[-1]["seconds_left"] > 0
    assert len(list((tmp_path / "cache").rglob("unfinished.safetensors"))) == 1


@pytest.mark.long
def test_a_stopped_sweep_says_what_is_kept_and_goes_on(tmp_path: Path) -> None:
    path, folder, seen = tmp_path / "sweep.yaml", tmp_path / "cache", list[str]()
    path.write_text(SWEEP)
    process = start(folder, "sweep", "run", str(path), "--yes")
    status, _, err = interrupted(process, after_a_line(process, "Networks: 0 of 2 \\((?!0.0 %)", seen))
    assert status == 130
    assert err.splitlines()[-1] == (
        "Stopped. Every network and image that is done is kept; the same command goes on from there."
    )
    assert LINE.search(seen[-1])
    (kept,) = folder.rglob("unfinished.safetensors")
    assert kept.stat().st_size > 0
    process = start(folder, "sweep", "run", str(path), "--yes")
    assert process.communicate(timeout=5 * WAIT_S)[0].count("thesis-cnn/") == 2
    assert not list(folder.rglob("unfinished.safetensors"))


@pytest.mark.long
def test_an_evaluation_says_from_the_beginning_how_far_it_is(tmp_path: Path) -> None:
    process, seen = start(tmp_path / "cache", "evaluate", "--data", "digits", first_s=0.05), list[str]()
    status, out, err = interrupted(process, after_a_line(process, "so far", seen))
    assert (status, out) == (130, "")
    assert len(err.splitlines()[-1].split(";")) == 2
    assert "Traceback" not in err
    assert "Reading the images" in seen[-1] or "Images classified" in seen[-1]
