"""The command line: python -m core COMMAND. Each command has --help and --json."""

from __future__ import annotations

from collections.abc import Sequence

from cyclopts import App

from core.base.version import VERSION
from core.cli import ask, jobs, portable, report, serve, ship
from core.cli.app import new_app, run_command
from core.cli.decide import decide
from core.cli.protocol import protocols
from core.cli.study import studies
from core.cli.sweep import sweeps
from core.cli.units import units


def main(words: Sequence[str] | None = None) -> int:
    """Run one command; return the exit status, as `run_command`."""
    return run_command(build, words)


def build() -> App:
    """Create the application with all its commands."""
    app = new_app("python -m core", "Sparsight: does a pruned network still look at the same things?")
    app.version, app.version_flags = VERSION, ["--version"]
    smaller = (portable.shrink, portable.forget, portable.export)
    for command in (ask.info, ask.heatmap, ask.keep, ask.cost, *smaller, ask.evaluate, decide, jobs.retrain, jobs.jobs):
        app.command(command)
    app.command(protocols())
    app.command(sweeps())
    app.command(units())
    app.command(studies())
    app.command(report.report)
    app.command(report.demo)
    app.command(serve.serve)
    app.command(ship.ship)
    return app
