"""Bench of reports: the largest included sweep as one HTML file."""

from __future__ import annotations

from typing import Any

from bench.measure import BENCHES, line
from core.base.timing import seconds
from core.engine.engine import Engine
from core.report import of_sweep, to_html
from core.report.document import Drawn
from core.sweeps.known import known_sweeps
from core.sweeps.sweep import Sweep

AIM_S, AIM_BYTES = 10.0, 8_000_000


@BENCHES.register("report", "Report", "The report of the largest included sweep: reading, figures, HTML.")
def report(engine: Engine, n: int | None) -> dict[str, Any]:
    """Nothing comparable exists. n times (default 3), after a warm-up. Largest: networks times
    measures and heatmaps. `figures`: each drawn twice, for the screen and as a still picture;
    `same`: every run gave the same bytes.
    """
    included = {name: one.read() for name, one in known_sweeps(engine.roots).items() if not one.is_own}
    name = max(included, key=lambda each: included[each].networks * len(included[each].measures))
    files: list[str] = []
    parts: list[float] = []

    def make() -> None:
        made = of_sweep(Sweep(engine, included[name]))
        parts.append(sum(isinstance(block, Drawn) for block in made.blocks))
        files.append(to_html(made))

    make()
    ours = [seconds(make, engine.device) for _ in range(n or 3)]
    size = len(files[0].encode())
    return line(
        "report",
        engine.device,
        ours,
        sweep=name,
        networks=included[name].networks,
        figures=int(parts[0]),
        bytes=size,
        same=len(set(files)) == 1,
        aim_s=AIM_S,
        aim_bytes=AIM_BYTES,
    )
