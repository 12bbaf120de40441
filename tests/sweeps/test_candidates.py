"""Candidates are measured on real networks and images: answers, heatmaps, costs; and what cannot be
compared is refused before any pass.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from pandas.testing import assert_frame_equal

from core.base.errors import BadSpec, SparsightError
from core.data.folders import PREFIX
from core.engine.engine import Engine
from core.jobs.control import Stopped
from core.models.modules import ModuleFacts
from core.specs import CamSpec, DataSpec, ModelSpec, PruningSpec, VariantSpec
from core.sweeps.candidates import MOST, Candidates, Decision, measure_candidates
from core.sweeps.decision import Limits, Verdict, decide
from tests.data.made_sets import folder_files, write_folder
from tests.evaluation.test_evaluation import CLASSES, made_card, made_network
from tests.sweeps.test_evaluation import stop_at

DENSE = VariantSpec()
FILTERS = VariantSpec(pruning=PruningSpec.one_shot(0.5, granularity="filter"))
LEVEL = VariantSpec(pruning=PruningSpec.at_level(10))
NOISY = DataSpec(noise=0.2)
USUAL = Decision(candidates=(FILTERS, LEVEL), reference=DENSE, images=40, data=NOISY)


@pytest.fixture(scope="module")
def measured(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Candidates:
    return measure_candidates(engine, USUAL, tmp_path_factory.mktemp("candidates"))


def test_rows_are_what_the_engine_says_of_single_images(engine: Engine, measured: Candidates) -> None:
    from core.specs import ImageRef

    rows = measured.candidates[1].rows
    labels = engine.gallery().labels
    for row in rows.index[:4]:
        answer = engine.compare(LEVEL, ImageRef(name=str(row), noise=0.2), USUAL.cam)
        assert rows.agrees[row] == (not answer.flipped)
        assert rows.right[row] == (answer.pruned.prediction.top == int(labels[row]))
        found = answer.similarity["pearson"]
        assert (found is None) == bool(rows.isna().pearson[row])
        if found is not None:
            assert rows.pearson[row] == pytest.approx(found, abs=1e-4)
    own = measured.reference.rows
    assert own.label.tolist() == [int(labels[row]) for row in own.index]
    assert len(own) == len(rows) == 40


def test_costs_are_those_of_the_network_as_it_is_exported(engine: Engine, measured: Candidates) -> None:
    for network in measured.networks:
        report, cost = engine.cost(network.variant), network.cost
        if report.physical_file_bytes is None:
            assert (cost.file_bytes, cost.multiply_adds) == (report.dense_file_bytes, report.macs)
        else:
            assert (cost.file_bytes, cost.multiply_adds) == (report.physical_file_bytes, report.physical_macs)
        assert cost.is_smaller == (report.physical_file_bytes is not None)
        assert cost.kept_bytes == report.sparse_file_bytes
    assert [network.cost.is_smaller for network in measured.networks] == [False, True, True]
    taken = [time for each in measured.networks for time in (each.cost.time, each.cost.time_of_batch)]
    assert all(0 < time.low_ms <= time.median_ms <= time.high_ms for time in taken)
    assert len({time.device for time in taken}) == 1


def test_the_noise_floor_is_there_where_it_is_known(engine: Engine, measured: Candidates, tmp_path: Path) -> None:
    assert measured.floor is not None
    assert measured.floor.seeds == (333, 334, 335)
    another = replace(USUAL, reference=VariantSpec(pruning=PruningSpec.at_level(1)), candidates=(LEVEL,), images=2)
    assert measure_candidates(engine, another, tmp_path).floor is None  # it is of dense networks


def test_names_say_what_differs(measured: Candidates) -> None:
    assert [network.name for network in measured.networks] == ["Dense", "50.0 % of filters", "Level 10"]


def test_a_network_of_ones_own_is_a_candidate(engine: Engine, measured: Candidates, tmp_path: Path) -> None:
    """Without the emptied channels it gives the same answers, and is what was exported."""
    own = VariantSpec(model=engine.save_smaller(LEVEL, "My network"))
    found = measure_candidates(engine, replace(USUAL, candidates=(own,)), tmp_path).candidates[0]
    expected = measured.candidates[1]
    assert found.name == "My network"
    assert found.rows.right.tolist() == expected.rows.right.tolist()
    assert found.rows.pearson.to_numpy() == pytest.approx(expected.rows.pearson.to_numpy(), abs=1e-3, nan_ok=True)
    assert found.cost.file_bytes == pytest.approx(expected.cost.file_bytes, rel=0.05)
    assert found.cost.multiply_adds == expected.cost.multiply_adds


def test_stopped_it_goes_on_where_it_was(engine: Engine, tmp_path: Path, measured: Candidates) -> None:
    with pytest.raises(Stopped):
        measure_candidates(engine, USUAL, tmp_path, stop_at(100, Stopped))
    begun: list[int] = []
    found = measure_candidates(engine, USUAL, tmp_path, lambda done, total: begun.append(done))
    assert begun[:2] == [40, 80]  # the networks that are done
    assert begun[-1] == 120
    for one, other in zip(found.networks, measured.networks, strict=True):
        assert_frame_equal(one.rows, other.rows)


def test_no_candidate_and_too_many() -> None:
    with pytest.raises(BadSpec, match="0 candidates"):
        Decision(candidates=(), reference=DENSE)
    many = tuple(VariantSpec(pruning=PruningSpec.one_shot(share / 100)) for share in range(1, MOST + 2))
    with pytest.raises(BadSpec, match="31 candidates"):
        Decision(candidates=many, reference=DENSE)
    assert Decision(candidates=(LEVEL, LEVEL), reference=DENSE).candidates == (LEVEL,)


def test_the_reference_is_no_candidate() -> None:
    with pytest.raises(BadSpec, match="reference is among"):
        Decision(candidates=(LEVEL, DENSE), reference=DENSE)


def test_no_images() -> None:
    with pytest.raises(BadSpec):
        replace(USUAL, images=0)


def test_one_image_and_one_candidate(engine: Engine, tmp_path: Path) -> None:
    found = measure_candidates(engine, replace(USUAL, candidates=(LEVEL,), images=1), tmp_path)
    assert [len(network.rows) for network in found.networks] == [1, 1]
    assert decide(found, Limits()).candidates[0].verdict is not Verdict.WITHIN


def test_a_network_of_photographs_is_no_candidate_for_digits(engine: Engine, tmp_path: Path) -> None:
    lite = VariantSpec(model=ModelSpec(name="efficientnet-lite0", weights="imagenet", seed=0))
    with pytest.raises(BadSpec, match="different images"):
        measure_candidates(engine, replace(USUAL, candidates=(lite,)), tmp_path, stop_at(0, AssertionError))


@pytest.fixture
def own(tmp_path: Path) -> Engine:
    return Engine("cpu", tmp_path / "cache")


def _added(engine: Engine, classes: tuple[str, ...]) -> ModelSpec:
    network = made_network()
    if len(classes) != len(CLASSES):
        network[-1] = torch.nn.Linear(8, len(classes))
    return engine.add_module(network, ModuleFacts(target_layer="2", input=made_card().input, classes=classes))


def test_other_classes_are_refused_before_any_pass(own: Engine, tmp_path: Path) -> None:
    model, stranger = _added(own, CLASSES), _added(own, ("cat", "mouse", "moon"))
    folder = write_folder(tmp_path / "photos", folder_files())
    asked = Decision(
        candidates=(VariantSpec(model=stranger),),
        reference=VariantSpec(model=model),
        data=DataSpec(name=f"{PREFIX}{folder}"),
    )
    with pytest.raises(BadSpec, match="No class of"):
        measure_candidates(own, asked, own.folder, stop_at(0, AssertionError))


def test_another_number_of_classes_is_compared_by_name(own: Engine, tmp_path: Path) -> None:
    """A candidate that lacks a class which the reference predicts has no heatmap of it."""
    model = _added(own, CLASSES)
    folder = write_folder(tmp_path / "photos", folder_files())
    data = DataSpec(name=f"{PREFIX}{folder}")
    rows = own.evaluate(VariantSpec(model=model), data, CamSpec(layer="2", target="own")).rows
    predicted = {CLASSES[index] for index in rows.predicted}
    enough = _added(own, (*sorted(predicted), "moon", "sea", "cloud"))
    lacking = _added(own, tuple(name for name in CLASSES if name != min(predicted)))
    asked = Decision(candidates=(VariantSpec(model=enough),), reference=VariantSpec(model=model), data=data)
    found = measure_candidates(own, asked, own.folder).candidates[0].rows
    assert len(found) == 12
    with pytest.raises(SparsightError, match="is no class of"):
        measure_candidates(own, replace(asked, candidates=(VariantSpec(model=lacking),)), own.folder)


def test_photographs_without_labels_are_decided_on_changed_answers(own: Engine, tmp_path: Path) -> None:
    model = _added(own, CLASSES)
    folder = write_folder(tmp_path / "photos", folder_files(("unsorted",), each=6))
    asked = Decision(
        candidates=tuple(VariantSpec(model=model, pruning=PruningSpec.one_shot(share)) for share in (0.1, 0.9)),
        reference=VariantSpec(model=model),
        data=DataSpec(name=f"{PREFIX}{folder}"),
        cam=CamSpec(layer="2"),
    )
    found = decide(measure_candidates(own, asked, own.folder), Limits(accuracy=1.0), "multiply-adds-left")
    assert not found.labelled
    assert found.n == 6
    assert found.best is found.candidates[1]


def test_without_a_photograph_that_can_be_read(own: Engine, tmp_path: Path) -> None:
    model = _added(own, CLASSES)
    folder = write_folder(tmp_path / "photos", {"tench/0.JPEG": b"broken", "espresso/1.JPEG": b"broken"})
    asked = Decision(
        candidates=(VariantSpec(model=model, pruning=PruningSpec.one_shot(0.5)),),
        reference=VariantSpec(model=model),
        data=DataSpec(name=f"{PREFIX}{folder}"),
    )
    with pytest.raises(BadSpec, match="can be read"):
        measure_candidates(own, asked, own.folder)
