"""From consent to code: one way through, and nothing that a browser repeats, invents or loses
changes an answer.
"""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.study.folder import Study
from core.study.place import expected
from core.study.server.participant import address
from tests.study.server.conftest import CLASSES, NAMES, Visit, Visitor, hidden

EVIL = "x'; DROP TABLE answers; --<script>alert(1)</script>"


def test_a_visit_leads_from_consent_to_the_code(person: Visitor) -> None:
    pages = [person.see()]
    while person.place.stage != "done":
        pages.append(person.step())
        assert pages[-1].status_code == 200
    codes = [re.findall(r'class="code">([0-9A-F]{8})<', page.text) for page in pages]
    assert codes[:-1] == [[]] * (len(pages) - 1)
    assert codes[-1] == [person.study.answers.participants()["code"][0]]
    trials = person.study.answers.design()["slot"].eq(0).sum()
    assert len(person.study.answers.frame()) == trials
    assert f"You have answered all {trials} questions" in pages[-1].text


def test_each_page_shows_its_question_without_naming_a_variant(person: Visitor) -> None:
    while person.place.stage != "done":
        place, page = person.place, person.see()
        assert not [name for name in NAMES if name in page.text]
        if place.stage == "trial":
            assert f"<title>{place.number + 1} of {place.of} –" in page.text
        if place.task == "heatmap-pair" and place.item:
            sides = [place.item["less_picture"], place.item["more_picture"]]
            left, right = sides if place.left == "less" else sides[::-1]
            shown = re.findall(r'src="/pictures/([^"]+)" alt="([^"]+)"', page.text)
            assert shown == [
                (left, "Heatmap on the left"),
                (place.item["picture"], "The picture itself"),
                (right, "Heatmap on the right"),
            ]
            assert "Both programs say" in page.text
        person.step()


def test_names_of_classes_are_escaped_and_each_has_a_button(person: Visitor) -> None:
    while person.place.task != "name-object" or person.place.stage != "trial":
        person.step()
    page = person.see().text
    assert "<b>fish</b>" not in page
    assert "&lt;b&gt;fish&lt;/b&gt;" in page
    assert re.findall(r'name="answer" value="([^"]+)"', page) == ["0", "1", "2", "3", "unknown"]


def test_the_next_pictures_are_named_on_the_page_before(person: Visitor) -> None:
    page = person.until("trial").text
    names = re.findall(r'data-next="([^"]*)"', page)[0].split()
    following = re.findall(r'src="/pictures/([^"]+)"', person.step().text)
    assert sorted(names) == sorted(following)


@pytest.mark.parametrize(
    "rest", ["", "/", "trial/0", "trial/2", "trial/99999999999999", "trial/x", "practice/1/1", "done", "break", "a/b/c"]
)
def test_every_other_address_leads_to_the_current_place(person: Visitor, rest: str) -> None:
    person.until("trial")
    reply = person.client.get(f"/p/{person.token}/{rest}", follow_redirects=False)
    assert (reply.status_code, reply.headers["location"]) == (303, f"/p/{person.token}/trial/1")


def test_a_replayed_answer_changes_nothing(person: Visitor) -> None:
    person.until("trial")
    for answer in ("left", "right", "equal"):
        reply = person.post("trial/1", answer=answer)
        assert reply.url.path == f"/p/{person.token}/trial/2"
    assert person.study.answers.frame()["side"].tolist() == ["left"]


def test_a_late_or_early_answer_changes_nothing(person: Visitor) -> None:
    person.until("trial")
    person.step()
    for number in (1, 3, 0, 1000):
        assert person.post(f"trial/{number}", answer="right").url.path == f"/p/{person.token}/trial/2"
    assert person.study.answers.frame()["position"].tolist() == [0]


def test_a_late_answer_of_another_task_changes_nothing(person: Visitor) -> None:
    while person.place.task != "name-object":
        person.step()
    before = len(person.study.answers.frame())
    assert person.post("trial/1", answer="left").status_code == 200
    assert len(person.study.answers.frame()) == before


def test_an_answer_for_the_trial_of_somebody_else_changes_nothing(visit: Visit) -> None:
    first, second = visit(), visit()
    first.join()
    second.join()
    first.until("trial")
    for _ in range(2):
        first.step()
    second.until("trial")
    assert second.post("trial/3", answer="left").url.path == f"/p/{second.token}/trial/1"
    assert second.post("trial/3", token=first.token + "x", answer="left").status_code == 404
    assert len(first.study.answers.frame()) == 2


@pytest.mark.parametrize("answer", ["", "up", "0", "less", "left ", EVIL])
def test_an_answer_that_no_button_gives_is_refused(person: Visitor, answer: str) -> None:
    person.until("trial")
    assert person.post("trial/1", answer=answer).status_code == 400
    assert person.study.answers.frame().empty


def test_only_a_class_of_the_study_can_be_named(person: Visitor) -> None:
    while person.place.task != "name-object" or person.place.stage != "trial":
        person.step()
    number = person.place.number + 1
    assert person.post(f"trial/{number}", answer=str(len(CLASSES) - 1)).status_code == 400
    assert person.post(f"trial/{number}", answer="3").status_code == 200
    assert person.study.answers.frame()["answer"].tolist()[-1] == "3"


def test_a_completion_cannot_be_forged(person: Visitor) -> None:
    person.until("trial")
    assert person.client.get(f"/p/{person.token}/done").url.path.endswith("/trial/1")
    last = person.place.of
    assert person.post(f"trial/{last}", answer="left").url.path.endswith("/trial/1")
    assert person.client.post(f"/p/{person.token}/done").status_code == 405
    assert person.place.code == ""


def test_two_presses_at_once_store_one_answer(person: Visitor) -> None:
    person.until("trial")
    with ThreadPoolExecutor(8) as pool:
        replies = list(pool.map(lambda n: person.post("trial/1", answer=("left", "right")[n % 2]), range(8)))
    assert {reply.status_code for reply in replies} == {200}
    assert len(person.study.answers.frame()) == 1


def test_consent_given_twice_makes_one_participant(visit: Visit) -> None:
    person = visit()
    form = hidden(person.client.get("/?PROLIFIC_PID=p1").text)
    with ThreadPoolExecutor(4) as pool:
        replies = list(pool.map(lambda _: person.client.post("/join", data=form), range(4)))
    assert {reply.status_code for reply in replies} == {200}
    assert len({reply.url.path for reply in replies}) == 1
    assert len(person.study.answers.participants()) == 1


def test_a_token_that_the_form_did_not_get_from_here_is_replaced(visit: Visit) -> None:
    person = visit()
    person.join(token="a/../b")
    assert re.fullmatch(r"[A-Za-z0-9_-]{32}", person.token)


def test_practice_that_fails_leads_back_to_the_instructions(person: Visitor) -> None:
    person.until("practice")
    place = person.place
    right = expected(place.item or {}, place.left).title()
    assert f"✗ Your last answer was not correct: the right one was “{right}”." in person.step(right=False).text
    page = person.step()
    assert page.url.path.endswith("/instructions")
    assert "Not every answer of the practice was correct" in page.text
    page = person.until("practice")
    assert page.url.path.endswith("/practice/2/1")
    assert "✓ Correct." in person.step().text
    page = person.step()
    assert "The practice is over" in page.text
    assert page.url.path.endswith("/trial/1")


def test_the_break_of_another_block_is_not_skipped(person: Visitor) -> None:
    page = person.until("break")
    number = person.place.number
    assert f"You have answered {number} of" in page.text
    assert person.post("go-on/1").url.path.endswith("/break")
    assert person.step().url.path.endswith(f"/trial/{number + 1}")
    assert person.post(f"go-on/{number + 1}").url.path.endswith(f"/trial/{number + 1}")


def test_the_same_browser_resumes(visit: Visit) -> None:
    person = visit()
    reply = person.client.get("/")
    assert "set-cookie" not in reply.headers
    joined = person.client.post("/join", data=hidden(reply.text), follow_redirects=False)
    cookie = joined.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    token = joined.headers["location"].split("/")[2]
    assert person.client.get("/").url.path == f"/p/{token}/instructions"
    assert visit().client.get("/").url.path == "/"


def test_a_shared_device_can_be_handed_on(person: Visitor) -> None:
    person.post("leave")
    assert person.client.get("/").url.path == "/"


def test_an_id_takes_part_once_and_opens_no_session(visit: Visit) -> None:
    first, second = visit(), visit()
    first.join("?PROLIFIC_PID=p1&STUDY_ID=s&SESSION_ID=v1&other=z")
    first.until("trial")
    reply = second.join("?PROLIFIC_PID=p1&STUDY_ID=s&SESSION_ID=v2")
    assert reply.status_code == 409
    assert "already begun" in reply.text
    assert first.token not in reply.text
    assert first.client.get("/?PROLIFIC_PID=p1").url.path.startswith("/p/")
    assert first.client.get("/?PROLIFIC_PID=p2").url.path == "/"
    ids = first.study.answers.participants()["ids"].tolist()
    assert ids == ['{"PROLIFIC_PID": "p1", "STUDY_ID": "s", "SESSION_ID": "v1"}']


def test_ids_with_sql_and_html_are_kept_as_they_are_and_shown_escaped(visit: Visit) -> None:
    person = visit()
    page = person.client.get("/", params={"PROLIFIC_PID": EVIL + "\0\r\n"})
    assert "<script>alert" not in page.text
    form = hidden(page.text)
    assert form["PROLIFIC_PID"] == EVIL
    assert person.client.post("/join", data=form | {"workerId": "\0" + EVIL}).status_code == 200
    assert person.study.answers.participants()["recruited"].tolist() == [f"PROLIFIC_PID={EVIL}"]


def test_withdrawing_deletes_everything_and_says_how_much(person: Visitor) -> None:
    person.until("trial")
    for _ in range(2):
        person.step()
    confirm = person.client.get(f"/p/{person.token}/withdraw")
    assert "Withdraw and delete my answers" in confirm.text
    assert len(person.study.answers.frame()) == 2
    reply = person.post("withdraw")
    assert "2 answers were deleted." in reply.text
    assert person.study.answers.frame().empty
    assert person.client.get("/").url.path == "/"
    for rest in ("trial/3", "withdraw", "go-on/1"):
        again = person.post(rest, answer="left")
        assert again.url.path == f"/p/{person.token}/withdrawn"
    assert "have been deleted" in again.text
    assert person.study.answers.frame().empty


def test_every_page_of_a_participant_has_the_way_out(person: Visitor) -> None:
    while True:
        assert f'href="/p/{person.token}/withdraw"' in person.see().text
        if person.place.stage == "done":
            break
        person.step()


def test_a_full_and_a_closed_study_say_so(visit: Visit) -> None:
    slots = visit().study.answers.counts()["slots"]
    people = [visit() for _ in range(slots + 1)]
    assert [person.join().status_code for person in people] == [200] * slots + [409]
    people[0].study.answers.open(False)
    assert "This study is closed" in people[-1].client.get("/").text
    assert people[0].client.get("/").url.path.startswith("/p/")  # who has begun goes on


def test_thirty_people_who_join_at_once_get_a_place_each(visit: Visit) -> None:
    people = [visit() for _ in range(30)]
    slots = people[0].study.answers.counts()["slots"]
    with ThreadPoolExecutor(30) as pool:
        codes = [reply.status_code for reply in pool.map(lambda person: person.join(), people)]
    assert sorted(codes) == [200] * slots + [409] * (30 - slots)
    assert sorted(people[0].study.answers.participants()["slot"]) == list(range(slots))


@pytest.mark.parametrize("text", ["nan", "inf", "-1", "1e99", "soon", "", "1;2"])
def test_a_time_that_is_none_is_not_kept(person: Visitor, text: str) -> None:
    person.until("trial")
    assert person.post("trial/1", answer="left", reaction_ms=text, focus_losses=text).status_code == 200
    assert person.study.answers.frame()[["reaction_ms", "focus_losses"]].isna().all(axis=None)


def test_what_the_script_measures_is_kept(visit: Visit) -> None:
    person = visit()
    person.join(screen="390x844")
    person.until("trial")
    person.post("trial/1", answer="left", reaction_ms="1234.5", focus_losses="2")
    row = person.study.answers.frame().iloc[0]
    assert (row["reaction_ms"], row["focus_losses"]) == (1234.5, 2)
    assert row["server_ms"] > 0
    assert person.study.answers.participants()["screen"].tolist() == ["390x844"]
    other = visit()
    other.join(screen="=HYPERLINK(1)")
    assert person.study.answers.participants()["screen"].tolist() == ["390x844", ""]


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["post", "see", "step", "go-on"]), st.integers(0, 9), st.integers(0, 2)), max_size=25
    )
)
def test_no_order_of_requests_loses_or_changes_an_answer(
    study: Study, visit: Visit, steps: list[tuple[str, int, int]]
) -> None:
    person = visit()
    person.join()
    kept = study.answers.frame().set_index("position")["side"].to_dict()
    for what, number, answer in steps:
        if what == "post":
            person.post(f"trial/{number}", answer=("left", "equal", "1")[answer])
        elif what == "go-on":
            person.post(f"go-on/{number}")
        elif what == "see":
            page = person.client.get(f"/p/{person.token}/trial/{number}")
            assert page.url.path == address(person.token, person.place)
        else:
            person.step()
        now = study.answers.frame().set_index("position")["side"].to_dict()
        assert kept.items() <= now.items()
        assert list(now) == list(range(len(now)))
        assert (person.place.code != "") == (len(now) == person.place.of > 0)
        kept = now
    person.post("withdraw")  # the next example needs the slot
