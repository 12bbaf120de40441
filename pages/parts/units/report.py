"""The report of the scores of a layer's units."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from core.base.numbers import percent
from core.base.text import Rows
from core.figures.plots import units as plots
from core.figures.wording import plain
from core.models.cards import RANDOM
from pages.parts.common import engine, unit_data
from pages.parts.units import view
from pages.parts.units.view import View

if TYPE_CHECKING:
    from core.report import Report


def maker(asked: View) -> Callable[[], Report]:
    """Returns what makes the report: tables and sentences are read now, figures are drawn then."""
    rows, units = unit_data.networks(asked.opened, asked.layer), unit_data.of_layer(asked.opened, asked.layer)
    dense, pruned = (units[units.network == variant.key] for variant in (asked.dense, asked.variant))
    same = rows[(rows.weights == asked.variant.model.weights) | (rows.weights == RANDOM)]
    lead, meaning, origin = view.headline(rows, asked), view.meaning(rows, asked), view.origin(rows, asked)
    relation, baselines = view.relation(asked), view.baselines(rows, asked)
    sparsity, title = float(pruned.sparsity.iloc[0]), engine.catalogue().title(asked.variant.model)
    checksum = engine.engine().store.checksum(asked.variant)

    def make() -> Report:
        from core.report.document import Drawn, Heading, Report, Table, Text
        from core.report.made_from import tables_checksum

        figures = (
            (
                plots.distribution(dense, pruned, asked.similarity, baselines),
                f"Scores of the units of {asked.layer}, dense and pruned, with baselines. {plain(lead)}",
            ),
            (
                plots.unit_map(pruned, asked.similarity),
                f"Units of {asked.layer} by interpretability and relevance",
            ),
            (
                plots.against_sparsity(same, asked.similarity, sparsity),
                f"Score of the units of {asked.layer} and right answers by sparsity",
            ),
        )
        body = [
            [f"{cell:.4g}" if isinstance(cell, float) else str(cell) for cell in row] for row in units.values.tolist()
        ]
        table = Rows([[*map(str, units)], *body], (), f"Every unit of {asked.layer} in each network")
        return Report(
            title=f"Units of {title}, layer {asked.layer}, at {percent(sparsity)} sparsity",
            lead=lead,
            blocks=(
                Text(text=meaning),
                *(Drawn(figure=figure, alt=alt) for figure, alt in figures),
                Text(text=relation),
                Text(text=origin, small=True),
                Heading(text="Numbers"),
                Table(rows=table, name="units", whole=units),
            ),
            made_from={
                "Networks": f"{asked.variant.key}, beside {asked.dense.key}",
                "Checksum of the network": checksum,
                "Judge of similarity": asked.similarity,
                "Checksum of the tables": tables_checksum(rows, units),
            },
            again=f"python -m core units run {asked.study}\npython -m core units show {asked.study}",
        )

    return make
