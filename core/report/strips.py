"""The report of rows of pictures: what Compare shows."""

from __future__ import annotations

import io
from collections.abc import Sequence

import pandas

from core.base.text import Rows
from core.engine.engine import Engine
from core.figures import sheets, strips
from core.figures.facts import versions
from core.figures.notebook.results import tile_panel
from core.report.document import Block, Code, Heading, Pictures, Report, Table, Text
from core.report.made_from import versions_text
from core.report.views import image_title


def of_strips(
    engine: Engine, done: Sequence[strips.Strip], drawn: Sequence[sheets.Row], words: tuple[str, str, str], code: str
) -> Report:
    """Return the report of rows of pictures.

    Args:
        drawn: the same rows as tiles. words: the title, the finding, and what the pictures show, in
            Markdown but for the title. code: of a notebook cell that asks the same.
    """
    title, lead, caption = words
    blocks: list[Block] = []
    for row in drawn:
        panels = tuple(tile_panel(tile) for tile in row.tiles)
        blocks += [Heading(text=row.title), Pictures(panels=panels)]
    answers = [answer for strip in done for answer in strip.answers]
    variants = dict.fromkeys(answer.reference.variant for answer in answers)
    images = dict.fromkeys(image_title(answer) for answer in answers)
    return Report(
        title=title,
        lead=lead,
        blocks=(
            *blocks,
            Text(text=caption, small=True),
            Heading(text="Numbers"),
            _table(done),
            Heading(text="The same in a notebook"),
            Code(text=code),
        ),
        made_from={
            "Images": f"{'; '.join(images)} (n = 1 each)",
            "Networks": "; ".join(dict.fromkeys(answer.pruned.variant.model.key for answer in answers)),
            "Checksums of the references": "; ".join(engine.store.checksum(variant) for variant in variants),
            "Computed on": engine.device_name,
            "Computed with": versions_text([versions()]),
        },
    )


def _table(done: Sequence[strips.Strip]) -> Block:
    whole = pandas.read_csv(io.StringIO(strips.table(list(done))), keep_default_na=False)
    body = [[f"{cell:.4g}" if isinstance(cell, float) else str(cell) for cell in row] for row in whole.values.tolist()]
    return Table(rows=Rows([list(map(str, whole)), *body], (), "One row a picture"), name="compare", whole=whole)
