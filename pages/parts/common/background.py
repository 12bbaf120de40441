"""Work that a page waits for: one way to start it, to see how far it is, to stop it and to keep
what it answered.

Every task has a thread of its own, so that no question waits behind another: a network is lent to
one thread at a time anyway. A task belongs to the sessions that wait for it. It ends when the last
of them has stopped it, asks something else at its place, leaves the page, or is closed; `check`
says so to the work, before each pass of a network and between steps.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import streamlit as st
from streamlit import runtime

from core.base.stamps import Stamp
from core.jobs.control import Control, Stopped, under
from pages.parts.common.state import Owner

MOST_AT_ONCE = 64
MOST_ANSWERS, MOST_LARGE = 2000, 64  # results that are kept; large: those that hold heatmaps


class Task(Control):
    """Work in the background, and the control that it works under.

    results: of work of many steps, as they come; else the answer alone, when it is there. done,
    total: progress; a total of 0 is not known. error: what the work raised.
    """

    def __init__(self, owner: Owner, results: list[Any] | None = None) -> None:
        super().__init__()
        self.results: list[Any] = results or []
        self.done, self.total = len(self.results), 0
        self.error: Exception | None = None
        self.succeeded = False
        self._owners, self._halted = {owner}, False
        self._changed, self._ended = threading.Lock(), threading.Event()

    @property
    def at_work(self) -> bool:
        """Whether its answer is still to come."""
        return not self._halted and not self._ended.is_set()

    @property
    def answer(self) -> Any:
        """Of finished work; else None."""
        return self.results[-1] if self.succeeded and self.results else None

    def check(self) -> None:
        """Raises Stopped when nobody waits any more."""
        with self._changed:
            self._halted = self._halted or not any(map(is_open, self._owners))
        if self._halted:
            raise Stopped("Stopped.", "What is finished is kept.")

    def advance(self, done: int, total: int) -> None:
        """Says how far the work is. Raises Stopped."""
        self.check()
        self.done, self.total = done, total

    def collect(self, steps: Callable[[int], Iterator[Any]], total: int) -> None:
        """Takes the results of work of many steps; steps: begins after so many results."""
        self.total = total
        for result in steps(len(self.results)):
            self.results.append(result)
            self.done = len(self.results)
            if self.done < total:
                self.check()

    def join(self, owner: Owner) -> bool:
        """Waits for it too. False where it gives no answer any more: ask again."""
        with self._changed:
            if self._halted or (self._ended.is_set() and not self.succeeded):
                return False
            self._owners.add(owner)
            return True

    def leave(self, owner: Owner) -> None:
        """Waits for it no longer; the last one who leaves stops it."""
        with self._changed:
            self._owners.discard(owner)
            self._halted = self._halted or not self._owners

    def work(self, run: Callable[[Task], Any]) -> None:
        """Does the work, in this thread."""
        try:
            with under(self):
                self.check()
                answer = run(self)
                self.check()
            if answer is not None:
                self.results.append(answer)
            self.succeeded = True
        except Stopped:
            self._halted = True
        except Exception as error:  # raised where a person sees it
            self.error = error
        finally:
            self._ended.set()

    def ended(self, within_s: float) -> bool:
        """Whether its thread is free again; waits so long for it."""
        return self._ended.wait(within_s)


@dataclass(frozen=True, kw_only=True)
class Work:
    """What is to be done.

    place: on a page; a session waits for one question at each. key: of the question; the same one
    is worked out once, for everybody, as long as the files that answer have the same stamp. what:
    is being done, in words. run: does it, and returns the answer. large: the answer holds heatmaps.
    stays: goes on when the page is left. progress: done and total in words.
    """

    place: str
    key: Hashable
    stamp: Stamp = ""
    what: str
    run: Callable[[Task], Any]
    large: bool = False
    stays: bool = False
    progress: Callable[[int, int], str] = "{:,} of {:,}".format

    @property
    def question(self) -> Hashable:
        """What a person stops: the question about these files."""
        return self.key, self.stamp


class Background:
    """The tasks of all sessions by question, oldest first; failures are not kept."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(MOST_AT_ONCE, thread_name_prefix="task")
        self._changed = threading.Lock()
        self._tasks: dict[bool, OrderedDict[Hashable, tuple[Stamp, Task]]] = {False: OrderedDict(), True: OrderedDict()}

    def find(self, work: Work) -> Task | None:
        """The task of this question about these files: at work, finished, stopped or failed."""
        stamp, task = self._tasks[work.large].get(work.key, ("", None))
        return task if stamp == work.stamp else None

    def ask(self, work: Work, owner: Owner) -> Task:
        """The task at work or finished, else a new one, which goes on where a stopped one was."""
        with self._changed:
            before = self.find(work)
            if before and before.join(owner):
                return before
            task = Task(owner, before.results[:] if before else None)
            tasks = self._tasks[work.large]
            tasks.pop(work.key, None)
            tasks[work.key] = work.stamp, task
            while len(tasks) > 1 and _size(tasks) > (MOST_LARGE if work.large else MOST_ANSWERS):
                tasks.popitem(last=False)
        self._threads.submit(task.work, work.run)
        return task

    def forget(self, work: Work) -> None:
        """Lets go of a question's answer."""
        with self._changed:
            self._tasks[work.large].pop(work.key, None)

    def clear(self) -> None:
        """Lets go of all answers."""
        with self._changed:
            for tasks in self._tasks.values():
                tasks.clear()


def _size(tasks: OrderedDict[Hashable, tuple[Stamp, Task]]) -> int:
    return sum(max(1, len(task.results)) for _, task in tasks.values())


@st.cache_resource(show_spinner=False)
def background() -> Background:
    """Of this server."""
    return Background()


def is_open(owner: Owner) -> bool:
    """Whether the session is connected. Without a server there are only open ones."""
    return not runtime.exists() or bool(runtime.get_instance().is_active_session(owner.session_id))
