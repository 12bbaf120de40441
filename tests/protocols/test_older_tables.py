"""Tables of earlier versions, which left some scores of empty maps undefined, are read by today's
rule.
"""

from __future__ import annotations

from math import nan

from numpy.testing import assert_allclose, assert_array_equal
from pandas import DataFrame

from core.engine.engine import Engine
from core.protocols.lukkien import older_tables
from core.protocols.lukkien.tables import load_images, load_study


def test_a_series_of_an_earlier_version() -> None:
    """Two levels of: a usable map, one without marked object, an empty map, and one that is
    invalid.
    """
    columns = {
        "image": [0, 1, 2, 3] * 2,
        "usable": [True, False, False, False, True, True, True, False],
        "map_mean": [0.2, 0, 0, nan, 0.2, 0.2, 0.2, nan],
        "soft_iou": [0.5, nan, 0, 0, 0.5, nan, 0.5, 0],
        "pointing-game": [1, nan, nan, nan, 1, nan, 1, nan],
        "box-iou": [nan, nan, nan, nan, nan, nan, 0.4, nan],
        "cosine": [0.9, nan, nan, nan, 0.9, 0.8, 0.7, nan],
        "soft-iou-of-maps": [0.9, 0, 0, 0, 0.9, 0.8, 0.7, 0],
    }
    old = DataFrame(columns)
    read = older_tables.series_images(old)
    assert read["empty"].tolist() == [False, True, True, False, False, False, False, False]
    assert_array_equal(read["pointing-game"], [1, nan, 0, nan, 1, nan, 1, nan])
    assert_array_equal(read["box-iou"], [nan, nan, 0, nan, nan, nan, 0.4, nan])  # only the third photograph has a box
    assert_array_equal(read["soft-iou-of-maps"], [0.9, nan, nan, nan, 0.9, 0.8, 0.7, nan])
    assert older_tables.series_images(read) is read


def test_means_without_empty_maps_are_those_of_the_images(engine: Engine) -> None:
    """Exact for the study that is included, whose tables know nothing of it."""
    study, images = (read(engine.roots, "mnist-55000", "digits+noise-0.2-s0") for read in (load_study, load_images))
    thesis = study.levels[study.levels.series == "iterative-reset"].set_index(["seed", "level"])
    expected = images[~images["empty"]].groupby(["seed", "level"]).soft_iou.mean().reindex(thesis.index)
    assert_allclose(thesis.soft_iou_without_empty, expected, atol=1e-4)
    assert thesis.empty_maps.tolist() == images.groupby(["seed", "level"])["empty"].sum().reindex(thesis.index).tolist()
    mean = study.mean_series().set_index("level")
    assert (mean.maps == 15_000).all()
    assert_allclose(mean.overlap_without_empty, expected.groupby("level").mean(), atol=1e-4)
