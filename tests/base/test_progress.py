"""The pace of work and its remaining time, and who hears of progress."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.base.progress import Pace, heard_by, passed, tell


@given(st.integers(2, 500), st.floats(0.01, 1000), st.data())
def test_steady_work_is_foreseen_exactly(total: int, step_s: float, data: st.DataObject) -> None:
    pace, until = Pace(now=0.0), data.draw(st.integers(1, total))
    for done in range(1, until + 1):
        pace.advance(done, total, now=done * step_s)
    assert pace.left == pytest.approx((total - until) * step_s, abs=1e-6)
    assert pace.elapsed(now=until * step_s) == until * step_s


@given(st.lists(st.tuples(st.floats(0, 100), st.integers(0, 50)), min_size=1, max_size=300))
def test_the_rest_never_takes_less_than_no_time(steps: list[tuple[float, int]]) -> None:
    pace, now, done, total = Pace(now=0.0), 0.0, 0, 1 + sum(more for _, more in steps)
    for seconds, more in steps:
        now, done = now + seconds, done + more
        pace.advance(done, total, now=now)
        assert pace.left is None or pace.left >= 0
    assert pace.count == f"{done:,} of {total:,}"


def test_what_was_found_done_does_not_make_the_rest_quick() -> None:
    pace = Pace(now=0.0)
    pace.advance(500, 1000, now=0.5)  # all found
    for done in range(501, 511):
        pace.advance(done, 1000, now=(done - 500) * 60.0)
    assert pace.left == pytest.approx(490 * 60.0)
    assert pace.left_text == "about 8.2 hours left"


@pytest.mark.parametrize(("done", "total"), [(1, 20), (3, 10)])
def test_the_next_piece_of_work_has_its_own_pace(done: int, total: int) -> None:
    pace = Pace(now=0.0)
    assert not pace.advance(1, 10, now=1.0)
    assert not pace.advance(5, 10, now=5.0)
    assert pace.advance(done, total, now=105.0)
    assert pace.left == pytest.approx(100 / done * (total - done))


def test_nothing_is_said_before_anything_is_known_nor_at_the_end() -> None:
    pace = Pace(now=0.0)
    assert (pace.count, pace.left, pace.left_text) == ("", None, "")
    pace.advance(0, 10, now=1.0)
    assert (pace.count, pace.left_text) == ("0 of 10", "")
    pace.advance(10, 10, now=2.0)
    assert (pace.count, pace.left_text) == ("10 of 10", "")


def test_resumed_work_counts_only_what_is_new() -> None:
    pace = Pace(done=90, now=0.0)
    pace.advance(92, 100, now=20.0)
    assert pace.left == pytest.approx(80.0)


def test_a_loop_tells_whoever_listens() -> None:
    heard: list[tuple[int, int]] = []
    tell(1, 2)  # to nobody
    with heard_by(lambda done, total: heard.append((done, total))):
        tell(1, 2)
        with heard_by(lambda done, total: None):
            tell(2, 2)
    tell(2, 2)
    assert heard == [(1, 2)]


def test_passes_add_up_to_the_whole() -> None:
    heard: list[tuple[int, int]] = []
    for number in range(3):
        for done in (2, 4):
            passed(lambda *part: heard.append(part), number, 3)(done, 4)
    assert heard == [(2, 12), (4, 12), (6, 12), (8, 12), (10, 12), (12, 12)]
