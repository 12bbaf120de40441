"""Sentences from the tables of the thesis' study, for pages and reports."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import starmap

from pandas import DataFrame

from core.base.numbers import change, percent, score
from core.figures.plots.lukkien import overlap_name
from core.protocols.lukkien.protocol import PUBLISHED
from core.protocols.lukkien.sensitivity import MEAN, Sensitivity
from core.protocols.lukkien.sensitivity_text import counts
from core.protocols.lukkien.tables import StudyTables

PAIR = ("mnist-60000", "mnist-60000-again")  # the same seeds and data; only the order of additions differs


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What the first figure of a study shows.

    axis: a key of AXES of core/figures/plots/lukkien.py. controls: series beside the thesis' own.
    published: whether the thesis' values are drawn.
    """

    axis: str = "level"
    fitting: str = "soft-iou"
    controls: tuple[str, ...] = ()
    published: bool = True


def headline(study: StudyTables) -> str:
    """Return how long accuracy holds."""
    mean = study.mean_series()
    dense = mean.accuracy_noisy.iloc[0]
    row = mean[mean.accuracy_noisy >= dense - 0.01].iloc[-1]
    return (
        f"Down to **{row.weights_left:,} weights** ({percent(1 - row.density)} sparsity), accuracy stays within one"
        f" point of {percent(dense)}."
    )


def together(study: StudyTables, fitting: str = "soft-iou") -> str:
    """Return the correlation of accuracy and overlap."""
    all_maps, usable = (_mean_and_seeds(table, fitting) for table in (study.correlations, study.correlations_usable))
    return (
        f"Over all levels, accuracy correlates with {overlap_name(fitting)} (Pearson {all_maps}); without empty"
        f" heatmaps: {usable}."
    )


def emptied(study: StudyTables) -> str:
    """Return from which level on most heatmaps are empty, over all seeds."""
    mean = study.mean_series()
    empty = mean.empty_maps / mean.maps
    lost = mean[empty > 0.5]
    if lost.empty:
        return f"At no level are most heatmaps empty; the maximum is {percent(empty.max())}."
    first = lost.iloc[0]
    return (
        f"At level **{first.level}** ({percent(1 - first.density)} sparsity) most heatmaps are empty for the first"
        f" time: {first.empty_maps:,} of {first.maps:,} over all seeds."
    )


def right_and_wrong(study: StudyTables) -> str:
    """Return how soft IoU of correct and wrong answers differs in the dense networks."""
    dense = study.paired[study.paired.level == 0]
    return (
        "In the dense networks, soft IoU of correct answers differs from that of wrong ones by"
        f" {_listed(starmap(_with_interval, zip(dense.paired_difference, dense.low, dense.high, strict=True)))}"
        f" (seeds {_listed(dense.seed)}; in brackets 95 % intervals over classes)."
    )


def _with_interval(value: float, low: float, high: float) -> str:
    return f"{change(value)} [{score(low)}, {score(high)}]"


def _mean_and_seeds(table: DataFrame, fitting: str) -> str:
    """Format Pearson's r of the mean series; bold only if the seeds agree on its sign."""
    mean = score(pearson(table, "mean", "all", fitting).value)
    seeds = [pearson(table, name, "all", fitting).value for name in dict.fromkeys(table.series) if name != "mean"]
    if min(seeds) < 0 < max(seeds):
        return f"{mean}, but the seeds disagree on the sign ({_listed(map(score, seeds))})"
    return f"**{mean}**"


def origin(study: StudyTables, shown: Shown) -> str:
    """Return what data is behind the figures."""
    facts = study.facts
    return (
        f"Our run: {facts['train_images']:,} training images, {facts['test_images']:,} test images, seeds"
        f" {_listed(facts['seeds'])} (thin lines; the thick line is their mean). Grad-CAM++ of the noisy image, before"
        " the ReLU of the last convolution, for each network's own class, is compared with the clean image."
        f" {_bands(study, shown)} Published values: 60,000 and 10,000 images."
    )


def _bands(study: StudyTables, shown: Shown) -> str:
    """Return the bands, and which lines have none."""
    says = ["Bands are 95 % intervals over images, most of them no wider than the line."]
    if study.mean_series(shown.fitting).overlap_low.isna().all():
        says = [
            f"The band is the 95 % interval of accuracy over images; these tables have none for"
            f" {overlap_name(shown.fitting)}."
        ]
    if any(study.mean_series(shown.fitting, control).overlap.isna().all() for control in shown.controls):
        says.append("Control networks were evaluated with soft IoU only, so only their accuracy is shown.")
    if shown.published and shown.fitting != "soft-iou":
        says.append("The thesis reports soft IoU only.")
    return " ".join(says)


def caveats(study: StudyTables, again: StudyTables | None) -> str:
    """Return what the thesis claims, what is measured, and why the points are not independent, as a
    list in Markdown. again: the run of the same seeds a second time, if it is here.
    """
    thesis = study.levels[study.levels.series == "iterative-reset"]
    return "\n".join(
        (
            f"- {_claim(thesis)}",
            *([] if again is None else [f"- {trained_again(study, again)}"]),
            f"- Each level is pruned from the one before: {thesis.level.nunique()} points are not"
            f" {thesis.level.nunique()} independent networks.",
            f"- {_peak(study)}",
            "- Grad-CAM++ is unstable before a ReLU, where the activations are negative: part of the change comes from"
            " the method. After the ReLU, and with Grad-CAM at either layer, Pearson without empty heatmaps is positive"
            " for all three seeds (5,000 embedded digits, networks trained on 55,000 images).",
            "- A **collapsed** level has no path of kept weights from input to output; its accuracy equals the share of"
            " one class and its map is empty.",
        )
    )


def _claim(thesis: DataFrame, claimed: float = 0.98) -> str:
    """Compare the thesis' claim with the measurement at the level nearest to that sparsity, if the
    study reaches it.
    """
    near = thesis[thesis.level == thesis.level[(1 - thesis.density - claimed).abs().idxmin()]]
    row = near.iloc[0]
    if abs(1 - row.density - claimed) > 0.005:
        return f"The thesis claims *{PUBLISHED['claim']}*; this study does not reach {percent(claimed)} sparsity."
    return (
        f"The thesis claims *{PUBLISHED['claim']}*. At {percent(1 - row.density)} sparsity"
        f" ({row.weights_left:,} weights) we measure {_listed(map(percent, near.accuracy_noisy))} accuracy for the"
        f" seeds {_listed(near.seed)}."
    )


def _peak(study: StudyTables) -> str:
    """Compare the peak of soft IoU with that of the thesis."""
    mean = study.mean_series()
    peak = mean.loc[mean.overlap.idxmax()]
    return (
        f"The thesis' soft IoU starts lower and peaks, at about {PUBLISHED['highest_soft_iou']},"
        f" {PUBLISHED['highest_soft_iou_where']}; ours is {mean.overlap.iloc[0]:.3f} at level 0 and highest at level"
        f" {peak.level}, {peak.overlap:.3f}."
    )


def _listed(values: object) -> str:
    return ", ".join(map(str, values))  # type: ignore[call-overload]


def trained_again(study: StudyTables, other: StudyTables) -> str:
    """Return how two trainings of the same seeds differ, in Markdown: how far rounding alone
    changes a study's numbers.
    """
    keys = ["series", "seed", "level"]
    both = study.levels.merge(other.levels, on=keys, suffixes=("", "_other"))
    both = both[both.series == "iterative-reset"]
    apart = (both.accuracy_noisy - both.accuracy_noisy_other).abs()
    at = both.loc[apart.idxmax()]
    early = apart[both.level <= 9].max()
    return (
        "Rounding matters: the same seeds trained a second time, with a different order of additions, agree within"
        f" {_bound(early * 100, 1)} points of accuracy up to level 9, but later differ by up to"
        f" {_bound(apart.max() * 100, 1)} points"
        f" (level {at.level}, seed {at.seed}). Without empty heatmaps, Pearson is {_by_seed(study)} in this run and"
        f" {_by_seed(other)} in the other: **with Grad-CAM++ before the ReLU, that correlation has no stable sign.**"
    )


def _bound(value: float, digits: int) -> str:
    """Rounds up, because a bound must hold."""
    return f"{math.ceil(value * 10**digits) / 10**digits:.{digits}f}"


def _by_seed(study: StudyTables) -> str:
    values = [
        score(pearson(study.correlations_usable, str(seed), "all", "soft-iou").value) for seed in study.facts["seeds"]
    ]
    return ", ".join(values)


def pearson(table: DataFrame, series: str, levels: str, fitting: str = "soft-iou") -> DataFrame:
    """Return the row of Pearson's coefficient."""
    chosen = (
        (table.series == series)
        & (table["levels"] == levels)
        & (table.fitting == fitting)
        & (table.coefficient == "pearson")
    )
    return table[chosen].iloc[0]


def interval_text(row: object) -> str:
    """Format the value with its 95 % interval, where defined."""
    value, low, high = (score(getattr(row, name)) for name in ("value", "low", "high"))
    return value if "–" in (value, low, high) else f"{value} [{low}, {high}]"


def choices_headline(result: Sensitivity) -> str:
    """Return the range of the correlation with and without empty maps."""
    rows = result.of()
    zero, without = (counts(rows[rows["empty"] == kept]) for kept in ("zero", "left-out"))
    return (
        f"If empty heatmaps score 0, Pearson lies surely above 0.9 for **{zero['above_high']} of"
        f" {zero['combinations']}** combinations of choices; without them for **{without['above_high']} of"
        f" {without['combinations']}**, and it ranges from {score(without['lowest'])} to {score(without['highest'])}."
    )


def choices_origin(result: Sensitivity) -> str:
    """Return the networks and images behind the figure."""
    facts = result.facts
    seeds = ", ".join(name for name in result.series if name != MEAN)
    return (
        f"Networks trained on {facts['train_images']:,} images, {facts['images']:,} test images, mean over the seeds"
        f" {seeds}, {facts['levels'] + 1} levels; 95 % intervals over images. Options of the thesis, as read here, are"
        " bold. The overlap chosen in the sidebar does not apply."
    )
