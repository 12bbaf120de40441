"""Curves in a real browser: a deep link, both widths, what saves a figure, and the way to
Explore.
"""

from __future__ import annotations

import pytest

from tests.browser.conftest import OpenTab

pytestmark = pytest.mark.browser


def test_a_deep_link_draws_what_it_asks_for(tab: OpenTab) -> None:
    page = tab("curves?axis=density&trained=55000&fitting=histogram-matched")
    page.wait_for_selector(".js-plotly-plot .gtitle")
    assert "5,000 test images" in page.locator("[data-testid=stMain]").inner_text()
    assert "histogram matched" in page.locator(".js-plotly-plot .gtitle").first.text_content()
    page.get_by_role("tab", name="One digit").click()
    page.wait_for_selector("img[alt*='at level 25']")
    page.wait_for_url("**tab=digit*")
    assert page.locator("[data-testid=stException]").count() == 0


@pytest.mark.long
def test_a_level_is_opened_in_explore_by_keyboard(tab: OpenTab) -> None:
    """Explore was set otherwise before: the link says all that its picture depends on."""
    page = tab("explore?seed=335&cam=grad-cam&schedule=one-shot&noise=false&digit=3")
    page.wait_for_selector("img[alt^='Difference']")
    page.get_by_role("link", name="Curves").first.click()
    page.get_by_role("tab", name="One digit").click()
    page.wait_for_selector("img[alt*='at level 25']")
    assert page.locator(".st-key-seed [data-selected=true], .st-key-seed [aria-checked=true]").inner_text() == "333"
    link = page.get_by_role("link", name="Level 10", exact=True)
    link.focus()
    with page.context.expect_page() as opened:
        page.keyboard.press("Enter")
    explore = opened.value
    explore.errors = []
    explore.wait_for_selector("img[alt^='Difference'][alt*='89.5439% sparsity']")
    sidebar = explore.locator("[data-testid=stSidebar]")
    assert "seed 333" in sidebar.inner_text()
    assert "Grad-CAM++" in sidebar.inner_text()
    assert "level 10" in explore.locator("[data-testid=stMain]").inner_text()
    assert "label 7" in explore.locator("[data-testid=stMain]").inner_text()


@pytest.mark.long
@pytest.mark.parametrize(("kind", "begins"), [("SVG", b"<svg"), ("PNG", b"\x89PNG")])
def test_a_figure_is_saved_by_its_button(tab: OpenTab, kind: str, begins: bytes) -> None:
    page = tab("curves?tab=together")
    page.wait_for_selector(".st-key-figure-correlation .js-plotly-plot .modebar-btn", state="attached")
    with page.expect_download() as download:
        page.get_by_role("button", name=f"Save correlation as {kind}").press("Enter")
    assert download.value.suggested_filename == f"sparsight-correlation.{kind.lower()}"
    content = download.value.path().read_bytes()
    assert content.startswith(begins)
    assert len(content) > 5_000
    if kind == "SVG":  # in a font that every machine has, laid out in it
        assert b"Arial" in content
        assert b"Source Sans" not in content
    assert "Source Sans" in page.locator(".gtitle").first.evaluate("text => getComputedStyle(text).fontFamily")
    with page.expect_download() as download:  # the chart's own button stays what its name says
        page.locator(".st-key-figure-correlation .modebar-btn").first.dispatch_event("click")
    assert download.value.suggested_filename == "sparsight-correlation.png"


@pytest.mark.long
def test_the_saved_page_draws_without_the_internet(tab: OpenTab) -> None:
    page = tab("curves")
    page.wait_for_selector(".st-key-figure-curves .js-plotly-plot")
    with page.expect_download() as download:
        page.locator(".st-key-html-curves button").first.click()
    page.context.set_offline(True)
    alone = page.context.new_page()
    alone.errors = []
    alone.set_content(download.value.path().read_text())
    alone.wait_for_selector(".js-plotly-plot .gtitle")
    assert "Accuracy and soft IoU" in alone.locator(".gtitle").text_content()


@pytest.mark.long
@pytest.mark.parametrize(
    "path",
    [
        "curves",
        "curves?tab=together",
        "curves?tab=maps",
        "curves?tab=answers",
        "curves?present=1&fitting=top-p-of-ink&axis=ratio",
        "curves?present=1&fitting=best-threshold-per-image&axis=level",
    ],
)
def test_nothing_is_cut_off_on_a_phone(tab: OpenTab, path: str) -> None:
    page = tab(path, width=390, height=844)
    page.wait_for_function("document.querySelectorAll('.js-plotly-plot .gtitle').length == 1")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    cut = """[...document.querySelectorAll('.js-plotly-plot')].flatMap(plot => {
      const frame = plot.getBoundingClientRect();
      return [...plot.querySelectorAll('.gtitle, .xtitle, .ytitle, .legendtext')].filter(text => {
        const box = text.getBoundingClientRect();
        return box.left < frame.left - 1 || box.right > frame.right + 1
          || box.top < frame.top - 1 || box.bottom > frame.bottom + 1;
      }).map(text => text.textContent);
    })"""
    assert page.evaluate(cut) == []


STILL, DRAWN = "img.first-figure:visible", ".js-plotly-plot .scatterlayer .point"


@pytest.mark.long
@pytest.mark.parametrize(("width", "height", "theme"), [(1280, 900, "light"), (390, 844, "dark")])
def test_a_still_stands_in_until_plotly_draws(tab: OpenTab, width: int, height: int, theme: str) -> None:
    """One picture at a time, with one alternative text, at one place."""
    page = tab("settings", width=width, height=height, theme=theme)
    page.get_by_role("heading", name="Settings").first.wait_for()
    held = []
    page.route("**/PlotlyChart.*.js", lambda route: held.append(route))
    page.goto(page.url.replace("settings", "curves?of=sweep.digits"))
    still = page.locator(STILL)
    still.wait_for()
    page.wait_for_function("still => still.complete && still.naturalWidth > 0", arg=still.element_handle())
    name = still.get_attribute("alt")
    assert "by sparsity" in name
    assert page.get_by_alt_text(name).filter(visible=True).count() == 1
    assert page.get_by_role("figure", name=name).count() == 0
    before, below = still.bounding_box(), page.get_by_text("Save as").bounding_box()
    assert before["x"] + before["width"] <= width
    assert before["y"] + before["height"] <= below["y"] + 1
    page.get_by_role("button", name="Report").wait_for()  # the page is complete without plotly
    while not held:
        page.wait_for_timeout(50)
    for route in held:
        route.continue_()
    page.wait_for_selector(DRAWN)
    assert still.count() == 0
    drawn = page.locator(".js-plotly-plot").bounding_box()
    assert drawn["y"] == pytest.approx(before["y"], abs=1)
    assert drawn["height"] == pytest.approx(before["height"], abs=1)
    assert page.get_by_text("Save as").bounding_box()["y"] == pytest.approx(below["y"], abs=1)
    assert page.get_by_role("figure", name=name).count() == 1
    assert page.get_by_role("img", name=name).count() == 0
