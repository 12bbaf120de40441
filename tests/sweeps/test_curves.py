"""The curves of a sweep equal a slow twin for any rows, and say what they cannot answer."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.base.errors import BadSpec
from core.engine.engine import Engine
from core.specs import CamSpec, DataSpec, ModelSpec
from core.stats.noninferiority import share_bound
from core.sweeps.costs import costs
from core.sweeps.curves import Asked, Part, classes, complete, curves
from core.sweeps.families import families
from core.sweeps.known import known_sweeps
from core.sweeps.read import of_measure, parts, summary
from core.sweeps.spec import SweepSpec, grid
from core.sweeps.sweep import Sweep
from tests.reference import curves as slow

SEEDS, LEVELS = (0, 1), (0, 1, 2)
SPEC = SweepSpec(
    models=tuple(ModelSpec(name="made", weights="w", seed=seed) for seed in SEEDS),
    prunings=grid(level=list(LEVELS)),
    cams=(CamSpec(),),
    measures=("label", "right", "soft-iou", "pearson"),
)
VALUE = st.sampled_from([0.0, 0.25, 0.5, 1.0, math.nan])
IMAGE = st.tuples(st.integers(0, 1), st.booleans(), VALUE, VALUE)
NETWORK = st.dictionaries(st.integers(0, 5), IMAGE, min_size=1)


def part(seed: int, level: int, images: dict[int, tuple[int, bool, float, float]]) -> Part:
    head: dict[str, Any] = {
        "network": f"made/w/{seed}/{level}",
        "model": "made",
        "weights": "w",
        "seed": seed,
        "schedule": "iterative-reset",
        **dict.fromkeys(("granularity", "scope", "criterion"), ""),
        "level": level,
        "sparsity": level / 4 + seed / 100,
        "heatmap": "grad-cam",
        "layer": "conv2",
        "target": "dense",
        "kept": 10 - level,
        "prunable": 10,
        "compression": 1.0 + level,
        "compression_of_convolutions": None,
        "collapsed": level == 2,
    }
    columns = {name: [one[place] for one in images.values()] for place, name in enumerate(SPEC.measures)}
    rows = pandas.DataFrame({"image": list(images), "predicted": 0} | columns)
    return head, rows.astype({"right": bool, "soft-iou": "float32", "pearson": "float32"})


def equal(a: float | None, b: float) -> bool:
    return (a is None or math.isnan(a)) if math.isnan(b) else a is not None and abs(a - b) < 1e-6


@settings(deadline=None)
@given(
    st.lists(NETWORK, min_size=6, max_size=6),
    st.sampled_from([None, 0, 1]),
    st.sampled_from(["all", "right", "wrong"]),
    st.booleans(),
)
def test_it_equals_the_slow_twin(
    networks: list[dict[int, Any]], label: int | None, answered: str, difference: bool
) -> None:
    made = dict(zip([(seed, level) for seed in SEEDS for level in LEVELS], networks, strict=True))
    whole = [part(seed, level, images) for (seed, level), images in made.items()]
    kept = {
        place: {
            image: one
            for image, one in images.items()
            if label in (None, one[0]) and (answered == "all" or one[1] == (answered == "right"))
        }
        for place, images in made.items()
    }
    expected = {}
    for place, images in kept.items():
        values = {image: one[2] for image, one in images.items()}
        if difference:
            values = dict(slow.minus(values, {image: one[2] for image, one in made[place[0], 0].items()}))
        if values:
            expected[place] = values
    asked = Asked(label=label, answered=answered, difference=difference)
    if not expected:
        with pytest.raises(BadSpec, match="No image is left"):
            curves(SPEC, whole, ["soft-iou"], asked)
        return
    found = curves(SPEC, whole, ["soft-iou"], asked)
    of_seeds = found[found.seeds == 1]
    assert {(row.seed, row.level) for row in of_seeds.itertuples()} == set(expected)
    for row in of_seeds.itertuples():
        assert equal(row.mean, slow.mean(expected[row.seed, row.level]))
        assert row.n == sum(not math.isnan(value) for value in expected[row.seed, row.level].values())
    for level in LEVELS:
        both = [expected[seed, level] for seed in SEEDS if (seed, level) in expected]
        shared = slow.over_seeds(both) if len(both) == len(SEEDS) else {}
        rows = found[(found.seeds == 2) & (found.level == level)]
        assert len(rows) == bool(shared)
        if shared:
            assert equal(rows["mean"].item(), slow.mean(shared))


def test_a_difference_of_answers_has_tangos_interval() -> None:
    dense = part(0, 0, {image: (7, image < 15, 0.5, 1.0) for image in range(20)})
    same = part(0, 1, {image: (7, image < 15, 0.5, 1.0) for image in range(20)})
    worse = part(0, 2, {image: (7, 3 <= image < 16, 0.5, 1.0) for image in range(20)})
    found = curves(SPEC, [dense, same, worse], ["right"], Asked(difference=True)).set_index("level")
    for level, gained, lost in ((1, 0, 0), (2, 1, 3)):
        row = found.loc[level]
        assert (row["mean"], row["n"]) == (pytest.approx((gained - lost) / 20), 20)
        assert row["low"] == share_bound(gained, lost, 20, 0.975)
        assert row["high"] == -share_bound(lost, gained, 20, 0.975)
        assert row["low"] < row["mean"] < row["high"]


def test_networks_that_lack_a_measure_are_no_evidence(tmp_path: Path) -> None:
    """Other included sweeps have some answers of this one; they are not taken for the whole."""
    engine = Engine("cpu", tmp_path)
    sweep = Sweep(engine, known_sweeps(engine.roots)["digits"].read())
    whole = [*parts(sweep)]
    assert whole
    assert complete(sweep.spec, whole) == 0
    with pytest.raises(BadSpec, match="No network has all of these measures yet"):
        families(sweep, ("right", "soft-iou", "pearson"))
    full = Sweep(engine, known_sweeps(engine.roots)["less-is-more"].read())
    assert complete(full.spec, [*parts(full)]) == full.spec.networks


def test_similarities_to_the_reference_have_no_difference() -> None:
    whole = [part(0, level, {1: (0, True, 0.5, 0.9), 2: (1, False, 0.1, 0.2)}) for level in LEVELS]
    found = curves(SPEC, whole, ["soft-iou", "pearson", "right"], Asked(difference=True))
    assert set(found.measure) == {"soft-iou", "right"}
    assert classes(whole) == (0, 1)
    assert classes([]) == ()


@pytest.mark.parametrize(("asked", "missing"), [(Asked(label=1), "label"), (Asked(answered="right"), "right")])
def test_images_that_the_sweep_does_not_know_are_an_error(asked: Asked, missing: str) -> None:
    spec = SweepSpec(models=SPEC.models, prunings=SPEC.prunings, measures=("confidence",))
    with pytest.raises(BadSpec, match=f"measure '{missing}'"):
        curves(spec, [], ["confidence"], asked)


@pytest.mark.parametrize(
    "name", ["less-is-more", *(pytest.param(name, marks=pytest.mark.long) for name in ("mnist", "efficientnet-lite0"))]
)
def test_over_all_images_it_is_the_summary(name: str, tmp_path: Path) -> None:
    engine = Engine("cpu", tmp_path)
    sweep = Sweep(engine, known_sweeps(engine.roots)[name].read())
    whole, means = [*parts(sweep)], summary(sweep)
    for measure in ("right", "soft-iou"):
        found = of_measure(curves(sweep.spec, whole, [measure]), measure)
        own = of_measure(means, measure).set_index("network")
        single = found[found.seeds == 1].set_index("network")
        assert list(single.index) == list(own.index)
        pandas.testing.assert_frame_equal(single[["mean", "low", "high", "n"]], own[["mean", "low", "high", "n"]])
    seeds = {model.seed for model in sweep.spec.models}
    assert set(found.seeds) == ({1, len(seeds)} if len(seeds) > 1 else {1})


def test_a_class_alone_has_a_sweet_spot_of_its_own(tmp_path: Path) -> None:
    engine = Engine("cpu", tmp_path)
    sweep = Sweep(engine, known_sweeps(engine.roots)["less-is-more"].read())
    (whole,), (some,) = families(sweep, ["right"]).values(), families(sweep, ["right"], label=3).values()
    assert 0 < len(some.rows) < len(whole.rows)
    assert set(some.rows["label"]) == set(some.reference["label"]) == {3}


def test_costs_are_those_of_the_engine(tmp_path: Path) -> None:
    engine = Engine("cpu", tmp_path)
    spec = SweepSpec(models=(ModelSpec(),), prunings=(*grid(), *grid(level=[5, 15])), data=DataSpec())
    steps: list[tuple[int, int]] = []
    counted = [*costs(Sweep(engine, spec), progress=lambda *step: steps.append(step))]
    assert steps == [(0, 3), (1, 3), (2, 3), (3, 3)]
    assert all(one.milliseconds is None for one in counted)
    assert counted[0].multiply_adds > counted[1].multiply_adds > counted[2].multiply_adds > 0
    dense = engine.cost(Sweep(engine, spec).variants[0])
    assert counted[0].multiply_adds == dense.macs_left
    assert all(one.milliseconds and one.milliseconds > 0 for one in costs(Sweep(engine, spec), measure=True))
