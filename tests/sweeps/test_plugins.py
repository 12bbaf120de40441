"""Whoever computes a sweep has the plugins of the process that asked for it: a job, another
process, a worker of a cluster.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from core.base.plugins import Plugin, load_plugins, loaded
from core.engine.engine import Engine
from core.jobs.jobs import Jobs
from core.measures import MEASURES
from core.specs import CamSpec, ModelSpec, PruningSpec
from core.sweeps import processes, worker
from core.sweeps.job import KIND, arguments_of
from core.sweeps.read import frame
from core.sweeps.spec import SweepSpec
from core.sweeps.sweep import Sweep
from core.sweeps.written import to_yaml
from tests.jobs.test_jobs import until
from tests.plugins_of_a_test import forget

PLUGIN = """
from beside_this_plugin import TIMES
from core.measures.base import MEASURES

@MEASURES.register("times-mean", "Mine", "A multiple of the mean.", group="map", range="0 to 5")
def times_mean(maps):
    return TIMES * maps.flatten(1).mean(1)
"""


@pytest.fixture
def plugin(tmp_path: Path) -> Iterator[Plugin]:
    """A plugin that is loaded in this process, in two files."""
    (tmp_path / "beside_this_plugin.py").write_text("TIMES = 5\n")
    (tmp_path / "mine.py").write_text(PLUGIN)
    forget()
    yield load_plugins(tmp_path / "mine.py")[0]
    forget()


def spec() -> SweepSpec:
    return SweepSpec(
        models=(ModelSpec(),),
        prunings=(PruningSpec(), PruningSpec.one_shot(0.5)),
        images=20,
        cams=(CamSpec(),),
        measures=("right", "map-mean", "map-times-mean"),
    )


def check(sweep: Sweep) -> None:
    assert [sweep.missing(variant) for variant in sweep.variants] == [{}, {}]
    rows = frame(sweep)
    assert len(rows) == 40
    np.testing.assert_allclose(rows["map-times-mean"], 5 * rows["map-mean"], rtol=1e-5)


@pytest.mark.long
def test_a_job_loads_them(plugin: Plugin, tmp_path: Path) -> None:
    engine, jobs = Engine("cpu", tmp_path / "cache"), Jobs(tmp_path / "cache")
    job = jobs.start(KIND, arguments_of(engine, spec()), "a sweep")
    ended = until(jobs, job.id, lambda found: found.state != "running")
    assert ended.state == "done", jobs.log(job.id)
    check(Sweep(engine, spec()))


@pytest.mark.long
def test_a_job_without_them_says_which_name_is_missing(plugin: Plugin, tmp_path: Path) -> None:
    """Only the process that starts a job names plugins: no job file does."""
    engine, jobs = Engine("cpu", tmp_path / "cache"), Jobs(tmp_path / "cache")
    arguments = arguments_of(engine, spec())
    forget()
    job = jobs.start(KIND, arguments, "a sweep")
    ended = until(jobs, job.id, lambda found: found.state != "running")
    assert ended.state == "failed"
    assert "There is no measure 'map-times-mean'" in ended.error


@pytest.mark.long
def test_processes_load_them(plugin: Plugin, tmp_path: Path) -> None:
    (tmp_path / "sweep.yaml").write_text(to_yaml(spec(), "of a test"))
    options = ["--device", "cpu", "--folder", str(tmp_path / "cache"), "--plugins", str(plugin.path)]
    words = ["sweep", "run", str(tmp_path / "sweep.yaml"), "--json", *options]
    lines = [json.dumps(line) for line in processes.run(words, 1)]
    assert len(lines) == 2
    check(Sweep(Engine("cpu", tmp_path / "cache"), spec()))


@dataclass(frozen=True)
class Sent:
    """The part of a parcel that a worker reads first."""

    plugins: tuple[Plugin, ...]


def test_a_worker_of_a_cluster_runs_a_copy_of_the_same_code(
    plugin: Plugin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker.tempfile, "tempdir", str(tmp_path))
    forget()
    plugin.path.unlink()  # a machine of its own has no such file
    for _ in range(2):  # once a process
        worker._load_plugins(Sent((plugin,)))  # type: ignore[arg-type]
    (copy,) = loaded()
    assert copy.path != plugin.path
    assert (copy.digest, copy.names) == (plugin.digest, plugin.names)
    assert MEASURES["times-mean"].plugin == plugin.digest
