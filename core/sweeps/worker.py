"""What a worker of a cluster does: it computes the answers of one network from what the driver has
sent.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from core.base.atomic import replacing
from core.base.device import choose_device
from core.base.plugins import Plugin, load_plugins, loaded, unpack
from core.base.settings import Settings
from core.data.batches import Batch, Batches, standardised
from core.disk.lock import Busy, locked
from core.engine.engine import Engine
from core.evaluation.seen import Reference
from core.models import description
from core.models.cards import InputRule
from core.specs import CamSpec, ModelSpec, VariantSpec
from core.store.budgets import LEAST_BYTES, Budgets
from core.sweeps.spec import SweepSpec
from core.sweeps.sweep import Answers, Missing, Sweep

Ref = Any  # of an object in Ray's store; Ray may not be installed
Files = dict[str, Ref]  # content by the place below the folder of networks
_ALIVE = ExitStack()  # holds the lock of this process until it ends


@dataclass(frozen=True, eq=False, kw_only=True)
class Parcel:
    """What a worker needs to know of one model.

    gpus: share of a GPU that the worker has, 0 for a CPU core. card: of a retrained network.
    plugins: of the driver. rows, batches: of the images. own_classes: as in `Batches`.
    """

    spec: SweepSpec
    settings: Settings
    gpus: float
    card: description.Description | None
    plugins: tuple[Plugin, ...]
    rows: Tensor
    own_classes: Tensor
    batches: tuple[Ref, ...]


class _There(Sweep):
    """A sweep without a data set: images and the reference's answers come from the driver."""

    def __init__(self, parcel: Parcel, files: Files) -> None:
        _load_plugins(parcel)
        engine = _engine(parcel.settings, parcel.gpus)
        _bring(engine, parcel, files)
        super().__init__(engine, parcel.spec)
        self._parcel = parcel

    def batches(self, model: ModelSpec) -> Batches:
        return _Sent(self._parcel, self.engine.card(model).input, self.engine.device)

    def rows(self, model: ModelSpec) -> Tensor:
        return self._parcel.rows

    def know(self, model: ModelSpec, cams: Sequence[CamSpec | None], references: Sequence[Reference]) -> None:
        """Take the reference's answers as given."""
        self._references |= {self._key(model, cam): each for cam, each in zip(cams, references, strict=True)}


class _Sent(Batches):
    """The images that the driver has sent: all that the sweep asks, with its truth."""

    def __init__(self, parcel: Parcel, rule: InputRule, device: torch.device) -> None:
        self.own_classes, self._refs = parcel.own_classes.to(device), parcel.batches
        self._rule, self._device = rule, device

    def batches(self, truth: bool = False, rows: Tensor | None = None) -> Iterator[Batch]:
        for ref in self._refs:
            yield standardised(_batch(_get(ref)), self._rule, self._device)


def answer(
    parcel: Parcel,
    files: Files,
    variant: VariantSpec,
    missing: Missing,
    cams: Sequence[CamSpec | None],
    *references: Reference,
) -> Answers:
    """Compute what is missing of a network. references: the reference's answers, for these cams."""
    there = _There(parcel, files)
    there.know(variant.model, cams, references)
    return there.answer(variant, missing)


def look(parcel: Parcel, files: Files, model: ModelSpec, cam: CamSpec | None) -> Reference:
    """Compute the reference's answers."""
    return _There(parcel, files).look_at_all(model, cam)


@lru_cache(maxsize=1)
def _engine(settings: Settings, gpus: float) -> Engine:
    """Create the engine of a worker process."""
    own = replace(settings, folder=_own_folder(), plugins=(), device="cuda" if gpus else "cpu")
    usual = Budgets.usual(choose_device(own.device), own)
    in_ram, on_device = 1 / (os.cpu_count() or 1), gpus or 1 / (os.cpu_count() or 1)  # what others leave to it
    budgets = replace(
        usual,
        ram_bytes=own.ram_bytes or max(LEAST_BYTES, int(usual.ram_bytes * in_ram)),
        device_bytes=own.device_bytes or max(LEAST_BYTES, int(usual.device_bytes * on_device)),
    )
    return Engine(settings=own, budgets=budgets)


def _load_plugins(parcel: Parcel) -> None:
    """Run the plugins of the driver, from a copy of their code. Raises BadPlugin."""
    for plugin in parcel.plugins:
        if plugin.digest not in {each.digest for each in loaded()}:
            folder = _own_folder()
            unpack(plugin, folder)
            load_plugins(folder / plugin.path.name)


def _own_folder() -> Path:
    """Create a folder for this process, and remove those of processes that have ended: Ray kills
    its workers, so they cannot do it themselves.
    """
    home = Path(tempfile.gettempdir()) / f"sparsight-workers-{os.getuid()}"
    for lock in home.glob("*.lock"):
        with suppress(Busy), locked(lock, "a worker"):
            shutil.rmtree(lock.with_suffix(""), ignore_errors=True)
            lock.unlink(missing_ok=True)
    folder = home / uuid.uuid4().hex
    _ALIVE.enter_context(locked(folder.with_suffix(".lock"), "a worker"))
    folder.mkdir()
    return folder


def _bring(engine: Engine, parcel: Parcel, files: Files) -> None:
    """Write the files of a network that are not there yet."""
    for name, ref in files.items():
        target = engine.folder / name
        if not target.exists():
            with replacing(target) as part:
                part.write_bytes(_get(ref))
    if parcel.card is not None and parcel.card.name not in engine.catalogue:
        description.write(engine.folder, parcel.card)
    engine.catalogue.refresh()


def arrays(batch: Batch) -> dict[str, Any]:
    """Return a batch as arrays, which processes of a machine share in memory."""
    tensors = {"rows": batch.rows, "images": batch.images, "labels": batch.labels, "truth": batch.truth}
    return {name: None if each is None else each.cpu().numpy() for name, each in tensors.items()} | {
        "boxes": batch.boxes
    }


def _batch(packed: dict[str, Any]) -> Batch:
    fields: dict[str, Any] = {
        name: torch.tensor(each) if isinstance(each, np.ndarray) else each for name, each in packed.items()
    }
    return Batch(**fields)


def _get(ref: Ref) -> Any:
    import ray

    return ray.get(ref)
