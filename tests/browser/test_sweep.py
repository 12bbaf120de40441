"""A sweep in a real browser: started by a key, seen at work, shown as chart, table and CSV."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from tests.browser.conftest import OpenTab, at_rest, settled

pytestmark = pytest.mark.browser
VIEW = "explore?model=thesis-cnn&cam=grad-cam&layer=relu2&schedule=iterative-reset&unit=level&level=4&sweep=20"


@pytest.mark.long
def test_from_the_view_to_its_rows(tab: OpenTab) -> None:
    page = settled(tab(f"{VIEW}&measure=pearson"))
    start = page.get_by_role("button", name="Start sweep")
    start.focus()
    page.keyboard.press("Enter")
    rows = page.get_by_role("button", name="All rows as CSV")
    rows.wait_for()
    at_rest(page)
    assert start.count() == 0
    assert "mean with 95 % interval by sparsity" in page.content()  # the chart's alternative text
    page.get_by_text("Table", exact=True).click()
    page.locator("[data-testid=stDataFrame]").wait_for()
    with page.expect_download() as download:
        rows.click()
    found = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_text())))
    assert len(found) == 26 * 2 * 20
    assert {row["heatmap"] for row in found} == {"grad-cam", "centre-blob"}
    assert "measure=pearson" in page.url
    assert "sweep=20" in page.url
