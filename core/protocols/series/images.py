"""A trained series over a data set of photographs, image by image: one Parquet file a series and
data set, which grows level by level.

Map statistics are those of Less is More: raw Grad-CAM maps at the target layer's cells, for the
class that each network predicts, divided by the network's largest value on the data set (published:
by "the maximum of the batch"; the set as the batch is our reading). Similarity to the dense network
is that of maps of one class, the dense network's, as everywhere else in Sparsight.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas
import torch
from torch import Tensor, nn

from core.base.errors import BadFile, BadSpec, MissingData
from core.data.photo_inputs import PhotoInputs
from core.disk.frames import read_frame, write_frame
from core.evaluation.evaluate import TOP, against_truth, as_taken
from core.jobs.control import Control
from core.measures import MEASURES
from core.protocols.lukkien import older_tables
from core.protocols.lukkien.older_tables import SIMILARITIES
from core.saliency.cams import saliency_maps
from core.saliency.capture import fixed_classes, own_class
from core.saliency.normalise import normalise, to_measure, usable_and_empty
from core.specs import NO_ANSWER, DataSpec, ModelSpec, VariantSpec
from core.store.store import ModelStore

METHOD = "grad-cam"
COLUMNS = (
    "level",
    "image",
    "label",
    "predicted",
    "top5",
    "agrees",
    "usable",
    "map_mean",
    "map_variance",
    "non_zero",
    "l1_to_dense",
)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Which series on which photographs, and where its table lies. data_name: a name without a
    path, see `name_of`.
    """

    model: ModelSpec
    data_name: str

    def path(self, root: Path) -> Path:
        return root / self.model.key / "images" / f"{self.data_name}.parquet"


@dataclass(frozen=True, kw_only=True)
class Looked:
    """Progress: a level that was looked at, found in the table, or is not trained yet."""

    level: int
    levels: int
    state: str  # "evaluated", "found" or "missing"


@dataclass(frozen=True, eq=False)
class _Seen:
    """One network over the photographs that can be read, rows in their order. own, same: maps (n,
    h, w) for its own and the dense class.
    """

    rows: Tensor
    predicted: Tensor
    top5: Tensor
    own: Tensor
    same: Tensor
    truth: dict[str, Tensor] = field(default_factory=dict)


def name_of(data: DataSpec) -> str:
    """A name for files and people: a data set's own, or the last part of a folder's path without
    ".zip".
    """
    name = data.name.partition(":")[2] or data.name
    parts = [part.removesuffix(".zip") for part in Path(name).parts[-2:]]
    within = len(parts) == 2 and Path(name).parts[-2].endswith(".zip")
    return "-".join(parts) if within else parts[-1]


def found(roots: Sequence[Path]) -> list[Place]:
    """Every series that was looked at, sorted."""
    places = {
        (path.parents[3].name, path.parents[2].name, path.parents[1].name.removeprefix("seed-"), path.stem)
        for root in roots
        for path in root.glob("*@*/*/seed-*/images/*.parquet")
    }
    known = sorted((name, weights, int(seed), data) for name, weights, seed, data in places if seed.isdecimal())
    return [
        Place(model=ModelSpec(name=name, weights=weights, seed=seed), data_name=data)
        for name, weights, seed, data in known
    ]


def load(roots: Sequence[Path], place: Place) -> tuple[pandas.DataFrame, dict[str, Any]]:
    """The table of one series: of several, the one of most levels, the first among equals.

    Raises MissingData, BadFile.
    """
    tables = [path for root in roots if (path := place.path(root)).is_file()]
    if not tables:
        known = ", ".join(f"{each.model.key} on {each.data_name}" for each in found(roots))
        raise MissingData(
            f"There are no results of {place.model.key} on {place.data_name}.",
            f"There are: {known or 'none'}.",
            "Make them with `python -m core protocol run merkle`.",
        )
    return max((_read(path) for path in tables), key=lambda table: len(table[1]["levels"]))


def _read(path: Path) -> tuple[pandas.DataFrame, dict[str, Any]]:
    frame, facts = read_frame(path, COLUMNS)
    if not isinstance(facts.get("levels"), dict) or set(map(str, frame.level.unique())) != set(facts["levels"]):
        raise BadFile(
            f"The table {path} does not say what its levels are.",
            "",
            "Delete it and run `python -m core protocol run merkle`.",
        )
    return older_tables.series_images(frame), facts


def evaluate_series(
    place: Place, store: ModelStore, inputs: PhotoInputs, control: Control | None = None
) -> Iterator[Looked]:
    """Looks at every trained level that the table does not hold yet; the table is written after
    each.

    A level that was trained anew since is looked at again, and so is everything when the
    photographs are others.

    Raises:
        MissingData: the dense network (level 0) is not there. BadSpec: no series, or no photograph
        of the network's classes. BadFile.
    """
    series = store.catalogue.series_of(place.model)
    if series is None or not len(inputs.own_classes):
        what = "has no trained series" if series is None else f"knows no class of {inputs.photos.title}"
        raise BadSpec(f"{place.model.key} {what}.", "A series is evaluated on photographs of its own classes.")
    variants = [VariantSpec(model=place.model, pruning=pruning) for pruning, _ in series.levels]
    kept = _Kept(place.path(store.files.write_root), _about(inputs))
    dense: _Seen | None = None
    for level, variant in enumerate(variants):
        state = "missing"
        if level == 0 or store.files.exists(store.stored_key(variant)):
            network = digest(store, variant)
            state = "found" if kept.has(level, network) else "evaluated"
            if state == "evaluated":
                dense = dense or look(store, variants[0], inputs, None)
                seen = dense if level == 0 else look(store, variant, inputs, dense)
                facts = {"network": network, "target": series.targets[level], **_counted(store, variant)}
                kept.add(level, _frame(seen, dense, inputs), facts)
        yield Looked(level=level, levels=len(variants) - 1, state=state)
        if control:
            control.check()


class _Kept:
    """The table so far, on disk after each level."""

    def __init__(self, path: Path, about: dict[str, Any]) -> None:
        self._path, self._about = path, about
        self._frame: pandas.DataFrame | None = None
        self._levels: dict[str, Any] = {}
        try:
            frame, facts = _read(path)
            if all(facts.get(name) == value for name, value in about.items()):
                self._frame, self._levels = frame, facts["levels"]
        except (MissingData, BadFile):  # none yet, or one that is made anew
            pass

    def has(self, level: int, network: str) -> bool:
        return bool(self._levels.get(str(level), {}).get("network") == network)

    def add(self, level: int, frame: pandas.DataFrame, facts: dict[str, Any]) -> None:
        if level == 0:  # all others are compared with it
            self._frame, self._levels = None, {}
        parts = [] if self._frame is None else [self._frame[self._frame.level != level]]
        frame.insert(0, "level", level)
        whole = pandas.concat([*parts, frame.astype({"level": "uint8"})], ignore_index=True)
        self._frame, self._levels = (
            whole.sort_values(["level", "image"], ignore_index=True),
            self._levels | {str(level): facts},
        )
        write_frame(self._path, self._frame, self._about | {"levels": self._levels})


def _about(inputs: PhotoInputs) -> dict[str, Any]:
    """What a table is of. photos: tells one set of photographs from another of the same name."""
    names = json.dumps([[photo.name, photo.label] for photo in inputs.photos.photos])
    return {"method": METHOD, "photos": hashlib.sha256(names.encode()).hexdigest()[:16], "count": len(inputs)}


def digest(store: ModelStore, variant: VariantSpec) -> str:
    """Tells a stored network from another one of the same key, by the facts of its training.

    Raises MissingData, BadFile.
    """
    facts = store.files.facts(store.stored_key(variant))
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def _counted(store: ModelStore, variant: VariantSpec) -> dict[str, Any]:
    report = store.report(variant)
    return {
        "sparsity": report.sparsity,
        "kept": report.kept,
        "prunable": report.total,
        "ratio": report.compression_ratio,
        "conv_ratio": report.conv_compression_ratio,
        "collapsed": report.collapsed,
    }


def look(store: ModelStore, variant: VariantSpec, inputs: PhotoInputs, dense: _Seen | None) -> _Seen:
    """One network over all photographs. dense: what the dense network saw; None for itself."""
    layer, parts = store.catalogue.card(variant.model).target_layer, []
    marked = any(photo.truth_kind for photo in inputs.photos.photos)
    classes = dict(zip(dense.rows.tolist(), dense.predicted.tolist(), strict=True)) if dense else {}
    with store.borrow(variant) as network:
        for batch in inputs.batches(truth=marked):
            images = as_taken(network, batch.images)
            part = _look_at(network, images, layer, [classes[row] for row in batch.rows.tolist()] if dense else None)
            heatmaps = to_measure(*normalise(part["own"].to(images.device), (images.shape[-2], images.shape[-1])))
            truth = against_truth(heatmaps, batch) if marked else {}
            parts.append({"rows": batch.rows} | part | truth)
    if not parts:
        raise BadSpec(
            f"No photograph of {inputs.photos.title} can be read.", " ".join(inputs.notes), "Choose another data set."
        )
    whole = {name: torch.cat([part[name].cpu() for part in parts]) for name in parts[0]}
    return _Seen(**{name: whole.pop(name) for name in ("rows", "predicted", "top5", "own", "same")}, truth=whole)


def _look_at(network: nn.Module, images: Tensor, layer: str, classes: list[int] | None) -> dict[str, Tensor]:
    """One batch; the second map only where the dense network predicts another class, not where it
    gives no answer.
    """
    made = saliency_maps(network, images, METHOD, layer, own_class)
    own, same = made.maps.float(), made.maps.float()
    if classes is not None:
        wanted = torch.tensor(classes, device=made.targets.device)
        other = (wanted != made.targets) & (wanted != NO_ANSWER)
        if other.any():
            same = own.clone()
            same[other] = saliency_maps(
                network, images[other], METHOD, layer, fixed_classes(wanted[other])
            ).maps.float()
    best = made.logits.topk(min(TOP, made.logits.shape[1]), dim=1).indices
    return {"predicted": made.targets, "top5": best, "own": own, "same": same}


def _frame(seen: _Seen, dense: _Seen, inputs: PhotoInputs) -> pandas.DataFrame:
    """One row an image; NaN where a number is undefined."""
    labels = inputs.labels.cpu()[seen.rows]
    own, own_dense = _by_peak(seen.own), _by_peak(dense.own)
    flat, size = own.flatten(1), tuple(own.shape[1:])
    same, same_dense = (normalise(maps, size)[0] for maps in (seen.same, dense.same))
    (usable, empty), answered = usable_and_empty(normalise(seen.own, size)[1]), seen.predicted != NO_ANSWER
    columns: dict[str, Tensor] = {
        "image": seen.rows.to(torch.int32),
        "label": labels.to(torch.int16),
        "predicted": seen.predicted.to(torch.int16),
        "top5": (seen.top5 == labels[:, None]).any(1) & answered,
        "agrees": (seen.predicted == dense.predicted) & answered,
        "usable": usable,
        "empty": empty,
        "map_mean": flat.mean(1),
        "map_variance": flat.var(1, correction=0),
        "non_zero": (flat > 0).float().sum(1).where(torch.isfinite(flat).all(1), torch.nan),
        "l1_to_dense": (own - own_dense).abs().flatten(1).sum(1),
    }
    columns |= {name: MEASURES[name].value(same_dense, same) for name in SIMILARITIES} | seen.truth
    return pandas.DataFrame({name: values.cpu().numpy() for name, values in columns.items()})


def _by_peak(maps: Tensor) -> Tensor:
    """All maps divided by the largest value among them; zero maps stay zero."""
    peak = maps[torch.isfinite(maps)].max() if torch.isfinite(maps).any() else torch.tensor(0.0)
    return maps / peak if peak > 0 else maps
