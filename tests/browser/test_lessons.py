"""Lessons in a real browser: every lesson from its first to its last step, normal and presenting, by keyboard alone."""

from __future__ import annotations

import pytest

from tests.browser.conftest import OpenTab

pytestmark = pytest.mark.browser
MOST_PRESSES = 40  # a step with a question takes two


@pytest.mark.parametrize("present", ["", "&present=1"])
@pytest.mark.parametrize("lesson", [1, 2, 3])
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
        said = page.locator("text=/step \\d of \\d/").first.inner_text()
        seen.add(int(said.split("step ")[1].split()[0]))
        assert page.locator("[data-testid=stException]").count() == 0
        assert page.get_by_text("Something went wrong").count() == 0
    assert seen == set(range(1, last + 1))


@pytest.mark.parametrize("address", ["lesson=9", "step=99", "lesson=two&step=-1"])
def test_a_step_out_of_range_is_said(tab: OpenTab, address: str) -> None:
    page = tab(f"lessons?{address}")
    page.wait_for_selector("text=/step \\d of \\d/")
    assert page.get_by_text("not used").count() > 0
