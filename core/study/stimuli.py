"""The pictures of a study: heatmaps over images, and what is left of an image when only the places
that counted most are shown.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas
from numpy.typing import NDArray
from PIL import Image

from core.base.atomic import replacing
from core.engine.engine import Engine
from core.figures.maps import Rgb, overlay, plain, size_of
from core.results import Heatmap, Picture
from core.saliency import CAMS
from core.specs import ImageRef
from core.study.design import ITEM
from core.study.spec import StudySpec
from core.study.tables import unwritable

TOP_SHARE = 0.1  # of the pixels stay visible in an occlusion map
SIDE_PX = 336  # of the longer side of a picture; digits are enlarged with sharp pixels
OPACITY = 0.6  # of a readable heatmap
PUBLISHED_SHARE = 0.3  # of a published heatmap
PICTURE_COLUMNS = ("picture", "less_picture", "more_picture")  # in the middle; of each variant
FORMAT = 1  # counts up when pictures are drawn differently


def jet() -> Rgb:
    """Return the colours (256, 3) of the published heatmaps: dark blue, cyan, yellow, dark red."""
    x = np.linspace(0, 1, 256)
    red = np.interp(x, [0.35, 0.66, 0.89, 1.0], [0, 1, 1, 0.5])
    green = np.interp(x, [0.125, 0.375, 0.64, 0.91], [0, 1, 1, 0])
    blue = np.interp(x, [0, 0.11, 0.34, 0.65], [0.5, 1, 1, 0])
    return (np.stack([red, green, blue], axis=1) * 255).round().astype(np.uint8)


JET = jet()


def published(side: Heatmap, image: NDArray) -> Image.Image:
    """Draw a heatmap as "Less is More" did: jet over the squared map, 0.7 of the image and 0.3 of
    the map, resized bicubically.

    Whether the authors scaled maps by their maximum is not known; we do.
    """
    width, height = size_of(image, SIDE_PX)
    squared = _resized(side, (width, height)) ** 2
    top = JET[(squared * 255).round().astype(np.uint8)].astype(np.float32)
    below = np.asarray(plain(image, SIDE_PX).convert("RGB"), dtype=np.float32)
    mixed = (1 - PUBLISHED_SHARE) * below + PUBLISHED_SHARE * top
    return Image.fromarray(mixed.round().astype(np.uint8))


def readable(side: Heatmap, image: NDArray) -> Image.Image:
    """Draw a heatmap in magma over the grey image, as Explore does."""
    return overlay(side, image, OPACITY, SIDE_PX)


def occlusion(side: Heatmap, image: NDArray) -> Image.Image:
    """Draw the image where the heatmap is highest, and black elsewhere.

    The top tenth of the pixels of the network's input stay visible: floor(0.1 x H x W), exactly;
    ties go by position. The map is resized bicubically. Without evidence, all of it is black.
    """
    visible = top_pixels(_resized(side, (image.shape[1], image.shape[0]))) & side.usable
    shown = image * (visible if image.ndim == 2 else visible[..., None])
    return plain(shown, SIDE_PX)


def top_pixels(values: NDArray, share: float = TOP_SHARE) -> NDArray[np.bool_]:
    """Return where the floor(share x H x W) highest values lie; ties go by position."""
    count = int(share * values.size)
    order = np.argsort(-values.ravel(), kind="stable")[:count]
    found = np.zeros(values.size, dtype=bool)
    found[order] = True
    return found.reshape(values.shape)


def reverse(side: Heatmap) -> Heatmap:
    """Return the heatmap that shows what did not count: the correct answer of a catch trial is the
    other one.
    """
    return replace(side, saliency=_raw(side).max() - _raw(side), map=1 - side.map)


def _raw(side: Heatmap) -> NDArray:
    """Return the non-negative raw map; zero where the map is not usable."""
    return np.clip(side.saliency, 0, None) if side.usable else np.zeros_like(side.saliency)


def _resized(side: Heatmap, size: tuple[int, int]) -> NDArray[np.float32]:
    """Return the raw map scaled by its maximum, resized bicubically to (width, height)."""
    values = _raw(side).astype(np.float32)
    top = values.max()
    scaled = values / top if top > 0 else values
    made = Image.fromarray(scaled, mode="F").resize(size, Image.Resampling.BICUBIC)
    return np.clip(np.asarray(made), 0, 1)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """One picture: of which image; of which variant's heatmap, "" for the image itself."""

    image: int
    variant: str
    task: str
    reversed: bool = False


def wanted(items: pandas.DataFrame) -> list[tuple[Wanted | None, Wanted | None, Wanted | None]]:
    """Return the pictures of every item: the image in the middle, the less and the more pruned
    variant's.
    """
    found: list[tuple[Wanted | None, Wanted | None, Wanted | None]] = []
    for each in items.itertuples(index=False):
        image = int(each.image)
        known = each.kind != ITEM
        plain_image = Wanted(image=image, variant="", task="")
        first = Wanted(image=image, variant=each.less, task=each.task)
        if not each.more:  # one picture; one with a known answer shows the whole image
            found.append((plain_image if known else first, None, None))
            continue
        second = Wanted(image=image, variant=each.more, task=each.task, reversed=known)
        found.append((plain_image, first, second))
    return found


class Stimuli:
    """The pictures of one study, named by what they show, so that none is drawn twice or stale.

    Args:
        salt: a secret of the study, which makes the names unguessable. folder: where files lie.
    """

    def __init__(self, engine: Engine, spec: StudySpec, folder: Path, salt: str) -> None:
        self.engine, self.spec, self.folder, self.salt = engine, spec, folder, salt

    def reference(self, image: int) -> ImageRef:
        data = self.spec.data
        return ImageRef(source=data.name, name=str(image), noise=data.noise, noise_seed=data.noise_seed)

    def name(self, picture: Wanted) -> str:
        """Return the file's name: a digest of image, network, heatmap and display."""
        reference = self.reference(picture.image)
        parts = [str(FORMAT), self.salt, reference.key, picture.task, str(picture.reversed)]
        if picture.variant:
            variant = self.spec.variant(picture.variant)
            parts += [variant.key, self.engine.store.checksum(variant), self.spec.heatmap.key, self.spec.display]
            parts += filter(None, [CAMS[self.spec.heatmap.method].plugin])
        parts.append(self.engine.picture(reference, self.spec.model).stamp)
        return hashlib.sha256("|".join(parts).encode()).hexdigest()[:32] + ".png"

    def names(self, items: pandas.DataFrame) -> pandas.DataFrame:
        """Return the names of every item's pictures: columns PICTURE_COLUMNS, "" for none."""
        rows = [[self.name(one) if one else "" for one in pictures] for pictures in wanted(items)]
        return pandas.DataFrame(rows, columns=list(PICTURE_COLUMNS))

    def draw(self, pictures: Iterable[Wanted]) -> Iterator[int]:
        """Draw what is missing, network by network; yield how many are done after each."""
        ordered = sorted(set(pictures), key=lambda one: (one.variant, one.image, one.task, one.reversed))
        for done, picture in enumerate(ordered, 1):
            path = self.folder / self.name(picture)
            if not path.is_file():
                _write(path, self._drawn(picture))
            yield done

    def _drawn(self, wanted: Wanted) -> Image.Image:
        reference = self.reference(wanted.image)
        picture: Picture = self.engine.picture(reference, self.spec.model)
        if not wanted.variant:
            return plain(picture.clean, SIDE_PX)
        side = self.engine.heatmap(self.spec.variant(wanted.variant), reference, self.spec.heatmap)
        side = reverse(side) if wanted.reversed else side
        if wanted.task != "heatmap-pair":
            return occlusion(side, picture.clean)
        return published(side, picture.clean) if self.spec.display == "published" else readable(side, picture.clean)


def _write(path: Path, picture: Image.Image) -> None:
    data = io.BytesIO()
    picture.save(data, "PNG")
    try:
        with replacing(path) as part:
            part.write_bytes(data.getvalue())
    except OSError as error:
        raise unwritable(path, error) from error
