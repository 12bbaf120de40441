"""The results of a study, counted row by row from its table of answers."""

from __future__ import annotations

from collections import Counter
from statistics import median

import pandas

Row = dict[str, object]


def rows_of(answers: pandas.DataFrame) -> list[Row]:
    return answers.to_dict("records")


def entering(answers: pandas.DataFrame) -> list[Row]:
    """Answers to items, of participants whom nobody left out."""
    return [row for row in rows_of(answers) if row["kind"] == "item" and not isinstance(row["excluded"], str)]


def votes(answers: pandas.DataFrame, task: str, less: str, more: str, label: int | None = None) -> tuple[int, int, int]:
    """Answers for the less pruned variant, for neither, for the more pruned one."""
    counts = Counter(
        str(row["answer"])
        for row in entering(answers)
        if (row["task"], row["less"], row["more"]) == (task, less, more) and label in (None, row["label"])
    )
    return counts["less"], counts["equal"], counts["more"]


def named(answers: pandas.DataFrame, variant: str) -> tuple[int, int, int]:
    """Right, unknown and wrong names."""
    right = unknown = wrong = 0
    for row in entering(answers):
        if row["task"] != "name-object" or row["less"] != variant:
            continue
        if row["answer"] == str(row["label"]):
            right += 1
        elif row["answer"] == "unknown":
            unknown += 1
        else:
            wrong += 1
    return right, unknown, wrong


def broken(answers: pandas.DataFrame, catch_share: float, fastest_ms: float) -> set[int]:
    """Participants with too few correct catch trials, or too short a median time."""
    found = set()
    for who in {row["participant"] for row in rows_of(answers)}:
        own = [row for row in rows_of(answers) if row["participant"] == who]
        catches = [
            row["answer"] == "less" if row["task"] != "name-object" else row["answer"] == str(row["label"])
            for row in own
            if row["kind"] == "catch"
        ]
        times = [float(row["reaction_ms"]) for row in own if row["reaction_ms"] == row["reaction_ms"]]  # type: ignore[arg-type]
        if (catches and sum(catches) / len(catches) < catch_share) or (times and median(times) < fastest_ms):
            found.add(int(who))  # type: ignore[call-overload]
    return found
