"""Curves of a trained series in a real browser: drawn on a phone and a screen, nothing cut off, the
view kept in the address.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from core import DataSpec, Engine, ModelSpec
from core.protocols.series.images import Place, evaluate_series
from tests.browser.conftest import PATIENCE_MS, playwright_api, served
from tests.protocols import small_series
from tests.protocols.small_series import NAME

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app on a cache folder that holds one trained series and its table."""
    folder = tmp_path_factory.mktemp("series")
    data = small_series.photographs(folder / "data")
    small_series.train(folder / "cache", data)
    engine, model = Engine("cpu", folder / "cache"), ModelSpec(name=NAME, weights="merkle-layer", seed=0)
    shown = DataSpec(name=f"folder:{data}/val")
    list(evaluate_series(Place(model=model, data_name="val"), engine, engine.inputs(shown, model)))
    with served(folder / "cache", folder / "log.txt") as home:
        yield f"{home}/curves?of={NAME}"


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_is_cut_off_and_the_view_is_in_the_address(
    browser: playwright_api.Browser, address: str, width: int
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 844})
    page.set_default_timeout(3 * PATIENCE_MS)  # the first view starts torch
    page.goto(f"{address}&along=level&only=tench")
    page.wait_for_function("document.querySelectorAll('.js-plotly-plot .gtitle').length == 2")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    cut = """[...document.querySelectorAll('.js-plotly-plot')].flatMap(plot => {
      const frame = plot.getBoundingClientRect();
      return [...plot.querySelectorAll('.gtitle, .xtitle, .legendtext')].filter(text => {
        const box = text.getBoundingClientRect();
        return box.left < frame.left - 1 || box.right > frame.right + 1 || box.bottom > frame.bottom + 1;
      }).map(text => text.textContent);
    })"""
    assert page.evaluate(cut) == []
    assert "of the class tench only" in page.locator("[data-testid=stMain]").inner_text()
    assert "along=level" in page.url
    with page.expect_download() as download:
        page.get_by_role("button", name="levels.csv").click()
    lines = download.value.path().read_text().splitlines()
    assert lines[0].startswith("level,target,sparsity,ratio,conv_ratio,collapsed,quantity,value,low,high,n,run,seed")
    assert {line.split(",")[0] for line in lines[1:]} == {"0", "1", "2"}
    page.close()
