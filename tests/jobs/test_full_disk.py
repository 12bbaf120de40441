"""A disk without room, and too little memory: a job says so and keeps what is finished."""

from __future__ import annotations

import errno
import json
import resource
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from core.base.errors import CacheNotWritable, OutOfMemory
from core.base.registry import Entry
from core.jobs import process
from core.jobs.control import Control
from core.jobs.jobs import JOBS, Facts, Jobs, _name
from core.training import retrain  # noqa: F401 - registers its kind of job
from tests.full_disk import filled
from tests.jobs.test_damaged_jobs import ABOUT, STEPS, made

HUGE = 1 << 62  # bytes; no machine has them


def counting(arguments: Mapping[str, Any], control: Control) -> Iterator[Facts]:
    """Six large steps."""
    for number in range(6):
        yield {"stage": "counted", "number": number, "words": "x" * 3000}


def hungry(arguments: Mapping[str, Any], control: Control) -> Iterator[Facts]:
    """A step, then more memory than there is."""
    yield {"stage": "one"}
    yield {"stage": "two", "bytes": len(bytearray(HUGE))}


@pytest.fixture
def kind(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setitem(JOBS._entries, "counting", Entry("counting", counting, "Counting", ""))
    monkeypatch.setitem(JOBS._entries, "hungry", Entry("hungry", hungry, "Hungry", ""))
    monkeypatch.setattr(process, "register_kind", lambda about: None)
    return "counting"


def described(folder: Path, kind: str) -> Path:
    home = folder / "jobs" / f"{kind}-1"
    home.mkdir(parents=True)
    (home / "job.json").write_text(json.dumps(ABOUT | {"kind": kind}))
    return home


def test_a_job_that_cannot_be_started_says_why_and_a_finished_one_stays_finished(small_disk: Path) -> None:
    jobs = Jobs(small_disk)
    name = _name("retrain", ABOUT["arguments"])
    (made(small_disk, name) / "done").touch()
    filler = filled(small_disk)
    with pytest.raises(CacheNotWritable) as caught:
        jobs.start("retrain", ABOUT["arguments"], "Mine")
    assert "No space left on device" in caught.value.wrong
    assert "Free some space" in caught.value.next_step
    (job,) = jobs.all()
    assert (job.id, job.state, job.steps) == (name, "done", len(STEPS))
    filler.unlink()
    assert jobs.get(name).last == STEPS[-1]
    assert not list(small_disk.rglob("*.part"))


def test_a_disk_that_fills_up_is_said_and_the_job_goes_on(small_disk: Path, kind: str) -> None:
    home = described(small_disk, kind)
    filler = filled(small_disk)
    with filler.open("r+b") as file:  # room for two steps and a half
        file.truncate(filler.stat().st_size - 3 * 4096)
    assert process.work(small_disk, home.name) == 1
    jobs = Jobs(small_disk)
    (job,) = jobs.all()
    assert job.state == "failed"
    assert "disk" in job.error
    assert "Free some space" in job.error
    before = [line["number"] for line in jobs.progress(home.name)]
    assert before == list(range(len(before)))
    assert 0 < len(before) < 6
    filler.unlink()
    (home / "failed.json").unlink()
    assert process.work(small_disk, home.name) == 0
    assert [line["number"] for line in jobs.progress(home.name)] == [*before, *range(6)]


def test_a_limit_of_a_file_is_said_in_full(tmp_path: Path, kind: str) -> None:
    """Here there is room for the reason."""
    home = described(tmp_path, kind)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4000, before[1]))
    try:
        assert process.work(tmp_path, home.name) == 1
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    (job,) = Jobs(tmp_path).all()
    assert "The disk of the cache folder is full" in job.error
    assert "Everything that was finished before is kept." in job.error
    assert "Errno" not in job.error


@pytest.mark.usefixtures("kind")
def test_a_job_that_runs_out_of_memory_says_so(tmp_path: Path) -> None:
    home = described(tmp_path, "hungry")
    assert process.work(tmp_path, home.name) == 1
    (job,) = Jobs(tmp_path).all()
    assert (job.state, job.last["stage"]) == ("failed", "one")
    assert "The memory of this machine is not enough for this." in job.error
    assert "are free for this process" in job.error


def test_a_process_that_finds_no_memory_to_start_is_no_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    monkeypatch.setattr("core.jobs.jobs.subprocess.Popen", refused)
    with pytest.raises(OutOfMemory, match="memory of this machine"):
        Jobs(tmp_path).start("retrain", {}, "")
