"""The running app and a real browser.

One server and one browser for all tests; each test gets tabs of its own.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
SWITCHES = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
SWITCHES += ["--disable-component-update", "--disable-sync"]
PATIENCE_MS = 90_000  # a busy machine starts slowly

playwright_api = pytest.importorskip("playwright.sync_api", reason="playwright is missing: make test installs it")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The app on a free port, with an empty cache folder; yields its address."""
    with served(tmp_path_factory.mktemp("cache"), tmp_path_factory.mktemp("server") / "log.txt") as address:
        yield address


@contextmanager
def served(cache: Path, log: Path) -> Iterator[str]:
    """The app on a free port, with this cache folder; yields its address.

    Nothing may go wrong in it unseen.
    """
    port = free_port()
    environment = os.environ | {"SPARSIGHT_CACHE": str(cache), "SPARSIGHT_DEVICE": "cpu"}
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port)]
    with log.open("w") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT)
    try:
        wait_until_up(f"http://127.0.0.1:{port}/_stcore/health", process, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=20)
    said = log.read_text()
    assert "Traceback" not in said, said[said.index("Traceback") - 200 :][:5000]


def wait_until_up(address: str, process: subprocess.Popen, log: Path, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"the server did not start: {log.read_text()}")


@pytest.fixture(scope="session")
def browser() -> Iterator[playwright_api.Browser]:
    if CHROMIUM is None:
        pytest.skip("chromium is missing: sudo apt-get install chromium")
    with playwright_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=SWITCHES)
        yield started
        started.close()


OpenTab = Callable[..., playwright_api.Page]


@pytest.fixture
def tab(server: str, browser: playwright_api.Browser) -> Iterator[OpenTab]:
    """Opens a tab: tab("explore?sparsity=90", width=390, height=844, theme="dark")."""
    contexts = []

    def opened(
        path: str = "explore", width: int = 1280, height: int = 800, theme: str = "light"
    ) -> playwright_api.Page:
        context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=theme, accept_downloads=True
        )
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        page.errors = []
        page.on("pageerror", lambda error: page.errors.append(str(error)))
        page.goto(f"{server}/{path}")
        return page

    yield opened
    errors = [error for context in contexts for page in context.pages for error in page.errors]
    for context in contexts:
        context.close()
    assert errors == []


def settled(page: playwright_api.Page) -> playwright_api.Page:
    """Waits until the four pictures are there and nothing is being computed."""
    page.wait_for_selector("img[alt^='Difference']")
    page.wait_for_function("!document.querySelector('[data-testid=stStatusWidget]')")
    return page


def unfold(page: playwright_api.Page, group: str) -> None:
    """Opens a group of controls in the sidebar."""
    page.locator("[data-testid=stSidebar] summary").get_by_text(group, exact=True).click()
    page.wait_for_timeout(500)  # it unfolds slowly


def sparsity_shown(page: playwright_api.Page) -> str:
    """The sparsity that all four pictures carry; waits until they agree."""
    page.wait_for_function(
        """() => { const images = [...document.querySelectorAll("img[alt*='sparsity']")];
                   const alts = images.map(i => i.alt.match(/[0-9.]+%/)[0]);
                   return alts.length === 4 && new Set(alts).size === 1 }"""
    )
    return page.locator("img[alt^='Difference']").get_attribute("alt").split(" at ")[-1]


def at_rest(page: playwright_api.Page) -> None:
    """Waits until the page's script has not run for half a second.

    Until then Streamlit may show a widget twice: where it was, and where it will be.
    """
    page.wait_for_function(
        """() => new Promise((resolve) => {
            let quiet = 0;
            const look = () => {
                quiet = document.querySelector('[data-test-script-state=notRunning]') ? quiet + 1 : 0;
                quiet > 5 ? resolve(true) : setTimeout(look, 100);
            };
            look();
        })"""
    )
