"""A report as one HTML file. Nothing in it is fetched: script, pictures and tables are inside.

Each figure stands there twice: as a still picture, which is seen on paper and where no script runs,
and as what plotly draws in its place. The policy in the head of the file forbids every request.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from core.base.progress import silent
from core.base.version import VERSION
from core.figures.notebook.view import marked
from core.figures.stills import WIDTH_PX, still
from core.report.document import Block, Drawn, Report, Table, Text
from core.report.words import html_of

TEMPLATES = Path(__file__).parent / "templates"
MOST_BYTES = 8_000_000  # of a report


def to_html(report: Report, progress: Any = silent) -> str:
    """Return the report as HTML. progress: called with figures drawn, and of how many."""
    drawn = sum(isinstance(block, Drawn) for block in report.blocks)
    blocks = list(_blocks(report, drawn, progress))
    return page(
        "report.html",
        report=report,
        blocks=blocks,
        plotly=Markup(get_plotlyjs()) if drawn else "",
        lead=html_of(report.lead),
    )


def page(template: str, **content: Any) -> str:
    """Fill a template of this room. All text is escaped, unless it is Markup."""
    return templates().get_template(template).render(version=VERSION, style=_file("style.css"), **content)


@cache
def templates() -> Environment:
    """The templates of this room."""
    found = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.globals["script"] = _file
    found.filters["marked"] = lambda text: Markup(marked(text))
    return found


def in_script(text: str) -> Markup:
    """Return JSON as the content of a script element, which nothing in it can close."""
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)


def data_link(content: bytes, kind: str) -> str:
    """Return content as an address that holds it."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def _blocks(report: Report, drawn: int, progress: Any) -> Iterator[dict[str, Any]]:
    done = 0
    for place, block in enumerate(report.blocks):
        yield {"kind": type(block).__name__, "of": block, "id": f"part-{place}"} | _more(block)
        if isinstance(block, Drawn):
            done += 1
            progress(done, drawn)


def _more(block: Block) -> dict[str, Any]:
    """Return what the template needs beside a part."""
    if isinstance(block, Drawn):
        picture = data_link(still(block.figure).encode(), "image/svg+xml")
        shown = in_script(str(block.figure.to_json()))
        height = block.figure.layout.height or 400
        return {"still": picture, "figure": shown, "width": WIDTH_PX, "height": height, "below": html_of(block.below)}
    if isinstance(block, Table):
        head, *body = block.rows.rows
        return {"head": head, "body": body, "link": data_link(block.csv.encode(), "text/csv;charset=utf-8")}
    return {"html": html_of(block.text)} if isinstance(block, Text) else {}


def _file(name: str) -> Markup:
    return Markup((TEMPLATES / name).read_text(encoding="utf-8"))
