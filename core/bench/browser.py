"""Benches in a real browser: how long a person waits. They need playwright (requirements-dev.txt) and chromium."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from core.bench.measure import BENCHES, line
from core.engine import REPOSITORY, Engine
from core.errors import MissingData

QUIET = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync")  # fmt: skip
PRUNED = "img[alt*='runed network']"  # the pruned heatmap's alternative text says the sparsity it shows


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def server(folder: Path) -> Iterator[str]:
    """The app on a port of its own, as `make app` starts it; yields its address."""
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port), "--server.headless", "true"]
    process = subprocess.Popen(
        command, cwd=REPOSITORY, env=os.environ | {"SPARSIGHT_CACHE": str(folder)}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


@contextmanager
def browser_page() -> Iterator[Any]:
    """A page in headless chromium. Raises MissingData when the browser or playwright is not there."""
    path = shutil.which("chromium") or shutil.which("google-chrome")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise MissingData(
            "playwright is not installed.", "This bench drives a browser.", "Run `make test` once; it installs it."
        ) from error
    if path is None:
        raise MissingData("chromium is not installed.", "This bench drives a browser.", "Install it: sudo apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(QUIET))
        yield browser.new_page(viewport={"width": 1280, "height": 900})
        browser.close()


def open_when_up(page: Any, address: str) -> None:
    """Opens an address as soon as the server answers."""
    while True:
        try:
            page.goto(address)
            return
        except Exception as error:  # playwright's own error type is only importable where it is installed
            if "ERR_CONNECTION" not in str(error):
                raise
            time.sleep(0.05)


@BENCHES.register("page", "Page", "Slider moved until all pictures and scores on the page have changed, in a browser.")
def page(engine: Engine, n: int | None) -> dict[str, Any]:
    """One arrow key on the sparsity slider of Explore; the clock stops when the pruned heatmap of the new sparsity is on screen."""
    took: list[float] = []
    with server(engine.folder) as address, browser_page() as tab:
        open_when_up(tab, f"{address}/explore")
        tab.wait_for_selector(PRUNED, timeout=120_000)
        tab.get_by_role("slider").first.focus()
        for _ in range((n or 40) + 5):
            before = tab.get_attribute(PRUNED, "alt")
            start = time.perf_counter()
            tab.keyboard.press("ArrowLeft")
            tab.wait_for_function(CHANGED, arg=[PRUNED, before], polling=5, timeout=30_000)
            took.append(time.perf_counter() - start)
    return line("page", engine.device, took[5:])  # the first five warm up


CHANGED = """([selector, before]) => {
  const picture = document.querySelector(selector);
  return picture && picture.alt !== before && picture.complete && !document.querySelector('[data-stale="true"] img');
}"""


@BENCHES.register(
    "start", "Start", "Server start until Explore shows its pictures, in a browser; warm, and cold where root may drop the disk cache."
)
def start(engine: Engine, n: int | None) -> dict[str, Any]:
    """Each start is a new server process, the browser already open. Cold: the disk cache is dropped, models_cache empty."""
    warm = [_seconds_to_first_view(engine.folder) for _ in range((n or 3) + 1)][1:]
    cold = []
    for _ in range(n or 3):
        with tempfile.TemporaryDirectory() as empty:
            if not _drop_disk_cache():
                break
            cold.append(_seconds_to_first_view(Path(empty)))
    return line("start", engine.device, warm) | {"cold_s": [round(value, 2) for value in cold] or None}


def _seconds_to_first_view(folder: Path) -> float:
    with browser_page() as tab:
        began = time.perf_counter()
        with server(folder) as address:
            open_when_up(tab, f"{address}/explore")
            tab.wait_for_selector(PRUNED, timeout=120_000)
            return time.perf_counter() - began


def _drop_disk_cache() -> bool:
    with suppress(OSError):
        os.sync()
        Path("/proc/sys/vm/drop_caches").write_text("3")
        return True
    return False
