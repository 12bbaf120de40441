"""The handout of a lesson: all questions as they are set, nothing of the answers before the last
part.
"""

from __future__ import annotations

import re
from html import unescape

import pytest
from streamlit.testing.v1 import AppTest

from pages.parts.common.state import of
from tests.pages.lessons.steps import in_address, open_step, press, said, sound, view
from tests.pages.lessons.test_lessons import LESSONS


def made(app: AppTest) -> str:
    """The file behind the button, whose content only the session has."""
    app.button(key="_handout").click().run(timeout=300)
    sound(app)
    handout = of(app.session_state).lessons.handout
    assert handout is not None
    return handout[1]


def text(html: str) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", "", html.split("</style>")[1])))


def parts(html: str) -> tuple[list[str], str]:
    """The exercises and the answers."""
    body, answers = html.split('<section class="answers">')
    return body.split('<section class="exercise">')[1:], answers


@pytest.mark.parametrize("lesson", [6, *(pytest.param(number, marks=pytest.mark.long) for number in range(1, 6))])
def test_every_step_is_on_it_and_its_answer_at_the_end(lesson: int) -> None:
    html = made(open_step(lesson, 1))
    exercises, answers = parts(html)
    assert len(exercises) == len(LESSONS[lesson - 1].steps)
    for number, (exercise, step) in enumerate(zip(exercises, LESSONS[lesson - 1].steps, strict=True), 1):
        app = open_step(lesson, number)
        question = app.button(key="_choice_0").label
        assert f"{number}. {step.title}" in unescape(exercise)
        assert question in unescape(exercise)
        assert re.search(r'<img src="data:image/(png|svg\+xml|jpeg);base64,', exercise)
        assert "&lt;" not in exercise
        app.button(key="_choice_0").click().run()
        if app.info and "second try" in app.info[0].value:
            press(app, "Show the answer")
        told = re.sub(r"\*\*(Correct|Not quite)\.\*\* ", "", (*app.success, *app.info)[0].value)
        plain = re.sub(r"\s+", " ", re.sub(r"\*+", "", told))
        assert plain in text(html)
        assert plain in re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", "", answers)))
        assert plain not in re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", "", exercise)))


def test_it_loads_nothing_and_runs_nothing() -> None:
    html = made(open_step(5, 1))
    assert "default-src 'none'; style-src 'unsafe-inline'; img-src data:" in html
    assert "<script" not in html
    assert not re.findall(r'(?:src|href)="(?!data:)', html)


def test_it_shows_the_controls_as_they_are_set() -> None:
    html = made(open_step(5, 1, rise="10", peak="8"))
    exercises, _ = parts(html)
    assert "level <strong>10</strong>" in exercises[0]
    assert "Level: 10; Try another digit: 9" in text(exercises[0].join(["</style>", ""]))
    assert "level <strong>8</strong>" in exercises[3]


def test_the_page_stays_as_it_is_and_offers_the_file() -> None:
    app = open_step(6, 2, gone="random")
    before = view(app), app.query_params.get("gone"), in_address(app, "step")
    made(app)
    assert (view(app), app.query_params.get("gone"), in_address(app, "step")) == before
    assert [button.label for button in app.get("download_button")] == ["Save the handout"]
    assert "_handout" not in [button.key for button in app.button]
    app.segmented_control(key="gone").set_value("magnitude").run()  # another view: another handout
    assert not app.get("download_button")
    assert app.button(key="_handout").label == "Handout"


def test_a_room_has_none() -> None:
    app = open_step(5, 1, present="1")
    assert "Handout" not in [button.label for button in app.button]
    assert "Handout" not in said(app)
