"""The report of the GoogLeNet study: accuracy, what pruning saves, and whether units stay
interpretable.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from core.base.errors import MissingData
from core.base.text import Rows
from core.engine.engine import Engine
from core.figures import googlenet_text
from core.figures.plots import googlenet as plots
from core.figures.wording import plain
from core.protocols.googlenet import interpretability, tables
from core.protocols.googlenet.protocol import CURVE_RATE
from core.protocols.googlenet.published import FINDINGS
from core.protocols.googlenet.summary import headline, methods, percent, published
from core.protocols.googlenet.tables import VonradTables
from core.protocols.registry import PROTOCOLS
from core.report.document import Block, Drawn, Heading, Report, Table, Text
from core.report.made_from import tables_checksum
from core.report.words import LONGEST, literal

COST = "parameters"


def report(engine: Engine, model: str = "") -> Report:
    """Return the report of the study of one network. model: by default the first one that is found.

    Raises:
        MissingData: there are no results. BadFile.
    """
    found = tables.found(engine.roots)
    if not found:
        raise MissingData(
            "There are no results of the GoogLeNet study.",
            "A run writes them into the cache folder.",
            "Run `python -m core protocol run googlenet --help`.",
        )
    return of_tables(engine, tables.load(engine.roots, model or found[0]))


def of_tables(engine: Engine, study: VonradTables) -> Report:
    """Return the report of these tables."""
    entry, seed = PROTOCOLS["googlenet"], study.seeds()[0]
    title = googlenet_text.network_title(study.model, engine.catalogue)
    return Report(
        title=f"{entry.title} ({entry.source}): {title}",
        lead=f"{entry.summary}\n\n{headline(study, seed)}",
        blocks=(
            *_accuracies(study, title),
            *_savings(study),
            *_units(study),
            *_paper(study, title),
        ),
        made_from=_made_from(study, title),
        again="python -m core protocol run googlenet --help\npython -m core report googlenet --out report.html",
    )


def _accuracies(study: VonradTables, title: str) -> Iterator[Block]:
    said = plain(headline(study, study.seeds()[0]))
    yield Heading(text="Accuracy")
    yield Drawn(
        figure=plots.without_retraining(study),
        alt="Accuracy by pruning rate before any retraining, one line for each pruning method.",
    )
    yield Drawn(
        figure=plots.iterative_and_one_shot(study),
        alt=f"Accuracy by pruning rate, retrained iteratively and one-shot. {said}",
    )
    yield Drawn(
        figure=plots.curve(study), alt=f"Accuracy over epochs after one-shot pruning by {percent(CURVE_RATE, 0)}."
    )
    yield Text(text=googlenet_text.origin(study, study.seeds()[0], literal(title)), small=True)
    for seeds, departures in googlenet_text.departures(study).items():
        yield Text(text=f"**Not as published{seeds}:** {literal(departures, LONGEST)}")


def _savings(study: VonradTables) -> Iterator[Block]:
    yield Heading(text="What does it save?")
    yield Drawn(figure=plots.methods(study, COST), alt=f"Accuracy against {plots.COSTS[COST][1]}, one point a network.")
    rows = methods(study)
    about = f"Pruned by {percent(CURVE_RATE, 0)}, as requested; removed is counted over all prunable weights"
    yield Table(rows=_rows([googlenet_text.cells(each) for each in rows.to_dict("records")], about), name="methods")
    yield Text(text=f"{googlenet_text.INTERVALS} {published()}", small=True)
    columns = ["seed", "pruning", "retraining", "rate", "sparsity", "correct", "total", "accuracy", "low", "high"]
    shown = study.levels[columns]
    body = [
        {name: f"{value:.4f}" if isinstance(value, float) else value for name, value in each.items()}
        for each in shown.to_dict("records")
    ]
    yield Table(rows=_rows(body, "Every network of the study"), name="levels", whole=study.levels)


def _units(study: VonradTables) -> Iterator[Block]:
    """Yield the interpretability of units by each judge, if they are scored."""
    if study.units is None:
        return
    yield Heading(text="Does interpretability survive?")
    for judge in interpretability.judges(study):
        yield Drawn(
            figure=plots.interpretability(study, judge),
            alt="Mean confidence of the units' tasks by pruning rate, one line for each pruning and retraining.",
        )
        found = interpretability.related(study, judge)
        yield Text(text=f"**{interpretability.QUESTION}** {interpretability.answer(found, judge)}")
        yield Text(text=interpretability.near_chance(study, judge))
        rows = _rows([googlenet_text.relation(each) for each in found], f"Correlations with the score, judge {judge}")
        yield Table(rows=rows, name=f"relations-{judge}")
    yield Text(text=interpretability.origin(study), small=True)


def _paper(study: VonradTables, title: str) -> Iterator[Block]:
    seed = study.seeds()[0]
    yield Heading(text="What the paper finds")
    yield Text(text="\n".join(f"- {finding}" for finding in FINDINGS))
    yield Text(text=googlenet_text.ours(study, seed, literal(title)), small=True)
    yield Heading(text="What the paper leaves open, and how we read it")
    yield Text(text="\n".join(f"- {literal(each, LONGEST)}" for each in study.facts["runs"][str(seed)]["readings"]))


def _rows(of: list[dict[str, Any]], title: str) -> Rows:
    """Return rows by their columns as a table."""
    head = list(of[0]) if of else []
    return Rows([head, *([str(value) for value in each.values()] for each in of)], (), title)


def _made_from(study: VonradTables, title: str) -> dict[str, str]:
    run = study.facts["runs"][str(study.seeds()[0])]
    devices = dict.fromkeys(map(str, study.levels.device))
    return {
        "Network": title,
        "Seeds": ", ".join(map(str, study.seeds())),
        "Images": f"{run['train']:,} training, {run['validation']:,} validation and n = {run['test']:,} test images",
        "Computed on": ", ".join(devices),
        "Networks": f"{len(study.levels):,}, listed above",
        "Checksum of the tables": tables_checksum(study.levels, study.epochs),
    }
