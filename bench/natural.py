"""The bench `page` for a widely used network and a photograph."""

from __future__ import annotations

import time
from typing import Any

from bench.browser import browser_page, server, wait_for_pictures
from bench.measure import BENCHES, line
from core.engine.engine import Engine

MODEL = "efficientnet-lite0"


@BENCHES.register(
    "slider-natural",
    "Slider on a photograph",
    "EfficientNet-lite0, 224 px: slider moved until all pictures and scores have changed, in a browser.",
)
def slider_natural(engine: Engine, n: int | None) -> dict[str, Any]:
    """One arrow key, half a point of sparsity; the clock stops when both heatmaps and all scores of
    the new sparsity are on screen.
    """
    took: list[float] = []
    with server(engine.folder) as address, browser_page() as tab:
        tab.goto(f"{address}/explore?model={MODEL}&fine=45")
        shown = wait_for_pictures(tab, "")
        slider = tab.get_by_role("slider").first
        for _ in range((n or 40) + 5):
            start = time.perf_counter()
            slider.press("ArrowLeft")
            shown = wait_for_pictures(tab, shown)
            took.append(time.perf_counter() - start)
    return line("slider-natural", engine.device, took[5:]) | {"model": MODEL}  # the first five warm up
