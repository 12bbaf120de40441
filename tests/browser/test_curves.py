"""Curves in a real browser: a deep link, both widths, and the way to Explore."""

from __future__ import annotations

import pytest

from tests.browser.conftest import OpenTab

pytestmark = pytest.mark.browser


def test_a_deep_link_draws_and_leads_to_explore(tab: OpenTab) -> None:
    page = tab("curves?axis=density&trained=55000")
    page.wait_for_selector(".js-plotly-plot")
    page.wait_for_selector("img[alt*='at level 25']")
    assert "5,000 test images" in page.locator("[data-testid=stMain]").inner_text()
    assert page.locator("[data-testid=stException]").count() == 0
    page.get_by_text("Open level 10 in Explore").click()
    page.wait_for_url("**/explore?**level=10**")
    page.wait_for_selector("img[alt^='Difference']")
    assert "level 10" in page.locator("[data-testid=stSidebar]").inner_text()


def test_nothing_is_cut_off_on_a_phone(tab: OpenTab) -> None:
    page = tab("curves")
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_selector(".js-plotly-plot")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
