"""Whose answers are left out: rules declared before the first answer."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

import pandas

from core.study.design import CATCH
from core.study.spec import Rules


def broken_rule(rules: Rules, catches: Sequence[bool], reaction_ms: Sequence[float]) -> str | None:
    """Return which rule a participant broke, in words; None if none.

    Args:
        catches: whether each catch trial was answered correctly. reaction_ms: of all trials whose
            time the browser measured.
    """
    if catches and sum(catches) / len(catches) < rules.catch_share:
        return f"{sum(catches)} of {len(catches)} catch trials correct"
    if reaction_ms and median(reaction_ms) < rules.fastest_ms:
        return f"median time of {median(reaction_ms):.0f} ms"
    return None


def excluded_by(answers: pandas.DataFrame, rules: Rules) -> dict[int, str]:
    """Return the participants that break a rule, with the reason.

    Args:
        answers: as `Answers.frame` returns them.
    """
    found = {}
    for participant, rows in answers.groupby("participant"):
        catches = [bool(right) for right in rows.loc[rows["kind"] == CATCH, "right"]]
        reason = broken_rule(rules, catches, rows["reaction_ms"].dropna().tolist())
        if reason:
            found[int(participant)] = reason
    return found
