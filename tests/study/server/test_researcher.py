"""The researcher's pages: nothing without the password, and no token anywhere."""

from __future__ import annotations

import io
import re
import stat
from pathlib import Path

import pandas
import pytest
from httpx2 import Response
from starlette.testclient import TestClient

from core.base.errors import BadSpec
from core.base.passwords import FREE, LONGEST_WAIT_S, Attempts
from core.study.folder import Study
from core.study.server.app import create_app
from core.study.server.password import has_password, is_password, set_password
from core.study.server.researcher import PRIVATE
from core.study.tables import connect, sqlite_url
from tests.study.server.conftest import PASSWORD, Visitor, hidden

CLOSED = ("counts", "answers.csv", "design.csv", "participants.csv", "backup.db")
FORMS = ("open", "exclude", "logout")


class Desk:
    """The researcher's browser."""

    def __init__(self, study: Study, address: str = "10.0.0.1") -> None:
        self.study, self.app = study, create_app(study)
        self.client = self.browser(address)

    def browser(self, address: str) -> TestClient:
        return TestClient(self.app, client=(address, 5000))

    def log_in(self, password: str = PASSWORD) -> Response:
        return self.client.post("/researcher/login", data={"password": password})

    def send(self, path: str, **fields: str) -> Response:
        form = hidden(self.client.get("/researcher").text)
        return self.client.post(f"/researcher/{path}", data=form | fields)

    def table(self, name: str) -> pandas.DataFrame:
        return pandas.read_csv(io.StringIO(self.client.get(f"/researcher/{name}").text))


@pytest.fixture
def desk(file_study: Study) -> Desk:
    """A researcher who has logged in, and one participant with two answers."""
    set_password(file_study, PASSWORD)
    made = Desk(file_study)
    made.log_in()
    person = Visitor(file_study, made.app)
    person.join("?PROLIFIC_PID=p1")
    person.until("trial")
    for _ in range(2):
        person.step()
    made.person = person  # type: ignore[attr-defined]
    return made


def test_without_a_password_nothing_is_shown(file_study: Study) -> None:
    desk = Desk(file_study)
    page = desk.client.get("/researcher")
    assert page.status_code == 403
    assert "python -m core study password small" in page.text
    assert "Participants" not in page.text
    assert desk.log_in("").url.path == "/researcher"
    for path in CLOSED:
        assert desk.client.get(f"/researcher/{path}").url.path == "/researcher"


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"$argon2id$v=19$m=65536"])
def test_a_damaged_password_opens_nothing_until_it_is_set_again(desk: Desk, content: bytes) -> None:
    (desk.study.home / "password").write_bytes(content)
    assert not has_password(desk.study)
    page = desk.client.get("/researcher")
    assert page.status_code == 403
    assert "its file is damaged" in page.text
    assert "python -m core study password small" in page.text
    assert "Participants" not in page.text
    set_password(desk.study, PASSWORD)
    assert "Participants" in desk.log_in().text


@pytest.mark.parametrize("content", [b"", b"\xff\xfe"])
def test_a_damaged_secret_is_drawn_anew(file_study: Study, content: bytes) -> None:
    set_password(file_study, PASSWORD)
    (file_study.home / "session-secret").write_bytes(content)
    assert "Participants" in Desk(file_study).log_in().text
    assert len((file_study.home / "session-secret").read_text()) > 30


def test_nothing_opens_without_the_password(desk: Desk) -> None:
    stranger = desk.browser("10.0.0.2")
    for path in CLOSED:
        reply = stranger.get(f"/researcher/{path}")
        assert (reply.url.path, "Password" in reply.text) == ("/researcher", True)
    for path in FORMS:
        reply = stranger.post(f"/researcher/{path}", data={"participant": "1", "open": "no", "form": "x"})
        assert "Password" in reply.text
    stranger.cookies.set("sparsight-researcher-small", "invented.aGk.signature")
    assert "Password" in stranger.get("/researcher").text
    assert desk.study.answers.is_open
    assert desk.study.answers.counts()["excluded"] == 0


def test_the_password_is_kept_as_a_hash_that_only_its_owner_reads(file_study: Study) -> None:
    with pytest.raises(BadSpec, match="7 characters"):
        set_password(file_study, "1234567")
    assert not has_password(file_study)
    set_password(file_study, PASSWORD)
    for name in ("password", "session-secret"):
        create_app(file_study)
        path = file_study.home / name
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert PASSWORD not in path.read_text()
    assert (file_study.home / "password").read_text().startswith("$argon2id$")
    assert is_password(file_study, PASSWORD)
    assert not is_password(file_study, PASSWORD + " ")
    (file_study.home / "password").write_text("")
    assert not is_password(file_study, "")


def test_a_few_wrong_attempts_make_one_wait(desk: Desk) -> None:
    desk.client = desk.browser("10.0.0.3")
    assert [desk.log_in("wrong").status_code for _ in range(FREE)] == [403] * FREE
    reply = desk.log_in()
    assert reply.status_code == 429
    assert int(reply.headers["retry-after"]) >= 1
    assert "Too many attempts" in reply.text
    desk.client = desk.browser("10.0.0.4")  # others are not locked out
    assert desk.log_in().status_code == 200


def test_each_further_attempt_doubles_the_wait() -> None:
    attempts, waits = Attempts(), []
    for _ in range(FREE + 12):
        attempts.failed("a")
        waits.append(attempts.wait_s("a"))
    assert waits[: FREE - 1] == [0] * (FREE - 1)
    assert waits[FREE - 1 : FREE + 4] == pytest.approx([1, 2, 4, 8, 16], abs=0.5)
    assert waits[-1] == pytest.approx(LONGEST_WAIT_S, abs=0.5)
    assert attempts.wait_s("b") == 0
    attempts.succeeded("a")
    assert attempts.wait_s("a") == 0


def test_the_session_is_signed_strict_and_ends_with_the_password(desk: Desk) -> None:
    reply = desk.client.post("/researcher/login", data={"password": PASSWORD}, follow_redirects=False)
    cookie = reply.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Path=/researcher" in cookie
    assert "Downloads" in desk.client.get("/researcher").text
    set_password(desk.study, "another password")
    assert "Downloads" not in desk.client.get("/researcher").text
    desk.log_in("another password")
    desk.send("logout")
    assert "Downloads" not in desk.client.get("/researcher").text


def test_a_form_without_its_token_changes_nothing(desk: Desk) -> None:
    for token in ("", "x", hidden(Desk_of(desk).client.get("/researcher").text)["form"]):
        reply = desk.client.post("/researcher/open", data={"open": "no", "form": token})
        assert reply.status_code == 403
    assert desk.study.answers.is_open


def Desk_of(desk: Desk) -> Desk:
    """Return another session of the same researcher."""
    other = Desk.__new__(Desk)
    other.study, other.app = desk.study, desk.app
    other.client = desk.browser("10.0.0.9")
    other.log_in()
    return other


def test_the_study_is_closed_and_opened(desk: Desk) -> None:
    page = desk.send("open", open="no")
    assert "The study is closed" in page.text
    assert not desk.study.answers.is_open
    assert "The study is open" in desk.send("open", open="yes").text


def test_a_participant_is_excluded_and_included(desk: Desk) -> None:
    page = desk.send("exclude", participant="1", reason="<i>asleep</i>", do="exclude")
    assert "&lt;i&gt;asleep&lt;/i&gt;" in page.text
    assert desk.study.answers.participants()["excluded"].tolist() == ["<i>asleep</i>"]
    assert len(desk.study.answers.frame()) == 2
    assert "Include again" in page.text
    desk.send("exclude", participant="1", do="include")
    assert desk.study.answers.counts()["excluded"] == 0
    assert desk.send("exclude", participant="1; DROP", do="exclude").status_code == 400


def test_counts_are_live(desk: Desk) -> None:
    before = desk.client.get("/researcher/counts").json()
    assert before["answers"].startswith("2 of ")
    desk.person.step()  # type: ignore[attr-defined]
    after = desk.client.get("/researcher/counts").json()
    assert after["answers"].startswith("3 of ")
    page = desk.client.get("/researcher").text
    for words, count in after.items():
        assert f"<dt>{words}</dt><dd>{count}</dd>" in page


def test_downloads_hold_the_answers_and_ids_only_when_asked(desk: Desk) -> None:
    answers = desk.table("answers.csv")
    assert answers["side"].tolist() == ["left", "left"]
    assert len(desk.table("design.csv")) == len(desk.study.answers.design())
    assert not set(desk.table("participants.csv")) & set(PRIVATE)
    assert desk.table("participants.csv?ids=1")["recruited"].tolist() == ["PROLIFIC_PID=p1"]
    assert not set(answers) & {"token", "ids", "recruited"}


def test_the_backup_is_a_database_with_every_answer(desk: Desk, tmp_path: Path) -> None:
    reply = desk.client.get("/researcher/backup.db")
    path = tmp_path / "copy.db"
    path.write_bytes(reply.content)
    engine = connect(sqlite_url(path))
    with engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT COUNT(*) FROM answers").scalar() == 2
    engine.dispose()


def test_no_download_and_no_page_holds_a_token(desk: Desk) -> None:
    token = desk.person.token  # type: ignore[attr-defined]
    for path in ("", *(f"/{name}" for name in CLOSED), "/participants.csv?ids=1"):
        assert token.encode() not in desk.client.get(f"/researcher{path}").content


def test_many_participants_are_shown_in_pages(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from core.study.server import researcher

    monkeypatch.setattr(researcher, "A_PAGE", 1)
    Visitor(desk.study, desk.app).join()
    numbers = [re.findall(r'scope="row">(\d+)<', desk.client.get(f"/researcher?page={n}").text) for n in (1, 2, 99)]
    assert numbers == [["2"], ["1"], ["1"]]
    assert desk.client.get("/researcher?page=x").status_code == 200
