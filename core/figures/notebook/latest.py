"""Answer only the newest of several questions."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from threading import Condition, Thread
from typing import Generic, TypeVar

from core.jobs.control import Control, Stopped, under

Question = TypeVar("Question")
Answer = TypeVar("Answer")


class Latest(Generic[Question, Answer]):
    """Answers questions in a separate thread, so that a slider never waits.

    At most one question is being answered, and the newest one waits. A question that becomes
    outdated stops before the network's next pass, and its answer is never shown.

    Args:
        answer: returns the answer to a question. show: takes an answer; explain: an error. Both are
            called for the newest question only, one at a time.
    """

    def __init__(
        self,
        answer: Callable[[Question], Answer],
        show: Callable[[Answer], None],
        explain: Callable[[Exception], None],
    ) -> None:
        self._answer, self._show, self._explain = answer, show, explain
        self._changed = Condition()
        self._newest = 0
        self._waiting: Question | None = None
        self._busy = False

    def ask(self, question: Question) -> None:
        """Ask a question and drop all earlier ones."""
        with self._changed:
            self._newest += 1
            self._waiting = question
            if not self._busy:
                self._busy = True
                Thread(target=self._work, name="explore", daemon=True).start()

    def wait(self, timeout_s: float) -> None:
        """Wait until the newest question is answered. Raises TimeoutError."""
        with self._changed:
            if not self._changed.wait_for(lambda: not self._busy, timeout_s):
                raise TimeoutError(f"There is no answer after {timeout_s:g} seconds.")

    def _work(self) -> None:
        while True:
            with self._changed:
                question, number, self._waiting = self._waiting, self._newest, None
                if question is None:
                    self._busy = False
                    self._changed.notify_all()
                    return
            self._one(question, number)

    def _one(self, question: Question, number: int) -> None:
        try:
            with under(_Overtaken(lambda: number != self._newest)):
                answer = self._answer(question)
        except Stopped:
            return
        except Exception as error:  # any error is shown in the notebook, and the slider keeps working
            self._finish(number, partial(self._explain, error))
        else:
            self._finish(number, partial(self._show, answer))

    def _finish(self, number: int, tell: Callable[[], None]) -> None:
        with self._changed:
            if number == self._newest:
                tell()


class _Overtaken(Control):
    """Stops work whose question is no longer the newest."""

    def __init__(self, overtaken: Callable[[], bool]) -> None:
        super().__init__()
        self._overtaken = overtaken

    def check(self) -> None:
        if self._overtaken():
            raise Stopped("A newer question replaced this one.")
