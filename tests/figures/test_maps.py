"""Pictures show what the results hold: same size, right colours, nothing stretched."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from core.figures import maps as pictures
from tests.made import SIDE, Made, spot


def pixels(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture.convert("RGB"), dtype=int)


def middle(picture: Image.Image, row: int, column: int) -> np.ndarray:
    """The colour in the middle of one digit pixel."""
    cell = picture.width // SIDE
    return pixels(picture)[row * cell + cell // 2, column * cell + cell // 2]


@pytest.mark.parametrize("name", list(pictures.COLOURS))
def test_colour_tables_are_complete_and_monotonous_in_between(name: str) -> None:
    table = pictures.COLOURS[name].astype(int)
    assert table.shape == (256, 3)
    assert np.abs(np.diff(table, axis=0)).max() <= 20  # no visible step


@pytest.mark.parametrize("name", ["magma", "cividis"])
def test_sequential_tables_grow_brighter(name: str) -> None:
    luminance = pictures.COLOURS[name] @ np.array([0.2126, 0.7152, 0.0722])
    assert (np.diff(luminance) > -1.5).all()
    assert luminance[-1] - luminance[0] > 150


def test_the_signed_table_is_dark_at_zero_and_tells_the_signs_apart_for_the_colour_blind() -> None:
    table = pictures.COLOURS["signed"].astype(int)
    assert table[127:129].max() < 12
    purple, orange = table[64], table[192]
    assert purple[2] - purple[0] > 40  # blue against red: what red-green blindness leaves
    assert orange[0] - orange[2] > 100


def test_values_outside_the_scale_are_cut_off() -> None:
    outside = pictures.colour(np.array([-3.0, 0.0, 1.0, 7.0]), "magma")
    assert (outside[0] == outside[1]).all()
    assert (outside[2] == outside[3]).all()


def test_grey_keeps_every_pixel_sharp() -> None:
    image = np.arange(SIDE * SIDE).reshape(SIDE, SIDE) % 256 / 255
    shown = pixels(pictures.grey(image))
    cell = shown.shape[0] // SIDE
    assert (shown.reshape(SIDE, cell, SIDE, cell, 3) == (image * 255).round().astype(int)[:, None, :, None, None]).all()


def test_all_pictures_of_a_row_have_the_same_size() -> None:
    answer = Made().build()
    clean = answer.picture.clean
    row = [
        pictures.grey(answer.picture.seen),
        pictures.overlay(answer.reference, clean, 0.5),
        pictures.difference(answer),
    ]
    assert {picture.size for picture in row} == {(pictures.SIDE_PX, pictures.SIDE_PX)}


def test_opacity_is_the_share_of_the_heatmap_everywhere() -> None:
    answer = Made().build()
    clean = answer.picture.clean
    only_image, only_map, half = (pictures.overlay(answer.reference, clean, share) for share in (0.0, 1.0, 0.5))
    assert (pixels(only_image) == pixels(pictures.grey(clean))).all()
    assert np.abs(pixels(half) - (pixels(only_image) + pixels(only_map)) / 2).max() <= 1
    assert np.abs(middle(only_map, 20, 20) - pictures.COLOURS["magma"][0]).max() <= 1


def test_both_heatmaps_share_one_scale() -> None:
    answer = Made(pruned_map=spot(4, 4, 0.5)).build()
    strong, weak = (
        middle(pictures.overlay(side, answer.picture.clean * 0, 1.0), 5, 5)
        for side in (answer.reference, answer.pruned)
    )
    assert np.abs(strong - pictures.COLOURS["magma"][255]).max() <= 3
    assert np.abs(weak - pictures.COLOURS["magma"][128]).max() <= 12


def test_an_empty_map_stays_dark() -> None:
    answer = Made(pruned_map=np.zeros((SIDE, SIDE)), pruned_state="empty").build()
    assert pixels(pictures.overlay(answer.pruned, answer.picture.clean * 0, 1.0)).max() <= 4


def test_the_difference_is_orange_where_dense_has_more_and_purple_where_pruned_has() -> None:
    answer = Made(dense_map=spot(4, 4), pruned_map=spot(20, 20), clean=np.zeros((SIDE, SIDE))).build()
    shown = pictures.difference(answer)
    dense_more, pruned_more, neither = middle(shown, 5, 5), middle(shown, 21, 21), middle(shown, 14, 5)
    assert dense_more[0] > dense_more[2] + 30
    assert pruned_more[2] > pruned_more[0] + 30
    assert neither.max() < 12


def test_the_difference_shows_the_digit_faintly() -> None:
    answer = Made(dense_map=np.zeros((SIDE, SIDE)), pruned_map=np.zeros((SIDE, SIDE))).build()
    assert 60 < middle(pictures.difference(answer), 5, 5).max() < 130


@pytest.mark.parametrize(
    ("state", "threshold", "tinted"), [("ok", 0.5, 16), ("ok", 0.51, 0), ("ok", 0.0, 784), ("empty", 0.0, 0)]
)
def test_highlighted_pixels_are_those_at_or_above_the_threshold(state: str, threshold: float, tinted: int) -> None:
    answer = Made(pruned_map=spot(10, 10, 0.5), pruned_state=state, clean=np.zeros((SIDE, SIDE))).build()
    shown = pictures.highlighted(answer.pruned, answer.picture.clean, threshold)
    cell = shown.width // SIDE
    assert (pixels(shown)[cell // 2 :: cell, cell // 2 :: cell].max(axis=2) > 50).sum() == tinted


def test_a_colour_bar_runs_from_low_to_high() -> None:
    bar = pixels(pictures.colour_bar("magma", width_px=256, height_px=3))
    assert bar.shape == (3, 256, 3)
    assert (bar[1] == pictures.COLOURS["magma"]).all()


def photo(height: int = 96, width: int = 128) -> np.ndarray:
    """(height, width, 3): red grows to the right, green downwards."""
    rows, columns = np.meshgrid(np.linspace(0, 1, height), np.linspace(0, 1, width), indexing="ij")
    return np.stack([columns, rows, 0.5 + 0 * rows], axis=2).astype(np.float32)


def test_a_photograph_keeps_its_colours_and_its_own_size() -> None:
    shown = pictures.plain(photo())
    assert shown.size == (128, 96)
    assert np.abs(pixels(shown) - photo() * 255).max() <= 0.51


@pytest.mark.parametrize(("side_px", "size"), [(256, (256, 192)), (64, (64, 48)), (None, (128, 96))])
def test_a_photograph_is_scaled_by_its_longer_side(side_px: int | None, size: tuple[int, int]) -> None:
    maps = np.zeros((96, 128))
    answer = Made(clean=photo(), dense_map=maps, pruned_map=maps).build()
    drawn = [
        pictures.plain(photo(), side_px),
        pictures.grey(photo(), side_px),
        pictures.overlay(answer.reference, answer.picture.clean, 0.5, side_px),
        pictures.difference(answer, side_px),
        pictures.highlighted(answer.reference, answer.picture.clean, 0.5, side_px),
    ]
    assert {picture.size for picture in drawn} == {size}


def test_a_photograph_is_scaled_smoothly_and_a_digit_is_not() -> None:
    edge = np.repeat(np.arange(100) >= 50, 100).reshape(100, 100).T.astype(np.float32)
    large, small = (np.asarray(pictures.plain(values, 300)) for values in (edge, edge[:28, 36:64]))
    assert len(np.unique(large)) > 2
    assert set(np.unique(small)) == {0, 255}


def test_below_a_heatmap_a_photograph_is_grey() -> None:
    maps = np.zeros((96, 128))
    answer = Made(clean=photo(), dense_map=maps, pruned_map=maps).build()
    below = pixels(pictures.overlay(answer.reference, answer.picture.clean, 0.0))
    assert (below == below[..., :1]).all()
    assert np.abs(below[..., 0] - photo() @ [0.299, 0.587, 0.114] * 255).max() <= 1


def test_an_outline_is_white_inside_the_object_and_black_outside() -> None:
    truth = np.zeros((100, 100))
    truth[20:60, 30:80] = 1
    before = pictures.plain(np.full((100, 100, 3), 0.5, np.float32))
    after = pixels(pictures.outlined(before, truth))
    changed = np.abs(after - pixels(before)).max(axis=2) > 0
    white, black = (after == 255).all(axis=2), (after == 0).all(axis=2)
    assert (changed == (white | black)).all()
    assert (truth[white] == 1).all()
    assert (truth[black] == 0).all()
    assert white.sum() == 2 * (40 + 50) - 4  # the object's own border pixels
    assert black.sum() == 2 * (40 + 50)  # those beside it


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_nothing_is_outlined_where_the_object_is_nowhere_or_everywhere(value: float) -> None:
    before = pictures.plain(np.full((40, 40, 3), 0.5, np.float32), 200)
    assert (pixels(pictures.outlined(before, np.full((40, 40), value))) == pixels(before)).all()


def test_a_thumbnail_is_the_middle_as_a_square() -> None:
    wide = Image.fromarray((photo(100, 300) * 255).astype(np.uint8))
    small = pictures.thumbnail(wide, 50)
    assert small.size == (50, 50)
    assert 75 < pixels(small)[25, 0, 0] < 95  # a third from the left
    assert 160 < pixels(small)[25, 49, 0] < 180


def test_png_is_without_loss_and_jpeg_nearly() -> None:
    picture = pictures.overlay(Made().build().reference, spot(4, 4), 0.65)
    for encode, worst in ((pictures.png, 0), (pictures.jpeg, 60)):
        again = Image.open(io.BytesIO(encode(picture)))
        assert again.size == picture.size
        assert np.abs(pixels(again) - pixels(picture)).max() <= worst
    assert np.abs(pixels(Image.open(io.BytesIO(pictures.jpeg(picture)))) - pixels(picture)).mean() < 2


def test_pictures_for_the_screen_are_small() -> None:
    answer = Made().build()
    assert len(pictures.jpeg(pictures.overlay(answer.reference, answer.picture.clean, 0.65))) < 40_000
    assert len(pictures.png(pictures.grey(answer.picture.clean))) < 10_000


@pytest.mark.parametrize(("encode", "kind"), [(pictures.png, "png"), (pictures.jpeg, "jpeg")])
def test_data_urls_name_their_kind(encode, kind: str) -> None:
    assert pictures.data_url(encode(pictures.colour_bar("magma"))).startswith(f"data:image/{kind};base64,")
