"""A sweep on a Ray cluster: a task for each network, on any of its machines.

The driver puts the code, the weights and the images into the cluster once, so that the other
machines need neither a shared folder nor the data set. Answers come back as they are computed, and
only the driver writes tables. Ray repeats the tasks of a machine that is lost.
"""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from core.base.errors import BadSpec, SparsightError
from core.base.plugins import loaded
from core.base.settings import REPOSITORY, Settings
from core.base.stamps import stamp_of
from core.data.batches import Inputs
from core.disk.lock import Busy, locked
from core.models import description
from core.saliency.baselines import mapped_by
from core.specs import CamSpec, ModelSpec, VariantSpec
from core.store.network_files import network_files
from core.sweeps.sweep import WAIT_S, Answers, Missing, Step, Sweep
from core.sweeps.worker import Files, Parcel, Ref, answer, arrays, look

ANSWER_S = 30  # a cluster that has not answered by then is not there
TRIES = 5  # more machines than this are not lost during one network; a network may also end its worker itself
QUEUED = 2  # tasks for each place to compute: no place waits for the driver


class NoCluster(SparsightError):
    """Ray is not installed, or its cluster cannot be reached or has lost a network."""


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """Where a sweep runs.

    address: HOST:PORT of the cluster's head; "" for that of RAY_ADDRESS, else the cluster that this
    machine belongs to, else a new one of this machine alone. gpus: share of a GPU that a network
    gets; None for a whole GPU if the cluster has any, 0 for one CPU core. settings: of the engines
    there; folder and device do not count.
    """

    settings: Settings
    address: str = ""
    gpus: float | None = None

    def __post_init__(self) -> None:
        if self.gpus is not None and not 0 <= self.gpus <= 1:
            raise BadSpec(
                f"A network cannot have {self.gpus} GPUs.",
                "It computes on one GPU, or on a share of it from 0 to 1.",
                "Say --gpus-per-network 0.25, for example: four networks share a GPU.",
            )


def run(sweep: Sweep, cluster: Cluster, part: tuple[int, int] = (1, 1)) -> Iterator[Step]:
    """Compute what is missing on a cluster; the tables are those of `Sweep.run`.

    Leaving the loop ends the tasks; every network that was yielded is kept.

    Args:
        part: as in `Sweep.run`.
    Yields:
        a Step after each network, in the order in which they are done.
    Raises:
        NoCluster: Ray is not installed, no cluster answers, or a network was lost again and again.
        BadSpec: no GPU in the cluster; weights or images that change. As `Sweep.run`.
    """
    check_installed()
    _check_reference(sweep)
    variants = sweep.variants[part[0] - 1 :: part[1]]
    left = deque(variant for variant in variants if sweep.missing(variant))
    missing = set(left)
    found = [variant for variant in variants if variant not in missing]
    for done, variant in enumerate(found, start=1):
        yield Step(variant=variant, done=done, networks=len(variants), found=True, seconds=0.0)
    if left:
        with _connected(cluster.address) as ray, ExitStack() as held:
            for done, (variant, seconds) in enumerate(_Driver(ray, sweep, cluster, held).work(left), len(found) + 1):
                computed = seconds is not None
                yield Step(
                    variant=variant, done=done, networks=len(variants), found=not computed, seconds=seconds or 0.0
                )


@dataclass(frozen=True, eq=False)
class _Flight:
    """A network at work. held: its lock."""

    variant: VariantSpec
    held: ExitStack


class _Driver:
    """Sends networks to the cluster and writes what comes back.

    Args:
        held: releases the locks of networks at work if the sweep ends early.
    """

    def __init__(self, ray: Any, sweep: Sweep, cluster: Cluster, held: ExitStack) -> None:
        self._ray, self._sweep, self._held = ray, sweep, held
        self._settings, self._gpus = cluster.settings, _gpus(ray, cluster)
        task = ray.remote(num_cpus=1, num_gpus=self._gpus, max_retries=TRIES)
        self._answer, self._look = task(answer), task(look)
        self._identities: dict[VariantSpec, dict[str, Any]] = {}
        self._parcels: dict[ModelSpec, Ref] = {}
        self._batches: dict[Inputs, tuple[Ref, ...]] = {}
        self._files: dict[tuple[Path, str], Ref] = {}  # by file and stamp
        self._references: dict[tuple[ModelSpec, CamSpec | None], Ref] = {}

    def work(self, left: deque[VariantSpec]) -> Iterator[tuple[VariantSpec, float | None]]:
        """Yield each network with the seconds that it took, None if another process has done it."""
        self._identities = {variant: self._sweep.identity(variant) for variant in left}
        flying: dict[Ref, _Flight] = {}
        while left or flying:
            busy = []
            while left and len(flying) < QUEUED * self._places():
                variant = left.popleft()
                try:
                    flight = _Flight(variant, self._locked(variant))
                except Busy:
                    busy.append(variant)
                    continue
                if missing := self._sweep.missing(variant):
                    flying[self._send(variant, missing)] = flight
                else:  # another process has done it meanwhile
                    flight.held.close()
                    yield variant, None
            left.extend(busy)
            if not flying:
                time.sleep(WAIT_S if left else 0)
                continue
            for ref in self._ray.wait(list(flying), timeout=WAIT_S)[0]:
                flight = flying.pop(ref)
                answers = self._got(ref, flight.variant)
                self._sweep.write(flight.variant, answers, self._identities[flight.variant])
                flight.held.close()
                yield flight.variant, answers.facts["seconds"]

    def _locked(self, variant: VariantSpec) -> ExitStack:
        """Raises Busy."""
        held = ExitStack()
        held.enter_context(locked(self._sweep.tables.lock(variant), variant.key))
        self._held.callback(held.close)
        return held

    def _places(self) -> int:
        """Return how many networks the machines of now compute at once."""
        have = self._ray.cluster_resources()
        places = int(have.get("CPU", 0))
        return max(1, min(places, int(have.get("GPU", 0) / self._gpus)) if self._gpus else places)

    def _send(self, variant: VariantSpec, missing: Missing) -> Ref:
        parcel, files = self._parcel(variant), self._put_files(variant)
        self._sweep.check_unchanged(variant, self._identities[variant], read_again=False)
        wanted = dict.fromkeys(cell.cam and mapped_by(cell.cam) for cell in missing)
        cams = tuple(wanted) if self._sweep.spec.compares else ()
        references = [self._reference(variant, cam, parcel) for cam in cams]
        return self._answer.remote(parcel, files, variant, missing, cams, *references)

    def _reference(self, variant: VariantSpec, cam: CamSpec | None, parcel: Ref) -> Ref:
        """Return the reference's answers, which are computed once, in the cluster."""
        key = variant.model, cam
        if key not in self._references:
            files = self._put_files(self._sweep.spec.reference_of(variant.model))
            self._references[key] = self._look.remote(parcel, files, variant.model, cam)
        return self._references[key]

    def _parcel(self, variant: VariantSpec) -> Ref:
        """Put the images of a model into the cluster, and check that they did not change while they
        were read. Raises BadSpec.
        """
        sweep, model = self._sweep, variant.model
        if model not in self._parcels:
            inputs, rows = sweep.inputs(model), sweep.rows(model)
            if inputs not in self._batches:
                batches = inputs.pixels(truth=sweep.spec.needs_truth, rows=rows)
                self._batches[inputs] = tuple(self._ray.put(arrays(batch)) for batch in batches)
            sweep.check_unchanged(variant, self._identities[variant])
            cards = description.find(sweep.engine.roots)
            self._parcels[model] = self._ray.put(
                Parcel(
                    spec=sweep.spec,
                    settings=replace(self._settings, precision=sweep.engine.store.precision),
                    gpus=self._gpus,
                    card=next((card for card in cards if card.name == model.name), None),
                    plugins=tuple(each for each in loaded() if each.error is None),
                    rows=rows,
                    own_classes=inputs.own_classes.cpu(),
                    batches=self._batches[inputs],
                )
            )
        return self._parcels[model]

    def _put_files(self, variant: VariantSpec) -> Files:
        found = {}
        for name, path in network_files(self._sweep.engine.store, variant).items():
            key = path, stamp_of(path)
            if key not in self._files:
                self._files[key] = self._ray.put(path.read_bytes())
            found[name] = self._files[key]
        return found

    def _got(self, ref: Ref, variant: VariantSpec) -> Answers:
        """Raises NoCluster if the network was lost, and what the task raised."""
        errors = self._ray.exceptions
        try:
            return self._ray.get(ref)
        except errors.RayTaskError as error:
            cause = error.cause
            if isinstance(cause, SparsightError):
                raise SparsightError(cause.wrong, cause.allowed, cause.next_step) from error
            raise
        except errors.RayError as error:
            raise NoCluster(
                f"{variant.key} was not computed ({' '.join(str(error).split())[:300]}).",
                f"A network that loses its machine is computed again, {TRIES} times at most.",
                "Look at the memory of the machines, then run the sweep again: what is done is kept.",
            ) from error


def _check_reference(sweep: Sweep) -> None:
    """Raise BadSpec for a reference of another architecture, which needs images of its own."""
    for model in sweep.spec.models:
        reference = sweep.spec.reference_of(model).model
        if sweep.spec.compares and reference.name != model.name:
            raise BadSpec(
                f"A sweep on a cluster cannot compare {model.name} with {reference.name}.",
                "The machines get the images of one architecture.",
                "Run this sweep on one machine: --runner local.",
            )


def _gpus(ray: Any, cluster: Cluster) -> float:
    """Return the GPUs of a network. Raises BadSpec if there are none."""
    there = ray.cluster_resources().get("GPU", 0)
    if cluster.settings.device == "cpu":
        return 0.0
    if cluster.gpus is None:
        return float(there > 0)
    if cluster.gpus and not there:
        raise BadSpec(
            "The cluster has no GPU.",
            f"Each network of this sweep is to have {cluster.gpus:g} GPUs.",
            "Omit --gpus-per-network: each network then gets a CPU core.",
        )
    return cluster.gpus


@contextmanager
def _connected(address: str) -> Iterator[Any]:
    """Connect to a cluster, or start one on this machine. Raises NoCluster, BadSpec."""
    ray = check_installed()
    if address not in ("", "auto"):
        _check_answers(address)
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # a Ray of our own reports to nobody; it has no other switch
    try:
        ray.init(
            address=address or None,
            log_to_driver=False,
            logging_level=logging.ERROR,
            runtime_env={"py_modules": [str(REPOSITORY / "core")]},
        )
    except Exception as error:  # Ray raises many classes, some of them plain exceptions
        raise NoCluster(
            f"Ray cannot be used ({' '.join(str(error).split())[:300]}).",
            "This machine must belong to the cluster, with the same versions of Python and Ray.",
            "Run the command on a machine of the cluster, or use --processes on this one.",
        ) from error
    try:
        yield ray
    finally:
        ray.shutdown()


def _check_answers(address: str) -> None:
    """Ask a cluster whether it is there; connecting would take minutes to fail."""
    if not re.fullmatch(r"[\w.\-\[\]:]+:\d{1,5}", address):
        raise BadSpec(f"'{address}' is no address of a cluster.", "It is HOST:PORT.", "Say --address 10.0.0.1:6379.")
    words = [sys.executable, "-m", "ray.scripts.scripts", "health-check", "--address", address]
    try:
        answers = subprocess.run(words, capture_output=True, timeout=ANSWER_S).returncode == 0
    except subprocess.TimeoutExpired:
        answers = False
    if not answers:
        raise NoCluster(
            f"No Ray cluster answers at {address}.",
            f"It must answer within {ANSWER_S} seconds, and have the same version of Ray.",
            "Start its head with `ray start --head --port 6379`, or correct the address.",
        )


def check_installed() -> Any:
    """Return Ray. Raises NoCluster if it is not installed."""
    try:
        import ray
    except ImportError as error:
        raise NoCluster(
            "Ray is not installed.",
            "A sweep on a cluster needs it, on each machine.",
            "Run `pip install -r requirements-ray.txt`.",
        ) from error
    return ray
