"""Training the same seeds a second time: how far rounding alone changes a study's numbers."""

from __future__ import annotations

import math

from core.base.errors import SparsightError
from core.base.numbers import score
from core.protocols.lukkien.tables import StudyTables
from pages.parts.common import engine
from pages.parts.curves.study_tables import pearson

PAIR = ("mnist-60000", "mnist-60000-again")  # the same seeds and data; only the order of additions differs


def sentence(study: StudyTables) -> str:
    """Describes the differences of the two runs in Markdown; "" for other studies or if one is
    missing.
    """
    mine = study.facts["weights"]
    if mine not in PAIR:
        return ""
    try:
        other = engine.study(PAIR[1 - PAIR.index(mine)], study.facts["data"])
    except SparsightError:
        return ""
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
