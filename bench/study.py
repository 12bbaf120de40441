"""Benches of a study's server: answers lost when it is killed, requests a second, and the time from
an answer to the next question in a browser.
"""

from __future__ import annotations

import http.client
import math
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock, Thread
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import select

from bench.browser import PATIENCE_S, browser_page, free_port, wait_for
from bench.measure import BENCHES, line
from core.base.errors import SparsightError
from core.base.settings import REPOSITORY
from core.engine.engine import Engine
from core.study.answers import digest
from core.study.folder import Study, open_study
from core.study.prepare import prepare
from core.study.presets import with_a_class
from core.study.server.run import HOST
from core.study.spec import StudySpec
from core.study.tables import ANSWERS, METADATA, PARTICIPANTS, TRIALS, reading

TRIALS_EACH = 50  # of a participant
ANSWERS_EACH, CLIENTS, KILLS = 10_000, 50, 20
NAME, RETRY_S = "bench", 0.25
CHOICES = ("left", "right", "equal")
SERVE = """
import sys
from pathlib import Path
from core.study.folder import open_study
from core.study.server.run import serve
serve(open_study(Path(sys.argv[1]), sys.argv[2]), port=int(sys.argv[3]))
"""
FORM = re.compile(r'<form method="post" action="([^"]+)"')
TOKEN = re.compile(r'name="token" value="([^"]+)"')
# Notes when a key is pressed. A page notes when its question was painted: two frames after all its
# pictures are decoded.
WATCH = """
  const press = () => sessionStorage.setItem("pressed", performance.timeOrigin + performance.now());
  addEventListener("keydown", press, true);
"""
TOOK = """before => {
  const form = document.querySelector("form.answers[data-painted]");
  const pressed = Number(sessionStorage.getItem("pressed"));
  return form && location.href !== before && performance.timeOrigin + Number(form.dataset.painted) - pressed;
}"""


@dataclass
class Load:
    """What the clients share: how many participants are still to begin, and what was confirmed.

    confirmed: by participant (digest of the token) and position, the answer.
    """

    port: int
    participants: int
    confirmed: dict[tuple[str, int], str] = field(default_factory=dict)
    seconds: list[float] = field(default_factory=list)
    requests: int = 0
    repeated: int = 0  # requests that a kill interrupted
    failed: list[str] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    def begins(self) -> bool:
        """Return whether another participant begins."""
        with self.lock:
            self.participants -= 1
            return self.participants >= 0


class Client:
    """A browser without pictures: it sends each request until it is answered.

    Args:
        seed: of its answers.
    """

    def __init__(self, load: Load, seed: int) -> None:
        self.load, self.draw = load, random.Random(seed)
        self.connection: http.client.HTTPConnection | None = None

    def run(self) -> None:
        try:
            while self.load.begins():
                self.take_part()
        except SparsightError as error:
            self.load.failed.append(str(error))

    def take_part(self) -> None:
        """Go from consent to the end."""
        token = TOKEN.findall(self.send("GET", "/")[1])[0]
        place = self.send("POST", "/join", {"token": token})[0]
        while not place.endswith("/done"):
            action = FORM.findall(self.send("GET", place)[1])[0]
            answer = self.draw.choice(CHOICES) if "/trial/" in action else ""
            began = time.monotonic()
            place = self.send("POST", action, {"answer": answer} if answer else {})[0]
            if answer:
                with self.load.lock:
                    self.load.confirmed[(digest(token), int(action.split("/")[-1]) - 1)] = answer
                    self.load.seconds.append(time.monotonic() - began)
        self.send("GET", place)

    def send(self, method: str, path: str, fields: dict[str, str] | None = None) -> tuple[str, str]:
        """Send a request until it is answered; return where it leads, and its page.

        Raises SparsightError if nothing answers.
        """
        headers = {"Content-Type": "application/x-www-form-urlencoded"} if fields is not None else {}
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            try:
                self.connection = self.connection or http.client.HTTPConnection(HOST, self.load.port, timeout=60)
                body = None if fields is None else urlencode(fields)
                self.connection.request(method, path, body, headers)
                reply = self.connection.getresponse()
                page = reply.read().decode()
            except (OSError, http.client.HTTPException):
                self.connection = None
                with self.load.lock:
                    self.load.repeated += 1
                time.sleep(RETRY_S)
                continue
            with self.load.lock:
                self.load.requests += 1
            if reply.status < 400:
                return reply.headers.get("location", path), page
            time.sleep(RETRY_S)
        raise SparsightError(f"{method} {path} was not answered within {PATIENCE_S} s.", "", "Look at the server.")


def study_spec(answers: int) -> StudySpec:
    """Return a study with room for so many answers, TRIALS_EACH a participant."""
    return replace(
        with_a_class(),
        images=TRIALS_EACH // 10,
        trials=TRIALS_EACH,
        answers=max(1, math.ceil(answers / TRIALS_EACH)),
        catch=0,
        practice=0,
        block=TRIALS_EACH,
    )


@contextmanager
def prepared(engine: Engine, spec: StudySpec, url: str = "") -> Iterator[Study]:
    """Prepare a study in a folder of its own. url: of an empty PostgreSQL database, which is empty
    again afterwards.
    """
    with tempfile.TemporaryDirectory() as folder:
        made = Engine(str(engine.device), Path(folder))
        for _ in prepare(made, NAME, spec, url):
            pass
        study = open_study(Path(folder), NAME)
        try:
            yield study
        finally:
            if url:
                METADATA.drop_all(study.engine)
            study.engine.dispose()


class Server:
    """The server of a study in a process of its own, always at the same port."""

    def __init__(self, study: Study) -> None:
        self.study, self.port = study, free_port()
        self.process = self._begun()

    def _begun(self) -> subprocess.Popen:
        command = [sys.executable, "-c", SERVE, str(self.study.home.parents[1]), NAME, str(self.port)]
        process = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.DEVNULL)
        end = time.monotonic() + PATIENCE_S
        while process.poll() is None and time.monotonic() < end:
            with suppress(OSError):
                connection = http.client.HTTPConnection(HOST, self.port, timeout=5)
                connection.request("GET", "/static/icon.svg")
                connection.getresponse().read()
                return process
            time.sleep(0.05)
        raise SparsightError("The server did not start.", "", "Its output says why.")

    def kill(self) -> None:
        """Kill the process (kill -9), then start another."""
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.process = self._begun()

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)


def under_load(study: Study, answers: int, clients: int, kills: int, seed: int = 0) -> tuple[Load, float]:
    """Let clients answer everything; kill the server at random moments in between. seed: of them.

    Returns what was confirmed, and the seconds that it took.
    Raises SparsightError.
    """
    server, draw = Server(study), random.Random(seed)
    load = Load(port=server.port, participants=math.ceil(answers / TRIALS_EACH))
    people = [Thread(target=Client(load, seed).run, daemon=True) for seed in range(clients)]
    began = time.monotonic()
    for person in people:
        person.start()
    for kill in range(kills):
        until = answers * (kill + 0.5) / kills
        while len(load.confirmed) < until and any(person.is_alive() for person in people):
            time.sleep(0.005)
        time.sleep(draw.uniform(0, 0.2))
        server.kill()
    for person in people:
        person.join()
    took = time.monotonic() - began
    server.stop()
    if load.failed:
        raise SparsightError(f"{len(load.failed)} clients gave up: {load.failed[0]}")
    return load, took


def compared(study: Study, load: Load) -> dict[str, int]:
    """Compare what was confirmed with what is stored."""
    query = (
        select(PARTICIPANTS.c.token, TRIALS.c.position, ANSWERS.c.answer)
        .join(ANSWERS, ANSWERS.c.participant == PARTICIPANTS.c.participant)
        .join(TRIALS, TRIALS.c.trial == ANSWERS.c.trial)
    )
    with reading(study.engine) as connection:
        rows = connection.execute(query).all()
    stored = {(token, position): answer for token, position, answer in rows}
    return {
        "confirmed": len(load.confirmed),
        "lost": sum(key not in stored for key in load.confirmed),
        "changed": sum(stored.get(key, answer) != answer for key, answer in load.confirmed.items()),
        "doubled": len(rows) - len(stored),
        "unconfirmed": sum(key not in load.confirmed for key in stored),
        "participants": study.answers.counts()["done"],
    }


@BENCHES.register(
    "study-kills",
    "Study server that is killed",
    "Answers of 50 clients to a study's server that is killed (kill -9) 20 times: how many are lost.",
)
def study_kills(engine: Engine, n: int | None) -> dict[str, Any]:
    """n answers (default 10,000), given by clients that send a request again until it is answered.

    `lost`: confirmed answers that the database does not hold; `changed`: that it holds otherwise;
    `doubled`: stored twice; `unconfirmed`: stored, but never confirmed to a client. `ours_s`: from
    the answer to its confirmation, restarts included.
    """
    return loaded("study-kills", engine, Loaded(answers=n or ANSWERS_EACH))


@BENCHES.register(
    "study-load",
    "Study server with 50 clients",
    "Requests a second that a study's server answers 50 clients at once, and how long an answer takes to be stored.",
)
def study_load(engine: Engine, n: int | None) -> dict[str, Any]:
    """n answers (default 2,500) without a pause; clients and server share this machine.

    `ours_s`: from the answer to its confirmation.
    """
    return loaded("study-load", engine, Loaded(answers=n or 2_500, kills=0))


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """How a server is loaded. url: of an empty PostgreSQL database; "" for SQLite."""

    answers: int
    clients: int = CLIENTS
    kills: int = KILLS
    url: str = ""


def loaded(bench: str, engine: Engine, how: Loaded) -> dict[str, Any]:
    """Load a server and compare what it confirmed with what it stored."""
    with prepared(engine, study_spec(how.answers), how.url) as study:
        load, took = under_load(study, how.answers, how.clients, how.kills)
        row = line(bench, engine.device, load.seconds) | compared(study, load)
        return row | _circumstances(study, how, load, took)


def _circumstances(study: Study, how: Loaded, load: Load, took: float) -> dict[str, Any]:
    return {
        "database": study.engine.dialect.name,
        "clients": how.clients,
        "kills": how.kills,
        "interrupted": load.repeated,
        "requests": load.requests,
        "requests_per_s": round(load.requests / took, 1),
        "seconds": round(took, 2),
    }


@BENCHES.register(
    "study-page",
    "Study page",
    "Key pressed on a question until the next question is painted, in a browser on this machine.",
)
def study_page(engine: Engine, n: int | None) -> dict[str, Any]:
    """n answers (default 100) by keyboard; the first five are not counted. The next question counts
    as painted two frames after all its pictures are decoded.
    """
    wanted, took = (n or 100) + 5, list[float]()
    with prepared(engine, study_spec(wanted + 2 * TRIALS_EACH)) as study, browser_page() as tab:
        tab.add_init_script(WATCH)
        server = Server(study)
        try:
            while len(took) < wanted:
                tab.context.clear_cookies()
                took += _answered(tab, f"http://{HOST}:{server.port}/", wanted - len(took))
        finally:
            server.stop()
    return line("study-page", engine.device, took[5:])


def _answered(tab: Any, address: str, most: int) -> list[float]:
    """Return the seconds that one participant waits for each next question."""
    tab.goto(address)
    for _ in range(2):  # consent, instructions
        tab.click("button.main")
    wait_for(tab, TOOK, address, "The first question was not shown")
    took: list[float] = []
    while len(took) < min(most, TRIALS_EACH - 1):
        before = tab.url
        tab.keyboard.press(("ArrowLeft", "ArrowRight", "ArrowDown")[len(took) % 3])
        took.append(wait_for(tab, TOOK, before, "The next question was not shown") / 1000)
    return took
