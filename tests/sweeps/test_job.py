"""A sweep as a job: it is stopped, keeps what is done, and goes on to the same rows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas

from core.engine.engine import Engine
from core.jobs.jobs import Jobs
from core.specs import CamSpec, DataSpec, ModelSpec
from core.sweeps.job import KIND, arguments_of
from core.sweeps.read import done, frame
from core.sweeps.spec import SweepSpec, grid
from core.sweeps.sweep import Sweep
from tests.jobs.test_jobs import until

SPEC = SweepSpec(
    models=(ModelSpec(),),
    prunings=grid(sparsity=[0.0, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]),
    data=DataSpec(noise=0.2),
    images=800,
    cams=(CamSpec(),),
    measures=("right", "pearson", "soft-iou"),
)


def test_stopped_it_keeps_its_networks_and_goes_on(tmp_path: Path) -> None:
    engine, jobs = Engine("cpu", tmp_path / "cache"), Jobs(tmp_path / "cache")
    arguments = arguments_of(engine, SPEC)
    assert jobs.find(KIND, arguments) is None
    job = jobs.start(KIND, arguments, "a sweep")
    until(jobs, job.id, lambda found: found.last.get("done", 0) >= 2)
    jobs.stop(job.id)
    stopped = until(jobs, job.id, lambda found: found.state not in ("running", "stopping"))
    sweep = Sweep(engine, SPEC)
    assert (stopped.state, stopped.error) == ("stopped", "")
    assert 2 <= done(sweep) == stopped.last["done"] < len(SPEC.prunings)
    first = frame(sweep)
    jobs.resume(job.id)
    ended = until(jobs, job.id, lambda found: found.state != "running")
    assert ended.state == "done", jobs.log(job.id)
    assert jobs.find(KIND, arguments) == ended
    assert (ended.last["done"], ended.last["networks"]) == (8, 8)
    found = [line["network"] for line in jobs.progress(job.id) if line.get("found")]
    assert found == list(first.network.unique())
    rows = frame(sweep)
    pandas.testing.assert_frame_equal(rows[: len(first)], first, check_categorical=False)
    alone = Sweep(Engine("cpu", tmp_path / "alone"), replace(SPEC, prunings=SPEC.prunings[5:6]))
    assert [step.found for step in alone.run()] == [False]
    ours = rows[rows.network == alone.variants[0].key].reset_index(drop=True)
    pandas.testing.assert_frame_equal(ours, frame(alone), check_categorical=False)
