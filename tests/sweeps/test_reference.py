"""Sweeps with another reference than each network's dense one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.base.errors import BadSpec, SparsightError
from core.data.folders import PREFIX
from core.engine.engine import Engine
from core.specs import CamSpec, DataSpec, ImageRef, ModelSpec, PruningSpec, VariantSpec
from core.sweeps.cluster import _check_reference
from core.sweeps.read import differences, frame
from core.sweeps.spec import SweepSpec, grid
from core.sweeps.sweep import Sweep
from core.sweeps.written import from_mapping, to_mapping
from tests.data.made_sets import folder_files, write_folder
from tests.small_networks import LEVEL, MODEL, write_series

OTHER = VariantSpec(model=ModelSpec(seed=334))
LITE = VariantSpec(model=ModelSpec(name="efficientnet-lite0", weights="imagenet", seed=0))
SPEC = SweepSpec(
    models=(ModelSpec(),),
    prunings=(PruningSpec(), *grid(sparsity=[0.7])),
    data=DataSpec(noise=0.2),
    images=12,
    cams=(CamSpec(), CamSpec(method="centre-blob")),
    measures=("right", "agrees", "pearson", "soft-iou"),
    reference=OTHER,
)


def computed(sweep: Sweep) -> list[dict]:
    assert not [step for step in sweep.run() if step.done == 0]
    return frame(sweep).to_dict("records")


@pytest.mark.parametrize("reference", [OTHER, VariantSpec(pruning=PruningSpec.at_level(4)), replace(SPEC.models[0])])
def test_every_row_is_the_answer_to_a_single_question(tmp_path: Path, reference: VariantSpec | ModelSpec) -> None:
    engine = Engine("cpu", tmp_path)
    against = reference if isinstance(reference, VariantSpec) else VariantSpec(model=reference)
    for row in computed(Sweep(engine, replace(SPEC, reference=against, cams=SPEC.cams[:1]))):
        variant = next(each for each in SPEC.variants(ModelSpec()) if each.key == row["network"])
        answer = engine.compare(variant, ImageRef(name=str(row["image"])), CamSpec(), against)
        assert row["agrees"] == (not answer.flipped)
        for name, value in (("pearson", answer.similarity["pearson"]), ("soft-iou", answer.overlap_pruned["soft-iou"])):
            assert row[name] == pytest.approx(np.nan if value is None else value, abs=1e-4, nan_ok=True), (name, row)


def test_tables_of_two_references_lie_beside_each_other(tmp_path: Path) -> None:
    engine = Engine("cpu", tmp_path)
    specs = [SPEC, replace(SPEC, reference="dense"), replace(SPEC, reference=VariantSpec(model=ModelSpec(seed=335)))]
    found = [computed(Sweep(engine, spec)) for spec in specs]
    again = [frame(Sweep(engine, spec)).to_dict("records") for spec in specs]
    assert [str(rows) for rows in found] == [str(rows) for rows in again]
    assert len({str([row["pearson"] for row in rows]) for rows in found}) == 3
    assert all(step.found for spec in specs for step in Sweep(engine, spec).run())
    files = {path.name.split("~")[0] for path in tmp_path.rglob("*.parquet")}
    assert files == {"answers", "answers.parquet", *(f"{cam}@relu2-dense" for cam in ("grad-cam", "centre-blob"))} | {
        f"{cam}@relu2-dense.parquet" for cam in ("grad-cam", "centre-blob")
    }
    assert len(list(tmp_path.rglob("*.parquet"))) == 3 * 3 * 2


def test_the_own_dense_network_by_name_shares_the_usual_tables(tmp_path: Path) -> None:
    engine = Engine("cpu", tmp_path)
    computed(Sweep(engine, replace(SPEC, reference="dense")))
    named = Sweep(engine, replace(SPEC, reference=VariantSpec()))
    assert all(step.found for step in named.run())


def test_networks_of_another_architecture_are_compared_photograph_by_photograph(tmp_path: Path) -> None:
    write_series(tmp_path / "cache", ("espresso", "tench", "cup"), seed=3)
    photos = write_folder(tmp_path / "photos", folder_files(("espresso", "tench"), each=3))
    engine = Engine("cpu", tmp_path / "cache")
    spec = SweepSpec(
        models=(MODEL,),
        prunings=(LEVEL.pruning,),
        data=DataSpec(name=f"{PREFIX}{photos}"),
        cams=(CamSpec(target=1),),
        measures=("agrees", "pearson"),
        reference=LITE,
    )
    rows = computed(Sweep(engine, spec))
    assert len(rows) == 6
    for row in rows:
        image = ImageRef(source=spec.data.name, name=str(row["image"]))
        answer = engine.compare(LEVEL, image, CamSpec(target=1), LITE)
        value = answer.similarity["pearson"]
        assert row["agrees"] == (not answer.flipped)
        assert row["pearson"] == pytest.approx(np.nan if value is None else value, abs=1e-4, nan_ok=True)
    with pytest.raises(BadSpec, match="is no class of this network"):
        computed(Sweep(engine, replace(spec, cams=(CamSpec(),))))
    with pytest.raises(BadSpec, match="cluster"):
        _check_reference(Sweep(engine, spec))


def test_classes_of_other_names_are_mapped(tmp_path: Path) -> None:
    """Each row answers the single question with its mapping; another mapping has other tables."""
    write_series(tmp_path / "cache", ("Kaffee", "tench", "cup"), seed=3)
    photos = write_folder(tmp_path / "photos", folder_files(("cup", "tench"), each=2))
    engine = Engine("cpu", tmp_path / "cache")
    text = {
        "models": [{"name": MODEL.name, "weights": MODEL.weights, "seed": MODEL.seed}],
        "prunings": [{"schedule": "retrained", "level": LEVEL.pruning.level}],
        "data": str(photos),
        "heatmaps": [{"method": "grad-cam", "target": 1}],
        "measures": ["agrees", "pearson"],
        "reference": {"model": LITE.model.name, "classes": {"espresso": "Kaffee"}},
    }
    spec = from_mapping(text)
    assert spec.mapping == (("espresso", "Kaffee"),)
    assert from_mapping(to_mapping(spec)) == spec
    rows = computed(Sweep(engine, spec))
    assert len(rows) == 4
    for row in rows:
        image = ImageRef(source=spec.data.name, name=str(row["image"]))
        answer = engine.compare(LEVEL, image, CamSpec(target=1), LITE, spec.mapping)
        assert row["agrees"] == (not answer.flipped)
    assert not any(step.found for step in Sweep(engine, replace(spec, mapping=())).run())
    with pytest.raises(BadSpec, match="pairs of names"):
        from_mapping(text | {"reference": {"model": LITE.model.name, "classes": "espresso"}})
    with pytest.raises(SparsightError, match="espreso"):
        computed(Sweep(engine, replace(spec, mapping=(("espreso", "Kaffee"),))))


def test_differences_leave_out_the_reference_itself(tmp_path: Path) -> None:
    sweep = Sweep(Engine("cpu", tmp_path), replace(SPEC, reference=VariantSpec(pruning=SPEC.prunings[1])))
    computed(sweep)
    found = differences(sweep, "centre-blob")
    assert set(found[found.measure == "pearson"].network) == {VariantSpec().key}


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("dense", "dense"),
        ({"model": {"name": "thesis-cnn", "weights": "mnist-55000", "seed": 334}}, OTHER),
        ({"model": "efficientnet-lite0"}, LITE),
        ({"model": "thesis-cnn", "pruning": {"level": 4}}, VariantSpec(pruning=PruningSpec.at_level(4))),
        ({"model": "thesis-cnn", "pruning": {"sparsity": 0.3}}, VariantSpec(pruning=PruningSpec.one_shot(0.3))),
    ],
)
def test_a_reference_is_written_as_a_word_or_a_network(reference: object, expected: object) -> None:
    spec = from_mapping({"models": "thesis-cnn", "reference": reference})
    assert spec.reference == expected


@pytest.mark.parametrize(
    "reference",
    [
        "dens",
        3,
        ["dense"],
        {"pruning": {}},
        {"model": "thesis-cnn", "seed": 1},
        {"model": "no"},
        {"model": "thesis-cnn", "pruning": {"level": [1, 2]}},
    ],
)
def test_another_reference_is_refused(reference: object) -> None:
    with pytest.raises(SparsightError):
        from_mapping({"models": "thesis-cnn", "reference": reference})
