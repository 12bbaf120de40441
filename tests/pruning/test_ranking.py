"""The cut of a ranking equals the slow definition for every kind of number, with the count exact
whatever ties.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.base.errors import BadSpec
from core.pruning import ranking
from core.pruning.index import PruningIndex
from core.pruning.select import count_to_remove, openlth_threshold_mask
from core.training.schedules import next_level_mask
from tests.reference.pruning import openlth_step, remove_lowest, rounded_half_up

sparsities = st.integers(0, 1_000_000).map(lambda millionths: millionths / 1_000_000)
SPECIAL = [0.0, -0.0, 1e-45, -1e-45, 1.1754942e-38, 1.1754944e-38, math.inf, -math.inf, 3.4028235e38]
# A bucket ends.
NEIGHBOURS = [float(np.int32(bits).view(np.float32)) for bits in (0x3F80FFFE, 0x3F80FFFF, 0x3F810000, 0x3F810001)]
numbers = st.one_of(
    st.sampled_from([0.5, 1.0, 2.0]),  # few different values, so that ties are common
    st.sampled_from([float(np.float32(value)) for value in SPECIAL + NEIGHBOURS]),  # as the weights will be
    st.floats(width=32, allow_nan=False),
)
layers = st.lists(st.lists(numbers, min_size=1, max_size=25), min_size=1, max_size=4)


def as_scores(values: list[list[float]]) -> dict[str, torch.Tensor]:
    return {f"layer{place}": torch.tensor(row, dtype=torch.float32) for place, row in enumerate(values)}


def flattened(mask: dict[str, torch.Tensor]) -> list[bool]:
    return [bool(kept) for layer in mask.values() for kept in layer]


@pytest.fixture(params=["as it is", "small pieces", "crowded buckets"])
def ways(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks of millions of weights take these ways; here small ones do."""
    if request.param != "as it is":
        monkeypatch.setattr(ranking, "PIECE", 5)
        monkeypatch.setattr(ranking, "STEP", 2)
    if request.param == "crowded buckets":
        monkeypatch.setattr(ranking, "MANY", 0)


@pytest.mark.usefixtures("ways")
class TestEveryWay:
    @settings(deadline=None, max_examples=60)
    @given(layers, sparsities)
    def test_one_ranking_over_all_layers(self, values: list[list[float]], sparsity: float) -> None:
        flat = [abs(value) for row in values for value in row]
        mask = PruningIndex(as_scores(values)).mask(sparsity)
        assert flattened(mask) == remove_lowest(flat, count_to_remove(sparsity, len(flat)))

    @settings(deadline=None, max_examples=60)
    @given(layers, sparsities)
    def test_one_ranking_a_layer(self, values: list[list[float]], sparsity: float) -> None:
        expected = [
            kept for row in values for kept in remove_lowest([abs(v) for v in row], count_to_remove(sparsity, len(row)))
        ]
        assert flattened(PruningIndex(as_scores(values), "layer").mask(sparsity)) == expected

    @settings(deadline=None, max_examples=60)
    @given(layers, sparsities)
    def test_buffers_of_weights_that_are_their_own_scores(self, values: list[list[float]], sparsity: float) -> None:
        weights = as_scores(values)
        index, out = PruningIndex(weights), {name: torch.full_like(row, 9.0) for name, row in weights.items()}
        # Nothing is copied.
        assert all(index.scores[name].data_ptr() == row.data_ptr() for name, row in weights.items())
        index.write(sparsity, (), weights, out)
        mask = index.mask(sparsity)
        assert all(torch.equal(out[name], torch.where(mask[name], row, 0)) for name, row in weights.items())

    @settings(deadline=None, max_examples=60)
    @given(layers, sparsities, st.sampled_from(["global", "layer"]))
    def test_what_goes_is_counted_without_a_mask(self, values: list[list[float]], sparsity: float, scope: str) -> None:
        index = PruningIndex(as_scores(values), scope)
        assert index.removed(sparsity) == {name: int((~kept).sum()) for name, kept in index.mask(sparsity).items()}

    @settings(deadline=None, max_examples=60)
    @given(layers, sparsities, st.sampled_from(["global", "layer"]))
    def test_what_is_left_of_weights_that_are_their_own_scores(
        self, values: list[list[float]], sparsity: float, scope: str
    ) -> None:
        weights = as_scores(values)
        index = PruningIndex(weights, scope, weights=weights)
        mask = index.mask(sparsity)
        assert index.left(sparsity) == {name: int((mask[name] & (row != 0)).sum()) for name, row in weights.items()}

    @settings(deadline=None, max_examples=60)
    @given(st.lists(st.lists(numbers, min_size=6, max_size=6), min_size=1, max_size=4), sparsities)
    def test_rows_that_surely_stay_are_not_empty(self, values: list[list[float]], sparsity: float) -> None:
        index = PruningIndex({name: row.view(3, 2) for name, row in as_scores(values).items()})
        if index.every_row_stays(sparsity):
            assert all(bool(kept.any(1).all()) for kept in index.mask(sparsity).values())

    @settings(deadline=None, max_examples=60)
    @given(layers, sparsities)
    def test_buffers_of_another_type(self, values: list[list[float]], sparsity: float) -> None:
        weights = {name: row.clamp(-100, 100) for name, row in as_scores(values).items()}
        index, out = (
            PruningIndex(weights),
            {name: torch.empty(row.shape, dtype=torch.bfloat16) for name, row in weights.items()},
        )
        index.write(sparsity, (), weights, out)
        mask = index.mask(sparsity)
        assert all(torch.equal(out[name], torch.where(mask[name], row, 0).bfloat16()) for name, row in weights.items())


@settings(deadline=None, max_examples=60)
@given(layers, sparsities, st.data())
def test_overrides_and_exclusions_leave_the_ranking(
    values: list[list[float]], sparsity: float, data: st.DataObject
) -> None:
    scores = as_scores(values)
    excluded = data.draw(st.lists(st.sampled_from(sorted(scores)), unique=True, max_size=len(scores) - 1))
    others = sorted(set(scores) - set(excluded))
    by_hand = dict(data.draw(st.lists(st.tuples(st.sampled_from(others), sparsities), max_size=2)))
    mask = PruningIndex(scores).mask(sparsity, by_hand.items(), excluded)
    rest = [name for name in scores if name not in excluded and name not in by_hand]
    flat = [abs(float(value)) for name in rest for value in scores[name]]
    assert flattened({name: mask[name] for name in rest}) == remove_lowest(flat, count_to_remove(sparsity, len(flat)))
    assert all(bool(mask[name].all()) for name in excluded)
    for name, share in by_hand.items():
        row = [abs(float(value)) for value in scores[name]]
        assert flattened({name: mask[name]}) == remove_lowest(row, count_to_remove(share, len(row)))


def test_rows_stay_until_the_first_may_be_empty() -> None:
    index = PruningIndex({"w": torch.tensor([[1.0, 9.0], [5.0, 2.0]])})
    assert [index.every_row_stays(sparsity) for sparsity in (0.0, 0.25, 0.5, 0.75, 1.0)] == [
        True,
        True,
        True,
        False,
        False,
    ]


def test_half_a_million_scores_with_many_ties() -> None:
    # Few different ones.
    values = (torch.randn(500_000, generator=torch.Generator().manual_seed(0)) * 0.02).bfloat16().float()
    index, expected = PruningIndex({"w": values}), values.abs().sort(stable=True).indices
    for sparsity in (0.1, 0.5, 0.77777, 0.999):
        kept, count = index.mask(sparsity)["w"], rounded_half_up(str(sparsity), 500_000)
        assert not kept[expected[:count]].any()
        assert kept[expected[count:]].all()


@pytest.mark.parametrize("bits", [0x7FC00000, 0x7F800001, -1])  # -1: NaN with a sign
@pytest.mark.parametrize("pattern", [None, (2, 4)])
def test_what_is_no_number_is_refused(bits: int, pattern: tuple[int, int] | None) -> None:
    values = torch.zeros(2, 4)
    values.view(torch.int32)[1, 2] = bits
    with pytest.raises(BadSpec, match=r"conv1\.weight.*NaN"):
        PruningIndex({"fine": torch.ones(2, 4), "conv1.weight": values}, pattern=pattern)


def test_an_index_says_what_it_holds() -> None:
    index = PruningIndex({"w": torch.rand(1000)})
    before = index.bytes
    for sparsity in torch.linspace(0, 1, 50).tolist():
        index.mask(round(sparsity, 3))
    assert index.bytes == before >= 4000  # an upper bound from the start: scores, counts, remembered buckets


@settings(deadline=None, max_examples=60)
@given(sparsities, st.integers(0, 10_000))
def test_count_is_rounded_exactly(sparsity: float, total: int) -> None:
    assert count_to_remove(sparsity, total) == rounded_half_up(f"{sparsity:.6f}", total)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.sampled_from([0.0, 0.5, 1.0, 2.0]), st.booleans()), min_size=1, max_size=40))
def test_openlth_rule_equals_the_slow_definition(pairs: list[tuple[float, bool]]) -> None:
    scores, alive = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    kept = openlth_threshold_mask(torch.tensor(scores), torch.tensor(alive))
    assert kept.tolist() == openlth_step(scores, alive)


def test_openlth_rule_leaves_the_thesis_counts() -> None:
    from core.protocols.lukkien.protocol import WEIGHTS_LEFT

    weights = {"w": torch.randn(2324, generator=torch.Generator().manual_seed(0))}
    mask, left = {"w": torch.ones(2324, dtype=torch.bool)}, [2324]
    for _ in range(25):
        mask = next_level_mask(weights, mask)
        left.append(int(mask["w"].sum()))
    assert tuple(left) == WEIGHTS_LEFT
