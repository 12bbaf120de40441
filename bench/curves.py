"""Curves in a real browser: the first figure, and the figure after a change of its axis."""

from __future__ import annotations

import time
from typing import Any

from bench.browser import browser_page, server, wait_for
from bench.measure import BENCHES, line, percentile
from core.engine.engine import Engine

ADDRESS = "curves?of=sweep.efficientnet-lite0&value=soft-iou"  # the largest included sweep
# Plotly's figure is drawn: there are points in it.
DRAWN = "() => document.querySelector('[data-testid=stMain] .js-plotly-plot .scatterlayer .point') && performance.now()"
# A figure is in sight: its still, which has the same points, or plotly's. A frame is over: the
# browser has painted it.
SEEN = """() => {
  const still = [...document.querySelectorAll('[data-testid=stMain] img.first-figure')]
    .some(each => each.checkVisibility() && each.complete && each.naturalWidth > 0);
  const drawn = document.querySelector('[data-testid=stMain] .js-plotly-plot .scatterlayer .point');
  const painted = () => new Promise(done => requestAnimationFrame(() => setTimeout(() => done(performance.now()))));
  return (still || drawn) && painted();
}"""
# It has this title of its horizontal axis, and nothing is of an earlier run.
TITLED = """title => [...document.querySelectorAll('.js-plotly-plot .xtitle')].some(each => each.textContent === title)
  && !document.querySelector('[data-stale="true"] .js-plotly-plot')"""
AXES = (("Density (log)", "density (logarithmic)"), ("Sparsity", "sparsity"))


@BENCHES.register(
    "curves",
    "Curves",
    "Address typed until a sweep's figure is in sight, and until it is interactive, in a new browser; change of axis.",
)
def curves(engine: Engine, n: int | None) -> dict[str, Any]:
    """The server is warm; each visit has an empty browser cache and a session of its own. The first
    one is not counted.

    ours_s: the first figure, as a still or by plotly. interactive_s, interactive_p95_s: plotly has
    drawn it. axis_s, axis_p95_s: a choice of another axis until its figure is drawn.
    """
    first, interactive, changed = [], [], []
    with server(engine.folder) as address, browser_page() as tab:
        for _ in range((n or 20) + 1):
            context = tab.context.browser.new_context(viewport={"width": 1280, "height": 900})
            page = context.new_page()
            page.goto(f"{address}/{ADDRESS}", wait_until="commit")
            first.append(wait_for(page, SEEN, None, "Curves showed no figure") / 1000)
            interactive.append(wait_for(page, DRAWN, None, "Plotly drew no figure") / 1000)
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
        "interactive_s": round(percentile(interactive[1:], 0.5), 3),
        "interactive_p95_s": round(percentile(interactive[1:], 0.95), 3),
        "axis_s": round(percentile(changed, 0.5), 3),
        "axis_p95_s": round(percentile(changed, 0.95), 3),
        "axis_n": len(changed),
    }
