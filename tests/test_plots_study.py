"""Figures of the study show the tables' numbers."""

from __future__ import annotations

import pytest

from core import plots_study
from core.engine import REPOSITORY
from core.protocols.lukkien import PUBLISHED, WEIGHTS_LEFT
from core.protocols.lukkien_tables import StudyTables, load_study


@pytest.fixture(scope="module")
def study() -> StudyTables:
    return load_study([REPOSITORY / "models_cache" / "shipped"], "mnist-60000", "mnist-test+noise-0.2-s0")


def trace(figure, name: str):
    return next(part for part in figure.data if part.name == name)


@pytest.mark.parametrize("axis", plots_study.AXES)
def test_the_mean_line_is_the_mean_table(study: StudyTables, axis: str) -> None:
    figure = plots_study.curves(study, axis, (), published=False)
    mean = study.mean[study.mean.series == "iterative-reset"]
    assert list(trace(figure, "accuracy").y) == mean.accuracy_noisy.tolist()
    assert list(trace(figure, "soft IoU").y) == mean.soft_iou.tolist()
    assert "n = 10,000" in figure.layout.title.text


def test_positions_on_each_axis(study: StudyTables) -> None:
    rows = study.mean[study.mean.series == "iterative-reset"]
    assert plots_study.positions(rows, "level").tolist() == list(range(26))
    assert plots_study.positions(rows, "sparsity").iloc[-1] == pytest.approx(1 - 2 / 2324, abs=1e-6)
    assert plots_study.positions(rows, "density").iloc[1] == pytest.approx(WEIGHTS_LEFT[1] / 2324, abs=1e-6)
    assert plots_study.positions(rows, "ratio").tolist() == pytest.approx([2346 / (left + 22) for left in WEIGHTS_LEFT])


def test_each_seed_has_its_line_and_controls_come_on_demand(study: StudyTables) -> None:
    plain = plots_study.curves(study, "level", (), published=False)
    both = plots_study.curves(study, "level", ("one-shot", "random"), published=True)
    assert sum(part.name == "seed 334" for part in plain.data) == 2
    names = {part.name for part in both.data} - {part.name for part in plain.data}
    assert names == {label for label, _ in plots_study.CONTROLS.values()} | {"published accuracy, 60,000 / 10,000 images"}
    assert trace(both, "published accuracy, 60,000 / 10,000 images").y == (PUBLISHED["accuracy_noisy_level_0"],)


def test_collapsed_levels_are_marked_on_every_axis(study: StudyTables) -> None:
    assert len(plots_study.curves(study, "level", (), published=False).layout.shapes) == 1
    line = trace(plots_study.curves(study, "density", (), published=False), "collapsed")
    assert line.x[0] == pytest.approx(2 / 2324, abs=1e-6)


def test_scatter_leaves_collapsed_levels_out(study: StudyTables) -> None:
    everything, fewer = plots_study.scatter(study, without_collapsed=False), plots_study.scatter(study, without_collapsed=True)
    assert (len(everything.data[0].x), len(fewer.data[0].x)) == (26, 25)
    assert everything.data[0].marker.symbol[-1] == "circle-open"
    assert "n = 25 levels" in fewer.layout.title.text


def test_map_statistics_carry_the_published_values(study: StudyTables) -> None:
    figure = plots_study.map_statistics(study, "level")
    assert list(trace(figure, "published mean").y) == list(PUBLISHED["map_mean"].values())
    thesis = study.levels[(study.levels.series == "iterative-reset") & (study.levels.level == 20)]
    assert trace(figure, "share empty").y[20] == pytest.approx((thesis.empty_maps / 10_000).mean())


def test_right_minus_wrong_needs_two_classes(study: StudyTables) -> None:
    figure = plots_study.correct_against_wrong(study)
    for part in figure.data:
        assert min(part.customdata) >= 2
        assert len(part.y) == len(part.error_y.array)
