"""Sweeps as jobs, which outlive the page that started them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from core.base.progress import tell
from core.engine.engine import Engine
from core.jobs.control import Control
from core.jobs.jobs import JOBS, Facts
from core.sweeps.spec import SweepSpec
from core.sweeps.sweep import Sweep
from core.sweeps.written import from_mapping, to_mapping

KIND = "sweep"


def arguments_of(engine: Engine, spec: SweepSpec) -> Facts:
    """Return the arguments of the job that runs a sweep as this engine would."""
    return {
        "spec": to_mapping(spec),
        "folder": str(engine.folder.absolute()),
        "device": str(engine.device),
        "precision": engine.store.precision,
    }


@JOBS.register(KIND, "Sweep", "Many networks over the images of a data set: each network that is done is kept.")
def run_sweep(arguments: Mapping[str, Any], control: Control) -> Iterator[Facts]:
    """Compute what a sweep lacks, one line a network; can be paused and stopped between images.

    Args:
        arguments: as `arguments_of` returns them.
    """
    engine = Engine(arguments["device"], arguments["folder"], precision=arguments["precision"])
    sweep = Sweep(engine, from_mapping(arguments["spec"]))
    yield {"stage": "network", "done": 0, "networks": len(sweep.variants)}

    def progress(done: int, images: int) -> None:
        control.check()
        tell(done, images)

    for step in sweep.run(progress=progress):
        yield {
            "stage": "network",
            "network": step.variant.key,
            "done": step.done,
            "networks": step.networks,
            "found": step.found,
            "seconds": round(step.seconds, 3),
        }
        control.check()
