"""Figures of the study show the tables' numbers."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from core.base.settings import shipped_folder
from core.figures.plots import lukkien as plots_study
from core.measures.fitting import FITTINGS
from core.protocols.lukkien.protocol import PUBLISHED, WEIGHTS_LEFT
from core.protocols.lukkien.tables import StudyTables, load_study, overlap_column


@pytest.fixture(scope="module")
def study() -> StudyTables:
    return load_study([shipped_folder()], "mnist-60000", "mnist-test+noise-0.2-s0")


def trace(figure, name: str):
    return next(part for part in figure.data if part.name == name)


@pytest.mark.parametrize("axis", plots_study.AXES)
def test_the_mean_line_is_the_mean_table(study: StudyTables, axis: str) -> None:
    figure = plots_study.curves(study, axis, (), published=False)
    mean = study.mean[study.mean.series == "iterative-reset"]
    assert list(trace(figure, "accuracy").y) == mean.accuracy_noisy.tolist()
    assert list(trace(figure, "soft IoU").y) == mean.soft_iou.tolist()
    assert "n = 10,000" in figure.layout.title.text


@pytest.mark.parametrize("fitting", FITTINGS)
def test_the_fitting_decides_what_both_figures_show(study: StudyTables, fitting: str) -> None:
    name, mean = plots_study.overlap_name(fitting), study.mean_series(fitting)
    main, against = plots_study.curves(study, "level", (), False, fitting), plots_study.scatter(study, False, fitting)
    assert list(trace(main, name.split(" (")[0]).y) == list(against.data[0].y) == mean.overlap.tolist()
    seeds = [list(part.y) for part in main.data if part.name == "seed 334"]
    rows = study.levels[(study.levels.series == "iterative-reset") & (study.levels.seed == 334)]
    assert rows[overlap_column(fitting)].tolist() in seeds
    for figure in (main, against):
        assert name in figure.layout.yaxis.title.text.replace("<br>", " ")
        assert name.replace(", upper bound", "") in figure.layout.title.text.replace("<br>", " ")
    assert "n = " in main.layout.title.text
    assert list(trace(main, "accuracy").y) == mean.accuracy_noisy.tolist()


def test_fittings_differ_and_the_band_is_the_interval(study: StudyTables) -> None:
    drawn = {fitting: plots_study.curves(study, "level", (), False, fitting) for fitting in FITTINGS}
    assert len(
        {tuple(trace(figure, "soft IoU" if fitting == "soft-iou" else "IoU").y) for fitting, figure in drawn.items()}
    ) == len(FITTINGS)
    for fitting, figure in drawn.items():
        bands = [list(part.y) for part in figure.data if part.line.width == 0]
        assert study.mean_series(fitting).overlap_low.tolist() in bands
        assert study.mean_series(fitting).overlap_high.tolist() in bands


def test_what_is_known_by_soft_iou_only_is_left_out_elsewhere(study: StudyTables) -> None:
    soft = plots_study.curves(study, "level", ("one-shot",), published=True)
    other = plots_study.curves(study, "level", ("one-shot",), published=True, fitting="top-p-of-ink")
    dashed = [sum(part.line.dash == "dash" for part in figure.data) for figure in (soft, other)]
    assert dashed == [2, 1]
    assert [note.text for note in other.layout.annotations] == ["collapsed"]
    assert "published peak: about 0.21" in [note.text for note in soft.layout.annotations]


def test_a_mean_without_interval_has_no_band(study: StudyTables) -> None:
    older = replace(study, mean=study.mean[[name for name in study.mean if not name.startswith("top-p-of-ink")]])
    figure = plots_study.curves(older, "level", (), False, "top-p-of-ink")
    assert sum(part.line.width == 0 for part in figure.data) == 2  # accuracy's two bounds
    assert list(trace(figure, "IoU").y) == pytest.approx(study.mean_series("top-p-of-ink").overlap, rel=1e-4)


def test_titles_are_in_lines_that_a_phone_shows(study: StudyTables) -> None:
    figures = [plots_study.map_statistics(study, "level"), plots_study.correct_against_wrong(study)]
    for fitting in FITTINGS:
        figures += [plots_study.curves(study, "ratio", (), True, fitting), plots_study.scatter(study, True, fitting)]
    assert max(len(line) for figure in figures for line in figure.layout.title.text.split("<br>")) <= 32
    assert max(len(line) for axis in plots_study.AXES.values() for line in axis.split("<br>")) <= 32


def test_the_offline_page_needs_no_internet(study: StudyTables) -> None:
    figure = plots_study.scatter(study, without_collapsed=False)
    page = plots_study.offline_page(figure, "here")
    assert "plotly.js v" in page
    assert not re.search(r"<(script|link)[^>]+(src|href)=", page)
    assert '"format": "svg"' in page or '"format":"svg"' in page
    assert figure.layout.xaxis.fixedrange  # the figure that was given is as it was


def test_positions_on_each_axis(study: StudyTables) -> None:
    rows = study.mean[study.mean.series == "iterative-reset"]
    assert plots_study.positions(rows, "level", 22).tolist() == list(range(26))
    assert plots_study.positions(rows, "sparsity", 22).iloc[-1] == pytest.approx(1 - 2 / 2324, abs=1e-6)
    assert plots_study.positions(rows, "density", 22).iloc[1] == pytest.approx(WEIGHTS_LEFT[1] / 2324, abs=1e-6)
    assert plots_study.positions(rows, "ratio", 22).tolist() == pytest.approx(
        [2346 / (left + 22) for left in WEIGHTS_LEFT]
    )


def test_each_seed_has_its_line_and_controls_come_on_demand(study: StudyTables) -> None:
    plain = plots_study.curves(study, "level", (), published=False)
    both = plots_study.curves(study, "level", ("one-shot", "random"), published=True)
    assert sum(part.name == "seed 334" for part in plain.data) == 2
    names = {part.name for part in both.data} - {part.name for part in plain.data}
    assert names == {label for label, _ in plots_study.CONTROLS.values()} | {"published (n = 10,000)"}
    assert trace(both, "published (n = 10,000)").y == (PUBLISHED["accuracy_noisy_level_0"],)


def test_collapsed_levels_are_marked_on_every_axis(study: StudyTables) -> None:
    assert len(plots_study.curves(study, "level", (), published=False).layout.shapes) == 1
    line = trace(plots_study.curves(study, "density", (), published=False), "collapsed")
    assert line.x[0] == pytest.approx(2 / 2324, abs=1e-6)


def test_scatter_leaves_collapsed_levels_out(study: StudyTables) -> None:
    everything, fewer = (
        plots_study.scatter(study, without_collapsed=False),
        plots_study.scatter(study, without_collapsed=True),
    )
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
