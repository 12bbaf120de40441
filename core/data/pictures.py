"""Single images by ImageRef: embedded digits, and people's own images kept in memory by their content."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from core.data.datasets import LabelledImages, digits
from core.data.images import prepare_digit
from core.data.noise import add_background_noise, noise_field
from core.errors import BadSpec, MissingData
from core.models.cards import Card
from core.results import Picture, frozen_array
from core.specs import ImageRef

OWN_IMAGES_KEPT = 1000  # 3 KB each


class Pictures:
    """All images that an ImageRef can name. Safe for threads.

    Args:
        folder: where the parsed digits are cached.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._own: OrderedDict[str, tuple[np.ndarray, tuple[str, ...]]] = OrderedDict()
        self._lock = threading.Lock()

    @cached_property
    def digits(self) -> LabelledImages:
        return digits(self._folder)

    def add(self, data: bytes, card: Card) -> ImageRef:
        """Prepares and keeps an own image; the oldest goes when there are too many. Raises BadImage."""
        pixels, notes = prepare_digit(data)
        name = hashlib.sha256(pixels.tobytes()).hexdigest()[:16]
        with self._lock:
            self._own[name] = (pixels, notes)
            self._own.move_to_end(name)
            while len(self._own) > OWN_IMAGES_KEPT:
                self._own.popitem(last=False)
        return ImageRef(source="own", name=name)

    def get(self, image: ImageRef, card: Card) -> Picture:
        """Raises BadSpec for a digit that does not exist, MissingData for an own image that is not in memory."""
        if image.source == "digits":
            row = self._row(image.name)
            clean, label = self.digits.images[row].float() / 255, int(self.digits.labels[row])
            notes: tuple[str, ...] = ()
            noise = _digits_noise(image.noise_seed, tuple(self.digits.images.shape))[row]
        else:
            pixels, notes = self._own_image(image.name)
            clean, label = torch.from_numpy(pixels), None
            noise = noise_field(f"own/{image.name}", image.noise_seed, (1, *pixels.shape))[0]
        seen = add_background_noise(clean, noise, image.noise)
        ink = frozen_array(clean.numpy())
        return Picture(image=image, clean=ink, seen=frozen_array(seen.numpy()), label=label, truth=ink, truth_kind="ink", notes=notes)

    def _row(self, name: str) -> int:
        count = len(self.digits)
        if not name.isascii() or not name.isdigit() or int(name) >= count:
            raise BadSpec(f"There is no embedded digit '{name}'.", f"They are numbered 0 to {count - 1}.", "Choose one in the gallery.")
        return int(name)

    def _own_image(self, name: str) -> tuple[np.ndarray, tuple[str, ...]]:
        with self._lock:
            if name in self._own:
                self._own.move_to_end(name)
                return self._own[name]
        raise MissingData("This own image is no longer in memory.", "Own images are kept only while the app runs.", "Upload it again.")


@lru_cache(maxsize=2)
def _digits_noise(seed: int, shape: tuple[int, int, int]) -> Tensor:
    """The same rows that a DataSpec of the digits with this seed uses. Kept because a field takes milliseconds to draw."""
    return noise_field("digits", seed, shape)
