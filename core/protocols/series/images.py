"""A trained series over a data set of photographs, image by image: one Parquet file per series and
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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas
import torch
from torch import Tensor

from core.base.errors import BadFile, BadSpec, MissingData
from core.data.batches import Inputs
from core.disk.frames import read_frame, write_frame
from core.evaluation.evaluate import evaluate
from core.evaluation.seen import Seen
from core.jobs.control import Control
from core.measures import MEASURES
from core.protocols.lukkien import older_tables
from core.protocols.lukkien.older_tables import SIMILARITIES
from core.saliency.cams import saliency_maps
from core.saliency.capture import fixed_classes
from core.saliency.normalise import normalise
from core.specs import NO_ANSWER, UNREADABLE, CamSpec, DataSpec, ModelSpec, VariantSpec
from core.store.store import ModelStore

METHOD = "grad-cam"
ANSWERED = ("predicted", "right-top5", "usable", "empty")
# Columns of overlap and their names in the table.
TRUTH = {name: name for name in ("soft-iou", "pointing-game", "energy-inside", "box-iou")} | {"soft-iou": "soft_iou"}
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
    """A series on photographs, and the place of its table. data_name: a name without a path, see
    `name_of`.
    """

    model: ModelSpec
    data_name: str

    def path(self, root: Path) -> Path:
        return root / self.model.key / "images" / f"{self.data_name}.parquet"


@dataclass(frozen=True, kw_only=True)
class Looked:
    """Progress: a level that was evaluated, found in the table, or is not trained yet."""

    level: int
    levels: int
    state: str  # "evaluated", "found" or "missing"


@dataclass(frozen=True, eq=False)
class _Looks:
    """One network over the readable photographs. table: one row each. own, same: saliency maps (n,
    h, w) for the class that the network predicts, and for the dense network's.
    """

    table: pandas.DataFrame
    own: Tensor
    same: Tensor


def name_of(data: DataSpec) -> str:
    """Return a name for files and people: that of a data set, or the last part of a folder's path
    without ".zip".
    """
    name = data.name.partition(":")[2] or data.name
    parts = [part.removesuffix(".zip") for part in Path(name).parts[-2:]]
    within = len(parts) == 2 and Path(name).parts[-2].endswith(".zip")
    return "-".join(parts) if within else parts[-1]


def found(roots: Sequence[Path]) -> list[Place]:
    """Return every series that was evaluated, sorted."""
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
    """Load the table of one series; of several, the one with the most levels, the first among
    equals.

    Raises MissingData, BadFile.
    """
    tables = [path for root in roots if (path := place.path(root)).is_file()]
    if not tables:
        known = ", ".join(f"{each.model.key} on {each.data_name}" for each in found(roots))
        raise MissingData(
            f"There are no results of {place.model.key} on {place.data_name}.",
            f"Available: {known or 'none'}.",
            "Make them with `python -m core protocol run merkle`.",
        )
    return max((_read(path) for path in tables), key=lambda table: len(table[1]["levels"]))


def _read(path: Path) -> tuple[pandas.DataFrame, dict[str, Any]]:
    frame, facts = read_frame(path, COLUMNS)
    if not isinstance(facts.get("levels"), dict) or set(map(str, frame.level.unique())) != set(facts["levels"]):
        raise BadFile(
            f"The table {path} does not describe its levels.",
            "",
            "Delete it and run `python -m core protocol run merkle`.",
        )
    return older_tables.series_images(frame), facts


def evaluate_series(
    place: Place, store: ModelStore, inputs: Inputs, control: Control | None = None
) -> Iterator[Looked]:
    """Evaluate every trained level that the table lacks; the table is written after each.

    A level that was trained again is evaluated again, and all levels are if the photographs
    changed.

    Raises:
        MissingData: the dense network (level 0) is missing. BadSpec: no series, or no photograph of
        the network's classes. BadFile.
    """
    series = store.catalogue.series_of(place.model)
    if series is None or not len(inputs.own_classes):
        what = "has no trained series" if series is None else f"knows no class of {inputs.title}"
        raise BadSpec(f"{place.model.key} {what}.", "A series must be evaluated on photographs of its own classes.")
    variants = [VariantSpec(model=place.model, pruning=pruning) for pruning, _ in series.levels]
    kept = _Kept(place.path(store.files.write_root), _about(inputs))
    dense: _Looks | None = None
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
        except (MissingData, BadFile):  # no table yet, or one that is made again
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


def _about(inputs: Inputs) -> dict[str, Any]:
    """Return what the table depends on."""
    return {"method": METHOD, "photos": inputs.digest, "count": len(inputs)}


def digest(store: ModelStore, variant: VariantSpec) -> str:
    """Return a digest of the facts of its training, which distinguishes stored networks of the same
    key.

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


def look(store: ModelStore, variant: VariantSpec, inputs: Inputs, dense: _Looks | None) -> _Looks:
    """Evaluate one network over all photographs. dense: results of the dense network; None for
    itself.
    """
    cam = CamSpec(method=METHOD, layer=store.catalogue.card(variant.model).target_layer, target="own")
    columns = (*ANSWERED, *(TRUTH if inputs.has_truth else ()))
    wanted = None if dense is None else torch.tensor(dense.table.predicted.to_numpy(copy=True))
    own: list[Tensor] = []
    same: list[Tensor] = []

    def watch(seen: Seen) -> None:
        own.append(seen.saliency.maps.float().cpu())
        first = sum(map(len, same))
        same.append(own[-1] if wanted is None else _for_classes(seen, wanted[first : first + len(own[-1])]))

    with store.borrow(variant) as network:
        rows = evaluate(network, inputs, columns, cam, watch).rows
    table = rows[rows.predicted != UNREADABLE]
    if table.empty:
        raise BadSpec(
            f"No photograph of {inputs.title} can be read.", " ".join(inputs.notes), "Choose another data set."
        )
    return _Looks(table, torch.cat(own), torch.cat(same))


def _for_classes(seen: Seen, wanted: Tensor) -> Tensor:
    """Return maps (n, h, w) for these classes, reusing those of the predicted class where it is the
    same. NO_ANSWER needs none.
    """
    assert seen.network is not None
    made = seen.saliency
    wanted = wanted.to(made.targets.device)
    other = (wanted != made.targets) & (wanted != NO_ANSWER)
    maps = made.maps.float()
    if other.any():
        maps = maps.clone()
        assert seen.cam is not None
        choose = fixed_classes(wanted[other])
        again = saliency_maps(seen.network, seen.batch.images[other], METHOD, str(seen.cam.layer), choose)
        maps[other] = again.maps.float()
    return maps.cpu()


def _frame(looks: _Looks, dense: _Looks, inputs: Inputs) -> pandas.DataFrame:
    """Return one row per image; NaN where a number is undefined."""
    table = looks.table
    own, own_dense = _by_peak(looks.own), _by_peak(dense.own)
    flat, size = own.flatten(1), tuple(own.shape[1:])
    same, same_dense = (normalise(maps, size)[0] for maps in (looks.same, dense.same))
    answered = table.predicted != NO_ANSWER
    columns = {
        "image": table.index.to_numpy("int32"),
        "label": inputs.labels.cpu().numpy()[table.index].astype("int16"),
        "predicted": table.predicted.to_numpy("int16"),
        "top5": table["right-top5"].to_numpy(),
        "agrees": ((table.predicted == dense.table.predicted) & answered).to_numpy(),
        "usable": table["usable"].to_numpy(),
        "empty": table["empty"].to_numpy(),
    }
    of_maps = {
        "map_mean": flat.mean(1),
        "map_variance": flat.var(1, correction=0),
        "non_zero": (flat > 0).float().sum(1).where(torch.isfinite(flat).all(1), torch.nan),
        "l1_to_dense": (own - own_dense).abs().flatten(1).sum(1),
    } | {name: MEASURES[name].value(same_dense, same) for name in SIMILARITIES}
    columns |= {name: values.numpy() for name, values in of_maps.items()}
    columns |= {TRUTH[name]: table[name].to_numpy() for name in TRUTH if name in table}
    return pandas.DataFrame(columns)


def _by_peak(maps: Tensor) -> Tensor:
    """Divide all maps by the largest value among them; zero maps stay zero."""
    peak = maps[torch.isfinite(maps)].max() if torch.isfinite(maps).any() else torch.tensor(0.0)
    return maps / peak if peak > 0 else maps
