"""What the server says when it is up, and which addresses are pages."""

from __future__ import annotations

import socket
import threading
import time

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from pages.parts.common import serving
from pages.parts.common.frame import PAGES
from pages.parts.common.serving import KnownPages, say_when_up


async def everywhere(request: Request) -> Response:
    """Streamlit answers with the app at every address."""
    return PlainTextResponse("ok") if "_stcore" in request.url.path else HTMLResponse("<p>the app</p>")


def answers(base: str = "") -> TestClient:
    routes = [Route("/{path:path}", everywhere, methods=["GET", "HEAD"])]
    return TestClient(KnownPages(Starlette(routes=routes), base))


def test_every_page_is_known_and_nothing_else_is() -> None:
    client = answers()
    names = ["" if file == "app.py" else file.removeprefix("pages/").removesuffix(".py") for file, _, _ in PAGES]
    for path in (*names, "_stcore/health", "index.html", "component/x/index.html", "media/0a1b.html"):
        assert client.get(f"/{path}?sparsity=90").status_code == 200, path
    for path in ("nosuchpage", "explore/x", "x/explore", "Explore", "explore%20"):
        reply = client.get(f"/{path}")
        assert (reply.status_code, reply.text) == (404, "<p>the app</p>"), path
        assert client.head(f"/{path}").status_code == 404


@pytest.mark.parametrize("base", ["class", "/class/"])
def test_pages_below_a_path_are_known(base: str) -> None:
    client = answers(base)
    assert [client.get(path).status_code for path in ("/class/", "/class/explore", "/class/x")] == [200, 200, 404]


@pytest.mark.parametrize("address", ["127.0.0.1", "0.0.0.0", ""])
def test_the_server_is_said_to_be_up_when_it_answers_and_not_before(
    address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as bound:
        bound.bind((address, 0))
        telling = threading.Thread(target=say_when_up, args=("It is up.", address, bound.getsockname()[1]), daemon=True)
        telling.start()
        time.sleep(0.3)
        assert capsys.readouterr().out == ""
        bound.listen()
        telling.join(20)
        assert capsys.readouterr().out == "It is up.\n"


@pytest.mark.parametrize(
    ("address", "network", "said"),
    [
        ("127.0.0.1", "192.168.1.20", "http://127.0.0.1:8501"),
        ("0.0.0.0", "192.168.1.20", "http://192.168.1.20:8501"),
        ("", "192.168.1.20", "http://192.168.1.20:8501"),
        ("0.0.0.0", None, "http://0.0.0.0:8501"),
        ("::1", "192.168.1.20", "http://[::1]:8501"),
    ],
)
def test_the_address_is_one_that_a_browser_opens(
    address: str, network: str | None, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "local_address", lambda: network)
    assert serving.url(address, 8501) == said
