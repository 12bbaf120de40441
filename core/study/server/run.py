"""The server of one study, as a function and as a job."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Event, Thread, current_thread, main_thread
from typing import Any

import uvicorn
from sqlalchemy import text

from core.base.errors import BadSpec, SparsightError
from core.base.listening import listening
from core.disk.lock import Busy, locked
from core.jobs.control import Control
from core.jobs.jobs import JOBS, Facts
from core.study.folder import Study, open_study
from core.study.server.app import create_app
from core.study.tables import StudyDatabase, translated

HOST, PORT = "127.0.0.1", 8610
KIND = "study-serve"
LOOK_S, REPORT_S = 0.2, 3.0  # how often a stop is looked for, and counts are reported if they changed
PATIENCE_S = 30.0  # to start
GRACE_S = 5  # to finish requests at the end
KEEP_ALIVE_S = 75  # longer than a trial takes, so that a phone need not connect anew
ADVISORY_KEY = 0x5374756479  # of PostgreSQL's lock; a database holds one study


class ServerFailed(SparsightError):
    """The server of a study ended by itself."""


def serve(
    study: Study,
    host: str = HOST,
    port: int = PORT,
    control: Control | None = None,
    ready: Callable[[Facts], None] | None = None,
) -> None:
    """Serve a study until it is stopped: by the control, Ctrl-C or SIGTERM.

    Args:
        host: the address to listen at; "0.0.0.0" for all of this machine. port: 0 for a free one.
        ready: called once with url, host and port.
    Raises:
        Busy: the study is served already. BadSpec: the address cannot be used. StudyDatabase.
        Stopped.
    """
    with _signals() as stop:
        for number, facts in enumerate(serving(study, host, port, control, stop)):
            if number == 0 and ready:
                ready(facts)


def serving(
    study: Study, host: str, port: int, control: Control | None = None, stop: Event | None = None
) -> Iterator[Facts]:
    """Serve a study; yield stage, url, host, port and the counts: at once, and when they changed.

    Raises as `serve`.
    """
    control, stop = control or Control(), stop or Event()
    with running(study, host, port) as (address, alive):
        facts, before = {"stage": "serving", **address}, None
        while alive() and not stop.is_set():
            with suppress(StudyDatabase):  # participants are told; it may come back
                counts = study.answers.counts()
                if counts != before:
                    yield facts | counts
                before = counts
            end = time.monotonic() + REPORT_S
            while time.monotonic() < end and alive() and not stop.is_set():
                control.check()
                time.sleep(LOOK_S)
        if not stop.is_set():
            raise ServerFailed("The server ended by itself.", "Every confirmed answer is kept.", "Start it again.")


@contextmanager
def running(study: Study, host: str, port: int) -> Iterator[tuple[Facts, Callable[[], bool]]]:
    """Serve a study inside the block; give the address, and a function that says whether the
    server is alive.
    """
    with ExitStack() as held:
        held.enter_context(_alone(study))
        listener = held.enter_context(listening(host, _checked(port)))
        config = uvicorn.Config(
            create_app(study),
            access_log=False,  # addresses hold tokens
            log_level="warning",
            server_header=False,
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=GRACE_S,
            lifespan="off",
        )
        server = uvicorn.Server(config)
        thread = Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True, name="study-server")
        thread.start()
        try:
            end = time.monotonic() + PATIENCE_S
            while not server.started and thread.is_alive() and time.monotonic() < end:
                time.sleep(0.01)
            if not server.started:
                raise ServerFailed("The server did not start.", "Its output says why.", "Start it again.")
            bound = listener.getsockname()[1]
            yield {"url": _url(host, bound), "host": host, "port": bound}, thread.is_alive
        finally:
            server.should_exit = True
            thread.join(GRACE_S + 5)


def _url(host: str, port: int) -> str:
    here = {"0.0.0.0": HOST, "::": "::1"}.get(host, host)
    return f"http://[{here}]:{port}/" if ":" in here else f"http://{here}:{port}/"


def _checked(port: int) -> int:
    """Return the port. Raises BadSpec."""
    if not 0 <= port < 65536:
        raise BadSpec(f"{port} is no port.", "A port is a number from 1 to 65535.", f"Use {PORT}, for example.")
    return port


@contextmanager
def _alone(study: Study) -> Iterator[None]:
    """Hold the study: one server a study, on one machine or on several. Raises Busy."""
    busy = Busy(
        f"The study '{study.name}' is served already.",
        "One server at a time serves a study.",
        "Use that one, or stop it first (`python -m core jobs` lists running jobs).",
    )
    with ExitStack() as held:
        try:
            held.enter_context(locked(study.lock, study.name))
        except Busy as error:
            raise busy from error
        if study.engine.dialect.name == "postgresql":
            with translated():
                connection = held.enter_context(study.engine.connect().execution_options(isolation_level="AUTOCOMMIT"))
                if not connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": ADVISORY_KEY}):
                    raise busy
                held.callback(_unlock, connection)
        yield


def _unlock(connection: Any) -> None:
    with suppress(StudyDatabase), translated():  # a lost connection holds no lock
        connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": ADVISORY_KEY})


@contextmanager
def _signals() -> Iterator[Event]:
    """Let Ctrl-C and SIGTERM end the block's work in order."""
    stop = Event()
    if current_thread() is not main_thread():
        yield stop
        return
    wanted = (signal.SIGINT, signal.SIGTERM)
    before = {each: signal.signal(each, lambda *_: stop.set()) for each in wanted}
    try:
        yield stop
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


@JOBS.register(KIND, "Study", "Serve a study to participants until it is stopped: every answer is kept.")
def run_serve(arguments: Mapping[str, Any], control: Control) -> Iterator[Facts]:
    """Serve a study as a job. Args: arguments: name, folder (the cache folder), host, port."""
    with suppress(OSError):
        os.nice(-10)  # jobs run at low priority, but people wait for this one; only root may
    study = open_study(Path(arguments["folder"]), arguments["name"])
    yield from serving(study, arguments["host"], arguments["port"], control)
