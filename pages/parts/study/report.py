"""The report of a study's answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from core.base.numbers import counted, percent
from core.base.text import Rows
from core.figures.plots import people as plots
from core.study import wording
from core.study.analysis import Analysis, TaskResult
from core.study.folder import Study, facts_of
from core.study.spec import KINDS
from core.study.summary import share_rows
from core.study.written import to_yaml

if TYPE_CHECKING:
    from core.report import Report
    from core.report.document import Block


def maker(study: Study, found: Analysis) -> Callable[[], Report]:
    """Returns what makes the report of an analysis."""

    def make() -> Report:
        from core.report.document import Report
        from core.report.words import literal

        spec, facts = study.spec, facts_of(study)
        said = wording.headline(found, literal)
        return Report(
            title=spec.title,
            lead=said,
            blocks=tuple(block for task in found.tasks for block in _task(task, said)),
            made_from={
                "Answers": f"n = {found.n:,}; {counted(spec.answers, 'answer')} to each item are asked for",
                "Images": f"{spec.images} of each class, all classified correctly by every network"
                f" ({facts.get('looked_at', 0):,} looked at)",
                "Seed": str(spec.seed),
                "Texts": str(spec.texts.stamp),
                "Left out": f"people with fewer than {percent(spec.rules.catch_share)} of the catch trials correct, or"
                f" a median time below {spec.rules.fastest_ms:,} ms; declared before the first answer",
                "Intervals": "95 %, participants resampled where that is defined, else Wilson's",
            },
            again=f"python -m core study show {study.name}\n\n# The study:\n{to_yaml(spec)}",
        )

    return make


def _task(task: TaskResult, said: str) -> list[Block]:
    from core.report.document import Drawn, Heading, Table, Text
    from core.report.words import literal

    rows = share_rows(task)
    shares = ", ".join(f"{row.label} {percent(row.share)}" for row in rows.itertuples() if row.share == row.share)
    sentences = [sentence for sentence in wording.task_sentences(task, literal) if sentence != said]
    body = [
        (str(row.label), _share(row.share), f"{_share(row.low)} to {_share(row.high)}", f"{row.n:,}", str(row.note))
        for row in rows.itertuples()
    ]
    head = ("comparison", "share", "95 % interval", "n", "answers")
    return [
        Heading(text=KINDS[task.kind]),
        Drawn(
            figure=plots.shares(rows, right=task.naming is not None),
            alt=f"{KINDS[task.kind]} Shares with 95 % intervals, {counted(task.n, 'answer')}: {shares}.",
        ),
        Text(text="\n".join(f"- {sentence}" for sentence in sentences)),
        Table(rows=Rows([head, *body], (1, 3), f"Shares (n = {task.n:,} answers)"), name=task.kind, whole=rows),
    ]


def _share(value: float | None) -> str:
    return "–" if value is None or value != value else percent(value)
