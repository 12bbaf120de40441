"""How far the thesis' correlation depends on choices: Pearson, Spearman and Kendall of accuracy and
overlap over the levels, for every combination of `choices.CHOICES`, every seed and their mean.

The maps are made by a sweep, so that a stopped run resumes and several processes share the work.
One table a study, beside its folder: <root>/lukkien/<weights>/<data key>.sensitivity.parquet.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import torch
from numpy.typing import NDArray

from core.base.errors import BadFile, MissingData
from core.base.stamps import Stamp, stamp_of
from core.base.version import VERSION
from core.data.datasets import training_image_count
from core.disk.frames import read_frame, write_frame
from core.protocols.lukkien.choices import CAMS, CHOICES, THESIS, Said, combinations
from core.protocols.lukkien.tables import study_folder
from core.specs import CamSpec
from core.stats.bootstrap import LevelMeans, correlation_intervals, level_means, resampled_means
from core.sweeps.sweep import Sweep
from core.sweeps.tables import Cell

MEAN = "mean"
COEFFICIENTS = ("pearson", "spearman", "kendall")
COLUMNS = (*CHOICES, "series", *(f"{name}{end}" for name in COEFFICIENTS for end in ("", "_low", "_high")), "overlaps")
WAYS = tuple(product(CHOICES["overlap"].options, CHOICES["empty"].options))  # to measure the same maps
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Sensitivity:
    """Correlations of every combination of choices.

    facts: weights, data, train_images, images, seeds, levels (the last), device, accuracy (by
    series and level).
    rows: a row for each combination and series ("333", ..., "mean"): the options by name, every
    coefficient with the bounds of its 95 % interval over images (NaN where undefined), levels (how
    many have a map), fewest_images (of a level), overlaps (the mean at each level).
    """

    facts: dict[str, Any]
    rows: pandas.DataFrame

    @property
    def series(self) -> tuple[str, ...]:
        """Return the seeds and "mean"."""
        return (*map(str, self.facts["seeds"]), MEAN)

    def of(self, series: str = MEAN) -> pandas.DataFrame:
        """Return the rows of one series."""
        return self.rows[self.rows.series == series]

    def as_stated(self, series: str = MEAN) -> pandas.DataFrame:
        """Return the combinations that keep everything the thesis states."""
        rows = self.of(series)
        for name, choice in CHOICES.items():
            rows = rows[rows[name] == choice.thesis] if choice.said is Said.STATED else rows
        return rows

    def thesis(self, series: str = MEAN) -> pandas.Series:
        """Return the combination of the thesis, with our reading of what it leaves open."""
        rows = self.of(series)
        return rows[(rows[list(THESIS)] == pandas.Series(THESIS)).all(axis=1)].iloc[0]

    def shifts(self, series: str = MEAN) -> pandas.DataFrame:
        """Return how far each choice alone moves Pearson, the largest mean first.

        The distance between the highest and the lowest value of its options, everything else equal:
        mean, largest, and number of such comparisons, by the choice's name.
        """
        rows, found = self.of(series), {}
        for name in CHOICES:
            groups = rows.groupby([other for other in CHOICES if other != name]).pearson
            spread = (groups.max() - groups.min()).dropna()
            found[name] = {"mean": spread.mean(), "largest": spread.max(), "comparisons": len(spread)}
        return pandas.DataFrame.from_dict(found, orient="index").sort_values("mean", ascending=False)


def analyse(sweep: Sweep) -> Iterator[tuple[int, int, Sensitivity | None]]:
    """Compute the table from a sweep that is done (`choices.sweep_of`).

    Yields:
        heatmaps done, their number, and with the last one the result.

    Raises:
        MissingData: an answer of the sweep is missing.
    """
    right = _read(sweep)["right"]
    accuracy = level_means(right, right)
    found: list[dict[str, Any]] = []
    for done, cam in enumerate(CAMS, start=1):
        found += _of_heatmap(sweep, cam, accuracy)
        last = done == len(CAMS)
        yield done, len(CAMS), Sensitivity(_facts(sweep, accuracy), pandas.DataFrame(found)) if last else None


def table_path(root: Path, weights: str, data_key: str) -> Path:
    return study_folder(root, weights, data_key).with_name(f"{data_key}.sensitivity.parquet")


def write(root: Path, result: Sensitivity) -> Path:
    """Write the table; return its path. Raises CacheNotWritable."""
    path = table_path(root, result.facts["weights"], result.facts["data"])
    write_frame(path, result.rows, result.facts)
    return path


def load_sensitivity(roots: Sequence[Path], weights: str, data_key: str) -> Sensitivity:
    """Load the table of a study; of several, the one with the most heatmaps, so that a short trial
    run does not hide the full table.

    Raises:
        MissingData: there is none. BadFile: damaged, or of another version.
    """
    found = [_load(path) for root in roots if (path := table_path(root, weights, data_key)).is_file()]
    if not found:
        raise MissingData(
            f"How far the results of {weights} depend on choices has not been computed.",
            f"The table {table_path(roots[0], weights, data_key)} is not on this machine.",
            f"Run `python -m core protocol sensitivity lukkien --train-on {weights.removeprefix('mnist-')}`.",
        )
    return max(found, key=lambda each: len(each.facts["networks"]) * each.facts["images"])


def is_of(result: Sensitivity, sweep: Sweep) -> bool:
    """Return whether a table was computed from the networks of now: a level may have been trained
    again since.
    """
    return bool(result.facts["networks"] == _checksums(sweep))


def _checksums(sweep: Sweep) -> list[str | None]:
    """Return the checksum of each network's weights, None for one that is not on this machine."""
    return [sweep.identity(variant).get("weights") for variant in sweep.variants]


def _load(path: Path) -> Sensitivity:
    rows, facts = read_frame(path, COLUMNS)
    result = Sensitivity(facts, rows)
    if any(result.of(series)[list(CHOICES)].to_dict("records") != combinations() for series in result.series):
        raise BadFile(
            f"The table {path} has other combinations of choices than this version.",
            "It was written by another version.",
            "Run `python -m core protocol sensitivity lukkien` again.",
        )
    return result


def stamp(roots: Sequence[Path], weights: str, data_key: str) -> Stamp:
    """Return the stamp of the files that `load_sensitivity` may read."""
    return stamp_of(*(table_path(root, weights, data_key) for root in roots))


def _of_heatmap(sweep: Sweep, cam: CamSpec, accuracy: LevelMeans) -> Iterator[dict[str, Any]]:
    """Yield the rows of one layer, method and class of the map."""
    columns = _read(sweep, cam)
    scores = [  # an empty map scores 0
        np.where((columns["empty"] > 0) & (kept == "left-out"), np.nan, columns[overlap]) for overlap, kept in WAYS
    ]
    drawn = resampled_means(np.concatenate(scores).reshape(-1, accuracy.images))
    parts = drawn.reshape(len(drawn), len(scores), *accuracy.accuracy.shape)
    for place, (overlap, kept) in enumerate(WAYS):
        count = np.isfinite(scores[place]).sum(axis=-1)
        with np.errstate(invalid="ignore"):
            means = np.nansum(scores[place], axis=-1) / count
        one = replace(accuracy, soft_iou=means, drawn_soft_iou=parts[:, place], defined=count)
        options = (cam.layer, cam.method, str(cam.target), overlap, kept)
        yield from _correlated(sweep, dict(zip(CHOICES, options, strict=True)), one)


def _correlated(sweep: Sweep, options: dict[str, str], means: LevelMeans) -> Iterator[dict[str, Any]]:
    """Yield a row for every seed and their mean."""
    mean, seeds = means.averaged(), [str(model.seed) for model in sweep.spec.models]
    intervals = (*correlation_intervals(means), *correlation_intervals(mean))
    overlaps, defined = np.vstack([means.soft_iou, mean.soft_iou]), np.vstack([means.defined, mean.defined])
    for place, series in enumerate((*seeds, MEAN)):
        row: dict[str, Any] = options | {"series": series}
        for each in intervals[place]:
            for end, value in (("", each.value), ("_low", each.low), ("_high", each.high)):
                row[f"{each.name}{end}"] = np.float32(np.nan if value is None else value)
        row["levels"] = int(np.isfinite(overlaps[place]).sum())
        yield row | {"fewest_images": int(defined[place].min()), "overlaps": overlaps[place].astype(np.float32)}


def _read(sweep: Sweep, cam: CamSpec | None = None) -> dict[str, Floats]:
    """Read the columns of every network, (seeds, levels, images) each. cam: None for answers.

    Raises MissingData.
    """
    cells = [Cell(variant=variant, cam=cam) for variant in sweep.variants]
    tables = [sweep.tables.read(cell, sweep.identity(cell.variant)) for cell in cells]
    wanted, shape = sweep.spec.columns(of_maps=cam is not None), (len(sweep.spec.models), len(sweep.spec.prunings), -1)
    if lacking := [cell for cell, each in zip(cells, tables, strict=True) if not each or {*wanted} - {*each[0]}]:
        raise MissingData(
            f"Answers of {lacking[0].variant.key} are missing.",
            "The sweep is not done.",
            "Run `python -m core protocol sensitivity lukkien`; it resumes where it stopped.",
        )
    frames = [each[0] for each in tables if each]
    return {name: np.stack([frame[name].to_numpy(float) for frame in frames]).reshape(shape) for name in wanted}


def _facts(sweep: Sweep, accuracy: LevelMeans) -> dict[str, Any]:
    models = sweep.spec.models
    seeds = [str(model.seed) for model in models]
    means = np.vstack([accuracy.accuracy, accuracy.averaged().accuracy])
    return {
        "weights": models[0].weights,
        "data": sweep.spec.data.key,
        "train_images": training_image_count(models[0].weights),
        "images": accuracy.images,
        "seeds": [model.seed for model in models],
        "levels": len(sweep.spec.prunings) - 1,
        "resamples": len(accuracy.drawn_accuracy),
        "accuracy": {series: each.tolist() for series, each in zip((*seeds, MEAN), means, strict=True)},
        "inputs": sweep.identity(sweep.variants[0])["inputs"],
        "networks": _checksums(sweep),
        "device": sweep.engine.device_name,
        "versions": {"sparsight": VERSION, "torch": torch.__version__},
    }
