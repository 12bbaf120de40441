"""How much dense networks agree that differ only in their training seed: the noise floor of a
similarity between a pruned network and its dense one.

Every pair of seeds is a sweep of the later one beside the earlier one, on the same images; both
maps are for the class that the earlier one predicts. The value of an image is the mean over the
pairs, and images are the sampling unit, so the interval says nothing about further seeds.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pandas import Series, concat

from core.base.atomic import replacing
from core.base.checks import CHECK, checked, is_whole
from core.base.progress import Progress, tell
from core.engine.engine import Engine
from core.engine.reference_text import seeds_of
from core.specs import CamSpec, DataSpec, ModelSpec, PruningSpec, VariantSpec
from core.stats.bootstrap import CONFIDENCE, mean_interval, resampled_means
from core.sweeps.spec import DENSE, SweepSpec
from core.sweeps.sweep import Sweep

IMAGES = 100
MEASURE = "pearson"
FILE = "noise-floor.csv"  # in the folder of included networks
Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Floor:
    """The noise floor of one network and heatmap: the mean over n images with Student's 95 %
    interval. seeds: of the dense networks, all pairs of them.
    """

    seeds: tuple[int, ...]
    mean: float
    low: float
    high: float
    n: int

    def is_above(self, value: float | None) -> bool:
        """Whether a similarity is surely less than that of two dense networks."""
        return value is not None and value < self.low


@dataclass(frozen=True, kw_only=True)
class FloorQuestion:
    """What a noise floor is asked of. model: its seed does not matter. cam: its layer is named."""

    model: ModelSpec
    cam: CamSpec
    data: DataSpec
    images: int | None = IMAGES

    def seeds(self, engine: Engine) -> tuple[int, ...]:
        """Return the seeds whose dense networks are on this machine."""
        known = seeds_of(self.model, engine.catalogue)
        return tuple(seed for seed in known if not engine.store.missing(replace(self.model, seed=seed)))

    def sweeps(self, engine: Engine) -> tuple[Sweep, ...]:
        """Return a sweep for every seed but the last: the later ones beside it."""
        models = [replace(self.model, seed=seed) for seed in self.seeds(engine)]
        return tuple(Sweep(engine, self._spec(models[at], models[at + 1 :])) for at in range(len(models) - 1))

    def levels(self, engine: Engine, seed: int) -> SweepSpec:
        """Return the sweep of a trained series beside its own dense network, on the same images."""
        model = replace(self.model, seed=seed)
        prunings = tuple(variant.pruning for variant, _ in engine.levels(model))
        return replace(self._spec(model, (model,)), prunings=prunings, reference=DENSE)

    def _spec(self, reference: ModelSpec, others: Sequence[ModelSpec]) -> SweepSpec:
        return SweepSpec(
            models=tuple(others),
            prunings=(PruningSpec(),),
            data=self.data,
            images=self.images,
            cams=(self.cam,),
            measures=("agrees", MEASURE),
            reference=VariantSpec(model=reference),
        )


def question_of(engine: Engine, variant: VariantSpec, cam: CamSpec, data: DataSpec) -> FloorQuestion | None:
    """Return the noise floor that belongs to a comparison over a data set; None where there are no
    dense networks of several seeds. Raises as `Engine.inputs`.
    """
    cam = replace(cam, layer=cam.layer or engine.card(variant.model).target_layer)
    images = len(engine.inputs(data, variant.model))
    asked = FloorQuestion(model=variant.model, cam=cam, data=data, images=IMAGES if images > IMAGES else None)
    return asked if len(asked.seeds(engine)) > 1 else None


def measure_floor(engine: Engine, asked: FloorQuestion, progress: Progress = tell) -> Floor | None:
    """Return the noise floor, computed and kept where it is not known yet."""
    found = known_floor(engine, asked)
    if found is None:
        sweeps = asked.sweeps(engine)
        total = sum(len(sweep.variants) for sweep in sweeps)
        for done, _ in enumerate((step for sweep in sweeps for step in sweep.run()), start=1):
            progress(done, total)
        found = known_floor(engine, asked)
    return found


def known_floor(engine: Engine, asked: FloorQuestion) -> Floor | None:
    """Return the noise floor from tables of now, or from the included file; None if neither has
    it.
    """
    values = per_image(engine, asked)
    if values is None:
        return _included(engine, asked)
    found = mean_interval(values.to_numpy())
    if found.value is None or found.low is None or found.high is None:
        return None
    return Floor(seeds=asked.seeds(engine), mean=found.value, low=found.low, high=found.high, n=found.n)


def per_image(engine: Engine, asked: FloorQuestion) -> Series | None:
    """Return the mean over all pairs of seeds by image, NaN where no pair has a value; None if a
    table is missing.
    """
    pairs = [values for sweep in asked.sweeps(engine) for values in similarities(sweep)]
    known = [each for each in pairs if each is not None]
    return concat(known, axis=1).mean(axis=1) if known and len(known) == len(pairs) else None


def similarities(sweep: Sweep) -> Iterator[Series | None]:
    """Yield the similarity to the reference by image, for each network of a sweep with one heatmap;
    None if its table is missing.
    """
    for variant in sweep.variants:
        found = sweep.tables.read(sweep.cells(variant)[1], sweep.identity(variant))
        yield None if found is None or MEASURE not in found[0] else found[0].set_index("image")[MEASURE].astype(float)


@dataclass(frozen=True, kw_only=True)
class Crossing:
    """The lowest sparsity from which the mean similarity to the dense network stays below the noise
    floor; None if it never does. low, high: 95 % percentile interval from resampling images; None
    where more draws than that never cross.
    """

    sparsity: float | None
    low: float | None
    high: float | None
    n: int


def crossing(sparsities: Sequence[float], similarity: Floats, floor: Floats) -> Crossing:
    """Find where a curve falls below the noise floor for good.

    Args:
        sparsities: ascending, (L,). similarity: of each level and image, (L, n), NaN where
            undefined. floor: of the same images, (n,).
    """
    rows = np.vstack([similarity, floor[None]])
    defined = np.isfinite(rows)
    with np.errstate(invalid="ignore"):
        means = np.where(defined, rows, 0.0).sum(1) / defined.sum(1)
    whole = _first_below(means[None], sparsities)[0]
    drawn = _first_below(resampled_means(rows), sparsities)
    tail = (1 - CONFIDENCE) / 2
    low, high = (float(np.quantile(drawn, share, method="inverted_cdf")) for share in (tail, 1 - tail))
    return Crossing(sparsity=_finite(whole), low=_finite(low), high=_finite(high), n=similarity.shape[1])


def _first_below(means: Floats, sparsities: Sequence[float]) -> Floats:
    """Return the first sparsity of each draw (R, L + 1) from which all means are below the last
    column; infinity if there is none. An undefined mean counts as below: its maps hold no evidence.
    """
    below = ~(means[:, :-1] >= means[:, -1:])
    stays = np.flip(np.logical_and.accumulate(np.flip(below, 1), axis=1), 1)
    found = np.where(stays.any(1), np.asarray(sparsities)[stays.argmax(1)], np.inf)
    return found.astype(np.float64)


def _finite(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


OF_ROW = ("model", "seeds", "data", "images", "cam", "measure", "n", "mean", "low", "high", "networks", "inputs")
COLUMNS = (*OF_ROW, CHECK)


def write_floors(engine: Engine, questions: Sequence[FloorQuestion], path: Path) -> None:
    """Write the noise floors as a table for the folder of included networks; computes those that
    are missing.
    """
    rows = []
    for asked in questions:
        floor = measure_floor(engine, asked)
        if floor is not None:
            values = {"n": floor.n, **{name: round(getattr(floor, name), 6) for name in ("mean", "low", "high")}}
            row = _identity(engine, asked) | values
            rows.append(checked({name: str(row[name]) for name in OF_ROW}))
    with replacing(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def _identity(engine: Engine, asked: FloorQuestion) -> dict[str, Any]:
    """Return what a row must have been computed from."""
    models = [replace(asked.model, seed=seed) for seed in asked.seeds(engine)]
    checksums = [engine.store.checksum(VariantSpec(model=model)) for model in models]
    inputs = asked.sweeps(engine)[0].identity(VariantSpec(model=models[1])).get("inputs", "")
    return {
        "model": f"{asked.model.name}/{asked.model.weights}",
        "seeds": " ".join(str(model.seed) for model in models),
        "data": asked.data.key,
        "images": "all" if asked.images is None else str(asked.images),
        "cam": asked.cam.key,
        "measure": MEASURE,
        "networks": hashlib.sha256(" ".join(checksums).encode()).hexdigest()[:16],
        "inputs": inputs,
    }


def _included(engine: Engine, asked: FloorQuestion) -> Floor | None:
    for root in engine.roots:
        rows = _read_rows(root / FILE)
        identity = _identity(engine, asked) if rows else {}
        for row in rows:
            if is_whole(row) and all(row.get(name) == value for name, value in identity.items()):
                mean, low, high = (float(row[name]) for name in ("mean", "low", "high"))
                return Floor(seeds=asked.seeds(engine), mean=mean, low=low, high=high, n=int(row["n"]))
    return None


def _read_rows(path: Path) -> list[dict[str, str]]:
    """Return the rows that have the right columns; none if there is no such table."""
    try:
        with path.open(encoding="utf-8", errors="replace", newline="") as file:
            return [row for row in csv.DictReader(file) if set(row) == set(COLUMNS)]
    except (OSError, csv.Error):
        return []
