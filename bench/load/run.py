"""The load of a class: students, one person with a browser, what the server needed, and whether
every answer equals that of a server with one visitor.
"""

from __future__ import annotations

import itertools
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import torch

from bench.browser import PATIENCE_S, browser_page, free_port, open_explore, wait_for_pictures
from bench.load.shown import Shown
from bench.load.student import START, Step, Student, View, again
from bench.load.visitor import NoAnswer
from bench.measure import line, percentile
from core.base.errors import SparsightError
from core.base.numbers import GIGABYTE, MEGABYTE
from core.base.settings import REPOSITORY
from core.classroom.status import running

PAUSE_S = (2.0, 8.0)  # a person looks this long before the next action
ARRIVAL_S = 10.0  # within which everybody opens the page
LOOK_S = 2.0  # between two looks at the server
MOST_NAMED = 10
FLOOR = re.compile(r"  \ntwo dense networks of different seeds agree by .*")
Parts = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Asked:
    """users: of whom one has a browser, if there is one. seed: decides what they do. browser:
    whether the last of several users has a real browser.
    """

    users: int
    minutes: float
    seed: int = 0
    browser: bool = True


@dataclass
class Seen:
    """What the users saw. views: what each view showed, first seen first; more than one is wrong.
    browser_s: of slider moves in the browser.
    """

    steps: list[Step] = field(default_factory=list)
    views: dict[View, dict[Parts, int]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    browser_s: list[float] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, step: Step) -> None:
        with self.lock:
            self.steps.append(step)
            shown = self.views.setdefault(step.view, {})
            shown[step.shown.parts] = shown.get(step.shown.parts, 0) + 1

    def fail(self, what: str) -> None:
        with self.lock:
            self.failures.append(what)


class Watch:
    """Looks at the server now and then: memory, processor time, queue."""

    def __init__(self, process: int, folder: Path) -> None:
        self.server, self.folder, self.own = psutil.Process(process), folder, psutil.Process()
        self.memory: list[tuple[float, int]] = []
        self.waiting: list[int] = []
        self._begun, self._ended = time.monotonic(), threading.Event()
        self._before = self._times()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def _look(self) -> None:
        while not self._ended.wait(LOOK_S):
            with suppress(psutil.Error):
                self.memory.append((time.monotonic() - self._begun, self.server.memory_info().rss))
            for facts in running(self.folder):
                self.waiting.append(facts.get("slow questions", {}).get("waiting", 0))

    def _times(self) -> tuple[float, float, float]:
        own, server = self.own.cpu_times(), self.server.cpu_times()
        return own.user + own.system, server.user + server.system, _of_children(self.own, self.server.pid)

    def end(self) -> dict[str, Any]:
        """Return processor time as shares of all cores, and memory in bytes."""
        took_s, now = time.monotonic() - self._begun, self._times()
        self._ended.set()
        self._thread.join()
        cores = (os.cpu_count() or 1) * took_s
        names = ("generator_cpu_share", "server_cpu_share", "browser_cpu_share")
        each = max(1, len(self.memory) // 10)
        sizes = [size for _, size in self.memory]
        return {
            name: round((after - before) / cores, 3)
            for name, before, after in zip(names, self._before, now, strict=True)
        } | {
            "memory_mb": [[round(at), round(size / MEGABYTE)] for at, size in self.memory[::each]],
            "memory_peak_gb": round(max(sizes, default=0) / GIGABYTE, 2),
            "queue_most": max(self.waiting, default=0),
            "queue_mean": round(sum(self.waiting) / max(1, len(self.waiting)), 2),
        }


def _of_children(process: psutil.Process, server: int) -> float:
    """Return the processor time of a browser: every other child."""
    total = 0.0
    for child in process.children(recursive=True):
        with suppress(psutil.Error):
            times = child.cpu_times()
            total += (times.user + times.system) if child.pid != server else 0.0
    return total


def load(device: torch.device, asked: Asked) -> dict[str, Any]:
    """Users at work for some minutes, then every view again on a new server with one visitor.

    ours_s: slider moves until Explore's four pictures are there. actions: by action, answers, and
    the median and 95th percentile in seconds: until the pictures or figure are there, and until the
    page is complete. differing: answers unlike those of a visitor alone. errors: pages that showed
    an error, and visitors without an answer. browser: slider moves until the pictures are painted.
    """
    seen, port = Seen(), free_port()
    with tempfile.TemporaryDirectory() as folder:
        with served(Path(folder) / "many", port, device) as (home, process):
            watch = Watch(process, Path(folder) / "many")
            began = time.monotonic()
            _crowd(home, asked, seen)
            took_s = time.monotonic() - began
            needed = watch.end()
        with served(Path(folder) / "one", port, device) as (home, _):
            differing, unsure, serial_s = _differing(home, seen)
    waits = [step.shown.pictures_s for step in seen.steps if step.action == "slider" and step.shown.pictures_s]
    wrong = [f"{step.action}, {step.shown.address}: {text}" for step in seen.steps for text in step.shown.errors]
    errors = [*seen.failures, *wrong]
    return (
        line("load", device, waits or [0.0])
        | {
            "users": asked.users,
            "minutes": round(took_s / 60, 2),
            "answers": len(seen.steps),
            "answers_a_minute": round(60 * len(seen.steps) / took_s, 1),
            "views": len(seen.views),
            "differing": len(differing),
            "differing_first": differing[:MOST_NAMED],
            "unchecked": unsure,
            "errors": len(errors),
            "errors_first": [text for text, _ in Counter(errors).most_common(MOST_NAMED)],
            "actions": _by_action(seen.steps),
            "browser": _summed_up(seen.browser_s),
            "received_mb": round(sum(step.shown.bytes for step in seen.steps) / MEGABYTE, 1),
            "serial_s": round(serial_s, 1),
        }
        | needed
    )


@contextmanager
def served(folder: Path, port: int, device: torch.device) -> Iterator[tuple[str, int]]:
    """Start a server for a class with an empty cache; yield its address and process."""
    folder.mkdir(parents=True)
    command = [sys.executable, "-m", "core", "serve", "--folder", str(folder), "--port", str(port)]
    with (folder / "log.txt").open("w") as log:
        process = subprocess.Popen(
            [*command, "--device", str(device)], cwd=REPOSITORY, stdout=log, stderr=subprocess.STDOUT
        )
    home = f"http://127.0.0.1:{port}"
    try:
        _wait_for(home, process)
        yield home, process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(30)
        process.kill()
        process.wait()


def _wait_for(home: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + PATIENCE_S
    while process.poll() is None and time.monotonic() < end:
        with suppress(OSError), urllib.request.urlopen(f"{home}/_stcore/health", timeout=1):
            return
        time.sleep(0.1)
    raise SparsightError("The server did not start.", "This bench measures it.", "Run `make serve` to see why.")


def _crowd(home: str, asked: Asked, seen: Seen) -> None:
    end = time.monotonic() + 60 * asked.minutes
    with_browser = asked.browser and asked.users > 1
    people = [
        threading.Thread(target=_student, args=(home, asked.seed * 1000 + number, end, seen), daemon=True)
        for number in range(asked.users - with_browser)
    ]
    if with_browser:
        people.append(threading.Thread(target=_reader, args=(home, asked.seed, end, seen), daemon=True))
    for person in people:
        person.start()
    for person in people:
        person.join()


def _student(home: str, seed: int, end: float, seen: Seen) -> None:
    """A student until the end; one without an answer comes again."""
    draw = random.Random(seed)
    time.sleep(draw.uniform(0, ARRIVAL_S))
    for visit in itertools.count():
        try:
            student = Student(home, seed + 100_000 * visit)
            try:
                seen.add(student.arrive())
                while time.monotonic() < end:
                    student.pause(draw.uniform(*PAUSE_S))
                    seen.add(student.act())
                return
            finally:
                student.leave()
        except (SparsightError, OSError, TimeoutError) as error:
            seen.fail(f"{type(error).__name__}: {error}")
        if time.monotonic() > end:
            return


def _reader(home: str, seed: int, end: float, seen: Seen) -> None:
    """A person with a browser, who moves Explore's slider."""
    draw = random.Random(f"browser {seed}")
    try:
        with browser_page() as tab:
            shown = open_explore(tab, f"{home}")
            while time.monotonic() < end:
                tab.wait_for_timeout(1000 * draw.uniform(*PAUSE_S))
                slider = tab.get_by_role("slider").first
                began = time.perf_counter()
                slider.press(draw.choice(("ArrowLeft", "ArrowRight")))
                shown = wait_for_pictures(tab, shown)
                seen.browser_s.append(time.perf_counter() - began)
    except Exception as error:  # playwright's errors share no class with ours
        seen.fail(f"browser: {type(error).__name__}: {error}"[:300])


def _differing(home: str, seen: Seen) -> tuple[list[str], int, float]:
    """Return answers that differ from those of a visitor alone, how many views could not be asked
    again, and the time.
    """
    began, found, unsure = time.monotonic(), [], 0
    again(home, View(f"explore?{START}", None, waits=False))  # warm
    for view, shown in seen.views.items():
        try:
            alone = again(home, view)
        except NoAnswer as error:
            unsure += 1
            seen.fail(f"alone, {view.address}: {error}")
            continue
        for parts, times in shown.items():
            if _settled(parts) != _settled(alone.parts):
                found += [f"{view.address}: {_first(_settled(parts), _settled(alone.parts))}"] * times
    return found, unsure, time.monotonic() - began


def _settled(parts: Parts) -> Parts:
    """Leave out the noise floor: where it is not included, it appears once it is measured."""
    return tuple((kind, FLOOR.sub("", text)) for kind, text in parts)


def _first(parts: Parts, alone: Parts) -> str:
    """Say where two pages differ first."""
    for one, other in itertools.zip_longest(parts, alone):
        if one != other:
            return f"{one} instead of {other}"[:400]
    return ""


def _by_action(steps: list[Step]) -> dict[str, dict[str, Any]]:
    found: defaultdict[str, list[Shown]] = defaultdict(list)
    for step in steps:
        found[step.action].append(step.shown)
    return {
        action: _summed_up([each.complete_s for each in shown])
        | {
            f"pictures_{name}": value
            for name, value in _summed_up([each.pictures_s for each in shown if each.pictures_s]).items()
        }
        for action, shown in sorted(found.items())
    }


def _summed_up(seconds: list[float]) -> dict[str, float]:
    if not seconds:
        return {"n": 0}
    return {
        "n": len(seconds),
        "p50_s": round(percentile(seconds, 0.5), 3),
        "p95_s": round(percentile(seconds, 0.95), 3),
    }
