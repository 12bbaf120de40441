"""Compute the study's tables from per-image results: level means with intervals, correlations,
correct against wrong.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pandas

from core.base.errors import MissingData
from core.data.datasets import training_image_count
from core.engine.engine import Engine
from core.measures.fitting import FITTINGS
from core.protocols.lukkien.images import SERIES, Cell, Rows, Study
from core.protocols.lukkien.protocol import CAM
from core.protocols.lukkien.tables import StudyTables, beside_means, overlap_column
from core.specs import NO_ANSWER
from core.stats.bootstrap import (
    SYMMETRIC,
    LevelMeans,
    correlation_intervals,
    level_intervals,
    level_means,
    mean_interval,
)
from core.stats.correlation import correlations, normality
from core.stats.intervals import wilson
from core.stats.paired import correct_against_wrong, paired_by_class

Tables = list[Rows]  # of every network, in the order of study.cells(series)


def analyse(study: Study, engine: Engine) -> StudyTables:
    """Compute all tables from the per-image results; the thesis' series must be complete, controls
    are used if they are.

    Raises:
        MissingData: a network of the series has not been evaluated.
    """
    read = {series: study.read(engine, series) for series in SERIES}
    per_image = {series: tables for series, tables in read.items() if tables is not None}
    if "iterative-reset" not in per_image:
        raise MissingData(
            "Some networks of the series have not been evaluated.",
            "",
            "Run `python -m core protocol run lukkien`; it resumes where it stopped.",
        )
    rows = [row for series in per_image for row in _level_rows(study, series, per_image[series])]
    main = per_image["iterative-reset"]
    means = [row for series in per_image for row in _mean_rows(study, series, per_image[series])]
    levels, mean = beside_means(pandas.DataFrame(rows), pandas.DataFrame(means))
    return StudyTables(
        facts=_facts(study, main[0]),
        levels=levels,
        mean=mean,
        correlations=pandas.DataFrame(list(_correlation_rows(study, main, usable_only=False))),
        correlations_usable=pandas.DataFrame(list(_correlation_rows(study, main, usable_only=True))),
        normality=pandas.DataFrame(list(_normality_rows(study, rows))),
        paired=pandas.DataFrame(
            [_paired_row(cell, frame) for cell, (frame, _) in zip(study.cells("iterative-reset"), main, strict=True)]
        ),
    )


def _facts(study: Study, first: Rows) -> dict[str, Any]:
    return {
        "train_images": training_image_count(study.plan.weights),
        "test_images": len(first[0]),
        "method": CAM.method,
        "target": CAM.target,
        "prunable": first[1]["prunable"],
        "weights": study.plan.weights,
        "data": study.data.key,
        "seeds": list(study.plan.seeds),
        "levels": study.plan.levels,
        "intervals": SYMMETRIC,
    }


def _level_rows(study: Study, series: str, tables: Tables) -> Iterator[dict[str, Any]]:
    for cell, (frame, facts) in zip(study.cells(series), tables, strict=True):
        yield _level_row(study, cell, frame, facts)


def _level_row(study: Study, cell: Cell, frame: pandas.DataFrame, facts: dict[str, Any]) -> dict[str, Any]:
    clean, noisy = int((frame.predicted_clean == frame.label).sum()), int((frame.predicted_noisy == frame.label).sum())
    low, high = wilson(noisy, len(frame))
    overlap = mean_interval(frame.soft_iou.to_numpy())
    split = correct_against_wrong(frame.soft_iou, frame.predicted_noisy == frame.label)
    row = {
        "series": cell.series,
        "seed": cell.seed,
        "level": cell.level,
        "weights_left": facts["kept"],
        "density": facts["kept"] / facts["prunable"],
        "train_images": training_image_count(study.plan.weights),
        "test_images": len(frame),
        "correct_clean": clean,
        "accuracy_clean": clean / len(frame),
        "correct_noisy": noisy,
        "accuracy_noisy": noisy / len(frame),
        "accuracy_noisy_low": low,
        "accuracy_noisy_high": high,
        "soft_iou": overlap.value,
        "soft_iou_low": overlap.low,
        "soft_iou_high": overlap.high,
        "soft_iou_n": overlap.n,
        "soft_iou_correct": split.mean_correct,
        "soft_iou_wrong": split.mean_wrong,
        "map_mean": frame.map_mean.mean(),
        "map_std": frame.map_std.mean(),
        "empty_maps": int(frame["empty"].sum()),
        "unanswered": int((frame.predicted_noisy == NO_ANSWER).sum()),
        "collapsed": bool(facts["collapsed"]),
        "threshold": frame["single-threshold"].iloc[0] if "single-threshold" in frame else None,
    }
    return row | {name: frame[name].mean() for name in FITTINGS if name in frame}


def _mean_rows(study: Study, series: str, tables: Tables) -> Iterator[dict[str, Any]]:
    """Yield the mean over the seeds at each level, with bootstrap intervals over images, the same
    images for all seeds and ways of fitting.
    """
    seeds, levels = len(study.plan.seeds), study.plan.levels + 1
    columns = [overlap_column(name) for name in FITTINGS if overlap_column(name) in tables[0][0]]
    right = _stack(tables, "right").reshape(seeds, levels, -1).mean(0)
    scores = [_stack(tables, column).reshape(seeds, levels, -1).mean(0) for column in columns]
    means = level_means(np.stack([right] * len(scores)), np.stack(scores), resamples=1000)
    accuracy, overlaps = level_intervals(means, "accuracy")[0], level_intervals(means, "soft_iou")
    for level in range(levels):
        places = [seed * levels + level for seed in range(seeds)]
        facts = tables[places[0]][1]
        row = {
            "series": series,
            "level": level,
            "weights_left": facts["kept"],
            "density": facts["kept"] / facts["prunable"],
            "collapsed": any(tables[place][1]["collapsed"] for place in places),
            "seeds": seeds,
        }
        for column, found in (("accuracy_noisy", accuracy), *zip(columns, overlaps, strict=True)):
            row |= {column: found[level].value, f"{column}_low": found[level].low, f"{column}_high": found[level].high}
        yield row


def _correlation_rows(study: Study, main: Tables, usable_only: bool) -> Iterator[dict[str, Any]]:
    """Yield Pearson, Spearman and Kendall of level means: every seed and the mean series, with and
    without collapsed levels, every fitting.

    An empty map overlaps by 0 in all fittings, as in the thesis; with usable_only it is left out
    instead, so that the fittings can be compared on the same images. The mean series leaves a level
    out if any seed's network is collapsed.
    """
    seeds = len(study.plan.seeds)
    collapsed = np.array([facts["collapsed"] for _, facts in main]).reshape(seeds, -1)
    right, empty = (_stack(main, column).reshape(seeds, study.plan.levels + 1, -1) for column in ("right", "empty"))
    for fitting in FITTINGS:
        score = _stack(main, overlap_column(fitting)).reshape(right.shape)
        means = level_means(right, np.where(empty > 0, np.nan, score) if usable_only else score)
        series = [(str(seed), _one_seed(means, place), collapsed[place]) for place, seed in enumerate(study.plan.seeds)]
        for name, one, gone in [*series, ("mean", means.averaged(), collapsed.any(0))]:
            for levels, chosen in (("all", np.full(len(gone), True)), ("without collapsed", ~gone)):
                yield from _coefficients({"series": name, "levels": levels, "fitting": fitting}, one.only(chosen))


def _one_seed(means: LevelMeans, place: int) -> LevelMeans:
    part = slice(place, place + 1)
    return replace(
        means,
        accuracy=means.accuracy[part],
        soft_iou=means.soft_iou[part],
        defined=means.defined[part],
        drawn_accuracy=means.drawn_accuracy[:, part],
        drawn_soft_iou=means.drawn_soft_iou[:, part],
    )


def _coefficients(where: dict[str, Any], means: LevelMeans) -> Iterator[dict[str, Any]]:
    """Yield the rows of one series (S = 1)."""
    intervals = correlation_intervals(means)[0]
    found = correlations(means.accuracy[0], means.soft_iou[0])
    for interval, one in zip(intervals, found, strict=True):
        yield where | {
            "coefficient": one.name,
            "value": one.value,
            "low": interval.low,
            "high": interval.high,
            "p": one.p,
            "n": one.n,
            "df": one.df,
            "resamples": interval.resamples,
            "images": means.images,
            "fewest_images": int(means.defined.min(initial=means.images)),
        }


def _normality_rows(study: Study, rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for seed in study.plan.seeds:
        for quantity in ("accuracy_noisy", "soft_iou"):
            values = [row[quantity] for row in rows if row["series"] == "iterative-reset" and row["seed"] == seed]
            yield {"series": str(seed), "quantity": quantity} | vars(normality(values))


def _paired_row(cell: Cell, frame: pandas.DataFrame) -> dict[str, Any]:
    right = frame.predicted_noisy == frame.label
    both, paired = correct_against_wrong(frame.soft_iou, right), paired_by_class(frame.soft_iou, right, frame.label)
    return {
        "seed": cell.seed,
        "level": cell.level,
        "images_correct": both.n_correct,
        "images_wrong": both.n_wrong,
        "difference": both.difference,
        "difference_low": both.low,
        "difference_high": both.high,
        "classes": paired.classes,
        "paired_difference": paired.difference,
        "low": paired.low,
        "high": paired.high,
        "p": paired.p,
    }


def _stack(tables: Tables, column: str) -> np.ndarray:
    """Stack one row per network, (networks, images). "right": whether the noisy image was
    classified correctly.
    """
    if column == "right":
        return np.stack([(frame.predicted_noisy == frame.label).to_numpy(float) for frame, _ in tables])
    return np.stack([frame[column].to_numpy(float) for frame, _ in tables])
