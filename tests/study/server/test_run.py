"""The running server: alone on its study, on a port that is free, and gone when it is told to."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from urllib.request import urlopen

import httpx2
import pytest

from core.base.errors import BadSpec
from core.disk.lock import Busy
from core.jobs.control import Control, Stopped
from core.jobs.jobs import Jobs
from core.study.folder import Study, open_study
from core.study.server.run import HOST, KIND, running, serve
from core.study.tables import StudyDatabase
from tests.study.server.conftest import hidden

SERVE = """
import sys
from pathlib import Path
from core.study.folder import open_study
from core.study.server.run import serve
serve(open_study(Path(sys.argv[1]), sys.argv[2]), port=0, ready=lambda facts: print(facts["url"], flush=True))
"""


@contextmanager
def server_process(study: Study) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The server in a process of its own; gives its address."""
    command = [sys.executable, "-c", SERVE, str(study.home.parents[1]), study.name]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=Path(__file__).parents[3]
    )
    try:
        assert process.stdout
        yield process, process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()


def test_two_servers_on_one_study_are_refused(study: Study) -> None:
    with running(study, HOST, 0) as (address, alive):
        assert urlopen(address["url"]).status == 200
        with pytest.raises(Busy, match="'small' is served already"), running(study, HOST, 0):
            pass
        assert alive()
    assert not alive()
    with running(study, HOST, 0):
        pass


@pytest.mark.long
def test_another_machine_is_refused_the_same_database(postgres: str, tmp_path: Path) -> None:
    from core.study.tables import METADATA, connect
    from tests.study.server.conftest import server_spec, write_study

    METADATA.drop_all(connect(postgres))
    first = write_study(tmp_path / "one", server_spec(), postgres)
    (tmp_path / "two" / "studies").mkdir(parents=True)
    first.home.rename(tmp_path / "two" / "studies" / first.name)
    second = open_study(tmp_path / "two", first.name)
    with running(first, HOST, 0), pytest.raises(Busy), running(second, HOST, 0):
        pass
    with running(second, HOST, 0):
        pass
    METADATA.drop_all(first.engine)


@pytest.mark.parametrize(("host", "port"), [(HOST, 70000), (HOST, -1), ("192.0.2.1", 0), ("no host", 0)])
def test_an_address_that_cannot_be_used_is_refused(file_study: Study, host: str, port: int) -> None:
    with pytest.raises(BadSpec), running(file_study, host, port):
        pass


def test_a_port_in_use_is_refused_and_the_study_is_free_again(file_study: Study) -> None:
    with socket.socket() as other:
        other.bind((HOST, 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(BadSpec, match=f"port {port} "), running(file_study, HOST, port):
            pass
    with running(file_study, HOST, port) as (address, _):
        assert address == {"url": f"http://{HOST}:{port}/", "host": HOST, "port": port}


def test_a_missing_database_is_said_before_the_start(file_study: Study) -> None:
    (file_study.home / "study.db").unlink()
    file_study.engine.dispose()
    with pytest.raises(StudyDatabase), running(Study(name="x", home=file_study.home, url=file_study.url), HOST, 0):
        pass


def test_a_control_stops_the_server(file_study: Study, tmp_path: Path) -> None:
    seen, ended = [], []

    def work() -> None:
        try:
            serve(file_study, port=0, control=Control(tmp_path), ready=seen.append)
        except Stopped:
            ended.append(True)

    thread = Thread(target=work)
    thread.start()
    end = time.monotonic() + 60
    while not seen and time.monotonic() < end:
        time.sleep(0.05)
    assert seen[0]["stage"] == "serving"
    assert seen[0]["wanted"] == file_study.answers.counts()["wanted"]
    assert urlopen(seen[0]["url"]).status == 200
    (tmp_path / "stop").touch()
    thread.join(60)
    assert ended == [True]
    with pytest.raises(OSError, match="refused"):
        urlopen(seen[0]["url"])


@pytest.mark.long
def test_no_token_is_written_and_a_killed_server_keeps_what_it_confirmed(file_study: Study) -> None:
    with server_process(file_study) as (process, url), httpx2.Client(base_url=url, follow_redirects=True) as client:
        place = client.post("/join", data=hidden(client.get("/").text)).url.path
        token = place.split("/")[2]
        client.post(f"/p/{token}/go-on/1")
        client.get("/nothing")
        client.get(f"/p/{token}x")
        process.kill()
        said = process.stdout.read() if process.stdout else ""
        assert token not in said
        assert file_study.answers.place(token).stage == "practice"
        with server_process(file_study) as (again, url):  # its lock died with it
            assert urlopen(f"{url}p/{token}").url.endswith("/practice/1/1")
            again.terminate()
            assert again.wait(30) == 0


@pytest.mark.long
def test_a_study_is_served_as_a_job(file_study: Study) -> None:
    folder = file_study.home.parents[1]
    jobs = Jobs(folder)
    job = jobs.start(KIND, {"name": file_study.name, "folder": str(folder), "host": HOST, "port": 0}, "Server")
    end = time.monotonic() + 120
    while not (last := jobs.get(job.id).last) and time.monotonic() < end:
        time.sleep(0.1)
    assert last["stage"] == "serving"
    assert urlopen(last["url"]).status == 200
    file_study.answers.join()
    while jobs.get(job.id).last["running"] != 1 and time.monotonic() < end:
        time.sleep(0.1)
    assert jobs.get(job.id).last["running"] == 1
    jobs.stop(job.id)
    while jobs.get(job.id).state == "stopping" and time.monotonic() < end:
        time.sleep(0.1)
    assert jobs.get(job.id).state == "stopped", jobs.log(job.id)
    assert json.dumps(jobs.progress(job.id)).count("serving") >= 2
