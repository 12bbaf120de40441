"""The sweet spot of a sweep, on made rows with known answers and on an included series."""

from __future__ import annotations

import numpy as np
import pandas
import pytest
from scipy import stats

from core.base.errors import BadSpec
from core.engine.engine import Engine
from core.specs import CamSpec, DataSpec, ModelSpec, PruningSpec
from core.sweeps.spec import SweepSpec
from core.sweeps.spots import Limits, improvements, spots, sweet_spot
from core.sweeps.sweep import Sweep

IMAGES = 200
MEASURES, USUAL = ("right", "soft-iou", "pearson"), Limits()


def rows_at(sparsity: float, wrong: int = 0, lower: float = 0.0, similar: float = 1.0) -> pandas.DataFrame:
    """A network that classifies the first images wrongly, marks less of the object and looks
    elsewhere.
    """
    random = np.random.default_rng(1)
    noise = random.normal(0, 0.01, (2, IMAGES))
    return pandas.DataFrame(
        {
            "sparsity": sparsity,
            "image": np.arange(IMAGES),
            "right": np.arange(IMAGES) >= wrong,
            "soft-iou": 0.5 - lower + noise[0] * (sparsity > 0),
            "pearson": similar + noise[1],
        }
    )


DENSE = rows_at(0.0)


def spot(*networks: pandas.DataFrame, limits: Limits = USUAL, measures: tuple[str, ...] = MEASURES):
    return sweet_spot(pandas.concat([DENSE, *networks]), DENSE, measures, limits)


def test_the_first_failure_ends_the_sequence() -> None:
    found = spot(rows_at(0.3), rows_at(0.5, lower=0.1), rows_at(0.7))
    assert (found.sparsity, found.fails_at, found.limiting) == (0.3, 0.5, ("soft-iou",))
    assert [check.passes for check in found.checks if check.sparsity == 0.7] == [True, True, True]


def test_each_measure_can_limit() -> None:
    assert spot(rows_at(0.5, wrong=20)).limiting == ("right",)
    assert spot(rows_at(0.5, similar=0.7)).limiting == ("pearson",)
    assert spot(rows_at(0.5, wrong=20, lower=0.2, similar=0.1)).limiting == MEASURES
    assert spot(rows_at(0.5)).limiting == ()
    assert spot(rows_at(0.5, wrong=20)).sparsity is None


def test_limits_are_a_persons() -> None:
    worse = rows_at(0.5, wrong=20, lower=0.1, similar=0.6)
    assert spot(worse, limits=Limits(tolerance=0.2, threshold=0.5)).sparsity == 0.5
    own = Limits(tolerances={"right": 0.2}, thresholds={"pearson": 0.5})
    assert spot(worse, limits=own).limiting == ("soft-iou",)
    assert spot(rows_at(0.5), limits=Limits(tolerance=0.0)).limiting == ("right", "soft-iou")  # cannot be shown
    assert spot(worse, limits=Limits(tolerance=1.0, threshold=-1.0)).sparsity == 0.5
    for wrong in (-0.1, 1.1, float("nan")):
        with pytest.raises(BadSpec):
            Limits(tolerance=wrong)


def test_a_gain_is_clear_only_beyond_all_sparsities() -> None:
    found = spot(rows_at(0.1, lower=-0.05), rows_at(0.5, lower=0.1))
    right, overlap = found.gains
    assert (overlap.measure, overlap.sparsity, overlap.sparsities) == ("soft-iou", 0.1, 2)
    assert overlap.is_clear
    assert overlap.found.value == pytest.approx(0.05, abs=0.005)
    assert not right.is_clear


def test_a_clear_gain_comes_before_a_larger_one_that_is_not() -> None:
    """A larger mean of images that differ more does not hide it."""
    wide = rows_at(0.5)
    wide["soft-iou"] += np.where(wide.index % 2, 1.04, -0.96)
    (overlap,) = spot(rows_at(0.1, lower=-0.03), wide, measures=("soft-iou",)).gains
    assert (overlap.sparsity, overlap.is_clear) == (0.1, True)
    (alone,) = spot(wide, measures=("soft-iou",)).gains
    assert (alone.sparsity, alone.is_clear) == (0.5, False)
    assert alone.found.value > overlap.found.value


def test_bounds_widen_with_the_number_of_comparisons() -> None:
    rows = pandas.concat([DENSE, rows_at(0.1, lower=-0.01), rows_at(0.5)])
    alone, among = (improvements(rows, DENSE, "soft-iou", together) for together in (1, 25))
    assert list(alone) == list(among) == [0.1, 0.5]
    for share in alone:
        differences = (rows[rows.sparsity == share]["soft-iou"] - DENSE["soft-iou"]).to_numpy()
        for found, level in ((alone[share], 0.95), (among[share], 1 - 0.05 / 25)):
            half = stats.t.ppf((1 + level) / 2, IMAGES - 1) * differences.std(ddof=1) / IMAGES**0.5
            assert found.value == pytest.approx(differences.mean())
            assert (found.low, found.high) == pytest.approx((found.value - half, found.value + half))


def test_images_without_a_value_are_left_out() -> None:
    some = rows_at(0.5)
    some.loc[::2, "soft-iou"] = np.nan
    check = next(each for each in spot(some).checks if each.measure == "soft-iou")
    assert (check.found.n, check.images) == (IMAGES // 2, IMAGES)
    some["soft-iou"] = np.nan
    assert spot(some).limiting == ("soft-iou",)  # undefined is no success


def test_one_image_proves_nothing() -> None:
    one = rows_at(0.5).head(1)
    found = sweet_spot(pandas.concat([DENSE, one]), DENSE, MEASURES, Limits())
    assert found.sparsity is None


def test_nothing_to_compare_is_said() -> None:
    for rows, reference in ((DENSE, DENSE), (rows_at(0.5), DENSE.head(0))):
        with pytest.raises(BadSpec, match="nothing to compare"):
            sweet_spot(rows, reference, MEASURES, Limits())


@pytest.mark.long
def test_too_high_a_sparsity_is_claimed_in_one_of_twenty() -> None:
    """2,000 data sets of four networks, of which the third is worse by the tolerance exactly."""
    random, claimed = np.random.default_rng(0), 0
    dense = pandas.DataFrame({"sparsity": 0.0, "image": np.arange(100), "soft-iou": 0.5})
    for _ in range(2000):
        networks = [
            dense.assign(sparsity=share, **{"soft-iou": 0.5 - worse + random.normal(0, 0.05, 100)})
            for share, worse in ((0.2, 0.0), (0.4, 0.0), (0.6, 0.02), (0.8, 0.02))
        ]
        found = sweet_spot(pandas.concat(networks), dense, ["soft-iou"], Limits())
        claimed += found.sparsity is not None and found.sparsity >= 0.6
    assert 0.02 < claimed / 2000 < 0.05 + 3 * (0.05 * 0.95 / 2000) ** 0.5


def test_a_sweep_of_two_families(engine: Engine, tmp_path) -> None:
    own = Engine("cpu", tmp_path / "cache")
    levels = tuple(PruningSpec.at_level(level) for level in (0, 5, 20))
    shots = tuple(PruningSpec.one_shot(share) for share in (0.3, 0.97))
    cams = (CamSpec(method="grad-cam", layer="relu2"),)
    spec = SweepSpec(
        models=(ModelSpec(),),
        prunings=(PruningSpec(), *levels, *shots),
        data=DataSpec(noise=0.2),
        images=60,
        cams=cams,
        measures=MEASURES,
    )
    sweep = Sweep(own, spec)
    with pytest.raises(BadSpec, match="is not among the networks that are done"):
        spots(sweep, Limits())
    list(sweep.run())
    found = spots(sweep, Limits(tolerance=0.2, threshold=0.3))
    assert len(found) == 2
    one_shot = next(each for name, each in found.items() if "one-shot" in name)
    assert one_shot.sparsity == pytest.approx(0.3, abs=0.01)
    assert "right" in one_shot.limiting
