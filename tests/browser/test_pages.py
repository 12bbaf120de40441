"""Home, Compare and Retrain in a real browser: one journey each."""

from __future__ import annotations

import pytest

from tests.browser.conftest import OpenTab, settled

pytestmark = pytest.mark.browser
MAIN = "[data-testid=stMain]"


def test_home_shows_an_example_and_leads_to_its_view(tab: OpenTab) -> None:
    page = tab("")
    page.wait_for_selector(f"{MAIN} img[alt^='Difference'][alt*='30.0000% sparsity']")
    assert page.locator("[data-testid=stException]").count() == 0
    page.get_by_role("slider", name="Sparsity").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_selector(f"{MAIN} img[alt^='Difference'][alt*='30.5000% sparsity']")
    page.locator(MAIN).get_by_role("link", name="Open this view in Explore").click()
    page.wait_for_url("**/explore*fine=30.5*")
    settled(page)
    assert "espresso" in page.locator(MAIN).inner_text()


def test_compare_draws_a_row_and_saves_it(tab: OpenTab) -> None:
    page = tab("compare?model=thesis-cnn&cam=grad-cam&layer=relu2&digit=7")
    page.get_by_role("button", name="SVG").wait_for()
    page.wait_for_function("!document.querySelector('[data-testid=stStatusWidget]')")
    with page.expect_download() as download:
        page.get_by_role("button", name="SVG").click()
    assert download.value.path().read_text().startswith("<svg")
    assert "pruned networks give the dense network's answer" in page.locator(MAIN).inner_text()


def test_retrain_says_what_is_missing_and_keeps_what_was_typed(tab: OpenTab) -> None:
    page = tab("retrain")
    page.get_by_role("button", name="What will it cost?").click()
    page.get_by_text("Photographs is empty.").wait_for()
    field = page.get_by_role("textbox", name="Photographs")
    field.fill("/nowhere/at/all")
    field.press("Enter")
    page.get_by_role("button", name="What will it cost?").click()
    page.get_by_text("is no folder and no zip file").wait_for()
    assert field.input_value() == "/nowhere/at/all"
