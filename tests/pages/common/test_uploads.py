"""What visitors upload is bounded in files and bytes, also if no page asks for it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.uploaded_file_manager import UploadedFileRec

from core.classroom.limits import Limits
from core.data.images import MAX_BYTES
from pages.parts.common import access, uploads
from pages.parts.common.uploads import FRAMING_BYTES, Uploads
from tests.pages.conftest import DIGITS, open_page

PHOTOS = {"model": "efficientnet-lite0"}
LIMITS = Limits(uploads=3, upload_bytes=1000, all_upload_bytes=1500)
PLACE = "/_stcore/upload_file/{session}/{file}"


class Server:
    """Keeps what it is sent, as Streamlit does; refuses files that begin with "bad"."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], int] = {}
        self.app = Uploads(Starlette(routes=[Route(PLACE, self.file, methods=["PUT", "DELETE"])]))
        self.client = TestClient(self.app)

    async def file(self, request: Request) -> Response:
        key = request.path_params["session"], request.path_params["file"]
        if request.method == "DELETE":
            self.kept.pop(key, None)
            return Response(status_code=204)
        body = await request.body()
        if body.startswith(b"bad"):
            raise HTTPException(400)
        self.kept[key] = len(body)
        return Response(status_code=204)

    def put(self, session: str, file: str, body: bytes) -> int:
        return self.client.put(PLACE.format(session=session, file=file), content=body).status_code

    def delete(self, session: str, file: str) -> int:
        return self.client.delete(PLACE.format(session=session, file=file)).status_code


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Sessions that are closed; all others are open."""
    found: set[str] = set()
    monkeypatch.setattr(uploads, "_is_open", lambda session: session not in found)
    for name, value in LIMITS.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SPARSIGHT_LOCKED", "1")
    return found


@pytest.fixture
def server(closed: set[str]) -> Iterator[Server]:
    made = Server()
    with made.client:
        yield made


def test_the_files_of_a_visitor_are_bounded(server: Server) -> None:
    assert [server.put("a", str(number), b"x") for number in range(5)] == [204, 204, 204, 413, 413]
    assert server.put("b", "1", b"x") == 204
    assert server.delete("a", "1") == 204
    assert server.put("a", "4", b"x") == 204


def test_bytes_of_a_visitor_and_of_all_are_bounded(server: Server) -> None:
    assert [server.put("a", "1", b"x" * 600), server.put("a", "2", b"x" * 600)] == [204, 413]
    assert [server.put("b", "1", b"x" * 600), server.put("c", "1", b"x" * 600)] == [204, 413]
    assert server.put("c", "1", b"x" * 300) == 204


def test_an_image_is_bounded_before_it_is_read(server: Server) -> None:
    assert server.put("a", "1", b"x" * (MAX_BYTES + FRAMING_BYTES + 1)) == 413
    assert server.kept == {}


def test_a_request_that_says_less_than_it_sends_is_cut_off(server: Server) -> None:
    def more() -> Iterator[bytes]:
        for _ in range(3):
            yield b"x" * MAX_BYTES  # sent in chunks, so that no length is said

    place = PLACE.format(session="a", file="1")
    assert server.client.put(place, content=more()).status_code == 413
    assert server.client.put(place, content=b"x" * 600, headers={"content-length": "2"}).status_code in (204, 413)
    assert sum(server.kept.values()) <= LIMITS.upload_bytes


def test_a_closed_session_gives_its_room_back(server: Server, closed: set[str]) -> None:
    server.put("a", "1", b"x" * 900)
    assert server.put("b", "1", b"x" * 900) == 413
    closed.add("a")
    assert server.put("b", "1", b"x" * 900) == 204
    assert server.app.counts() == {"files": 1, "bytes": 900}


def test_the_files_of_a_closed_session_are_freed(monkeypatch: pytest.MonkeyPatch, closed: set[str]) -> None:
    class Running:
        uploaded_file_mgr = MemoryUploadedFileManager("")

        def is_active_session(self, session: str) -> bool:
            return session not in closed

    files, app = Running.uploaded_file_mgr, Uploads(Starlette())
    for session in ("a", "b"):
        files.add_file(session, UploadedFileRec(file_id="1", name="cat.png", type="image/png", data=b"x" * 900))
        app._kept[session]["1"] = 900
    monkeypatch.setattr(uploads.runtime, "exists", lambda: True)
    monkeypatch.setattr(uploads.runtime, "get_instance", Running)
    closed.add("a")
    assert app.counts() == {"files": 1, "bytes": 900}
    assert [len(files.get_files(session, ["1"])) for session in ("a", "b")] == [0, 1]


def test_uploads_can_be_switched_off_for_visitors(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARSIGHT_UPLOADS", "0")
    reply = server.client.put(PLACE.format(session="a", file="1"), content=b"x")
    assert (reply.status_code, reply.text) == (413, access.NO_UPLOADS)
    monkeypatch.setattr(uploads.teacher, "is_session", lambda session: session == "teacher")
    assert server.put("teacher", "1", b"x") == 204
    assert server.delete("teacher", "2") == 204
    assert "teacher" not in server.app._kept  # nor are the teacher's files freed with those that count


@pytest.mark.parametrize(
    ("page", "view", "instead"),
    [("explore", DIGITS, "Digits"), ("explore", PHOTOS, "Gallery"), ("compare", PHOTOS, "Gallery")],
)
def test_pages_offer_no_uploads_where_they_are_switched_off(
    page: str, view: dict[str, str], instead: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPARSIGHT_UPLOADS", "0")
    assert open_page(page, source="own", **view).file_uploader  # a server of one person has no limits
    monkeypatch.setenv("SPARSIGHT_LOCKED", "1")
    app = open_page(page, source="own", **view)
    assert not app.exception
    assert not app.error
    assert not app.file_uploader
    assert [warning.value for warning in app.warning if "source=own" in warning.value] == [
        "`source=own` cannot be used here: uploads are switched off on this server."
        f" The source is **{instead}** instead."
    ]
    (source,) = (each for each in (*app.segmented_control, *app.selectbox) if each.key == "source")
    assert instead in source.options
    assert "Your own" not in source.options
    assert not any("source=own" in warning.value for warning in open_page(page, **view).warning)
    monkeypatch.setenv("SPARSIGHT_UPLOADS", "1")
    assert open_page(page, source="own", **view).file_uploader


def test_a_server_of_one_person_has_no_limits(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPARSIGHT_LOCKED")
    assert server.put("a", "1", b"x" * (MAX_BYTES + FRAMING_BYTES + 1)) == 204


kinds = st.sampled_from(("put", "put", "bad", "delete"))
asked = st.tuples(kinds, st.sampled_from("ab"), st.sampled_from("123456"), st.integers(3, 700))


@pytest.mark.usefixtures("closed")
def test_whatever_is_sent_what_is_kept_stays_within_the_limits() -> None:
    @given(st.lists(asked, max_size=25))
    def holds(requests: list[tuple[str, str, str, int]]) -> None:
        server = Server()
        for kind, session, file, size in requests:
            if kind == "delete":
                server.delete(session, file)
            else:
                server.put(session, file, b"bad" if kind == "bad" else b"x" * size)
            for name in "ab":
                own = [kept for (owner, _), kept in server.kept.items() if owner == name]
                assert len(own) <= LIMITS.uploads
                assert sum(own) <= LIMITS.upload_bytes
            assert server.app.counts() == {"files": len(server.kept), "bytes": sum(server.kept.values())}

    holds()
