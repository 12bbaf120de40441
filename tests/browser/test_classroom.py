"""A server for a class in a real browser, started by `python -m core serve`: a visitor who explores
and changes nothing, a teacher who unlocks, and a network that nobody waits for.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from core.classroom.password import set_password
from core.classroom.status import running
from core.data.gallery import gallery_image
from tests.browser.conftest import (
    PATIENCE_MS,
    ROOT,
    at_rest,
    free_port,
    playwright_api,
    settled,
    sparsity_shown,
    wait_until_up,
)

pytestmark = [pytest.mark.browser, pytest.mark.long]
PASSWORD = "correct horse battery"
LOCKED = "This server is locked"
SLOW = "explore?model=efficientnet-lite0&cam=score-cam&layer=_bn1&source=gallery&photo=coffee"


class Classroom:
    """The server: its address, its cache folder and its log."""

    def __init__(self, home: str, cache: Path, log: Path) -> None:
        self.home, self.cache, self.log = home, cache, log

    def status(self) -> dict[str, Any]:
        (found,) = running(self.cache)
        return found


@pytest.fixture(scope="module")
def classroom(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Classroom]:
    cache, log = tmp_path_factory.mktemp("cache"), tmp_path_factory.mktemp("server") / "log.txt"
    set_password(cache, PASSWORD)
    port = free_port()
    command = [sys.executable, "-m", "core", "serve", "--folder", str(cache), "--port", str(port), "--device", "cpu"]
    command += ["--slow-at-once", "1", "--uploads", "2"]
    with log.open("w") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=os.environ, stdout=output, stderr=subprocess.STDOUT)
    try:
        wait_until_up(f"http://127.0.0.1:{port}/_stcore/health", process, log)
        yield Classroom(f"http://127.0.0.1:{port}", cache, log)
    finally:
        process.terminate()
        process.wait(timeout=20)
    said = log.read_text()
    assert "Traceback" not in said, said[said.index("Traceback") - 200 :][:5000]
    assert PASSWORD not in said


@contextmanager
def person(browser: playwright_api.Browser, classroom: Classroom, path: str) -> Iterator[playwright_api.Page]:
    """Somebody with a browser of their own."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    page.goto(f"{classroom.home}/{path}")
    try:
        yield page
    finally:
        context.close()


def opened(page: playwright_api.Page, name: str) -> playwright_api.Page:
    """Another page of the same session."""
    page.get_by_role("link", name=name, exact=True).first.click()
    page.wait_for_url(f"**/{name.lower().replace(' ', '_')}**")
    at_rest(page)
    return page


def test_a_visitor_explores_and_changes_nothing(browser: playwright_api.Browser, classroom: Classroom) -> None:
    with person(browser, classroom, "explore?sparsity=90") as page:
        settled(page)
        opened(page, "Retrain")
        assert page.get_by_text(LOCKED).count() > 0
        assert page.get_by_role("button", name="Start training").count() == 0
        opened(page, "My networks")
        assert page.locator("input[type=file]").count() == 0
        opened(page, "Settings")
        assert page.get_by_role("button", name="Apply").count() == 0
        opened(page, "Lessons")
        assert page.get_by_role("button", name="Next").count() > 0
        opened(page, "Compare")
        page.locator("[data-testid=stMain] img").first.wait_for()


def test_the_teacher_unlocks_one_session_and_it_ends_with_the_tab(
    browser: playwright_api.Browser, classroom: Classroom
) -> None:
    with person(browser, classroom, "settings") as teacher, person(browser, classroom, "retrain") as visitor:
        teacher.get_by_label("Password", exact=True).fill("a wrong password")
        teacher.get_by_role("button", name="Unlock").click()
        teacher.get_by_text("This is not the password.").wait_for()
        teacher.get_by_label("Password", exact=True).fill(PASSWORD)
        teacher.get_by_role("button", name="Unlock").click()
        teacher.get_by_text("This session is unlocked.").wait_for()
        assert PASSWORD not in teacher.url
        opened(teacher, "Retrain")
        teacher.get_by_role("button", name="Start training").wait_for()
        visitor.reload()
        visitor.get_by_text(LOCKED).first.wait_for()
        assert visitor.get_by_role("button", name="Start training").count() == 0
        again = teacher.context.new_page()  # the same browser, another session
        again.goto(f"{classroom.home}/retrain")
        again.get_by_text(LOCKED).first.wait_for()
        teacher.reload()
        teacher.get_by_text(LOCKED).first.wait_for()


def test_a_slow_question_waits_its_turn_and_a_slider_for_nobody(
    browser: playwright_api.Browser, classroom: Classroom
) -> None:
    with (
        person(browser, classroom, SLOW) as first,
        person(browser, classroom, SLOW.replace("coffee", "cat")) as second,
        person(browser, classroom, SLOW.replace("score-cam", "grad-cam").replace("layer=_bn1&", "")) as third,
    ):
        settled(third)
        at_rest(second)
        first.get_by_role("button", name="Compute").click()
        first.get_by_text("Computing Score-CAM").wait_for()
        second.get_by_role("button", name="Compute").click()
        second.get_by_text("in the queue, 1 slow question first").wait_for()
        third.get_by_role("slider", name="Sparsity").focus()
        before = sparsity_shown(third)
        third.keyboard.press("ArrowRight")
        third.wait_for_function("text => !document.querySelector(`img[alt*='${text}']`)", arg=before)
        sparsity_shown(third)
        assert second.get_by_text("in the queue").count() == 1  # the slow ones still wait
        slow = classroom.status()["slow questions"]  # the curve below the slider waits, too
        assert (slow["computing"], slow["waiting"] >= 1) == (1, True)
        first.get_by_role("button", name="Stop", exact=True).last.click()
        first.get_by_text("Stopped.").wait_for()
        second.get_by_text("in the queue").first.wait_for(state="detached")


def test_uploads_are_bounded_and_gone_with_the_session(
    browser: playwright_api.Browser, classroom: Classroom, tmp_path: Path
) -> None:
    gallery_image("cat").resize((200, 200)).save(tmp_path / "cat.png")
    with person(browser, classroom, "explore?model=efficientnet-lite0&source=own") as page:
        with page.expect_request(lambda request: request.method == "PUT") as sent:
            page.locator("[data-testid=stFileUploader] input").first.set_input_files(tmp_path / "cat.png")
        settled(page)
        put = """async ([url, bytes]) => {
            const form = new FormData(), token = document.cookie.match(/_streamlit_xsrf=([^;]+)/);
            form.append("file", new Blob([new Uint8Array(bytes)]), "x.bin");
            const headers = {"X-Xsrftoken": token ? token[1] : ""};
            return (await fetch(url, {method: "PUT", body: form, headers})).status }"""
        assert page.evaluate(put, [f"{sent.value.url}x", 11_000_000]) == 413
        assert page.evaluate(put, [f"{sent.value.url}y", 1000]) == 204
        assert page.evaluate(put, [f"{sent.value.url}z", 1000]) == 413
        page.wait_for_timeout(3000)  # the status is written every two seconds
        assert classroom.status()["uploads"]["files"] == 2
        assert memory(classroom)["own images"] > 0
    end = browser.new_page()
    end.wait_for_timeout(6000)
    end.close()
    assert classroom.status()["uploads"] == {"files": 0, "bytes": 0}
    assert memory(classroom)["own images"] == 0
    assert json.dumps(classroom.status()).count("cat") == 0


def memory(classroom: Classroom) -> dict[str, int]:
    return {part["name"]: part["bytes"] for part in classroom.status()["memory"]}
