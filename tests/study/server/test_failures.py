"""When something fails, nothing that was confirmed is lost, and the page says the next step; what
nobody may see is not shown.
"""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text, update
from starlette.testclient import TestClient

from core.base.errors import BadFile
from core.study.folder import Study, open_study
from core.study.server.app import NOT_STORED, create_app
from core.study.server.guard import HEADERS, MOST_BYTES
from core.study.tables import META, writing
from tests.full_disk import filled
from tests.study.server.conftest import Visit, Visitor, hidden, server_spec, write_study


def fill_until_refused(person: Visitor) -> str:
    """Answer until the database is full; return the page that says so."""
    while True:
        before = len(person.study.answers.frame())
        page = person.step()
        if page.status_code == 503 and page.request.method == "POST":
            assert len(person.study.answers.frame()) == before
            return page.text
        assert person.place.stage != "done", "the database was never full"


def resume_with_the_kept_form(person: Visitor, page: str) -> None:
    """Press "Try again": the answer is stored this time."""
    before = person.study.answers.frame()
    path = page[page.index('action="') + 8 :].split('"')[0]
    reply = person.client.post(path, data=hidden(page))
    assert reply.status_code == 200
    after = person.study.answers.frame()
    assert after["side"].tolist()[:-1] == before["side"].tolist()
    assert len(after) == len(before) + 1


@contextmanager
def files_up_to(size: int) -> Iterator[None]:
    """No file can grow beyond this size: the system refuses to write more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_database_that_cannot_grow_loses_nothing(file_study: Study) -> None:
    person = Visitor(file_study, create_app(file_study))
    person.join()
    person.until("trial")
    person.step()
    log = file_study.home / "study.db-wal"
    with files_up_to(log.stat().st_size):
        page = fill_until_refused(person)
    assert NOT_STORED in page
    assert "disk" not in page  # what ails the database is for the researcher
    resume_with_the_kept_form(person, page)


def test_a_full_disk_loses_nothing(small_disk: Path) -> None:
    study = write_study(small_disk, server_spec())
    person = Visitor(study, create_app(study))
    person.join()
    person.until("trial")
    filler = filled(small_disk)
    page = fill_until_refused(person)
    kept = study.answers.frame()["side"].tolist()
    study.engine.dispose()
    filler.unlink()
    again = open_study(small_disk, study.name)  # as after a restart
    assert again.answers.frame()["side"].tolist() == kept
    resume_with_the_kept_form(person, page)


def test_an_answer_that_was_not_stored_is_said_to_be_not_stored(file_study: Study) -> None:
    person = Visitor(file_study, create_app(file_study))
    person.join()
    person.until("trial")
    with writing(file_study.engine) as connection:
        connection.execute(text("ALTER TABLE answers RENAME TO gone"))
    reply = person.post("trial/1", answer="left")
    assert reply.status_code == 503
    assert not reply.history  # the script tells it by that from a page that failed afterwards
    assert NOT_STORED in reply.text
    assert reply.headers["retry-after"] == "5"
    page = person.see()
    assert page.status_code == 503
    assert "Try again" in page.text
    assert "gone" not in page.text


def test_a_database_of_another_version_is_refused(file_study: Study) -> None:
    with writing(file_study.engine) as connection:
        connection.execute(update(META).where(META.c.name == "schema").values(value="0"))
    with pytest.raises(BadFile, match="version 0"):
        open_study(file_study.home.parents[1], file_study.name)


def test_an_unknown_participant_and_an_unknown_page_lead_back(visit: Visit) -> None:
    client = visit().client
    for path, words in (("/p/nobody", "belongs to no participant"), ("/nothing", "There is no such page")):
        reply = client.get(path)
        assert reply.status_code == 404
        assert words in reply.text
        assert 'href="/"' in reply.text
    assert client.post("/p/nobody/trial/1", data={"answer": "left"}).status_code == 404
    assert client.get("/p/%00%0d%0a/trial").status_code == 404


def test_a_mistake_of_the_program_is_a_calm_page(file_study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    person = Visitor(file_study, create_app(file_study))
    person.join()
    monkeypatch.setattr(type(file_study.answers), "show", lambda *_: 1 / 0)
    reply = person.see()
    assert reply.status_code == 500
    assert "Something went wrong" in reply.text
    assert "ZeroDivision" not in reply.text
    assert reply.headers["content-security-policy"] == HEADERS["Content-Security-Policy"]


def test_bodies_are_bounded(person: Visitor) -> None:
    person.until("trial")
    assert person.post("trial/1", answer="left", more="x" * MOST_BYTES).status_code == 413
    reply = person.client.post(f"/p/{person.token}/trial/1", data={f"f{n}": "1" for n in range(100)})
    assert reply.status_code == 400
    chunks = (b"a=" + b"x" * 1000 for _ in range(100))
    assert person.client.post("/join", content=chunks).status_code == 413
    assert person.client.post("/join", content=b"\xff\xfe\0").status_code == 200
    assert person.study.answers.frame().empty


def test_a_form_of_another_site_is_refused(person: Visitor) -> None:
    person.until("trial")
    reply = person.client.post(
        f"/p/{person.token}/trial/1", data={"answer": "left"}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert reply.status_code == 403
    assert person.study.answers.frame().empty


def test_every_reply_carries_the_headers(person: Visitor) -> None:
    person.until("trial")
    name = (person.place.item or {})["picture"]
    kept = {f"/pictures/{name}": True, "/static/style.css": True}
    for path in ("/", f"/p/{person.token}", "/nothing", "/researcher", "/pictures/x.png", "/static/x", *kept):
        reply = person.client.get(path)
        assert {key: reply.headers.get(key) for key in HEADERS} == HEADERS
        assert ("immutable" in reply.headers["cache-control"]) == kept.get(path, False)
        assert reply.headers["cache-control"] == "no-store" or kept.get(path)
        assert "<script>" not in reply.text
        assert "style=" not in reply.text
        assert "http" not in reply.text.replace("http-equiv", "") or "svg" in path


def test_only_the_pictures_of_the_study_are_given_out(person: Visitor) -> None:
    home = person.study.home
    (home / "pictures" / "other.png").write_bytes(b"secret")
    (home / "secret").write_text("secret")
    for path in (
        "/pictures/other.png",
        "/pictures/../secret",
        "/pictures/..%2fsecret",
        "/pictures/%2e%2e%2fstudy.json",
        "/pictures//etc/passwd",
        "/pictures/",
        "/static/../app.py",
        "/static/..%2fapp.py",
        "/static/%2e%2e/app.py",
        "/static/",
    ):
        reply = person.client.get(path)
        assert reply.status_code == 404, path
        assert "secret" not in reply.text
    person.until("trial")
    name = (person.place.item or {})["picture"]
    reply = person.client.get(f"/pictures/{name}")
    assert reply.headers["content-type"] == "image/png"
    assert reply.content == (person.study.pictures / name).read_bytes()
    (person.study.pictures / name).unlink()
    assert person.client.get(f"/pictures/{name}").status_code == 404


def test_no_page_names_a_file_of_this_machine(file_study: Study) -> None:
    client = TestClient(create_app(file_study), raise_server_exceptions=False)
    (file_study.home / "study.db").rename(file_study.home / "away.db")
    file_study.engine.dispose()
    page = client.get("/")
    assert page.status_code == 503
    assert str(file_study.home) not in page.text
    assert "study.db" not in page.text
