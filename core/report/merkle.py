"""The report of Less is More: accuracy and heatmaps of every retrained series."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from pandas import concat

from core.base.errors import MissingData
from core.base.numbers import score
from core.base.text import Rows
from core.engine.engine import Engine
from core.evaluation.evaluate import overflow_notes
from core.figures import series_text
from core.figures.plots.series import Drawn as Line
from core.figures.plots.series import Look, curve
from core.figures.wording import of_truth
from core.protocols.merkle.summary import RUN
from core.protocols.registry import PROTOCOLS
from core.protocols.series import images as series_images
from core.protocols.series import tables as series_tables
from core.protocols.series.images import Place
from core.protocols.series.tables import GROUPS, QUANTITIES, SeriesTables
from core.report.document import Block, Drawn, Heading, Report, Table, Text
from core.report.made_from import versions_text
from core.report.words import literal

Series = dict[Place, SeriesTables]


def report(engine: Engine) -> Report:
    """Return the report of all series of the protocol. Raises MissingData, BadFile."""
    found = {
        place: series_tables.load(engine.catalogue, place)
        for place in series_images.found(engine.roots)
        if place.model.weights.startswith(RUN)
    }
    if not found:
        raise MissingData(
            "There are no results of Less is More.",
            "A run writes them into the cache folder.",
            "Run `python -m core protocol run merkle --help`.",
        )
    entry = PROTOCOLS["merkle"]
    answers = {place: table.levels(table.quantities()) for place, table in found.items()}
    made = of_series(engine, found, answers, f"{entry.title} ({entry.source})")
    lead, again = f"{literal(entry.summary)}\n\n{made.lead}", "python -m core report merkle --out report.html"
    return replace(made, lead=lead, again=again)


def of_series(engine: Engine, found: Series, answers: series_text.Rows, title: str) -> Report:
    """Return the report of trained series.

    Args:
        answers: their levels, of all images or of some. title: says which.
    """
    return Report(
        title=title,
        lead=series_text.headline(answers, literal),
        blocks=(*_figures(answers), *_notes(found), *_table(answers), *_networks(engine, found)),
        made_from=_made_from(engine, found),
    )


def _figures(answers: series_text.Rows) -> Iterator[Block]:
    """Yield every quantity that these series have, group by group."""
    drawn = [Line(run=place.model.weights, seed=place.model.seed, rows=rows) for place, rows in answers.items()]
    there = {name for rows in answers.values() for name in rows.quantity}
    for group, title in GROUPS.items():
        names = [name for name, each in QUANTITIES.items() if each.group == group and name in there]
        if names:
            yield Heading(text=title)
        for name in names:
            kind = "mask" if group == "truth" else "ink"
            course = series_text.course(answers, name, literal)
            yield Drawn(
                figure=curve(drawn, name, Look()),
                alt=f"{QUANTITIES[name].title} of {len(drawn)} series by compression of the convolutions."
                f" {series_text.course(answers, name).replace('**', '')}",
                below=f"{course} {of_truth(QUANTITIES[name].summary, kind)}",
            )


def _notes(found: Series) -> Iterator[Block]:
    yield Text(
        text="Bands: 95 % intervals over images (Wilson for shares, bootstrap for means); they do not cover other"
        " seeds. Compression is counted from the tensors; hollow points are networks without a path of weights from"
        " input to output.",
        small=True,
    )
    for place, table in found.items():
        for level, count in table.unanswered().items():
            notes = " ".join(overflow_notes(count))
            yield Text(text=f"{series_text.run_title(place, literal)}, level {level}: {notes}", small=True)
    if lines := series_text.gains(found, literal):
        yield Text(text="Does the first halving improve accuracy over all images, as published (97.00 % → 97.29 %)?")
        yield Text(text="\n".join(lines))


def _table(answers: series_text.Rows) -> Iterator[Block]:
    whole = concat([rows.assign(run=place.model.weights, seed=place.model.seed) for place, rows in answers.items()])
    head = ("series", "level", "sparsity", "compression of the convolutions", "quantity", "value", "95 % interval", "n")
    body: Sequence[tuple[str, ...]] = [
        (
            series_text.run_title(place),
            str(row.level),
            f"{row.sparsity:.1%}",
            f"{row.conv_ratio:.3g}×",
            QUANTITIES[row.quantity].title,
            score(row.value, 3),
            f"{score(row.low, 3)} to {score(row.high, 3)}",
            f"{row.n:,}",
        )
        for place, rows in answers.items()
        for row in rows.itertuples()
    ]
    yield Heading(text="Every level")
    title = "Means with 95 % intervals over n images"
    yield Table(rows=Rows([head, *body], (1, 2, 3, 5, 7), title), name="levels", whole=whole)


def _networks(engine: Engine, found: Series) -> Iterator[Block]:
    head = ("network", "series", "level", "weights kept", "checksum of the weights")
    body = [
        (
            engine.catalogue.title(place.model),
            series_text.run_title(place),
            str(level),
            f"{facts['kept']:,} of {facts['prunable']:,}",
            str(facts.get("weights", "–")),
        )
        for place, table in found.items()
        for level, facts in sorted(table.facts.items())
    ]
    yield Table(rows=Rows([head, *body], (2, 3), "Networks"), name="networks")


def _made_from(engine: Engine, found: Series) -> dict[str, str]:
    facts = [each for table in found.values() for each in table.facts.values()]
    devices = dict.fromkeys(str(each.get("device", "not recorded")) for each in facts)
    return {
        "Networks": ", ".join(dict.fromkeys(engine.catalogue.title(place.model) for place in found)),
        "Series and seeds": "; ".join(series_text.run_title(place) for place in found),
        "Data set": ", ".join(dict.fromkeys(place.data_name for place in found)),
        "Images": f"n = {', '.join(dict.fromkeys(f'{table.count:,}' for table in found.values()))} for each network",
        "Computed on": ", ".join(devices),
        "Computed with": versions_text([each["versions"] for each in facts if "versions" in each]),
    }
