"""A sweep in several processes of this machine: each runs the same sweep, and they share its
networks.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import IO, Any

from core.base.errors import SparsightError

Line = dict[str, Any]
PARENT = "SPARSIGHT_PARENT"  # the process without which one of these ends
LOOK_S = 1.0
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def run(words: Sequence[str], count: int, gpus: int = 0) -> Iterator[Line]:
    """Run `python -m core` with these words in several processes; yield the lines that they print,
    as they come.

    A process that dies costs the network that it worked on; the others take it over. Leaving the
    loop ends them all.

    Args:
        words: of a command that prints JSON lines. gpus: each process gets one of them; 0 for none,
            then each computes in one thread.
    Raises:
        SparsightError: every process failed; with what the last one said.
    """
    said: Queue[Line | None] = Queue()
    with tempfile.TemporaryDirectory() as folder:
        logs = [Path(folder) / f"{number}.txt" for number in range(count)]
        processes = [_start(words, log, number, gpus) for number, log in enumerate(logs)]
        try:
            for process in processes:
                assert process.stdout is not None
                Thread(target=_listen, args=(process.stdout, said), daemon=True).start()
            for _ in processes:
                while (line := said.get()) is not None:
                    yield line
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait()
        if all(process.returncode for process in processes):
            raise SparsightError(
                f"All {count} processes of the sweep ended with an error.",
                _error(logs[-1])[-2000:],
                "Run it again.",
            )


def _start(words: Sequence[str], log: Path, number: int, gpus: int) -> subprocess.Popen[str]:
    environment = os.environ | {PARENT: str(os.getpid())} | ({} if gpus else dict.fromkeys(THREADS, "1"))
    device = ["--device", f"cuda:{number % gpus}"] if gpus else []
    with log.open("w") as errors:
        return subprocess.Popen(
            [sys.executable, "-m", "core", *words, *device],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )


def _error(log: Path) -> str:
    """Return what a process wrote, without its progress."""
    return "\n".join(line for line in log.read_text().splitlines() if not line.startswith('{"progress"'))


def end_with_parent() -> None:
    """Interrupt this process, as Ctrl-C does, once the one that started it is gone. Does nothing in
    a process that nobody started from here.
    """
    parent = os.environ.pop(PARENT, "")
    if parent:
        Thread(target=_watch, args=(int(parent),), name="parent", daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK_S)
    os.kill(os.getpid(), signal.SIGINT)


def _listen(stream: IO[str], said: Queue[Line | None]) -> None:
    for line in stream:
        said.put(json.loads(line))
    said.put(None)
