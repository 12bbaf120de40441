"""The script for a GPU, whole but tiny, on the CPU: every step answers, resumes, and survives a
failure.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from bench import gpu
from bench.gpu import DONE, FAILED, LEFT_OUT, STEPS, UNFINISHED, Sizes, Visit
from core.engine.engine import Engine

TINY = Sizes(
    n=1,
    digits=10,
    seeds=(333,),
    levels=1,
    images=240,
    side_px=64,
    networks=("squeezenet1_1", "squeezenet1_1"),
    epochs=1,
    rates=(0.5,),
    benches=("slider",),
)


def visit(folder: Path, minutes: float = 60.0) -> Visit:
    return Visit(Engine("cpu", folder), time.monotonic() + 60 * minutes, TINY)


@pytest.mark.long
def test_every_step_answers_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out, steps = tmp_path / "out", [name for name in STEPS if name != "tests"]
    whole = gpu.STEPS
    monkeypatch.setattr(gpu, "STEPS", {name: whole[name] for name in steps})
    lines = list(gpu.run(visit(tmp_path / "cache"), out))
    assert [line["step"] for line in lines] == steps
    assert [line.get("error") for line in lines] == [None] * len(steps)
    assert {line["step"]: line["state"] for line in lines} == dict.fromkeys(steps, DONE) | {"budgets": LEFT_OUT}
    agreed = gpu.read(out)["agree"]
    assert agreed["counts_differ"] == agreed["mask_bits_differ"] == agreed["answers_differ"] == 0
    assert agreed["largest_map_difference"] == 0
    assert agreed["maps"] == 2 * len(gpu.METHODS) * agreed["variants"]
    assert [line["step"] for line in gpu.run(visit(tmp_path / "cache"), out)] == ["budgets"]


def test_a_step_that_fails_or_runs_out_of_time_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def broken(now: Visit) -> dict[str, object]:
        tried.append("broken")
        if len(tried) == 1:
            raise RuntimeError("no luck")
        return {}

    def late(now: Visit) -> dict[str, object]:
        over = Visit(now.engine, time.monotonic() - 1, now.sizes)
        gpu.Until(over if tried == ["broken"] else now).check()
        return {"value": 1}

    registry = gpu.Registry("step")
    registry.register("broken", "", "")(broken)
    registry.register("late", "", "")(late)
    monkeypatch.setattr(gpu, "STEPS", registry)
    states = [[line["state"] for line in gpu.run(visit(tmp_path), tmp_path / "out")] for _ in range(3)]
    assert states == [[FAILED, UNFINISHED], [DONE, DONE], []]
    found = [json.loads(line) for line in (tmp_path / "out" / gpu.FILE).read_text().splitlines()]
    assert found[0]["error"] == "RuntimeError: no luck"
    assert gpu.read(tmp_path / "out")["late"]["value"] == 1


def test_without_time_nothing_begins(tmp_path: Path) -> None:
    assert list(gpu.run(visit(tmp_path, 0), tmp_path / "out")) == []
