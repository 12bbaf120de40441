"""Curves in a real browser: the first figure, and the figure after a change of its axis."""

from __future__ import annotations

import time
from typing import Any

from bench.browser import browser_page, server, wait_for
from bench.measure import BENCHES, line, percentile
from core.engine.engine import Engine

ADDRESS = "curves?of=sweep.efficientnet-lite0&value=soft-iou"  # the largest included sweep
# A figure is drawn: plotly has put points into it.
DRAWN = "() => document.querySelector('[data-testid=stMain] .js-plotly-plot .scatterlayer .point') && performance.now()"
# It has this title of its horizontal axis, and nothing is of an earlier run.
TITLED = """title => [...document.querySelectorAll('.js-plotly-plot .xtitle')].some(each => each.textContent === title)
  && !document.querySelector('[data-stale="true"] .js-plotly-plot')"""
AXES = (("Density (log)", "density (logarithmic)"), ("Sparsity", "sparsity"))


@BENCHES.register(
    "curves",
    "Curves",
    "Address typed until the figure of a sweep is drawn in a new browser; and after a change of axis.",
)
def curves(engine: Engine, n: int | None) -> dict[str, Any]:
    """The server is warm; each visit has an empty browser cache and a session of its own. The first
    one is not counted.

    ours_s: the first figure. axis_s, axis_p95_s: a choice of another axis until its figure is
    drawn.
    """
    first, changed = [], []
    with server(engine.folder) as address, browser_page() as tab:
        for _ in range((n or 20) + 1):
            context = tab.context.browser.new_context(viewport={"width": 1280, "height": 900})
            page = context.new_page()
            page.goto(f"{address}/{ADDRESS}", wait_until="commit")
            first.append(wait_for(page, DRAWN, None, "Curves showed no figure") / 1000)
            page.wait_for_timeout(1000)
            for choice, title in AXES:
                page.get_by_label("Horizontal axis").click()
                began = time.perf_counter()
                page.get_by_role("option", name=choice, exact=True).click()
                wait_for(page, TITLED, title, "Curves did not change the axis")
                changed.append(time.perf_counter() - began)
            context.close()
    changed = changed[len(AXES) :]
    return line("curves", engine.device, first[1:]) | {
        "axis_s": round(percentile(changed, 0.5), 3),
        "axis_p95_s": round(percentile(changed, 0.95), 3),
        "axis_n": len(changed),
    }
