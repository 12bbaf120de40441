"""Damaged files of jobs: the others are seen, and what is damaged is named."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.base.errors import BadFile
from core.jobs import jobs as module
from core.jobs.jobs import Jobs, as_text

ABOUT = {"kind": "retrain", "module": "core.training.retrain", "title": "Mine", "arguments": {"a": 1}, "begun": 5.0}
STEPS = ({"stage": "one"}, {"stage": "two"}, {"stage": "three"})
DAMAGED = {
    "empty": b"",
    "cut off": as_text(ABOUT).encode()[:-20],
    "no text": b"\xff\xfe\x00\x9c" * 20,
    "no JSON": b"kind: retrain",
    "a list": b"[1, 2]",
    "a number": b"5",
    "nothing": b"null",
    "too deep": b"[" * 200_000,
    "another shape": json.dumps({"kind": ["retrain"], "title": None, "arguments": "x", "begun": "y"}).encode(),
    "a part is missing": json.dumps({"kind": "retrain", "title": "", "begun": 0}).encode(),
    "another content": as_text(ABOUT).replace("Mine", "Nine").encode(),
}
json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*ABOUT, "at", "done"]), inner),
    max_leaves=8,
)


def made(folder: Path, name: str = "retrain-aaa") -> Path:
    """A job that ended after three steps."""
    home = folder / "jobs" / name
    home.mkdir(parents=True)
    (home / "job.json").write_text(as_text(ABOUT))
    (home / "progress.jsonl").write_text("".join(as_text(step) + "\n" for step in STEPS))
    return home


@pytest.mark.parametrize("content", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_job_is_named_and_costs_no_other(tmp_path: Path, content: bytes) -> None:
    made(tmp_path)
    (made(tmp_path, "retrain-bbb") / "job.json").write_bytes(content)
    jobs = Jobs(tmp_path)
    assert [job.id for job in jobs.all()] == ["retrain-aaa"]
    ((name, error),) = jobs.damaged().items()
    assert name == "retrain-bbb"
    assert "The job 'retrain-bbb' is damaged" in error.wrong
    assert "python -m core jobs delete retrain-bbb" in error.next_step
    with pytest.raises(BadFile):
        jobs.resume("retrain-bbb")
    jobs.delete("retrain-bbb")
    assert jobs.damaged() == {}


def test_a_damaged_job_is_started_again_in_its_place(tmp_path: Path) -> None:
    name = module._name("retrain", {})
    (made(tmp_path, name) / "job.json").write_bytes(b"{")
    assert Jobs(tmp_path).find("retrain", {}) is None


@pytest.mark.parametrize(
    "line",
    [b"", b"5", b"null", b'"step"', b"[1]", b'{"stage": ', b"\xff\xfe", b"[" * 200_000, b'{"stage": 1, "check": "0"}'],
    ids=range(9),
)
def test_a_damaged_step_costs_no_other(tmp_path: Path, line: bytes) -> None:
    path = made(tmp_path) / "progress.jsonl"
    first, *others = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + line + b"\n" + b"".join(others))
    (job,) = Jobs(tmp_path).all()
    assert (job.steps, job.last) == (3, STEPS[-1])
    assert Jobs(tmp_path).progress(job.id) == list(STEPS)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"5", b'{"wrong": 1}', b"[1, 2]"])
def test_a_damaged_reason_is_no_other_state(tmp_path: Path, content: bytes) -> None:
    home = made(tmp_path)
    (home / "failed.json").write_bytes(content)
    (job,) = Jobs(tmp_path).all()
    assert job.state == "failed"
    assert job.error


def test_a_reason_that_a_full_disk_did_not_take_is_explained(tmp_path: Path) -> None:
    (made(tmp_path) / "failed.json").touch()
    (job,) = Jobs(tmp_path).all()
    assert "the disk was full" in job.error


@given(json_values)
def test_whatever_stands_in_a_file_the_list_opens(tmp_path_factory: pytest.TempPathFactory, value: object) -> None:
    folder = tmp_path_factory.mktemp("any")
    for name in ("job.json", "progress.jsonl", module.WITHIN, "failed.json"):
        (made(folder, f"retrain-{name[:4]}") / name).write_text(json.dumps(value) + "\n")
    jobs = Jobs(folder)
    assert len(jobs.all()) + len(jobs.damaged()) == 4
    within = module._within(folder / "jobs" / "retrain-with")
    assert not within or set(within) >= set(module.WITHIN_PARTS)
