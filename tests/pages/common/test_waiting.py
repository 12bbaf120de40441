"""Work that a page waits for: stopped, shared, ended with its session, failing, quick or slow."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core import CamSpec, Engine, ImageRef, ModelSpec, PruningSpec, VariantSpec
from core.base.errors import MissingData
from core.jobs.control import check
from core.results import Comparison
from pages.parts.common import background, engine, state, waiting
from pages.parts.common.background import Task, Work
from pages.parts.common.state import Owner
from tests.pages.conftest import DIGITS, ROOT, OpenPage, open_page, pictures_at, words

WAIT_S = 20.0


class Gate:
    """Work that goes on until it is let through, and asks at each step whether it shall stop."""

    def __init__(self) -> None:
        self.begun, self.let_through, self.times = threading.Event(), threading.Event(), 0

    def __call__(self, *_: Any) -> str:
        self.times += 1
        self.begun.set()
        for _ in range(int(WAIT_S / 0.01)):
            check()
            if self.let_through.wait(0.01):
                return "answer"
        raise AssertionError("nobody let it through")


@pytest.fixture
def tasks() -> background.Background:
    return background.Background()


def asked(run: Callable[[Task], Any], key: str = "question", place: str = "here", stamp: str = "") -> Work:
    return Work(place=place, key=key, stamp=stamp, what="Waiting", run=run)


def test_two_sessions_with_one_question_work_it_out_once(tasks: background.Background) -> None:
    gate = Gate()
    first, second = (tasks.ask(asked(gate), Owner()) for _ in range(2))
    gate.let_through.set()
    assert first is second
    assert first.ended(WAIT_S)
    assert (first.answer, gate.times) == ("answer", 1)
    assert tasks.ask(asked(gate), Owner()) is first


def test_shared_work_ends_with_the_last_who_waits(tasks: background.Background) -> None:
    gate, owners = Gate(), (Owner(), Owner())
    task, _ = (tasks.ask(asked(gate), owner) for owner in owners)
    task.leave(owners[0])
    assert task.at_work
    task.leave(owners[1])
    assert task.ended(WAIT_S)
    assert not task.succeeded
    assert task.error is None


def test_a_closed_session_ends_its_work(tasks: background.Background, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: set[Owner] = set()
    monkeypatch.setattr(background, "is_open", lambda owner: owner not in closed)
    gate, owners = Gate(), [Owner("one"), Owner("two")]
    task, _ = (tasks.ask(asked(gate), owner) for owner in owners)
    assert gate.begun.wait(WAIT_S)
    closed.add(owners[0])
    task.check()  # the other one still waits
    closed.add(owners[1])
    assert task.ended(WAIT_S)
    assert not task.succeeded


def test_streamlit_says_which_sessions_are_open(monkeypatch: pytest.MonkeyPatch) -> None:
    assert background.is_open(Owner("any"))  # without a server

    class Server:
        def is_active_session(self, session_id: str) -> bool:
            return session_id == "open"

    monkeypatch.setattr("streamlit.runtime.exists", lambda: True)
    monkeypatch.setattr("streamlit.runtime.get_instance", Server)
    assert background.is_open(Owner("open"))
    assert not background.is_open(Owner("closed"))


def test_a_question_does_not_wait_behind_another(tasks: background.Background) -> None:
    gate = Gate()
    heavy = tasks.ask(asked(gate, "heavy"), Owner())
    assert gate.begun.wait(WAIT_S)
    light = tasks.ask(asked(lambda task: "light", "light"), Owner())
    assert light.ended(WAIT_S)
    assert heavy.at_work
    gate.let_through.set()


def test_a_failure_is_not_kept(tasks: background.Background) -> None:
    answers: Iterator[Any] = iter([MissingData("Not there."), "answer"])

    def once(task: Task) -> str:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return str(answer)

    task = tasks.ask(asked(once), Owner())
    assert task.ended(WAIT_S)
    assert isinstance(task.error, MissingData)
    task = tasks.ask(asked(once), Owner())
    assert task.ended(WAIT_S)
    assert task.answer == "answer"


def test_stopped_steps_continue_where_they_were(tasks: background.Background) -> None:
    owner, begun_at = Owner(), []

    def steps(done: int) -> Iterator[int]:
        begun_at.append(done)
        for number in range(done, 5):
            if number == 3 and len(begun_at) == 1:
                task.leave(owner)
            yield number

    ready = threading.Event()

    def run(task: Task) -> None:
        ready.wait(WAIT_S)
        task.collect(steps, 5)

    task = tasks.ask(asked(run), owner)
    ready.set()
    assert task.ended(WAIT_S)
    assert task.results == [0, 1, 2, 3]
    task = tasks.ask(asked(run), owner)
    assert task.ended(WAIT_S)
    assert task.results == [0, 1, 2, 3, 4]
    assert begun_at == [0, 4]


def test_answers_of_other_files_are_not_given(tasks: background.Background) -> None:
    first = tasks.ask(asked(lambda task: "old", stamp="old"), Owner())
    assert first.ended(WAIT_S)
    work = asked(lambda task: "new", stamp="new")
    assert tasks.find(work) is None
    second = tasks.ask(work, Owner())
    assert second.ended(WAIT_S)
    assert second.answer == "new"


def test_only_the_last_answers_are_kept(tasks: background.Background, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "MOST_ANSWERS", 3)
    works = [asked(lambda task: 1, str(number)) for number in range(5)]
    for work in works:
        assert tasks.ask(work, Owner()).ended(WAIT_S)
    assert [tasks.find(work) is not None for work in works] == [False, False, True, True, True]


# In pages


@pytest.fixture
def press_stop(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """The places at which a person presses Stop once, while the page waits there, and after how
    many steps of the work.
    """
    places: dict[str, int] = {}
    real = waiting._watched

    def watched(work: Work, note: Any) -> Task:
        if work.place in places:
            task, steps = waiting.ask(work), places.pop(work.place)
            while task.done < steps:
                assert not task.ended(0.01)
            waiting.stop(work, task)  # what a click does: the callback, then a new run
            st.rerun()
        return real(work, note)

    monkeypatch.setattr(waiting, "_watched", watched)
    return places


def click(app: AppTest, label: str) -> AppTest:
    return next(button for button in app.button if button.label == label).click().run()


def labels(app: AppTest) -> list[str]:
    return [button.label for button in app.button]


def to(app: AppTest, page: str) -> AppTest:
    app.query_params.clear()  # as a browser does
    return app.switch_page(f"pages/{page}.py").run()


@pytest.mark.usefixtures("own_cache")
def test_stop_in_explore_and_stop_in_compare_leave_each_other_alone(press_stop: dict[str, int]) -> None:
    app = open_page("explore", **DIGITS)
    press_stop["explore"] = 0
    app.slider(key="sparsity").set_value(30.0).run()
    assert "Stopped." in words(app)
    assert pictures_at(app) == {"70.0086% sparsity"}
    assert "still show the previous view" in words(app)
    press_stop["compare"] = 0
    to(app, "compare")
    assert "Stopped." in words(app)
    to(app, "explore")
    assert "Stopped." in words(app), "Explore computed again what was stopped there"
    to(app, "compare")
    assert "Stopped." in words(app), "Compare computed again what was stopped there"
    click(app, "Continue")
    assert "Stopped." not in words(app)
    to(app, "explore")
    assert "Stopped." in words(app)
    click(app, "Continue")
    assert "Stopped." not in words(app)
    assert pictures_at(app) == {"29.9914% sparsity"}


@pytest.mark.usefixtures("own_cache")
def test_the_first_answer_can_be_stopped_and_nothing_is_said_of_earlier_pictures(press_stop: dict[str, int]) -> None:
    press_stop["explore"] = 0
    app = open_page("explore", **DIGITS)
    assert not app.exception
    assert "Stopped." in words(app)
    assert "previous" not in words(app)
    assert not app.metric
    assert pictures_at(click(app, "Continue")) == {"70.0086% sparsity"}


@pytest.mark.usefixtures("own_cache")
def test_another_question_is_answered_after_stop(press_stop: dict[str, int]) -> None:
    press_stop["explore"] = 0
    app = open_page("explore", **DIGITS)
    app.slider(key="sparsity").set_value(30.0).run()
    assert pictures_at(app) == {"29.9914% sparsity"}
    assert "Stopped." not in words(app)


@pytest.mark.usefixtures("own_cache")
def test_after_stop_in_compare_what_is_computed_is_shown(
    press_stop: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    real, computed, gate = engine.comparison, [], Gate()

    def comparison(*question: Any) -> Comparison:
        if len(computed) == 3:
            gate()
        answer = real(*question)
        computed.append(question)
        return answer

    monkeypatch.setattr(engine, "comparison", comparison)
    press_stop["compare"] = 3
    app = open_page("compare", **DIGITS)
    assert "Stopped after 3 of 6." in words(app)
    gate.let_through.set()
    click(app, "Continue")
    assert not app.exception
    assert "Stopped" not in words(app)
    assert len(set(computed)) == len(computed) == 6  # nothing is computed twice


@pytest.mark.usefixtures("own_cache")
def test_a_strip_that_is_stopped_shows_the_levels_that_are_done(press_stop: dict[str, int]) -> None:
    press_stop["strip"] = 3
    app = open_page("curves", tab="digit")
    assert not app.exception
    assert "of 26." in words(app)
    done = words(app).count("[Level ")
    assert 3 <= done < 26
    click(app, "Continue")
    assert words(app).count("[Level ") == 26


@pytest.mark.usefixtures("own_cache")
def test_a_step_of_a_lesson_that_is_stopped_can_be_left_and_continued(press_stop: dict[str, int]) -> None:
    press_stop["walk 10 relu2"] = 2
    app = open_page("lessons", lesson="2", step="5")
    assert not app.exception
    assert not app.error
    assert "Stopped after" in words(app)
    assert {"Continue", "Back", "Next"} <= set(labels(app))
    assert "_choice_0" not in {button.key for button in app.button}
    click(app, "Continue")
    assert "Stopped after" not in words(app)
    assert "_choice_0" in {button.key for button in app.button}


@pytest.mark.usefixtures("own_cache")
def test_a_failure_is_shown_and_asked_again(explore: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    real, failing = engine.comparison, [True]

    def comparison(*question: Any) -> Comparison:
        if failing:
            raise MissingData("The weights are gone.", "They were here.", "Bring them back.")
        return real(*question)

    monkeypatch.setattr(engine, "comparison", comparison)
    app = explore(**DIGITS)
    assert "The weights are gone." in app.error[0].value
    failing.clear()
    assert pictures_at(app.run()) == {"70.0086% sparsity"}
    assert not app.error


@pytest.mark.usefixtures("own_cache")
def test_quick_answers_come_without_a_word(explore: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Work] = []
    monkeypatch.setattr(waiting, "_progress", lambda work, task: drawn.append(work))
    assert pictures_at(explore(**DIGITS))
    assert drawn == []
    engine.forget()
    real = engine.comparison

    def slow(*question: Any) -> Comparison:
        time.sleep(0.2)
        return real(*question)

    monkeypatch.setattr(engine, "comparison", slow)
    monkeypatch.setattr(waiting, "PATIENCE_S", 0.0)
    assert pictures_at(explore(**DIGITS))
    assert drawn


def test_slow_work_shows_its_remaining_time_and_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    def script() -> None:
        import threading

        import streamlit as st

        from pages.parts.common.background import Work
        from pages.parts.common.waiting import wait

        def run(task: "Task") -> None:  # noqa: UP037 - the script has no names of this module
            task.collect(lambda done: (threading.Event().wait(0.1) or number for number in range(done, 4)), 4)

        work = Work(place="here", key="four", what="Images", run=run)
        st.markdown(wait(work, st.container()).results)

    shown: list[tuple[str, list[str]]] = []
    real = st.progress

    def progress(value: float, text: str, **options: Any) -> None:
        shown.append((text, list(options)))
        real(value, text, **options)

    monkeypatch.setattr(waiting, "PATIENCE_S", 0.0)
    monkeypatch.setattr(st, "progress", progress)
    app = AppTest.from_function(script, default_timeout=WAIT_S).run()
    assert not app.exception
    texts = [text for text, _ in shown]
    assert any(text.startswith("Images: 2 of 4, ") and text.endswith(" left") for text in texts), texts


def test_slow_questions_one_after_the_other_at_one_place(monkeypatch: pytest.MonkeyPatch) -> None:
    def script() -> None:
        import threading

        import streamlit as st

        from pages.parts.common.background import Work
        from pages.parts.common.waiting import wait

        for number in range(2):
            work = Work(
                place="here", key=number, what="Waiting", run=lambda task: threading.Event().wait(0.2) or "answer"
            )
            st.markdown(wait(work, st.container()).answer)

    monkeypatch.setattr(waiting, "PATIENCE_S", 0.0)
    app = AppTest.from_function(script, default_timeout=WAIT_S).run()
    assert not app.exception
    assert [element.value for element in app.markdown] == ["answer"] * 2


def test_work_of_a_page_that_is_left_ends(explore: OpenPage) -> None:
    app, gate = explore(**DIGITS), Gate()
    mine = state.of(app.session_state)
    task = background.background().ask(asked(gate, "left"), mine.owner)
    mine.waiting.tasks["left"] = task
    to(app, "lessons")
    assert task.ended(WAIT_S)
    assert not task.succeeded


@pytest.mark.long
def test_score_cam_ends_before_the_next_pass_after_stop(tmp_path: Path) -> None:
    """Counted, not timed: after Stop no pass of the network is made any more."""
    made, passes, tasks = Engine("cpu", tmp_path), [], background.Background()
    variant = VariantSpec(
        model=ModelSpec(name="efficientnet-lite0", weights="imagenet"), pruning=PruningSpec.one_shot(0.2)
    )
    owner, some = Owner(), threading.Event()
    with made.store.borrow(variant) as network:

        def count(*_: Any) -> None:
            passes.append(1)
            if len(passes) == 4:
                task.leave(owner)
                some.set()

        handle = network.register_forward_hook(count)
    ready = threading.Event()

    def heatmap(task: Task) -> None:
        ready.wait(WAIT_S)
        made.heatmap(
            variant, ImageRef(source="gallery", name="coffee"), CamSpec(method="score-cam", layer="_bn1", target="own")
        )

    task = tasks.ask(asked(heatmap), owner)
    ready.set()
    assert some.wait(60)
    assert task.ended(60)
    assert len(passes) == 4
    handle.remove()
    after = tasks.ask(asked(lambda task: made.report(variant).sparsity, "next"), owner)
    assert after.ended(WAIT_S)
    assert after.answer == pytest.approx(0.2, abs=1e-3)


def test_session_state_has_no_private_keys() -> None:
    import re

    keys = re.compile(r"""session_state(\[|\.(get|pop|setdefault)\()["']_""")
    for path in (ROOT / "app.py", *(ROOT / "pages").rglob("*.py")):
        assert not keys.search(path.read_text()), path
