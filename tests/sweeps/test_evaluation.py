"""An evaluation that keeps its rows says what the engine says, also after it was stopped."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from pandas.testing import assert_frame_equal

from core.base.errors import BadSpec
from core.base.progress import Progress
from core.data import photo_inputs
from core.data.folders import PREFIX
from core.disk.files import Files
from core.engine.engine import Engine
from core.evaluation.evaluate import Table, heatmap_columns
from core.jobs.control import Stopped
from core.models.modules import ModuleFacts
from core.specs import CamSpec, DataSpec, ModelSpec, PruningSpec, VariantSpec
from core.sweeps import collected
from core.sweeps.evaluation import Evaluation
from tests.data.made_marks import MARKED, png
from tests.data.made_sets import folder_files, write_folder
from tests.evaluation.test_evaluation import CLASSES, made_card, made_network

CAM = CamSpec(method="grad-cam", layer="2", target="own")


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine("cpu", tmp_path / "cache")


@pytest.fixture
def model(engine: Engine) -> ModelSpec:
    facts = ModuleFacts(target_layer="2", input=made_card().input, classes=CLASSES)
    return engine.add_module(made_network(), facts)


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataSpec:
    """24 photographs in batches of two, one of them broken, some of a class that nobody knows."""
    monkeypatch.setattr(photo_inputs, "LARGEST_BATCH", 2)
    folder = write_folder(tmp_path / "photos", folder_files(each=8) | {"espresso/4.JPEG": b"broken"})
    return DataSpec(name=f"{PREFIX}{folder}")


def stop_at(wanted: int, error: type[BaseException]) -> Progress:
    def progress(done: int, total: int) -> None:
        if done >= wanted:
            raise error("here")

    return progress


def heatmaps(engine: Engine, variant: VariantSpec, data: DataSpec, folder: Path, progress: Progress) -> Table:
    names = (*heatmap_columns(engine.inputs(data, variant.model)), "deletion")
    return Evaluation(engine, variant, data, folder).heatmaps(CAM, names, progress)


def unfinished(folder: Path) -> list[Path]:
    return list(folder.rglob(f"{collected.KEY}.safetensors"))


def test_it_says_what_the_engine_says(engine: Engine, model: ModelSpec, photos: DataSpec) -> None:
    for pruning in (PruningSpec(), PruningSpec.one_shot(0.5)):
        variant = VariantSpec(model=model, pruning=pruning)
        asked = Evaluation(engine, variant, photos, engine.folder)
        found = asked.accuracy()
        assert found == engine.evaluate_accuracy(variant, photos)
        assert "unreadable" in " ".join(found.notes)
        ours, theirs = asked.heatmaps(CAM), engine.evaluate(variant, photos, CAM)
        assert_frame_equal(ours.rows, theirs.rows, check_index_type=False)
        assert (ours.summary(), set(ours.notes), ours.classes) == (theirs.summary(), set(theirs.notes), theirs.classes)
        assert (ours.rows.predicted == -1).sum() == 1


def awkward(folder: Path) -> DataSpec:
    """Photographs of which one has 12 bits, and four have masks: usable, of another size, black,
    without background.
    """
    files: dict[str, bytes] = {name: file for name, file in folder_files(each=8).items() if "boxes" not in name}
    half = {name: png(MARKED.astype(np.uint8) * value) for name, value in (("0", 255), ("2", 0))}
    masks = half | {"1": png(MARKED[::2, ::2]), "3": png(MARKED.astype(np.uint8) + 1)}
    files |= {f"masks/n01440764/{name}.png": mask for name, mask in masks.items()}
    files["espresso/8.png"] = png(np.linspace(0, 4095, 40 * 60).astype(np.uint16).reshape(40, 60))
    return DataSpec(name=f"{PREFIX}{write_folder(folder, files)}")


def test_remarks_on_masks_and_pictures_survive_a_stop(
    engine: Engine, model: ModelSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(photo_inputs, "LARGEST_BATCH", 2)
    data, variant = awkward(tmp_path / "photos"), VariantSpec(model=model)
    accuracy = Evaluation(engine, variant, data, engine.folder).accuracy()
    assert "Stretched, because the values take 12 of 16 bits: 1 photograph (espresso/8.png)." in accuracy.notes
    with pytest.raises(Stopped):
        Evaluation(engine, variant, data, engine.folder).heatmaps(CAM, progress=stop_at(20, Stopped))
    later = Engine("cpu", engine.folder)
    again = later.add_module(made_network(), ModuleFacts(target_layer="2", input=made_card().input, classes=CLASSES))
    assert again == model
    computed: list[int] = []
    found = Evaluation(later, variant, data, engine.folder).heatmaps(
        CAM, progress=lambda done, total: computed.append(done)
    )
    assert computed[0] >= 20
    assert found.notes == engine.evaluate(variant, data, CAM).notes
    for text in (
        "cannot be used: 1 photograph (n01440764/1.JPEG). masks/n01440764/1.png has 30 x 20 pixels, its photograph",
        "marks nothing that the network sees: 1 photograph (n01440764/2.JPEG).",
        "only black (0) is background: 1 photograph (n01440764/3.JPEG).",
        "Stretched, because",
    ):
        assert text in " ".join(found.notes)
    assert found.summary()["soft-iou"]["n"] == 2  # the usable mask, and the one without background
    more = Evaluation(later, variant, data, engine.folder).heatmaps(CAM, ("usable", "empty", "map-std", "deletion"))
    assert more.notes == found.notes  # of the same table, of which further columns need no masks


@pytest.mark.parametrize("error", [KeyboardInterrupt, Stopped, RuntimeError])
def test_stopped_anywhere_it_goes_on_to_the_same_rows(
    engine: Engine, model: ModelSpec, photos: DataSpec, tmp_path: Path, error: type[BaseException]
) -> None:
    variant = VariantSpec(model=model)
    whole = heatmaps(engine, variant, photos, tmp_path / "whole", lambda done, total: None)
    for wanted in (4, 14):
        with pytest.raises(error):
            heatmaps(engine, variant, photos, tmp_path / "kept", stop_at(wanted, error))
        assert len(unfinished(tmp_path / "kept")) == 1
    computed: list[int] = []
    found = heatmaps(engine, variant, photos, tmp_path / "kept", lambda done, total: computed.append(done))
    assert computed[0] >= 14
    assert_frame_equal(found.rows, whole.rows)
    assert found.notes == whole.notes
    assert unfinished(tmp_path / "kept") == []
    again: list[int] = []
    read = heatmaps(engine, variant, photos, tmp_path / "kept", lambda done, total: again.append(done))
    assert again == []
    assert_frame_equal(read.rows, whole.rows)


def test_a_damaged_beginning_is_said_and_computed_again(
    engine: Engine, model: ModelSpec, photos: DataSpec, caplog: pytest.LogCaptureFixture
) -> None:
    variant = VariantSpec(model=model)
    with pytest.raises(Stopped):
        heatmaps(engine, variant, photos, engine.folder, stop_at(14, Stopped))
    (path,) = unfinished(engine.folder)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    begun: list[int] = []
    heatmaps(engine, variant, photos, engine.folder, lambda done, total: begun.append(done))
    assert begun[0] == 0
    (said,) = [record.getMessage() for record in caplog.records if "unfinished" in record.getMessage()]
    assert "checksum" in said
    assert said.endswith(f"It was renamed to {path.name}.damaged. The images that it held are computed again now.")


def test_what_was_begun_with_other_photographs_is_not_taken_up(
    engine: Engine, model: ModelSpec, photos: DataSpec
) -> None:
    variant = VariantSpec(model=model)
    with pytest.raises(Stopped):
        heatmaps(engine, variant, photos, engine.folder, stop_at(14, Stopped))
    first = next(Path(photos.name.removeprefix(PREFIX)).rglob("n01440764/0.JPEG"))
    other = next(Path(photos.name.removeprefix(PREFIX)).rglob("espresso/0.JPEG"))
    first.write_bytes(other.read_bytes())
    begun: list[int] = []
    heatmaps(engine, variant, photos, engine.folder, lambda done, total: begun.append(done))
    assert begun[0] == 0


def test_a_kill_costs_the_last_seconds_only(
    engine: Engine, model: ModelSpec, photos: DataSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collected, "EVERY_S", 0.0)
    kept: list[int] = []

    def progress(done: int, total: int) -> None:
        kept.append(sum(len(Files(path.parent).load(collected.KEY)[0]["rows"]) for path in unfinished(engine.folder)))
        assert kept[-1] == done

    heatmaps(engine, VariantSpec(model=model), photos, engine.folder, progress)
    assert len(kept) > 10
    assert torch.tensor(kept).diff().min() > 0


def test_a_set_without_a_known_class_is_refused_before_any_pass(
    engine: Engine, model: ModelSpec, tmp_path: Path
) -> None:
    folder = write_folder(tmp_path / "others", folder_files(("unheard of",)))
    asked = Evaluation(engine, VariantSpec(model=model), DataSpec(name=f"{PREFIX}{folder}"), engine.folder)
    with pytest.raises(BadSpec, match="No class of"):
        asked.accuracy(stop_at(0, AssertionError))
