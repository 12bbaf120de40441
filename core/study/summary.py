"""Results of a study as tables: what figures draw and the command line prints."""

from __future__ import annotations

from collections.abc import Iterable

from pandas import DataFrame

from core.study.analysis import TaskResult
from core.study.prediction import MeasureResult

SHARE_COLUMNS = ("label", "share", "low", "high", "n", "interval", "note")


def share_rows(task: TaskResult) -> DataFrame:
    """Return one row a pair or variant: columns SHARE_COLUMNS.

    share: of the answers for the more pruned variant among those for one of the two; for named
    objects, of right answers. n: answers it is a share of. interval: how low and high were found:
    by resampling participants where that is defined, else Wilson's, which takes answers as
    independent.
    """
    rows = []
    for pair in task.pairs:
        votes = pair.votes
        low, high, how = _interval(pair.by_participant, votes.low, votes.high)
        note = f"{votes.less:,} / {votes.more:,} / {votes.equal:,} for less, more, equally"
        rows.append((f"{pair.more} against {pair.less}", votes.share, low, high, votes.decided, how, note))
    for each in task.naming.variants if task.naming else ():
        low, high, how = _interval(each.gee, each.low, each.high)
        note = f"{each.right:,} right, {each.wrong:,} wrong, {each.unknown:,} do not know"
        rows.append((each.variant, each.share, low, high, each.n, how, note))
    return DataFrame(rows, columns=list(SHARE_COLUMNS))


def _interval(found: object, low: float | None, high: float | None) -> tuple[float | None, float | None, str]:
    clustered = (getattr(found, "low", None), getattr(found, "high", None))
    if None not in clustered:
        return (*clustered, "participants")
    return low, high, "answers"


def measure_rows(found: Iterable[MeasureResult]) -> DataFrame:
    """Return one row a measure: its rank correlation with the answers, with a 95 % interval over
    items, and the odds ratio of the logistic model.
    """
    return DataFrame(
        [
            {
                "measure": each.measure,
                "task": each.task,
                "label": f"{each.more} against {each.less}" if each.more else each.less,
                "value": each.rank.interval.value,
                "low": each.rank.interval.low,
                "high": each.rank.interval.high,
                "n": each.rank.interval.n,
                "odds": each.odds.value,
            }
            for each in found
        ]
    )
