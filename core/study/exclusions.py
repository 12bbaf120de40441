"""Which answers enter results: those to items, of participants who are not left out."""

from __future__ import annotations

import pandas

from core.base.errors import BadSpec
from core.study.design import CATCH, ITEM
from core.study.place import UNKNOWN
from core.study.rules import broken_rule, excluded_by
from core.study.spec import KINDS, PAIRS, Rules

# what results need of a table of answers; `Answers.frame` has more columns
COLUMNS = ("participant", "excluded", "item", "kind", "task", "image", "label", "less", "more", "answer", "right")
PAIR_ANSWERS = ("less", "equal", "more")
HIGHEST = 10**9  # a time in milliseconds that nobody takes


def checked(answers: pandas.DataFrame) -> pandas.DataFrame:
    """Return the table if it is one of answers. Raises BadSpec for a missing column, an unknown
    task or an answer that its task does not have.
    """
    missing = [name for name in COLUMNS if name not in answers]
    if missing:
        raise BadSpec(
            f"The table of answers has no column '{missing[0]}'.",
            f"It needs: {', '.join(COLUMNS)}.",
            "Import it with a mapping that names this column.",
        )
    unknown = sorted(set(answers["task"].unique()) - set(KINDS))
    if unknown:
        raise BadSpec(
            f"'{unknown[0]}' is no task.", f"A task is one of: {', '.join(KINDS)}.", "Correct the table of answers."
        )
    pair = answers["task"].isin(PAIRS)
    given = answers["answer"].astype(str)
    wrong = given[(pair & ~given.isin(PAIR_ANSWERS)) | (~pair & (given != UNKNOWN) & ~given.str.fullmatch(r"\d+"))]
    if len(wrong):
        raise BadSpec(
            f"'{wrong.iloc[0][:60]}' is no answer.",
            f"An answer about a pair is one of {', '.join(PAIR_ANSWERS)}; a named object is the number of a class, or "
            f"'{UNKNOWN}'.",
            "Correct the table of answers.",
        )
    return answers


def entering(answers: pandas.DataFrame) -> pandas.DataFrame:
    """Return the rows that enter results: no catch and no practice trials, nobody who is left
    out.
    """
    return answers[(answers["kind"] == ITEM) & answers["excluded"].isna()]


def left_out(answers: pandas.DataFrame) -> dict[int, str]:
    """Return the participants who are left out, with the reason."""
    rows = answers[answers["excluded"].notna()].drop_duplicates("participant")
    return {int(who): str(why) for who, why in zip(rows["participant"], rows["excluded"], strict=True)}


def by_hand(answers: pandas.DataFrame) -> dict[int, str]:
    """Return the participants whom the researcher left out, with the reason: those whose reason no
    rule gives, whatever its thresholds.
    """
    reasons = left_out(answers)
    rows = answers[answers["participant"].isin(reasons)]
    found = {}
    for participant, own in rows.groupby("participant"):
        if reasons[int(participant)] not in _reasons(own):
            found[int(participant)] = reasons[int(participant)]
    return found


def apply_rules(answers: pandas.DataFrame, rules: Rules) -> pandas.DataFrame:
    """Return the table with `excluded` as these rules say, whatever was declared. Whom the
    researcher left out stays out.

    The rules also apply to participants who have not finished; when answers come in, they apply
    only once all trials are answered.
    """
    reasons: dict[int, str | None] = {**excluded_by(answers, rules), **by_hand(answers)}
    return answers.assign(excluded=answers["participant"].map(lambda who: reasons.get(who)).astype(object))


def _reasons(own: pandas.DataFrame) -> tuple[str | None, ...]:
    """Return what rules can say about a participant, who has one share of correct catch trials and
    one median time.
    """
    catches = [bool(right) for right in own.loc[own["kind"] == CATCH, "right"]]
    times = own["reaction_ms"].dropna().tolist()
    return broken_rule(Rules(catch_share=1, fastest_ms=0), catches, []), broken_rule(
        Rules(catch_share=0, fastest_ms=HIGHEST), [], times
    )
