"""Processes of a sweep end with the one that started them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress

import pytest

from core.base.settings import REPOSITORY

# Starts another process as `core.sweeps.processes` does, and waits for it.
STARTER = """
import os, subprocess, sys
from core.sweeps.processes import PARENT
child = subprocess.Popen([sys.executable, "-c", sys.argv[1]], env=os.environ | {PARENT: str(os.getpid())})
child.wait()
"""
WORKER = """
import os, time
from core.sweeps.processes import end_with_parent
end_with_parent()
print(os.getpid(), flush=True)
time.sleep(60)
"""


def runs(process: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(process, 0)
        return True
    return False


@pytest.mark.parametrize("how", [signal.SIGKILL, pytest.param(signal.SIGTERM, marks=pytest.mark.long)])
def test_a_worker_is_interrupted_when_its_starter_is_killed(how: signal.Signals) -> None:
    command = [sys.executable, "-c", STARTER, WORKER]
    starter = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert starter.stdout is not None
    worker = int(starter.stdout.readline())
    assert runs(worker)
    starter.send_signal(how)
    said = starter.communicate(timeout=20)[1]  # until the worker has closed the pipes, too
    assert "KeyboardInterrupt" in said
    end = time.monotonic() + 10
    while runs(worker) and time.monotonic() < end:
        time.sleep(0.05)
    assert not runs(worker)


def test_a_sweep_of_its_own_has_no_starter(monkeypatch: pytest.MonkeyPatch) -> None:
    from core.sweeps.processes import PARENT, end_with_parent

    monkeypatch.delenv(PARENT, raising=False)
    end_with_parent()
