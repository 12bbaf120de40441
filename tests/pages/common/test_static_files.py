"""Streamlit's own files from memory: the same answers as Streamlit's, and only for its files."""

from __future__ import annotations

from pathlib import Path

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.testclient import TestClient
from streamlit.web.server.starlette.starlette_static_routes import create_streamlit_static_handler

from pages.parts.common.serving import STATIC, Headed
from pages.parts.common.static_files import PIECE, StaticFiles

HELD = [f"/static/{path.parent.name}/{path.name}" for path in sorted((STATIC / "static" / "js").glob("[PRs]*.js"))]


def asked(*, kept: bool, base: str = "") -> TestClient:
    """Streamlit's handler of files, with or without ours before it, inside other middleware."""
    ours = [Middleware(StaticFiles, folder=STATIC, base=base)] if kept else []
    files = create_streamlit_static_handler(str(STATIC), base)
    return TestClient(
        Starlette(routes=[Mount(f"/{base}" if base else "/", files)], middleware=[Middleware(Headed), *ours])
    )


@pytest.mark.parametrize("base", ["", "lab"])
def test_answers_are_streamlits_at_first_and_again(base: str) -> None:
    plain, ours = asked(kept=False, base=base), asked(kept=True, base=base)
    large = [path for path in HELD if (STATIC / path.removeprefix("/")).stat().st_size > 2 * PIECE]
    assert large
    for path in [*HELD, "/static/js/missing.0000.js", "/index.html", "/", "/static/", "/static/js/../../index.html"]:
        path = f"/{base}{path}" if base else path
        usual = plain.get(path)
        for _ in range(3):
            found = ours.get(path)
            assert (found.status_code, found.content) == (usual.status_code, usual.content)
            assert sorted(found.headers.items()) == sorted(usual.headers.items())


def test_conditions_parts_and_other_methods_are_left_to_streamlit() -> None:
    ours, path = asked(kept=True), HELD[0]
    whole = ours.get(path)
    assert ours.get(path, headers={"range": "bytes=0-9"}).content == whole.content[:10]
    assert ours.get(path, headers={"if-none-match": whole.headers["etag"]}).status_code == 304
    head = ours.head(path)
    assert (head.status_code, head.content) == (200, b"")
    assert ours.post(path).status_code == 405
    assert ours.get(path).content == whole.content


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("static/js/own.1234.js", "index.html"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


def test_each_file_is_read_once_and_no_other_answer_is_kept(folder: Path) -> None:
    calls: list[str] = []
    status = [503]

    def answer(request) -> Response:
        calls.append(request.url.path)
        return Response(f"{len(calls)}", status[0], media_type="text/javascript")

    app = Starlette(routes=[Route("/{path:path}", answer)], middleware=[Middleware(StaticFiles, folder=folder)])
    client = TestClient(app)
    assert client.get("/static/js/own.1234.js").status_code == 503
    status[0] = 200
    assert {client.get("/static/js/own.1234.js?a=1").text for _ in range(3)} == {"2"}
    assert [client.get("/index.html").text for _ in range(2)] == ["3", "4"]
    assert calls == ["/static/js/own.1234.js"] * 2 + ["/index.html"] * 2
