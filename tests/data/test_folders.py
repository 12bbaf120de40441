"""Folders and zip files of photographs: what is found, what is passed over, what is refused; boxes
land where they belong.
"""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from torchvision.datasets.folder import find_classes

from core.base.errors import BadFile, BadImage, BadSpec, MissingData
from core.data.folders import folder_classes, read_folder
from core.data.photo_sets import PhotoSet
from core.models.cards import InputRule
from tests.data.made_sets import BOX, SIZE, folder_files, jpeg, photograph, write_folder, write_zip

AS_IT_IS = InputRule(size_px=SIZE[::-1])


def pixels(found: PhotoSet, row: int) -> np.ndarray:
    return np.asarray(found.photos[row].read())


def check(found: PhotoSet) -> None:
    assert found.classes == ("espresso", "n01440764", "unheard of")
    assert [photo.label for photo in found.photos] == [0] * 4 + [1] * 4 + [2] * 4
    assert found.photos[5].name.endswith("n01440764/1.JPEG")
    assert pixels(found, 5).shape == (40, 60, 3)
    assert found.photos[0].boxes == (BOX,)
    assert found.photos[4].boxes == (BOX, (50, 30, 60, 40))
    assert [photo.truth_kind for photo in found.photos[7:9]] == ["boxes", ""]
    assert found.notes == ()


def test_a_folder_and_its_zip_file_are_the_same(tmp_path: Path) -> None:
    files = folder_files()
    sets = [
        read_folder(write_folder(tmp_path / "a", files)),
        read_folder(write_zip(tmp_path / "b.zip", files)),
        read_folder(write_zip(tmp_path / "c.ZIP", files, "top/")),
        read_folder(tmp_path / "c.ZIP" / "top"),
    ]
    for found in sets:
        check(found)
        assert np.array_equal(pixels(found, 3), pixels(sets[0], 3))


def test_a_part_of_a_zip_file(tmp_path: Path) -> None:
    files = {f"train/{name}": content for name, content in folder_files().items()} | {
        "val/espresso/9.jpg": jpeg(photograph(1))
    }
    path = write_zip(tmp_path / "a.zip", files)
    assert len(read_folder(path)) == 13
    assert [photo.name for photo in read_folder(path / "val").photos] == ["espresso/9.jpg"]
    with pytest.raises(BadSpec, match="no photographs"):
        read_folder(path / "test")


def test_truth_is_where_the_object_is(tmp_path: Path) -> None:
    found = read_folder(write_folder(tmp_path, folder_files()))
    expected = np.zeros((40, 60), np.float32)
    expected[8:28, 12:36] = 1
    photo = found.photos[0]
    assert np.array_equal(photo.truth(SIZE, AS_IT_IS), expected)
    assert (photo.truth(SIZE, AS_IT_IS) == (pixels(found, 0).mean(-1) > 120)).mean() > 0.995  # JPEG blurs the edge
    expected[30:40, 50:60] = 1
    assert np.array_equal(found.photos[4].truth(SIZE, AS_IT_IS), expected)
    assert found.photos[8].truth(SIZE, AS_IT_IS) is None


def test_rows_are_checked(tmp_path: Path) -> None:
    found = read_folder(write_folder(tmp_path, folder_files()))
    assert found.photo("11") is found.photos[11]
    for name in ("12", "-1", "x", "²", ""):
        with pytest.raises(BadSpec, match="0 to 11"):
            found.photo(name)


@pytest.mark.parametrize("content", [b"", b"nothing", jpeg(photograph(0))[:300]])
def test_a_broken_photograph_is_named_when_it_is_read(tmp_path: Path, content: bytes) -> None:
    files = folder_files() | {"espresso/1.JPEG": content}
    for path in (write_folder(tmp_path / "a", files), write_zip(tmp_path / "b.zip", files)):
        found = read_folder(path)
        with pytest.raises(BadImage, match=r"espresso/1\.JPEG"):
            found.photos[1].read()
        assert pixels(found, 0).shape == (40, 60, 3)


def test_a_photograph_that_goes_away_is_named(tmp_path: Path) -> None:
    found = read_folder(write_folder(tmp_path, folder_files()))
    (tmp_path / "espresso" / "1.JPEG").unlink()
    with pytest.raises(BadImage, match=r"espresso/1\.JPEG"):
        found.photos[1].read()


def test_a_damaged_part_of_a_zip_file_is_named(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", folder_files())
    content = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        offset = archive.getinfo("espresso/1.JPEG").header_offset
    content[offset + 200 : offset + 210] = b"0123456789"
    path.write_bytes(content)
    with pytest.raises(BadImage, match=r"espresso/1\.JPEG"):
        read_folder(path).photos[1].read()


def test_a_zip_bomb_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("espresso/0.jpg", bytes(300_000_000))
    with pytest.raises(BadImage, match="MB"):
        read_folder(path).photos[0].read()


def test_what_is_no_data_set_is_said(tmp_path: Path) -> None:
    with pytest.raises(MissingData, match="does not exist"):
        read_folder(tmp_path / "absent")
    with pytest.raises(BadSpec, match="1 photograph, but none in a class folder"):
        read_folder(write_folder(tmp_path / "loose", {"a.jpg": b"", "b.txt": b""}))
    (tmp_path / "x.zip").write_bytes(b"PK\x03\x04" + struct.pack("<I", 7))
    with pytest.raises(BadFile, match="zip"):
        read_folder(tmp_path / "x.zip")


@pytest.mark.parametrize(
    "table",
    [
        "name,x0,y0,x1,y1\nespresso/0.JPEG,1,2,3,4",
        "path,x0,y0,x1,y1\nespresso/0.JPEG,1,2,3",
        "path,x0,y0,x1,y1\nespresso/0.JPEG,1,2,x,4",
        "path,x0,y0,x1,y1\nespresso/0.JPEG,5,2,3,4",
        "path,x0,y0,x1,y1\nespresso/0.JPEG,nan,2,3,4",
        "path,x0,y0,x1,y1\nespresso/0.JPEG,1,2,3,inf",
        "path,x0,y0,x1,y1\nespresso/0.JPEG,-1,2,3,4",
        'path,x0,y0,x1,y1\n"espresso',
        b"\xff\xfe\x00",
    ],
)
def test_a_broken_table_of_boxes_is_named(tmp_path: Path, table: str | bytes) -> None:
    files = folder_files() | {"boxes.csv": table if isinstance(table, bytes) else table.encode()}
    with pytest.raises(BadFile, match=r"boxes\.csv"):
        read_folder(write_folder(tmp_path, files))


def test_boxes_of_absent_photographs_are_said(tmp_path: Path) -> None:
    files = folder_files()
    files["boxes.csv"] += b"\nespresso/77.JPEG,1,2,3,4"
    assert read_folder(write_folder(tmp_path, files)).notes == (
        "Marked in boxes.csv, but absent: 1 photograph (espresso/77.JPEG).",
    )


def test_the_unseen_photographs(real_data: Path) -> None:
    found = read_folder(real_data / "imagenette-224-unseen.zip")
    assert len(found) == 500
    assert len(found.classes) == 10
    assert sum(len(photo.boxes) for photo in found.photos) == 813
    assert {photo.truth_kind for photo in found.photos} == {"boxes"}
    assert [sum(photo.label == label for photo in found.photos) for label in range(10)] == [50] * 10
    tench = found.photos[0]
    assert tench.name == "imagenette-224-unseen/n01440764/ILSVRC2012_val_00000293.JPEG"
    assert tench.boxes == ((78.4, 109.91, 223.55, 203.69), (105.73, 77.06, 223.1, 167.25))
    truth = tench.truth((224, 224), InputRule(size_px=(224, 224)))
    assert truth[150, 90] == truth[100, 200] == 1
    assert truth[100, 90] == truth[20, 200] == 0
    assert tench.read().size == (224, 224)


def test_all_of_imagenette_in_small(real_data: Path) -> None:
    path = real_data / "imagenette-128.zip" / "imagenette-128"
    assert [len(read_folder(path / split)) for split in ("train", "val")] == [9469, 3925]
    assert len(read_folder(path)) == 13394
    assert read_folder(path / "val").photos[3000].read().size == (128, 128)


def test_a_name_that_no_folder_can_have_is_said_in_short() -> None:
    with pytest.raises(MissingData, match="cannot be read") as error:
        read_folder(Path("/tmp", "x" * 3000))
    assert len(str(error.value)) < 600


def test_folders_are_in_the_order_of_torchvision(tmp_path: Path) -> None:
    for name in ("b", "a", "10", "2", "B", "00"):
        (tmp_path / name).mkdir()
    (tmp_path / "a file").write_text("")
    assert list(folder_classes(tmp_path)) == find_classes(str(tmp_path))[0]
    with pytest.raises(MissingData, match="no folders"):
        folder_classes(tmp_path / "absent")


def test_masks_beside_classes_are_no_class(tmp_path: Path) -> None:
    write_folder(tmp_path, {"cat/1.jpg": b"", "masks/cat/1.png": b"", "dog/1.jpg": b""})
    assert folder_classes(tmp_path) == ("cat", "dog")
    assert folder_classes(write_folder(tmp_path / "b", {"masks/1.jpg": b"", "cat/1.jpg": b""})) == ("cat", "masks")
    assert folder_classes(write_folder(tmp_path / "c", {"Masks/1.png": b""})) == ("Masks",)
