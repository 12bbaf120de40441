"""Single images by ImageRef: embedded digits, photographs of the gallery, and uploaded images kept
in memory by their content.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from core.base.errors import BadSpec, MissingData
from core.base.stamps import Stamp
from core.base.text import SHOWN, whole_number
from core.data.classes import class_index, class_indices
from core.data.datasets import DATASETS, LabelledImages, digits, is_photos
from core.data.folders import PREFIX, read_folder
from core.data.gallery import GALLERY, gallery_image
from core.data.homonyms import homonym_notes
from core.data.images import NOTES, ROTATED, bounded, read_image
from core.data.noise import add_background_noise, noise_field
from core.data.outlines import OUTLINES, outline_mask
from core.data.own_digits import digit_of
from core.data.photo_sets import PhotoSet
from core.data.photos import Placement, fit_photo
from core.data.ram_cache import Kept
from core.models.cards import Card
from core.results import Array, CachePart, Picture, frozen_array
from core.specs import ImageRef

OWN_BYTES = 256_000_000  # of uploaded images; one has at most 12 MB
PREPARED_BYTES = 32_000_000  # of images prepared for a network


@dataclass(frozen=True, eq=False)
class OwnImage:
    """An uploaded image: 8-bit RGB of bounded size, and notes on how it was prepared."""

    pixels: Image.Image
    notes: tuple[str, ...]

    @property
    def bytes(self) -> int:
        return 3 * self.pixels.width * self.pixels.height


class Pictures:
    """All images that an ImageRef can name. Thread-safe.

    Args:
        folder: where the parsed digits are cached; data sets are downloaded into its folder "data".
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._own: Kept[OwnImage] = Kept("own images", OWN_BYTES)
        self._prepared: Kept[Picture] = Kept("prepared images", PREPARED_BYTES)
        self._sets: dict[str, LabelledImages | PhotoSet] = {}
        self._reading = threading.Lock()  # data sets are read, or downloaded, one at a time

    @cached_property
    def digits(self) -> LabelledImages:
        return digits(self._folder)

    def parts(self) -> tuple[CachePart, ...]:
        """Return memory in use and allowed."""
        return self._own.report(), self._prepared.report()

    def digit_set(self, name: str) -> LabelledImages:
        """Return a data set of digits by its name in DATASETS. Raises as `photo_set` does."""
        return self.digits if name == "digits" else self._read(name)

    def photo_set(self, name: str) -> PhotoSet:
        """Return a data set of photographs by its name in DATASETS, or by the path of a folder or
        zip file: "folder:photos/val".

        It is read once, and again after photographs were added or removed or the table of boxes
        changed.

        Raises:
            UnknownName: no such data set. MissingData, BadSpec, BadFile: it is missing, empty or
            damaged.
        """
        return self._read(name)

    def _read(self, name: str) -> Any:
        with self._reading:
            known = self._sets.get(name)
            if known is None or (isinstance(known, PhotoSet) and not known.is_current):
                self._sets.pop(name, None)
                is_path = name.startswith(PREFIX)
                data = (
                    read_folder(Path(name.removeprefix(PREFIX)))
                    if is_path
                    else DATASETS[name].value(self._folder / "data")
                )
                self._sets[name] = data
            return self._sets[name]

    def add(self, data: bytes, card: Card) -> ImageRef:
        """Add an uploaded image by its content; the least recently used ones are dropped if memory
        is short. Raises BadImage.
        """
        name = hashlib.sha256(data).hexdigest()[:16]
        if self._own.get(name) is None:
            picture, notes = read_image(data)
            own = OwnImage(bounded(picture), notes)
            self._own.put(name, own, own.bytes)
        return ImageRef(source="own", name=name) if card.reads_digits else ImageRef(source="own", name=name, noise=0.0)

    def forget(self, image: ImageRef) -> None:
        """Drop an uploaded image, also as networks receive it."""
        self._own.drop_all(lambda key: key == image.name)
        self._prepared.drop_all(lambda key: isinstance(key, tuple) and _is_same_file(key[0], image))

    def get(self, image: ImageRef, card: Card) -> Picture:
        """Return the image as the network of this card receives it.

        Raises:
            BadSpec: a digit for a network of photographs or vice versa, noise on a photograph, a
            row that does not exist. UnknownName: no such photograph. MissingData: an uploaded image
            that is not in memory, a package that is not installed.
        """
        key, stamp = (image, card.images, card.input, card.classes), self._stamp(image, card)
        cached = self._prepared.get(key)
        if cached is None or cached.stamp != stamp or (image.source == "own" and self._own.get(image.name) is None):
            cached = replace(self._digit(image, card) if card.reads_digits else self._photo(image, card), stamp=stamp)
            self._prepared.put(key, cached, cached.clean.nbytes + cached.seen.nbytes + 1024)
        return cached

    def alike(self, image: ImageRef, card: Card, most: int) -> tuple[ImageRef, ...]:
        """Return up to `most` images with the same noise, spread evenly over the source of this
        one.

        For an uploaded image, these are the embedded digits or the gallery's photographs.
        """
        source = image.source if image.source != "own" else "digits" if card.reads_digits else "gallery"
        names: Sequence[str] = tuple(GALLERY)
        if source != "gallery":
            names = [str(row) for row in range(len(self.digits if source == "digits" else self.photo_set(source)))]
        chosen = dict.fromkeys(names[len(names) * place // most] for place in range(most))
        return tuple(replace(image, source=source, name=name) for name in chosen)

    def _stamp(self, image: ImageRef, card: Card) -> Stamp:
        """Return the stamp of the photograph and its data set; "" for images that never change or
        are refused.
        """
        if (
            card.reads_digits
            or image.noise
            or image.source in ("digits", "own", "gallery")
            or not is_photos(image.source)
        ):
            return ""
        photos = self.photo_set(image.source)
        return f"{photos.stamp} {photos.photo(image.name).stamp}"

    def _digit(self, image: ImageRef, card: Card) -> Picture:
        label: int | None = None
        notes: tuple[str, ...] = ()
        if image.source == "digits":
            row = self._row(image.name)
            clean, label = self.digits.images[row].float() / 255, int(self.digits.labels[row])
            noise = _digits_noise(image.noise_seed, tuple(self.digits.images.shape))[row]
        elif image.source == "own":
            own = self._own_image(image.name)
            pixels, notes = digit_of(own.pixels, own.notes)
            clean = torch.from_numpy(pixels)
            noise = noise_field(f"own/{image.name}", image.noise_seed, (1, *pixels.shape))[0]
        else:
            raise BadSpec(
                "This network reads handwritten digits, but this image is a photograph.",
                "It takes embedded digits and your own images.",
                "Choose a digit, or a network for photographs.",
            )
        seen = add_background_noise(clean, noise, image.noise)
        ink = frozen_array(clean.numpy())
        return Picture(
            image=image,
            clean=ink,
            seen=frozen_array(seen.numpy()),
            label=label,
            truth=ink,
            truth_kind="ink",
            notes=notes,
        )

    def _photo(self, image: ImageRef, card: Card) -> Picture:
        if image.source == "digits":
            raise BadSpec(
                "This network takes photographs, but this image is a handwritten digit.",
                f"It takes your own images and those of the gallery: {', '.join(GALLERY)}.",
                "Choose a photograph, or a network for digits.",
            )
        if image.noise:
            raise BadSpec(
                "Background noise is laid over digits only.",
                "A photograph has no background of exactly 0.",
                "Set the noise to 0.",
            )
        if image.source == "own":
            own = self._own_image(image.name)
            return _of_photo(image, own.pixels, card, label=None, notes=own.notes)
        if image.source != "gallery":
            return self._of_data_set(image, card)
        entry, picture = GALLERY[image.name], gallery_image(image.name)
        more: dict[str, Any] = {"label": class_index(entry.value.subject, card.classes)}
        if outline := OUTLINES.get(image.name):
            marked = Placement.of(picture.size, card.input).mask(outline_mask(outline, picture.size))
            more |= {"truth": frozen_array(marked), "truth_kind": "mask"}
        return _of_photo(image, picture, card, title=entry.title, credit=entry.source, **more)

    def _of_data_set(self, image: ImageRef, card: Card) -> Picture:
        if not is_photos(image.source):
            raise BadSpec(
                f"'{image.source}' holds digits.",
                "This network looks at photographs.",
                "Choose a data set of photographs.",
            )
        photos = self.photo_set(image.source)
        photo = photos.photo(image.name)
        picture, name = photo.read(), photos.classes[photo.label]
        label = class_indices(photos.classes, card.classes)[photo.label]
        truth = photo.truth(picture.size, card.input)
        kind = "" if truth is None else photo.truth_kind
        more: dict[str, Any] = {"truth": None if truth is None else frozen_array(truth), "truth_kind": kind}
        notes = list(picture.info.get(NOTES, ()))
        if photo.truth_kind and ROTATED in notes:
            notes.append("Its marks refer to the upright photograph.")
        if remark := photo.remark(truth):
            notes.append(f"{remark}.")
        if photos.own_folders:
            notes += homonym_notes((name,), card.classes)
        more["notes"] = tuple(notes)
        return _of_photo(image, picture, card, label=label, title=f"{name}: {photo.name}", credit=photos.title, **more)

    def _row(self, name: str) -> int:
        count, row = len(self.digits), whole_number(name)
        if row is None or row >= count:
            raise BadSpec(
                f"There is no embedded digit '{name[:SHOWN]}'.",
                f"They are numbered 0 to {count - 1}.",
                "Choose one in the gallery.",
            )
        return row

    def _own_image(self, name: str) -> OwnImage:
        image = self._own.get(name)
        if image is None:
            raise MissingData(
                "This uploaded image is no longer in memory.",
                "Uploaded images are kept only while the app runs.",
                "Upload it again.",
            )
        return image


def _of_photo(image: ImageRef, photo: Image.Image, card: Card, **more: Any) -> Picture:
    pixels, frame = in_unit_range(fit_photo(photo, card.input)), Placement.of(photo.size, card.input).in_source
    return Picture(image=image, clean=pixels, seen=pixels, source_px=photo.size[::-1], frame=frame, **more)


def in_unit_range(pixels: np.ndarray) -> Array:
    """Convert uint8 to read-only float32 in [0, 1]."""
    return frozen_array(pixels.astype(np.float32) / np.float32(255))


@lru_cache(maxsize=2)
def _digits_noise(seed: int, shape: tuple[int, int, int]) -> Tensor:
    """Return the same noise that a DataSpec of the digits with this seed uses.

    Cached because a field takes milliseconds to draw.
    """
    return noise_field("digits", seed, shape)


def _is_same_file(one: ImageRef, other: ImageRef) -> bool:
    """Return whether both are one image, with any noise."""
    return (one.source, one.name) == (other.source, other.name)
