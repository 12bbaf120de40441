"""The report of a decision: which of several networks to ship, and what that rests on."""

from __future__ import annotations

from collections.abc import Iterator

from core.base.numbers import counted
from core.base.text import Rows
from core.figures.candidates import (
    COST_TITLES,
    decision_cells,
    decision_frame,
    export_command,
    findings,
    headline,
    method,
    remarks,
    renamed,
)
from core.figures.plots.candidates import pareto
from core.figures.sweep_text import data_title
from core.report.document import Block, Code, Drawn, Heading, Report, Table, Text
from core.report.made_from import tables_checksum
from core.report.words import LONGEST, literal
from core.saliency import CAMS
from core.sweeps.candidates import Candidates
from core.sweeps.decision import Limits, Recommendation, decide


def of_decision(measured: Candidates, limits: Limits, cost: str) -> Report:
    """Return the report of a decision.

    Args:
        cost: what should be least, a key of COSTS.
    """
    found, asked = decide(measured, limits, cost), measured.asked
    said = renamed(measured, literal)
    spoken = decide(said, limits, cost)
    taken = measured.reference.cost.time
    return Report(
        title="Which candidate to ship",
        lead=headline(spoken),
        blocks=(*_sure(spoken), *_shown(measured, found), *_rests_on(said, spoken), *_export(found)),
        made_from={
            "Images": f"{data_title(asked.data)}, {counted(found.n, 'image')}",
            "Reference": measured.reference.name,
            "Heatmap": CAMS[asked.cam.method].title,
            "Device": taken.device,
            "Checksum of the table": tables_checksum(decision_frame(measured, found)),
        },
    )


def _sure(spoken: Recommendation) -> Iterator[Block]:
    yield Text(text="\n".join(f"- {text}" for text in findings(spoken) if text))


def _shown(measured: Candidates, found: Recommendation) -> Iterator[Block]:
    good = "Accuracy" if found.labelled else "Unchanged answers"
    yield Drawn(figure=pareto(found), alt=f"{good} and {COST_TITLES[found.cost]} by network.")
    cells = decision_cells(found)
    rows = [list(cells), *map(list, zip(*cells.values(), strict=True))]
    table = Rows(rows, tuple(range(2, len(cells))))
    yield Table(rows=table, name="decision.csv", whole=decision_frame(measured, found))


def _rests_on(said: Candidates, spoken: Recommendation) -> Iterator[Block]:
    yield Heading(text="How sure is this?")
    notes = (literal(note, LONGEST) for note in remarks(said))
    yield Text(text="\n".join(f"- {text}" for text in (*method(said, spoken), *notes)))


def _export(found: Recommendation) -> Iterator[Block]:
    best = found.best
    command = "" if best is None else export_command(best.network.variant, best.network.cost.is_smaller)
    if command:
        yield Heading(text="The recommended network as files that run without Sparsight")
        yield Code(text=command)
