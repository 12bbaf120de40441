"""Make views of the protocols' tables: counts and means at each level."""

from __future__ import annotations

from pandas import isna

from core.base.numbers import UNDEFINED, percent, score
from core.base.text import Rows
from core.figures.notebook.view import View, name_text
from core.protocols.googlenet import summary
from core.protocols.googlenet.tables import VonradTables
from core.protocols.lukkien.tables import StudyTables
from core.protocols.series.tables import SeriesTables

NUMBERS = (0, 1, 2, 3, 4, 5)


def study(tables: StudyTables) -> View:
    """Return means over the seeds at each level of the thesis' series."""
    facts = tables.facts
    body = [
        (
            f"{row.level}",
            f"{row.weights_left:,}",
            percent(1 - row.density),
            _between(row.accuracy_noisy, row.accuracy_noisy_low, row.accuracy_noisy_high),
            _between(row.overlap, row.overlap_low, row.overlap_high),
            f"{row.empty_maps:,.0f} of {row.maps:,.0f}",
        )
        for row in tables.mean_series().itertuples()
    ]
    head = ("level", "weights left", "sparsity", "accuracy", "soft IoU", "empty maps")
    seeds = ", ".join(map(str, facts["seeds"]))
    return View(
        headline=f"**{name_text(facts['weights'])}** on {name_text(facts['data'])}: mean of seeds {seeds}"
        f" (n = {facts['test_images']:,} images each)",
        tables=(Rows([head, *body], NUMBERS),),
        notes=(tables.about_intervals,),
    )


def series(tables: SeriesTables) -> View:
    """Return the accuracy at each level of one retrained series."""
    body = [
        (
            f"{row.level}",
            percent(row.sparsity),
            f"{row.conv_ratio:.3g}×",
            f"{row.ratio:.3g}×",
            _between(row.value, row.low, row.high),
            f"{row.n:,}",
        )
        for row in tables.levels(["accuracy"]).itertuples()
    ]
    head = ("level", "sparsity", "compression of the convolutions", "compression ratio", "accuracy (top 1)", "n")
    return View(
        headline=f"**{name_text(tables.title)}** on {name_text(tables.place.data_name)}",
        tables=(Rows([head, *body], NUMBERS),),
    )


def googlenet(tables: VonradTables) -> View:
    """Return the main findings, and the accuracy at the rate of the study's curves."""
    rows = summary.methods(tables)
    body = [
        (str(row.seed), str(row.pruning), str(row.retraining), percent(row.sparsity), summary.share(row))
        for row in rows.itertuples()
    ]
    head = ("seed", "pruning", "retraining", "sparsity", "accuracy")
    return View(
        headline=" ".join(summary.headline(tables, seed) for seed in tables.seeds()),
        tables=(Rows([head, *body], (0, 3)),),
    )


def _between(value: float, low: float, high: float) -> str:
    if isna(value):
        return UNDEFINED
    bounds = "" if isna(low) else f" [{score(low, 3)}, {score(high, 3)}]"
    return f"{score(value, 3)}{bounds}"
