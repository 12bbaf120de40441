"""Reports and the page without a server in a real browser, offline: with and without scripts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from core.base.settings import REPOSITORY
from core.engine.engine import Engine
from core.report import of_sweep, to_html
from core.sweeps.known import known_sweeps
from core.sweeps.sweep import Sweep
from tests.browser.conftest import PATIENCE_MS, OpenTab, settled

pytestmark = pytest.mark.browser
Opened = Callable[..., Page]
VIEW = "explore?model=thesis-cnn&cam=grad-cam&layer=relu2&sparsity=90"


@pytest.fixture(scope="module")
def report(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    path.write_text(to_html(of_sweep(Sweep(engine, known_sweeps(engine.roots)["faithfulness"].read()))), "utf-8")
    return path


@pytest.fixture
def offline(browser: Browser) -> Iterator[Opened]:
    """Opens a file without a connection. It may ask for nothing, and nothing may go wrong in it."""
    contexts, asked, wrong = [], [], []

    def opened(path: Path, scripts: bool = True, width: int = 1000) -> Page:
        context = browser.new_context(java_script_enabled=scripts, viewport={"width": width, "height": 800})
        context.set_offline(True)
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        page.goto(path.as_uri())
        return page

    yield opened
    for context in contexts:
        context.close()
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
    assert wrong == []


def test_with_scripts_plotly_draws(offline: Opened, report: Path) -> None:
    page = offline(report)
    page.wait_for_selector(".js-plotly-plot .main-svg")
    figures = page.locator("figure[data-figure]").count()
    assert figures > 3
    assert page.locator("figure.live .js-plotly-plot").count() == figures
    assert not page.locator("img.still").first.is_visible()
    page.emulate_media(media="print")
    assert page.locator("img.still").first.is_visible()
    assert not page.locator(".plot").first.is_visible()


def test_without_scripts_still_pictures_are_seen(offline: Opened, report: Path) -> None:
    page = offline(report, scripts=False)
    stills = page.locator("img.still")
    assert stills.count() > 3
    for place in range(stills.count()):
        box = stills.nth(place).bounding_box()
        assert stills.nth(place).is_visible()
        assert box
        assert box["width"] > 500
    assert not page.locator(".plot").first.is_visible()


@pytest.mark.long
def test_a_table_is_saved_offline(offline: Opened, report: Path) -> None:
    page = offline(report)
    with page.expect_download() as download:
        page.get_by_role("link", name="means.csv").click()
    assert Path(download.value.path()).read_text().startswith("network,model,weights,seed")


@pytest.mark.long
def test_it_fits_on_a_phone(offline: Opened, report: Path) -> None:
    page = offline(report, width=390)
    page.wait_for_selector(".js-plotly-plot .main-svg")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


@pytest.mark.parametrize("name", ["report", "demo"])
def test_it_is_accessible(name: str, offline: Opened, report: Path) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is missing: make test installs it")
    page = offline(report if name == "report" else REPOSITORY / "docs" / "demo.html")
    page.wait_for_load_state()
    # axe's script is put in by the test; the file's policy holds for what the file loads itself
    found = axe.Axe().run(page).response["violations"]
    assert [(each["id"], each["nodes"][0]["html"]) for each in found] == []


def test_the_demo_follows_slider_and_keyboard(offline: Opened) -> None:
    page = offline(REPOSITORY / "docs" / "demo.html", width=390)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    slider, pruned, said = page.get_by_role("slider"), page.locator("#pruned"), page.locator("#headline")
    before = pruned.get_attribute("src"), pruned.get_attribute("alt"), said.inner_text()
    page.get_by_label("Layer-CAM").check()
    assert pruned.get_attribute("src") != before[0]
    slider.focus()
    page.keyboard.press("Home")
    assert said.inner_text().startswith("Nothing is removed yet")
    assert slider.get_attribute("aria-valuetext") == "0.0 % sparsity"
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    after = pruned.get_attribute("src"), pruned.get_attribute("alt"), said.inner_text()
    assert all(one != other for one, other in zip(before, after, strict=True))
    page.get_by_label("Image").select_option("Coffee")
    assert page.locator("#credit").inner_text().startswith("Rachel Michetti, CC0")
    assert page.locator("#curve path").count() == 2


def test_the_demo_shows_something_without_scripts(offline: Opened) -> None:
    page = offline(REPOSITORY / "docs" / "demo.html", scripts=False)
    assert page.locator("#pruned").is_visible()
    assert "needs scripts" in page.locator("noscript").inner_text()


@pytest.mark.long
def test_explore_saves_its_view_as_a_report(tab: OpenTab, offline: Opened, tmp_path: Path) -> None:
    page = settled(tab(VIEW))
    with page.expect_download() as download:
        page.get_by_role("button", name="Report").click()
    path = tmp_path / "view.html"
    download.value.save_as(path)
    shown = offline(path)
    shown.wait_for_selector(".js-plotly-plot .main-svg")
    assert shown.locator("h1").inner_text().endswith("at 90.0 % sparsity")
    assert "python -m core report 'explore?" in shown.locator("pre").last.inner_text()
