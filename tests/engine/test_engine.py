"""Questions and answers from end to end on the shipped networks and real digits."""

from __future__ import annotations

import csv
import random
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.base.errors import BadSpec, MissingData, UnknownName
from core.base.settings import shipped_folder
from core.engine.engine import Engine
from core.models.zoo import TABLE_SPARSITIES
from core.protocols.lukkien.protocol import SEEDS
from core.protocols.ship import LIMIT_BYTES
from core.results import MAP_STATES
from core.specs import CamSpec, DataSpec, ImageRef, ModelSpec, PruningSpec, VariantSpec
from tests.overflowing import write_overflowing

pytestmark = pytest.mark.device

SHIPPED = shipped_folder()


def one_shot(sparsity: float) -> VariantSpec:
    return VariantSpec(pruning=PruningSpec.one_shot(sparsity))


def test_nothing_pruned_changes_nothing(engine: Engine) -> None:
    answer = engine.compare(one_shot(0.0), ImageRef(name="1234"), CamSpec())
    assert np.array_equal(answer.reference.map, answer.pruned.map)
    assert not answer.difference.any()
    assert not answer.flipped
    assert answer.similarity["pearson"] == pytest.approx(1)
    assert answer.overlap_reference == answer.overlap_pruned


def test_everything_pruned_is_said(engine: Engine) -> None:
    answer = engine.compare(one_shot(1.0), ImageRef(name="1234"), CamSpec())
    assert answer.mask.collapsed
    assert answer.mask.kept == 0
    assert answer.pruned.state == "empty"
    assert not answer.pruned.map.any()
    assert answer.similarity["pearson"] is None
    # An empty map beside a digit overlaps by nothing, by every measure.
    assert set(answer.overlap_pruned.values.values()) == {0}
    assert set(answer.similarity.values.values()) == {None}


def test_a_blob_in_the_middle_stands_beside_the_overlaps(engine: Engine) -> None:
    answer = engine.compare(VariantSpec(), ImageRef(name="3"), CamSpec())
    truth = torch.from_numpy(answer.picture.truth.copy())
    down, across = torch.meshgrid(torch.arange(28) - 13.5, torch.arange(28) - 13.5, indexing="ij")
    blob = torch.exp(-(down**2 + across**2) / (2 * 7**2))
    blob = (blob - blob.min()) / (blob.max() - blob.min())
    assert set(answer.overlap_blob.values) == set(answer.overlap_reference.values)
    assert answer.overlap_blob["soft-iou"] == pytest.approx(
        float(torch.minimum(blob, truth).sum() / torch.maximum(blob, truth).sum()), abs=1e-5
    )
    assert answer.overlap_blob["pointing-game"] == float(truth.flatten()[blob.argmax()] > 0)


@pytest.mark.parametrize("target", ["dense", "own", "label", 3])
def test_a_network_whose_outputs_overflow_gives_no_answer(tmp_path: Path, target: str | int) -> None:
    write_overflowing(tmp_path)
    own = Engine("cpu", tmp_path)
    answer = own.compare(one_shot(0.5), ImageRef(name="3500"), CamSpec(target=target))
    assert not answer.flipped
    for side in (answer.reference, answer.pruned):
        assert (side.prediction.top, side.prediction.confidence, side.prediction.best()) == (None, None, [])
        assert side.state == "invalid"
        assert side.target_class == {"label": 7, 3: 3}.get(target)
    for scores in (answer.overlap_pruned, answer.similarity, answer.statistics_pruned):
        assert set(scores.values.values()) == {None}
    found = own.evaluate_accuracy(VariantSpec(), DataSpec())
    assert (found.correct, found.unanswered, found.total) == (0, 5000, 5000)
    assert "5,000 images without a finite answer" in found.notes[0]


def test_a_pruned_network_is_looked_at_for_its_own_class_where_the_dense_one_gives_no_answer(tmp_path: Path) -> None:
    write_overflowing(tmp_path)
    answer = Engine("cpu", tmp_path).compare(one_shot(1.0), ImageRef(name="3500"), CamSpec())
    assert answer.reference.prediction.top is None
    assert answer.pruned.target_class == answer.pruned.prediction.top
    assert answer.pruned.state == "empty"


@settings(max_examples=25, deadline=None)
@given(st.floats(0, 1), st.integers(0, 4999), st.sampled_from(["dense", "own", "label", 3]))
def test_every_answer_is_sound(engine: Engine, sparsity: float, row: int, target: str | int) -> None:
    answer = engine.compare(one_shot(sparsity), ImageRef(name=str(row)), CamSpec(target=target))
    for side in (answer.reference, answer.pruned):
        assert side.state in MAP_STATES
        assert side.map.shape == (28, 28)
        assert side.saliency.shape == (11, 11)
        assert side.map.min() >= 0
        assert side.map.max() <= 1
        assert side.prediction.probabilities.sum() == pytest.approx(1, abs=1e-5)
    assert all(value is None or np.isfinite(value) for value in answer.overlap_pruned.values.values())
    assert answer.mask.kept == 2324 - int(float(f"{sparsity:.6f}") * 2324 + 0.5)


def test_target_classes(engine: Engine) -> None:
    variant, image = one_shot(0.97), ImageRef(name="4000")
    by_mode = {
        target: engine.heatmap(variant, image, CamSpec(target=target)).target_class
        for target in ("dense", "own", "label", 3)
    }
    dense_says = engine.heatmap(variant.dense, image, CamSpec()).prediction.top
    own_says = engine.heatmap(variant, image, CamSpec()).prediction.top
    assert by_mode == {"dense": dense_says, "own": own_says, "label": 8, 3: 3}


def test_the_same_question_is_answered_from_memory(engine: Engine) -> None:
    question = (one_shot(0.123456), ImageRef(name="77"), CamSpec())
    assert engine.heatmap(*question) is engine.heatmap(*question)


def test_answers_are_read_only(engine: Engine) -> None:
    answer = engine.compare(one_shot(0.5), ImageRef(name="3"), CamSpec())
    for array in (answer.reference.map, answer.pruned.saliency, answer.difference, answer.picture.seen):
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0] = 1


def test_own_image_is_known_by_its_content(engine: Engine) -> None:
    from io import BytesIO

    from PIL import Image

    file = BytesIO()
    Image.fromarray(engine.gallery().images[10].numpy()).save(file, "PNG")
    image = engine.add_image(file.getvalue())
    picture = engine.picture(image)
    assert image == engine.add_image(file.getvalue())
    assert picture.label is None
    assert np.array_equal(picture.clean, engine.picture(ImageRef(name="10")).clean)
    with pytest.raises(BadSpec, match="label"):
        engine.heatmap(one_shot(0.5), image, CamSpec(target="label"))


@pytest.mark.parametrize(
    ("image", "cam", "error"),
    [
        (ImageRef(name="5000"), CamSpec(), BadSpec),
        (ImageRef(name="-1"), CamSpec(), BadSpec),
        (ImageRef(name="²"), CamSpec(), BadSpec),
        (ImageRef(source="own", name="0" * 16), CamSpec(), MissingData),
        (ImageRef(), CamSpec(method="grad-cam+"), UnknownName),
        (ImageRef(), CamSpec(layer="conv9"), UnknownName),
        (ImageRef(), CamSpec(layer="fc"), BadSpec),
        (ImageRef(), CamSpec(target=10), BadSpec),
    ],
)
def test_wrong_questions_get_clear_answers(
    engine: Engine, image: ImageRef, cam: CamSpec, error: type[Exception]
) -> None:
    with pytest.raises(error) as caught:
        engine.compare(one_shot(0.5), image, cam)
    assert caught.value.wrong


def test_an_error_leaves_the_network_usable(engine: Engine) -> None:
    with pytest.raises(UnknownName):
        engine.heatmap(one_shot(0.31), ImageRef(), CamSpec(layer="conv9"))
    assert engine.heatmap(one_shot(0.31), ImageRef(), CamSpec()).state == "ok"


def test_noise_of_an_image_is_the_noise_of_its_row(engine: Engine) -> None:
    inputs = engine.inputs(DataSpec(noise=0.2))
    for row in (0, 17, 4999):
        seen = inputs.seen[row].cpu().numpy()
        assert np.allclose(seen, engine.picture(ImageRef(name=str(row))).seen, rtol=0, atol=1e-7)


def test_shipped_accuracies_are_found_again(engine: Engine) -> None:
    """The table's numbers are those that the shipped networks reach now; a sample, because all of
    them take minutes.
    """
    rows = [
        (seed, row)
        for seed in SEEDS
        for row in csv.DictReader((SHIPPED / ModelSpec(seed=seed).key / "accuracy.csv").read_text().splitlines())
    ]
    for seed, row in [rows[0], *random.Random(0).sample(rows, 12)]:
        data = DataSpec(noise=0.2) if "noise" in row["data"] else DataSpec()
        variant = VariantSpec(model=ModelSpec(seed=seed), pruning=pruning_of(row["pruning"]))
        found = engine.evaluate_accuracy(variant, data)
        # another processor may round the last bit of a logit differently: at most one image in a
        # thousand may change sides
        assert abs(found.correct - int(row["correct"])) <= 5, row
        assert found.total == int(row["total"]) == 5000
        assert engine.known_accuracy(variant, data).correct == int(row["correct"])


def pruning_of(key: str) -> PruningSpec:
    if key == "dense":
        return PruningSpec()
    family, amount = key.rsplit("/", 1)
    if family == "iterative-reset":
        return PruningSpec.at_level(int(amount.removeprefix("level-")))
    _, scope, criterion, *_ = family.removeprefix("one-shot/").split("-")
    return PruningSpec.one_shot(float(amount), scope, criterion)


def test_the_shipped_table_is_whole(engine: Engine) -> None:
    for seed in SEEDS:
        model = ModelSpec(seed=seed)
        for data in (DataSpec(), DataSpec(noise=0.2)):
            assert len(engine.accuracy_curve(VariantSpec(model=model, pruning=PruningSpec.at_level(0)), data)) == 26
            for scope in ("global", "layer"):
                for criterion in ("magnitude", "random"):
                    variant = VariantSpec(model=model, pruning=PruningSpec.one_shot(0.5, scope, criterion))
                    assert len(engine.accuracy_curve(variant, data)) == len(TABLE_SPARSITIES) == 60


def test_shipped_stays_small() -> None:
    assert sum(path.stat().st_size for path in SHIPPED.rglob("*") if path.is_file()) < LIMIT_BYTES


def test_accuracy_has_counts_and_interval(engine: Engine) -> None:
    accuracy = engine.accuracy(VariantSpec(), DataSpec())
    assert accuracy.total == 5000
    assert accuracy.low < accuracy.fraction < accuracy.high
    assert accuracy.fraction > 0.97


def test_an_unstored_sparsity_is_evaluated(engine: Engine) -> None:
    assert engine.known_accuracy(one_shot(0.123), DataSpec()) is None
    assert engine.accuracy(one_shot(0.123), DataSpec()).fraction > 0.9


def test_a_damaged_line_of_a_table_is_named_and_counted_again(tmp_path: Path, engine: Engine) -> None:
    shutil.copytree(shipped_folder() / ModelSpec().key, tmp_path / ModelSpec().key)
    table = tmp_path / ModelSpec().key / "accuracy.csv"
    head, first, *others = table.read_text().splitlines(keepends=True)
    table.write_text("".join((head, first.replace(",", ";"), *others)))
    own = Engine("cpu", tmp_path)
    found = own.accuracy(VariantSpec(), DataSpec())
    assert found.correct == engine.accuracy(VariantSpec(), DataSpec()).correct
    known = own.known_accuracy(one_shot(0.5), DataSpec())
    for each in (found, known, own.evaluate_accuracy(VariantSpec(), DataSpec())):
        assert each is not None
        assert each.notes[-1].startswith(f"Line 2 of {table} is damaged")


def test_evaluate_equals_one_by_one(engine: Engine) -> None:
    variant = one_shot(0.8)
    rows = engine.evaluate(variant, DataSpec(noise=0.2), CamSpec(target="own")).rows
    for row in (0, 1234, 4999):
        single = engine.compare(variant, ImageRef(name=str(row)), CamSpec(target="own"))
        assert int(rows.predicted[row]) == single.pruned.prediction.top
        assert rows["soft-iou"][row] == pytest.approx(single.overlap_pruned["soft-iou"], abs=1e-5)
        assert rows["map-mean"][row] == pytest.approx(single.statistics_pruned["mean"], abs=1e-5)
    assert rows["soft-iou"].notna().all()


def test_series_holds_the_levels_or_the_sparsities(engine: Engine) -> None:
    assert [v.pruning.level for v in engine.series(VariantSpec(pruning=PruningSpec.at_level(9)))] == list(range(26))
    assert tuple(v.pruning.sparsity for v in engine.series(one_shot(0.5))) == TABLE_SPARSITIES


def test_follow_answers_one_by_one(engine: Engine) -> None:
    steps = engine.follow(engine.series(one_shot(0.5))[:3], ImageRef(name="9"), CamSpec())
    assert next(steps).pruned.variant.pruning.sparsity == 0
    assert next(steps).pruned.variant.pruning.sparsity == 0.025
