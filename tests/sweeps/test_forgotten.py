"""Forgotten images: equal to a slow twin, known answers, bad input, and the included sweeps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from core.base.errors import BadSpec
from core.engine.engine import Engine
from core.specs import CamSpec, DataSpec, ModelSpec, PruningSpec, VariantSpec
from core.sweeps.forgotten import Population, by_sparsity, find_forgotten, populations
from core.sweeps.known import known_sweeps
from core.sweeps.spec import SweepSpec, grid
from core.sweeps.sweep import Sweep
from tests.reference.forgotten import exemplars, modal, recall, relative_recalls

CLASSES = st.integers(0, 2)


def rows_of(answers: list[list[int]], labels: list[int], sparsity: float, seeds: int = 0) -> pandas.DataFrame:
    """A row for each network and image. answers: of each network."""
    return pandas.DataFrame(
        {
            "network": f"{sparsity}-{seed}",
            "model": "made",
            "weights": "own",
            "seed": seed + seeds,
            "schedule": "one-shot" if sparsity else "none",
            "granularity": "weight",
            "scope": "global",
            "criterion": "magnitude",
            "sparsity": sparsity,
            "image": image,
            "predicted": answer,
            "label": labels[image],
            "confidence": 0.5 + 0.1 * seed,
            "pearson": 0.1 * image,
        }
        for seed, of_network in enumerate(answers)
        for image, answer in enumerate(of_network)
    )


def population(dense: list[list[int]], pruned: list[list[int]], labels: list[int]) -> Population:
    return Population(pruned=rows_of(pruned, labels, 0.9), dense=rows_of(dense, labels, 0.0))


@st.composite
def made(draw: st.DrawFn) -> tuple[list[list[int]], list[list[int]], list[int]]:
    images = draw(st.integers(1, 7))
    one = st.lists(CLASSES, min_size=images, max_size=images)
    sides = [draw(st.lists(one, min_size=1, max_size=5)) for _ in range(2)]
    return sides[0], sides[1], draw(one)


@settings(deadline=None)
@given(made())
def test_it_equals_the_slow_twin(asked: tuple[list[list[int]], list[list[int]], list[int]]) -> None:
    answers = [{str(k): dict(enumerate(of_network)) for k, of_network in enumerate(side)} for side in asked[:2]]
    labels = dict(enumerate(asked[2]))
    found = find_forgotten(population(*asked), 0.9, "pearson")
    by_image = found.by_image.set_index("image")
    expected = exemplars(answers[0], answers[1], list(labels))
    assert set(by_image.index[by_image.forgotten]) == expected
    assert found.share.count == len(expected)
    assert found.share.low <= len(expected) / len(labels) <= found.share.high
    for image, row in by_image.iterrows():
        assert row.dense in modal(answers[0], int(str(image)))
        assert row.pruned in modal(answers[1], int(str(image)))
        assert row.tied == any(len(modal(side, int(str(image)))) > 1 for side in answers)
    assert [each.label for each in found.classes] == sorted(set(labels.values()))
    for each in found.classes:
        for value, side in ((each.dense, answers[0]), (each.pruned, answers[1])):
            assert value == pytest.approx(np.mean([recall(one, labels, each.label) for one in side.values()]))
        relative = [relative_recalls(side, labels, each.label) for side in answers]
        assert each.relative.value == pytest.approx(np.mean(relative[1]) - np.mean(relative[0]), abs=1e-12)
        if each.relative.p is not None:
            twin = stats.ttest_ind(relative[1], relative[0], equal_var=False)
            assert each.relative.p == pytest.approx(twin.pvalue, abs=1e-9)
            assert each.p_adjusted >= each.relative.p
        else:
            assert min(map(len, relative)) < 2 or max(np.ptp(side) for side in relative) < 1e-12


def test_known_answers() -> None:
    dense = [[0, 1, 1, 2], [0, 1, 1, 2], [0, 1, 2, 2]]
    pruned = [[0, 0, 1, 1], [0, 0, 0, 1], [1, 0, 2, 2]]
    found = find_forgotten(population(dense, pruned, [0, 1, 2, 2]), 0.9, "pearson")
    assert found.by_image.forgotten.tolist() == [False, True, False, True]
    assert found.by_image.tied.tolist() == [False, False, True, False]
    assert (found.dense, found.pruned, found.ties, found.sparsities) == (3, 3, 1, (0.9, 0.9))
    assert found.accuracy.value == pytest.approx((1 + 1) / 2 - (1 + 1 / 3) / 2)
    assert found.similarity.value == pytest.approx((0.1 + 0.3) / 2 - (0.0 + 0.2) / 2)
    assert found.confidence.value == pytest.approx(0)  # the same for all images here
    of_two = next(each for each in found.classes if each.label == 2)
    assert (of_two.n, of_two.forgotten) == (2, 1)
    assert (of_two.dense, of_two.pruned) == pytest.approx(((0.5 + 0.5 + 1) / 3, (0 + 0 + 1) / 3))


def test_an_unknown_class_has_no_recall_and_counts_for_no_accuracy() -> None:
    found = find_forgotten(population([[0, 1]], [[0, 0]], [0, -1]), 0.9)
    assert [each.label for each in found.classes] == [0]
    assert found.by_image.dense_right.isna().tolist() == [False, True]
    assert found.similarity.value is None


def test_one_network_a_side_tests_nothing() -> None:
    found = find_forgotten(population([[0, 1, 2]], [[0, 1, 1]], [0, 1, 2]), 0.9)
    assert found.share.count == 1
    assert all(each.relative.p is None and each.relative.low is None for each in found.classes)


def test_the_nearest_networks_are_taken_and_far_ones_refused() -> None:
    one = population([[0, 1]], [[0, 0]], [0, 1])
    both = replace(one, pruned=pandas.concat([one.pruned, rows_of([[0, 1]], [0, 1], 0.5)]))
    assert both.sparsities == (0.5, 0.9)
    assert find_forgotten(both, 0.89).share.count == 1
    assert [each.share.count for each in by_sparsity(both)] == [0, 1]
    with pytest.raises(BadSpec, match=r"No network has about 70.0 % sparsity. There are: 50.0 %, 90.0 %"):
        find_forgotten(both, 0.7)
    with pytest.raises(BadSpec, match="is no sparsity"):
        find_forgotten(both, 7)


def test_images_that_a_network_lacks_are_left_out_and_none_in_common_is_refused() -> None:
    one = population([[0, 1], [0, 1]], [[0, 0]], [0, 1])
    assert find_forgotten(replace(one, dense=one.dense.iloc[1:]), 0.9).share.n == 1
    with pytest.raises(BadSpec, match="no image in common"):
        find_forgotten(replace(one, dense=one.dense.assign(image=one.dense.image + 9)), 0.9)


def test_included_seeds_are_one_population_and_ways_apart(engine: Engine) -> None:
    known = known_sweeps(engine.roots)
    found = populations(Sweep(engine, known["mnist"].read()))
    (levels,) = found.values()
    assert len(levels.sparsities) == 25
    one = find_forgotten(levels, 0.9)
    assert (one.dense, one.pruned, one.share.n) == (3, 3, 200)
    assert 0 < one.share.count < 20
    assert len(one.classes) == 10
    photos = Sweep(engine, known["forgotten-less-is-more"].read())  # weights of two runs are not included
    assert len(populations(photos, "pearson")) == 2
    (pooled,) = populations(photos, "pearson", pooled=True).values()
    every = find_forgotten(pooled, 0.75, "pearson")
    assert (every.dense, every.pruned) == (4, 4)
    assert every.sparsities[0] < every.sparsities[1]
    assert every.accuracy.high < 0  # what is forgotten was hard before
    assert every.similarity.high < 0  # and its heatmaps change more


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"prunings": grid(sparsity=[0.5])}, "is not among the networks"),
        ({"reference": VariantSpec(model=replace(ModelSpec(), seed=334))}, "another one than their own dense network"),
    ],
)
def test_a_sweep_without_its_dense_network_is_refused(tmp_path: Path, changes: dict, said: str) -> None:
    asked = SweepSpec(
        models=(ModelSpec(),),
        prunings=(PruningSpec(), *grid(sparsity=[0.5])),
        data=DataSpec(noise=0.2),
        images=10,
        cams=(CamSpec(),),
        measures=("right", "agrees"),
    )
    sweep = Sweep(Engine("cpu", tmp_path), replace(asked, **changes))
    for _ in sweep.run():
        pass
    with pytest.raises(BadSpec, match=said):
        populations(sweep)


def test_without_labels_images_are_found_and_no_classes(tmp_path: Path) -> None:
    spec = SweepSpec(
        models=(ModelSpec(),),
        prunings=(PruningSpec(), *grid(sparsity=[0.97])),
        data=DataSpec(noise=0.2),
        images=10,
        measures=("agrees",),
    )
    sweep = Sweep(Engine("cpu", tmp_path), spec)
    for _ in sweep.run():
        pass
    (one,) = populations(sweep).values()
    found = find_forgotten(one, 0.97)
    assert found.classes == ()
    assert found.accuracy.value is found.similarity.value is None
    assert found.share.n == 10
    assert found.share.count == int((found.by_image.dense != found.by_image.pruned).sum())
