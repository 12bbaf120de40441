"""Run a sweep: every network over the images, each answer once, by as many processes as share the
folder.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import pandas
import torch
from torch import Tensor, nn

from core.base.errors import BadSpec, MissingData
from core.base.progress import Progress, silent, tell
from core.base.version import VERSION
from core.data.batches import Batch, Batches, Inputs
from core.disk.lock import Busy, locked
from core.engine.engine import Engine
from core.engine.reference import Pair
from core.evaluation.columns import COLUMNS
from core.evaluation.seen import Reference, Seen
from core.saliency.baselines import is_baseline, mapped_by, network_of_maps
from core.saliency.cams import saliency_maps
from core.saliency.capture import own_class
from core.specs import CamSpec, ModelSpec, VariantSpec
from core.sweeps.collected import Collected, Missing, forget, forget_written
from core.sweeps.images import chosen_rows
from core.sweeps.spec import SweepSpec
from core.sweeps.tables import Cell, Tables

MEASURED = 16  # images, before a sweep starts
WAIT_S = 1.0  # between two looks at a network that another process works on


@dataclass(frozen=True, kw_only=True)
class Step:
    """One network is done. done: networks so far, of `networks`. found: nothing was missing."""

    variant: VariantSpec
    done: int
    networks: int
    found: bool
    seconds: float


@dataclass(frozen=True, eq=False, kw_only=True)
class Answers:
    """What a table lacked, for each table of one network. facts: of the network, and of how the
    columns were computed.
    """

    columns: dict[Cell, pandas.DataFrame]
    facts: dict[str, Any]


class Sweep:
    """A sweep on an engine.

    Args:
        engine: where networks and images come from, and where the tables lie. inputs: the images,
            where they are not a data set of the engine.
    """

    def __init__(self, engine: Engine, spec: SweepSpec, inputs: Inputs | None = None) -> None:
        self.engine, self.spec, self._inputs = engine, spec, inputs
        self.tables = Tables(engine.roots, spec.set_key)
        self._rows: dict[ModelSpec, Tensor] = {}
        self._identities: dict[ModelSpec, str] = {}
        self._references: dict[tuple[str, CamSpec | None], Reference] = {}

    def again(self, spec: SweepSpec) -> Sweep:
        """Return a sweep of other networks on the same images, which knows of the reference what
        this one knows. Its spec differs in models, prunings, heatmaps and measures only.
        """
        found = Sweep(self.engine, spec, self._inputs)
        found.tables = self.tables
        found._rows, found._identities, found._references = self._rows, self._identities, self._references
        return found

    @cached_property
    def variants(self) -> list[VariantSpec]:
        return [variant for model in self.spec.models for variant in self.spec.variants(model)]

    def cells(self, variant: VariantSpec) -> list[Cell]:
        """Return the tables of a network: its answers, and every heatmap."""
        layer = self.engine.card(variant.model).target_layer
        cams = [None, *(replace(cam, layer=cam.layer or layer) for cam in self.spec.cams)]
        reference: VariantSpec | None = self.spec.reference_of(variant.model)
        if reference == variant.dense or not self.spec.compares:
            reference = None
        return [Cell(variant=variant, cam=cam, reference=reference) for cam in cams]

    def inputs(self, model: ModelSpec) -> Inputs:
        """Return the data set as this model receives it. Raises as `Engine.inputs`."""
        return self.engine.inputs(self.spec.data, model) if self._inputs is None else self._inputs

    def batches(self, model: ModelSpec) -> Batches:
        """Return where the images come from, batch by batch. Raises as `Engine.inputs`."""
        return self.inputs(model)

    def rows(self, model: ModelSpec) -> Tensor:
        """Return the rows of the images, (n,)."""
        if model not in self._rows:
            self._rows[model] = chosen_rows(self.inputs(model).classes, self.spec.images, self.spec.seed)
        return self._rows[model]

    def identity(self, variant: VariantSpec) -> dict[str, Any]:
        """Return the facts of now that a table must have been computed from; of what is not on this
        machine, none.
        """
        store, reference = self.engine.store, self.spec.reference_of(variant.model)
        found = {"precision": store.precision}
        if reference != variant.dense:
            found["compared"] = f"{reference.key}{self.spec.mapping or ''}"
        with suppress(MissingData):
            known = {"weights": store.checksum(variant), "reference": store.checksum(reference)}
            away = {"weights": store.missing(variant.model), "reference": store.missing(reference.model)}
            found |= {name: checksum for name, checksum in known.items() if checksum or not away[name]}
        with suppress(MissingData):
            if variant.model not in self._identities:
                self._identities[variant.model] = self.inputs(variant.model).checksum(self.rows(variant.model))
            found["inputs"] = self._identities[variant.model]
        return found

    def missing(self, variant: VariantSpec) -> Missing:
        """Return the columns that are still to be computed."""
        found, identity = {}, self.identity(variant)
        for cell in self.cells(variant):
            known = self.tables.read(cell, identity)
            wanted = self.spec.columns(of_maps=cell.cam is not None)
            lacking = tuple(name for name in wanted if known is None or name not in known[0])
            if lacking:
                found[cell] = lacking
        return found

    def run(self, part: tuple[int, int] = (1, 1), progress: Progress = tell) -> Iterator[Step]:
        """Compute what is missing, network by network; whoever runs the same sweep shares the work.

        Args:
            part: (k, n): only every n-th network from the k-th on. progress: called with images
                done and total within a network.
        Yields:
            a Step after each network. A network that another process works on comes last.
        """
        waiting, done = self.variants[part[0] - 1 :: part[1]], 0
        networks = len(waiting)
        while waiting:
            busy = []
            for variant in waiting:
                began = time.monotonic()
                try:
                    computed = self._compute(variant, progress)
                except Busy:
                    busy.append(variant)
                    continue
                done += 1
                seconds = time.monotonic() - began
                yield Step(variant=variant, done=done, networks=networks, found=not computed, seconds=seconds)
            if busy and len(busy) == len(waiting):
                time.sleep(WAIT_S)
            waiting = busy

    def seconds_per_image(self, model: ModelSpec) -> float:
        """Measure the time of all answers for one image of a dense network, over the first few."""
        dense, first = VariantSpec(model=model), Sweep(self.engine, self.spec, self._inputs)
        first._rows[model] = self.rows(model)[:MEASURED]
        everything = {cell: self.spec.columns(of_maps=cell.cam is not None) for cell in self.cells(dense)}
        for cell in sorted(everything, key=lambda cell: cell.cam is None):
            first._know_reference(cell)
        with self.engine.store.borrow(dense) as network:
            began = time.monotonic()
            first._collect(network, Collected(everything), everything, silent)
        return (time.monotonic() - began) / len(first.rows(model))

    def _compute(self, variant: VariantSpec, progress: Progress) -> bool:
        """Compute what is missing of a network; return whether anything was. Raises Busy."""
        if not self.missing(variant):
            forget_written(self.tables.lock(variant).parent, partial(self._is_written, variant))
            return False
        with locked(self.tables.lock(variant), variant.key):
            missing = self.missing(variant)  # another process may have done it meanwhile
            if not missing:
                return False
            identity = self.identity(variant)
            answers = self.answer(variant, missing, progress, identity)
            self.check_unchanged(variant, identity)
            self.write(variant, answers, identity)
        return True

    def _is_written(self, variant: VariantSpec, table: str, column: str) -> bool:
        identity = self.identity(variant)
        found = (self.tables.read(cell, identity) for cell in self.cells(variant) if cell.name == table)
        return any(known is not None and column in known[0] for known in found)

    def answer(
        self,
        variant: VariantSpec,
        missing: Missing,
        progress: Progress = tell,
        identity: dict[str, Any] | None = None,
    ) -> Answers:
        """Compute what is missing of a network; no table is written. Raises as `Engine.heatmap`.

        Args:
            identity: what it is computed from, to keep what is done if it is stopped.
        """
        began = time.monotonic()
        for cell in sorted(missing, key=lambda cell: cell.cam is None):
            self._know_reference(cell)  # first: a thread must not borrow two networks at once
        found = Collected(missing)
        if identity:
            found = Collected(missing, self.tables.lock(variant).parent, identity, self.inputs(variant.model))
        self.engine.store.use(variant, lambda lent: self._collect(lent.network, found, missing, progress))
        facts = self._facts(variant) | {"seconds": round(time.monotonic() - began, 3), "n": found.count}
        return Answers(columns=found.frames(), facts=facts)

    def check_unchanged(self, variant: VariantSpec, before: dict[str, Any], read_again: bool = True) -> None:
        """Raise BadSpec if weights or images are others than before. read_again: the images."""
        if read_again:
            self._identities.pop(variant.model, None)
        if self.identity(variant) != before:
            raise BadSpec(
                f"The weights or images of {variant.key} changed while the sweep asked about them.",
                "Its answers would belong to neither, so they are not kept.",
                "Run the sweep again.",
            )

    def write(self, variant: VariantSpec, answers: Answers, identity: dict[str, Any]) -> None:
        """Write columns beside those that the tables have. identity: what they were computed from.
        Raises CacheNotWritable.
        """
        facts, notes = answers.facts | identity, self.inputs(variant.model).notes
        for cell, new in answers.columns.items():
            whole, before = new, ()
            if known := self.tables.read(cell, identity):
                whole, before = known[0].merge(new, on="image", validate="one_to_one"), known[1]["notes"]
            of_cell = {"cam": cell.cam.key if cell.cam else None, "notes": list(dict.fromkeys((*before, *notes)))}
            self.tables.write(cell, whole, facts | of_cell)
        forget(self.tables.lock(variant).parent)

    def _collect(self, network: nn.Module, found: Collected, missing: Missing, progress: Progress) -> None:
        """Collect the missing columns of each table, for the images that can be read."""
        model = next(iter(missing)).variant.model
        images, rows = self.batches(model), self.rows(model)
        mapped = {cell: network_of_maps(network, cell.cam) for cell in missing}
        with found.kept():
            progress(found.count, len(rows))
            left = found.left(rows)
            for batch in images.batches(truth=self.spec.needs_truth, rows=left) if len(left) else ():
                seen = self._seen(batch, network, mapped)
                found.add(batch.rows, lambda cell, name, seen=seen: COLUMNS[name].value(seen[cell]))  # type: ignore[misc]
                progress(found.count, len(rows))

    def _seen(self, batch: Batch, network: nn.Module, mapped: dict[Cell, nn.Module]) -> dict[Cell, Seen]:
        """Return what the tables of a network are computed from; answers come from the first
        heatmap's pass.

        Args:
            mapped: the network whose heatmaps each table has.
        """
        model = next(iter(mapped)).variant.model
        taken = replace(batch, images=batch.images.to(next(network.parameters()).dtype))
        classes = self.batches(model).own_classes
        found: dict[Cell, Seen] = {}
        before = None
        cams = [cell.cam for cell in mapped if cell.cam and not is_baseline(cell.cam)]
        for cell in sorted(mapped, key=lambda cell: (cell.cam is None, is_baseline(cell.cam))):
            reference = self._reference(model, cell.cam, batch) if self.spec.compares else None
            before = Seen(taken, network, classes, mapped[cell], cell.cam, reference, before, _beside(cell.cam, cams))
            found[cell] = before
        return found

    def _reference(self, model: ModelSpec, cam: CamSpec | None, batch: Batch) -> Reference:
        """Return what the reference gives for the images of a batch."""
        places, whole = torch.searchsorted(self.rows(model), batch.rows), self._references[self._key(model, cam)]
        if whole.maps is None:
            return Reference(whole.predicted[places])
        return Reference(whole.predicted[places], whole.maps[places], self._pair(model).frames(batch.sources))

    def _pair(self, model: ModelSpec) -> Pair:
        reference = self.spec.reference_of(model)
        return Pair.of(self.engine.catalogue, VariantSpec(model=model), reference, self.spec.mapping)

    def _know_reference(self, cell: Cell) -> None:
        """Compute what the reference gives for all images, once a sweep. Its answers are known with
        any of its heatmaps.
        """
        model = cell.variant.model
        key = self._key(model, cell.cam)
        if not self.spec.compares or key in self._references:
            return
        known = [found for other, found in self._references.items() if other[0] == key[0]]
        if cell.cam is None and known:
            self._references[key] = Reference(known[0].predicted)
        else:
            self._references[key] = self.look_at_all(model, key[1])

    def _key(self, model: ModelSpec, cam: CamSpec | None) -> tuple[str, CamSpec | None]:
        """Return what the reference's answers are kept under: the checksum of its weights, and the
        heatmap that a baseline stands beside.
        """
        reference = self.spec.reference_of(model)
        return f"{self.engine.store.checksum(reference)} {reference.key} {model.name}", cam and mapped_by(cam)

    def look_at_all(self, model: ModelSpec, cam: CamSpec | None) -> Reference:
        """Return what the reference of a model gives for all images, its answers as classes of the
        model. Raises as `Engine.compare`.
        """
        pair = self._pair(model)
        inputs, rows = self.batches(pair.reference.model), self.rows(pair.reference.model)
        cam = cam and pair.asked_of_reference(cam, None)
        predicted = torch.full((len(rows),), -1)
        maps: list[Tensor] = []
        with self.engine.store.borrow(pair.reference) as network:
            dtype = next(network.parameters()).dtype
            for batch in inputs.batches(rows=rows):
                places = torch.searchsorted(rows, batch.rows)
                images = batch.images.to(dtype)
                if cam is None:
                    with torch.no_grad():
                        predicted[places] = own_class(network(images)).cpu()
                    continue
                choose = Seen(batch, network, network=network, cam=cam).choose
                found = saliency_maps(network, images, cam.method, cam.layer, choose)
                predicted[places] = own_class(found.logits).cpu()
                whole = torch.full((len(rows), *found.maps.shape[1:]), torch.nan) if not maps else maps[0]
                whole[places] = found.maps.float().cpu()
                maps = [whole]
        named = any(each.target == "dense" for each in self.spec.cams)
        return Reference(pair.own_classes(predicted, named), maps[0] if maps else None)

    def _facts(self, variant: VariantSpec) -> dict[str, Any]:
        report = self.engine.report(variant)
        return {
            "variant": variant.key,
            "images": self.spec.set_key,
            "requested": dict(self.engine.levels(variant.model)).get(variant, variant.pruning.sparsity),
            "sparsity": report.sparsity,
            "kept": report.kept,
            "prunable": report.total,
            "compression": report.compression_ratio,
            "compression_of_convolutions": report.conv_compression_ratio,
            "collapsed": report.collapsed,
            "device": self.engine.device_name,
            "versions": {"sparsight": VERSION, "torch": torch.__version__},
        }


def _beside(cam: CamSpec | None, cams: Sequence[CamSpec]) -> tuple[str, ...]:
    """Return the other methods that are asked for the same layer and target class."""
    if cam is None or cam not in cams:
        return ()
    return tuple(each.method for each in cams if each == replace(cam, method=each.method) and each != cam)
