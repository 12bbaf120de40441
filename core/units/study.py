"""The units of the networks of a sweep, over its images: measured once, kept in tables.

<folder>/units/<images>/<model>/<pruning>/units.parquet has a row for every unit, rounded to
float16; its facts hold a row for every layer and for the network, and state what they were computed
from. exemplars.parquet has a row for every unit and rank of its strongest and weakest images; it
needs one pass, so it is made again where only the scores are included.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import torch
from torch import Tensor, nn

from core.base.errors import BadFile, BadSpec, MissingData
from core.base.progress import Progress, passed, tell
from core.base.version import VERSION
from core.data.batches import Batch
from core.disk.frames import read_frame, write_frame
from core.models.cards import RANDOM
from core.specs import ModelSpec, VariantSpec, whole
from core.sweeps.sweep import Step, Sweep
from core.units.embeddings import QUICK, SIMILARITIES, Embeddings, Source, embeddings, embeddings_key
from core.units.exemplars import Found, Search, find_exemplars
from core.units.layers import UnitLayer, unit_layers
from core.units.relevance import ABLATIONS, ablate, chosen_units, relevance
from core.units.score import TASKS, depth_of, tasks_of
from core.units.tables import NETWORK, beside_dense, of_layer, shown_rows, summary

FOLDER = "units"
RELEVANCE_IMAGES = 500
LARGEST_HALF = 60_000  # a column with larger values is not rounded to float16


@dataclass(frozen=True, kw_only=True)
class UnitOptions:
    """What is measured.

    similarities: keys of SIMILARITIES. layers: convolutions, or patterns of their names; all by
    default. seed: of ties and tasks. after_relu: read activations after a ReLU. ablation: images
    over which units of the first, the middle and the last layer are taken away one by one; 0 for
    none. relevance: images over which relevance is measured. Both lie at equal distances; all if
    there are fewer.
    """

    similarities: tuple[str, ...] = ("efficientnet-lite1", "pixels")
    layers: tuple[str, ...] = ()
    seed: int = 0
    after_relu: bool = False
    ablation: int = 0
    relevance: int = RELEVANCE_IMAGES

    def __post_init__(self) -> None:
        whole(self.ablation, "number of images for ablation")
        whole(self.relevance, "number of images for relevance", 1)
        if not self.similarities:
            raise BadSpec("No similarity is named.", f"They are: {', '.join(SIMILARITIES)}.", "Name one.")
        for name in self.similarities:
            SIMILARITIES[name]


@dataclass(frozen=True, eq=False, kw_only=True)
class UnitTables:
    """The table of one network, and its facts."""

    units: pandas.DataFrame
    facts: dict[str, Any]

    @property
    def layers(self) -> pandas.DataFrame:
        """A row for every layer, and for the network, whose name of a layer is NETWORK."""
        return pandas.DataFrame(self.facts["summaries"])


Measured = tuple[UnitTables, pandas.DataFrame]  # and the exemplars


class UnitStudy:
    """The units of the networks of a sweep.

    Args:
        sweep: its networks and images; its heatmaps and measures do not matter.
    """

    def __init__(self, sweep: Sweep, options: UnitOptions | None = None) -> None:
        self.sweep, self.options = sweep, options or UnitOptions()
        self._embeddings: dict[tuple[ModelSpec, str], Embeddings] = {}
        self._layers: dict[ModelSpec, tuple[UnitLayer, ...]] = {}

    @cached_property
    def variants(self) -> list[VariantSpec]:
        """The networks: of each model untrained weights as a baseline, the dense network as the one
        to compare with, and what the sweep asks about.
        """
        found: list[VariantSpec] = []
        for model in self.sweep.spec.models:
            dense = VariantSpec(model=model).dense
            found += [self.untrained(model), dense, *self.sweep.spec.variants(model)]
        return list(dict.fromkeys(found))

    def untrained(self, model: ModelSpec) -> VariantSpec:
        """Return the same network with random weights."""
        return VariantSpec(model=ModelSpec(name=model.name, weights=RANDOM, seed=0))

    def layers(self, model: ModelSpec) -> tuple[UnitLayer, ...]:
        """Return the convolutions that are measured. Raises UnknownName, BadSpec."""
        if model not in self._layers:
            self._layers[model] = unit_layers(self.sweep.engine.card(model), self.options.layers)
        return self._layers[model]

    def path(self, variant: VariantSpec, name: str, root: Path | None = None) -> Path:
        """Return the file of a table, "units" or "exemplars". root: by default the engine's own."""
        home = (root or self.sweep.engine.folder) / FOLDER / self.sweep.spec.set_key
        return home / variant.model.key / variant.pruning.key / f"{name}.parquet"

    def identity(self, variant: VariantSpec) -> dict[str, Any]:
        """Return the facts of now that tables must have been computed from."""
        options = self.options
        only = [layer.name for layer in self.layers(variant.model)] if options.layers else []
        own: dict[str, Any] = {"seed": options.seed, "after_relu": options.after_relu, "only": only}
        own |= {"ablation": options.ablation} if options.ablation else {}
        own |= {"relevance": options.relevance} if options.relevance != RELEVANCE_IMAGES else {}
        return self.sweep.identity(variant) | own

    def read(self, variant: VariantSpec) -> UnitTables | None:
        """Return the table of a network; None if it was not computed from these things."""
        found = self._known(variant, "units")
        if found is None or not set(self.options.similarities) <= set(found[1]["similarities"]):
            return None
        halves = [name for name in found[0] if found[0][name].dtype == np.float16]
        return UnitTables(units=found[0].astype(dict.fromkeys(halves, np.float32)), facts=found[1])

    def exemplars(self, variant: VariantSpec, progress: Progress = tell) -> pandas.DataFrame:
        """Return a row for every unit and rank of its strongest and weakest images, as rows of the
        data set; made in one pass if they are not there. Raises as `run`.
        """
        known = self._known(variant, "exemplars")
        if known is not None:
            return known[0]
        identity, layers = self.identity(variant), self.layers(variant.model)
        depth = depth_of(tasks_of(len(self.sweep.rows(variant.model))))
        shown = shown_rows(self.search(variant, layers, depth, progress), layers)
        write_frame(self.path(variant, "exemplars"), shown, identity)
        return shown

    def _known(self, variant: VariantSpec, name: str) -> tuple[pandas.DataFrame, dict[str, Any]] | None:
        identity = self.identity(variant)
        for root in self.sweep.engine.roots:
            try:
                frame, facts = read_frame(self.path(variant, name, root), ("layer", "unit"))
            except (MissingData, BadFile):
                continue
            if all(facts.get(key) == value for key, value in identity.items()):
                return frame, facts
        return None

    def run(self, part: tuple[int, int] = (1, 1), progress: Progress = tell) -> Iterator[Step]:
        """Measure the networks whose tables are missing.

        Raises:
            BadSpec: too few images, or a layer without units. MissingData. CacheNotWritable.
        """
        variants = self.variants[part[0] - 1 :: part[1]]
        made: dict[str, Measured] = {}  # of dense networks: level 0 of several series may be the same
        for done, variant in enumerate(variants, start=1):
            began, known = time.monotonic(), self.read(variant)
            weights = f"{variant.model.name} {self.identity(variant).get('weights') or variant.key}"
            if known is None:
                measured = made.get(weights) if variant == variant.dense else None
                tables, exemplars = measured or self.measure(variant, progress)
                if variant == variant.dense:
                    made[weights] = tables, exemplars
                facts = tables.facts | self.identity(variant) | {"variant": variant.key}
                self.write(variant, UnitTables(units=tables.units, facts=facts), exemplars)
            elif variant == variant.dense and (shown := self._known(variant, "exemplars")):
                made[weights] = known, shown[0]
            seconds = time.monotonic() - began
            yield Step(variant=variant, done=done, networks=len(variants), found=known is not None, seconds=seconds)

    def write(self, variant: VariantSpec, tables: UnitTables, exemplars: pandas.DataFrame) -> None:
        """Write the tables of a network. Raises CacheNotWritable."""
        write_frame(self.path(variant, "exemplars"), exemplars, self.identity(variant))
        kept = tables.units[[name for name in tables.units if not name.startswith("shuffled-")]]  # a baseline of means
        halves = [name for name in kept if kept[name].dtype.kind == "f" and not kept[name].abs().max() > LARGEST_HALF]
        write_frame(self.path(variant, "units"), kept.astype(dict.fromkeys(halves, np.float16)), tables.facts)

    def measure(self, variant: VariantSpec, progress: Progress = tell) -> Measured:
        """Measure the units of a network; nothing is written. Raises as `run`."""
        began, model = time.monotonic(), variant.model
        rows, layers = self.sweep.rows(model), self.layers(model)
        tasks = tasks_of(len(rows))
        identity = self.identity(variant)
        names = self.options.similarities
        passes = [passed(progress, number, len(names) + 3) for number in range(len(names) + 3)]
        search = self.search(variant, layers, depth_of(tasks), passes[0])
        found, seen = search.exemplars, search.rows
        judges = {name: self.vectors(model, name, seen, each) for name, each in zip(names, passes[1:], strict=False)}
        with self.sweep.engine.store.borrow(variant) as network:
            some = self._some(model, self.options.relevance, passes[-2])
            relevant, relevance_images = relevance(network, some, layers)
            ablated = self._ablated(network, model, layers, passes[-1])
        dense = {name: one.strongest for name, one in found.items()}
        if variant != variant.dense:
            dense = self._dense(variant, seen)
        units, tables = [], []
        confidences: dict[str, list[np.ndarray]] = {name: [] for name in judges}
        for place, layer in enumerate(layers):
            columns, sure = of_layer(found[layer.name], layer.name, judges, self.options.seed)
            columns |= {"relevance": relevant[layer.name]} | ablated.get(layer.name, {})
            columns |= beside_dense(found[layer.name].strongest, dense[layer.name], judges)
            head = {"layer": np.int16(place), "unit": np.arange(layer.units, dtype=np.int16)}
            units.append(pandas.DataFrame(head | {name: values.numpy() for name, values in columns.items()}))
            tables.append(summary(layer.name, units[-1], sure, self.options.seed, variant.key))
            for name, values in sure.items():
                confidences[name].append(values)
        table = pandas.concat(units, ignore_index=True)
        together = {name: np.concatenate(values) for name, values in confidences.items()}
        tables.append(summary(NETWORK, table, together, self.options.seed, variant.key))
        facts = identity | {
            "similarities": list(judges),
            "layers": [layer.name for layer in layers],
            "read": [layer.read for layer in layers],
            "n": len(seen),
            "right": search.right,
            "tasks": tasks,
            "comparable": tasks == TASKS,
            "relevance_images": relevance_images,
            "versions": {"sparsight": VERSION, "torch": torch.__version__},
            "device": self.sweep.engine.device_name,
            "seconds": round(time.monotonic() - began, 3),
            "notes": list(self.sweep.inputs(model).notes),
            "sparsity": self.sweep.engine.report(variant).sparsity,
            "variant": variant.key,
            "summaries": tables,
        }
        return UnitTables(units=table, facts=facts), shown_rows(search, layers)

    def embeddings(self, model: ModelSpec, similarity: str, progress: Progress = tell) -> Embeddings:
        """Return the embeddings of the images. Raises MissingData."""
        if (model, similarity) not in self._embeddings:
            sweep = self.sweep
            source = Source(
                inputs=sweep.inputs(model),
                card=sweep.engine.card(model),
                rows=sweep.rows(model),
                key=sweep.spec.set_key,
            )
            self._embeddings[model, similarity] = embeddings(similarity, source, sweep.engine.store, progress)
        return self._embeddings[model, similarity]

    def is_embedded(self, similarity: str) -> bool:
        """Return whether the embeddings of a judge are on disk, so that its answers are quick."""
        return similarity in QUICK or self.sweep.engine.store.files.exists(
            embeddings_key(self.sweep.spec.set_key, similarity)
        )

    def _some(self, model: ModelSpec, images: int, progress: Progress) -> Iterator[Batch]:
        """Yield so many of the images, at equal distances."""
        rows, done = self.sweep.rows(model), 0
        rows = rows[:: max(1, len(rows) // images)][:images]
        for batch in self.sweep.batches(model).batches(rows=rows):
            yield batch
            done += len(batch.rows)
            progress(done, len(rows))

    def _ablated(
        self, network: nn.Module, model: ModelSpec, layers: Sequence[UnitLayer], progress: Progress
    ) -> dict[str, dict[str, Tensor]]:
        """Return columns of the first, the middle and the last layer; NaN for units that are not
        among the chosen ones.
        """
        found: dict[str, dict[str, Tensor]] = {}
        if self.options.ablation:
            some = list(dict.fromkeys((layers[0], layers[len(layers) // 2], layers[-1])))
            for place, layer in enumerate(some):
                chosen, columns = chosen_units(layer, self.options.seed), {}
                for number, how in enumerate(ABLATIONS):
                    one = passed(progress, place * len(ABLATIONS) + number, len(some) * len(ABLATIONS))
                    effect = ablate(network, self._some(model, self.options.ablation, one), layer, chosen, how)
                    for name, values in (("drop", effect.drop), ("changed", effect.changed)):
                        columns[f"{name}-{how}"] = torch.full((layer.units,), torch.nan)
                        columns[f"{name}-{how}"][chosen] = values
                found[layer.name] = columns
        return found

    def vectors(self, model: ModelSpec, similarity: str, seen: Tensor, progress: Progress = tell) -> Tensor:
        """Return the embeddings of the images that the network has seen, (n, d), in their order."""
        known = self.embeddings(model, similarity, progress)
        places = torch.searchsorted(known.rows, seen)
        if not torch.equal(known.rows[places.clamp(max=len(known.rows) - 1)], seen):
            raise BadSpec(
                f"The embeddings by {similarity} are of other images than the network has seen.",
                "Photographs were changed meanwhile.",
                "Run it again.",
            )
        return known.vectors[places]

    def search(self, variant: VariantSpec, layers: Sequence[UnitLayer], depth: int, progress: Progress = tell) -> Found:
        """Find the exemplars of some layers of a network in one pass. Raises as `run`."""
        rows, batches = self.sweep.rows(variant.model), self.sweep.batches(variant.model)
        options = self.options
        search = Search(images=len(rows), depth=depth, seed=options.seed, after_relu=options.after_relu)
        with self.sweep.engine.store.borrow(variant) as network:
            return find_exemplars(network, batches.batches(rows=rows), layers, search, progress)

    def _dense(self, variant: VariantSpec, seen: Tensor) -> dict[str, Tensor]:
        """Return the strongest images of the dense network's units by layer, (K, SHOWN) places of
        images.
        """
        known, found = self.exemplars(variant.dense), {}
        for place, layer in enumerate(self.layers(variant.model)):
            rows = torch.from_numpy(known[known.layer == place]["strongest"].to_numpy(np.int64))
            found[layer.name] = torch.searchsorted(seen, rows).reshape(layer.units, -1)
        return found
