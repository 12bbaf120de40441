"""The memory cache under threads: one builder and one lock per value, no starving, and circles are
said, not waited for.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from core.store.memory import MemoryCache

WAIT_S = 10.0  # far above what anything here takes; a hang fails instead of blocking the run


def ask(cache: MemoryCache, key: str, size: int = 10, exclusive: bool = True) -> str:
    """Borrow and return a value, which says when it was built."""
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


def gathered_failure(cache: MemoryCache, error: BaseException, waiting: int) -> tuple[list, int]:
    """One thread builds and fails while `waiting` others wait; what each of them got, and how often
    was built.
    """
    builds = []

    def build() -> tuple[str, int]:
        builds.append(1)
        if len(builds) > 1:
            return "second try", 1
        eventually(lambda: cache._table.entries["a"].pins == waiting + 1)
        raise error

    def one() -> object:
        try:
            with cache.borrow("a", build) as value:
                return value
        except BaseException as caught:  # an interrupt is an answer too
            return caught

    with ThreadPoolExecutor(waiting + 1) as pool:
        return [task.result(WAIT_S) for task in [pool.submit(one) for _ in range(waiting + 1)]], len(builds)


def test_a_failing_builder_raises_for_all_and_leaves_nothing():
    cache = MemoryCache("RAM", 100)
    answers, builds = gathered_failure(cache, OSError("no disk"), waiting=3)
    assert builds == 1
    assert all(isinstance(answer, OSError) for answer in answers)
    assert cache.report().entries == 0
    assert counters(cache) == (0, 4, 0)
    ask(cache, "a")
    assert cache.report().entries == 1


def test_an_interrupted_builder_concerns_its_own_thread_only():
    answers, builds = gathered_failure(MemoryCache("RAM", 100), KeyboardInterrupt(), waiting=3)
    assert builds == 2
    assert Counter(type(answer) for answer in answers) == {KeyboardInterrupt: 1, str: 3}


def test_borrowing_twice_in_one_thread_is_said_not_waited_for():
    cache = MemoryCache("RAM", 100)
    for first, second in ((True, True), (True, False), (False, True)):
        with cache.borrow("a", lambda: ("A", 1), first), pytest.raises(RuntimeError, match="deadlock"):
            ask(cache, "a", exclusive=second)
    assert ask(cache, "a") == "A"
    with pytest.raises(RuntimeError, match="deadlock"), cache.borrow("b", lambda: (ask(cache, "b"), 1)):
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
            eventually(lambda count=count: len(cache._table.entries["a"].line) == count)
        # Again: must not wait behind the writer.
        borrowed.enter_context(cache.borrow("a", lambda: ("never built", 1), exclusive=False))
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
    """Each value is built by one thread at a time, lent to one at a time, and the counters and
    bytes add up.
    """
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
    assert report.misses == len(built)
    assert report.hits + report.misses == 8 * asks
    assert report.bytes <= 50
    assert report.bytes == sum(entry.bytes for entry in cache._table.entries.values())
    assert all(entry.pins == 0 and not entry.line for entry in cache._table.entries.values())
    assert cache._waits.idle()
