"""A sweep that meets bad input keeps what is right, explains the rest, and can be run again."""

from __future__ import annotations

import errno
import io
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pyarrow import parquet

from core.base.errors import BadSpec, CacheNotWritable, SparsightError, UnknownName
from core.data.folders import PREFIX
from core.disk import frames
from core.disk.frames import write_frame
from core.engine.engine import Engine
from core.specs import CamSpec, DataSpec, ModelSpec, PruningSpec, VariantSpec
from core.sweeps.read import done, frame, remarks, summary
from core.sweeps.spec import SweepSpec, grid
from core.sweeps.sweep import Sweep
from core.sweeps.written import KEYS, from_mapping
from tests.data.made_sets import folder_files, jpeg, photograph, write_folder

DIGITS = SweepSpec(
    models=(ModelSpec(),),
    prunings=(PruningSpec(), *grid(sparsity=[0.3, 0.5, 0.9])),
    data=DataSpec(noise=0.2),
    images=20,
    cams=(CamSpec(),),
    measures=("right", "agrees", "confidence", "pearson"),
)
PHOTOGRAPHS = SweepSpec(
    models=(ModelSpec(name="squeezenet1_1@imagenette-128", weights="merkle-global", seed=0),),
    prunings=(PruningSpec(), *grid(sparsity=0.5)),
    cams=(CamSpec(),),
    measures=("right", "confidence", "energy-inside", "pearson"),
)


def of_folder(folder: Path, files: dict[str, bytes], **changes: Any) -> SweepSpec:
    data = DataSpec(name=f"{PREFIX}{write_folder(folder, files)}")
    return replace(PHOTOGRAPHS, data=data, **changes)


def whole(sweep: Sweep) -> pandas.DataFrame:
    for _ in sweep.run():
        pass
    return frame(sweep)


@pytest.fixture
def own(tmp_path: Path) -> Engine:
    return Engine("cpu", tmp_path / "cache")


# The folder of tables


@pytest.mark.parametrize("files", range(1, 8, 2))
def test_a_full_disk_keeps_the_finished_networks(
    own: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: int
) -> None:
    """Each network has two files. Half a network is completed by the next run."""
    room, real, sweep = [files], frames.replacing, Sweep(own, DIGITS)

    @contextmanager
    def replacing(path: Path) -> Iterator[Path]:
        with real(path) as part:
            yield part
            if not room[0]:
                raise OSError(errno.ENOSPC, "No space left on device")
            room[0] -= 1

    with monkeypatch.context() as patch:
        patch.setattr(frames, "replacing", replacing)
        with pytest.raises(CacheNotWritable, match=r"No space left.*Free some space"):
            list(sweep.run())
    assert done(sweep) == files // 2
    assert len(list(own.folder.rglob("*.parquet"))) == files
    assert not list(own.folder.rglob("*.part"))
    again = [step.found for step in Sweep(own, DIGITS).run()]
    assert again == [True] * (files // 2) + [False] * (4 - files // 2)
    pandas.testing.assert_frame_equal(frame(sweep), whole(Sweep(Engine("cpu", tmp_path / "other"), DIGITS)))


def test_a_folder_that_is_deleted_meanwhile_is_filled_again(own: Engine) -> None:
    sweep = Sweep(own, DIGITS)
    for step in sweep.run():
        if step.done == 2:
            first = frame(sweep)
            shutil.rmtree(own.folder)
    assert done(sweep) == 2
    assert [step.found for step in Sweep(own, DIGITS).run()] == [False, False, True, True]
    pandas.testing.assert_frame_equal(frame(sweep).iloc[: len(first)], first, check_categorical=False)


def foreign(path: Path) -> None:
    pandas.DataFrame({"image": [1, 2], "right": [True, True]}).to_parquet(path)


def with_other_facts(path: Path) -> None:
    table = pyarrow.table({"image": [1, 2]}).replace_schema_metadata({"PANDAS_ATTRS": "[1, 2]"})
    parquet.write_table(table, path)


def older(path: Path) -> None:
    rows, facts = frames.read_frame(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(frames, "FORMAT", frames.FORMAT - 1)
        write_frame(path, rows.assign(image=rows.image + 1), facts)


def of_text(path: Path) -> None:
    path.write_text("image,right\n1,True\n")


def empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize("put", [foreign, with_other_facts, older, of_text, empty])
def test_what_is_no_table_of_this_sweep_is_replaced(own: Engine, put: Any) -> None:
    spec = replace(DIGITS, prunings=(PruningSpec(),))
    sweep = Sweep(own, spec)
    first = whole(sweep)
    for cell in sweep.cells(VariantSpec()):
        put(sweep.tables.path(cell))
    assert frame(sweep).empty
    assert done(sweep) == 0
    pandas.testing.assert_frame_equal(whole(sweep), first)


def test_a_folder_in_the_place_of_a_table_is_said(own: Engine) -> None:
    sweep = Sweep(own, replace(DIGITS, prunings=(PruningSpec(),)))
    (sweep.tables.path(sweep.cells(VariantSpec())[0]) / "folder").mkdir(parents=True)
    with pytest.raises(CacheNotWritable, match="could not be written"):
        list(sweep.run())


# Images


def picture(mode: str, size: tuple[int, int], seed: int) -> bytes:
    """A PNG of any mode and size, which holds noise."""
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    image, file = Image.fromarray(pixels), io.BytesIO()
    if mode == "I;16":
        image = Image.fromarray(pixels[..., 0].astype(np.uint16) * 256)
    elif mode == "RGBA":
        image.putalpha(128)
    else:
        image = image.convert(mode)
    image.save(file, "PNG")
    return file.getvalue()


MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")
SIZES = ((1, 1), (300, 3), (3, 200), (128, 128), (640, 480), (97, 251), (128, 64))


def test_every_size_and_mode_is_an_image(own: Engine, tmp_path: Path) -> None:
    """Each gets the answer that it gets alone, whatever lies beside it in the batch."""
    files = {
        f"tench/{row}.png": picture(mode, size, row) for row, (mode, size) in enumerate(zip(MODES, SIZES, strict=True))
    }
    rows = whole(Sweep(own, of_folder(tmp_path / "all", files)))
    assert len(rows) == 2 * len(files)
    assert rows.confidence.between(0, 1).all()
    for row in (1, 5):
        name = f"tench/{row}.png"
        alone = whole(Sweep(own, of_folder(tmp_path / f"only-{row}", {name: files[name]})))
        same = rows[rows.image == row].reset_index(drop=True)
        assert list(alone.predicted) == list(same.predicted)
        np.testing.assert_allclose(alone.confidence, same.confidence, atol=1e-5)


BROKEN = {
    "tench/empty.png": b"",
    "tench/no image.jpg": b"no image",
    "church/half.JPEG": jpeg(photograph(3))[:400],
    "church/endless.JPEG": jpeg(photograph(3))[:20] + b"\0" * 2000,
}


def test_images_that_cannot_be_read_are_counted_and_left_out(own: Engine, tmp_path: Path) -> None:
    good = {name: content for name, content in folder_files(("tench", "church")).items() if "boxes" not in name}
    alone = summary_of(Sweep(own, of_folder(tmp_path / "good", good)))
    sweep = Sweep(own, of_folder(tmp_path / "mixed", good | BROKEN))
    found = summary_of(sweep)
    assert set(found["images"]) == {8}
    pandas.testing.assert_frame_equal(found, alone, atol=1e-5)
    for variant in sweep.variants:
        table = sweep.tables.read(sweep.cells(variant)[0], {})
        assert table is not None
        (note,) = [each for each in table[1]["notes"] if "unreadable" in each]
        assert note.startswith(f"Left out, because unreadable: {len(BROKEN)} photographs")
        assert note in remarks(sweep)


def summary_of(sweep: Sweep) -> pandas.DataFrame:
    list(sweep.run())
    return summary(sweep)


def test_a_data_set_without_one_readable_image_has_no_means(own: Engine, tmp_path: Path) -> None:
    sweep = Sweep(own, of_folder(tmp_path / "broken", BROKEN))
    assert len(whole(sweep)) == 0
    assert done(sweep) == 2
    found = summary(sweep)
    assert (found.n == 0).all()
    assert found["mean"].isna().all()


def test_images_that_are_deleted_meanwhile_give_no_table(own: Engine, tmp_path: Path) -> None:
    spec = of_folder(tmp_path / "photos", folder_files(("tench", "church")))
    sweep = Sweep(own, spec)
    steps = sweep.run()
    next(steps)
    shutil.rmtree(tmp_path / "photos")
    with pytest.raises(SparsightError, match=r"changed while|does not exist"):
        next(steps)
    kept = [path.parent.name for path in own.folder.rglob("answers.parquet")]
    assert kept == [VariantSpec().pruning.key]


def test_boxes_that_lie_beside_their_image_mark_nothing(own: Engine, tmp_path: Path) -> None:
    """Made for pictures of another size: one is cut at the border, one lies outside."""
    files = {f"tench/{row}.JPEG": jpeg(photograph(row)) for row in range(3)}
    table = "path,x0,y0,x1,y1\ntench/0.JPEG,30,20,4000,3000\ntench/1.JPEG,2000,1500,4000,3000\ntench/9.JPEG,0,0,5,5\n"
    sweep = Sweep(own, of_folder(tmp_path / "photos", files | {"boxes.csv": table.encode()}))
    rows = whole(sweep).set_index("image")
    assert rows["energy-inside"].loc[0].between(0, 1, inclusive="neither").all()
    assert rows["energy-inside"].loc[[1, 2]].isna().all()
    means = summary(sweep)
    assert (means[means.measure == "energy-inside"].n == 1).all()


# What people write


@pytest.mark.parametrize(
    ("wrong", "error", "said"),
    [
        ({"heatmaps": ["grad-cm"]}, UnknownName, "Did you mean 'grad-cam'"),
        ({"heatmaps": [{"method": "grad-cam", "target": "mine"}]}, BadSpec, "target class"),
        ({"prunings": [0.5]}, BadSpec, "is not a mapping"),
        ({"prunings": [{"sparsity": "half"}]}, BadSpec, "sparsity of half"),
        ({"prunings": [{"sparsity": [0.1, None]}]}, BadSpec, "does not go with"),
        ({"data": {"name": "digits", "noise": "much"}}, BadSpec, "noise of much"),
        ({"data": "digitz"}, UnknownName, "Did you mean 'digits'"),
        ({"images": "all"}, BadSpec, "number of images"),
        ({"seed": -1}, BadSpec, "seed"),
        ({"models": {"name": 5}}, BadSpec, "'name' cannot be '5'.*a word"),
        ({"prunings": [{"sparsity": 0.5, "excluded": [["conv1.weight", 3]]}]}, BadSpec, "'excluded' cannot be"),
        ({"prunings": [{"sparsity": 0.5, "overrides": [[["conv1.weight"]]]}]}, BadSpec, "list of pairs"),
        ({"reference": []}, BadSpec, "'reference' cannot be"),
        ({"measures": [{"right": 1}]}, UnknownName, "measure|column"),
    ],
)
def test_mistakes_in_a_mapping_are_explained(engine: Engine, wrong: dict, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        list(Sweep(engine, from_mapping({"models": ["thesis-cnn"], "images": 5} | wrong)).run())


def test_a_grid_is_counted_before_it_is_made() -> None:
    """A thousand million million specs would fill the memory."""
    shares = [step / 1000 for step in range(1000)]
    with pytest.raises(BadSpec, match="1,000,000,000,000,000 networks"):
        grid(sparsity=shares, seed=list(range(10**6)), level=list(range(10**6)))


values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=6)
    | st.sampled_from(["grad-cam", "thesis-cnn"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["name", "weights", "seed", "sparsity", "level", "scope", "excluded", "method", "layer", "target"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(list(KEYS)), values))
def test_any_mapping_is_a_sweep_or_a_mistake_that_is_explained(content: dict[str, Any]) -> None:
    try:
        found = from_mapping({"models": ["thesis-cnn"]} | content)
    except SparsightError:
        return
    assert hash(found) == hash(replace(found))
    assert found.images is None or isinstance(found.images, int)


def test_a_few_faults_are_said_in_full_and_a_hundred_are_counted() -> None:
    few = {"models": ["thesis-cn"], "data": {"nam": "digits"}}
    with pytest.raises(BadSpec) as caught:
        from_mapping(few)
    assert "Did you mean 'thesis-cnn'?" in str(caught.value)
    assert "Did you mean 'name'?" in str(caught.value)
    with pytest.raises(BadSpec) as caught:
        from_mapping({"models": [f"no-such-{number}" for number in range(100)]})
    assert "100 parts" in caught.value.wrong
    assert "'no-such-9'" in str(caught.value)
    assert "and 90 more" in str(caught.value)


def test_all_that_is_wrong_with_a_sweep_is_said_at_once() -> None:
    right = {"models": ["thesis-cnn"], "prunings": [{"sparsity": 0.5}], "data": "digits", "heatmaps": ["grad-cam"]}
    wrong = {
        "models": ["thesis-cn", "googlnet"],
        "prunings": [{"sparsity": 1.4}, {"levl": 3}],
        "data": {"nam": "digits"},
        "heatmaps": [{"methd": "grad-cam"}],
        "reference": {"pruning": {}},
        "mesures": ["right"],
    }
    said = ("thesis-cn", "googlnet", "1.4", "levl", "nam", "methd", "The reference has no model", "mesures")
    with pytest.raises(BadSpec) as caught:
        from_mapping(wrong)
    assert all(f"'{word}'" in str(caught.value) or word in str(caught.value) for word in said)
    assert "8 parts" in caught.value.wrong
    for name, value in wrong.items():  # one alone is the error itself
        values = value if isinstance(value, list) else [value]
        with pytest.raises(SparsightError) as alone:
            from_mapping(right | {name: values[:1] if isinstance(value, list) else value})
        assert alone.value.wrong in str(caught.value)
        assert "parts" not in alone.value.wrong
