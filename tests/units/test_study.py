"""The units of a sweep's networks: equal to single questions, kept, shared by nobody else, and
measured again when something changed.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas
import pytest
import torch

from core.base.errors import BadSpec, MissingData, UnknownName
from core.engine.engine import Engine
from core.models.cards import RANDOM
from core.specs import DataSpec, ModelSpec, PruningSpec, VariantSpec
from core.sweeps.read import frame
from core.sweeps.spec import SweepSpec, grid
from core.sweeps.sweep import Sweep
from core.units.embeddings import SIMILARITIES, Source, embeddings
from core.units.exemplars import Search, find_exemplars
from core.units.layers import unit_layers
from core.units.read import joined, summary, units
from core.units.relevance import ablate
from core.units.score import confidence, differences, draw_tasks
from core.units.study import UnitOptions, UnitStudy
from core.units.tables import NETWORK
from tests.data.made_sets import folder_files, write_folder

SPEC = SweepSpec(
    models=(ModelSpec(),),
    prunings=(PruningSpec(), *grid(sparsity=[0.5]), PruningSpec.at_level(25)),
    data=DataSpec(noise=0.2),
    images=120,
)
ONLY_PIXELS = UnitOptions(similarities=("pixels",))


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("units")
    steps = list(UnitStudy(Sweep(Engine("cpu", folder), SPEC), ONLY_PIXELS).run())
    assert [step.found for step in steps] == [False] * 4
    return folder


@pytest.fixture
def study(home: Path, tmp_path: Path) -> UnitStudy:
    shutil.copytree(home, tmp_path / "cache")
    return UnitStudy(Sweep(Engine("cpu", tmp_path / "cache"), SPEC), ONLY_PIXELS)


def test_the_networks_have_an_untrained_one_and_the_dense_one_beside_them(study: UnitStudy) -> None:
    assert [variant.model.weights for variant in study.variants] == [RANDOM, *["mnist-55000"] * 3]
    assert study.variants[1] == VariantSpec(model=ModelSpec()).dense
    assert [step.found for step in study.run()] == [True] * 4


def test_each_number_is_what_the_parts_say(study: UnitStudy) -> None:
    sweep, variant = study.sweep, study.variants[2]
    tables = study.read(variant)
    assert tables is not None
    model = variant.model
    inputs, rows, layers = sweep.inputs(model), sweep.rows(model), unit_layers(sweep.engine.card(model))
    source = Source(inputs=inputs, card=sweep.engine.card(model), rows=rows, key="elsewhere")
    judge = embeddings("pixels", source, sweep.engine.store)
    with sweep.engine.store.borrow(variant) as network:
        found = find_exemplars(network, inputs.batches(rows=rows), layers, Search(images=len(rows), depth=60))
    assert torch.equal(found.rows, rows)
    assert tables.facts["tasks"] == 6
    assert not tables.facts["comparable"]
    for place, layer in enumerate(layers):
        one, own = found.exemplars[layer.name], tables.units[tables.units.layer == place]
        sure = confidence(differences(draw_tasks(one.strongest, one.weakest, 0, layer.name), judge.vectors))
        np.testing.assert_allclose(own["mis-pixels"], sure.mean(1), atol=3e-4)  # kept as float16
        shown = study.exemplars(variant)
        shown = shown[(shown.layer == place) & (shown.unit == layer.units - 1)]
        assert shown.strongest.tolist() == rows[one.strongest[-1, :20]].tolist()
        row = tables.layers[tables.layers.layer == layer.name].iloc[0]
        assert row["mis-pixels"] == pytest.approx(sure.mean().item(), abs=1e-6)
        assert row["low-pixels"] <= row["mis-pixels"] <= row["high-pixels"]
    whole = tables.layers[tables.layers.layer == NETWORK].iloc[0]
    assert whole["units"] == 12
    living = tables.units[~tables.units.dead]
    weighted = (living["mis-pixels"] * living.relevance).sum() / living.relevance.sum()
    assert whole["weighted-pixels"] == pytest.approx(weighted, rel=1e-3)


def test_the_dense_network_keeps_its_exemplars_and_a_collapsed_one_loses_units(study: UnitStudy) -> None:
    rows = summary(study).set_index("network")
    dense = rows.loc[VariantSpec(model=ModelSpec()).dense.key]
    assert (dense.overlap, dense.dead) == (1, 0)
    assert dense.alike == pytest.approx(1, abs=1e-5)
    last = rows.loc[study.variants[-1].key]
    assert last.dead > 0
    assert last.overlap < 1
    assert set(rows["n"]) == {120}
    by_layer = summary(study, by_layer=True)
    assert set(by_layer.layer) == {"conv1", "conv2"}
    assert len(units(study, "conv2")) == 4 * 8
    with pytest.raises(UnknownName, match="conv2"):
        units(study, "conv3")


def test_the_networks_scores_join_the_rows_of_a_sweep(study: UnitStudy) -> None:
    """Every image's row has the columns of its network."""
    few = Sweep(study.sweep.engine, SPEC)
    list(few.run())
    rows = joined(frame(few), study)
    assert len(rows) == 3 * 120
    networks = summary(study).set_index("network")
    untrained = networks[networks.weights == RANDOM].iloc[0]
    for network, own in rows.groupby("network"):
        expected = networks.loc[network]
        assert own["share-dead"].unique().tolist() == [expected.dead / expected.units]
        assert own["mis-pixels"].unique().tolist() == [expected["mis-pixels"]]
        assert own["corrected-mis-pixels"].iloc[0] == pytest.approx(expected["mis-pixels"] - untrained["mis-pixels"])


def test_tables_of_some_layers_are_found_by_pattern_and_by_name_but_not_by_all(study: UnitStudy) -> None:
    variant, by_pattern = study.variants[1], UnitStudy(study.sweep, replace(ONLY_PIXELS, layers=("conv[2-9]",)))
    by_pattern.write(variant, *by_pattern.measure(variant))
    by_name = UnitStudy(study.sweep, replace(ONLY_PIXELS, layers=("conv2",))).read(variant)
    assert by_name is not None
    assert by_name.facts["layers"] == ["conv2"]
    assert len(by_name.units) == 8
    assert study.read(variant) is None
    both = UnitStudy(study.sweep, replace(ONLY_PIXELS, layers=("conv2", "conv1")))
    assert [layer.name for layer in both.layers(variant.model)] == ["conv1", "conv2"]


def test_another_seed_or_similarity_is_measured_again(study: UnitStudy) -> None:
    other = UnitStudy(study.sweep, replace(ONLY_PIXELS, seed=1))
    assert other.read(other.variants[1]) is None
    with pytest.raises(MissingData, match="measured yet"):
        summary(UnitStudy(study.sweep, UnitOptions(similarities=("efficientnet-lite1", "pixels"))))
    with pytest.raises(UnknownName, match="pixels"):
        UnitOptions(similarities=("pixel",))


def test_embeddings_of_other_images_are_made_again(tmp_path: Path) -> None:
    """A photograph of the same name was exchanged; the file of the embeddings is there."""
    engine = Engine("cpu", tmp_path / "cache")
    write_folder(tmp_path / "photos", folder_files())
    model = ModelSpec(name="squeezenet1_1", weights=RANDOM, seed=0)
    data = DataSpec(name=f"folder:{tmp_path / 'photos'}")

    def embedded() -> torch.Tensor:
        inputs = Engine("cpu", tmp_path / "cache").inputs(data, model)
        source = Source(inputs=inputs, card=engine.card(model), rows=torch.arange(len(inputs)), key="photos")
        return embeddings("pixels", source, engine.store).vectors

    before = embedded()
    assert torch.equal(before, embedded())
    photographs = sorted(path for path in (tmp_path / "photos").rglob("*.*") if path.suffix != ".csv")
    photographs[0].write_bytes(photographs[-1].read_bytes())
    assert not torch.equal(before, embedded())


def test_damaged_tables_are_no_answer(study: UnitStudy) -> None:
    variant = study.variants[2]
    before = study.read(variant)
    assert before is not None
    study.path(variant, "units").write_bytes(b"no table")
    assert study.read(variant) is None
    assert [step.found for step in study.run()].count(False) == 1
    again = study.read(variant)
    assert again is not None
    pandas.testing.assert_frame_equal(before.units, again.units)
    pandas.testing.assert_frame_equal(before.layers, again.layers)


def test_exemplars_are_found_again_where_only_scores_are_there(study: UnitStudy) -> None:
    variant = study.variants[2]
    path = study.path(variant, "exemplars")
    before = study.exemplars(variant)
    path.unlink()
    pandas.testing.assert_frame_equal(before, study.exemplars(variant))
    assert path.is_file()


def test_ablation_joins_the_table(study: UnitStudy) -> None:
    spec = replace(SPEC, prunings=SPEC.prunings[:1], images=40)
    ablated = UnitStudy(Sweep(study.sweep.engine, spec), replace(ONLY_PIXELS, ablation=30))
    list(ablated.run())
    tables = ablated.read(ablated.variants[1])
    assert tables is not None
    effects = tables.units[["drop-zero", "changed-zero", "drop-mean", "changed-mean"]]
    assert effects.notna().all(axis=None)  # both layers have few units
    model = ablated.variants[1].model
    layer = ablated.layers(model)[1]
    inputs, rows = ablated.sweep.inputs(model), ablated.sweep.rows(model)[:30]
    with ablated.sweep.engine.store.borrow(ablated.variants[1]) as network:
        wanted = ablate(network, inputs.batches(rows=rows), layer, torch.arange(layer.units))
    own = tables.units[tables.units.layer == 1]
    np.testing.assert_allclose(own["drop-zero"], wanted.drop, atol=1e-3)
    np.testing.assert_allclose(own["changed-zero"], wanted.changed, atol=1e-3)
    assert study.read(study.variants[1]) is not None  # without ablation, other tables are the answer


def test_too_few_images_are_refused(study: UnitStudy) -> None:
    few = UnitStudy(Sweep(study.sweep.engine, replace(SPEC, images=10)), ONLY_PIXELS)
    with pytest.raises(BadSpec, match="10 images are too few"):
        list(few.run())


def test_photographs_are_judged_by_a_network_that_is_not_scored() -> None:
    """Features of EfficientNet-lite1 of two pictures, beside a whole pass."""
    embed = SIMILARITIES["efficientnet-lite1"].value(torch.device("cpu"))
    images = torch.rand(2, 3, 128, 128)
    with torch.no_grad():
        vectors = embed(images)
    assert vectors.shape == (2, 1280)
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(2))


def test_a_network_without_living_units_has_no_score(study: UnitStudy) -> None:
    """A digit network whose weights are all pruned: its activations never differ."""
    spec = replace(SPEC, prunings=grid(sparsity=[1.0]))
    dead = UnitStudy(Sweep(study.sweep.engine, spec), ONLY_PIXELS)
    list(dead.run())
    tables = dead.read(dead.variants[-1])
    assert tables is not None
    assert tables.units.dead.all()
    row = tables.layers[tables.layers.layer == NETWORK].iloc[0]
    assert row.dead == 12
    assert np.isnan(row[["mis-pixels", "low-pixels", "weighted-pixels"]].astype(float)).all()
