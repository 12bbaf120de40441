"""`python -m core report` and `demo`: findings as one HTML file that opens without Sparsight."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from core.base.atomic import replacing
from core.base.errors import BadSpec
from core.base.numbers import size
from core.base.options import option
from core.cli.app import COMPUTING, Computing
from core.cli.structure import FLAT

if TYPE_CHECKING:
    from core.engine.engine import Engine
    from core.report import Report

NOT_WRITTEN = "Stopped before the file was written; the same command begins again."
HTML = (".html", ".htm")


@dataclass(frozen=True, kw_only=True)
class ReportFile:
    """Where the report is written."""

    out: Path = option(Path("report.html"), "The HTML file to write; an older one is replaced.")


@dataclass(frozen=True, kw_only=True)
class DemoFile:
    """What a page without a server shows, and where it is written."""

    out: Path = option(Path("demo.html"), "The HTML file to write; an older one is replaced.")
    photographs: tuple[str, ...] = option(
        ("coffee", "cat", "rocket"),
        "Included photographs, pruned without retraining; none: only digits.",
    )
    digits: int = option(4, "How many embedded digits, one of each class from 3 on; at most 10.")


NONE = "none"
REPORT, DEMO = ReportFile(), DemoFile()


def report(
    what: Annotated[str, Parameter(help="A sweep's name or YAML file, a protocol, or a view's address in quotes.")],
    /,
    *,
    file: Annotated[ReportFile, FLAT] = REPORT,
    common: Annotated[Computing, FLAT] = COMPUTING,
) -> None:
    """Write a finding as one HTML file: figures, sentences, tables, and what they were made from.

    It opens without a connection and prints: a sweep (`sweep list`), a protocol (lukkien, merkle,
    googlenet), or a view of Explore.
    """
    _check_name(file.out)
    with common.output.progress("Reading what was computed", NOT_WRITTEN):
        from core.report import to_html

        made = _report(common.engine(), what)
        html = to_html(made, lambda done, total: common.output.advance("Figures", done, total))
    _write(file.out, html)
    facts = {"written": str(file.out), "title": made.title, "bytes": file.out.stat().st_size}
    common.output.say(facts, f"Written: {file.out}, {size(file.out.stat().st_size)}.")


def _report(engine: Engine, what: str) -> Report:
    from core.report import of_protocol, of_sweep, of_view
    from core.report.address import is_address, read_view
    from core.report.protocols import protocol_named
    from core.sweeps.known import find_sweep, with_own_photographs
    from core.sweeps.sweep import Sweep
    from core.sweeps.written import read_sweep

    if is_address(what):
        asked = read_view(what, engine)
        answer = engine.compare(asked.variant, asked.image, asked.cam, asked.reference)
        return of_view(engine, answer, asked.opacity, what)
    if protocol_named(what):
        return of_protocol(engine, what)
    return of_sweep(Sweep(engine, with_own_photographs(read_sweep(find_sweep(what, engine.roots)))))


def demo(*, file: Annotated[DemoFile, FLAT] = DEMO, common: Annotated[Computing, FLAT] = COMPUTING) -> None:
    """Write Explore without a server: one HTML file with a slider, for a phone or a talk."""
    _check_name(file.out)
    with common.output.progress("Images", NOT_WRITTEN):
        from core.report.demo import Shown, demo_html

        shown = Shown(photographs=() if file.photographs == (NONE,) else file.photographs, digits=file.digits)
        html = demo_html(
            common.engine(), shown, lambda done, total: common.output.advance("Networks and images", done, total)
        )
    _write(file.out, html)
    facts = {"written": str(file.out), "bytes": file.out.stat().st_size}
    common.output.say(facts, f"Written: {file.out}, {size(file.out.stat().st_size)}.")


def _check_name(out: Path) -> None:
    """Raise BadSpec for a file that a browser would not open, or whose folder is not there."""
    if out.suffix not in HTML:
        raise BadSpec(f"{out} is no HTML file.", "The name ends in .html.", "Rename it.")
    if not os.path.isdir(out.parent):
        raise BadSpec(f"The folder {out.parent} does not exist.", "", "Create it, or choose another one.")


def _write(out: Path, html: str) -> None:
    try:
        with replacing(out) as part:
            part.write_text(html, encoding="utf-8")
    except OSError as error:
        raise BadSpec(f"{out} cannot be written ({error.strerror or error}).", "", "Choose another folder.") from error
