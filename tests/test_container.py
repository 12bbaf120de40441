"""What can be shown of Containerfile without a container tool: the files that it copies are enough,
its command starts the server, its health check tells whether it answers.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).parents[1]
PATIENCE_S = 60  # a busy machine starts slowly


@cache
def instructions() -> list[tuple[str, str]]:
    """(COPY, core core) and so on, in order."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Containerfile").read_text(), flags=re.MULTILINE).replace("\\\n", " ")
    return [(line.split()[0], " ".join(line.split()[1:])) for line in text.splitlines() if line.strip()]


def given(name: str) -> list[str]:
    return [rest for instruction, rest in instructions() if instruction == name]


def variables() -> dict[str, str]:
    return dict(pair.split("=", 1) for line in given("ENV") for pair in line.split())


@cache
def copied() -> dict[str, str]:
    """Path in git -> path in the image."""
    files: dict[str, str] = {}
    for line in given("COPY"):
        *sources, target = line.split()
        for source in sources:
            listed = subprocess.run(["git", "ls-files", "--", source], cwd=ROOT, capture_output=True, text=True)
            tracked = listed.stdout.splitlines()
            assert tracked, f"{source} is not in git"
            place = PurePosixPath(target, source) if target.endswith("/") else PurePosixPath(target)
            files |= {path: str(place / PurePosixPath(path).relative_to(source)) for path in tracked}
    return files


def is_sent(path: str) -> bool:
    """Whether the ignore file lets a path into the build: of the rules that fit it or a folder
    above it, the last one counts.
    """
    sent = True
    for rule in (ROOT / ".dockerignore").read_text().splitlines():
        pattern, parts = rule.removeprefix("!"), PurePosixPath(path).parts
        if not rule or rule.startswith("#"):
            continue
        anywhere = pattern.startswith("**/")
        starts = range(len(parts)) if anywhere else (0,)
        inner = PurePosixPath(pattern.removeprefix("**/")).parts
        if any(
            len(parts) - start >= len(inner) and all(map(fnmatch, parts[start : start + len(inner)], inner))
            for start in starts
        ):
            sent = rule.startswith("!")
    return sent


def free_port() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what the image holds, and nothing else."""
    home = tmp_path_factory.mktemp("image") / "app"
    for source, target in copied().items():
        (home / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / source, home / target)
    return home


def environment(folder: Path) -> dict[str, str]:
    """That of the image, with a cache folder of the test's own."""
    kept = {name: os.environ[name] for name in ("PATH", "OMP_NUM_THREADS", "OMP_WAIT_POLICY") if name in os.environ}
    mine = {"SPARSIGHT_CACHE": str(folder / "cache"), "SPARSIGHT_DEVICE": "cpu", "HOME": str(folder)}
    return kept | variables() | mine | {"PYTHONDONTWRITEBYTECODE": "1"}


@contextmanager
def running(command: list[str], image: Path, folder: Path) -> Iterator[tuple[subprocess.Popen, Path]]:
    """The server and its log."""
    log = folder / "log.txt"
    with log.open("w") as output:
        process = subprocess.Popen(
            command, cwd=image, env=environment(folder), stdout=output, stderr=subprocess.STDOUT, text=True
        )
    try:
        yield process, log
    finally:
        process.terminate()
        process.wait(timeout=20)


def test_files_that_are_copied_are_in_git_and_sent() -> None:
    assert {"app.py", "requirements.txt", ".streamlit/config.toml", "core/__main__.py"} <= set(copied())
    assert [path for path in copied() if not is_sent(path)] == []


@pytest.mark.parametrize(
    "path",
    [
        ".git/config",
        ".venv/bin/python",
        ".streamlit-secrets.toml",
        "core/__pycache__/x.pyc",
        "data/train.zip",
        "models_cache/downloads/vgg16.pth",
        "models_cache/jobs/retrain-1/job.json",
        "tests/conftest.py",
    ],
)
def test_nothing_else_is_sent(path: str) -> None:
    assert not is_sent(path)


def test_the_image_fits_what_the_project_asks_for() -> None:
    (base,) = given("FROM")
    version = tuple(map(int, re.fullmatch(r"python:(\d+)\.(\d+)-slim", base).groups()))
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
    assert version >= tuple(map(int, wanted.removeprefix(">=").split(".")))
    order = [name for name, _ in instructions()]
    assert given("USER") == ["sparsight"]
    assert not {"COPY", "RUN"} & set(order[order.index("USER") :])
    assert given("VOLUME") == [variables()["SPARSIGHT_CACHE"]]


def test_variables_of_the_image_are_read_by_the_code() -> None:
    sources = (path.read_text() for folder in ("core", "pages") for path in (ROOT / folder).rglob("*.py"))
    known = set(re.findall(r"SPARSIGHT_[A-Z_]+", " ".join(sources)))
    assert set(re.findall(r"SPARSIGHT_[A-Z_]+", (ROOT / "Containerfile").read_text())) <= known
    assert variables()["SPARSIGHT_LOCKED"] == "1"


def test_the_command_starts_a_locked_server_that_the_health_check_finds(image: Path, tmp_path: Path) -> None:
    port, (published,) = free_port(), given("EXPOSE")
    (said,), (health,) = given("CMD"), given("HEALTHCHECK")
    (program, *options), (python, *check) = json.loads(said), json.loads(health[health.index("CMD") + 3 :])
    assert entry_points(group="console_scripts", name=program)
    assert published in options
    assert python == "python"
    assert f"http://127.0.0.1:{published}/_stcore/health'" in check[-1]  # other paths are answered with the app itself
    options = [port if option == published else option for option in options]
    asked = [sys.executable, *(part.replace(published, port) for part in check)]

    def healthy() -> bool:
        return subprocess.run(asked, capture_output=True, check=False).returncode == 0

    assert not healthy()
    with running([sys.executable, "-m", program, *options], image, tmp_path) as (process, log):
        end = time.monotonic() + PATIENCE_S
        while not healthy():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.1)
        assert f":{port}, locked" in log.read_text()
        assert "Traceback" not in log.read_text()


@pytest.mark.long
def test_the_files_are_enough_for_a_page_and_a_command(image: Path, tmp_path: Path) -> None:
    script = """
from streamlit.testing.v1 import AppTest
app = AppTest.from_file("app.py", default_timeout=60)
app.switch_page("pages/curves.py")
app.run()
assert not app.exception and not app.error and app.header, (app.exception, app.error)
from core.cli.main import main
assert main(["info"]) == 0
"""
    command = [sys.executable, "-c", script]
    ended = subprocess.run(command, cwd=image, env=environment(tmp_path), capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
