"""Single images by ImageRef: the gallery, people's own photographs, and what is refused."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.base.errors import BadImage, BadSpec, MissingData, UnknownName
from core.data import load_picture as module
from core.data.classes import class_index
from core.data.folders import read_folder
from core.data.gallery import GALLERY, GalleryPhoto, gallery_image
from core.data.load_picture import Pictures
from core.data.outlines import OUTLINES
from core.data.own_digits import prepare_digit
from core.data.photos import fit_photo
from core.data.ram_cache import Kept
from core.specs import ImageRef
from tests.data.cards import DIGITS, GREY, PHOTOS, with_rule
from tests.data.made_sets import BOX, folder_files, write_folder, write_pets, write_zip


@pytest.fixture
def pictures(tmp_path: Path) -> Pictures:
    return Pictures(tmp_path)


def packed(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def scene(width: int = 300, height: int = 200) -> Image.Image:
    """A smooth colour picture: red grows to the right, green downwards, a blue patch at the top
    left.
    """
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[..., 0], pixels[..., 1] = np.linspace(0, 255, width), np.linspace(0, 255, height)[:, None]
    pixels[: height // 3, : width // 3, 2] = 255
    return Image.fromarray(pixels)


@pytest.mark.parametrize("name", GALLERY)
def test_every_photograph_is_there(pictures: Pictures, name: str) -> None:
    picture = pictures.get(ImageRef(source="gallery", name=name), PHOTOS)
    entry = GALLERY[name]
    assert picture.clean.shape == (224, 224, 3)
    assert picture.clean.min() >= 0
    assert 0.5 < picture.clean.max() <= 1
    assert picture.clean.std() > 0.05
    assert np.array_equal(picture.clean, picture.seen)
    assert (picture.title, picture.credit) == (entry.title, entry.source)
    assert entry.source
    assert entry.value.alt
    assert (picture.truth is not None) == (name in OUTLINES)
    assert picture.grey.shape == (224, 224)


def test_labels_only_where_one_class_names_the_subject(pictures: Pictures) -> None:
    labels = {name: pictures.get(ImageRef(source="gallery", name=name), PHOTOS).label for name in GALLERY}
    assert labels.pop("coffee") == 1
    assert set(labels.values()) == {None}


def test_subjects_are_classes_of_imagenet() -> None:
    from torchvision.models import SqueezeNet1_1_Weights

    classes = tuple(SqueezeNet1_1_Weights.IMAGENET1K_V1.meta["categories"])
    found = {
        entry.value.subject: class_index(entry.value.subject, classes)
        for entry in GALLERY.values()
        if entry.value.subject
    }
    assert found == {"espresso": 967}


def test_sizes_follow_the_network(pictures: Pictures) -> None:
    image = ImageRef(source="gallery", name="rocket")
    assert pictures.get(image, GREY).clean.shape == (224, 224)
    assert pictures.get(image, with_rule(size_px=(96, 64), resize_px=None)).clean.shape == (96, 64, 3)
    exact = fit_photo(gallery_image("rocket"), PHOTOS.input)
    assert np.array_equal(pictures.get(image, PHOTOS).clean, exact.astype(np.float32) / np.float32(255))


def test_the_same_picture_is_prepared_once(pictures: Pictures) -> None:
    image = ImageRef(source="gallery", name="cat")
    assert pictures.get(image, PHOTOS) is pictures.get(image, PHOTOS)


@pytest.mark.parametrize(
    ("image", "card", "error", "word"),
    [
        (ImageRef(source="gallery", name="cat"), DIGITS, BadSpec, "handwritten digits"),
        (ImageRef(name="7"), PHOTOS, BadSpec, "handwritten digit"),
        (ImageRef(name="7", noise=0.0), PHOTOS, BadSpec, "handwritten digit"),
        (ImageRef(source="gallery", name="cat", noise=0.1), PHOTOS, BadSpec, "noise"),
        (ImageRef(source="gallery", name="kat"), PHOTOS, UnknownName, "cat"),
        (ImageRef(source="own", name="0" * 16, noise=0.0), PHOTOS, MissingData, "memory"),
    ],
)
def test_what_does_not_fit_is_said(
    pictures: Pictures, image: ImageRef, card: object, error: type[Exception], word: str
) -> None:
    with pytest.raises(error, match=word) as caught:
        pictures.get(image, card)
    assert caught.value.allowed
    assert caught.value.next_step


def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingData, match="scikit-learn"):
        _ = GalleryPhoto(package="sklearn", file="x.jpg", alt="").path


def sixteen_bits(image: Image.Image) -> bytes:
    return packed(Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257))


def turned(image: Image.Image) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was held upright: stored lying
    return packed(image.transpose(Image.Transpose.ROTATE_90), "JPEG", quality=95, exif=exif)


def see_through() -> bytes:
    rgba = scene().convert("RGBA")
    rgba.putalpha(255)
    return packed(rgba)


FILES = {
    "PNG": (packed(scene()), True, 1),
    "JPEG": (packed(scene(), "JPEG", quality=95), True, 8),
    "WebP": (packed(scene(), "WEBP", quality=95), True, 24),
    "RGBA": (see_through(), True, 1),
    "CMYK": (packed(scene().convert("CMYK"), "JPEG", quality=95), True, 12),
    "EXIF": (turned(scene()), True, 8),
    "palette": (packed(scene().quantize(256)), True, 24),
    "grey": (packed(scene().convert("L")), False, 1),
    "16 bits": (sixteen_bits(scene()), False, 1),
}


@pytest.mark.parametrize("kind", FILES)
def test_own_photographs_of_every_kind(pictures: Pictures, kind: str) -> None:
    data, colour, tolerance = FILES[kind]
    image = pictures.add(data, PHOTOS)
    expected = fit_photo(scene() if colour else scene().convert("L").convert("RGB"), PHOTOS.input) / 255
    picture = pictures.get(image, PHOTOS)
    assert image.noise == 0
    assert picture.label is None
    assert np.abs(picture.clean - expected).mean() <= tolerance / 255
    assert pictures.get(image, GREY).clean.shape == (224, 224)
    assert picture.notes == (("Rotated as recorded by the camera.",) if kind == "EXIF" else ())


def test_an_own_image_is_known_by_its_file(pictures: Pictures) -> None:
    from hashlib import sha256

    data = packed(scene())
    image = pictures.add(data, PHOTOS)
    assert image.name == sha256(data).hexdigest()[:16]
    assert image == pictures.add(data, PHOTOS)
    for_digits = pictures.add(data, DIGITS)
    assert (for_digits.name, for_digits.noise) == (image.name, 0.2)


def test_one_own_image_serves_every_network(pictures: Pictures) -> None:
    data = packed(scene())
    image = pictures.add(data, PHOTOS)
    digit = pictures.get(ImageRef(source="own", name=image.name), DIGITS)
    assert np.array_equal(digit.clean, prepare_digit(data)[0])
    assert digit.truth_kind == "ink"
    assert pictures.get(image, with_rule(size_px=(64, 64), resize_px=64)).clean.shape == (64, 64, 3)


def test_a_huge_picture_is_shrunk_before_it_is_kept(pictures: Pictures) -> None:
    data = packed(scene(6000, 4000), "JPEG")
    image = pictures.add(data, PHOTOS)
    assert pictures._own.bytes == 3 * 1024 * 1536
    expected = fit_photo(scene(6000, 4000), PHOTOS.input) / 255
    assert np.abs(pictures.get(image, PHOTOS).clean - expected).mean() < 4 / 255


@pytest.mark.parametrize("size", [(1, 1), (1, 90), (3000, 40), (20_000, 1_000)])
def test_odd_shapes_become_inputs(pictures: Pictures, size: tuple[int, int]) -> None:
    image = pictures.add(packed(Image.new("RGB", size, (10, 200, 30)), "PNG"), PHOTOS)
    picture = pictures.get(image, PHOTOS)
    assert picture.clean.shape == (224, 224, 3)
    assert np.abs(picture.clean[112, 112] - np.array([10, 200, 30]) / 255).max() < 1e-6
    assert pictures._own.bytes <= 12_000_000


def test_broken_photographs_are_refused(pictures: Pictures) -> None:
    for data in (b"", b"no image", packed(scene())[:500], b"\x80\x04}q\x00."):
        with pytest.raises(BadImage):
            pictures.add(data, PHOTOS)


def test_own_images_stay_within_their_budget(pictures: Pictures, monkeypatch: pytest.MonkeyPatch) -> None:
    pictures._own = Kept("own images", 500_000)
    images = [pictures.add(packed(scene(300 + step, 200)), PHOTOS) for step in range(4)]  # 180 KB each
    assert pictures._own.bytes <= 500_000
    pictures.get(images[-1], PHOTOS)
    with pytest.raises(MissingData):
        pictures.get(images[0], PHOTOS)


def test_kept_values_go_by_their_last_use() -> None:
    kept: Kept[str] = Kept("letters", 10)
    for name in "abc":
        kept.put(name, name.upper(), 4 if name != "c" else 5)
        assert kept.get("a") == "A"
    assert (kept.get("b"), kept.bytes) == (None, 9)
    kept.put("a", "A", 2)
    assert kept.bytes == 7
    kept.put("huge", "H", 11)
    assert (kept.get("huge"), kept.get("a"), kept.bytes) == (None, "A", 7)


def test_budgets_are_kept_and_reported(pictures: Pictures) -> None:
    assert module.PREPARED_BYTES > 20 * 2 * 224 * 224 * 3 * 4  # a page shows a dozen at once
    for name in GALLERY:
        pictures.get(ImageRef(source="gallery", name=name), PHOTOS)
    pictures.get(ImageRef(source="gallery", name="cat"), PHOTOS)
    own, prepared = pictures.parts()
    assert (own.entries, prepared.entries, prepared.hits, prepared.misses) == (0, 10, 1, 10)
    assert 10 * 2 * 224 * 224 * 3 * 4 < prepared.bytes < module.PREPARED_BYTES


def test_a_row_of_a_data_set_is_a_picture_with_its_truth(pictures: Pictures, tmp_path: Path) -> None:
    write_pets(tmp_path / "data")
    card = replace(with_rule(size_px=(40, 60), resize_px=None), classes=("beagle", "pug"))
    picture = pictures.get(ImageRef(source="oxford-pets", name="2"), card)
    assert (picture.label, picture.truth_kind, picture.title) == (1, "mask", "Pug: pug_9")
    assert picture.credit == "Oxford-IIIT Pet (test)"
    assert picture.truth.sum() == (BOX[2] - BOX[0]) * (BOX[3] - BOX[1])
    assert picture.clean[picture.truth > 0].mean() > 3 * picture.clean[picture.truth == 0].mean()
    # No Abyssinian among the network's classes.
    assert pictures.get(ImageRef(source="oxford-pets", name="0"), card).label is None


def test_the_same_row_of_a_folder(pictures: Pictures, tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", folder_files())
    picture = pictures.get(ImageRef(source=f"folder:{path}", name="5"), PHOTOS)
    assert (picture.label, picture.truth_kind) == (0, "boxes")
    assert pictures.get(ImageRef(source=f"folder:{path}", name="11"), PHOTOS).truth_kind == ""


@pytest.mark.parametrize(
    ("source", "name", "error"),
    [
        ("mnist-test", "3", BadSpec),
        ("imagenet", "3", UnknownName),
        ("folder:/nowhere/at/all", "3", MissingData),
        ("oxford-pets", "3", BadSpec),
        ("oxford-pets", "cat", BadSpec),
    ],
)
def test_rows_that_do_not_exist_are_said(
    pictures: Pictures, tmp_path: Path, source: str, name: str, error: type[Exception]
) -> None:
    write_pets(tmp_path / "data")
    with pytest.raises(error) as caught:
        pictures.get(ImageRef(source=source, name=name), PHOTOS)
    assert caught.value.allowed


def test_a_broken_row_is_named(pictures: Pictures, tmp_path: Path) -> None:
    path = write_folder(tmp_path / "a", folder_files() | {"espresso/1.JPEG": b"broken"})
    with pytest.raises(BadImage, match="espresso/1"):
        pictures.get(ImageRef(source=f"folder:{path}", name="1"), PHOTOS)


def test_threads_read_a_data_set_once(pictures: Pictures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, calls = write_folder(tmp_path / "a", folder_files()), []
    monkeypatch.setattr(module, "read_folder", lambda place: calls.append(place) or read_folder(place))
    with ThreadPoolExecutor(8) as pool:
        images = [ImageRef(source=f"folder:{path}", name=str(row % 12)) for row in range(48)]
        found = list(pool.map(lambda image: pictures.get(image, PHOTOS), images))
    assert len(calls) == 1
    assert all(np.array_equal(found[row].clean, found[row + 12].clean) for row in range(36))
