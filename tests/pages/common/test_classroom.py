"""A server for a class: locked for visitors, unlocked in the teacher's session alone, and slow
questions in turn.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core import CamSpec, Engine, ImageRef, PruningSpec, VariantSpec
from core.classroom.password import FREE, PLACE, set_password
from core.data.gallery import gallery_image
from core.jobs.control import check, under, works_apart
from core.results import Comparison
from pages.parts.common import background, engine, guests, teacher
from pages.parts.common.background import Background, Task, Work
from pages.parts.common.guests import Guest
from pages.parts.common.state import Owner
from tests.pages.conftest import open_page, words

PASSWORD = "correct horse battery"
LOCKED = "This server is locked"
WAIT_S = 20.0


@pytest.fixture
def classroom(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A server for a class with a password; its cache folder."""
    monkeypatch.setenv("SPARSIGHT_CLASSROOM", "1")
    set_password(own_cache, PASSWORD)
    monkeypatch.setattr(teacher, "_door", type(teacher._door)())
    return own_cache


def unlock(app: AppTest, password: str = PASSWORD) -> AppTest:
    app.text_input(key="_password").set_value(password)
    return next(button for button in app.button if button.label == "Unlock").click().run()


def labels(app: AppTest) -> set[str]:
    return {button.label for button in app.button}


def to(app: AppTest, page: str) -> AppTest:
    app.query_params.clear()
    return app.switch_page(f"pages/{page}.py").run()


def test_without_a_password_settings_names_none(classroom: Path) -> None:
    (classroom / PLACE).unlink()
    said = words(open_page("settings"))
    assert said.count("No password is set, so nobody can unlock it") == 2  # under Teacher and Limits
    assert "enters the password" not in said


@pytest.mark.usefixtures("classroom")
def test_the_password_unlocks_this_session_alone() -> None:
    app, other = open_page("settings"), open_page("settings")
    assert LOCKED in words(app)
    assert "changing memory limits is switched off. The teacher enters the password above" in words(app)
    assert "under Settings" not in words(app)
    assert "Apply" not in labels(app)
    unlock(app)
    assert {"Lock", "Apply"} <= labels(app)
    assert "Start training" in labels(to(app, "retrain"))
    assert LOCKED in words(other.run())
    assert "Start training" not in labels(to(other, "retrain"))
    to(app, "settings")
    next(button for button in app.button if button.label == "Lock").click().run()
    assert "Apply" not in labels(app)
    assert "Start training" not in labels(to(app, "retrain"))


@pytest.mark.usefixtures("classroom")
def test_a_wrong_password_opens_nothing_and_soon_nothing_is_tried() -> None:
    app = open_page("settings")
    for _ in range(FREE):
        unlock(app, "wrong password")
        assert "This is not the password." in words(app)
    unlock(app)
    assert "There were too many attempts." in words(app)
    assert "Apply" not in labels(app)


@pytest.mark.usefixtures("classroom")
def test_the_password_is_kept_by_no_widget_and_no_address() -> None:
    app = unlock(open_page("settings"))
    assert PASSWORD not in repr(app.session_state)
    assert PASSWORD not in str(app.query_params)
    assert PASSWORD not in words(app)


def test_without_a_password_the_page_names_the_command(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARSIGHT_CLASSROOM", "1")
    app = open_page("settings")
    assert "python -m core serve --set-password" in words(app)
    assert not app.text_input


def test_a_damaged_password_is_said_instead_of_asked_for(classroom: Path) -> None:
    (classroom / PLACE).write_bytes(b"\xff\xfe")
    app = open_page("settings")
    assert not app.exception
    assert not app.text_input
    assert "The file of the password is damaged" in words(app)
    assert "python -m core serve --set-password" in words(app)


def test_a_locked_server_that_is_not_for_a_class_knows_no_teacher(
    own_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPARSIGHT_LOCKED", "1")
    set_password(own_cache, PASSWORD)
    assert not open_page("settings").text_input


def test_work_in_the_background_is_never_the_teachers() -> None:
    found: list[bool] = []
    thread = threading.Thread(target=lambda: found.append(teacher.is_here()))
    thread.start()
    thread.join()
    assert found == [False]


# slow questions in turn


class Gate:
    """Work that goes on until it is let through."""

    def __init__(self) -> None:
        self.begun, self.let_through = threading.Event(), threading.Event()
        self.apart = False

    def __call__(self, *_: Any) -> str:
        self.apart = works_apart()
        self.begun.set()
        for _ in range(int(WAIT_S / 0.01)):
            check()
            if self.let_through.wait(0.01):
                return "answer"
        raise AssertionError("nobody let it through")


def asked(run: Any, key: str, slow: bool = True) -> Work:
    return Work(place=key, key=key, what="Waiting", run=run, slow=slow)


@pytest.fixture
def tasks(monkeypatch: pytest.MonkeyPatch) -> Background:
    monkeypatch.setenv("SPARSIGHT_CLASSROOM", "1")
    monkeypatch.setenv("SPARSIGHT_SLOW_AT_ONCE", "1")
    return Background()


def test_slow_questions_wait_for_each_other_and_quick_ones_for_nobody(tasks: Background) -> None:
    first, second = Gate(), Gate()
    one = tasks.ask(asked(first, "first"), Owner())
    assert first.begun.wait(WAIT_S)
    two = tasks.ask(asked(second, "second"), Owner())
    assert two.turn is not None
    assert tasks.line.ahead_of(two.turn) == 1
    quick = tasks.ask(asked(lambda task: works_apart(), "quick", slow=False), Owner())
    assert quick.ended(WAIT_S)
    assert quick.answer is False
    assert not second.begun.is_set()
    first.let_through.set()
    assert one.ended(WAIT_S)
    assert second.begun.wait(WAIT_S)
    second.let_through.set()
    assert two.ended(WAIT_S)
    assert first.apart


def test_a_question_that_is_stopped_in_the_queue_is_never_begun(tasks: Background) -> None:
    first, second, owner = Gate(), Gate(), Owner()
    one = tasks.ask(asked(first, "first"), Owner())
    two = tasks.ask(asked(second, "second"), owner)
    two.leave(owner)
    three = tasks.ask(asked(lambda task: "third", "third"), Owner())
    first.let_through.set()
    assert one.ended(WAIT_S)
    assert three.ended(WAIT_S)
    assert not second.begun.is_set()
    again = tasks.ask(asked(lambda task: "second", "second"), owner)
    assert again.ended(WAIT_S)
    assert again.answer == "second"


def test_a_session_that_is_closed_in_the_queue_can_ask_again(
    tasks: Background, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: set[Owner] = set()
    monkeypatch.setattr(background, "is_open", lambda owner: owner not in closed)
    first, owner = Gate(), Owner()
    one = tasks.ask(asked(first, "first"), Owner())
    two = tasks.ask(asked(lambda task: "second", "second"), owner)
    closed.add(owner)
    assert tasks.line.counts() == {"computing": 1, "waiting": 0}
    closed.clear()  # the browser reconnects
    again = tasks.ask(asked(lambda task: "second", "second"), owner)
    assert again is not two
    first.let_through.set()
    assert one.ended(WAIT_S)
    assert again.ended(WAIT_S)
    assert again.answer == "second"


def test_a_slow_question_ends_with_its_time_and_keeps_what_is_finished(
    tasks: Background, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPARSIGHT_SLOW_S", "1")
    begun_at = []

    def steps(done: int) -> Any:
        begun_at.append(done)
        for number in range(done, 5):
            if len(begun_at) == 1:
                threading.Event().wait(0.4)
            yield number

    work = asked(lambda task: task.collect(steps, 5), "scan")
    task = tasks.ask(work, Owner())
    assert task.ended(WAIT_S)
    assert task.error is not None
    assert "took longer than 1 second" in str(task.error)
    task = tasks.ask(work, Owner())
    assert task.ended(WAIT_S)
    assert task.results == [0, 1, 2, 3, 4]
    assert begun_at[1] > 0


def test_a_slow_question_rests_while_a_page_waits(tasks: Background) -> None:
    done: list[int] = []

    def steps(start: int) -> Any:
        for number in range(start, 50):
            threading.Event().wait(0.02)
            done.append(number)
            yield number

    with tasks.ahead():
        task = tasks.ask(asked(lambda task: task.collect(steps, 50), "scan"), Owner())
        threading.Event().wait(1.0)
        assert len(done) <= 2
    assert task.ended(WAIT_S)
    assert len(done) == 50


def test_a_quick_question_that_a_slider_has_left_behind_is_not_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARSIGHT_CLASSROOM", "1")
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    tasks, first, left, owner = Background(), Gate(), Gate(), Owner()
    one = tasks.ask(asked(first, "first", slow=False), Owner())
    assert first.begun.wait(WAIT_S)
    two = tasks.ask(asked(left, "left", slow=False), owner)
    three = tasks.ask(asked(lambda task: "third", "third", slow=False), owner)
    assert not three.ended(0.2)  # as many at once as there are processors
    two.leave(owner)
    first.let_through.set()
    assert one.ended(WAIT_S)
    assert three.ended(WAIT_S)
    assert three.answer == "third"
    assert two.ended(WAIT_S)
    assert not left.begun.is_set()


def test_nothing_slow_begins_unasked_while_others_wait(tasks: Background) -> None:
    first, second = Gate(), Gate()
    one = tasks.ask(asked(first, "first"), Owner())
    assert not tasks.is_busy
    two = tasks.ask(asked(second, "second"), Owner())
    assert tasks.is_busy
    for gate, task in ((first, one), (second, two)):
        gate.let_through.set()
        assert task.ended(WAIT_S)
    assert not tasks.is_busy


def test_a_server_of_one_person_has_no_queue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPARSIGHT_CLASSROOM", raising=False)
    tasks, gates = Background(), [Gate(), Gate()]
    for number, gate in enumerate(gates):
        assert tasks.ask(asked(gate, str(number)), Owner()).turn is None
        assert gate.begun.wait(WAIT_S)
        gate.let_through.set()


def test_a_slider_does_not_wait_for_a_network_that_a_slow_question_holds(tmp_path: Path) -> None:
    """A slow question holds both networks of a view; the same view is answered meanwhile."""
    made, task = Engine("cpu", tmp_path), Task(Owner())
    task.apart = True
    held, done = threading.Event(), threading.Event()
    variant, image = VariantSpec(pruning=PruningSpec.one_shot(0.5)), ImageRef()
    cam = CamSpec(method="grad-cam", layer="relu2")

    def scan() -> None:
        with under(task), made.store.borrow(variant), made.store.borrow(variant.dense):
            held.set()
            done.wait(WAIT_S)

    holder = threading.Thread(target=scan)
    holder.start()
    assert held.wait(WAIT_S)
    answers: list[Comparison] = []
    slider = threading.Thread(target=lambda: answers.append(made.compare(variant, image, cam)))
    slider.start()
    slider.join(WAIT_S)
    assert answers, "the slider waited for the scan"
    done.set()
    holder.join()


# what a session holds


@pytest.fixture
def photo(tmp_path: Path) -> bytes:
    path = tmp_path / "coffee.png"
    gallery_image("coffee").resize((64, 64)).save(path)
    return path.read_bytes()


@pytest.mark.usefixtures("own_cache")
def test_an_image_and_its_answers_go_with_the_last_session_that_holds_it(photo: bytes) -> None:
    model = VariantSpec().model
    image = engine.engine().add_image(photo, model)
    question = (VariantSpec(), image, CamSpec(method="grad-cam", layer="relu2"), None)
    work, owner = engine.compare(question), Owner()
    assert background.background().ask(work, owner).ended(WAIT_S)
    first, second = Guest(), Guest()
    first.hold(image, engine.forget_image)
    second.hold(image, engine.forget_image)
    first.end()
    assert background.background().find(work) is not None
    assert engine.engine().picture(image, model)
    second.end()
    second.end()
    assert background.background().find(work) is None
    assert sum(part.entries for part in engine.engine().parts() if part.name in ("own images", "prepared images")) == 0
    assert not [key for key in engine.engine()._answers._table.entries if image.name in str(key)]
    with pytest.raises(Exception, match="no longer in memory"):
        engine.engine().picture(image, model)


def test_another_image_takes_the_place_of_the_one_before(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guests, "_images", guests.Images())
    one, other, freed = ImageRef(source="own", name="1" * 16), ImageRef(source="own", name="2" * 16), []
    guest = Guest()
    for image in (one, one, other):
        guest.hold(image, freed.append)
    assert freed == [one]
    guest.end()
    assert freed == [one, other]
