"""Data sets through torchvision: small ones in the real layouts, absent ones, damaged ones.

Nothing is downloaded.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from torchvision import datasets
from torchvision.datasets import CIFAR10

from core.base.errors import BadFile, BadImage, MissingData
from core.data.datasets import DATASETS
from core.data.photo_sets import PhotoSet
from core.models.cards import InputRule
from core.results import TRUTHS
from tests.data.made_sets import BOX, CIFAR_CLASSES, SIZE, write_cifar, write_imagenette, write_pets
from tests.data.test_datasets import write_idx

PHOTO_SETS = [name for name, entry in DATASETS.items() if entry.facts["kind"] == "photos"]


@pytest.fixture(autouse=True)
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*args: Any, **options: Any) -> None:
        raise OSError("no internet")

    for module in (datasets.imagenette, datasets.oxford_iiit_pet, datasets.cifar, datasets.mnist):
        monkeypatch.setattr(module, "download_and_extract_archive", unreachable)


def load(name: str, folder: Path) -> PhotoSet:
    found = DATASETS[name].value(folder)
    assert isinstance(found, PhotoSet)
    return found


def test_every_data_set_says_its_kind_and_truth() -> None:
    for entry in DATASETS.values():
        assert entry.facts["kind"] in ("digits", "photos")
        assert entry.facts["truth"] in TRUTHS
    assert PHOTO_SETS == ["imagenette", "oxford-pets", "cifar-10", "fashion-mnist"]


@pytest.mark.parametrize(
    ("name", "file", "folder"),
    [
        ("imagenette", "imagenette2-320.tgz", "imagenette2-320"),
        ("oxford-pets", "annotations.tar.gz", "oxford-iiit-pet"),
        ("cifar-10", "cifar-10-python.tar.gz", "cifar-10-batches-py"),
        ("fashion-mnist", "t10k-images-idx3-ubyte", "FashionMNIST/raw"),
    ],
)
def test_an_absent_data_set_names_file_and_folder(tmp_path: Path, name: str, file: str, folder: str) -> None:
    with pytest.raises(MissingData) as caught:
        load(name, tmp_path)
    assert file in caught.value.allowed
    assert str(tmp_path / folder) in caught.value.next_step


def test_imagenette(tmp_path: Path) -> None:
    write_imagenette(tmp_path)
    found = load("imagenette", tmp_path)
    assert found.classes == ("n01440764", "n02102040", "n03888257")
    assert [photo.label for photo in found.photos] == [0, 0, 1, 1, 2, 2]
    assert found.photos[0].read().size == SIZE
    assert found.title == "Imagenette (validation)"
    assert found.notes == ("6 of 3,925 photographs were found.",)


def test_pets_carry_masks(tmp_path: Path) -> None:
    write_pets(tmp_path)
    found = load("oxford-pets", tmp_path)
    assert found.classes == ("Abyssinian", "Pug")
    assert [photo.label for photo in found.photos] == [0, 1, 1]
    photo = found.photos[1]
    assert photo.truth_kind == "mask"
    expected = np.zeros((40, 60), np.float32)
    expected[BOX[1] : BOX[3], BOX[0] : BOX[2]] = 1  # the outline belongs to the animal
    assert np.array_equal(photo.truth(SIZE, InputRule(size_px=(40, 60))), expected)
    doubled = photo.truth(SIZE, InputRule(size_px=(80, 80), resize_px=80))  # twice as large, the middle of it
    assert np.array_equal(doubled, np.kron(expected, np.ones((2, 2)))[:, 20:100])


IMAGE, TRIMAP = "images/pug_7.jpg", "annotations/trimaps/pug_7.png"


@pytest.mark.parametrize("content", [b"", b"no picture", None])
@pytest.mark.parametrize("name", [IMAGE, TRIMAP])
def test_broken_pets_are_named(tmp_path: Path, name: str, content: bytes | None) -> None:
    write_pets(tmp_path)
    path = tmp_path / "oxford-iiit-pet" / name
    path.unlink() if content is None else path.write_bytes(content)
    photo = load("oxford-pets", tmp_path).photos[1]
    if name == IMAGE:
        with pytest.raises(BadImage, match="pug_7"):
            photo.read()
    else:
        assert photo.read().size == SIZE
    with pytest.raises(BadImage, match="pug_7"):
        photo.truth(SIZE, InputRule(size_px=(40, 60)))


def test_a_trimap_of_another_size_is_refused(tmp_path: Path) -> None:
    from PIL import Image

    write_pets(tmp_path)
    Image.new("L", (10, 10)).save(tmp_path / "oxford-iiit-pet" / "annotations" / "trimaps" / "pug_7.png")
    with pytest.raises(BadImage, match="trimap"):
        load("oxford-pets", tmp_path).photos[1].truth(SIZE, InputRule(size_px=(40, 60)))


@pytest.mark.parametrize("line", ["pug_7", "pug_7 x 1 1", "pug_7 0 1 1", "pug_7 3"])
def test_a_broken_list_of_pets_is_said(tmp_path: Path, line: str) -> None:
    write_pets(tmp_path)
    path = tmp_path / "oxford-iiit-pet" / "annotations" / "test.txt"
    path.write_text(path.read_text() + "\n" + line)
    with pytest.raises(BadFile, match="oxford-iiit-pet"):
        load("oxford-pets", tmp_path)


@pytest.fixture
def cifar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    sums = write_cifar(tmp_path)
    monkeypatch.setattr(
        CIFAR10, "train_list", [[f"data_batch_{part}", sums[f"data_batch_{part}"]] for part in range(1, 6)]
    )
    monkeypatch.setattr(CIFAR10, "test_list", [["test_batch", sums["test_batch"]]])
    monkeypatch.setattr(CIFAR10, "meta", CIFAR10.meta | {"md5": sums["batches.meta"]})
    return tmp_path


def test_cifar(cifar: Path) -> None:
    found = load("cifar-10", cifar)
    assert found.classes == CIFAR_CLASSES
    assert [photo.label for photo in found.photos] == [9, 0, 4]
    pixels = np.random.default_rng(0).integers(0, 256, (3, 3072), dtype=np.uint8)
    assert np.array_equal(np.asarray(found.photos[2].read()), pixels[2].reshape(3, 32, 32).transpose(1, 2, 0))


def test_a_changed_cifar_file_is_never_unpickled(cifar: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = cifar / "cifar-10-batches-py" / "test_batch"
    path.write_bytes(path.read_bytes() + b"!")
    monkeypatch.setattr("pickle.load", lambda *args, **options: pytest.fail("was unpickled"))
    with pytest.raises(MissingData):
        load("cifar-10", cifar)


def test_fashion_mnist(tmp_path: Path) -> None:
    raw = tmp_path / "FashionMNIST" / "raw"
    for name, count in (("train", 5), ("t10k", 3)):
        write_idx(raw / f"{name}-images-idx3-ubyte", np.arange(count * 784).reshape(count, 28, 28) % 251)
        write_idx(raw / f"{name}-labels-idx1-ubyte", np.arange(count) + 4)
    found = load("fashion-mnist", tmp_path)
    assert [found.classes[photo.label] for photo in found.photos] == ["Coat", "Sandal", "Shirt"]
    assert np.asarray(found.photos[1].read()).ravel()[:3].tolist() == [31, 32, 33]  # 784 = 3 x 251 + 31
    (raw / "t10k-images-idx3-ubyte").write_bytes(b"damaged")
    with pytest.raises(BadFile, match="FashionMNIST"):
        load("fashion-mnist", tmp_path)
