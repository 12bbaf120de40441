"""The outlines of the gallery's objects are masks like any other."""

from __future__ import annotations

import numpy as np
import pytest

from core.data.gallery import GALLERY, gallery_image
from core.data.load_picture import Pictures
from core.data.outlines import OUTLINES, outline_mask
from core.models.zoo import MODELS
from core.specs import ImageRef


def test_a_square_covers_its_pixels() -> None:
    mask = outline_mask("250,250 750,250 750,750 250,750", (40, 20))
    assert mask.shape == (20, 40)
    rows, columns = np.nonzero(mask)
    assert (rows.min(), columns.min()) == (5, 10)
    assert (abs(rows.max() - 15), abs(columns.max() - 30)) <= (1, 1)
    assert mask[5:15, 10:30].all()


@pytest.mark.parametrize("name", list(OUTLINES))
def test_an_outline_marks_the_object_as_the_network_sees_it(tmp_path, name: str) -> None:
    assert name in GALLERY
    picture = Pictures(tmp_path).get(ImageRef(source="gallery", name=name), MODELS["efficientnet-lite0"].value)
    assert picture.truth_kind == "mask"
    assert picture.truth is not None
    assert picture.truth.shape == picture.clean.shape[:2]
    assert 0.02 < picture.truth.mean() < 0.99
    whole = outline_mask(OUTLINES[name], gallery_image(name).size)
    assert whole[0].sum() == 0 or name == "cat"  # only the cat is cut off by the border


def test_the_other_photographs_have_no_truth(tmp_path) -> None:
    for name in set(GALLERY) - set(OUTLINES):
        picture = Pictures(tmp_path).get(ImageRef(source="gallery", name=name), MODELS["efficientnet-lite0"].value)
        assert picture.truth is None
