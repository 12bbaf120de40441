"""Jobs: processes of their own that are seen as they are, whatever ends them."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.base.errors import BadFile, BadSpec, CacheNotWritable, MissingData, UnknownName
from core.base.progress import tell
from core.base.registry import Entry
from core.jobs import process
from core.jobs.control import Control, Stopped
from core.jobs.jobs import JOBS, MODULES, Job, Jobs, register_kind
from core.protocols.merkle import job as merkle_job  # noqa: F401 - registers its kind of job
from tests.training.test_series import folder_of_photographs

PATIENCE_S = 120


def arguments(folder: Path, per_class: int = 12, **plan: object) -> dict[str, object]:
    photographs = folder / "photographs"
    if not photographs.exists():
        folder_of_photographs(photographs, per_class)
    chosen = {"architecture": "squeezenet1_1", "data": "tiny", "size_px": 32, "epochs": 1, "start": "random"} | plan
    return {"plan": chosen, "photographs": str(photographs), "folder": str(folder), "device": "cpu"}


def until(jobs: Jobs, name: str, wanted: Callable[[Job], bool]) -> Job:
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        if wanted(job := jobs.get(name)):
            return job
        time.sleep(0.05)
    raise AssertionError(f"{jobs.get(name)}\n{jobs.log(name)}")


def process_of(jobs: Jobs, name: str) -> int:
    return int((jobs.folder / name / "lock").read_text())


def test_a_job_is_done_and_another_looker_sees_it(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path)
    job = jobs.start("merkle", arguments(tmp_path), "a small series")
    done = until(Jobs(tmp_path), job.id, lambda found: found.state not in ("running",))
    assert done.state == "done", jobs.log(job.id)
    assert (done.title, done.last["level"], done.last["levels"]) == ("a small series", 6, 6)
    assert [found.id for found in jobs.all()] == [job.id]
    epochs = [line for line in jobs.progress(job.id) if line["stage"] == "epoch"]
    assert len(epochs) == 7
    jobs.delete(job.id)
    assert jobs.all() == []


def test_a_job_says_how_much_of_its_step_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[dict[str, object]] = []
    jobs, home = Jobs(tmp_path), tmp_path / "jobs" / "counting-1"

    def look() -> None:
        seen.append(dict(jobs.get("counting-1").within))

    def count(arguments: object, control: Control) -> Iterator[dict[str, object]]:
        tell(1, 4)
        look()
        yield {"step": 1}
        look()
        tell(3, 4)
        look()

    home.mkdir(parents=True)
    about = {"kind": "counting", "module": "core.sweeps.job", "title": "", "arguments": {}, "begun": 0.0}
    (home / "job.json").write_text(json.dumps(about))
    monkeypatch.setitem(JOBS._entries, "counting", Entry("counting", count, "Counting", ""))
    monkeypatch.setattr(process, "EVERY_S", 0.0)
    assert process.work(tmp_path, "counting-1") == 0
    assert [(each.get("done"), each.get("total")) for each in seen] == [(1, 4), (None, None), (3, 4)]
    assert jobs.get("counting-1").within == {}  # it has ended


@pytest.mark.long
def test_two_jobs_for_one_spec_are_one(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path)
    asked = arguments(tmp_path, epochs=50)
    first, second = jobs.start("merkle", asked, "once"), Jobs(tmp_path).start("merkle", asked, "twice")
    assert first.id == second.id
    assert len(jobs.all()) == 1
    with pytest.raises(BadSpec, match="running"):
        jobs.delete(first.id)
    jobs.stop(first.id)
    assert until(jobs, first.id, lambda job: job.state == "stopped").error == ""


def test_a_line_that_was_cut_off_costs_no_other(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path)
    (jobs.folder / "cut").mkdir(parents=True)
    (jobs.folder / "cut" / "progress.jsonl").write_text('{"stage": "one"}\n{"stage": "tw{"stage": "three"}\n{"sta')
    assert jobs.progress("cut") == [{"stage": "one"}]


@pytest.mark.long
def test_killed_from_outside_it_is_seen_and_goes_on(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path)
    job = jobs.start("merkle", arguments(tmp_path, epochs=2), "killed")
    until(jobs, job.id, lambda found: found.last.get("stage") == "epoch")
    os.kill(process_of(jobs, job.id), signal.SIGKILL)
    until(jobs, job.id, lambda found: found.state == "died")
    again = jobs.resume(job.id)
    assert again.state in ("running", "done")
    done = until(jobs, job.id, lambda found: found.state != "running")
    assert (done.state, done.last["level"]) == ("done", 6)


@pytest.mark.long
def test_paused_it_waits_and_goes_on(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path)
    job = jobs.start("merkle", arguments(tmp_path, epochs=30), "paused")
    until(jobs, job.id, lambda found: found.last.get("stage") == "epoch")
    jobs.pause(job.id)
    until(jobs, job.id, lambda found: found.state == "paused")  # "pausing" until the step ends
    steps = jobs.get(job.id).steps
    time.sleep(1)
    assert jobs.get(job.id).steps == steps
    jobs.unpause(job.id)
    until(jobs, job.id, lambda found: found.steps > steps)
    jobs.stop(job.id)
    until(jobs, job.id, lambda found: found.state == "stopped")


def test_an_error_is_told_in_plain_words(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path)
    job = jobs.start("merkle", arguments(tmp_path) | {"photographs": str(tmp_path / "nowhere")}, "no photographs")
    failed = until(jobs, job.id, lambda found: found.state == "failed")
    assert "nowhere does not exist" in failed.error
    job = jobs.start("merkle", arguments(tmp_path, colour="red"), "an unknown field")
    assert "A plan has no colour." in until(jobs, job.id, lambda found: found.state == "failed").error


def test_what_there_is_not(tmp_path: Path) -> None:
    jobs = Jobs(tmp_path)
    with pytest.raises(UnknownName):
        jobs.start("nothing", {}, "")
    with pytest.raises(MissingData):
        jobs.get("merkle-000000000000")
    assert jobs.all() == []
    assert jobs.progress("x") == []
    assert jobs.log("x") == ""


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "jobs").write_text("a file is in the way")
    with pytest.raises(CacheNotWritable):
        Jobs(tmp_path).start("merkle", {}, "")


@pytest.mark.parametrize("kind", MODULES)
def test_job_files_that_do_not_name_their_module_still_run(kind: str) -> None:
    register_kind({"kind": kind})
    assert JOBS[kind].value.__module__ == MODULES[kind]


@pytest.mark.parametrize("module", ["os", "core", "core.jobs.jobs; import os", "corex.jobs", "core.retraining"])
def test_only_modules_that_sparsight_has_are_run(module: str) -> None:
    with pytest.raises(BadFile, match="Delete the job"):
        register_kind({"kind": "merkle", "module": module})


def test_a_half_written_line_waits(tmp_path: Path) -> None:
    home = tmp_path / "jobs" / "a"
    home.mkdir(parents=True)
    (home / "job.json").write_text(json.dumps({"kind": "merkle", "title": "", "arguments": {}, "begun": 0}))
    (home / "progress.jsonl").write_text('{"level": 1}\n{"lev')
    job = Jobs(tmp_path).get("a")
    assert (job.steps, job.last, job.state) == (1, {"level": 1}, "died")


def test_control_waits_and_stops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Control().check()
    control = Control(tmp_path)
    control.check()
    (tmp_path / "pause").touch()
    monkeypatch.setattr(time, "sleep", lambda seconds: (tmp_path / "pause").unlink())
    control.check()
    (tmp_path / "stop").touch()
    with pytest.raises(Stopped):
        control.check()
