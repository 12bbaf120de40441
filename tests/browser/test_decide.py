"""Decide in a real browser: from a fresh machine to a recommendation, its limits, its table and the
network itself; and on a phone.
"""

from __future__ import annotations

import csv

import pytest

from tests.browser.conftest import OpenTab, at_rest, settled, sparsity_shown

pytestmark = pytest.mark.browser
MAIN = "[data-testid=stMain]"
FIGURE = ".st-key-figure-candidates .js-plotly-plot"


def test_digits_are_decided_and_a_limit_moves_the_recommendation(tab: OpenTab) -> None:
    page = tab("decide?images=100&loss=20")
    page.get_by_role("button", name="Measure 4 candidates on 100 images").click()
    page.wait_for_selector(FIGURE)
    at_rest(page)
    main = page.locator(MAIN)
    assert "Ship Level 10: its compressed file size is" in main.get_by_role("heading", level=2).first.inner_text()
    with page.expect_download() as download:
        page.get_by_role("button", name="Table (CSV)").click()
    rows = list(csv.DictReader(download.value.path().read_text().splitlines()))
    assert [row["network"] for row in rows if row["recommended"] == "True"] == ["Level 10"]
    assert len(rows) == 5
    slider = page.get_by_role("slider", name="Accuracy loss")
    slider.focus()
    page.keyboard.press("Home")
    page.wait_for_url("**loss=0**")
    page.get_by_text("No candidate is surely within the limits").first.wait_for()
    assert page.get_by_role("button", name="Measure").count() == 0  # nothing is computed again
    assert page.locator("[data-testid=stException]").count() == 0


@pytest.mark.long
def test_the_recommended_network_is_opened_in_explore(tab: OpenTab) -> None:
    page = tab("decide?images=50&loss=20")
    page.get_by_role("button", name="Measure").click()
    page.get_by_role("link", name="Download the network in Explore").click()
    page.wait_for_url("**/explore*level=10*")
    settled(page)
    assert sparsity_shown(page) == "89.5439% sparsity"


@pytest.mark.long
def test_it_is_stopped_and_goes_on(tab: OpenTab) -> None:
    page = tab("decide?images=5000&candidates=level.1&candidates=level.2")
    page.get_by_role("button", name="Measure").click()
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("button", name="Measure 2 candidates on 5,000 images").wait_for()
    at_rest(page)
    assert page.locator(FIGURE).count() == 0


@pytest.mark.long
def test_nothing_is_cut_off_on_a_phone(tab: OpenTab) -> None:
    page = tab("decide?images=50&loss=20&candidates=level.4", width=390, height=844)
    page.get_by_role("button", name="Measure").click()
    page.wait_for_selector(FIGURE)
    at_rest(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    box = page.locator(FIGURE).bounding_box()
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
