"""The memory cache: a budget in bytes, least recently used first, what is borrowed stays, one builder and one lock per value."""

from __future__ import annotations

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from core.store.memory import MemoryCache

WAIT_S = 10.0  # far above what anything here takes; a hang fails instead of blocking the run


def ask(cache: MemoryCache, key: str, size: int = 10, exclusive: bool = True) -> str:
    """Borrow and give back; the value says which building it came from."""
    with cache.borrow(key, lambda: (f"{key} at {time.perf_counter_ns()}", size), exclusive) as value:
        return value


def counters(cache: MemoryCache) -> tuple[int, int, int]:
    report = cache.report()
    return report.hits, report.misses, report.evicted


def eventually(condition) -> None:
    end = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < end, "did not happen in time"
        time.sleep(0.002)


def test_built_once_then_found():
    cache = MemoryCache("RAM", 100)
    assert ask(cache, "a") == ask(cache, "a")
    report = cache.report()
    assert (report.name, report.bytes, report.budget_bytes, report.entries) == ("RAM", 10, 100, 1)
    assert counters(cache) == (1, 1, 0)


def test_the_least_recently_used_goes_first():
    cache = MemoryCache("RAM", 30)
    first = {key: ask(cache, key) for key in "abc"}
    ask(cache, "a")
    ask(cache, "d")  # b is the one not used for longest
    assert ask(cache, "a") == first["a"] and ask(cache, "c") == first["c"]
    assert counters(cache)[2] == 1
    assert ask(cache, "b") != first["b"]


def test_what_is_borrowed_stays_and_the_budget_holds_again_afterwards():
    cache = MemoryCache("RAM", 20)
    with cache.borrow("a", lambda: ("A", 20)) as value:
        ask(cache, "b", 20)
        with cache.borrow("c", lambda: ("C", 15)):
            assert cache.report().bytes == 35
        assert value == "A" and cache.report().bytes == 20
    assert ask(cache, "a") == "A"


def test_a_value_larger_than_the_budget_is_served_but_not_kept():
    cache = MemoryCache("RAM", 20)
    small = ask(cache, "small")
    with ExitStack() as borrowed:
        values = [borrowed.enter_context(cache.borrow("large", lambda text=text: (text, 21), exclusive=False)) for text in "LM"]
        assert values == ["L", "L"]
    assert cache.report().bytes == 10 and counters(cache) == (1, 2, 1)
    assert ask(cache, "small") == small


def test_resize():
    cache = MemoryCache("RAM", 100)
    for key in "abcde":
        ask(cache, key, 20)
    with cache.borrow("a", lambda: ("never built", 0)):
        cache.resize(40)
        assert cache.report().bytes == 40 and cache.report().budget_bytes == 40
        cache.resize(0)
        assert cache.report().entries == 1
    assert cache.report().entries == 0


@pytest.mark.parametrize("forget", [lambda cache: cache.drop("a"), lambda cache: cache.clear()], ids=["drop", "clear"])
def test_forgetting(forget):
    cache = MemoryCache("RAM", 100)
    with cache.borrow("a", lambda: ("old", 10)) as value:
        forget(cache)
        assert cache.report().bytes == 0
        with cache.borrow("a", lambda: ("new", 10)) as newer:
            assert (value, newer) == ("old", "new")
    assert ask(cache, "a") == "new" and counters(cache)[2] == 0
    cache.drop("no such key")


def test_forgetting_what_is_being_built():
    cache = MemoryCache("RAM", 100)

    def build() -> tuple[str, int]:
        cache.drop("a")
        return "stale", 10

    with cache.borrow("a", build) as value:
        assert value == "stale"
    assert cache.report().entries == 0


@pytest.mark.parametrize("size", [-1, None], ids=["negative", "none"])
def test_a_bad_size_is_a_failed_building(size):
    cache = MemoryCache("RAM", 100)
    with pytest.raises((ValueError, TypeError)):
        ask(cache, "a", size)
    assert cache.report().entries == 0
    with pytest.raises(ValueError):
        MemoryCache("RAM", -1)


def test_an_exception_in_the_body_gives_the_value_back():
    cache = MemoryCache("RAM", 10)
    with pytest.raises(KeyError), cache.borrow("a", lambda: ("A", 10)):
        raise KeyError
    assert ask(cache, "a") == "A"
    ask(cache, "b")
    assert cache.report().bytes == 10  # a was not left pinned


def gathered_failure(cache: MemoryCache, error: BaseException, waiting: int) -> tuple[list, int]:
    """One thread builds and fails while `waiting` others wait; what each of them got, and how often was built."""
    builds = []

    def build() -> tuple[str, int]:
        builds.append(1)
        if len(builds) > 1:
            return "second try", 1
        eventually(lambda: cache._entries["a"].pins == waiting + 1)
        raise error

    def one() -> object:
        try:
            with cache.borrow("a", build) as value:
                return value
        except BaseException as caught:  # noqa: BLE001  also an interrupt is an answer here
            return caught

    with ThreadPoolExecutor(waiting + 1) as pool:
        return [task.result(WAIT_S) for task in [pool.submit(one) for _ in range(waiting + 1)]], len(builds)


def test_a_failing_builder_raises_for_all_and_leaves_nothing():
    cache = MemoryCache("RAM", 100)
    answers, builds = gathered_failure(cache, OSError("no disk"), waiting=3)
    assert builds == 1 and all(isinstance(answer, OSError) for answer in answers)
    assert cache.report().entries == 0 and counters(cache) == (0, 4, 0)
    ask(cache, "a")
    assert cache.report().entries == 1


def test_an_interrupted_builder_concerns_its_own_thread_only():
    answers, builds = gathered_failure(MemoryCache("RAM", 100), KeyboardInterrupt(), waiting=3)
    assert builds == 2
    assert Counter(type(answer) for answer in answers) == {KeyboardInterrupt: 1, str: 3}


def test_borrowing_twice_in_one_thread_is_said_not_waited_for():
    cache = MemoryCache("RAM", 100)
    for first, second in ((True, True), (True, False), (False, True)):
        with cache.borrow("a", lambda: ("A", 1), first), pytest.raises(RuntimeError, match="give back"):
            ask(cache, "a", exclusive=second)
    assert ask(cache, "a") == "A"
    with pytest.raises(RuntimeError, match="give back"), cache.borrow("b", lambda: (ask(cache, "b"), 1)):
        pass
    assert cache.report().entries == 1


def test_a_circle_of_two_threads_is_said_not_waited_for():
    cache, both = MemoryCache("RAM", 100), threading.Barrier(2)

    def one(order: str) -> str:
        try:
            with cache.borrow(order[0], lambda: ("", 1)):
                both.wait(WAIT_S)
                ask(cache, order[1])
            return "served"
        except RuntimeError:
            return "circle"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(one, ["ab", "ba"], timeout=WAIT_S)) == ["circle", "served"]


def test_a_builder_may_borrow_other_keys():
    cache = MemoryCache("RAM", 100)
    with cache.borrow("pruned", lambda: (f"from {ask(cache, 'dense')}", 1)) as value:
        assert value.startswith("from dense")
    assert cache.report().entries == 2


def test_readers_share_and_a_waiting_writer_comes_next():
    cache, order = MemoryCache("RAM", 100), []

    def writer() -> None:
        with cache.borrow("a", lambda: ("never built", 1)):
            order.append("writer")

    def reader() -> None:
        with cache.borrow("a", lambda: ("never built", 1), exclusive=False):
            order.append("reader")

    threads = [threading.Thread(target=writer, daemon=True), threading.Thread(target=reader, daemon=True)]
    with ExitStack() as borrowed:
        borrowed.enter_context(cache.borrow("a", lambda: ("A", 1), exclusive=False))
        for count, thread in enumerate(threads, start=1):
            thread.start()
            eventually(lambda count=count: len(cache._entries["a"].line) == count)
        borrowed.enter_context(cache.borrow("a", lambda: ("never built", 1), exclusive=False))  # again: must not wait behind the writer
        assert order == []
    for thread in threads:
        thread.join(WAIT_S)
    assert order == ["writer", "reader"]


def test_a_busy_thread_does_not_starve_another():
    cache, stop = MemoryCache("RAM", 100), threading.Event()

    def busy() -> None:
        while not stop.is_set():
            with cache.borrow("a", lambda: ("A", 1)):
                time.sleep(0.002)

    with ThreadPoolExecutor(1) as pool:
        pool.submit(busy)
        start = time.monotonic()
        for _ in range(20):
            ask(cache, "a")
        stop.set()
    assert time.monotonic() - start < 5.0


def test_eight_threads():
    """Each value is built by one thread at a time, lent to one at a time, and the counters and bytes add up."""
    cache, asks, keys = MemoryCache("RAM", 50), 150, 9
    building: Counter[int] = Counter()
    lent: Counter[int] = Counter()
    built: list[int] = []
    wrong: list[str] = []

    def one(thread: int) -> None:
        for step in range(asks):
            key = (thread * 7 + step * step) % keys

            def build(key: int = key) -> tuple[int, int]:
                building[key] += 1
                wrong.extend(["two builders"] * (building[key] > 1))
                built.append(key)
                time.sleep(0.0002)
                building[key] -= 1
                return key, 5 + 2 * key

            with cache.borrow(key, build) as value:
                lent[key] += 1
                wrong.extend(["lent twice"] * (lent[key] > 1) + ["wrong value"] * (value != key))
                time.sleep(0.0001)
                lent[key] -= 1
            if step % 40 == thread:
                cache.resize(20 + step % 60)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(8), timeout=60))
    cache.resize(50)
    report = cache.report()
    assert wrong == []
    assert report.misses == len(built) and report.hits + report.misses == 8 * asks
    assert report.bytes <= 50 and report.bytes == sum(entry.bytes for entry in cache._entries.values())
    assert all(entry.pins == 0 and not entry.line for entry in cache._entries.values()) and not cache._waits


class Model(RuleBasedStateMachine):
    """Any order of borrowing, giving back, dropping and resizing, against a plain account of what must hold."""

    def __init__(self) -> None:
        super().__init__()
        self.cache = MemoryCache("RAM", 50)
        self.held: list[tuple[int, str, ExitStack]] = []
        self.built = self.asked = self.dropped = 0

    @rule(key=st.integers(0, 7), size=st.integers(0, 70))
    def borrow(self, key, size):
        def build():
            self.built += 1
            return f"{key} number {self.built}", size

        stack = ExitStack()
        value = stack.enter_context(self.cache.borrow(key, build, exclusive=False))
        self.asked += 1
        assert value.startswith(f"{key} ")
        self.held.append((key, value, stack))

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def give_back(self, data):
        self.held.pop(data.draw(st.integers(0, len(self.held) - 1)))[2].close()

    @precondition(lambda self: not self.held)
    @rule(key=st.integers(0, 7))
    def drop(self, key):
        self.dropped += key in self.cache._entries
        self.cache.drop(key)

    @rule(budget=st.integers(0, 120))
    def resize(self, budget):
        self.cache.resize(budget)

    @invariant()
    def account(self):
        report = self.cache.report()
        assert report.misses == self.built and report.hits + report.misses == self.asked
        assert report.entries == self.built - report.evicted - self.dropped
        if not self.held:
            assert report.bytes <= report.budget_bytes
        for key, value, _ in self.held:
            assert self.cache._entries[key].value == value  # borrowed: never evicted

    def teardown(self):
        for _, _, stack in self.held:
            stack.close()


TestModel = Model.TestCase
TestModel.settings = settings(max_examples=50, stateful_step_count=30, deadline=None)
