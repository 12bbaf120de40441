"""The teacher's password: a hash that its owner reads, and a door that nobody guesses open."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from core.base.errors import BadSpec, CacheNotWritable
from core.base.passwords import Attempts
from core.classroom.password import (
    FREE,
    FREE_IN_ALL,
    LONGEST_WAIT_S,
    PLACE,
    Door,
    WrongPassword,
    problem,
    set_password,
)

PASSWORD = "correct horse battery"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    set_password(tmp_path, PASSWORD)
    return tmp_path


def test_it_is_kept_as_a_hash_that_only_its_owner_reads(home: Path) -> None:
    path = home / PLACE
    assert not problem(home)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text().startswith("$argon2id$")
    assert PASSWORD not in path.read_text()
    assert list(path.parent.iterdir()) == [path]


def test_a_short_one_is_refused_and_nothing_is_kept(tmp_path: Path) -> None:
    with pytest.raises(BadSpec, match="7 characters"):
        set_password(tmp_path, "1234567")
    assert problem(tmp_path)


def test_a_folder_that_cannot_be_written_is_named() -> None:
    with pytest.raises(CacheNotWritable, match="/dev/null"):
        set_password(Path("/dev/null/cache"), PASSWORD)


def test_only_the_password_opens(home: Path) -> None:
    door = Door()
    door.open(home, "teacher", PASSWORD)
    for number, wrong in enumerate((PASSWORD + " ", PASSWORD.upper(), "x" * 10_000)):
        with pytest.raises(WrongPassword, match="not the password"):
            door.open(home, str(number), wrong)


def test_an_empty_one_opens_nothing_and_is_no_attempt(home: Path) -> None:
    door = Door()
    for _ in range(2 * FREE):
        with pytest.raises(WrongPassword, match="The password is missing"):
            door.open(home, "teacher", "")
    door.open(home, "teacher", PASSWORD)


def test_without_a_password_nothing_opens(tmp_path: Path) -> None:
    with pytest.raises(WrongPassword):
        Door().open(tmp_path, "anybody", "")
    (tmp_path / PLACE).parent.mkdir()
    (tmp_path / PLACE).write_text("")
    with pytest.raises(WrongPassword):
        Door().open(tmp_path, "another", "")


@pytest.mark.parametrize("harm", [b"", b"\xff\xfe\x00", b"four random words", b"$argon2id$v=19$m=65536,t=3$x$y"])
def test_a_damaged_file_opens_nothing_and_says_what_to_do(home: Path, harm: bytes) -> None:
    whole = (home / PLACE).read_bytes()
    for content in (harm, whole[:-5], whole[: len(whole) // 2] + harm):
        (home / PLACE).write_bytes(content)
        assert "damaged" in problem(home)
        assert "python -m core serve --set-password" in problem(home)
        with pytest.raises(WrongPassword):
            Door().open(home, "teacher", PASSWORD)
    set_password(home, PASSWORD)
    assert problem(home) == ""
    Door().open(home, "teacher", PASSWORD)


def test_a_session_that_guesses_waits_and_others_do_not(home: Path) -> None:
    door = Door()
    for _ in range(FREE):
        with pytest.raises(WrongPassword, match="not the password"):
            door.open(home, "guesser", "wrong")
    with pytest.raises(WrongPassword, match="too many attempts"):
        door.open(home, "guesser", PASSWORD)
    door.open(home, "teacher", PASSWORD)


def test_new_sessions_do_not_give_new_guesses(home: Path) -> None:
    door = Door()
    for number in range(FREE_IN_ALL):
        with pytest.raises(WrongPassword, match="not the password"):
            door.open(home, f"session {number}", "wrong")
    with pytest.raises(WrongPassword, match="too many attempts"):
        door.open(home, "one more", PASSWORD)


def test_nobody_waits_longer_than_a_minute() -> None:
    attempts = Attempts(FREE, LONGEST_WAIT_S)
    for _ in range(2000):
        attempts.failed("guesser")
    assert LONGEST_WAIT_S - 1 < attempts.wait_s("guesser") <= LONGEST_WAIT_S
