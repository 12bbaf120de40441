"""Work that takes a while, in a real browser: progress and Stop on the first answer, and a closed
tab ends its work.
"""

from __future__ import annotations

import re

import pytest

from tests.browser.conftest import OpenTab, settled

SCORE = "explore?model=efficientnet-lite0&cam=score-cam&layer=_bn1&source=gallery&photo=coffee"


def test_the_first_answer_of_a_session_can_be_stopped(tab: OpenTab) -> None:
    page = tab(SCORE)
    page.get_by_role("button", name="Compute").click()
    page.get_by_text("Computing Score-CAM").wait_for()
    page.get_by_role("button", name="Stop", exact=True).last.click()
    page.get_by_text("Stopped.").wait_for()
    page.wait_for_selector("[data-test-script-state=notRunning]")
    assert page.get_by_text("previous view").count() == 0
    assert page.locator("img[alt^='Difference']").count() == 0
    page.get_by_role("link", name="Compare").click()
    page.get_by_role("heading", name="Compare").wait_for()
    page.get_by_role("link", name="Explore").click()
    page.get_by_role("heading", name="Explore").wait_for()
    page.get_by_text("Stopped.").wait_for()
    assert page.get_by_role("button", name=re.compile("^Continue$")).count() == 1


@pytest.mark.long
def test_a_quick_answer_shows_no_progress(tab: OpenTab) -> None:
    page = settled(tab("explore?sparsity=90"))
    assert page.get_by_role("button", name="Stop", exact=True).count() == 0
