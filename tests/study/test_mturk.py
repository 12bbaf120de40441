"""Results of Mechanical Turk become answers by a mapping; no row is lost without being counted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.base.errors import BadFile, BadSpec
from core.study.analysis import analyse
from core.study.answers import Answers
from core.study.mturk import Imported, mapping_of, read_batch, read_mapping

PAIR = {
    "task": "heatmap-pair",
    "columns": {"image": "Input.image", "label": "Input.class", "left": "Input.left", "answer": "Answer.choice"},
    "fixed": {"less": "1", "more": "32"},
    "answers": {"Both equally": "equal"},
}
NAME = {
    "task": "name-object",
    "columns": {"image": "Input.image", "label": "Input.class", "less": "Input.left", "answer": "Answer.name"},
    "answers": {"I don't know": "unknown"},
}
CLASSES = ["church", "dog"]


def row(number: int, **changes: str) -> dict[str, str]:
    usual = {
        "HITId": "h",
        "AssignmentId": f"a{number}",
        "WorkerId": f"w{number % 3}",
        "AssignmentStatus": "Approved",
        "WorkTimeInSeconds": "12",
        "Input.image": f"img{number // 3}.png",
        "Input.class": "dog",
        "Input.left": "1",
        "Answer.choice": "left",
        "Answer.name": "dog",
    }
    return usual | {key.replace("_", "."): value for key, value in changes.items()}


def imported(
    folder: Path, rows: list[dict[str, str]], *questions: dict[str, Any], classes: list[str] = CLASSES
) -> Imported:
    path = folder / "batch.csv"
    pandas.DataFrame(rows).to_csv(path, index=False)
    return read_batch(path, mapping_of({"questions": list(questions), "classes": classes}))


def test_sides_become_variants(tmp_path: Path) -> None:
    rows = [
        row(0),
        row(1, Input_left="32"),
        row(2, Answer_choice="right"),
        row(3, Answer_choice="right", Input_left="32"),
        row(4, Answer_choice="Both equally"),
        row(5, Answer_choice="more"),
    ]
    found = imported(tmp_path, rows, PAIR)
    assert found.left_out == ()
    answers = found.answers.sort_values("trial")
    by_worker = {who: own["answer"].tolist() for who, own in answers.groupby("participant")}
    assert by_worker == {1: ["less", "less"], 2: ["more", "equal"], 3: ["more", "more"]}
    assert answers["image"].nunique() == 2
    assert answers.groupby("item")["image"].nunique().eq(1).all()
    assert answers["label"].tolist() == [1] * 6
    assert answers["server_ms"].tolist() == [12_000.0] * 6
    (pair,) = analyse(found.answers).tasks[0].pairs
    assert (pair.votes.less, pair.votes.equal, pair.votes.more, pair.participants) == (2, 1, 3, 3)


def test_names_become_classes(tmp_path: Path) -> None:
    rows = [row(0), row(1, Answer_name="church"), row(2, Answer_name="I don't know"), row(3, Input_left="32")]
    found = imported(tmp_path, rows, NAME)
    naming = analyse(found.answers).tasks[0].naming
    assert naming
    counts = [(each.variant, each.right, each.unknown, each.wrong) for each in naming.variants]
    assert counts == [("1", 1, 1, 1), ("32", 1, 0, 0)]


def test_a_row_can_hold_several_questions(tmp_path: Path) -> None:
    found = imported(tmp_path, [row(0), row(1)], PAIR, NAME)
    assert found.rows == 2
    assert found.answers.groupby("task").size().to_dict() == {"heatmap-pair": 2, "name-object": 2}
    assert found.answers["server_ms"].isna().all()
    assert found.answers.groupby("participant")["position"].apply(list).tolist() == [[0, 1], [0, 1]]


def test_what_gives_no_answer_is_counted(tmp_path: Path) -> None:
    rows = [
        row(0),
        row(0),
        row(1, Answer_choice=""),
        row(2, Answer_choice="perhaps"),
        row(3, Input_left="8"),
        row(4, Input_image=""),
        row(5, AssignmentStatus="Rejected"),
    ]
    found = imported(tmp_path, rows, PAIR)
    assert dict(found.left_out) == {
        "the same assignment twice": 1,
        "heatmap-pair: no answer": 1,
        "heatmap-pair: unknown answer": 1,
        "heatmap-pair: not known what stood on the left": 1,
        "heatmap-pair: no image or variant": 1,
    }
    assert len(found.answers) + sum(n for _, n in found.left_out) == found.rows == 7
    assert found.answers["excluded"].dropna().tolist() == ["assignment rejected"]
    assert analyse(found.answers).n == 1


@settings(max_examples=25, deadline=None)
@given(
    choices=st.lists(
        st.tuples(
            st.sampled_from(["left", "right", "Both equally", "less", "", "?"]), st.sampled_from(["1", "32", "x"])
        ),
        min_size=1,
        max_size=12,
    )
)
def test_no_row_is_lost(tmp_path_factory: pytest.TempPathFactory, choices: list[tuple[str, str]]) -> None:
    rows = [row(at, Answer_choice=answer, Input_left=left) for at, (answer, left) in enumerate(choices)]
    found = imported(tmp_path_factory.mktemp("batch"), rows, PAIR, NAME)
    assert len(found.answers) + sum(n for _, n in found.left_out) == 2 * len(rows)


def test_numbers_can_be_labels_and_images(tmp_path: Path) -> None:
    rows = [
        row(0, Input_class="7", Answer_name="7", Input_image="41"),
        row(1, Input_class="7", Answer_name="dog", Input_image="5"),
    ]
    found = imported(tmp_path, rows, NAME, classes=[])
    assert found.answers["image"].tolist() == [41]
    assert found.answers["right"].tolist() == [True]
    assert dict(found.left_out) == {"name-object: unknown answer": 1}


def test_an_import_has_the_columns_of_a_study(answers: Answers, tmp_path: Path) -> None:
    assert list(imported(tmp_path, [row(0)], PAIR).answers) == list(answers.frame())


def test_a_missing_column_is_named_with_those_there(tmp_path: Path) -> None:
    with pytest.raises(BadSpec, match=r"no column Input\.picture.*Answer\.choice"):
        imported(tmp_path, [row(0)], {**PAIR, "columns": {**PAIR["columns"], "image": "Input.picture"}})
    rows = [{key: value for key, value in row(0).items() if key != "WorkerId"}]
    with pytest.raises(BadSpec, match="no column WorkerId"):
        imported(tmp_path, rows, PAIR)


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        ([], "is not a mapping"),
        ({"question": []}, "question"),
        ({"questions": []}, "has no questions"),
        ({"questions": ["x"]}, "is not a mapping"),
        ({"questions": [{"task": "taste", "columns": {}}]}, "taste"),
        ({"questions": [{"task": "heatmap-pair", "columns": ["image"]}]}, "'columns' is not a mapping"),
        (
            {"questions": [{"task": "heatmap-pair", "columns": {"image": "Input.image"}}]},
            "does not say where 'less' is",
        ),
        ({"questions": [{**PAIR, "fixed": {"less": 1, "more": 2, "size": 3}}]}, "size"),
        ({"questions": [PAIR], "classes": "dog"}, "not a list"),
    ],
)
def test_a_mapping_that_is_none_is_refused(content: object, wrong: str) -> None:
    with pytest.raises(BadSpec, match=wrong):
        mapping_of(content)


def test_files_that_are_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadFile, match="no mapping"):
        read_mapping(tmp_path / "none.yaml")
    (tmp_path / "bad.yaml").write_text("questions: [")
    with pytest.raises(BadFile, match="no mapping"):
        read_mapping(tmp_path / "bad.yaml")
    batch = mapping_of({"questions": [PAIR]})
    (tmp_path / "empty.csv").write_text("")
    for name in ("none.csv", "empty.csv"):
        with pytest.raises(BadFile, match="no CSV"):
            read_batch(tmp_path / name, batch)


def test_aliases_without_end_are_refused_at_once(tmp_path: Path) -> None:
    lines = ["  - &a0 [x]", *(f"  - &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12))]
    (tmp_path / "mapping.yaml").write_text("\n".join(["classes:", *lines]))
    with pytest.raises(BadFile, match="unfold"):
        read_mapping(tmp_path / "mapping.yaml")
