"""The running server: who reaches it, when it does not start, and that a name from a file loads
nothing.
"""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
import torch

from core import Engine
from core.models.building import untrained
from core.models.own import About
from core.models.zoo import named
from pages.parts.common.serving import HEADERS, PARTS
from tests.browser.conftest import PATIENCE_MS, ROOT, OpenTab, free_port, playwright_api, served, settled

UPGRADE = (
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version:"
    " 13\r\nSec-WebSocket-Protocol: streamlit\r\n"
)


def status(server: str, path: str, host: str, more: str = "Connection: close\r\n") -> int:
    """The status that the server answers to a request with this Host and the same Origin."""
    place = urlsplit(server)
    with socket.create_connection((place.hostname, place.port), timeout=30) as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\n{more}\r\n".encode())
        return int(connection.recv(100).split()[1])


@pytest.mark.parametrize(
    ("path", "more", "answer"), [("/_stcore/stream", UPGRADE, 101), ("/", "Connection: close\r\n", 200)]
)
def test_only_the_servers_own_names_reach_it(server: str, path: str, more: str, answer: int) -> None:
    assert status(server, path, f"localhost:{urlsplit(server).port}", more) == answer
    assert status(server, path, f"evil.example:{urlsplit(server).port}", more) in (400, 403)


def test_a_page_names_its_programs_and_all_of_them_are_there(server: str) -> None:
    with urlopen(f"{server}/explore") as answer:
        named = re.findall("<(.+?)>; rel=modulepreload", answer.headers["link"])
    assert len(named) >= len(PARTS), "Streamlit has renamed its programs: see PARTS in pages/parts/common/serving.py"
    for name in named:
        with urlopen(f"{server}/{name}") as answer:
            assert "javascript" in answer.headers["content-type"]


def test_every_response_carries_the_headers(server: str) -> None:
    for path in ("", "explore", "_stcore/health", "static/js/none.js"):
        with urlopen(f"{server}/{path}") as answer:
            for name, value in HEADERS.items():
                assert answer.headers[name] == value, path


def test_an_address_without_a_page_is_not_found_and_shows_the_app(server: str, tab: OpenTab) -> None:
    host = f"localhost:{urlsplit(server).port}"
    assert [status(server, path, host) for path in ("/", "/explore", "/nosuchpage", "/explore/x")] == [
        200,
        200,
        404,
        404,
    ]
    page = tab("nosuchpage")
    page.get_by_role("link", name="Explore").first.wait_for()


def test_an_unlocked_server_does_not_start_beyond_this_machine() -> None:
    command = [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        "app.py",
        "--server.address",
        "0.0.0.0",
        "--server.port",
        str(free_port()),
    ]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 1
    assert "SPARSIGHT_LOCKED=1" in ended.stderr
    assert "http://" not in ended.stdout
    assert "Traceback" not in ended.stderr


@pytest.mark.long
def test_weights_may_be_larger_than_an_image(tab: OpenTab) -> None:
    page = tab("explore?source=own")
    with page.expect_request(lambda request: request.method == "PUT") as sent:
        page.locator("[data-testid=stFileUploader] input").first.set_input_files(
            {"name": "a.png", "mimeType": "image/png", "buffer": b"no image"}
        )
    put = """async ([url, bytes]) => {
        const form = new FormData(), token = document.cookie.match(/_streamlit_xsrf=([^;]+)/);
        form.append("file", new Blob([new Uint8Array(bytes)]), "weights.pt");
        const headers = {"X-Xsrftoken": token ? token[1] : ""};
        return (await fetch(url, {method: "PUT", body: form, headers})).status }"""
    assert page.evaluate(put, [f"{sent.value.url}x", 20_000_000]) == 204


@pytest.mark.long
def test_a_name_from_a_file_loads_nothing(browser: playwright_api.Browser, tmp_path: Path) -> None:
    beacon = "http://127.0.0.1:9/beacon.png"
    classes = (f"![b]({beacon})", f"<img src={beacon}>", f"`` `![b]({beacon})")
    state = untrained(named("squeezenet1_1").build, 1)
    state |= {name: values[:3].clone() for name, values in state.items() if name.startswith("classifier.1")}
    weights = tmp_path / "weights.pt"
    torch.save(state, weights)
    rule = replace(named("squeezenet1_1").input, size_px=(96, 96), resize_px=None)
    about = About(architecture="squeezenet1_1", classes=classes, input=rule, title=f"Mine ![b]({beacon})")
    model = Engine("cpu", tmp_path / "cache").add_model(weights, about)
    with served(tmp_path / "cache", tmp_path / "log.txt") as home:
        page, asked = browser.new_page(), []
        page.set_default_timeout(6 * PATIENCE_MS)
        page.on("request", lambda request: asked.append(request.url))
        page.goto(f"{home}/explore?model={model.name}&source=gallery&photo=cat&class=none")
        settled(page)
        page.get_by_text("Predictions of both networks").click()
        page.wait_for_selector(".js-plotly-plot .ytick, .js-plotly-plot .xtick")
        shown = page.locator("[data-testid=stApp]").inner_text().replace("\u2060", "")
        assert f"![b]({beacon})" in shown
        page.close()
    assert [url for url in asked if "beacon" in url] == []
