"""Masks and COCO files beside photographs mark what the slow, obvious definitions mark."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image, ImageDraw
from pycocotools import mask as coco_library
from scipy.ndimage import binary_dilation, binary_erosion

from core.base.errors import BadFile, BadImage
from core.data.folders import read_folder
from core.data.photo_inputs import PhotoInputs
from core.data.segments import BadSegment, decode_counts, parse_segment, union
from core.models.cards import InputRule
from tests.data.cards import PHOTOS as CARD
from tests.data.made_marks import CORNERS, MARKED, PHOTOS, coco, colours, instance, png, turned
from tests.data.made_sets import BOX, SIZE, write_folder, write_zip
from tests.reference import run_lengths

AS_IT_IS = InputRule(size_px=SIZE[::-1])
MASKS = arrays(bool, st.tuples(st.integers(1, 30), st.integers(1, 30)))
LEFT, RIGHT = np.zeros_like(MARKED), np.zeros_like(MARKED)
LEFT[:, :20], RIGHT[:, 45:] = True, True


def masks_of(path: Path, files: dict[str, bytes]) -> dict[str, np.ndarray]:
    photos = read_folder(write_folder(path, PHOTOS | files)).photos
    return {photo.name: photo.mask() for photo in photos if photo.mask}


def segment_mask(value: Any, size: tuple[int, int]) -> np.ndarray:
    segment = parse_segment(value)
    assert segment is not None
    segment.check(size)
    return union(segment.runs(size), size)


@given(MASKS)
def test_run_lengths_are_read_back(marked: np.ndarray) -> None:
    height, width = marked.shape
    runs = run_lengths.runs(marked)
    code = coco_library.encode(np.asfortranarray(marked.astype(np.uint8)))["counts"].decode()
    assert np.array_equal(run_lengths.mask(run_lengths.numbers(code), width, height), marked)
    for counts in (runs, code):
        found = segment_mask({"size": [height, width], "counts": counts}, (width, height))
        assert np.array_equal(found, marked)


@given(st.text(st.characters(codec="latin-1"), max_size=30))
def test_any_text_is_decoded_as_by_the_reference_or_refused(code: str) -> None:
    try:
        found = decode_counts(code.encode("latin-1"))
    except BadSegment:
        longest = max(map(len, "".join("m" if "P" <= c <= "o" else "e" for c in code).split("e")), default=0)
        assert not all("0" <= c <= "o" for c in code) or (code and code[-1] >= "P") or longest >= 7
        return
    assert found.tolist() == run_lengths.numbers(code)


@given(st.lists(st.tuples(st.floats(0, 40), st.floats(0, 30)), min_size=3, max_size=8))
def test_polygons_are_filled_as_by_pillow_within_a_pixel_of_their_outline(corners: list[tuple[float, float]]) -> None:
    hull = _convex(corners)
    if len(hull) < 3:
        return
    found = segment_mask([[value for corner in hull for value in corner]], (40, 30))
    picture = Image.new("1", (400, 300))  # ten points to a pixel, across and down
    ImageDraw.Draw(picture).polygon([(10 * x - 0.5, 10 * y - 0.5) for x, y in hull], fill=1)
    fine = np.asarray(picture).reshape(30, 10, 40, 10).mean((1, 3))
    around = np.ones((3, 3), bool)
    assert not (found & ~binary_dilation(fine > 0, around)).any()
    assert not (binary_erosion(fine == 1, around) & ~found).any()


def _convex(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """The corners of the convex hull, which a polygon cannot cross itself in."""
    half: list[tuple[float, float]] = []
    hull = []
    for ordered in (sorted(set(points)), sorted(set(points), reverse=True)):
        half = []
        for point in ordered:
            while len(half) > 1 and _turn(half[-2], half[-1], point) <= 0:
                half.pop()
            half.append(point)
        hull += half[:-1]
    return hull


def _turn(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def test_a_rectangle_is_exact(tmp_path: Path) -> None:
    assert np.array_equal(masks_of(tmp_path, {"annotations.json": coco(instance())})["cat/1.jpg"], MARKED)


FORMS: dict[str, Callable[[np.ndarray], Any]] = {
    "grey": lambda m: m.astype(np.uint8),
    "black and white": lambda m: Image.fromarray(m.astype(np.uint8) * 255).convert("1"),
    "16 bits": lambda m: m.astype(np.uint16),
    "colours": lambda m: np.stack([0 * m, 3 * m, 0 * m], -1).astype(np.uint8),
    "a palette": lambda m: _palette(m.astype(np.uint8), (0, 0, 0, 200, 9, 9)),
    "a palette that begins with the object": lambda m: _palette((~m).astype(np.uint8), (255, 255, 255, 0, 0, 0)),
    "transparent": lambda m: np.stack([np.full_like(m, 9, np.uint8)] * 3 + [m.astype(np.uint8) * 255], -1),
    "opaque": lambda m: np.stack([m.astype(np.uint8)] * 3 + [np.full_like(m, 255, np.uint8)], -1),
}


def _palette(indices: np.ndarray, colours: tuple[int, ...]) -> Image.Image:
    image = Image.fromarray(indices).convert("P")
    image.putdata(indices.ravel().tolist())
    image.putpalette(colours)
    return image


@pytest.mark.parametrize("form", FORMS)
def test_any_form_of_mask_marks_the_same(tmp_path: Path, form: str) -> None:
    assert np.array_equal(masks_of(tmp_path, {"masks/cat/1.png": png(FORMS[form](MARKED))})["cat/1.jpg"], MARKED)


@pytest.mark.parametrize(
    ("photo", "mask"),
    [
        ("cat/9.JPG", "masks/cat/9.png"),
        ("cat/9.JPG", "masks/9.PNG"),
        ("train/cat/9.jpg", "masks/train/cat/9.png"),
        ("train/cat/9.jpg", "train/masks/cat/9.png"),
        ("train/cat/9.jpg", "train/Masks/9.png"),
        ("train/cat/9.jpg", "masks/cat/9.png"),
        ("cat/a.b.jpg", "masks/cat/a.b.png"),
    ],
)
def test_where_masks_lie(tmp_path: Path, photo: str, mask: str) -> None:
    files = {photo: PHOTOS["cat/1.jpg"], "dog/3.jpg": PHOTOS["dog/3.jpg"], mask: png(MARKED)}
    folder, packed = write_folder(tmp_path / "a", files), write_zip(tmp_path / "b.zip", files, "top/")
    for path in (folder, packed, packed / "top"):
        found = read_folder(path)
        assert found.classes == ("cat", "dog")
        assert found.notes == ()
        marks = [photo.mask() for photo in found.photos if photo.mask]
        assert len(marks) == 1
        assert np.array_equal(marks[0], MARKED)


@pytest.mark.parametrize(
    ("table", "name"),
    [
        ("annotations.json", "cat/1.jpg"),
        ("instances_val.json", "1.jpg"),
        ("annotations/instances_val.json", "cat/1.jpg"),
        ("cat/annotations.json", "1.jpg"),
        ("annotations.json", "cat\\1.jpg"),
    ],
)
def test_where_annotation_files_lie(tmp_path: Path, table: str, name: str) -> None:
    files = PHOTOS | {table: coco(instance(), names=(name,))}
    for path in (write_folder(tmp_path / "a", files), write_zip(tmp_path / "b.zip", files)):
        found = read_folder(path)
        assert found.notes == ()
        assert [photo.truth_kind for photo in found.photos] == ["mask", "", ""]
        assert np.array_equal(found.photos[0].mask(), MARKED)
        assert np.array_equal(found.photos[0].truth(SIZE, AS_IT_IS), MARKED)


def test_all_objects_of_the_class_count_and_no_others(tmp_path: Path) -> None:
    runs = {"size": list(MARKED.shape), "counts": run_lengths.runs(LEFT)}
    files = coco(
        instance(),
        instance(segmentation=runs, iscrowd=1),
        instance(segmentation=[], bbox=[45, 0, 15, 40]),
        instance(category=3, segmentation=[[20, 30, 40, 30, 40, 40, 20, 40]]),
        instance(image=2, category=2),
    )
    found = masks_of(tmp_path, {"annotations.json": files})
    assert list(found) == ["cat/1.jpg"]
    assert np.array_equal(found["cat/1.jpg"], MARKED | LEFT | RIGHT)


@pytest.mark.parametrize(
    ("folder", "category"),
    [("cat", "Cat"), ("Sports_Car", "sports car"), ("n01440764", "tench"), ("tench", "n01440764"), ("a", "a")],
)
def test_categories_are_classes_by_name(tmp_path: Path, folder: str, category: str) -> None:
    content = coco(instance(), names=(f"{folder}/1.jpg",), categories=[{"id": 1, "name": category}])
    home = write_folder(tmp_path, {f"{folder}/1.jpg": PHOTOS["cat/1.jpg"], "annotations.json": content})
    assert np.array_equal(read_folder(home).photos[0].mask(), MARKED)


def test_boxes_without_segments_are_boxes(tmp_path: Path) -> None:
    x0, y0, x1, y1 = BOX
    content = coco(
        instance(segmentation=[], bbox=[x0, y0, x1 - x0, y1 - y0]),
        {"image_id": 1, "category_id": 1, "bbox": [-0.5, 0, 10.5, 5]},
    )
    photo = read_folder(write_folder(tmp_path, PHOTOS | {"annotations.json": content})).photos[0]
    assert (photo.truth_kind, photo.boxes) == ("boxes", (BOX, (0, 0, 10, 5)))
    assert photo.truth(SIZE, AS_IT_IS).sum() == MARKED.sum() + 10 * 5


def panoptic(tmp_path: Path) -> Path:
    ids = np.full(MARKED.shape, 7)
    ids[MARKED], ids[LEFT & ~MARKED] = 300, 70_000
    segments = [{"id": 300, "category_id": 1}, {"id": 70_000, "category_id": 1}, {"id": 7, "category_id": 3}]
    annotations = [
        {"image_id": 1, "file_name": "one.png", "segments_info": segments},
        {"image_id": 3, "file_name": "three.png", "segments_info": [{"id": 300, "category_id": 2}]},
        {"image_id": 2, "file_name": "two.png", "segments_info": [{"id": 7, "category_id": 3}]},
    ]
    files = {f"annotations/panoptic_val/{name}.png": colours(ids) for name in ("one", "two", "three")}
    table = coco(*annotations, names=("1.jpg", "2.jpg", "3.jpg"))
    return write_folder(tmp_path, PHOTOS | files | {"annotations/panoptic_val.json": table})


def test_panoptic_segments(tmp_path: Path) -> None:
    found = read_folder(panoptic(tmp_path))
    assert found.classes == ("cat", "dog")
    assert np.array_equal(found.photos[0].mask(), MARKED | LEFT)
    assert np.array_equal(found.photos[2].mask(), MARKED)
    assert found.photos[1].mask is None
    assert found.notes == (
        "Not marked, because annotations/panoptic_val.json has only objects of other classes in them: 1 photograph "
        "(cat/2.jpg).",
    )


def test_a_changed_mark_changes_stamps_and_digests(tmp_path: Path) -> None:
    home = panoptic(tmp_path)
    write_folder(home, {"masks/cat/2.png": png(MARKED), "instances.json": coco(instance(3, 2))})

    def state() -> tuple[list[str], list[str]]:
        photos = read_folder(home).photos
        return [photo.stamp for photo in photos], [photo.digest for photo in photos]

    def changed(before: tuple[list[str], list[str]]) -> tuple[list[bool], list[bool]]:
        stamps, digests = (
            [a != b for a, b in zip(old, new, strict=True)] for old, new in zip(before, state(), strict=True)
        )
        return stamps, digests

    before, read = state(), read_folder(home)
    assert changed(before) == ([False] * 3, [False] * 3)
    write_folder(home, {"masks/cat/2.png": png(LEFT)})
    assert changed(before) == ([False, True, False], [False, True, False])
    assert np.array_equal(read.photos[1].mask(), LEFT)
    before = state()
    write_folder(home, {"annotations/panoptic_val/one.png": colours(np.full(MARKED.shape, 300))})
    assert changed(before) == ([True, False, False], [True, False, False])
    before = state()
    assert read.is_current
    write_folder(home, {"instances.json": coco(instance(3, 2, [[0, 0, 9, 0, 9, 9]]))})
    assert not read.is_current
    assert changed(before)[1] == [False, False, True]


def test_masks_go_through_a_network_s_inputs(tmp_path: Path) -> None:
    files = {
        "masks/cat/1.png": png(MARKED),
        "masks/cat/2.png": png(MARKED[:20]),
        "annotations.json": coco(instance(3, 2)),
    }
    photos = read_folder(write_folder(tmp_path, PHOTOS | files))
    inputs = PhotoInputs(photos, CARD, torch.device("cpu"))
    assert inputs.has_truth
    truth = torch.cat([batch.truth for batch in inputs.batches(truth=True)])
    expected = photos.photos[0].truth(SIZE, CARD.input)
    assert expected.any()
    for row, wanted in enumerate((expected, 0 * expected, expected)):
        assert np.array_equal(truth[row].float().numpy(), wanted)
    assert inputs.notes[-1] == (
        "Their masks cannot be used: 1 photograph (cat/2.jpg). masks/cat/2.png has 60 x 20 pixels, its photograph"
        " 60 x 40."
    )


def test_a_photograph_that_the_camera_turned(tmp_path: Path) -> None:
    files = {"cat/1.jpg": turned(), "dog/3.jpg": PHOTOS["dog/3.jpg"]}
    upright = write_folder(tmp_path / "a", files | {"masks/cat/1.png": png(MARKED)})
    photo = read_folder(upright).photos[0]
    bright = np.asarray(photo.read()).mean(-1) > 90
    assert (bright == photo.mask()).mean() > 0.99
    width, height = SIZE
    lying = coco(instance(), images=[{"id": 1, "file_name": "cat/1.jpg", "width": height, "height": width}])
    for name, content in (("masks/cat/1.png", png(MARKED.T)), ("annotations.json", lying)):
        photo = read_folder(write_folder(tmp_path / content[:4].hex(), files | {name: content})).photos[0]
        with pytest.raises(BadImage, match="40 x 60 pixels, the size of its photograph before it is rotated"):
            photo.mask()


SECRET = "root:x:0:0"
BROKEN: dict[str, bytes] = {
    "image 2": coco(instance(), images=[{"id": 2, "file_name": SECRET, "width": 0, "height": 9}]),
    "image number 1": coco(instance(), images=[{"id": [SECRET], "file_name": "a", "width": 9, "height": 9}]),
    "no list annotations": json.dumps({"images": [], "categories": []}).encode(),
    "no list images": json.dumps({SECRET: SECRET}).encode(),
    "not a JSON object": json.dumps([SECRET]).encode(),
    "not valid JSON (line 3)": f'{{\n"a": 1,\n{SECRET}'.encode(),
    "is not valid JSON": b"[" * 100_000,
    "not UTF-8": b"\xff\xfe" + SECRET.encode(),
    "image 1 whose id another": coco(instance(), images=2 * [{"id": 1, "file_name": "a", "width": 9, "height": 9}]),
    "category 1 without a name": coco(instance(), categories=[{"id": 1}]),
    "annotation 100 of an image": coco(instance(9)),
    "annotation 100 of a category": coco(instance(category=9)),
    "annotation 100 has a polygon of 4": coco(instance(segmentation=[[1, 2, 3, 4]])),
    "annotation 100 has a polygon of 7": coco(instance(segmentation=[[1, 2, 3, 4, 5, 6, 7]])),
    "annotation 100 has a coordinate that is no number": coco(instance(segmentation=[[1, 2, 3, 4, 5, SECRET]])),
    "annotation 100 has a coordinate that is no finite": coco(instance()).replace(b"[12, 8,", b"[1e999, 8,"),
    "annotation 100 has a coordinate that is no finite number": coco(instance()).replace(b"[12, 8,", b"[NaN, 8,"),
    "not a list of polygons": coco(instance(segmentation=CORNERS)),
    "neither polygons nor": coco(instance(segmentation=SECRET)),
    "without the size": coco(instance(segmentation={"counts": [1]})),
    "far too many pixels": coco(instance(segmentation={"counts": [1], "size": [100_000, 100_000]})),
    "runs of 3 pixels in total": coco(instance(segmentation={"counts": [1, 2], "size": [40, 60]})),
    "no whole number": coco(instance(segmentation={"counts": [-1, 2401], "size": [40, 60]})),
    "neither text nor a list": coco(instance(segmentation={"counts": 7, "size": [40, 60]})),
    "damaged run lengths": coco(instance(segmentation={"counts": "~~~", "size": [40, 60]})),
    "annotation 100 has damaged": coco(instance(segmentation={"counts": "oooooooooooo0", "size": [40, 60]})),
    "is negative or longer": coco(instance(segmentation={"counts": "O1", "size": [40, 60]})),
    "neither a segmentation nor a box": coco(instance(segmentation=[], bbox=[1, 2, 3, SECRET])),
    "a box without an area": coco(instance(segmentation=[], bbox=[1, 2, 3, 0])),
    "must begin with panoptic": coco({"image_id": 1, "segments_info": []}),
}


@pytest.mark.parametrize("says", BROKEN)
def test_a_broken_annotation_file_is_named_and_not_quoted(tmp_path: Path, says: str) -> None:
    with pytest.raises(BadFile) as error:
        read_folder(write_folder(tmp_path, PHOTOS | {"annotations.json": BROKEN[says]}))
    assert says in str(error.value)
    assert "annotations.json" in error.value.wrong
    assert SECRET not in str(error.value)


JSONS = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 70) | st.floats() | st.sampled_from(["", "1.jpg", "cat", "0P1", "~"]),
    lambda inner: st.lists(inner, max_size=7) | st.dictionaries(st.sampled_from(["size", "counts", "id"]), inner),
    max_leaves=12,
)
ENTRY = st.dictionaries(
    st.sampled_from(
        [
            "id",
            "image_id",
            "category_id",
            "file_name",
            "width",
            "height",
            "name",
            "segmentation",
            "bbox",
            "segments_info",
        ]
    ),
    JSONS,
)


@settings(max_examples=200)
@given(
    st.sampled_from(["annotations.json", "panoptic.json"]),
    st.sampled_from(["images", "annotations", "categories"]),
    JSONS | st.lists(ENTRY, max_size=3),
    JSONS,
)
def test_any_json_is_read_or_refused(tmp_path_factory: Any, table: str, key: str, value: Any, segment: Any) -> None:
    home = tmp_path_factory.mktemp("any")
    content = json.loads(coco(instance(segmentation=segment, segments_info=[])))
    (home / table).write_text(json.dumps(content | {key: value}))
    try:
        photos = read_folder(write_folder(home, PHOTOS)).photos
        for photo in photos:
            photo.truth(SIZE, AS_IT_IS)
    except (BadFile, BadImage):
        return


@pytest.mark.parametrize(
    ("says", "content"),
    [
        ("annotation 100 reaches beyond", coco(instance(segmentation=[[1, 2, 3, 4, 1e300, 6]]))),
        ("annotation 100 reaches beyond", coco(instance(segmentation=[[1, 2, 3, 4, -7, 6]]))),
        ("annotation 101 and those before", coco(*2 * [instance(segmentation=[[0, 0, 60, 40] * 10_000])])),
        ("encoded for 30 x 80", coco(instance(segmentation={"size": [80, 30], "counts": [2400]}))),
        (
            "has 61 x 40 pixels, its photograph 60 x 40",
            coco(instance(), images=[{"id": 1, "file_name": "1.jpg", "width": 61, "height": 40}]),
        ),
        (
            "has 1000000 x 1000000 pixels",
            coco(instance(), images=[{"id": 1, "file_name": "1.jpg", "width": 10**6, "height": 10**6}]),
        ),
    ],
)
def test_what_does_not_fit_its_photograph_is_named_when_it_is_read(tmp_path: Path, says: str, content: bytes) -> None:
    photo = read_folder(write_folder(tmp_path, PHOTOS | {"annotations.json": content})).photos[0]
    with pytest.raises(BadImage) as error:
        photo.truth(SIZE, AS_IT_IS)
    assert says in str(error.value)
    assert photo.read().size == SIZE


def test_a_file_that_is_too_large_is_refused(tmp_path: Path) -> None:
    home = write_folder(tmp_path, PHOTOS)
    with (home / "annotations.json").open("wb") as file:
        file.truncate(100_000_001)
    with pytest.raises(BadFile, match="more than 100 MB"):
        read_folder(home)
