"""Reports of papers: what Curves shows of each, from a run on this machine or the included one."""

from __future__ import annotations

from collections.abc import Callable

from core.base.errors import UnknownName
from core.engine.engine import Engine
from core.protocols.registry import PROTOCOLS
from core.report import googlenet, lukkien, merkle
from core.report.document import Report

REPORTS: dict[str, Callable[[Engine], Report]] = {
    "lukkien": lukkien.report,
    "merkle": merkle.report,
    "googlenet": googlenet.report,
}


def protocol_named(text: str) -> str | None:
    """Return the protocol that a name or another name of it stands for; None for anything else."""
    return next((name for name, entry in PROTOCOLS.items() if text in (name, entry.value.alias)), None)


def of_protocol(engine: Engine, name: str) -> Report:
    """Return the report of a protocol.

    Raises:
        UnknownName: there is no such protocol, or no report of it. MissingData: it has no results.
    """
    known = protocol_named(name)
    if known not in REPORTS:
        raise UnknownName("protocol", name, list(REPORTS))
    return REPORTS[known](engine)
