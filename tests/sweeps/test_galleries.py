"""Galleries of what breaks, and the threshold that they use by default."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.base.errors import BadSpec, UnknownName
from core.engine.engine import Engine
from core.specs import CamSpec, DataSpec, ImageRef, ModelSpec, PruningSpec, VariantSpec
from core.sweeps.breaks import SAME, by_threshold, find_breaks
from core.sweeps.families import families
from core.sweeps.galleries import COLUMNS, KINDS, gallery
from core.sweeps.known import known_sweeps
from core.sweeps.spec import SweepSpec, grid
from core.sweeps.sweep import Sweep
from core.sweeps.thresholds import THRESHOLDS, USUAL, usual_threshold
from tests.sweeps.test_breaks import GRID, IMAGE, rows_of

EARLY, LATE, NEVER = (0.9, 0.1, 0.1), (0.9, 0.9, 0.1), (0.9, 0.9, 0.8)
YES, OTHER = (True, True, True), (True, False, False)


def with_networks(images: list) -> pandas.DataFrame:
    rows = rows_of(images)
    return rows.assign(network=rows.sparsity.map(str))


def test_known_answers() -> None:
    rows = with_networks([(EARLY, YES), (LATE, OTHER), (NEVER, YES), (LATE, YES)]).assign(label=7)
    found = find_breaks(rows, "pearson", 0.5)
    first = gallery(rows, found, "explanation")
    assert list(first.columns) == list(COLUMNS)
    assert first.image.tolist() == [0, 3]  # the largest gap first
    assert first.gap.tolist() == pytest.approx([0.4, 0.2])
    assert first["at"].tolist() == [0.4, 0.6]
    assert first.similarity.tolist() == [0.1, 0.1]
    assert first.network.tolist() == ["0.4", "0.6"]
    assert first.label.tolist() == [7, 7]
    (answer,) = gallery(rows, found, "answer").itertuples()
    assert (answer.image, answer.at, answer.agrees, answer.similarity) == (1, 0.4, False, 0.9)
    (never,) = gallery(rows, found, "neither").itertuples()
    assert (never.image, never.at, never.similarity) == (2, 0.6, 0.8)
    with pytest.raises(UnknownName):
        gallery(rows, found, "nothing")


@settings(deadline=None)
@given(st.lists(IMAGE, min_size=1, max_size=8))
def test_galleries_are_what_the_counts_say(images: list) -> None:
    rows = with_networks(images)
    found = find_breaks(rows, "pearson", 0.5)
    shown = {kind: gallery(rows, found, kind) for kind in KINDS}
    counts = (found.explanation_first.count, found.answer_first.count, found.neither)
    assert tuple(map(len, shown.values())) == counts
    for kind, each in shown.items():
        assert each["at"].isin(GRID).all()
        assert each.gap.abs().is_monotonic_decreasing
        if kind == "explanation":
            assert not (each.similarity >= 0.5).any()
        if kind == "answer":
            assert not each.agrees.any()
    assert sum(counts) + found.together == len(images)


def test_the_noise_floor_is_the_threshold_where_it_is_known(engine: Engine) -> None:
    known = known_sweeps(engine.roots)
    digits = Sweep(engine, known["breaks-digits"].read())
    model = digits.spec.models[0]
    found = usual_threshold(digits, model, "pearson", "grad-cam")
    assert found.floor is not None
    assert found.value == round(found.floor.mean, 2) == 0.18
    assert usual_threshold(digits, model, "pearson", "grad-cam++").value == 0.48
    assert usual_threshold(digits, model, "soft-iou-of-maps", "grad-cam").value == USUAL
    assert usual_threshold(digits, model, "pearson", "layer-cam").floor is None  # not of this sweep
    photographs = Sweep(engine, known["breaks-efficientnet-lite0"].read())
    assert usual_threshold(photographs, photographs.spec.models[0], "pearson", "grad-cam").floor is None


def test_an_included_sweep_shows_its_pictures(engine: Engine) -> None:
    """The similarity in a gallery is the one that the two pictures have."""
    sweep = Sweep(engine, known_sweeps(engine.roots)["breaks-digits"].read())
    assert len({pruning.sparsity for pruning in sweep.spec.prunings} - {None}) == 16
    family = families(sweep, (SAME, "pearson", "label"), "grad-cam")[
        "thesis-cnn/mnist-55000/seed-333 one-shot weight global magnitude"
    ]
    found = find_breaks(family.rows, "pearson", 0.18)
    one = gallery(family.rows, found, "explanation").iloc[0]
    variant = next(each for each in sweep.variants if each.key == one.network)
    shown = engine.compare(variant, ImageRef(name=str(one.image), noise=sweep.spec.data.noise), CamSpec())
    assert shown.picture.label == one.label
    assert shown.mask.sparsity == pytest.approx(one["at"])
    if pandas.isna(one.similarity):
        assert shown.similarity["pearson"] is None
    else:
        assert shown.similarity["pearson"] == pytest.approx(one.similarity, abs=1e-4)


def test_every_threshold_has_an_answer(engine: Engine) -> None:
    sweep = Sweep(engine, known_sweeps(engine.roots)["breaks-digits"].read())
    family = next(iter(families(sweep, (SAME, "pearson"), "grad-cam").values()))
    found = list(by_threshold(family.rows, "pearson", THRESHOLDS))
    assert [each.threshold for each in found] == list(THRESHOLDS)
    earlier = [each.earlier.value for each in found]
    assert earlier == sorted(earlier)  # a higher threshold breaks explanations no later


# Bad input

ASKED = SweepSpec(
    models=(ModelSpec(),),
    prunings=(PruningSpec(), *grid(sparsity=[0.5])),
    data=DataSpec(noise=0.2),
    images=1,
    cams=(CamSpec(),),
    measures=("agrees", "pearson"),
)


def done(folder: Path, **changes: object) -> Sweep:
    sweep = Sweep(Engine("cpu", folder), replace(ASKED, **changes))  # type: ignore[arg-type]
    for _ in sweep.run():
        pass
    return sweep


def test_one_sparsity_is_refused_and_one_image_has_no_interval(tmp_path: Path) -> None:
    (one,) = families(done(tmp_path), (SAME, "pearson")).values()
    with pytest.raises(BadSpec, match="at least 2 sparsities"):
        find_breaks(one.rows, "pearson", 0.5)
    sweep = done(tmp_path, prunings=(PruningSpec(), *grid(sparsity=[0.5, 0.99])))
    (two,) = families(sweep, (SAME, "pearson")).values()
    found = find_breaks(two.rows, "pearson", 0.5)
    assert found.earlier.low is None
    assert sum(len(gallery(two.rows, found, kind)) for kind in KINDS) + found.together == 1


def test_random_prunings_of_two_seeds_are_two_families(tmp_path: Path) -> None:
    prunings = (PruningSpec(), *grid(sparsity=[0.3, 0.6], criterion="random", seed=[0, 1]))
    found = families(done(tmp_path, prunings=prunings, images=10), (SAME, "pearson"))
    assert len(found) == 2
    for family in found.values():
        assert len(find_breaks(family.rows, "pearson", 0.5).by_image) == 10


def test_one_method_at_two_layers_is_read_at_the_first(tmp_path: Path) -> None:
    cams = (CamSpec(layer="relu2"), CamSpec(layer="conv1"))
    sweep = done(tmp_path, prunings=(PruningSpec(), *grid(sparsity=[0.3, 0.6])), cams=cams, images=10)
    (family,) = families(sweep, (SAME, "pearson")).values()
    assert set(family.rows.layer) == {"relu2"}
    assert len(find_breaks(family.rows, "pearson", 0.5).by_image) == 10


def test_a_measure_that_is_undefined_for_half_the_images_counts_as_broken() -> None:
    nothing = (float("nan"),) * 3
    rows = with_networks([(NEVER, YES), (nothing, YES)] * 4)
    found = find_breaks(rows, "pearson", 0.5)
    assert found.explanation_first.count == found.neither == 4
    assert gallery(rows, found, "explanation").similarity.isna().all()


def test_another_reference_has_no_floor(engine: Engine) -> None:
    spec = replace(ASKED, reference=VariantSpec(model=replace(ModelSpec(), seed=334)))
    assert usual_threshold(Sweep(engine, spec), spec.models[0], "pearson", "grad-cam").floor is None
