"""The memory cache: a budget in bytes, least recently used first, what is borrowed stays; any order
of calls.
"""

from __future__ import annotations

import time
from contextlib import ExitStack

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from core.store.memory import MemoryCache


def ask(cache: MemoryCache, key: str, size: int = 10, exclusive: bool = True) -> str:
    """Borrow and give back; the value says which building it came from."""
    with cache.borrow(key, lambda: (f"{key} at {time.perf_counter_ns()}", size), exclusive) as value:
        return value


def counters(cache: MemoryCache) -> tuple[int, int, int]:
    report = cache.report()
    return report.hits, report.misses, report.evicted


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
    assert ask(cache, "a") == first["a"]
    assert ask(cache, "c") == first["c"]
    assert counters(cache)[2] == 1
    assert ask(cache, "b") != first["b"]


def test_what_is_borrowed_stays_and_the_budget_holds_again_afterwards():
    cache = MemoryCache("RAM", 20)
    with cache.borrow("a", lambda: ("A", 20)) as value:
        ask(cache, "b", 20)
        with cache.borrow("c", lambda: ("C", 15)):
            assert cache.report().bytes == 35
        assert value == "A"
        assert cache.report().bytes == 20
    assert ask(cache, "a") == "A"


def test_a_value_larger_than_the_budget_is_served_but_not_kept():
    cache = MemoryCache("RAM", 20)
    small = ask(cache, "small")
    with ExitStack() as borrowed:
        values = [
            borrowed.enter_context(cache.borrow("large", lambda text=text: (text, 21), exclusive=False))
            for text in "LM"
        ]
        assert values == ["L", "L"]
    assert cache.report().bytes == 10
    assert counters(cache) == (1, 2, 1)
    assert ask(cache, "small") == small


def test_resize():
    cache = MemoryCache("RAM", 100)
    for key in "abcde":
        ask(cache, key, 20)
    with cache.borrow("a", lambda: ("never built", 0)):
        cache.resize(40)
        assert cache.report().bytes == 40
        assert cache.report().budget_bytes == 40
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
    assert ask(cache, "a") == "new"
    assert counters(cache)[2] == 0
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
    with pytest.raises(ValueError, match="size"):
        MemoryCache("RAM", -1)


def test_an_exception_in_the_body_gives_the_value_back():
    cache = MemoryCache("RAM", 10)
    with pytest.raises(KeyError), cache.borrow("a", lambda: ("A", 10)):
        raise KeyError
    assert ask(cache, "a") == "A"
    ask(cache, "b")
    assert cache.report().bytes == 10  # a was not left pinned


class Model(RuleBasedStateMachine):
    """Any order of borrowing, giving back, dropping and resizing, against a plain account of what
    must hold.
    """

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
        self.dropped += key in self.cache._table.entries
        self.cache.drop(key)

    @rule(budget=st.integers(0, 120))
    def resize(self, budget):
        self.cache.resize(budget)

    @invariant()
    def account(self):
        report = self.cache.report()
        assert report.misses == self.built
        assert report.hits + report.misses == self.asked
        assert report.entries == self.built - report.evicted - self.dropped
        if not self.held:
            assert report.bytes <= report.budget_bytes
        for key, value, _ in self.held:
            assert self.cache._table.entries[key].value == value  # borrowed: never evicted

    def teardown(self):
        for _, _, stack in self.held:
            stack.close()


TestModel = Model.TestCase
TestModel.settings = settings(max_examples=50, stateful_step_count=30, deadline=None)
