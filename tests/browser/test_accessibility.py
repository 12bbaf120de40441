"""Every page in both themes: nothing that axe-core calls serious, and text that can be read."""

from __future__ import annotations

import pytest

from tests.browser.conftest import OpenTab, at_rest

axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-core is missing: make test installs it")
pytestmark = [pytest.mark.browser, pytest.mark.long]
PAGES = (
    "",
    "explore",
    "explore?model=thesis-cnn&cam=grad-cam&layer=relu2&digit=7",
    "compare?model=thesis-cnn&rows=cams&layer=relu2&digit=7",
    "decide",
    "curves",
    "curves?tab=together",
    "curves?tab=digit",
    "units",
    "units?show=unit",
    "units?show=play",
    "my_networks",
    "retrain",
    "lessons",
    "settings",
)
# The contrast of each text in a figure with the page, which axe-core does not look at.
PALE = """() => {
  const numbers = (colour) => colour.match(/[0-9.]+/g).map(Number);
  const light = (colour) => {
    const shares = colour.map((part) => part / 255);
    const [r, g, b] = shares.map((s) => (s <= 0.03928 ? s / 12.92 : ((s + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const page = numbers(getComputedStyle(document.querySelector("[data-testid=stApp]")).backgroundColor);
  return [...document.querySelectorAll(".js-plotly-plot svg text")].filter((text) => {
    const style = getComputedStyle(text), drawn = numbers(style.fill), share = (drawn[3] ?? 1) * style.fillOpacity;
    const seen = [0, 1, 2].map((i) => drawn[i] * share + page[i] * (1 - share));
    const [low, high] = [light(seen), light(page)].sort((a, b) => a - b);
    return text.textContent.trim() && (high + 0.05) / (low + 0.05) < 4.5;
  }).map((text) => text.textContent);
}"""


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
def test_nothing_serious(tab: OpenTab, path: str, theme: str) -> None:
    page = tab(path, theme=theme)
    page.wait_for_selector("[data-testid=stMain] :is(h1, h2)")
    page.wait_for_timeout(1500)  # it has begun to compute
    page.wait_for_function("!document.querySelector('[data-testid=stStatusWidget]')")
    for group in page.locator("[data-testid=stSidebar] summary").all():
        group.click()
    page.wait_for_timeout(1000)  # they unfold slowly
    found = axe.Axe().run(page).response["violations"]
    assert [rule["id"] for rule in found if rule["impact"] in ("serious", "critical")] == []
    assert page.evaluate(PALE) == []


@pytest.mark.parametrize("path", ["explore", "compare", "curves"])
def test_the_focus_is_seen_on_everything_that_the_tab_key_reaches(tab: OpenTab, path: str) -> None:
    page = tab(path)
    page.wait_for_selector("[data-testid=stMain] h2")
    at_rest(page)
    unseen = []
    for _ in range(40):
        page.keyboard.press("Tab")
        unseen.append(page.evaluate(UNSEEN))
    assert [what for what in unseen if what] == []


# What has the focus without showing it: neither an outline nor a shadow, its own or around it.
UNSEEN = """() => {
  let focused = document.activeElement;
  while (focused?.shadowRoot?.activeElement) focused = focused.shadowRoot.activeElement;
  const near = [focused, focused?.parentElement, focused?.parentElement?.parentElement, ...(focused?.children ?? [])];
  const seen = near.filter(Boolean).some((each) => {
    const style = getComputedStyle(each);
    return (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1) || style.boxShadow !== "none";
  });
  return seen || focused === document.body ? "" : focused.outerHTML.slice(0, 200);
}"""
