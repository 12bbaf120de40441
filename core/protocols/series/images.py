"""A trained series over photographs, image by image, as a sweep.

Map statistics are those of Less is More: raw Grad-CAM maps at the target layer's cells, for the
class that each network predicts. Similarity to the dense network is that of maps of one class, the
dense network's, as everywhere else in Sparsight.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any

import pandas

from core.base.errors import BadSpec, MissingData
from core.data.batches import Inputs
from core.disk.frames import columns_of, read_frame
from core.engine.engine import Engine
from core.measures import Group, measures_of
from core.specs import CamSpec, DataSpec, ModelSpec
from core.sweeps.spec import SweepSpec
from core.sweeps.sweep import Step, Sweep
from core.sweeps.tables import FOLDER

METHOD = "grad-cam"
ANSWERS = ("label", "predicted", "right-top5", "agrees")
RAW = ("raw-mean", "raw-variance", "raw-non-zero", "raw-l1")
SIMILARITIES = tuple(measures_of(Group.SIMILARITY))
TRUTH = ("soft-iou", "pointing-game", "energy-inside", "box-iou")  # where the object is marked
# The columns that each table of a network must have; heatmaps by their target class.
TABLES = {"answers": ANSWERS, "own": ("usable", "empty", *RAW), "dense": SIMILARITIES}
Levels = dict[int, tuple[pandas.DataFrame, dict[str, Any]]]  # rows and facts


@dataclass(frozen=True, kw_only=True)
class Place:
    """A series on photographs, and the place of its tables. data_name: a name without a path, see
    `core.data.folders.name_of`.
    """

    model: ModelSpec
    data_name: str

    def files(self, root: Path) -> list[Path]:
        """Return the files of its tables in a folder, sorted."""
        home = root / FOLDER / self.data_name / self.model.key / "retrained"
        return sorted(path for path in home.glob("level-*/*.parquet") if _table(path))


def _table(path: Path) -> str:
    """Return the key of TABLES of a file, or ""."""
    target = path.stem.rpartition("-")[2] if path.stem.startswith(f"{METHOD}@") else path.stem
    return target if target in TABLES else ""


def level_of(path: Path) -> int:
    """Return the level that a file belongs to."""
    return int(path.parent.name.removeprefix("level-"))


def found(roots: Sequence[Path]) -> list[Place]:
    """Return every series that was evaluated, sorted."""
    places = set()
    for root in roots:
        for path in root.glob(f"{FOLDER}/*/*@*/*/seed-*/retrained/level-00/{METHOD}@*-own.parquet"):
            data, name, weights, folder = path.relative_to(root / FOLDER).parts[:4]
            seed = folder.removeprefix("seed-")
            if seed.isdecimal() and columns_of(path) >= set(RAW):
                places.add((name, weights, int(seed), data))
    return [
        Place(model=ModelSpec(name=name, weights=weights, seed=seed), data_name=data)
        for name, weights, seed, data in sorted(places)
    ]


def load(roots: Sequence[Path], place: Place) -> tuple[pandas.DataFrame, dict[int, dict[str, Any]]]:
    """Load the rows of one series, and the facts of each level; of several folders, from the one
    with the most levels, the first among equals.

    Raises MissingData, BadFile.
    """
    levels = max((_read(place.files(root)) for root in roots), key=len)
    if not levels:
        known = ", ".join(f"{each.model.key} on {each.data_name}" for each in found(roots))
        raise MissingData(
            f"There are no results of {place.model.key} on {place.data_name}.",
            f"Available: {known or 'none'}.",
            "Make them with `python -m core protocol run merkle`.",
        )
    frames = [rows.assign(level=level) for level, (rows, _) in levels.items()]
    return pandas.concat(frames, ignore_index=True), {level: facts for level, (_, facts) in levels.items()}


def _read(files: Sequence[Path]) -> Levels:
    """Read the levels whose tables are all there, computed from the dense network and the
    photographs of level 0. Raises BadFile.
    """
    by_level: dict[int, list[Path]] = {}
    for path in files:
        by_level.setdefault(level_of(path), []).append(path)
    levels: Levels = {}
    for level, paths in sorted(by_level.items()):
        tables = [read_frame(path, TABLES[_table(path)]) for path in paths]
        facts = tables[0][1]
        dense = levels[0][1] if 0 in levels else facts
        same = {"weights": facts["weights"], "reference": dense["weights"], "inputs": dense["inputs"]}
        if len(tables) < len(TABLES) or any(known[name] != same[name] for _, known in tables for name in same):
            continue
        frames = [
            frame[[name for name in ("image", *TABLES[_table(path)], *_truth(path)) if name in frame]]
            for path, (frame, _) in zip(paths, tables, strict=True)
        ]
        rows = reduce(lambda left, right: left.merge(right, on="image", validate="one_to_one"), frames)
        levels[level] = rows, facts
    return levels if 0 in levels else {}


def _truth(path: Path) -> tuple[str, ...]:
    """Return the columns of overlap with the object: those of the class that a network predicts."""
    return TRUTH if _table(path) == "own" else ()


def sweep_of(place: Place, engine: Engine, inputs: Inputs) -> Sweep:
    """Return the sweep over all levels of a series.

    Raises:
        BadSpec: no series, or no photograph of the network's classes.
    """
    series = engine.catalogue.series_of(place.model)
    if series is None or not len(inputs.own_classes):
        what = "has no trained series" if series is None else f"knows no class of {inputs.title}"
        raise BadSpec(f"{place.model.key} {what}.", "A series must be evaluated on photographs of its own classes.")
    spec = SweepSpec(
        models=(place.model,),
        prunings=tuple(pruning for pruning, _ in series.levels),
        data=DataSpec(name=place.data_name),
        cams=tuple(CamSpec(method=METHOD, target=target) for target in TABLES if target != "answers"),
        measures=(*(name for names in TABLES.values() for name in names), *(TRUTH if inputs.has_truth else ())),
    )
    return Sweep(engine, spec, inputs)


def evaluate_series(place: Place, engine: Engine, inputs: Inputs) -> Iterator[Step]:
    """Evaluate every level whose tables are missing, or were computed from other weights or
    photographs.

    Raises:
        MissingData: a level is not trained. BadSpec: as `sweep_of`, or no photograph can be read.
    """
    yield from sweep_of(place, engine, inputs).run()
