"""A result as text and pictures, rendered as HTML for notebooks or text for terminals.

All text is Markdown with `**bold**` only. It is escaped here, in one place, so a class name or a
title from a file can never become markup.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING

from core.base.text import Rows

if TYPE_CHECKING:
    from core.figures.scores import Score  # imports torch through the measures

LONGEST_NAME = 80  # characters of a name from a file
BOLD = re.compile(r"\*\*(.+?)\*\*")
WORD_JOINER = "\u2060"  # invisible; keeps two asterisks of a name from being markup
FAINT = "opacity:0.75;font-size:0.85em"


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One picture: its title, its data URL, its alternative text, and lines of words below it.

    bar: data URL and alternative text of the colour bar below the lines; under: the meaning of the
    bar. width_px: the preferred width of the picture.
    """

    title: str
    url: str
    alt: str
    lines: tuple[str, ...] = ()
    bar: tuple[str, str] | None = None
    under: str = ""
    width_px: int = 240


@dataclass(frozen=True, kw_only=True)
class View:
    """The view of a result: a sentence, rows of pictures, scores, tables, notes.

    titles: of the rows of pictures, if any.
    """

    headline: str = ""
    panels: tuple[tuple[Panel, ...], ...] = ()
    titles: tuple[str, ...] = ()
    scores: tuple[Score, ...] = ()
    tables: tuple[Rows, ...] = ()
    notes: tuple[str, ...] = ()


def name_text(name: object) -> str:
    """Return a name from a file on one line, without control characters and markup, truncated if
    long.
    """
    text = " ".join("".join(sign if sign.isprintable() else " " for sign in str(name)).split())
    text = text if len(text) <= LONGEST_NAME else f"{text[: LONGEST_NAME - 1].rstrip()}…"
    return text.replace("*", f"*{WORD_JOINER}")


def to_html(view: View) -> str:
    """Render the view as HTML with inline styles: no script, no style sheet, nothing to fetch."""
    rows = [_flex("".join(map(_figure, row))) for row in view.panels]
    titles = [f'<p style="margin:0.4em 0">{marked(title)}</p>' for title in view.titles]
    parts = [
        f'<p style="font-size:1.25em;margin:0 0 0.6em">{marked(view.headline)}</p>' if view.headline else "",
        *("".join(pair) for pair in zip_longest(titles, rows, fillvalue="")),
        *(f'<p style="margin:0.4em 0;{FAINT}">{marked(note)}</p>' for note in view.notes),
        *([_flex("".join(map(_score, view.scores)))] if view.scores else []),
        *map(_table, view.tables),
    ]
    return f'<div style="max-width:1060px;font-family:system-ui,sans-serif;line-height:1.4">{"".join(parts)}</div>'


def to_text(view: View) -> str:
    """Render the view as plain text, without its pictures."""
    scores = [("", *score.line) for score in view.scores]
    parts = [
        *map(_unmarked, filter(None, (view.headline, *view.titles))),
        *(_unmarked(note) for note in view.notes),
        *([_aligned(scores)] if scores else []),
        *("\n".join(filter(None, (table.title, _aligned(table.rows)))) for table in view.tables),
    ]
    return "\n".join(parts)


def marked(text: str) -> str:
    """Return a text with `**bold**` as HTML, all else escaped."""
    return BOLD.sub(r"<strong>\1</strong>", html.escape(text))


def _unmarked(text: str) -> str:
    return text.replace("**", "").replace(WORD_JOINER, "")


def _width(most_px: int) -> str:
    """Return the style of a flexible width; four stay side by side down to half their width."""
    return f"flex:1 1 {most_px // 2}px;max-width:{most_px}px"


def _flex(inside: str) -> str:
    return f'<div style="display:flex;flex-wrap:wrap;gap:12px;margin:0 0 0.8em">{inside}</div>'


def _picture(url: str, alt: str, style: str) -> str:
    return f'<img src="{html.escape(url)}" alt="{html.escape(alt)}" style="display:block;width:100%;margin:0;{style}">'


def _figure(panel: Panel) -> str:
    below = [f"<div>{marked(line)}</div>" for line in panel.lines]
    if panel.bar:
        below.append(_picture(*panel.bar, "height:8px;margin:4px 0"))
    below.append(f'<div style="{FAINT}">{marked(panel.under)}</div>' if panel.under else "")
    return (
        f'<figure style="margin:0;{_width(panel.width_px)}">'
        f"<div><strong>{marked(panel.title)}</strong></div>{_picture(panel.url, panel.alt, 'margin:2px 0')}"
        f"<figcaption>{''.join(below)}</figcaption></figure>"
    )


def _score(score: Score) -> str:
    return (
        f'<div style="{_width(Panel.width_px)}"><div>{marked(score.title)}</div>'
        f'<div style="font-size:1.7em">{marked(score.value)}</div>'
        f'<div style="{FAINT}">{marked(score.change)} {marked(score.origin)}</div>'
        f'<div style="{FAINT}">{marked(score.summary)}</div></div>'
    )


def _table(table: Rows) -> str:
    head, *body = table.rows
    title = f'<caption style="text-align:left">{marked(table.title)}</caption>' if table.title else ""
    rows = "".join(f"<tr>{_cells(row, table, 'td')}</tr>" for row in body)
    return f"<table>{title}<thead><tr>{_cells(head, table, 'th')}</tr></thead><tbody>{rows}</tbody></table>"


def _cells(row: Sequence[str], table: Rows, tag: str) -> str:
    sides = ("right" if column in table.right else "left" for column in range(len(row)))
    return "".join(
        f'<{tag} style="text-align:{side};padding:2px 8px">{marked(cell)}</{tag}>'
        for cell, side in zip(row, sides, strict=True)
    )


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    columns = zip_longest(*rows, fillvalue="")
    widths = [max(len(_unmarked(cell)) for cell in column) for column in columns]
    return "\n".join(
        "  ".join(_unmarked(cell).ljust(width) for cell, width in zip(row, widths, strict=False)).rstrip()
        for row in rows
    )
