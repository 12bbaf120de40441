"""The design is balanced, complete, and the same every time."""

from __future__ import annotations

import pandas
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from core.base.errors import BadSpec
from core.study.design import CATCH, ITEM, draw
from core.study.spec import StudySpec, Task
from tests.study.conftest import drawn, image_table, small_spec

TASKS = (
    Task(kind="heatmap-pair", pairs=(("a", "b"), ("a", "c"))),
    Task(kind="occlusion-pair", pairs=(("b", "c"),)),
    Task(kind="name-object", variants=("a", "b", "c")),
)


@st.composite
def specs(draw_from: st.DrawFn) -> StudySpec:
    tasks = draw_from(st.lists(st.sampled_from(TASKS), min_size=1, max_size=3, unique=True))
    spec = small_spec(
        tasks=tuple(tasks),
        images=draw_from(st.integers(1, 6)),
        answers=draw_from(st.integers(1, 7)),
        trials=draw_from(st.integers(1, 40)),
        catch=draw_from(st.integers(0, 5)),
        block=draw_from(st.integers(1, 12)),
        seed=draw_from(st.integers(0, 5)),
    )
    assume(spec.trials <= spec.comparisons * spec.images * 4)
    return spec


@settings(max_examples=12)
@given(spec=specs())
def test_a_design_is_complete_and_balanced(spec: StudySpec) -> None:
    design = drawn(spec)
    trials = design.trials.merge(design.items, on="item")
    own = trials[trials["kind"] == ITEM]
    counts = own.groupby("item").size()
    assert len(counts) == spec.comparisons * spec.images * 4
    assert counts.min() >= spec.answers
    assert counts.max() <= counts.min() + 1
    assert (own.groupby("slot").size() == spec.trials).all()
    assert own.groupby(["slot", "item"]).size().max() == 1  # nobody answers an item twice
    by_comparison = own.groupby(["slot", "task", "less", "more"]).size().unstack([1, 2, 3]).fillna(0)
    assert (by_comparison.max(axis=1) - by_comparison.min(axis=1)).max() <= 1
    pairs = own[own["more"] != ""]
    if len(pairs):
        on_left = (pairs["left"] == "less") * 2 - 1
        assert on_left.groupby(pairs["item"]).sum().abs().max() <= 1
        assert on_left.groupby([pairs["slot"], pairs["task"], pairs["less"], pairs["more"]]).sum().abs().max() <= 1


@settings(max_examples=12)
@given(spec=specs())
def test_trials_are_in_order_and_blocks_have_one_task(spec: StudySpec) -> None:
    trials = drawn(spec).trials.merge(drawn(spec).items, on="item").sort_values(["slot", "position"])
    for _, rows in trials.groupby("slot"):
        assert rows["position"].tolist() == list(range(len(rows)))
        assert sorted(set(rows["block"])) == list(range(rows["block"].max() + 1))
        assert rows.groupby("block")["task"].nunique().max() == 1
        assert rows.groupby("block").size().max() <= spec.block
        assert (rows["kind"] == CATCH).sum() <= spec.catch


def test_the_same_seed_draws_the_same_design_and_another_seed_another() -> None:
    first, again, other = drawn(small_spec()), drawn(small_spec()), drawn(small_spec(seed=1))
    pandas.testing.assert_frame_equal(first.trials, again.trials)
    assert not first.trials.equals(other.trials)


def test_catch_items_show_images_that_the_study_does_not() -> None:
    design = drawn(small_spec())
    known = design.items[design.items["kind"] != ITEM]
    assert len(known) == 2 * (2 + 2)  # tasks x (practice + catch)
    assert set(known["image"]).isdisjoint(design.items.loc[design.items["kind"] == ITEM, "image"])


def test_catch_trials_are_spread_over_the_trials() -> None:
    spec = small_spec(images=10, trials=40, catch=4, block=40, tasks=TASKS[:1])
    design = drawn(spec)
    trials = design.trials.merge(design.items, on="item")
    for _, rows in trials[trials["kind"] == CATCH].groupby("slot"):
        places = sorted(rows["position"])
        assert [place // 11 for place in places] == [0, 1, 2, 3]


def test_more_trials_than_items_are_refused_with_the_number_that_fits() -> None:
    spec = small_spec(trials=33)
    with pytest.raises(BadSpec, match="Set trials to 32 or less"):
        drawn(spec)


def test_no_images_are_refused() -> None:
    spec = small_spec()
    with pytest.raises(BadSpec, match="no images"):
        draw(spec, image_table(spec).iloc[:0], image_table(spec))
