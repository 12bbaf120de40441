"""Room is made before a value is built: the peak holds, memory is used again, threads that need too
much take turns, and none hangs.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.store.memory import MemoryCache
from core.store.table import MOST_ALIKE

WAIT_S = 10.0  # far above what anything here takes


class Memory:
    """Counts the bytes that are really there: of every value that is built and not yet gone."""

    def __init__(self) -> None:
        self.now = self.peak = 0
        self._lock = threading.Lock()

    def take(self, size: int) -> Block:
        return Block(self, size)

    def add(self, size: int) -> None:
        with self._lock:
            self.now += size
            self.peak = max(self.peak, self.now)


class Block:
    """A value of some bytes, gone when nobody has it any more."""

    def __init__(self, memory: Memory, size: int) -> None:
        self.memory, self.size = memory, size
        memory.add(size)

    def __del__(self) -> None:
        self.memory.add(-self.size)


def until_waiting(cache: MemoryCache, count: int) -> None:
    end = time.monotonic() + WAIT_S
    while cache.report().waiting < count:
        assert time.monotonic() < end, "nobody waits"
        time.sleep(0.002)


def test_room_is_made_before_building() -> None:
    cache, memory = MemoryCache("RAM", 100), Memory()
    for key in range(8):
        with cache.borrow(key, lambda: (memory.take(40), 40), expected=40):
            pass
    assert memory.peak == 80  # without it the third is built beside two others
    assert cache.report().peak_bytes == 80
    assert cache.report().evicted == 6


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 60)), max_size=40), st.integers(60, 150))
def test_the_peak_never_passes_the_budget(asked: list[tuple[int, int]], budget: int) -> None:
    """One value at a time, whatever the sizes and the order: what is really there never exceeds the
    budget.
    """
    cache, memory = MemoryCache("RAM", budget), Memory()
    for key, size in asked:
        with cache.borrow((key, size), lambda size=size: (memory.take(size), size), expected=size) as block:
            assert block.size == size
        del block
        assert memory.now == cache.report().bytes
    assert memory.peak <= budget


def test_what_has_to_go_is_written_again() -> None:
    cache, written = MemoryCache("device", 100), []

    def write(key: int, spare: list[int] | None) -> list[int]:
        written.append(spare is not None)
        network = [0] if spare is None else spare
        network[0] = key
        return network

    seen = set()
    for key in range(6):
        with cache.borrow_reused(key, lambda spare, key=key: write(key, spare), 40, "vgg") as network:
            assert network == [key]
            seen.add(id(network))
    assert written == [False, False, True, True, True, True]
    assert len(seen) == 2
    with cache.borrow_reused(5, lambda spare: write(99, spare), 40, "vgg") as network:
        assert network == [5]  # still there


def test_another_kind_is_never_written_over() -> None:
    cache, spares = MemoryCache("device", 100), []
    for key, kind in enumerate("aabb"):
        with cache.borrow_reused(key, lambda spare, kind=kind: spares.append(spare) or kind, 50, kind):
            pass
    assert spares == [None, None, None, None]


def test_a_borrowed_value_is_never_written_over() -> None:
    cache, spares = MemoryCache("device", 50), []

    def write(spare: object) -> object:
        spares.append(spare)
        return object()

    with cache.borrow_reused("a", write, 50, "vgg"), cache.borrow_reused("b", write, 50, "vgg"):
        pass  # this thread has both: it cannot wait for itself
    assert spares == [None, None]
    assert cache.report().peak_bytes == 100
    assert cache.report().bytes == 50


def test_a_failed_writing_leaves_no_half_written_value() -> None:
    cache = MemoryCache("device", 50)

    def broken(spare: list[str] | None) -> list[str]:
        assert spare is not None
        spare[0] = "half"
        raise OSError("no more")

    with cache.borrow_reused("a", lambda spare: ["a"], 50, "vgg"):
        pass
    with pytest.raises(OSError, match="no more"), cache.borrow_reused("b", broken, 50, "vgg"):
        pass
    assert cache.report().entries == 0
    with cache.borrow_reused("a", lambda spare: ["a", spare], 50, "vgg") as value:
        assert value == ["a", None]
    assert cache.report().bytes == 50


def test_threads_that_need_more_than_fits_take_turns() -> None:
    cache, memory = MemoryCache("device", 100), Memory()
    wrong: list[object] = []

    def one(thread: int) -> None:
        for step in range(30):
            key = (thread + step) % 4
            with cache.borrow(key, lambda key=key: ((key, memory.take(60)), 60), expected=60) as value:
                wrong.extend([value[0]] * (value[0] != key))
            del value

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(one, range(6), timeout=60))
    assert wrong == []
    assert memory.peak == 60
    assert cache.report().waiting == 0


def test_a_waiting_builder_is_served_when_room_is_given_back() -> None:
    cache, order = MemoryCache("device", 100), []

    def ask(key: str, size: int) -> None:
        with cache.borrow(key, lambda: (key, size), expected=size):
            order.append(key)

    with ThreadPoolExecutor(3) as pool, ExitStack() as stack:
        stack.enter_context(cache.borrow("held", lambda: ("held", 80), expected=80))
        tasks = []
        for count, (key, size) in enumerate([("large", 90), ("small", 30)], start=1):
            tasks.append(pool.submit(ask, key, size))
            until_waiting(cache, count)
        assert order == []
        stack.close()
        for task in tasks:
            task.result(WAIT_S)
    assert order == ["large", "small"]  # first come, first served
    assert cache.report().peak_bytes == 90


@pytest.mark.parametrize("held", [0, 30])
def test_one_who_builds_or_holds_something_waits_for_others_too(held: int) -> None:
    """A report is built from weights, and an index beside them: neither is a reason to take what
    others will return.
    """
    cache = MemoryCache("RAM", 100)

    def ask() -> str:
        def report() -> tuple[str, int]:
            with cache.borrow("weights", lambda: ("weights", 60), expected=60) as value:
                return value, held

        with cache.borrow("report", report, expected=held) as value:
            return value

    with ThreadPoolExecutor(1) as pool, ExitStack() as stack:
        stack.enter_context(cache.borrow("other", lambda: ("other", 60), expected=60))
        task = pool.submit(ask)
        until_waiting(cache, 1)
        stack.close()
        assert task.result(WAIT_S) == "weights"
    assert cache.report().peak_bytes <= 100


def test_one_who_holds_something_passes_those_who_wait_for_it() -> None:
    cache = MemoryCache("RAM", 100)

    def large() -> str:
        with cache.borrow("large", lambda: ("large", 80), expected=80) as value:
            return value

    with ThreadPoolExecutor(2) as pool, ExitStack() as stack:
        stack.enter_context(cache.borrow("weights", lambda: ("weights", 20), exclusive=False, expected=20))
        free = threading.Event()

        def other() -> None:
            with cache.borrow("other", lambda: ("other", 30), expected=30):
                free.wait(WAIT_S)

        kept = pool.submit(other)
        while not cache.holds("other"):
            threading.Event().wait(0.002)
        task = pool.submit(large)
        until_waiting(cache, 1)
        with cache.borrow("index", lambda: ("index", 40), expected=40):  # it fits, so nobody is waited for
            assert cache.report().bytes == 90
        free.set()
        kept.result(WAIT_S)
        stack.close()
        assert task.result(WAIT_S) == "large"
    assert cache.report().peak_bytes <= 100


def test_circles_of_room_end_over_the_budget_instead_of_never() -> None:
    """Two threads have one value each and want another; neither can wait for the other to give
    back.
    """
    cache, both = MemoryCache("device", 100), threading.Barrier(2)

    def one(name: str) -> str:
        with cache.borrow(f"{name}1", lambda: (name, 50), expected=50):
            both.wait(WAIT_S)
            with cache.borrow(f"{name}2", lambda: (name + "2", 50), expected=50) as value:
                return value

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(one, "ab", timeout=WAIT_S)) == ["a2", "b2"]
    report = cache.report()
    assert report.peak_bytes <= 150  # the second one gets its room when the first gives back
    assert report.bytes <= 100


def test_one_who_waits_for_a_value_is_not_sent_away_by_one_who_waits_for_room() -> None:
    """The builder waits for room that the asker has; the asker waits for the builder: the builder
    goes ahead.
    """
    cache, started = MemoryCache("device", 100), threading.Event()

    def builder() -> str:
        started.wait(WAIT_S)
        with cache.borrow("wanted", lambda: ("wanted", 60), expected=60) as value:
            return value

    with ThreadPoolExecutor(1) as pool:
        task = pool.submit(builder)
        with cache.borrow("held", lambda: ("held", 60), expected=60):
            started.set()
            until_waiting(cache, 1)
            with cache.borrow("wanted", lambda: ("never built", 60), exclusive=False, expected=60) as value:
                assert value == "wanted"
        assert task.result(WAIT_S) == "wanted"


def test_circles_through_two_caches_end_too() -> None:
    device = MemoryCache("device", 50)
    ram, both = MemoryCache("RAM", 50, beside=device), threading.Barrier(2)

    def one(first: MemoryCache, second: MemoryCache, name: str) -> str:
        with first.borrow(name, lambda: (name, 50), expected=50):
            both.wait(WAIT_S)
            with second.borrow(name + name, lambda: (name, 50), expected=50) as value:
                return value

    with ThreadPoolExecutor(2) as pool:
        tasks = [pool.submit(one, device, ram, "a"), pool.submit(one, ram, device, "b")]
        assert [task.result(WAIT_S) for task in tasks] == ["a", "b"]


def test_values_stay_and_go_with_what_they_lie_under() -> None:
    cache = MemoryCache("RAM", 100)

    def weights(name: str):
        return cache.borrow(name, lambda: (name, 60), exclusive=False, expected=60)

    with weights("dense"):
        pass
    with cache.borrow("shell", lambda: ("shell", 0), under="dense"), weights("other"):
        assert cache.holds("dense")  # the network is in use, so its weights cannot make room
    assert (cache.holds("dense"), cache.holds("other")) == (True, False)
    with weights("another"):
        assert not cache.holds("dense")
        assert not cache.holds("shell")
    assert cache.report().bytes == 60


def test_using_one_keeps_what_it_lies_under() -> None:
    cache = MemoryCache("RAM", 100)
    for key in ("dense", "b"):
        with cache.borrow(key, lambda key=key: (key, 40), expected=40):
            pass
    for _ in range(2):
        with cache.borrow("shell", lambda: ("shell", 0), under="dense"):
            pass
    with cache.borrow("c", lambda: ("c", 40), expected=40):
        pass
    assert (cache.holds("dense"), cache.holds("b")) == (True, False)


def test_evicting_all_spares_what_is_borrowed() -> None:
    cache = MemoryCache("RAM", 100)
    for key in "ab":
        with cache.borrow(key, lambda key=key: (key, 10)):
            pass
    with cache.borrow("a", lambda: ("never built", 10)):
        cache.evict()
        assert (cache.holds("a"), cache.holds("b")) == (True, False)
    assert cache.report().bytes == 10


def test_only_the_last_few_of_a_kind_are_kept_where_more_would_fit() -> None:
    cache, made = MemoryCache("device", 10_000), []

    def write(spare: list[int] | None) -> list[int]:
        made.extend([spare] if spare is None else [])
        return spare or [0]

    for key in range(3 * MOST_ALIKE):
        with cache.borrow_reused(key, write, 10, "resnet"):
            pass
    with cache.borrow_reused("other", write, 10, "vgg"):
        pass
    assert len(made) == MOST_ALIKE + 1
    assert cache.report().entries == MOST_ALIKE + 1
    assert cache.holds(3 * MOST_ALIKE - 1)
    assert not cache.holds(2 * MOST_ALIKE - 1)


def test_more_of_a_kind_are_lent_at_once_where_they_fit() -> None:
    cache = MemoryCache("device", 10_000)
    with ExitStack() as held:
        lent = [
            held.enter_context(cache.borrow_reused(key, lambda spare: spare or object(), 10, "resnet"))
            for key in range(MOST_ALIKE + 3)
        ]
        assert len({id(value) for value in lent}) == MOST_ALIKE + 3
