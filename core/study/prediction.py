"""Which automatic measure predicts what people prefer, and what they recognise?

For a pair, the measure's difference on an image (more pruned minus less pruned) is compared with
the answers about it; for named objects, the measure itself with whether the object was named
correctly.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas
from numpy.typing import NDArray

from core.base.errors import BadSpec
from core.evaluation.columns import COLUMNS
from core.stats.bootstrap import SEED
from core.stats.multiple import holm
from core.stats.preference import LESS, MORE
from core.stats.relation import OddsRatio, RankCorrelation, item_shares, odds_ratio, rank_correlation
from core.study.exclusions import checked, entering
from core.study.naming import is_right
from core.study.spec import PAIRS
from core.study.votes import votes_of

NO_MEASURES = ("label", "right", "predicted")  # the same of all variants that classify correctly


@dataclass(frozen=True, kw_only=True)
class MeasureResult:
    """How well one measure predicts the answers about one pair, or about one variant's objects.

    measure: a key of COLUMNS. more: "" for named objects. rank: correlation over images. odds:
    logistic model of single answers; for named objects, the odds of the right name, and its mean
    and sd are those of the measure itself.
    p_adjusted: of the odds ratio, by Holm's method over the `compared` measures with a p.
    """

    measure: str
    task: str
    less: str
    more: str
    rank: RankCorrelation
    odds: OddsRatio
    p_adjusted: float | None = None
    compared: int = 0


def predict_answers(
    answers: pandas.DataFrame, measures: pandas.DataFrame, seed: int = SEED
) -> tuple[MeasureResult, ...]:
    """Join measures to answers, and relate each to them.

    Args:
        answers: as `Answers.frame` returns them, of participants who are known. measures: one row
            an image and variant, with the columns image, variant and measures
            (`core.study.prepare.MEASURED`).

    Raises:
        BadSpec: not such tables, or measures that miss an image or a variant.
    """
    names = measure_names(measures)
    rows = entering(checked(answers))
    if rows["participant"].isna().any() or rows["image"].isna().any():
        raise BadSpec(
            "These answers cannot be joined to measures.",
            "It must be known who answered, and about which image.",
            "Import a table with these columns.",
        )
    found: list[MeasureResult] = []
    for (task, less, more), own in rows.groupby(["task", "less", "more"], sort=False):
        values = [_values(own, measures, name, (str(less), str(more))) for name in names]
        tested = [_test(own, value, seed) for value in values]
        group = [
            MeasureResult(measure=name, task=str(task), less=str(less), more=str(more), rank=rank, odds=odds)
            for name, (rank, odds) in zip(names, tested, strict=True)
        ]
        found += _adjusted(group)
    return tuple(found)


def measure_names(measures: pandas.DataFrame) -> tuple[str, ...]:
    """Return the measures of a table, in its order. Raises BadSpec if it is not one of measures."""
    missing = [name for name in ("image", "variant") if name not in measures]
    if missing:
        raise BadSpec(
            f"The table of measures has no column '{missing[0]}'.",
            "It has one row an image and variant.",
            "Prepare the study again.",
        )
    return tuple(name for name in measures if name in COLUMNS and name not in NO_MEASURES)


def _values(
    rows: pandas.DataFrame, measures: pandas.DataFrame, name: str, pair: tuple[str, str]
) -> NDArray[np.float64]:
    """Return the measure of each answer's image: the difference of a pair, or the value itself."""
    less, more = pair
    of_less = _by_image(rows, measures, name, less)
    return _by_image(rows, measures, name, more) - of_less if more else of_less


def _by_image(rows: pandas.DataFrame, measures: pandas.DataFrame, name: str, variant: str) -> NDArray[np.float64]:
    own = measures[measures["variant"] == variant].set_index("image")[name]
    if not rows["image"].isin(own.index).all():
        raise BadSpec(
            f"The measures of '{variant}' miss an image of the study.",
            "Every image that was shown has a row for every variant.",
            "Use the measures of this study.",
        )
    return rows["image"].map(own).to_numpy(dtype=np.float64)


def _test(rows: pandas.DataFrame, values: NDArray[np.float64], seed: int) -> tuple[RankCorrelation, OddsRatio]:
    """Relate one measure to the answers about one pair or variant."""
    given = votes_of(rows) if rows["task"].iloc[0] in PAIRS else np.where(is_right(rows), MORE, LESS)
    images = rows["image"].to_numpy()
    shares = item_shares(given, images)
    of_image = dict(zip(images.tolist(), values.tolist(), strict=True))
    rank = rank_correlation([of_image[image] for image in shares], list(shares.values()), seed)
    return rank, odds_ratio(given, values, rows["participant"].to_numpy(), images)


def _adjusted(group: list[MeasureResult]) -> list[MeasureResult]:
    """Add p by Holm's method."""
    adjusted = holm([each.odds.p for each in group])
    compared = sum(p is not None for p in adjusted)
    return [replace(each, p_adjusted=p, compared=compared) for each, p in zip(group, adjusted, strict=True)]
