"""Every column of a table, over digits and photographs: what each image by itself gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from core import CamSpec, DataSpec, Engine, ImageRef, VariantSpec
from core.base.errors import BadSpec
from core.data.digit_inputs import DigitInputs
from core.data.folders import read_folder
from core.data.photo_inputs import PhotoInputs
from core.evaluation.columns import AGAINST_REFERENCE, COLUMNS, Needs, OfSet, needs
from core.evaluation.evaluate import FAITHFULNESS, evaluate
from core.evaluation.seen import Seen
from core.measures import MEASURES, faithfulness, road
from core.measures.fitting import FITTINGS, rank
from core.specs import NO_ANSWER
from tests.data.made_sets import folder_files, write_folder
from tests.evaluation.test_evaluation import CPU, MAPS, NETWORK, made_card
from tests.reference import measures as slow
from tests.reference import saliency as slow_saliency

pytestmark = pytest.mark.device

DIGIT_MAPS = CamSpec(method="grad-cam", layer="relu2", target="own")
NOISY = DataSpec(noise=0.2)

ALONE = tuple(name for name in COLUMNS if needs(name) not in AGAINST_REFERENCE)  # of one network


def few(engine: Engine, step: int = 500) -> DigitInputs:
    whole = engine.inputs(NOISY)
    assert isinstance(whole, DigitInputs)
    return DigitInputs(whole.clean[::step], whole.labels[::step], whole.seen[::step])


OF_EACH = [
    name
    for name in ALONE
    if needs(name) not in (Needs.BOXES, Needs.PASSES) and not isinstance(COLUMNS[name].value, OfSet)
]


@pytest.mark.parametrize("name", OF_EACH)
def test_a_column_over_digits_is_what_each_digit_gives(engine: Engine, name: str) -> None:
    inputs, variant = few(engine), VariantSpec()
    with engine.store.borrow(variant) as network:
        values = evaluate(network, inputs, (name,), DIGIT_MAPS).rows[name]
    for place, value in enumerate(values):
        image = ImageRef(name=str(place * 500), noise=0.2)
        answer = engine.heatmap(variant, image, DIGIT_MAPS)
        label, best = int(inputs.labels[place]), [index for index, _ in answer.prediction.best(5)]
        heatmap, ink = torch.from_numpy(answer.map.copy())[None], inputs.clean[place : place + 1].cpu()
        expected = {
            "predicted": best[0],
            "confidence": pytest.approx(answer.prediction.probabilities.max(), abs=1e-5),
            "label": label,
            "right": best[0] == label,
            "right-top5": label in best,
            "right-among": best[0] == label,
            "usable": answer.state == "ok",
            "empty": answer.state in ("empty", "constant"),
        }
        flat, grey = heatmap.flatten().tolist(), ink.flatten().tolist()
        of_cells = {
            "soft-iou-from-zero": slow.soft_iou(slow_saliency.heatmap_from_zero(answer.saliency, 28, 28).ravel(), grey),
            "raw-non-zero": int((answer.saliency > 0).sum()),
            "iou-above-20": slow.jaccard(flat, grey, 0.2),
            "iou-above-50": slow.jaccard(flat, grey, 0.5),
        }
        if name in expected:
            assert value == expected[name]
        elif name in MEASURES:
            assert value == pytest.approx(float(MEASURES[name].value(heatmap, ink)), abs=1e-5, nan_ok=True)
        elif name in FITTINGS:
            assert value == pytest.approx(float(FITTINGS[name].value(rank(heatmap, ink))), abs=1e-5, nan_ok=True)
        elif name in of_cells:
            assert value == pytest.approx(of_cells[name], abs=1e-5)
        else:
            assert value == pytest.approx(
                float(MEASURES[name.removeprefix("map-")].value(heatmap)), abs=1e-5, nan_ok=True
            )


@pytest.mark.parametrize("name", FAITHFULNESS)
def test_faithfulness_over_digits_is_what_each_digit_gives(engine: Engine, name: str) -> None:
    inputs, measure = few(engine), getattr(road if name.startswith("road") else faithfulness, name.replace("-", "_"))
    (batch,) = inputs.batches()
    answers = [engine.heatmap(VariantSpec(), ImageRef(name=str(row * 500), noise=0.2), DIGIT_MAPS) for row in range(10)]
    with engine.store.borrow(VariantSpec()) as network:
        values = evaluate(network, inputs, (name,), DIGIT_MAPS).rows[name]
        for row, answer in enumerate(answers):
            image, heatmap = batch.images[row : row + 1], torch.from_numpy(answer.map.copy())[None]
            best = torch.tensor([answer.prediction.top], device=image.device)
            alone = float(measure(image, heatmap.to(image.device), best, network))
            assert values[row] == pytest.approx(alone, abs=1e-4, nan_ok=True)
    assert values.notna().any()


def test_one_threshold_is_the_best_for_the_whole_set(engine: Engine) -> None:
    with engine.store.borrow(VariantSpec()) as network:
        rows = evaluate(network, few(engine), ("best-single-threshold", "single-threshold"), DIGIT_MAPS).rows
        seen = Seen(next(iter(few(engine).batches(truth=True))), network, network=network, cam=DIGIT_MAPS)
        whole = FITTINGS["best-single-threshold"].value(rank(seen.maps, seen.truth))
    assert rows["best-single-threshold"].tolist() == pytest.approx(whole.tolist(), abs=1e-6, nan_ok=True)
    (threshold,) = rows["single-threshold"].unique()
    lit = ((seen.maps >= threshold) & (seen.maps.flatten(1).amax(1) > 0)[:, None, None]).flatten(1)
    ink = seen.truth.flatten(1) > 0
    expected = (lit & ink).sum(1) / (lit | ink).sum(1)
    assert rows["best-single-threshold"].tolist() == pytest.approx(expected.tolist(), abs=1e-6)


def test_the_answers_to_the_images_themselves_are_not_asked_again(engine: Engine) -> None:
    """Of deletion's 21 images of each digit one is the digit, and one is empty."""
    (batch,) = few(engine).batches()
    asked = []
    with engine.store.borrow(VariantSpec()) as network:

        def predict(images: torch.Tensor) -> torch.Tensor:
            asked.append(images)
            return network(images)

        seen = Seen(batch, predict, network=network, cam=DIGIT_MAPS)
        values = COLUMNS["deletion"].value(seen)
        assert len(asked) == faithfulness.STEPS
        again = faithfulness.deletion(batch.images, seen.maps, seen.predicted, network)
    assert torch.equal(values.nan_to_num(-1), again.nan_to_num(-1))


def test_batches_change_nothing(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    inputs, names = few(engine, 100), [name for name in ALONE if needs(name) is not Needs.BOXES]
    with engine.store.borrow(VariantSpec()) as network:
        whole = evaluate(network, inputs, names, DIGIT_MAPS).rows
        monkeypatch.setattr(DigitInputs.batches, "__defaults__", (False, None, 7))
        parts = evaluate(network, inputs, names, DIGIT_MAPS).rows
    for name in names:
        np.testing.assert_allclose(whole[name].astype(float), parts[name].astype(float), atol=1e-5)


def test_every_column_has_a_row_for_every_photograph(tmp_path: Path) -> None:
    folder = write_folder(tmp_path, folder_files(each=3) | {"espresso/1.JPEG": b"broken"})
    inputs = PhotoInputs(read_folder(folder), made_card(), CPU)
    table = evaluate(NETWORK, inputs, ALONE, MAPS)
    assert len(table.rows) == len(inputs) == 9
    assert table.rows.predicted[1] == -1
    assert not table.rows.loc[1, ["right", "usable", "empty"]].any()
    assert table.rows.loc[1, ["soft-iou", "map-mean", "box-iou"]].isna().all()
    assert table.rows.loc[6:, "soft-iou"].isna().all()  # nobody marked the third class
    assert not table.rows["right"][6:].any()  # which the network does not know
    assert (table.rows.predicted != NO_ANSWER).all()


def test_one_network_is_compared_with_no_other(engine: Engine) -> None:
    with engine.store.borrow(VariantSpec()) as network, pytest.raises(BadSpec, match="compares two networks"):
        evaluate(network, few(engine), ("pearson",), DIGIT_MAPS)


def test_columns_are_made_only_as_far_as_they_are_asked_for(engine: Engine) -> None:
    """Answers alone need no heatmap, and no measure asks for a second pass."""
    passes = []
    with engine.store.borrow(VariantSpec()) as network:
        hook = network.register_forward_pre_hook(lambda module, given: passes.append(len(given[0])))
        evaluate(network, few(engine))
        evaluate(
            network,
            few(engine),
            ("predicted", "right", "soft-iou", "map-gini"),
            DIGIT_MAPS,
        )
        hook.remove()
    assert passes == [10, 10]
