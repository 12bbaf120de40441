"""Long-running jobs in separate processes: they outlive the page that started them and can be
paused, stopped and resumed.

A job is a folder, <cache>/jobs/<id>/: job.json (its description), progress.jsonl (one line per
step), within.json (how much of the step at work is done, if it says so), log.txt (output of the
process), and, as requests, the files `pause` and `stop`. `waiting`
exists while a paused process waits. The process holds a lock on `lock` as long as it lives. The
lock tells whether it runs, also after a kill, a server restart or a second start.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from core.base.atomic import replacing
from core.base.checks import CHECK, checked, is_whole
from core.base.errors import BadFile, BadSpec, CacheNotWritable, MissingData
from core.base.plugins import joined, loaded
from core.base.ram import shortage
from core.base.registry import Registry
from core.jobs.control import Control

Facts = dict[str, Any]
Work = Callable[[Mapping[str, Any], Control], Iterator[Facts]]
JOBS: Registry[Work] = Registry("kind of job")
STATES: dict[str, str] = {
    "running": "in progress",
    "pausing": "pausing after the current step",
    "paused": "paused: it keeps its memory and continues where it paused",
    "stopping": "stopping after the current step",
    "stopped": "stopped: finished work is kept, and it can be resumed",
    "done": "finished",
    "failed": "failed with an error",
    "died": "its process was killed; it can be resumed where it stopped",
}
# Modules of the kinds of older job files, which do not name their module.
MODULES = {"retrain": "core.training.retrain", "merkle": "core.protocols.merkle.job"}
DESCRIPTION: dict[str, type | tuple[type, ...]] = {
    "kind": str,
    "title": str,
    "arguments": dict,
    "begun": (int, float),
}  # parts of job.json
WITHIN, WITHIN_PARTS = "within.json", ("done", "total", "at")
UNWRITTEN = "Why it failed could not be written: the disk was full. Free some space, then resume the job."
PATIENCE_S = 20.0  # maximum time a process may take to start


@dataclass(frozen=True, kw_only=True)
class Job:
    """The current state of a job. steps: number of progress lines. last: the newest line. within:
    done, total and time of the step at work; empty if it says nothing. error: why it failed.
    """

    id: str
    kind: str
    title: str
    arguments: Mapping[str, Any]
    state: str
    begun: float  # seconds since 1970
    steps: int
    last: Facts
    within: Facts = field(default_factory=dict)
    error: str = ""


class Jobs:
    """All jobs of one cache folder, the same for every process.

    Args:
        folder: the cache folder (models_cache).
    """

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder).absolute() / "jobs"

    def start(self, kind: str, arguments: Mapping[str, Any], title: str) -> Job:
        """Starts or resumes a job; returns a running one unchanged. Kind and arguments identify a
        job.

        Raises: UnknownName, CacheNotWritable, OutOfMemory.
        """
        JOBS[kind]
        name = _name(kind, arguments)
        home = self.folder / name
        if _is_locked(home):
            return self.get(name)
        try:
            home.mkdir(parents=True, exist_ok=True)
            module = JOBS[kind].value.__module__
            about = {"kind": kind, "module": module, "title": title, "arguments": dict(arguments), "begun": time.time()}
            replace_text(home / "job.json", as_text(about))  # first: on a full disk, a finished job stays finished
            for wish in ("pause", "stop", "waiting", "failed.json", "done"):
                (home / wish).unlink(missing_ok=True)
            with (home / "log.txt").open("ab") as log:
                command = [sys.executable, "-m", "core.jobs.process", str(self.folder.parent), name]
                process = subprocess.Popen(
                    command,
                    cwd=Path(__file__).parents[2],
                    env=os.environ | {"SPARSIGHT_PLUGINS": joined(plugin.path for plugin in loaded())},
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
        except OSError as error:
            raise shortage(error) or CacheNotWritable(
                f"The job cannot be started ({error.strerror or error}).",
                f"Its progress is kept in {home}.",
                "Free some space, or make the folder writable.",
            ) from error
        _wait_until_begun(home, process)
        return self.get(name)

    def get(self, name: str) -> Job:
        """Raises MissingData, BadFile."""
        home, about = self.folder / name, self._about(name)
        lines = self.progress(name)
        state, error_text = _state(home)
        return Job(
            id=name,
            kind=about["kind"],
            title=about["title"],
            arguments=about["arguments"],
            begun=about["begun"],
            state=state,
            steps=len(lines),
            last=lines[-1] if lines else {},
            within=_within(home) if state in ("running", "pausing", "paused", "stopping") else {},
            error=error_text,
        )

    def find(self, kind: str, arguments: Mapping[str, Any]) -> Job | None:
        """Returns the job of this kind with these arguments; None if it was never started, or its
        file is damaged: it can be started again.
        """
        with suppress(MissingData, BadFile):
            return self.get(_name(kind, arguments))
        return None

    def all(self) -> list[Job]:
        """Returns all jobs, newest first, without those that `damaged` names."""
        found = []
        for name in self._names():
            with suppress(MissingData, BadFile):  # deleted meanwhile, or damaged
                found.append(self.get(name))
        return sorted(found, key=lambda job: -job.begun)

    def damaged(self) -> dict[str, BadFile]:
        """Returns what is wrong with each job whose description is damaged, by id."""
        found = {}
        for name in self._names():
            try:
                self._about(name)
            except MissingData:  # deleted meanwhile
                continue
            except BadFile as error:
                found[name] = error
        return found

    def progress(self, name: str) -> list[Facts]:
        """Returns all complete progress lines so far; damaged ones are left out."""
        with suppress(OSError):
            text = (self.folder / name / "progress.jsonl").read_text(errors="replace")
            lines = [_facts(line) for line in text.split("\n")[:-1]]
            return [line for line in lines if line is not None]
        return []

    def log(self, name: str, most: int = 4000) -> str:
        """Returns the end of the process output."""
        with suppress(OSError):
            return (self.folder / name / "log.txt").read_text(errors="replace")[-most:]
        return ""

    def pause(self, name: str) -> None:
        """Raises MissingData, CacheNotWritable."""
        with _writing(home := self._home(name)):
            (home / "pause").touch()

    def unpause(self, name: str) -> None:
        """Raises MissingData, CacheNotWritable."""
        with _writing(home := self._home(name)):
            (home / "pause").unlink(missing_ok=True)

    def stop(self, name: str) -> None:
        """Raises MissingData, CacheNotWritable."""
        with _writing(home := self._home(name)):
            (home / "stop").touch()

    def resume(self, name: str) -> Job:
        """Resumes a job that was stopped, failed or died."""
        job = self.get(name)
        register_kind(self._about(name))
        return self.start(job.kind, job.arguments, job.title)

    def delete(self, name: str) -> None:
        """Deletes a job that is not running; keeps the networks it trained.

        Raises BadSpec for a running job, CacheNotWritable.
        """
        home = self._home(name)
        if _is_locked(home):
            raise BadSpec(
                "A running job cannot be deleted.", "Only a job that has ended can be deleted.", "Stop it first."
            )
        try:
            shutil.rmtree(home)
        except OSError as error:
            raise CacheNotWritable(
                f"{home} cannot be deleted ({error.strerror}).",
                "The folder must be writable.",
                "Change its permissions.",
            ) from error

    def _about(self, name: str) -> Facts:
        path = self.folder / name / "job.json"
        try:
            about = _facts(path.read_text(errors="replace"))
        except OSError as error:
            raise _no_job(name) from error
        if about is None or not all(isinstance(about.get(part), kind) for part, kind in DESCRIPTION.items()):
            raise BadFile(
                f"The job '{name}' is damaged: {path} cannot be used.",
                "This file says what the job does. Networks that it has trained are kept.",
                f"Delete it (`python -m core jobs delete {name}`), and start it again.",
            )
        return about

    def _names(self) -> list[str]:
        return sorted(path.parent.name for path in self.folder.glob("*/job.json"))

    def _home(self, name: str) -> Path:
        if not os.path.isfile(self.folder / name / "job.json"):
            raise _no_job(name)
        return self.folder / name


def as_text(facts: Mapping[str, Any]) -> str:
    """Returns facts as JSON on one line, with a checksum that `_facts` verifies."""
    return json.dumps(checked(json.loads(json.dumps(facts))))


def _facts(text: str) -> Facts | None:
    """Returns the facts in a line of JSON; None if it is damaged. Older ones have no checksum."""
    with suppress(ValueError, TypeError, RecursionError):
        facts = json.loads(text)
        if isinstance(facts, dict) and (CHECK not in facts or is_whole(facts)):
            return {name: value for name, value in facts.items() if name != CHECK}
    return None


def _no_job(name: str) -> MissingData:
    return MissingData(
        f"There is no job '{name}'.", "Jobs are kept in the cache folder until they are deleted.", "Check its id."
    )


@contextmanager
def _writing(home: Path) -> Iterator[None]:
    """Explains that a job cannot be told anything. Raises CacheNotWritable."""
    try:
        yield
    except OSError as error:
        raise CacheNotWritable(
            f"{home} cannot be written ({error.strerror or error}).",
            "A job reads there whether it should pause or stop.",
            "Free some space, or make the folder writable.",
        ) from error


def register_kind(about: Mapping[str, Any]) -> None:
    """Imports the module that registers the kind of a job.

    Raises BadFile for a module outside Sparsight.
    """
    module = about.get("module") or MODULES.get(about["kind"], "")
    if not re.fullmatch(r"core(\.[a-z_]+)+", module):
        wrong = f"job.json names the module '{module}'."
        raise BadFile(wrong, "A job can only run a module of Sparsight.", "Delete the job and start it again.")
    try:
        import_module(module)
    except ModuleNotFoundError as error:
        wrong = f"job.json names the module '{module}', which this version does not have."
        raise BadFile(wrong, "", "Delete the job and start it again.") from error


def _name(kind: str, arguments: Mapping[str, Any]) -> str:
    identity = json.dumps([kind, arguments], sort_keys=True)
    return f"{kind}-{hashlib.sha256(identity.encode()).hexdigest()[:12]}"


def _state(home: Path) -> tuple[str, str]:
    """Returns the state of a job, and why it failed."""
    if _is_locked(home):
        if (home / "stop").exists():
            return "stopping", ""
        if (home / "pause").exists():
            return ("paused" if (home / "waiting").exists() else "pausing"), ""
        return "running", ""
    if (home / "done").exists():
        return "done", ""
    if (home / "failed.json").exists():
        return "failed", _reason(home / "failed.json")
    return ("stopped" if (home / "stop").exists() else "died"), ""


def _reason(path: Path) -> str:
    """Returns why a job failed."""
    with suppress(OSError, ValueError, TypeError):
        text = path.read_text()
        return " ".join(json.loads(text)) if text else UNWRITTEN
    return "Why it failed cannot be read; its log may say more."


def _within(home: Path) -> Facts:
    with suppress(OSError, ValueError):
        found = json.loads((home / WITHIN).read_text())
        if isinstance(found, dict) and all(isinstance(found.get(part), (int, float)) for part in WITHIN_PARTS):
            return found
    return {}


def _is_locked(home: Path) -> bool:
    try:
        with (home / "lock").open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return False
    except BlockingIOError:
        return True
    except OSError:  # no lock file
        return False


def _wait_until_begun(home: Path, process: subprocess.Popen) -> None:
    """Waits until the process holds its lock or has ended, so that the job does not count as dead
    while it starts.
    """
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end and process.poll() is None and not _is_locked(home):
        time.sleep(0.02)


def replace_text(path: Path, text: str) -> None:
    with replacing(path) as part:
        part.write_text(text)
