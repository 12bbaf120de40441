"""A study in a real browser: from consent to code at both widths, by keyboard, without script, and
when the connection breaks.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core import Engine
from core.study.folder import Study, open_study
from core.study.place import Place, expected
from core.study.prepare import prepare
from core.study.presets import PRESETS
from core.study.server.password import set_password
from core.study.server.run import HOST, running
from tests.browser.conftest import PATIENCE_MS, playwright_api

axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-core is missing: make test installs it")
pytestmark = [pytest.mark.browser, pytest.mark.long]
SIZES = {"wide": (1280, 800), "phone": (360, 640)}
PASSWORD = "four random words"
KEYS = {"left": "ArrowLeft", "right": "ArrowRight", "equal": "ArrowDown"}
Open = Callable[..., playwright_api.Page]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder with the study for a class."""
    folder = tmp_path_factory.mktemp("cache")
    for _ in prepare(Engine("cpu", folder), "class", PRESETS["class"].value()):
        pass
    return folder


@pytest.fixture
def study(prepared: Path, tmp_path: Path) -> Iterator[Study]:
    """A copy that nobody has begun."""
    shutil.copytree(prepared / "studies", tmp_path / "studies")
    made = open_study(tmp_path, "class")
    yield made
    made.engine.dispose()


@pytest.fixture
def address(study: Study) -> Iterator[str]:
    with running(study, HOST, 0) as (address, _):
        yield address["url"]


@pytest.fixture
def opened(address: str, browser: playwright_api.Browser) -> Iterator[Open]:
    """Opens the study's first page: opened(size="phone", javascript=False)."""
    contexts, errors = [], []

    def open_page(path: str = "", size: str = "wide", theme: str = "light", javascript: bool = True) -> object:
        width, height = SIZES[size]
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme=theme,
            java_script_enabled=javascript,
            has_touch=size == "phone",
            is_mobile=size == "phone",
        )
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(address + path)
        return page

    yield open_page  # type: ignore[misc]
    for context in contexts:
        context.close()
    assert errors == []


def place_of(study: Study, page: playwright_api.Page) -> Place:
    return study.answers.place(page.url.split("/")[4])


def answer_of(place: Place) -> str:
    """Return the answer that passes a practice, and another one at each trial."""
    if place.stage == "practice" and place.item:
        return expected(place.item, place.left)
    return ("left", "right", "equal")[place.number % 3]


def walk(study: Study, page: playwright_api.Page, press: Callable[[playwright_api.Page, str], None]) -> None:
    """Go from consent to the end. press: gives an answer ("" where there is one button only)."""
    press(page, "")
    page.wait_for_url("**/p/**")
    while "/done" not in page.url:
        page.wait_for_load_state()
        before = page.url
        place = place_of(study, page)
        press(page, answer_of(place) if place.stage in ("practice", "trial") else "")
        page.wait_for_url(lambda url, before=before: url != before)


def checked(page: playwright_api.Page) -> None:
    """Nothing scrolls sideways, and axe-core finds nothing serious."""
    width = page.viewport_size["width"]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    found = axe.Axe().run(page).response["violations"]
    assert [rule["id"] for rule in found if rule["impact"] in ("serious", "critical")] == []
    small = page.evaluate(
        "[...document.querySelectorAll('button, a.button')].filter(e => e.getBoundingClientRect().height < 44).length"
    )
    assert small == 0


def click(page: playwright_api.Page, answer: str) -> None:
    page.locator(f"button[value={answer}]" if answer else "button").first.click()


def by_keyboard(page: playwright_api.Page, answer: str) -> None:
    """Press the answer's key; elsewhere, go to the button with Tab."""
    if answer:
        page.wait_for_selector("form.answers button:enabled")
        page.keyboard.press(KEYS[answer])
        return
    for _ in range(10):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.tagName") == "BUTTON":
            break
    page.keyboard.press("Enter")


@pytest.mark.parametrize("press", [click, by_keyboard], ids=["pointer", "keyboard"])
@pytest.mark.parametrize("size", SIZES)
def test_consent_to_code(study: Study, opened: Open, size: str, press: Callable) -> None:
    page = opened(size=size)
    walk(study, page, press)
    code = page.locator(".code").inner_text()
    people = study.answers.participants()
    assert people["code"].tolist() == [code]
    rows = study.answers.frame()
    assert rows["side"].tolist() == [("left", "right", "equal")[at % 3] for at in range(len(rows))]
    assert rows["reaction_ms"].between(1, 60_000).all()
    assert (rows["reaction_ms"] < rows["server_ms"]).all()
    assert (rows["focus_losses"] == 0).all()
    width, height = people["screen"][0].split("x")
    assert int(width) > 0
    assert int(height) > 0


@pytest.mark.parametrize("size", SIZES)
def test_consent_to_code_without_script(study: Study, opened: Open, size: str) -> None:
    page = opened(size=size, javascript=False)
    walk(study, page, click)
    assert study.answers.participants()["code"].tolist() == [page.locator(".code").inner_text()]
    assert study.answers.frame()["reaction_ms"].isna().all()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_every_page_fits_and_can_be_used_by_all(study: Study, opened: Open, size: str, theme: str) -> None:
    page, seen = opened(size=size, theme=theme), set()
    set_password(study, PASSWORD)

    def press(page: playwright_api.Page, answer: str) -> None:
        stage = page.url.split("/")[5] if "/p/" in page.url else "consent"
        if answer:
            page.wait_for_selector("form.answers button:enabled")
            page.locator("summary").click()
        if stage not in seen:
            seen.add(stage)
            checked(page)
        click(page, answer)

    walk(study, page, press)
    checked(page)
    home = page.url.removesuffix("/done")
    for path in (f"{home}/withdraw", f"{home}x", "/".join(page.url.split("/")[:3]) + "/researcher"):
        page.goto(path)
        checked(page)
    page.fill("#password", PASSWORD)
    page.click("button.main")
    page.wait_for_selector("table")
    checked(page)
    assert seen == {"consent", "instructions", "practice", "trial"}


def at_first_trial(study: Study, page: playwright_api.Page) -> None:
    for _ in range(3):
        place = place_of(study, page) if "/p/" in page.url else None
        before = page.url
        click(page, answer_of(place) if place and place.stage == "practice" else "")
        page.wait_for_url(lambda url, before=before: url != before)
    page.wait_for_selector("form.answers button:enabled")
    assert "/trial/1" in page.url


def test_a_lost_connection_loses_nothing(study: Study, opened: Open) -> None:
    page = opened()
    at_first_trial(study, page)
    page.context.set_offline(True)
    page.keyboard.press("ArrowLeft")
    page.wait_for_function("document.getElementById('said').textContent.includes('not stored yet')")
    assert study.answers.frame().empty
    page.context.set_offline(False)
    page.keyboard.press("ArrowLeft")
    page.wait_for_url("**/trial/2")
    assert study.answers.frame()["side"].tolist() == ["left"]


def test_back_reload_and_a_second_tab_lead_to_the_current_trial(study: Study, opened: Open) -> None:
    page = opened()
    at_first_trial(study, page)
    first = page.url.split("?")[0]
    other = page.context.new_page()
    other.goto(first)
    click(page, "left")
    page.wait_for_url("**/trial/2")
    other.wait_for_selector("form.answers button:enabled")
    click(other, "right")  # of the trial that is answered
    other.wait_for_url("**/trial/2")
    assert study.answers.frame()["side"].tolist() == ["left"]
    page.reload()
    assert page.url.endswith("/trial/2")
    page.goto(first)
    assert page.url.endswith("/trial/2")
    page.go_back()
    page.wait_for_url("**/trial/2")
    assert len(study.answers.frame()) == 1


def test_two_clicks_and_a_held_key_answer_once(study: Study, opened: Open) -> None:
    page = opened()
    at_first_trial(study, page)
    page.locator("button[value=left]").dblclick(no_wait_after=True)
    page.wait_for_url("**/trial/2")
    page.wait_for_selector("form.answers button:enabled")
    page.keyboard.down("ArrowRight")
    for _ in range(5):
        page.keyboard.down("ArrowRight")  # repeats, as a held key does
    page.wait_for_url("**/trial/3")
    page.wait_for_selector("form.answers button:enabled")
    page.keyboard.down("ArrowRight")
    page.keyboard.up("ArrowRight")
    page.wait_for_timeout(500)
    assert page.url.endswith("/trial/3")
    assert study.answers.frame()["side"].tolist() == ["left", "right"]


def test_buttons_wait_for_the_pictures_and_a_lost_focus_is_counted(study: Study, opened: Open) -> None:
    page = opened()
    at_first_trial(study, page)
    page.route("**/pictures/*", lambda route: route.abort())
    page.reload()
    page.wait_for_function("document.getElementById('said').textContent.includes('did not load')")
    assert page.locator("button[value=left]").is_disabled()
    page.unroute("**/pictures/*")
    page.reload()
    page.wait_for_selector("form.answers button:enabled")
    page.evaluate("document.hasFocus = () => false; dispatchEvent(new Event('blur'))")
    page.evaluate("document.hasFocus = () => true; dispatchEvent(new Event('focus'))")
    page.keyboard.press("2")
    page.wait_for_url("**/trial/2")
    row = study.answers.frame().iloc[0]
    assert (row["side"], row["focus_losses"]) == ("right", 1)


def test_the_next_pictures_are_there_before_the_next_page(study: Study, opened: Open) -> None:
    page = opened()
    at_first_trial(study, page)
    wanted = page.locator("form.answers").get_attribute("data-next").split()
    page.wait_for_function(
        "names => names.every(n => performance.getEntriesByName(new URL('/pictures/' + n, location).href).length)",
        arg=wanted,
    )
    click(page, "left")
    page.wait_for_url("**/trial/2")
    page.wait_for_selector("form.answers button:enabled")
    entries = "performance.getEntriesByName(new URL('/pictures/' + name, location).href)"
    loads = page.evaluate(
        f"names => names.map(name => {entries}.filter(entry => entry.transferSize > 0).length)", wanted
    )
    assert loads == [1] * len(wanted)  # once, before the page that shows them
