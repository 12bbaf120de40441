"""Training photographs, decoded once and kept as bytes in memory, or on disk if they do not fit."""

from __future__ import annotations

import hashlib
import json
import math
import mmap
import os
import tempfile
from collections.abc import Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor

from core.base.brief import brief
from core.base.errors import BadImage, BadSpec, OutOfMemory
from core.base.progress import Progress, tell
from core.base.ram import free_ram_bytes
from core.data.photo_sets import Photo, PhotoSet
from core.data.photos import fit_photo
from core.models.cards import InputRule

T = TypeVar("T")
LEAST, STEPS = 200, 50  # photographs between two progress reports, and the most reports
AT_ONCE = 500  # images digested at once
MOST = 0.5  # of the free memory that the photographs of one part may take


@brief
@dataclass(frozen=True, eq=False)
class TrainingImages:
    """images (N, 3, H, W) uint8, labels (N,) int64. skipped: photographs that could not be read,
    with the reasons.
    """

    images: Tensor
    labels: Tensor
    classes: tuple[str, ...]
    skipped: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.labels)

    @cached_property
    def digest(self) -> str:
        """Return the sha256 of classes, labels and pixels, which distinguishes these images from
        others. Takes a second per gigabyte.
        """
        found = hashlib.sha256(json.dumps([self.classes, list(self.images.shape), self.labels.tolist()]).encode())
        for rows in self.images.split(AT_ONCE):
            found.update(rows.cpu().contiguous().numpy())
        return found.hexdigest()[:16]

    def to(self, device: torch.device) -> TrainingImages:
        return TrainingImages(self.images.to(device), self.labels.to(device), self.classes, self.skipped)


Decoding = Generator[tuple[int, int], None, list[TrainingImages]]


def decode(parts: Sequence[PhotoSet], rule: InputRule, folder: Path) -> Decoding:
    """Decode all photographs of all parts at the network's size. Unreadable ones are skipped, named
    and counted, never silently.

    Args:
        folder: for what does not fit in memory; nothing is left there.
    Yields:
        at intervals, photographs decoded and in total; returns the parts. Stops at once if closed.
    Raises:
        BadSpec: no photograph of a part can be read. OutOfMemory: there is no room in memory or on
            disk.
    """
    total, done, found = sum(map(len, parts)), 0, []
    pool = ThreadPoolExecutor(4, "decode")
    try:
        for photos in parts:
            pixels, labels, skipped = _room((len(photos), 3, *rule.size_px), folder), list[int](), list[str]()
            readings = pool.map(lambda photo: _decoded(photo, rule), photos.photos)
            for photo, read in zip(photos.photos, readings, strict=True):
                if isinstance(read, Tensor):
                    pixels[len(labels)] = read
                    labels.append(photo.label)
                else:
                    skipped.append(read)
                done += 1
                if done % max(LEAST, total // STEPS) == 0:
                    yield done, total
            if not labels:
                raise BadSpec(
                    f"No photograph of {photos.title} can be read.",
                    f"The first problem: {skipped[0] if skipped else 'there are no photographs'}.",
                )
            found.append(TrainingImages(pixels[: len(labels)], torch.tensor(labels), photos.classes, tuple(skipped)))
    finally:
        pool.shutdown(cancel_futures=True)
    return found


def finished(work: Generator[tuple[int, int], None, T], progress: Progress = tell) -> T:
    """Run the generator to its end, report progress and return its result."""
    while True:
        try:
            progress(*next(work))
        except StopIteration as end:
            return end.value


def _room(shape: tuple[int, ...], folder: Path) -> Tensor:
    """Allocate bytes of this shape in memory. If that would take too much of it, use an unnamed
    file mapped into memory: the system keeps what fits, reads the rest on demand, and removes the
    file when the process ends, even if killed.
    """
    needed, free = math.prod(shape), free_ram_bytes()
    if needed <= MOST * free:
        return torch.empty(shape, dtype=torch.uint8)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            os.posix_fallocate(file.fileno(), 0, needed)  # a full disk is reported now, not in the middle of an epoch
            return torch.frombuffer(mmap.mmap(file.fileno(), needed), dtype=torch.uint8).view(shape)
    except OSError as error:
        raise OutOfMemory(
            f"{shape[0]:,} photographs of {shape[3]} x {shape[2]} pixels need {needed / 1e9:.1f} GB, more than there "
            "is room for.",
            f"Half of the free memory of {free / 1e9:.1f} GB may be used, and {folder} has no room for a file of that "
            f"size ({error}).",
            "Choose a smaller size or fewer photographs, or free disk space.",
        ) from error


def _decoded(photo: Photo, rule: InputRule) -> Tensor | str:
    try:
        return torch.from_numpy(fit_photo(photo.read(), rule).copy()).permute(2, 0, 1)
    except BadImage as error:
        return str(error.wrong)
