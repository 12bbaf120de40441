"""Benches in a real browser: waiting times of users.

They need playwright (requirements-dev.txt) and chromium.
"""

from __future__ import annotations

import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from bench.measure import BENCHES, line, percentile
from core.base.errors import MissingData, SparsightError
from core.base.settings import REPOSITORY
from core.engine.engine import Engine

QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
PATIENCE_S = 120
# True when Explore's four pictures show one sparsity, another than before, and neither they nor a
# score are of an earlier run.
SHOWN = """before => {
  const pictures = [...document.querySelectorAll("img[alt*='% sparsity']")];
  const shown = new Set(pictures.map(picture => picture.alt.match(/[0-9.]+%/)[0]));
  return pictures.length === 4 && shown.size === 1 && !shown.has(before) && pictures.every(picture => picture.complete)
    && !document.querySelector('[data-stale="true"] :is(img, [data-testid="stMetric"])') && [...shown][0];
}"""
# Notes in every page when its first picture is there, when its main part last changed, and how far
# what is drawn already jumped (cumulative layout shift, as browsers define it).
WATCH = """
  window.seen = { first: null, last: 0, shift: 0 };
  const pictures = (main) => [...main.querySelectorAll('img, .gtitle'), ...[...main.querySelectorAll('*')]
    .flatMap(each => each.shadowRoot ? [...each.shadowRoot.querySelectorAll('img')] : [])];
  const look = () => {
    const main = document.querySelector('[data-testid=stMain]');
    if (!main || window.seen.first !== null) return;
    const words = WORDS && main.querySelector('h1, h2');
    const picture = pictures(main).find(each => each.tagName !== 'IMG' || (each.complete && each.naturalWidth > 40));
    if (picture || words) window.seen.first = window.seen.last = performance.now();
  };
  new MutationObserver(() => { window.seen.last = performance.now(); })
    .observe(document, { childList: true, subtree: true, characterData: true });
  setInterval(look, 100); // each look costs the page some time
  new PerformanceObserver(list => list.getEntries().forEach(each => { window.seen.shift += each.value; }))
    .observe({ type: 'layout-shift', buffered: true });
"""
# The page is complete: it runs no more, and has not changed for a second.
COMPLETE = """words => {
  const running = document.querySelector('[data-testid=stStatusWidget], [data-stale="true"]');
  return window.seen?.first && !running && performance.now() - window.seen.last > 1000 && window.seen;
}"""
SCREENS = {  # by page: whether its first useful thing is words
    "": False,
    "explore": False,
    "compare": False,
    "curves": False,
    "retrain": True,
    "lessons": False,
    "settings": True,
}
EMPTY = 'import streamlit as st\n\nst.title("Empty")\n'


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def server(folder: Path, script: str = "app.py") -> Iterator[str]:
    """Starts the app or another script on its own port, as `make app` does; yields its address once
    it responds.
    """
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", script, "--server.port", str(port)]
    process = subprocess.Popen(
        command,
        cwd=REPOSITORY,
        env=os.environ | {"SPARSIGHT_CACHE": str(folder)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def _wait_for(port: int, process: subprocess.Popen) -> None:
    end = time.monotonic() + PATIENCE_S
    while process.poll() is None and time.monotonic() < end:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
    raise SparsightError("The app did not start.", "This bench measures the running app.", "Run `make app` to see why.")


@contextmanager
def browser_page() -> Iterator[Any]:
    """A page in headless chromium.

    Raises MissingData if the browser or playwright is not installed.
    """
    path = shutil.which("chromium") or shutil.which("google-chrome")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise MissingData(
            "playwright is not installed.", "This bench drives a browser.", "Run `make test` once; it installs it."
        ) from error
    if path is None:
        raise MissingData(
            "chromium is not installed.", "This bench drives a browser.", "Install it: sudo apt-get install chromium"
        )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(QUIET))
        yield browser.new_page(viewport={"width": 1280, "height": 900})
        browser.close()


def open_explore(tab: Any, address: str) -> str:
    """Opens Explore and waits for its pictures; returns the sparsity that they show."""
    tab.goto(f"{address}/explore")
    return wait_for_pictures(tab, "")


def wait_for_pictures(tab: Any, before: str) -> str:
    """Waits for pictures and scores of another sparsity than `before` and returns that sparsity.

    Raises SparsightError if none arrive.
    """
    return wait_for(tab, SHOWN, before, "Explore showed no new pictures")


def wait_for(tab: Any, condition: str, given: Any, otherwise: str) -> Any:
    """Waits until a condition in the page holds and returns its value. otherwise: what the
    SparsightError says when it never does.
    """
    from playwright.sync_api import TimeoutError as TooLate

    try:
        return tab.wait_for_function(condition, arg=given, polling=5, timeout=PATIENCE_S * 1000).json_value()
    except TooLate as error:
        raise SparsightError(
            f"{otherwise} within {PATIENCE_S} s.",
            "This bench waits for them.",
            "Run `make app` and open the page to see why.",
        ) from error


@BENCHES.register(
    "screens",
    "Screens",
    "Address typed until a page shows its first picture and is complete, in a browser that was never there.",
)
def screens(engine: Engine, n: int | None) -> dict[str, Any]:
    """Every page and, as the peer, an empty Streamlit page, in turn; the server is warm, each visit
    has an empty browser cache and a session of its own. The first round is not counted.

    ours_s: the first view of Explore, complete. screens: by page, median and 95th percentile of the
    first picture (words where a page has none) and of the complete page, in seconds after the
    address was typed, and the layout shift.
    """
    found: dict[str, list[dict[str, float]]] = {name: [] for name in ("empty", *SCREENS)}
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "empty.py"
        script.write_text(EMPTY)
        with server(engine.folder) as app, server(engine.folder, str(script)) as empty, browser_page() as tab:
            for _ in range((n or 20) + 1):
                found["empty"].append(_visit(tab, empty, words=True))
                for name, words in SCREENS.items():
                    found[name].append(_visit(tab, f"{app}/{name}", words))
    rows = {name or "home": _summed_up(visits[1:]) for name, visits in found.items()}
    complete = {name: [visit["last"] / 1000 for visit in found[name][1:]] for name in ("explore", "empty")}
    return line("screens", engine.device, complete["explore"], ("an empty Streamlit page", complete["empty"])) | {
        "screens": rows
    }


def _visit(tab: Any, address: str, words: bool) -> dict[str, float]:
    """Milliseconds until the first picture and the last change, and the layout shift."""
    context = tab.context.browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.add_init_script(WATCH.replace("WORDS", str(words).lower()))
    page.goto(address, wait_until="commit")
    seen = wait_for(page, COMPLETE, None, f"{address} was not complete")
    context.close()
    return seen


def _summed_up(visits: list[dict[str, float]]) -> dict[str, float]:
    first, last = ([visit[name] / 1000 for visit in visits] for name in ("first", "last"))
    return {
        "first_s": round(statistics.median(first), 2),
        "first_p95_s": round(percentile(first, 0.95), 2),
        "complete_s": round(statistics.median(last), 2),
        "complete_p95_s": round(percentile(last, 0.95), 2),
        "shift": round(statistics.median(visit["shift"] for visit in visits), 3),
    }


@BENCHES.register("page", "Page", "Slider moved until all pictures and scores on the page have changed, in a browser.")
def page(engine: Engine, n: int | None) -> dict[str, Any]:
    """One arrow key on the sparsity slider of Explore; the clock stops when all pictures and scores
    of the new sparsity are on screen.
    """
    took: list[float] = []
    with server(engine.folder) as address, browser_page() as tab:
        shown = open_explore(tab, address)
        slider = tab.get_by_role("slider").first
        for _ in range((n or 40) + 5):
            start = time.perf_counter()
            slider.press("ArrowLeft")
            shown = wait_for_pictures(tab, shown)
            took.append(time.perf_counter() - start)
    return line("page", engine.device, took[5:])  # the first five warm up


@BENCHES.register(
    "start",
    "Start",
    "Server start until Explore shows its pictures, in a browser; warm, and cold where root may drop the disk cache.",
)
def start(engine: Engine, n: int | None) -> dict[str, Any]:
    """Each start is a new server process, the browser already open.

    Cold: the disk cache is dropped, models_cache empty.
    """
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
            open_explore(tab, address)
            return time.perf_counter() - began


def _drop_disk_cache() -> bool:
    with suppress(OSError):
        os.sync()
        Path("/proc/sys/vm/drop_caches").write_text("3")
        return True
    return False
