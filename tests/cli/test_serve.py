"""`python -m core serve`: a password, limits, and a real server that ends when it is told."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest

from core.base.listening import listening
from core.base.settings import REPOSITORY, Settings
from core.classroom.limits import Limits
from core.classroom.password import PLACE, problem, set_password
from core.cli.main import main
from core.cli.serve import environment

PASSWORD = "correct horse battery"
PATIENCE_S = 120  # a busy machine starts slowly


@pytest.fixture(autouse=True)
def _starts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake here must not turn the tests into a server."""
    monkeypatch.setattr(os, "execve", lambda *_: pytest.fail("a server was started"))


def said(capsys: pytest.CaptureFixture[str]) -> str:
    captured = capsys.readouterr()
    return captured.out + captured.err


def test_a_password_is_read_from_standard_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(f"{PASSWORD}\n"))
    assert main(["serve", "--set-password", "--folder", str(tmp_path)]) == 0
    assert not problem(tmp_path)
    assert PASSWORD not in said(capsys)


def test_a_short_password_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("short\n"))
    assert main(["serve", "--set-password", "--folder", str(tmp_path)]) == 1
    assert "A password of 5 characters is too short." in said(capsys)
    assert problem(tmp_path)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--status"], "No server is running with this cache folder."),
        (["--status", "--set-password"], "Both --set-password and --status are given."),
        (["--port", "0"], "--port cannot be '0'."),
        (["--port", "70000"], "--port cannot be '70000'."),
        (["--slow-at-once", "0"], "--slow-at-once cannot be '0'."),
        (["--upload-bytes", "much"], "--upload-bytes cannot be 'much'."),
        (["--upload-bytes", "0"], "Write 100.0MB, for example."),
        (["--slow-s", "0"], "Write 300, for example."),
        (["--uploads", "-1"], "It must be a whole number of at least 0."),
        (["--host", "300.1.1.1"], "The server cannot listen at 300.1.1.1, port 8501"),
        (["--host", "a" * 300], "The server cannot listen at"),
        (["--names", "http://lab.example.org/x"], "--names cannot hold 'http://lab.example.org/x'."),
        (["--names", "lab.example.org, lab:8501"], "--names cannot hold 'lab:8501'."),
    ],
)
def test_what_cannot_be_is_explained(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", *words, "--folder", str(tmp_path)]) == 1
    assert message in said(capsys)


def test_a_port_that_another_program_uses_is_said_before_anything_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with listening("127.0.0.1", 0) as taken:
        port = str(taken.getsockname()[1])
        assert main(["serve", "--port", port, "--folder", str(tmp_path)]) == 1
    found = said(capsys)
    assert f"The server cannot listen at 127.0.0.1, port {port}" in found
    assert "Only this machine" not in found


@pytest.mark.parametrize("content", [None, b"\xff\xfe", b"", b"$argon2id$v=19$m=65536,t=3,p=4$x$y"])
def test_a_password_that_opens_nothing_is_said_before_the_server_listens(
    content: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    become: list[str] = []
    monkeypatch.setattr(os, "chdir", lambda _: None)
    monkeypatch.setattr(os, "execve", lambda program, *_: become.append(said(capsys)))
    if content is not None:
        set_password(tmp_path, PASSWORD)
        (tmp_path / PLACE).write_bytes(content)
    assert main(["serve", "--port", str(free_port()), "--folder", str(tmp_path)]) == 0
    (found,) = become
    assert ("The file of the password is damaged" in found) == (content is not None)
    assert "nobody can unlock it" in found
    assert "`python -m core serve --set-password`" in found


@pytest.mark.parametrize(("name", "value"), [("SPARSIGHT_PORT", "http"), ("SPARSIGHT_UPLOADS", "-3")])
def test_a_variable_that_cannot_be_is_explained(
    name: str, value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(name, value)
    assert main(["serve", "--folder", str(tmp_path)]) == 1
    assert f"cannot be '{value}'" in said(capsys)


def test_the_server_is_locked_whatever_its_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARSIGHT_OPEN", "1")
    monkeypatch.setenv("SPARSIGHT_LOCKED", "0")
    monkeypatch.setenv("SPARSIGHT_PHOTOS", "photos")
    monkeypatch.chdir(tmp_path)
    found = environment(Settings(folder=Path("cache"), device="cpu"), Limits(uploads=7), "lab.example")
    assert found["SPARSIGHT_CLASSROOM"] == found["SPARSIGHT_LOCKED"] == "1"
    assert "SPARSIGHT_OPEN" not in found
    assert found["SPARSIGHT_CACHE"] == str(tmp_path / "cache")
    assert found["SPARSIGHT_PHOTOS"] == str(tmp_path / "photos")
    assert found["SPARSIGHT_HOSTS"] == "lab.example"
    assert Limits.from_environment(found).uploads == 7


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def serving(cache: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    """A real server of this cache folder, started from another folder."""
    command = [sys.executable, "-m", "core", "serve", "--json", "--folder", str(cache), "--port", str(port)]
    settings = {"SPARSIGHT_DEVICE": "cpu", "PYTHONPATH": str(REPOSITORY)}
    process = subprocess.Popen(
        command,
        cwd=cache.parent,
        env=os.environ | settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        end = time.monotonic() + PATIENCE_S
        while not is_up(port):
            assert process.poll() is None, process.stdout and process.stdout.read()
            assert time.monotonic() < end
            time.sleep(0.1)
        yield process
    finally:
        process.kill()
        process.wait()


def is_up(port: int) -> bool:
    try:
        with urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=1):
            return True
    except OSError:
        return False


@pytest.mark.parametrize("signal_", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.long)])
def test_a_server_says_what_it_is_tells_its_status_and_ends_when_it_is_told(
    signal_: signal.Signals, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cache, port = tmp_path / "cache", free_port()
    with serving(cache, port) as process:
        end = time.monotonic() + PATIENCE_S
        while main(["serve", "--status", "--json", "--folder", str(cache)]):
            assert time.monotonic() < end
            time.sleep(0.2)
        (found,) = json.loads(capsys.readouterr().out.splitlines()[-1])["servers"]
        assert (found["port"], found["process"]) == (port, process.pid)
        assert main(["serve", "--status", "--folder", str(cache)]) == 0
        text = said(capsys)
        assert f"Port {port}, process {process.pid}" in text
        assert "0 being computed, 0 in the queue" in text
        process.send_signal(signal_)
        process.wait(timeout=PATIENCE_S)
        assert not is_up(port)
        assert process.stdout is not None
        first, *more = process.stdout.read().splitlines()
    facts = json.loads(first)
    assert (facts["host"], facts["port"], facts["has_password"]) == ("127.0.0.1", port, False)
    assert [line for line in more if line not in ("", "Aborted!")] == [
        f"Sparsight: http://127.0.0.1:{port}, for a class"
    ]
    assert main(["serve", "--status", "--folder", str(cache)]) == 1


def test_a_killed_server_is_said_to_be_gone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cache, port = tmp_path / "cache", free_port()
    with serving(cache, port) as process:
        end = time.monotonic() + PATIENCE_S
        while main(["serve", "--status", "--folder", str(cache)]):
            assert time.monotonic() < end
            time.sleep(0.2)
        said(capsys)
        process.kill()
        process.wait()
    assert main(["serve", "--status", "--folder", str(cache)]) == 1
    found = said(capsys)
    assert "No server is running with this cache folder." in found
    assert f"The one on port {port} was killed: its process {process.pid} last wrote" in found


def test_no_uploads_are_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given: list[str] = []
    monkeypatch.setattr(os, "chdir", lambda _: None)
    monkeypatch.setattr(os, "execve", lambda _, __, environment: given.append(environment["SPARSIGHT_UPLOADS"]))
    assert main(["serve", "--uploads", "0", "--port", str(free_port()), "--folder", str(tmp_path)]) == 0
    assert given == ["0"]
    assert "no uploads" in said(capsys)
