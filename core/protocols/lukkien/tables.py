"""The tables of the thesis' study: written by a run, included, and read by pages, notebooks and the
command line.

One folder per training set and test set: <root>/lukkien/<weights>/<data key>/NAME.csv, and
study.json, which is written last and
holds the checksum of every table, so that a half-written or mixed folder is detected.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas

from core.base.atomic import replacing
from core.base.brief import brief
from core.base.checks import CHECK, checked, is_whole
from core.base.errors import BadFile, CacheNotWritable, MissingData
from core.base.stamps import Stamp, stamp_of
from core.disk.frames import read_frame
from core.measures.fitting import FITTINGS
from core.models.zoo import MODELS
from core.stats.bootstrap import SYMMETRIC

FORMAT = 1
FACTS = {"train_images", "test_images", "prunable", "seeds", "levels"}
TABLES: dict[str, tuple[str, ...]] = {
    "levels": (
        "series",
        "seed",
        "level",
        "weights_left",
        "density",
        "train_images",
        "test_images",
        "correct_clean",
        "accuracy_clean",
        "correct_noisy",
        "accuracy_noisy",
        "accuracy_noisy_low",
        "accuracy_noisy_high",
        "soft_iou",
        "soft_iou_low",
        "soft_iou_high",
        "soft_iou_n",
        "soft_iou_correct",
        "soft_iou_wrong",
        "map_mean",
        "map_std",
        "empty_maps",
        "collapsed",
    ),
    "mean": (
        "series",
        "level",
        "weights_left",
        "density",
        "accuracy_noisy",
        "accuracy_noisy_low",
        "accuracy_noisy_high",
        "soft_iou",
        "soft_iou_low",
        "soft_iou_high",
        "collapsed",
    ),
    "correlations": ("series", "levels", "fitting", "coefficient", "value", "low", "high", "p", "n", "df"),
    "correlations_usable": (
        "series",
        "levels",
        "fitting",
        "coefficient",
        "value",
        "low",
        "high",
        "p",
        "n",
        "df",
        "fewest_images",
    ),
    "normality": ("series", "quantity", "statistic", "p", "n"),
    "paired": (
        "seed",
        "level",
        "images_correct",
        "images_wrong",
        "difference",
        "classes",
        "paired_difference",
        "low",
        "high",
        "p",
    ),
}


@brief
@dataclass(frozen=True, eq=False)
class StudyTables:
    """All results of one run of the protocol.

    facts: weights, data, train_images, test_images, seeds, levels, noise, intervals (the kind,
    absent in older tables).
    levels: one row per series, seed and level. mean: over the seeds. For the thesis' series, both
    have a column for every way of fitting a heatmap to the ink (`overlap_column`); the controls
    have soft IoU only. An empty map overlaps by 0 in every mean, which comes with the number of
    empty maps and the mean without them (soft_iou_without_empty; `mean_series` has that of every
    fitting). An invalid map has no overlap and is left out.
    correlations: of level means of accuracy and overlap, an empty map overlapping by 0.
    correlations_usable: the same with empty maps left out, so that ways of fitting are compared on
    the same images, fewer of them at deeper levels.
    normality: of the two series. paired: correct against wrong predictions within a level.
    """

    facts: dict[str, Any]
    levels: pandas.DataFrame
    mean: pandas.DataFrame
    correlations: pandas.DataFrame
    correlations_usable: pandas.DataFrame
    normality: pandas.DataFrame
    paired: pandas.DataFrame

    @property
    def about_intervals(self) -> str:
        """Describe the intervals of the correlations, and the number of images that they need."""
        images = f"{self.facts['test_images']:,} images, resampled 2,000 times"
        if self.facts.get("intervals") == SYMMETRIC:
            return f"Intervals: 95 %, symmetric, from {images}; on average they hold for at least 100 images."
        return (
            f"Intervals: 95 %, percentiles, from {images}. Those of Spearman and Kendall cover about 95 and 92 % with"
            " 10,000 images, but at most 90 and 85 % with 1,000 images or fewer."
        )

    @property
    def other_parameters(self) -> int:
        """Number of parameters of a network that are never pruned."""
        return MODELS["thesis-cnn"].value.parameters - int(self.facts["prunable"])

    def fittings(self) -> list[str]:
        """Return the ways of fitting that this study was evaluated with, without those registered
        later.
        """
        correlated = set(self.correlations.fitting) & set(self.correlations_usable.fitting)
        return [name for name in FITTINGS if overlap_column(name) in self.levels and name in correlated]

    def mean_series(self, fitting: str = "soft-iou", series: str = "iterative-reset") -> pandas.DataFrame:
        """Return the mean over the seeds at each level, with the overlap by this fitting in the
        columns overlap, overlap_low, overlap_high.

        overlap_without_empty is the mean over the seeds that have a map. NaN where undefined: the
        controls were fitted by soft IoU only, and tables of an earlier run have no intervals of the
        others.
        """
        column = overlap_column(fitting)
        without = without_empty(self.levels, column)
        own = self.levels.assign(overlap_without_empty=without)[self.levels.series == series].groupby("level")
        rows = self.mean[self.mean.series == series]
        rows = rows.assign(overlap_without_empty=rows.level.map(own.overlap_without_empty.mean()))
        if f"{column}_high" in rows:
            return rows.assign(**{f"overlap{end}": rows[f"{column}{end}"] for end in ("", "_low", "_high")})
        # all seeds were tested on the same images, so the mean of the seeds' means is the mean over
        # all
        return rows.assign(
            overlap=rows.level.map(own[column].mean()), overlap_low=float("nan"), overlap_high=float("nan")
        )


def overlap_column(fitting: str) -> str:
    """Return the column of a way of fitting in the tables `levels` and `mean`."""
    return "soft_iou" if fitting == "soft-iou" else fitting


def without_empty(levels: pandas.DataFrame, column: str) -> pandas.Series:
    """Return each row's mean overlap over the maps that are not empty; NaN if all are.

    Exact for any stored table: empty maps overlap by 0, so only the number of maps changes.
    """
    kept = levels.soft_iou_n - levels.empty_maps
    return levels[column] * levels.soft_iou_n / kept.where(kept > 0)


def beside_means(levels: pandas.DataFrame, mean: pandas.DataFrame) -> tuple[pandas.DataFrame, pandas.DataFrame]:
    """Add to both tables: empty maps (of all seeds), maps, and the mean overlap without empty
    maps.
    """
    levels = levels.assign(soft_iou_without_empty=without_empty(levels, "soft_iou"))
    sums = levels.groupby(["series", "level"]).agg(
        empty_maps=("empty_maps", "sum"),
        maps=("soft_iou_n", "sum"),
        soft_iou_without_empty=("soft_iou_without_empty", "mean"),
    )
    return levels, mean.drop(columns=sums.columns, errors="ignore").join(sums, on=["series", "level"])


def study_folder(root: Path, weights: str, data_key: str) -> Path:
    return root / "lukkien" / weights / data_key


def study_stamp(roots: Sequence[Path], weights: str, data_key: str) -> Stamp:
    """Return the stamp of the files that `load_study` and `load_images` may read."""
    folders = [study_folder(root, weights, data_key) for root in roots]
    return stamp_of(*(folder / name for folder in folders for name in ("study.json", "per-image.parquet")))


def write_study(folder: Path, tables: StudyTables) -> None:
    """Write all tables, study.json last. Raises CacheNotWritable."""
    texts = {
        f"{name}.csv": getattr(tables, name).to_csv(index=False, lineterminator="\n", float_format="%.6g")
        for name in TABLES
    }
    checks = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()}
    about = json.loads(json.dumps({"format": FORMAT, "facts": tables.facts, "sha256": checks}))
    texts["study.json"] = json.dumps(checked(about), indent=1) + "\n"
    try:
        for name, text in texts.items():
            with replacing(folder / name) as part:
                part.write_text(text, encoding="utf-8")
    except OSError as error:
        raise CacheNotWritable(
            f"The tables could not be written into {folder} ({error.strerror or error}).",
            "The folder must be writable and have room.",
            "Free some space or choose another folder with --folder; the per-image results are kept.",
        ) from error


def found_studies(roots: Sequence[Path]) -> list[tuple[str, str]]:
    """Return (weights, data key) of every available study, sorted."""
    return sorted(
        {
            (path.parent.parent.name, path.parent.name)
            for root in roots
            for path in (root / "lukkien").glob("*/*/study.json")
        }
    )


def load_study(roots: Sequence[Path], weights: str, data_key: str) -> StudyTables:
    """Load the tables of one study; of several, the one with the most networks, so that a short
    trial run does not hide the full study.

    Raises:
        MissingData: there is none. BadFile: another version, half written, a missing column, or a
        missing level of a seed.
    """
    folders = [folder for root in roots if (folder := study_folder(root, weights, data_key)).is_dir()]
    if not folders:
        raise MissingData(
            f"There are no results of networks {weights} on {data_key}.",
            f"Available: {', '.join(' on '.join(pair) for pair in found_studies(roots)) or 'none'}.",
            f"Make them with `python -m core protocol run lukkien --train-on {weights.removeprefix('mnist-')}`.",
        )
    return _read(max(folders, key=_networks))


def _networks(folder: Path) -> float:
    """Return the number of networks of a study; infinite if it cannot be read, so that its error is
    shown.
    """
    try:
        facts = json.loads((folder / "study.json").read_text(encoding="utf-8"))["facts"]
        return len(facts["seeds"]) * (facts["levels"] + 1)
    except (OSError, ValueError, KeyError, TypeError):
        return float("inf")


def load_images(roots: Sequence[Path], weights: str, data_key: str) -> pandas.DataFrame:
    """Load per-image results of the thesis' series, one row per seed, level and image; overlap and
    map statistics as fractions.

    Raises:
        MissingData: this study has none. BadFile: damaged.
    """
    places = [study_folder(root, weights, data_key) / "per-image.parquet" for root in roots]
    frame, _ = read_frame(
        next((place for place in places if place.is_file()), places[0]), ("seed", "level", "image", "soft_iou")
    )
    return frame.assign(soft_iou=frame.soft_iou / 65535, map_mean=frame.map_mean / 255, map_std=frame.map_std / 255)


def _read(folder: Path) -> StudyTables:
    try:
        about = json.loads((folder / "study.json").read_text(encoding="utf-8"))
        texts = {name: (folder / f"{name}.csv").read_bytes() for name in TABLES}
    except (OSError, ValueError) as error:
        raise _bad(folder, "are half written") from error
    if not isinstance(about, dict) or about.get("format") != FORMAT:
        version = about.get("format") if isinstance(about, dict) else None
        raise _bad(folder, f"are of version {version}, this program reads version {FORMAT}")
    if not {"facts", "sha256"} <= about.keys() or not about["facts"].keys() >= FACTS:
        raise _bad(folder, "have an incomplete study.json")
    if CHECK in about and not is_whole(about):  # those of older versions have no checksum of their facts
        raise _bad(folder, "have a study.json that does not match its checksum")
    if any(about["sha256"].get(f"{name}.csv") != hashlib.sha256(text).hexdigest() for name, text in texts.items()):
        raise _bad(folder, "do not match their checksums: half written or changed")
    frames = {name: pandas.read_csv(io.BytesIO(text), dtype={"series": str}) for name, text in texts.items()}
    for name, columns in TABLES.items():
        if absent := [column for column in columns if column not in frames[name]]:
            raise _bad(folder, f"lack the columns {', '.join(absent)} in {name}.csv")
    _check_levels(folder, frames["levels"], about["facts"]["levels"])
    frames["levels"], frames["mean"] = beside_means(frames["levels"], frames["mean"])
    return StudyTables(facts=about["facts"], **frames)


def _check_levels(folder: Path, levels: pandas.DataFrame, last: int) -> None:
    expected = list(range(last + 1))
    for (series, seed), part in levels.groupby(["series", "seed"]):
        if sorted(part["level"]) != expected:
            absent = sorted(set(expected) - set(part["level"]))
            raise _bad(folder, f"lack levels {absent} of series {series}, seed {seed}")


def _bad(folder: Path, what: str) -> BadFile:
    return BadFile(
        f"The study's tables in {folder} {what}.",
        "One run must have written all of them.",
        "Make them again with `python -m core protocol run lukkien`; restore included ones with `git checkout "
        "models_cache/shipped`.",
    )
