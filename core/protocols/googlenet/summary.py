"""The GoogLeNet study in rows and sentences, ours beside the published values, for the command line
and the page.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from pandas import DataFrame, isna

from core.protocols.googlenet.protocol import CURVE, CURVE_RATE, PRUNINGS, RETRAININGS
from core.protocols.googlenet.published import FINDINGS, REFERENCE, UNKNOWN
from core.protocols.googlenet.tables import VonradTables

SAME = 0.002  # of the loss: differences that count as no preference for any class
NEAR = 0.02  # of accuracy: differences that count as near the dense network [our reading]


def methods(tables: VonradTables, rate: float = CURVE_RATE) -> DataFrame:
    """Return one row per network at this rate, the dense one first, with accuracy and remaining
    cost.

    Columns as `levels`.
    """
    rows = tables.levels
    shown = rows[((rows.rate == rate) & (rows.retraining != CURVE)) | (rows.pruning == "dense")]
    order = {name: place for place, name in enumerate(("dense", *PRUNINGS, *RETRAININGS))}
    return shown.sort_values(
        ["seed", "pruning", "retraining"], key=lambda column: column.map(order) if column.name != "seed" else column
    )


def farthest(tables: VonradTables, seed: int) -> dict[tuple[str, str], float | None]:
    """Return, by pruning and retraining, the highest rate at which accuracy is within 2 points of
    the dense network's; None for none.
    """
    found: dict[tuple[str, str], float | None] = {}
    wanted = float(tables.dense(seed).accuracy.iloc[0]) - NEAR
    for pruning, retraining in pairs(tables, seed):
        rows = tables.series(pruning, retraining, seed)
        near = rows[(rows.accuracy >= wanted) & (rows.rate > 0)]
        found[pruning, retraining] = float(near.rate.max()) if len(near) else None
    return found


def pairs(tables: VonradTables, seed: int) -> list[tuple[str, str]]:
    """Return (pruning, retraining) of every series that has begun, without curves."""
    rows = tables.levels[tables.levels.seed == seed]
    begun = set(zip(rows.pruning, rows.retraining, strict=True))
    return [
        (pruning, retraining) for pruning in PRUNINGS for retraining in RETRAININGS if (pruning, retraining) in begun
    ]


def headline(tables: VonradTables, seed: int, rate: float = CURVE_RATE) -> str:
    """Return the main finding, in one sentence made from the numbers."""
    rows = methods(tables, rate)
    rows, dense = rows[(rows.seed == seed) & (rows.pruning != "dense")], tables.dense(seed).iloc[0]
    findings = []
    for retraining, words in (
        ("none", "without retraining"),
        ("one-shot", "retrained"),
        ("iterative", "pruned and retrained in rounds"),
    ):
        of_it = rows[rows.retraining == retraining]
        if len(of_it):
            best = of_it.loc[of_it.accuracy.idxmax()]
            findings.append(f"{words} at most **{percent(best.accuracy)}** ({PRUNINGS[best.pruning].title})")
    start = f"The dense network classifies {percent(dense.accuracy)} of {dense.total:,} test images correctly"
    return f"{start}; pruned by {percent(rate, 0)}: {', '.join(findings)}." if findings else f"{start}."


def silent(tables: VonradTables, seed: int) -> str:
    """Return which retrained networks gave every class the same probability to the end, having
    learnt nothing; "" for none.
    """
    classes = len(tables.facts["runs"][str(seed)]["classes"])
    rows = tables.epochs[(tables.epochs.seed == seed) & (tables.epochs.pruning != "dense")]
    last = rows.sort_values("epoch").groupby(["pruning", "retraining", "level"], sort=False).tail(1)
    dead = last[(last.loss - math.log(classes)).abs() < SAME].sort_values("rate")
    names = [
        f"{PRUNINGS[pruning].title}, {how} at {', '.join(percent(rate, 0) for rate in part.rate)}"
        for (pruning, how), part in dead.groupby(["pruning", "retraining"], sort=False)
    ]
    if not names:
        return ""
    loss = f"a loss of ln {classes} = {math.log(classes):.3f} (all classes equal)"
    sentence = f"Never recovered, at {loss} until the last epoch: {'; '.join(names)}."
    if tables.model.startswith("squeezenet"):
        sentence += " In a SqueezeNet, a ReLU follows the classifier: if its output is all zeros, no gradient passes."
    return sentence


def missing(tables: VonradTables, seed: int) -> str:
    """Return which networks of a stopped run are missing, in a sentence; "" for none."""
    rows = tables.levels[tables.levels.seed == seed]
    rates, begun = sorted(set(rows.rate[rows.rate > 0])), [name for name in PRUNINGS if name in set(rows.pruning)]
    lacking = []
    for retraining in RETRAININGS:
        for pruning in begun:
            there = set(rows.rate[(rows.pruning == pruning) & (rows.retraining == retraining)])
            if gone := [percent(rate, 0) for rate in rates if rate not in there]:
                what = "all of them" if len(gone) == len(rates) else f"at {', '.join(gone)}"
                lacking.append(f"{PRUNINGS[pruning].title}, {retraining} ({what})")
    return f"The run was stopped; missing: {'; '.join(lacking)}." if lacking else ""


def share(row: Any) -> str:
    """Return accuracy with counts and interval: "92.1 % (2,490 of 2,704; 91.0 to 93.1)"."""
    return f"{percent(row.accuracy)} ({row.correct:,} of {row.total:,}; {percent(row.low)} to {percent(row.high)})"


def percent(number: float, places: int = 1) -> str:
    return f"{100 * number:.{places}f} %"


def millions(number: float) -> str:
    return "cannot be removed" if isna(number) else f"{number / 1e6:,.2f} M"


def published() -> str:
    """Return the published starting point, in a sentence."""
    return (
        f"Published: GoogLeNet on ImageNet, top-1 {percent(REFERENCE['top_1'], 2)}, top-5"
        f" {percent(REFERENCE['top_5'], 2)}, {REFERENCE['parameters']:,} parameters,"
        f" {REFERENCE['multiply_adds'] / 1e9:.2f} billion multiply-adds. {UNKNOWN}"
    )


def text(tables: VonradTables) -> str:
    """Return the whole study for a terminal."""
    return "\n".join(line for seed in tables.seeds() for line in _of_seed(tables, seed))


def _of_seed(tables: VonradTables, seed: int) -> Iterator[str]:
    dense, run = tables.dense(seed).iloc[0], tables.facts["runs"][str(seed)]
    yield (
        f"{tables.model}, seed {seed} (n = 1 network each), {dense.device}; trained on {run['train']:,} images, tested "
        f"on {run['test']:,}."
    )
    yield (
        f"Dense: {share(dense)}, {dense.parameters:,} parameters, {millions(dense.multiply_adds)} multiply-adds per "
        "image."
    )
    yield published()
    if sentence := missing(tables, seed):
        yield sentence
    yield from ("", "Accuracy without retraining (1) and with (3), on the test images")
    yield from _accuracies(tables, seed)
    yield from (
        "",
        (
            f"Epochs after one-shot pruning by {percent(CURVE_RATE, 0)} (2), accuracy on {run['validation']:,} "
            "validation images"
        ),
    )
    for pruning in PRUNINGS:
        curve = tables.curve(pruning, CURVE_RATE, seed)
        if len(curve):
            yield f"  {PRUNINGS[pruning].title}: {', '.join(percent(each) for each in curve.correct / curve.total)}"
    if sentence := silent(tables, seed):
        yield f"  {sentence}"
    yield from (
        "",
        f"Methods at a rate of {percent(CURVE_RATE, 0)} (4): all / not zero / after removal of emptied channels",
    )
    yield from _methods(tables, seed)
    yield from ("", "Published findings:", *(f"  {finding}" for finding in FINDINGS))
    yield from ("Not as published:", *(f"  {each}" for each in run["departures"]))
    yield from ("Our readings of unknowns:", *(f"  {each}" for each in run["readings"]), "")


def _accuracies(tables: VonradTables, seed: int) -> Iterator[str]:
    far = farthest(tables, seed)
    for pruning, retraining in pairs(tables, seed):
        yield f"  {PRUNINGS[pruning].title}, {retraining}: " + _far(far[pruning, retraining])
        for row in tables.series(pruning, retraining, seed).itertuples():
            if row.rate > 0:
                note = "; collapsed" if row.collapsed else ""
                yield f"    {percent(row.rate, 0)} requested, {percent(row.sparsity)} removed: {share(row)}{note}"


def _far(rate: float | None) -> str:
    points = f"{100 * NEAR:g} points"
    return (
        f"within {points} of the dense network at {percent(rate, 0)} at most"
        if rate
        else f"never within {points} of the dense network"
    )


def _methods(tables: VonradTables, seed: int) -> Iterator[str]:
    rows = methods(tables)
    for row in rows[rows.seed == seed].itertuples():
        name = "dense" if row.pruning == "dense" else f"{PRUNINGS[str(row.pruning)].title}, {row.retraining}"
        sizes = " / ".join(
            millions(number) for number in (row.parameters, row.parameters_left, row.physical_parameters)
        )
        costs = " / ".join(
            millions(number) for number in (row.multiply_adds, row.multiply_adds_left, row.physical_multiply_adds)
        )
        yield f"  {name}: {share(row)}; parameters {sizes}; multiply-adds {costs}"
