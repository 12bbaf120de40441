"""A report as plain parts: text, figures, pictures and tables, from which its HTML is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import plotly.graph_objects as go
from pandas import DataFrame

from core.base.text import Rows
from core.figures.notebook.view import Panel


@dataclass(frozen=True, kw_only=True)
class Heading:
    """The heading of a section; read literally."""

    text: str


@dataclass(frozen=True, kw_only=True)
class Text:
    """One or more paragraphs or a list, as Markdown: see core/report/words.py. small: a remark."""

    text: str
    small: bool = False


@dataclass(frozen=True, kw_only=True, eq=False)
class Drawn:
    """A figure, with the text that stands for it where it cannot be seen. below: Markdown."""

    figure: go.Figure
    alt: str
    below: str = ""


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """Pictures side by side; their words are read literally."""

    panels: tuple[Panel, ...]


@dataclass(frozen=True, kw_only=True, eq=False)
class Table:
    """A table. rows: what people read, literally, the head first. whole: the numbers behind it, not
    rounded, as a CSV to save; None if there are no others. name: of that file.
    """

    rows: Rows
    name: str
    whole: DataFrame | None = None

    @property
    def csv(self) -> str:
        """The content of the file."""
        head, *body = self.rows.rows
        whole = DataFrame(body, columns=list(head)) if self.whole is None else self.whole
        return whole.to_csv(index=False)


@dataclass(frozen=True, kw_only=True)
class Code:
    """Lines to run, read literally."""

    text: str


Block = Heading | Text | Drawn | Pictures | Table | Code


@dataclass(frozen=True, kw_only=True, eq=False)
class Report:
    """A report. title, lead: what was asked and the main finding; the title is read literally, the
    lead is Markdown. made_from: what the numbers were computed from, name by name, read literally.
    again: commands that make them and the report again.
    """

    title: str
    lead: str = ""
    blocks: tuple[Block, ...] = ()
    made_from: Mapping[str, str] = field(default_factory=dict)
    again: str = ""
