"""Lessons in a real browser: every lesson from its first to its last step, normal and presenting,
by keyboard alone.
"""

from __future__ import annotations

import pytest

from tests.browser.conftest import OpenTab, at_rest

pytestmark = pytest.mark.browser
MOST_PRESSES = 40  # a step with a question takes two


@pytest.mark.long
@pytest.mark.parametrize("present", ["", "&present=1"])
@pytest.mark.parametrize("lesson", [1, 2, 3, 5, 6])
def test_a_lesson_is_driven_to_its_end_by_a_clicker(tab: OpenTab, lesson: int, present: str) -> None:
    page = tab(f"lessons?lesson={lesson}{present}")
    page.wait_for_selector("text=/step 1 of \\d/")
    last = int(page.locator("text=/step 1 of \\d/").first.inner_text().rsplit(" ", 1)[1])
    seen = {1}
    for _ in range(MOST_PRESSES):
        if last in seen:
            break
        page.keyboard.press("PageDown")
        page.wait_for_timeout(700)
        # A press during a run would count for the step before.
        page.wait_for_selector("[data-test-script-state=notRunning]")
        said = page.locator("text=/step \\d of \\d/").first.inner_text()
        seen.add(int(said.split("step ")[1].split()[0]))
        assert page.locator("[data-testid=stException]").count() == 0
        assert page.get_by_text("An unexpected error occurred").count() == 0
    assert seen == set(range(1, last + 1))


@pytest.mark.long
@pytest.mark.parametrize("address", ["lesson=9", "step=99", "lesson=two&step=-1"])
def test_a_step_out_of_range_is_said(tab: OpenTab, address: str) -> None:
    page = tab(f"lessons?{address}")
    page.wait_for_selector("text=/step \\d of \\d/")
    assert page.get_by_text("were ignored").count() > 0


# The last of each selector, measured at one moment: between two calls the page may move.
BOXES = (
    "selectors => selectors.map(selector =>"
    " [...document.querySelectorAll(selector)].at(-1).getBoundingClientRect().toJSON())"
)


def size_of(page, selector: str) -> float:
    return page.locator(selector).first.evaluate("element => parseFloat(getComputedStyle(element).fontSize)")


def open_answered(tab: OpenTab, address: str, **options: int):
    page = tab(address, **options)
    page.locator("[class*=st-key-_choice_0] button").click()
    page.wait_for_selector("[data-testid=stAlert]")
    if page.get_by_text("You have a second try").count():
        page.get_by_role("button", name="Show the answer").first.click()
        page.get_by_text("You have a second try").wait_for(state="detached")
    return page


@pytest.mark.long
def test_type_is_read_from_the_back_row(tab: OpenTab) -> None:
    page = open_answered(tab, "lessons?lesson=3&step=2&present=1")
    page.wait_for_selector(".gtitle")
    for selector in (
        "[data-testid=stMain] [data-testid=stMarkdown] p",
        ".gtitle",
        ".xtick text",
        ".xtitle",
        ".legendtext",
    ):
        assert size_of(page, selector) >= 20, selector
    plain = open_answered(tab, "lessons?lesson=3&step=2")
    assert size_of(plain, "[data-testid=stMain] [data-testid=stMarkdown] p") <= 16


@pytest.mark.long
@pytest.mark.parametrize("address", ["lessons?lesson=2&step=2", "lessons?lesson=3&step=4", "lessons?lesson=3&step=7"])
@pytest.mark.parametrize("width", [390, 1280])
def test_a_figure_s_title_is_whole(tab: OpenTab, address: str, width: int) -> None:
    page = open_answered(tab, f"{address}&present=1", width=width)
    page.wait_for_selector(".gtitle")
    title, frame = page.evaluate(BOXES, [".gtitle", "[data-testid=stPlotlyChart]"])
    assert title["x"] >= frame["x"]
    assert title["y"] >= frame["y"] - 1
    assert title["x"] + title["width"] <= frame["x"] + frame["width"]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.long
def test_the_address_follows_what_is_tried(tab: OpenTab) -> None:
    page = tab("lessons?lesson=1&step=5")
    page.get_by_role("slider").press("ArrowRight")
    page.wait_for_url("**blur=2.5**")
    page.get_by_text("Blurred by 2.5 pixels").wait_for()
    page.reload()
    page.get_by_text("Blurred by 2.5 pixels").wait_for()
    assert "lesson=1&step=5" in page.url


@pytest.mark.long
def test_an_exercise_is_made_and_opened(tab: OpenTab) -> None:
    page = tab("lessons?lesson=1&step=5&blur=4")
    page.get_by_text("Blurred by 4 pixels").wait_for()
    at_rest(page)  # a page that is drawn again closes what was opened
    page.get_by_role("button", name="Share").click()
    page.get_by_role("combobox", name="Hide").click()
    page.get_by_role("option", name="Blur (pixels)").click()
    link = page.locator("[data-testid=stPopoverBody] [data-testid=stCode]").inner_text().strip()
    exercise = tab(link.split("/", 3)[3])
    exercise.get_by_text("Blurred by 4 pixels").wait_for()
    assert page.locator("[data-testid=stSlider]").count() == 1
    assert exercise.locator("[data-testid=stSlider]").count() == 0
    exercise.get_by_text("Try another digit", exact=True).wait_for()
    assert exercise.get_by_text("were ignored").count() == 0


@pytest.mark.long
def test_a_person_comes_back_to_the_same_step(tab: OpenTab) -> None:
    page = tab("lessons?lesson=2&step=4&present=1")
    page.get_by_text("step 4 of 7").wait_for()
    page.locator("[data-testid=stExpandSidebarButton]").click()
    page.get_by_role("link", name="Curves").click()
    page.get_by_role("heading", name="Down to").wait_for()  # the study in one sentence; a room sees no title
    assert "present=1" in page.url
    page.locator("[data-testid=stSidebar]").get_by_role("link", name="Lessons").click()
    page.get_by_text("step 4 of 7").wait_for()
    assert "lesson=2&step=4" in page.url
