"""A sweep that is written as YAML is read again as it was; a view's sweep asks as the view."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.base.settings import shipped_folder
from core.engine.engine import Engine
from core.evaluation.columns import COLUMNS
from core.models.zoo import default_model
from core.saliency.baselines import BASELINES
from core.saliency.cams import CAMS
from core.specs import TARGETS, CamSpec, DataSpec, ModelSpec, PruningSpec, VariantSpec
from core.sweeps.spec import SweepSpec
from core.sweeps.views import of_view
from core.sweeps.written import from_mapping, read_sweep, to_mapping, to_yaml
from tests.data.made_sets import folder_files, write_folder

NAMES = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=12)
SHARES = st.floats(0, 1)
LAYERS = st.lists(st.sampled_from(("conv1.weight", "conv2.weight", "fc.weight")), max_size=2, unique=True).map(tuple)
MODELS = st.builds(ModelSpec, name=NAMES, weights=NAMES, seed=st.integers(0, 999))
ONE_SHOT = st.builds(
    PruningSpec.one_shot,
    SHARES,
    st.sampled_from(("global", "layer")),
    st.sampled_from(("magnitude", "random")),
    granularity=st.sampled_from(("weight", "filter", "2:4", "12:30")),
    seed=st.integers(0, 9),
    excluded=LAYERS,
    repair=st.sampled_from(("none", "batch-norm")),
)
BY_HAND = st.builds(
    PruningSpec.one_shot, SHARES, overrides=st.dictionaries(NAMES, SHARES, max_size=2).map(lambda by: tuple(by.items()))
)
LEVELS = st.builds(PruningSpec.at_level, st.integers(0, 25), st.sampled_from(("iterative-reset", "retrained")))
PRUNINGS = st.one_of(st.just(PruningSpec()), ONE_SHOT, BY_HAND, LEVELS)
CAM_SPECS = st.builds(
    CamSpec,
    method=st.sampled_from((*CAMS, *BASELINES)),
    layer=NAMES,
    target=st.one_of(st.sampled_from(tuple(TARGETS)), st.integers(0, 999)),
)
SPECS = st.builds(
    SweepSpec,
    models=st.lists(MODELS, min_size=1, max_size=3).map(tuple),
    prunings=st.lists(PRUNINGS, min_size=1, max_size=6).map(tuple),
    data=st.builds(DataSpec, name=NAMES.map("folder:{}".format), noise=SHARES, noise_seed=st.integers(0, 9)),
    images=st.one_of(st.none(), st.integers(1, 10**6)),
    seed=st.integers(0, 99),
    cams=st.lists(CAM_SPECS, min_size=1, max_size=3).map(tuple),
    measures=st.lists(st.sampled_from(list(COLUMNS)), min_size=1, unique=True).map(tuple),
    reference=st.one_of(st.just("dense"), st.builds(VariantSpec, model=MODELS, pruning=PRUNINGS)),
)


@given(spec=SPECS, title=NAMES)
def test_what_is_written_is_read_again(spec: SweepSpec, title: str) -> None:
    assert from_mapping(json.loads(json.dumps(to_mapping(spec)))) == spec
    with TemporaryDirectory() as folder:
        path = Path(folder) / "sweep.yaml"
        path.write_text(to_yaml(spec, title), encoding="utf-8")
        assert read_sweep(path) == spec


@pytest.mark.parametrize("path", sorted(shipped_folder().glob("*/*.yaml")), ids=lambda path: path.stem)
def test_included_sweeps_can_be_written(path: Path, tmp_path: Path) -> None:
    spec = read_sweep(path)
    (tmp_path / "again.yaml").write_text(to_yaml(spec, path.stem), encoding="utf-8")
    assert read_sweep(tmp_path / "again.yaml") == spec


def test_neighbours_that_differ_in_their_amount_are_one_entry() -> None:
    prunings = (PruningSpec(), PruningSpec.one_shot(0.5), PruningSpec.one_shot(0.9), PruningSpec.at_level(3))
    text = to_yaml(SweepSpec(models=(ModelSpec(),), prunings=prunings), "Four networks")
    assert "sparsity: [0.5, 0.9]}" in text
    assert "level: [3]}" in text
    assert text.startswith("# Four networks\n")


@pytest.mark.parametrize(
    "pruning",
    [PruningSpec.one_shot(0.3, "layer", "random"), PruningSpec.at_level(4), PruningSpec.one_shot(granularity="2:4")],
    ids=lambda pruning: pruning.family,
)
def test_the_sweep_of_a_view_begins_dense_and_has_the_networks_of_its_curve(
    engine: Engine, pruning: PruningSpec
) -> None:
    variant, cam = VariantSpec(pruning=pruning), CamSpec(method="layer-cam", layer="conv1", target="own")
    spec = of_view(engine, variant, cam, DataSpec(noise=0.2), 50)
    assert engine.report(spec.variants(variant.model)[0]).sparsity == 0
    assert {one.pruning for one in engine.series(variant)} >= set(spec.prunings[1:])
    assert {one.family for one in spec.prunings[1:]} == {pruning.family}
    assert len(spec.prunings) <= 31
    assert spec.cams[0] == cam
    assert (spec.images, spec.data) == (50, DataSpec(noise=0.2))
    assert of_view(engine, variant, cam, DataSpec(), 5000).images is None  # there are no more


def test_a_view_without_marks_asks_for_no_overlap(engine: Engine, tmp_path: Path) -> None:
    unmarked = {name: content for name, content in folder_files().items() if not name.endswith(".csv")}
    write_folder(tmp_path / "photographs", unmarked)
    variant = VariantSpec(model=default_model("efficientnet-lite0"))
    spec = of_view(engine, variant, CamSpec(), DataSpec(name=f"folder:{tmp_path / 'photographs'}"), 5)
    assert not spec.needs_truth
    assert "pearson" in spec.measures
