"""Back and Forward in a real browser: one action makes one entry, and each entry shows the view
that its address names.
"""

from __future__ import annotations

import pytest

from tests.browser.conftest import OpenTab, at_rest, playwright_api, settled

pytestmark = pytest.mark.browser
Page = playwright_api.Page


def rested(page: Page) -> tuple[str, str]:
    """Address and headline once nothing is running."""
    at_rest(page)
    page.wait_for_selector("h2")
    return page.evaluate("[location.pathname + location.search, document.querySelector('h2').innerText]")


def expect(page: Page, view: tuple[str, str]) -> None:
    """Waits for this address and headline, and that they stay."""
    page.wait_for_function(
        """view => location.pathname + location.search === view[0]
                   && document.querySelector('h2')?.innerText === view[1]
                   && document.querySelector('[data-test-script-state=notRunning]')""",
        arg=view,
    )
    assert rested(page) == view


def follow(page: Page, name: str) -> None:
    page.get_by_role("link", name=name).first.click()
    page.wait_for_url(f"**/{name.lower()}*")
    page.wait_for_function("name => document.title.startsWith(name)", arg=name)


@pytest.mark.long
def test_back_and_forward_show_the_view_of_the_address(tab: OpenTab) -> None:
    page = settled(tab("explore?model=thesis-cnn&cam=grad-cam&layer=conv2&seed=334&sparsity=55&digit=4"))
    page.get_by_role("slider", name="Sparsity").focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function(
        "location.search.includes('sparsity=55.1') && document.querySelector('h2')?.innerText.includes('55.1 %')"
    )
    entries = page.evaluate("history.length")
    views = [rested(page)]
    for name in ("Compare", "Curves", "Explore"):
        follow(page, name)
        if name == "Explore":
            settled(page)
        views.append(rested(page))
    assert "seed=334" in views[1][0]
    assert "55.1 %" in views[3][1]
    assert page.evaluate("history.length") == entries + 3
    for view in views[-2::-1]:
        page.go_back()
        expect(page, view)
    for view in views[1:]:
        page.go_forward()
        expect(page, view)


@pytest.mark.long
def test_a_step_of_a_lesson_is_one_entry(tab: OpenTab) -> None:
    page = tab("lessons")
    page.get_by_role("button", name="Next").first.wait_for()
    first, entries = rested(page), page.evaluate("history.length")
    page.get_by_role("button", name="Next").last.click()
    page.wait_for_function("location.search.includes('step=2')")
    page.wait_for_function("before => (document.querySelector('h2')?.innerText ?? before) !== before", arg=first[1])
    second = rested(page)
    assert page.evaluate("history.length") == entries + 1
    page.go_back()
    expect(page, first)
    page.go_forward()
    expect(page, second)
