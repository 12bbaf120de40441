"""Whole data sets of photographs: counts and heatmaps against one photograph at a time; bounded
memory; what is left out is said.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from core.base.errors import BadImage, BadSpec
from core.data import photo_inputs
from core.data.batches import Batch
from core.data.folders import read_folder
from core.data.load_picture import Pictures
from core.data.photo_inputs import PhotoInputs
from core.data.photo_sets import Photo
from core.engine.engine import Engine
from core.evaluation import evaluate
from core.evaluation.seen import Seen
from core.measures.boxes import box_iou
from core.measures.overlap import energy_inside, pointing_game, soft_iou
from core.models.cards import Card
from core.models.modules import ModuleFacts
from core.models.own import from_module
from core.saliency.cams import saliency_maps
from core.saliency.capture import own_class
from core.saliency.normalise import normalise
from core.specs import NO_ANSWER, CamSpec, DataSpec, ImageRef, ModelSpec, VariantSpec
from tests.data.cards import with_rule
from tests.data.made_sets import folder_files, jpeg, photograph, write_folder, write_imagenette, write_pets

CPU = torch.device("cpu")
CLASSES = ("tench", "espresso", "pug", "church", "golf ball", "parachute", "English springer")


def made_card(**rule: object) -> Card:
    rule = {"size_px": (32, 32), "resize_px": 36} | rule
    return replace(with_rule(**rule), classes=CLASSES, build=build)


def build() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 8, 5, 2), nn.ReLU(), nn.Conv2d(8, 8, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 7)
    )


def made_network() -> nn.Module:
    """Answers several classes, some of them right."""
    layers, generator = build(), torch.Generator().manual_seed(54)
    for weights in layers.parameters():
        weights.data = torch.randn(weights.shape, generator=generator) / 3
    return layers.eval().requires_grad_(False)


NETWORK = made_network()
MAPS = CamSpec(method="grad-cam", layer="0", target="own")


def tabulated(network: nn.Module, inputs: PhotoInputs) -> evaluate.Table:
    return evaluate.evaluate(network, inputs, evaluate.heatmap_columns(inputs), MAPS)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three classes, the last unknown to the network; one photograph cannot be read."""
    return write_folder(tmp_path / "photos", folder_files(each=9) | {"espresso/4.JPEG": b"broken"})


def one_by_one(folder: Path, card: Card) -> dict[str, list]:
    """Logits and scores of each photograph, made as a single picture is."""
    pictures, rows = Pictures(folder.parent), {"logits": [], "label": [], "scores": []}
    for row, photo in enumerate(read_folder(folder).photos):
        try:
            picture = pictures.get(ImageRef(source=f"folder:{folder}", name=str(row)), card)
        except BadImage:
            continue
        image = card.input(torch.from_numpy(picture.clean.copy()).permute(2, 0, 1)[None])
        made = saliency_maps(NETWORK, image, "grad-cam", "0", own_class)
        maps, _ = normalise(made.maps, card.input_px)
        truth = (
            torch.zeros(1, *card.input_px) if picture.truth is None else torch.from_numpy(picture.truth.copy())[None]
        )
        scores = [
            float(measure(maps, truth)) if truth.any() else np.nan
            for measure in (soft_iou, pointing_game, energy_inside)
        ]
        rows["scores"].append((row, int(made.targets), float(maps.mean()), *scores, bool(photo.boxes)))
        rows["logits"].append(made.logits)
        rows["label"].append(-1 if picture.label is None else picture.label)
    return rows


def test_counts_equal_one_by_one(folder: Path) -> None:
    card = made_card()
    counts = evaluate.count(NETWORK, PhotoInputs(read_folder(folder), card, CPU))
    singles = one_by_one(folder, card)
    logits, labels = torch.cat(singles["logits"]), torch.tensor(singles["label"])
    logits, labels = logits[labels >= 0], labels[labels >= 0]
    assert counts.total == len(labels) == 17
    assert counts.correct == int((logits.argmax(1) == labels).sum())
    assert counts.top5 == sum(
        int(label) in row.argsort(descending=True)[:5] for row, label in zip(logits, labels, strict=True)
    )
    assert counts.among == sum(
        int(label) == (0 if row[0] >= row[1] else 1) for row, label in zip(logits, labels, strict=True)
    )
    assert counts.among_classes == 2
    assert 0 < counts.correct < min(counts.among, counts.top5) < 17


def test_rows_equal_one_by_one(folder: Path) -> None:
    card = made_card()
    rows = tabulated(NETWORK, PhotoInputs(read_folder(folder), card, CPU)).rows
    assert len(rows) == 27
    assert rows.predicted[4] == -1  # the broken one
    assert not rows["usable"][4]
    assert np.isnan(rows["map-mean"][4])
    for row, target, mean, fits, hit, inside, marked in one_by_one(folder, card)["scores"]:
        assert int(rows.predicted[row]) == target
        assert float(rows["map-mean"][row]) == pytest.approx(mean, abs=1e-5)
        found = [rows["soft-iou"], rows["pointing-game"], rows["energy-inside"]]
        assert [float(values[row]) for values in found] == pytest.approx([fits, hit, inside], abs=1e-5, nan_ok=True)
        assert bool(np.isfinite(rows["box-iou"][row])) == marked
    assert rows["soft-iou"][18:].isna().all()  # nobody marked the third class


def test_box_iou_is_of_the_boxes_in_the_input(tmp_path: Path) -> None:
    path = write_folder(tmp_path, folder_files(("tench", "espresso"), each=3))
    for resize_px, boxes_of_the_fourth in (
        (36, 1),
        (None, 2),
    ):  # its second box stands at the edge, and is cut away with it
        (batch,) = PhotoInputs(read_folder(path), made_card(resize_px=resize_px), CPU).batches(truth=True)
        assert box_iou(batch.truth, batch.boxes).min() > 0.85  # pixels are whole, boxes are not
        assert [len(boxes) for boxes in batch.boxes] == [1, 1, 1, boxes_of_the_fourth, 1, 1]


def test_what_is_left_out_is_said(folder: Path) -> None:
    notes = " ".join(evaluate.count(NETWORK, PhotoInputs(read_folder(folder), made_card(), CPU)).notes)
    assert "9 photographs left out of the accuracy: unheard of." in notes
    assert "Left out, because unreadable: 1 photograph (espresso/4.JPEG). espresso/4.JPEG: The file is not" in notes


def test_masks_that_cannot_be_read_count_as_none(tmp_path: Path) -> None:
    write_pets(tmp_path)
    (tmp_path / "oxford-iiit-pet" / "annotations" / "trimaps" / "pug_9.png").write_bytes(b"")
    inputs = PhotoInputs(Pictures(tmp_path).photo_set(f"folder:{tmp_path}/oxford-iiit-pet"), made_card(), CPU)
    assert len(inputs.notes) == 1  # as a mere folder: class "images"
    from core.data.downloads import oxford_pets

    inputs = PhotoInputs(oxford_pets(tmp_path), made_card(), CPU)
    rows = tabulated(NETWORK, inputs).rows
    assert rows["soft-iou"].isna().tolist() == [False, False, True]
    assert (rows.predicted >= 0).all()
    assert "box-iou" not in rows
    assert any("masks cannot be used: 1 photograph (pug_9)" in note for note in inputs.notes)
    assert evaluate.count(NETWORK, inputs).total == 2


def test_progress_counts_the_photographs(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(photo_inputs, "BATCH_VALUES", 7 * 32 * 32 * 3)
    reported: list[tuple[int, int]] = []
    inputs = PhotoInputs(read_folder(folder), made_card(), CPU)
    evaluate.count(NETWORK, inputs, lambda done, total: reported.append((done, total)))
    assert reported == [(7, 27), (14, 27), (21, 27), (27, 27)]


@pytest.mark.parametrize("kept", [0, 10**9])
@pytest.mark.parametrize("values", [1, 7 * 32 * 32 * 3, 10**9])
def test_batches_and_memory_change_nothing(
    folder: Path, monkeypatch: pytest.MonkeyPatch, kept: int, values: int
) -> None:
    expected = tabulated(NETWORK, PhotoInputs(read_folder(folder), made_card(), CPU)).rows
    monkeypatch.setattr(photo_inputs, "KEPT_BYTES", kept)
    monkeypatch.setattr(photo_inputs, "BATCH_VALUES", values)
    inputs = PhotoInputs(read_folder(folder), made_card(), CPU)
    for _ in range(2):
        rows = tabulated(NETWORK, inputs).rows
        assert rows.predicted.equals(expected.predicted)
        np.testing.assert_allclose(rows["soft-iou"], expected["soft-iou"], atol=1e-5)
    assert inputs.bytes == (27 * 32 * 32 * 3 if kept else 0)
    assert bool(inputs._kept) == bool(kept)


def test_photographs_that_fit_are_decoded_once(folder: Path) -> None:
    read: list[str] = []

    def counted(photo: Photo) -> Photo:
        return replace(photo, read=lambda: read.append(photo.name) or photo.read())

    photos = read_folder(folder)
    inputs = PhotoInputs(replace(photos, photos=[counted(photo) for photo in photos.photos]), made_card(), CPU)
    first = list(inputs.batches())
    decoded = {photos.photos[row].name for batch in first for row in batch.rows.tolist()}
    assert decoded <= set(read)
    read.clear()
    assert all(torch.equal(a.images, b.images) for a, b in zip(first, inputs.batches(), strict=True))
    assert decoded.isdisjoint(read)


def test_half_precision_answers_alike(folder: Path) -> None:
    inputs, network = PhotoInputs(read_folder(folder), made_card(), CPU), deepcopy(NETWORK).bfloat16()
    exact, half = (tabulated(one, inputs).rows for one in (NETWORK, network))
    assert float((exact["soft-iou"] - half["soft-iou"]).abs().mean()) < 0.02
    assert half["soft-iou"].dtype == np.float32
    assert evaluate.count(network, inputs).total == 17


def test_batches_are_bounded() -> None:
    assert photo_inputs.BATCH_VALUES // (224 * 224 * 3) == 16
    assert photo_inputs.BATCH_VALUES // (32 * 32 * 3) > photo_inputs.LARGEST_BATCH


def right_answers(logits: Tensor, labels: Tensor, own: Tensor) -> list[int]:
    """How many are right: the class itself, among five, among the classes of the data set."""
    batch = Batch(torch.arange(len(labels)), logits, labels)
    columns = ("right", "right-top5", "right-among")
    _, found = evaluate.collect([Seen(batch, lambda images: images, own)], columns)
    return [int(found[name].sum()) for name in columns]


@settings(deadline=None)
@given(st.integers(1, 12), st.integers(2, 9), st.data())
def test_right_answers_equal_the_slow_definition(count: int, classes: int, data: st.DataObject) -> None:
    own = sorted(data.draw(st.sets(st.integers(0, classes - 1), min_size=1)))
    labels = data.draw(st.lists(st.sampled_from(own), min_size=count, max_size=count))
    order = [data.draw(st.permutations(range(classes))) for _ in range(count)]
    logits = torch.tensor(order).float()
    expected = [0, 0, 0]
    for row, label in zip(order, labels, strict=True):
        best = sorted(range(classes), key=lambda index: -row[index])
        expected[0] += best[0] == label
        expected[1] += label in best[:5]
        expected[2] += next(index for index in best if index in own) == label
    assert right_answers(logits, torch.tensor(labels), torch.tensor(own)) == expected


def test_logits_that_are_not_finite_are_never_right() -> None:
    logits = torch.tensor([[3.0, 1.0], [torch.nan, 1.0], [torch.inf, 1.0], [0.0, -torch.inf]])
    assert right_answers(logits, torch.zeros(4, dtype=torch.int64), torch.tensor([0, 1])) == [1, 1, 1]


class Overflowing(nn.Module):
    """Takes logits beyond the largest number where the first one is above `limit`."""

    def __init__(self, limit: float) -> None:
        super().__init__()
        self.limit = limit

    def forward(self, logits: Tensor) -> Tensor:
        return torch.where(logits[:, :1] > self.limit, logits * torch.finfo(torch.float32).max * 1e3, logits)


def test_photographs_without_an_answer_are_counted(folder: Path) -> None:
    inputs = PhotoInputs(read_folder(folder), made_card(), CPU)
    usual = evaluate.count(NETWORK, inputs)
    first = torch.cat([NETWORK(batch.images)[:, 0] for batch in inputs.batches()])
    network = nn.Sequential(*NETWORK, Overflowing(float(first.median())))
    counts = evaluate.count(network, inputs)
    table = tabulated(network, inputs)
    rows = table.rows
    assert 0 < counts.unanswered < counts.total == usual.total
    assert f"{counts.unanswered} images without a finite answer" in counts.notes[-1]
    silent = rows.predicted == NO_ANSWER
    labels = inputs.labels.numpy()
    labelled = labels >= 0
    assert int((silent & labelled).sum()) == counts.unanswered
    assert counts.correct == int((rows.predicted == labels)[labelled].sum())
    assert not (rows["usable"] | rows["empty"])[silent].any()
    assert rows["soft-iou"][silent].isna().all()
    assert table.summary()["maps"]["invalid"] == int(silent.sum())


def test_an_empty_map_scores_0_and_stands_beside_the_mean(folder: Path) -> None:
    """A network that never looks: its last layer has no weights, so no place speaks for a class."""
    network = deepcopy(NETWORK)
    network[5].weight.data.zero_()
    table = tabulated(network, PhotoInputs(read_folder(folder), made_card(), CPU))
    assert table.rows["empty"].sum() == 26  # the broken photograph has no map
    for name in ("soft-iou", "pointing-game", "energy-inside", "box-iou"):
        found = table.summary()[name]
        assert found == {"mean": 0.0, "n": 17, "empty-maps": 17, "mean-without-empty-maps": None}


def test_an_accuracy_without_known_classes_is_refused(tmp_path: Path) -> None:
    inputs = PhotoInputs(read_folder(write_folder(tmp_path, folder_files(("a", "b", "c", "d", "e")))), made_card(), CPU)
    with pytest.raises(BadSpec, match="a, b, c and 2 more"):
        evaluate.count(NETWORK, inputs)
    assert tabulated(NETWORK, inputs).rows["usable"].any()  # heatmaps need no labels


def test_an_accuracy_of_nothing_is_refused(tmp_path: Path) -> None:
    path = write_folder(tmp_path, {"tench/0.jpg": b"broken", "other/0.jpg": jpeg(photograph(0))})
    inputs = PhotoInputs(read_folder(path), made_card(), CPU)
    with pytest.raises(BadSpec, match="can be counted"):
        evaluate.count(NETWORK, inputs)


FACTS = ModuleFacts(target_layer="0", input=made_card().input, classes=CLASSES)
MADE = from_module(made_network(), FACTS)
MODEL = MADE.value.first_model(MADE.name)


@pytest.fixture
def photo_engine(tmp_path: Path) -> Engine:
    """An engine that knows a small network for photographs."""
    made = Engine("cpu", tmp_path / "cache")
    made.add_module(made_network(), FACTS)
    return made


def test_the_engine_answers_for_photographs(photo_engine: Engine, folder: Path) -> None:
    variant, data = VariantSpec(model=MODEL), DataSpec(name=f"folder:{folder}")
    accuracy = photo_engine.accuracy(variant, data)
    counts = evaluate.count(NETWORK, PhotoInputs(read_folder(folder), made_card(), CPU))
    assert (accuracy.correct, accuracy.total, accuracy.top5, accuracy.among) == (
        counts.correct,
        17,
        counts.top5,
        counts.among,
    )
    assert accuracy.top5_fraction == counts.top5 / 17
    assert accuracy.among_fraction == counts.among / 17
    assert accuracy.low < accuracy.fraction < accuracy.high
    assert accuracy.notes == counts.notes
    rows = photo_engine.evaluate(variant, data, CamSpec(method="grad-cam", target="own")).rows
    single = photo_engine.compare(
        variant, ImageRef(source=f"folder:{folder}", name="7"), CamSpec(method="grad-cam", target="own")
    )
    assert single.picture.truth_kind == "boxes"
    assert single.picture.label == 1
    assert "espresso" in single.picture.title
    assert float(rows["soft-iou"][7]) == pytest.approx(single.overlap_pruned["soft-iou"], abs=1e-5)
    assert photo_engine.inputs(data, MODEL) is photo_engine.inputs(data, MODEL)
    assert {part.name: part.entries for part in photo_engine.parts()}["data sets"] == 1


def test_downloaded_sets_are_found_in_the_cache_folder(photo_engine: Engine) -> None:
    write_imagenette(photo_engine.folder / "data")
    accuracy = photo_engine.accuracy(VariantSpec(model=MODEL), DataSpec(name="imagenette"))
    assert accuracy.total == 6  # all three classes are known by their synsets
    assert accuracy.notes == ("6 of 3,925 photographs were found.",)


@pytest.mark.parametrize(
    ("model", "data", "word"),
    [
        (MODEL, DataSpec(), "holds digits"),
        (MODEL, DataSpec(name="digits", noise=0.2), "holds digits"),
        (ModelSpec(), DataSpec(name="imagenette"), "holds photographs"),
    ],
)
def test_data_of_the_wrong_kind_are_refused(photo_engine: Engine, model: ModelSpec, data: DataSpec, word: str) -> None:
    write_imagenette(photo_engine.folder / "data")
    with pytest.raises(BadSpec, match=word):
        photo_engine.accuracy(VariantSpec(model=model), data)
    with pytest.raises(BadSpec):
        photo_engine.inputs(replace(data, noise=0.2), model)


def test_the_unseen_photographs_are_evaluated(photo_engine: Engine, real_data: Path) -> None:
    """Fifty of them, with the real boxes: aligned, counted, and of a plausible size."""
    whole = read_folder(real_data / "imagenette-224-unseen.zip")
    few = replace(whole, photos=whole.photos[::10])
    inputs = PhotoInputs(few, made_card(size_px=(224, 224), resize_px=None), CPU)
    counts = evaluate.count(NETWORK, inputs)
    assert counts.total == 25  # five of the ten classes are classes of the made network
    rows = tabulated(NETWORK, inputs).rows
    for values in (
        rows["soft-iou"],
        rows["pointing-game"],
        rows["energy-inside"],
        rows["box-iou"],
    ):
        assert np.isfinite(values[rows["usable"]]).all()
    shares = torch.cat([batch.truth.flatten(1).mean(1) for batch in inputs.batches(truth=True)])
    assert len(shares) == 50
    assert 0.3 < float(shares.mean()) < 0.7  # the objects fill about half of these photographs


def test_an_accuracy_that_guessing_reaches_says_what_to_check() -> None:
    (note,) = evaluate.chance_notes(12, 100, 10)
    assert note.startswith("No better than guessing among 10 classes: 12 of 100 are right.")
    assert "channel order" in note
    assert evaluate.chance_notes(20, 100, 10) == ()
    assert evaluate.chance_notes(1, 20, 1000) == ()
    assert evaluate.chance_notes(0, 20, 1000)
    assert evaluate.chance_notes(0, 9, 1000) == ()
