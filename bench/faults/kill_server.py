"""The server of the pages killed (kill -9) while somebody works on them."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from bench.browser import PATIENCE_S, browser_page, free_port, wait_for
from bench.faults.campaign import CAMPAIGNS, Campaign, Trial
from bench.faults.traces import left_behind, orphans_of, temporary, until_writing
from core.base.errors import SparsightError
from core.base.settings import REPOSITORY
from core.classroom.password import problem, set_password
from core.classroom.status import EVERY_S, running

VIEWS = (
    "explore?sparsity=90",
    "explore?model=efficientnet-lite0&sparsity=30&source=gallery&photo=coffee",
    "explore?sparsity=50&criterion=random&digit=7",
    "explore?model=squeezenet1_1&weights=random&granularity=filter&sparsity=20&source=gallery&photo=cat",
)
# What the four pictures of Explore are, their content included, and every score; null while an
# earlier run is still shown.
SHOWN = """() => {
  const pictures = [...document.querySelectorAll("img[alt*='% sparsity']")];
  const scores = [...document.querySelectorAll('[data-testid="stMetric"]')].map(each => each.innerText);
  const running = document.querySelector('[data-testid=stStatusWidget], [data-stale="true"]');
  const ready = pictures.length === 4 && pictures.every(each => each.complete) && scores.length && !running;
  return ready && JSON.stringify([pictures.map(each => [each.alt, each.src.split("/").pop()]), scores]);
}"""
PASSWORD = "correct horse battery"
LONGEST_S = 12.0  # of work before the kill


class Server:
    """`python -m core serve`, always at the same port."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        words = ["serve", "--folder", str(self.folder), "--port", str(self.port), "--device", "cpu"]
        with (self.folder / "log.txt").open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "core", *words], cwd=REPOSITORY, stdout=log, stderr=subprocess.STDOUT
            )
        end = time.monotonic() + PATIENCE_S
        while self.process.poll() is None and time.monotonic() < end:
            with suppress(OSError), urlopen(f"{self.address}/_stcore/health", timeout=5):
                return
            time.sleep(0.1)
        raise SparsightError("The server did not start.", "", (self.folder / "log.txt").read_text()[-1000:])

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@contextmanager
def serving(folder: Path) -> Iterator[Server]:
    folder.mkdir(exist_ok=True)
    set_password(folder, PASSWORD)
    server = Server(folder)
    try:
        yield server
    finally:
        server.process.terminate()
        server.process.wait(20)


def shown(tab: Any, server: Server, view: str) -> str:
    """Return what a view shows."""
    tab.goto(f"{server.address}/{view}")
    return wait_for(tab, SHOWN, None, f"{view} was not complete")


@cache
def undisturbed(view: str) -> str:
    """Return what a view shows on a server with an empty folder."""
    with serving(temporary()) as server, browser_page() as tab:
        return shown(tab, server, view)


def trial(number: int, folder: Path) -> Trial:
    """Kill the server while somebody moves the slider, in every second trial while it writes a
    file; restart it.
    """
    draw, view = random.Random(number), VIEWS[number % len(VIEWS)]
    wanted, faults = undisturbed(view), list[str]()
    with serving(folder / "cache") as server, browser_page() as tab:
        tab.goto(f"{server.address}/{view}")
        end = time.monotonic() + draw.uniform(0, LONGEST_S)
        while time.monotonic() < end:
            with suppress(Exception):  # the page is not there yet
                tab.get_by_role("slider").first.press(draw.choice(("ArrowLeft", "ArrowRight")), timeout=500)
        writing = number % 2 == 1 and until_writing(server.folder, 3 * EVERY_S)
        server.kill()
        faults += orphans_of(server.folder)
        left = len([*server.folder.rglob("*.part")])
        server.start()
        if shown(tab, server, view) != wanted:
            faults.append(f"{view}: another answer than undisturbed")
        time.sleep(2 * EVERY_S)  # it has written its status
        if [each["process"] for each in running(server.folder)] != [server.process.pid]:
            faults.append(f"running servers: {running(server.folder)}, not {server.process.pid}")
        if problem(server.folder):
            faults.append("the password is gone")
    faults += left_behind(server.folder)
    if "Traceback" in (said := (server.folder / "log.txt").read_text()):
        faults.append(said[said.index("Traceback") :][:1500])
    return Trial(f"server: killed {'while it wrote' if writing else 'at work'}", tuple(faults), {"parts": left})


CAMPAIGNS.register("kill-server", "Killed server", "The server of the pages while somebody works.")(Campaign(10, trial))
