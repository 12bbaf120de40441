"""Lessons as a class uses them: every step opens, the question comes before the answer, the address
holds the place.
"""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from pages.parts.common.address_problems import problems
from pages.parts.lessons import breaks, correlation, gains, maps, pruning, units
from pages.parts.lessons.asking import AGAIN, TRIES_FROM
from pages.parts.lessons.facts import CONTROLS
from pages.parts.lessons.frame import before, following
from tests.pages.conftest import open_page
from tests.pages.lessons.steps import in_address, open_step, place, press, said, sound, view

MOST_SIGNS = 36  # a button cuts off what is longer, in large type beside the view
LESSONS = (maps.LESSON, pruning.LESSON, correlation.LESSON, units.LESSON, gains.LESSON, breaks.LESSON)
PLACES = [(number, step) for number, lesson in enumerate(LESSONS, 1) for step in range(1, len(lesson.steps) + 1)]
KINDS = ("slider", "select_slider", "selectbox", "segmented_control", "toggle")
# lesson, step, control, another value than its default, whether it is drawn only with the answer:
# "one thing to try" on every step
TRIES = [
    (1, 1, "example", "0", False),
    (1, 2, "example", "0", False),
    (1, 2, "other", "1", False),
    (1, 3, "background", 0.5, False),
    (1, 3, "example", "0", False),
    (1, 4, "late", 21, False),
    (1, 4, "example", "0", False),
    (1, 5, "blur", 4.0, False),
    (1, 5, "example", "0", False),
    (1, 6, "example", "0", False),
    (1, 7, "example", "0", False),
    (2, 1, "removed", 90, False),
    (2, 1, "example", "0", False),
    (2, 2, "removed", 90, False),
    (2, 2, "example", "0", False),
    (2, 3, "removed", 90, False),
    (2, 3, "example", "0", False),
    (2, 4, "depth", 15, False),
    (2, 5, "depth", 15, False),
    (2, 5, "example", "0", False),
    (2, 6, "drawn", 60, False),
    (2, 7, "who", "334", False),
    (3, 1, "series", "334", False),
    (3, 2, "upto", 20, False),
    (3, 3, "collapsed", False, False),
    (3, 4, "empty", False, True),
    (3, 5, "counted", 20, True),
    (3, 6, "series", "334", False),
    (3, 7, "run", "55000", False),
    (3, 8, "depth", 5, False),
    (4, 1, "one", 5, False),
    (4, 2, "who", "334", False),
    (4, 3, "judging", "pixels", False),
    (4, 4, "left", 5, False),
    (4, 5, "one", 5, False),
    (4, 5, "left", 5, False),
    (4, 6, "judging", "pixels", False),
    (5, 1, "rise", 10, False),
    (5, 1, "example", "0", False),
    (5, 2, "rise", 10, False),
    (5, 3, "looks", 5, False),
    (5, 4, "peak", 2, False),
    (5, 5, "claimed", "seed-334", False),
    (5, 6, "rate", "4", False),
    (5, 7, "scored", "map-mean", False),
    (6, 1, "spared", "0.93", False),
    (6, 1, "example", "0", False),
    (6, 2, "gone", "random", False),
    (6, 3, "gone", "random", False),
    (6, 4, "unlike", 0.3, False),
    (6, 5, "method", "grad-cam++", False),
    (6, 6, "gone", "random", False),
    (6, 7, "network", "squeezenet", False),
    (6, 8, "same", "lite0", False),
]


def control(app: AppTest, name: str):
    return next(element for kind in KINDS for element in getattr(app, kind) if element.key == name)


def controls(app: AppTest) -> set[str]:
    return {element.key for kind in KINDS for element in getattr(app, kind) if element.key in CONTROLS}


def where(app: AppTest) -> str:
    return next(element.value for element in app.markdown if "**step " in element.value)


def choices(app: AppTest) -> list[str]:
    return [button.label for button in app.button if str(button.key).startswith("_choice_")]


def answer(app: AppTest) -> None:
    """Presses the first choice, and if it was wrong and leaves a second try, the next one."""
    app.button(key="_choice_0").click().run()
    if tried_again(app):
        app.button(key="_choice_1").click().run()


def tried_again(app: AppTest) -> bool:
    return bool(app.info) and app.info[0].value.startswith(AGAIN)


def test_there_are_six_stories_of_five_to_eight_steps() -> None:
    assert len(LESSONS) == 6
    assert all(5 <= len(lesson.steps) <= 8 for lesson in LESSONS)


SLOW = (2, 7)  # it computes both methods over two series


@pytest.mark.parametrize("present", ["0", pytest.param("1", marks=pytest.mark.long)])
@pytest.mark.parametrize(
    ("lesson", "step"), [pytest.param(*at, marks=pytest.mark.long) if at == SLOW else at for at in PLACES]
)
def test_every_step_opens_with_a_question_and_keeps_its_answer_back(lesson: int, step: int, present: str) -> None:
    app = open_step(lesson, step, **({"present": "1"} if present == "1" else {}))
    sound(app)
    assert app.header[0].value == LESSONS[lesson - 1].steps[step - 1].title
    assert f"**step {step} of {len(LESSONS[lesson - 1].steps)}**" in where(app)
    assert not app.success
    assert not app.info
    assert len(choices(app)) >= 2
    assert max(map(len, choices(app))) <= MOST_SIGNS
    told = said(app)
    answer(app)
    sound(app)
    assert len(app.success) + len(app.info) == 1
    verdict = (*app.success, *app.info)[0].value
    assert verdict.startswith("**Correct.**" if app.success else "**Not quite.**")
    assert verdict.split(" ", 2)[2] not in told
    assert all(chart.proto.alt for chart in app.get("plotly_chart"))
    assert all(image.alt for element in app.get("image") for image in element.proto.imgs)


def test_every_step_has_something_to_try() -> None:
    assert {(lesson, step) for lesson, step, *_ in TRIES} == set(PLACES)


@pytest.mark.long
@pytest.mark.parametrize(("lesson", "step", "name", "value", "later"), TRIES)
def test_what_one_can_try_moves_the_view(lesson: int, step: int, name: str, value: object, later: bool) -> None:
    app = open_step(lesson, step)
    assert (name in controls(app)) is not later
    if later:
        answer(app)
    at_first = view(app)
    control(app, name).set_value(value).run()
    sound(app)
    assert view(app) != at_first
    # It can stand in an address, which only a browser writes.
    assert problems({name: str(value).lower()}, CONTROLS) == []


@pytest.mark.parametrize(("name", "value"), [("empty", "false"), ("counted", "20")])
def test_a_control_that_comes_with_the_answer_keeps_what_the_address_says(name: str, value: str) -> None:
    step = {"empty": 4, "counted": 5}[name]
    app = open_step(3, step, **{name: value})
    sound(app)
    answer(app)
    assert str(control(app, name).value).lower() == value


@pytest.mark.parametrize(
    ("address", "wrong"),
    [
        ({"lesson": "9"}, "lesson=9"),
        ({"lesson": "0"}, "lesson=0"),
        ({"lesson": "two", "step": "-1"}, "lesson=two"),
        ({"step": "99"}, "step=99"),
        ({"step": "0"}, "step=0"),
        ({"lesson": "1", "step": "8"}, "step=8"),
        ({"step": "1.5"}, "step=1.5"),
        ({"blur": "9"}, "blur=9"),
        ({"example": "x"}, "example=x"),
    ],
)
def test_what_is_out_of_range_is_said(address: dict[str, str], wrong: str) -> None:
    app = open_page("lessons", **address)
    assert not app.exception
    assert not app.error
    assert f"`{wrong}` cannot be used" in app.warning[0].value
    assert "**step 1 of 7**" in where(app)
    name, value = wrong.split("=")
    assert app.query_params.get(name) != value


def test_a_wrong_step_leaves_the_lesson_as_it_is() -> None:
    app = open_step(3, 99)
    assert "`step=99` cannot be used" in app.warning[0].value
    assert LESSONS[2].title in where(app)
    assert open_step(3, 8).warning == []


@pytest.mark.parametrize("at", PLACES)
def test_previous_and_next_are_each_other_s_inverse(at: tuple[int, int]) -> None:
    after = following(LESSONS, at)
    assert after == at if at == PLACES[-1] else before(LESSONS, after) == at
    assert PLACES.index(after) == min(PLACES.index(at) + 1, len(PLACES) - 1)


def test_the_buttons_move_and_the_address_follows() -> None:
    app = open_step(1, 7)
    assert app.button(key="_page_next").label == "Next lesson"
    app.button(key="_page_next").click().run()
    assert place(app) == ("2", "1")
    assert "**step 1 of 7**" in where(app)
    app.button(key="_arrow_back").click().run()
    assert place(app) == ("1", "7")
    assert open_step(1, 1).button(key="_page_back").disabled
    assert open_step(6, len(LESSONS[5].steps)).button(key="_page_next").disabled


def test_another_lesson_is_chosen_at_its_beginning() -> None:
    app = open_step(1, 4)
    app.segmented_control(key="lesson_choice").set_value(3).run()
    assert place(app) == ("3", "1")
    assert app.header[0].value == LESSONS[2].steps[0].title


def test_an_answer_belongs_to_its_step_and_stays() -> None:
    app = open_step(2, 1)
    answer(app)
    verdict = (*app.success, *app.info)[0].value
    app.button(key="_page_next").click().run()
    assert not app.success
    assert not app.info
    app.button(key="_page_back").click().run()
    assert (*app.success, *app.info)[0].value == verdict


def test_a_first_wrong_choice_leaves_a_second_try() -> None:
    """6, 2: the answer is the last of three choices."""
    app = open_step(6, 2)
    app.button(key="_choice_0").click().run()
    sound(app)
    assert app.info[0].value == f"{AGAIN} The heatmap would need to change while the answer still holds."
    assert [button.key for button in app.button if str(button.key).startswith("_choice_") and button.disabled] == [
        "_choice_0"
    ]
    app.button(key="_choice_2").click().run()
    assert app.success[0].value.startswith("**Correct.**")
    assert not any(button.disabled for button in app.button if str(button.key).startswith("_choice_"))


def test_a_second_wrong_choice_shows_the_answer_and_so_does_giving_up() -> None:
    app = open_step(6, 2)
    app.button(key="_choice_0").click().run()
    app.button(key="_choice_1").click().run()
    assert app.info[0].value.startswith("**Not quite.** The heatmap breaks first")
    app = open_step(6, 2)
    app.button(key="_choice_1").click().run()
    press(app, "Show the answer")
    assert app.info[0].value.startswith("The heatmap breaks first")  # nobody is judged


def test_a_second_try_is_of_the_same_question() -> None:
    """6, 4: with a lower threshold, what was wrong is right."""
    app = open_step(6, 4)
    app.button(key="_choice_2").click().run()
    assert tried_again(app)
    app.slider(key="unlike").set_value(0.1).run()
    assert not app.info
    app.button(key="_choice_2").click().run()
    assert app.success[0].value.startswith("**Correct.**")


def test_two_choices_leave_no_second_try() -> None:
    app = open_step(3, 8)
    assert len(choices(app)) == 2 < TRIES_FROM
    app.button(key="_choice_1").click().run()
    assert app.info[0].value.startswith("**Not quite.**")
    assert not tried_again(app)


def test_a_room_has_a_second_try_too() -> None:
    app = open_step(6, 2, present="1")
    app.button(key="_choice_0").click().run()
    assert tried_again(app)
    assert app.button(key="_page_next").label == "Show the answer"
    app.button(key="_page_next").click().run()
    assert app.info[0].value.startswith("The heatmap breaks first")


def test_a_room_sees_the_answer_before_the_next_step() -> None:
    app = open_step(1, 1, present="1")
    press(app, "Show the answer")
    assert "**step 1 of 7**" in where(app)
    assert not app.success
    assert not app.info[0].value.startswith("**Not quite")  # nobody has chosen
    assert "lesson_choice" not in [element.key for element in app.segmented_control]
    app.button(key="_page_next").click().run()
    assert "**step 2 of 7**" in where(app)
    assert in_address(app, "present") == "1"


def links(app: AppTest) -> dict[str, str]:
    return {link.proto.label: link.proto.query_string for link in app.get("page_link")}


def test_one_comes_back_to_where_one_was() -> None:
    app = open_step(2, 3)
    app.switch_page("pages/curves.py").run()
    assert links(app)["Lessons"] == "lesson=2&step=3"
    assert links(app)["Explore"] == ""
    for name in ("lesson", "step"):
        if name in app.query_params:
            del app.query_params[name]
    app.switch_page("pages/lessons.py").run()
    assert "**step 3 of 7**" in where(app)


@pytest.mark.parametrize("page", ["home", "explore"])
def test_every_link_goes_on_presenting(page: str) -> None:
    app = open_page(page, present="1")
    assert links(app)
    assert all("present=1" in query.split("&") for query in links(app).values())


def test_an_exercise_offers_the_controls_of_this_step_by_their_labels() -> None:
    app = open_step(1, 5, blur="3")
    assert app.multiselect(key="_hide").options == ["Blur (pixels) (blur)", "Try another digit (example)"]
    app.multiselect(key="_hide").set_value(["blur"]).run()
    assert app.multiselect(key="_lock").options == ["Try another digit (example)"]
    app.multiselect(key="_lock").set_value(["example"]).run()
    parts = dict(part.split("=") for part in app.code[0].value.split("?")[1].split("&"))
    assert parts == {"lesson": "1", "step": "5", "blur": "3", "hide": "blur", "lock": "example"}
    known = {name: CONTROLS[name] for name in ("blur", "example")}
    assert problems({name: parts[name] for name in ("blur", "hide", "lock")}, known) == []


@pytest.mark.parametrize(
    ("at", "name", "value"), [((1, 1), "example", "3"), ((2, 5), "depth", "15"), ((3, 7), "run", "55000")]
)
def test_a_hidden_control_keeps_the_view(at: tuple[int, int], name: str, value: str) -> None:
    shown, hidden = open_step(*at, **{name: value}), open_step(*at, **{name: value, "hide": name})
    assert name in controls(shown)
    assert name not in controls(hidden)
    assert view(hidden) == view(shown)
