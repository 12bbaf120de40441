"""Background work of pages: start it, read its progress, stop it and cache its answer.

Every task has its own thread, so that no question waits behind another: a network is lent to one
thread at a time anyway. A server for many computes as many quick questions at once as it has
processors: more would all be late.

A task belongs to the sessions that wait for it. It stops when the last of them stops it, asks
something else at its place, leaves the page, or is closed; `check` raises Stopped then, before each
pass of a network and between steps.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import streamlit as st
from streamlit import runtime

from core.base.progress import Pace
from core.base.stamps import Stamp
from core.jobs.control import Control, Stopped, under
from core.specs import ImageRef
from pages.parts.common import access
from pages.parts.common.counters import counters
from pages.parts.common.line import PASS_S, STEP_S, Line, TookTooLong, Turn
from pages.parts.common.state import Owner

MOST_AT_ONCE = 64
GIVE_WAY_S = 2.0
MOST_ANSWERS, MOST_LARGE = 2000, 64  # cached results; large: results that hold heatmaps


class Task(Control):
    """Work in the background, and its control.

    results: of work with many steps, as they arrive; otherwise only the answer. done, total:
    progress; a total of 0 means unknown. pace: of it. error: what the work raised. turn: in the
    queue of slow questions, on a server for many.
    """

    def __init__(self, owner: Owner, results: list[Any] | None = None) -> None:
        super().__init__()
        self.results: list[Any] = results or []
        self.done, self.total = len(self.results), 0
        self.pace = Pace(self.done)
        self.error: Exception | None = None
        self.succeeded = False
        self.turn: Turn | None = None
        self.quiet = threading.Event()  # no page waits for a first answer
        self.quiet.set()
        self._owners, self._halted = {owner}, False
        self._changed, self._ended = threading.Lock(), threading.Event()

    @property
    def is_wanted(self) -> bool:
        """Whether an open session waits for it; if none does, it stops."""
        with self._changed:
            self._halted = self._halted or not any(map(is_open, self._owners))
            return not self._halted

    @property
    def at_work(self) -> bool:
        """Whether the work is still running."""
        return not self._halted and not self._ended.is_set()

    @property
    def answer(self) -> Any:
        """The answer of finished work; otherwise None."""
        return self.results[-1] if self.succeeded and self.results else None

    def check(self) -> None:
        """Raises Stopped if no session waits any more, TookTooLong if its time is over."""
        self._check(PASS_S)

    def _check(self, rest_s: float) -> None:
        if not self.is_wanted:
            raise Stopped("Stopped.", "What is finished is kept.")
        if self.turn:
            self.turn.check()
            self.turn.rest(self.quiet, rest_s)

    def advance(self, done: int, total: int) -> None:
        """Sets the progress. Raises Stopped."""
        self._check(STEP_S)
        self._note(done, total)

    def _note(self, done: int, total: int) -> None:
        self.pace.advance(done, total)
        self.done, self.total = done, total

    def collect(self, steps: Callable[[int], Iterator[Any]], total: int) -> None:
        """Collects the results of work with many steps. steps: resumes after the given number of
        results.
        """
        self._note(len(self.results), total)
        for result in steps(len(self.results)):
            self.results.append(result)
            self._note(len(self.results), total)
            if self.done < total:
                self._check(STEP_S)

    def join(self, owner: Owner) -> bool:
        """Adds a waiting session. Returns False if the task gives no answer any more."""
        with self._changed:
            if self._halted or (self._ended.is_set() and not self.succeeded):
                return False
            self._owners.add(owner)
            return True

    def leave(self, owner: Owner) -> None:
        """Removes a waiting session; the last one to leave stops the task."""
        with self._changed:
            self._owners.discard(owner)
            self._halted = self._halted or not self._owners

    def work(self, run: Callable[[Task], Any]) -> None:
        """Runs the work in this thread."""
        if self.turn:
            self.turn.started()
        try:
            with counters.work.timed(), under(self):
                self.check()
                answer = run(self)
                self.check()
            if answer is not None:
                self.results.append(answer)
            self.succeeded = True
        except TookTooLong as error:
            self.error = error
        except Stopped:
            self._halted = True
        except Exception as error:  # raised again on the page
            self.error = error
        finally:
            self._ended.set()

    def ended(self, within_s: float) -> bool:
        """Whether the thread has ended; waits up to `within_s` seconds."""
        return self._ended.wait(within_s)


@dataclass(frozen=True, kw_only=True)
class Work:
    """A description of work.

    place: on a page; a session waits for one question at each. key: of the question; it is computed
    once for all sessions as long as the files behind it have the same stamp. what: text of the
    progress bar. run: computes the answer. large: the answer holds heatmaps. slow: takes many
    passes of networks, so that a server for many computes it in turn. stays: continues when the
    page is left. progress: formats done and total.
    """

    place: str
    key: Hashable
    stamp: Stamp = ""
    what: str
    run: Callable[[Task], Any]
    large: bool = False
    slow: bool = False
    stays: bool = False
    progress: Callable[[int, int], str] = "{:,} of {:,}".format

    @property
    def question(self) -> Hashable:
        """The key that identifies stopped work: the question about these files."""
        return self.key, self.stamp


class Background:
    """The tasks of all sessions by question, oldest first; failures are not cached."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(MOST_AT_ONCE, thread_name_prefix="task")
        # Quick questions on a server for many; one that a slider has left behind is not computed.
        self._quick = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="quick")
        self._changed = threading.Lock()
        self._tasks: dict[bool, OrderedDict[Hashable, tuple[Stamp, Task]]] = {False: OrderedDict(), True: OrderedDict()}
        self._ahead, self._free = 0, threading.Event()
        self._free.set()
        self.line = Line(_most_slow)

    @contextmanager
    def ahead(self) -> Iterator[None]:
        """Makes work that gives way rest meanwhile: a page waits for its first answer."""
        self._count_ahead(1)
        try:
            yield
        finally:
            self._count_ahead(-1)

    def _count_ahead(self, more: int) -> None:
        with self._changed:
            self._ahead += more
            (self._free.clear if self._ahead else self._free.set)()

    def give_way(self) -> None:
        """Rests while a page waits for its first answer, at most GIVE_WAY_S."""
        self._free.wait(GIVE_WAY_S)

    @property
    def is_busy(self) -> bool:
        """Whether slow questions wait for their turn: then nothing slow begins unasked."""
        return self.line.counts()["waiting"] > 0

    def find(self, work: Work) -> Task | None:
        """Returns the task of this question about these files: running, finished, stopped or
        failed.
        """
        stamp, task = self._tasks[work.large].get(work.key, ("", None))
        return task if stamp == work.stamp else None

    def ask(self, work: Work, owner: Owner) -> Task:
        """Returns the running or finished task, or a new one that resumes a stopped one."""
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
        limits = access.limits()
        if limits is None or not work.slow:
            threads = self._threads if limits is None or work.stays else self._quick
            threads.submit(task.work, work.run)
            return task
        task.quiet, task.apart = self._free, True
        task.turn = Turn(
            owner, lambda: self._threads.submit(self._in_turn, task, work), lambda: task.is_wanted, limits.slow_s
        )
        self.line.join(task.turn)
        return task

    def _in_turn(self, task: Task, work: Work) -> None:
        try:
            task.work(work.run)
        finally:
            if task.turn:
                self.line.leave(task.turn)

    def forget(self, work: Work) -> None:
        """Drops a question's answer."""
        with self._changed:
            self._tasks[work.large].pop(work.key, None)

    def forget_image(self, image: ImageRef) -> None:
        """Drops the answers about an image that nobody holds any more."""
        with self._changed:
            for tasks in self._tasks.values():
                for key in [key for key in tasks if _names(key, image)]:
                    tasks.pop(key)

    def clear(self) -> None:
        """Drops all answers."""
        with self._changed:
            for tasks in self._tasks.values():
                tasks.clear()


def _most_slow() -> int:
    """Returns how many slow questions may be computed at once."""
    limits = access.limits()
    return limits.slow_at_once if limits else MOST_AT_ONCE


def _names(key: Hashable, image: ImageRef) -> bool:
    """Whether the key of a question names an image, with any noise."""
    if isinstance(key, tuple):
        return any(_names(part, image) for part in key)
    return isinstance(key, ImageRef) and (key.source, key.name) == (image.source, image.name)


def _size(tasks: OrderedDict[Hashable, tuple[Stamp, Task]]) -> int:
    return sum(max(1, len(task.results)) for _, task in tasks.values())


@st.cache_resource(show_spinner=False)
def background() -> Background:
    """Returns the background work of this server."""
    made = Background()
    counters.more["slow questions"] = made.line.counts
    return made


def is_open(owner: Owner) -> bool:
    """Whether the session is connected; always True without a server."""
    return not runtime.exists() or bool(runtime.get_instance().is_active_session(owner.session_id))
