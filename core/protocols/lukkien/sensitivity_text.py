"""How far the thesis' correlation depends on choices, as text, facts and a table."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pandas

from core.base.numbers import counted, score
from core.base.text import Rows
from core.measures.base import optional
from core.protocols.lukkien.choices import CHOICES, THESIS, Said
from core.protocols.lukkien.protocol import PUBLISHED
from core.protocols.lukkien.sensitivity import MEAN, Sensitivity

HIGH = 0.9
NUMBERS = ("n", "lowest", "median", "highest", "above 0", f"above {HIGH}")
NUMBERS = ("n", "lowest", "median", "highest", "above 0", f"above {HIGH}")
HEAD: tuple[str, ...] = ("choice", "option", "in the thesis", *NUMBERS)


def facts(result: Sensitivity) -> dict[str, Any]:
    """Return the result as plain facts, with every row."""
    return {
        "facts": result.facts,
        "published": PUBLISHED["pearson"],
        "choices": {
            name: {"options": dict(each.options), "thesis": each.thesis, "said": str(each.said)}
            for name, each in CHOICES.items()
        },
        "counts": {
            series: {str(kept): counts(rows) for kept, rows in result.of(series).groupby("empty")}
            | {"all": counts(result.of(series))}
            for series in result.series
        },
        "shifts": json.loads(result.shifts().to_json(orient="index", double_precision=6)),
        "rows": json.loads(result.rows.to_json(orient="records", double_precision=6)),
    }


def counts(rows: pandas.DataFrame) -> dict[str, Any]:
    """Count combinations by their Pearson and its interval: the range, how many intervals lie
    above 0, below 0 and above HIGH, and how many values are at least the published one.
    """
    return {
        "combinations": len(rows),
        "undefined": int(rows.pearson.isna().sum()),
        "lowest": optional(rows.pearson.min()),
        "median": optional(rows.pearson.median()),
        "highest": optional(rows.pearson.max()),
        "above_0": int((rows.pearson_low > 0).sum()),
        "below_0": int((rows.pearson_high < 0).sum()),
        "above_high": int((rows.pearson_low > HIGH).sum()),
        "at_least_published": int((rows.pearson >= PUBLISHED["pearson"]).sum()),
        "holds_published": int(
            ((rows.pearson_low <= PUBLISHED["pearson"]) & (rows.pearson_high >= PUBLISHED["pearson"])).sum()
        ),
    }


def choices_text(result: Sensitivity) -> Rows:
    """Return Pearson of the mean series by each option of each choice."""
    rows, cells = result.of(), [HEAD]
    for name, choice in CHOICES.items():
        for option, title in choice.options.items():
            found = counts(rows[rows[name] == option])
            values = [score(found[which], 3) for which in ("lowest", "median", "highest")]
            numbers = (str(found["combinations"]), *values, str(found["above_0"]), str(found["above_high"]))
            cells.append((choice.title, title, str(choice.said) if option == choice.thesis else "", *numbers))
    return Rows(cells, range(3, len(HEAD)), "Pearson of accuracy and overlap, by option (mean over the seeds)")


def summary(result: Sensitivity) -> str:
    """Return what of the correlation survives, in a few lines."""
    about, rows = result.facts, result.of()
    stated = result.as_stated()
    return "\n".join(
        [
            (
                f"{len(rows)} combinations of {len(CHOICES)} choices. Trained on {about['train_images']:,} images,"
                f" tested on {about['images']:,} ({about['data']}), seeds {about['seeds']}, {about['levels'] + 1}"
                f" levels, {about['device']}. 95 % intervals over images; levels are not independent points."
            ),
            f"All combinations, mean over the seeds: {_counts(rows)}",
            *(f"Empty maps {title}: {_counts(rows[rows['empty'] == kept])}" for kept, title in _empty()),
            *(f"Seed {series}: Pearson {_range(result.of(series))}." for series in result.series[:-1]),
            published(result),
            f"With all that the thesis states ({_stated()}), {counted(len(stated), 'combination')} remain:",
            *(f"  {described(row)}: {with_interval(row)}" for row in stated.to_dict("records")),
            moves(result),
        ]
    )


def published(result: Sensitivity, series: str = MEAN) -> str:
    """Say where the published value lies among the combinations."""
    found, thesis = counts(result.of(series)), result.thesis(series)
    return (
        f"{found['at_least_published']} of {found['combinations']} combinations reach the published"
        f" {PUBLISHED['pearson']:.3f}, {found['holds_published']} have it in their interval. The combination of the"
        f" thesis, by our reading, has {with_interval(thesis)}."
    )


def moves(result: Sensitivity) -> str:
    """Say which choice alone moves Pearson most, of the mean over the seeds and of each seed."""
    shifts = result.shifts()
    parts = [
        f"{CHOICES[str(name)].title.lower()} by {score(row['mean'])} on average (at most {score(row['largest'])})"
        for name, row in shifts.iterrows()
    ]
    first = [
        f"{CHOICES[str(result.shifts(seed).index[0])].title.lower()} ({seed})" for seed in result.series if seed != MEAN
    ]
    return (
        f"What one choice moves, all others equal, mean over the seeds: {'; '.join(parts)}. Most in each seed:"
        f" {', '.join(first)}."
    )


def described(row: Any) -> str:
    """Return the options of one combination that the thesis does not state."""
    return ", ".join(
        f"{choice.title.lower()} {choice.options[row[name]]}"
        for name, choice in CHOICES.items()
        if choice.said is not Said.STATED or row[name] != THESIS[name]
    )


def with_interval(row: Any) -> str:
    """Return Pearson with its interval, or "undefined"."""
    if pandas.isna(row["pearson"]):
        return "undefined"
    return f"{score(row['pearson'], 3)} [{score(row['pearson_low'], 3)}, {score(row['pearson_high'], 3)}]"


def _empty() -> Iterator[tuple[str, str]]:
    yield from CHOICES["empty"].options.items()


def _stated() -> str:
    return ", ".join(choice.options[choice.thesis] for choice in CHOICES.values() if choice.said is Said.STATED)


def _range(rows: pandas.DataFrame) -> str:
    return f"{score(rows.pearson.min(), 3)} to {score(rows.pearson.max(), 3)}"


def _counts(rows: pandas.DataFrame) -> str:
    found = counts(rows)
    undefined = f" {found['undefined']} are undefined." if found["undefined"] else ""
    return (
        f"Pearson {_range(rows)}, median {score(found['median'], 3)}. Of {found['combinations']} intervals,"
        f" {found['above_0']} lie above 0, {found['above_high']} above {HIGH}, {found['below_0']} below 0.{undefined}"
    )
