"""The study: evaluated image by image, resumable, tabulated; shipped tables are sound; damaged ones
are named.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas
import pytest

from core.base.errors import BadFile, MissingData
from core.base.settings import shipped_folder
from core.data.digit_inputs import DigitInputs
from core.disk.frames import read_frame, write_frame
from core.engine.engine import Engine
from core.evaluation import evaluate as evaluation
from core.measures.fitting import FITTINGS
from core.protocols.lukkien.analysis import analyse
from core.protocols.lukkien.images import SERIES, Cell, Rows, Study, evaluate
from core.protocols.lukkien.protocol import CAM, SEEDS, WEIGHTS_LEFT, Plan
from core.protocols.lukkien.study import evaluation_data, write_tables
from core.protocols.lukkien.tables import TABLES, StudyTables, load_images, load_study, overlap_column, study_folder
from core.protocols.lukkien.text import summary
from core.specs import CamSpec, DataSpec, ImageRef
from core.stats.correlation import correlation
from core.sweeps.sweep import Sweep
from tests.protocols.damage import DAMAGES, damage

SHIPPED = shipped_folder()
DIGITS = evaluation_data("mnist-55000")
Read = Callable[[Cell], Rows]
STUDIES = [("mnist-60000", "mnist-test+noise-0.2-s0"), ("mnist-55000", "digits+noise-0.2-s0")]


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    return Engine("cpu", tmp_path_factory.mktemp("study"))


@pytest.fixture(scope="module")
def study(own: Engine) -> Study:
    made = Study(Plan(weights="mnist-55000", seeds=(333, 334), levels=25), DIGITS, 250)
    assert sum(not step.found for step in evaluate(made, own)) == 2 * 3 * 2 * 26
    return made


@pytest.fixture(scope="module")
def read(study: Study, own: Engine) -> Read:
    """The rows and facts of a network, by its cell."""
    found: dict[Cell, Rows] = {}
    for series in SERIES:
        rows = study.read(own, series)
        assert rows is not None
        found |= dict(zip(study.cells(series), rows, strict=True))
    return found.__getitem__


@pytest.fixture(scope="module")
def tables(study: Study, own: Engine) -> StudyTables:
    return write_tables(study, own)


@pytest.mark.long
def test_each_row_is_what_the_engine_says_of_that_image(read: Read, engine: Engine) -> None:
    cell = Cell(series="iterative-reset", seed=333, level=7)
    frame, facts = read(cell)
    for row in (0, 100, 249):
        image = ImageRef(name=str(frame.image[row]))
        single = engine.compare(cell.variant("mnist-55000"), image, CAM)
        assert frame.predicted_noisy[row] == single.pruned.prediction.top
        assert frame.soft_iou[row] == pytest.approx(single.overlap_pruned["soft-iou"], abs=1e-5)
        clean = engine.heatmap(cell.variant("mnist-55000"), replace(image, noise=0), CAM)
        assert frame.predicted_clean[row] == clean.prediction.top
        assert frame.label[row] == single.picture.label
    assert facts["kept"] == WEIGHTS_LEFT[7]
    assert len(frame) == 250


@pytest.mark.parametrize("series", SERIES)
def test_controls_keep_as_many_weights_as_the_levels(read: Read, series: str) -> None:
    left = [read(Cell(series=series, seed=334, level=level))[1]["kept"] for level in range(26)]
    assert tuple(left) == WEIGHTS_LEFT


def test_what_is_evaluated_is_found_and_what_is_damaged_is_done_again(study: Study, own: Engine, read: Read) -> None:
    cell = Cell(series="iterative-reset", seed=333, level=4)
    variant, sweep = cell.variant("mnist-55000"), Sweep(own, study.sweeps(cell.series)[0])
    sweep.tables.path(sweep.cells(variant)[1]).write_bytes(b"PAR1 but not really")
    assert study.read(own, cell.series) is None
    assert sum(not step.found for step in evaluate(study, own)) == 1
    again = study.read(own, cell.series)
    assert again is not None
    pandas.testing.assert_frame_equal(again[study.cells(cell.series).index(cell)][0], read(cell)[0])


def test_level_rows_are_counts_and_means_of_the_images(read: Read, tables: StudyTables) -> None:
    rows = tables.levels.set_index(["series", "seed", "level"])
    for seed, level in [(333, 0), (334, 13), (333, 22)]:
        frame, facts = read(Cell(series="iterative-reset", seed=seed, level=level))
        row = rows.loc[("iterative-reset", seed, level)]
        right = frame.predicted_noisy == frame.label
        assert row.correct_noisy == right.sum()
        assert row.accuracy_clean == pytest.approx((frame.predicted_clean == frame.label).mean())
        assert row.soft_iou == pytest.approx(frame.soft_iou.mean(), rel=1e-5)
        assert row.soft_iou_low <= row.soft_iou <= row.soft_iou_high
        assert row.empty_maps == frame["empty"].sum()
        assert row.collapsed == facts["collapsed"]
        if right.any():
            assert row.soft_iou_correct == pytest.approx(frame.soft_iou[right].mean(), rel=1e-5)
        assert row["best-single-threshold"] == pytest.approx(frame["best-single-threshold"].mean(), rel=1e-5)
        assert row.threshold == frame["single-threshold"].unique()
        assert row["top-p-of-ink"] == pytest.approx(frame["top-p-of-ink"].mean(), rel=1e-5)
        kept = frame[~frame["empty"]]
        assert row.soft_iou_without_empty == pytest.approx(kept.soft_iou.mean(), rel=1e-5, nan_ok=True)


def test_without_empty_maps_the_sign_depends_on_the_method(engine: Engine) -> None:
    """Over the maps that remain, only Grad-CAM++ before the ReLU gives signs that differ between
    the seeds; Grad-CAM gives none below 0.
    """
    usable = load_study([SHIPPED], "mnist-55000", DIGITS.key).correlations_usable
    of_seeds = usable.query(
        "series != 'mean' and levels == 'all' and fitting == 'soft-iou' and coefficient == 'pearson'"
    ).value
    assert of_seeds.min() < 0 < of_seeds.max()
    everything = engine.inputs(DIGITS)
    inputs = DigitInputs(everything.clean[::50], everything.labels[::50], everything.seen[::50])  # 100 digits
    cam = CamSpec(method="grad-cam", layer="conv2", target="own")
    for seed in SEEDS:
        accuracy, overlap = [], []
        for level in range(26):
            with engine.store.borrow(
                Cell(series="iterative-reset", seed=seed, level=level).variant("mnist-55000")
            ) as network:
                rows = evaluation.evaluate(network, inputs, ("right", "soft-iou", "usable"), cam).rows
            accuracy.append(rows["right"].mean())
            overlap.append(rows["soft-iou"][rows["usable"]].mean())
        assert correlation("pearson", accuracy, overlap).value > 0.2


def test_correlations_are_those_of_the_level_rows(tables: StudyTables) -> None:
    levels = tables.levels[(tables.levels.series == "iterative-reset") & (tables.levels.seed == 333)]
    for name, chosen in (("all", levels), ("without collapsed", levels[~levels.collapsed])):
        expected = np.corrcoef(chosen.accuracy_noisy, chosen.soft_iou)[0, 1]
        rows = tables.correlations.query("series == '333' and fitting == 'soft-iou' and coefficient == 'pearson'")
        found = rows[rows["levels"] == name]
        assert found.value.item() == pytest.approx(expected, abs=1e-6)
        assert (found.n.item(), found.df.item()) == (len(chosen), len(chosen) - 2)
        assert found.low.item() <= found.value.item() + 0.02


def test_usable_maps_only_leaves_empty_ones_out(read: Read, tables: StudyTables) -> None:
    frames = [read(Cell(series="iterative-reset", seed=333, level=level))[0] for level in range(26)]
    means = [frame.soft_iou[~frame["empty"]].mean() for frame in frames]
    accuracy = [(frame.predicted_noisy == frame.label).mean() for frame in frames]
    kept = ~np.isnan(means)
    expected = np.corrcoef(np.array(accuracy)[kept], np.array(means)[kept])[0, 1]
    found = tables.correlations_usable.query(
        "series == '333' and levels == 'all' and fitting == 'soft-iou' and coefficient == 'pearson'"
    )
    assert found.value.item() == pytest.approx(expected, abs=1e-5)
    assert found.n.item() == kept.sum()


@pytest.mark.parametrize("fitting", FITTINGS)
def test_the_mean_series_is_the_mean_of_the_seeds(tables: StudyTables, fitting: str) -> None:
    rows, thesis = tables.mean_series(fitting), tables.levels[tables.levels.series == "iterative-reset"]
    of_seeds = thesis.groupby("level")[overlap_column(fitting)].mean()
    assert rows.overlap.tolist() == pytest.approx(of_seeds.tolist(), rel=1e-6)
    assert ((rows.overlap_low <= rows.overlap) & (rows.overlap <= rows.overlap_high)).all()
    assert (rows.overlap_high > rows.overlap_low)[rows.level < 10].all()


def test_tables_without_a_fittings_intervals_still_have_its_mean(tables: StudyTables) -> None:
    older = replace(tables, mean=tables.mean[[name for name in tables.mean if not name.startswith("top-p-of-ink")]])
    rows = older.mean_series("top-p-of-ink")
    assert rows.overlap.tolist() == pytest.approx(tables.mean_series("top-p-of-ink").overlap.tolist(), rel=1e-6)
    assert rows.overlap_low.isna().all()
    assert older.fittings() == list(FITTINGS)


def test_tables_say_which_intervals_they_have(tables: StudyTables) -> None:
    """Of the runs on 60,000 images only the tables are left, with the percentile intervals of an
    earlier version.
    """
    shipped = {weights: load_study([SHIPPED], weights, data).about_intervals for weights, data in STUDIES}
    assert tables.about_intervals.startswith("Intervals: 95 %, symmetric, from 250 images")
    assert shipped["mnist-55000"].endswith("they hold for at least 100 images.")
    assert shipped["mnist-60000"].startswith("Intervals: 95 %, percentiles, from 10,000 images")
    assert shipped["mnist-60000"] in summary(load_study([SHIPPED], *STUDIES[0]))


def test_a_fitting_that_a_study_does_not_know_is_not_offered(tables: StudyTables) -> None:
    older = replace(tables, levels=tables.levels.drop(columns="top-p-of-ink"))
    assert older.fittings() == [name for name in FITTINGS if name != "top-p-of-ink"]


@pytest.mark.long
def test_analysis_is_repeatable(study: Study, own: Engine, tables: StudyTables) -> None:
    again = analyse(study, own)
    assert all(getattr(again, name).equals(getattr(tables, name)) for name in TABLES)


def test_written_tables_are_read_back(own: Engine, tables: StudyTables) -> None:
    found = load_study([own.folder], "mnist-55000", DIGITS.key)
    assert found.facts == tables.facts
    for name in TABLES:
        pandas.testing.assert_frame_equal(getattr(found, name), getattr(tables, name), rtol=1e-5, check_dtype=False)


@pytest.mark.parametrize(("weights", "data"), STUDIES)
def test_shipped_studies_are_whole(weights: str, data: str) -> None:
    found = load_study([SHIPPED], weights, data)
    thesis = found.levels[found.levels.series == "iterative-reset"]
    assert sorted(thesis.seed.unique()) == list(SEEDS)
    assert (thesis.groupby("seed").weights_left.apply(tuple) == WEIGHTS_LEFT).all()
    assert thesis.train_images.unique().tolist() == [int(weights.removeprefix("mnist-"))]
    assert set(found.levels.series) == set(SERIES)
    assert thesis[thesis.level == 25].collapsed.all()
    assert found.correlations.query("levels == 'all' and fitting == 'soft-iou'").df.tolist() == [24] * 12
    assert found.other_parameters == 22


@pytest.mark.parametrize("fitting", FITTINGS)
@pytest.mark.parametrize(("weights", "data"), STUDIES)
def test_shipped_correlations_are_those_of_the_shipped_mean_series(weights: str, data: str, fitting: str) -> None:
    """Two ways to the same number: the level means that are drawn, and the correlation that is
    printed beside them.
    """
    found = load_study([SHIPPED], weights, data)
    mean = found.mean_series(fitting)
    rows = found.correlations.query("series == 'mean' and levels == 'all' and coefficient == 'pearson'")
    printed = rows[rows.fitting == fitting].value.item()
    assert np.corrcoef(mean.accuracy_noisy, mean.overlap)[0, 1] == pytest.approx(printed, abs=1e-4)
    assert mean.overlap_low.notna().all()


def test_shipped_accuracy_of_the_study_is_that_of_the_accuracy_table(engine: Engine) -> None:
    found = load_study([SHIPPED], *STUDIES[1]).levels
    for row in found[(found.series == "iterative-reset") & (found.level % 5 == 0)].itertuples():
        variant = Cell(series=row.series, seed=row.seed, level=row.level).variant("mnist-55000")
        assert engine.known_accuracy(variant, DataSpec(noise=0.2)).correct == row.correct_noisy
        assert engine.known_accuracy(variant, DataSpec()).correct == row.correct_clean


def test_shipped_per_image_results_give_the_shipped_means() -> None:
    packed, _ = read_frame(study_folder(SHIPPED, *STUDIES[1]) / "per-image.parquet")
    means = (packed.groupby(["seed", "level"]).soft_iou.mean() / 65535).reset_index()
    levels = load_study([SHIPPED], *STUDIES[1]).levels
    thesis = levels[levels.series == "iterative-reset"].sort_values(["seed", "level"])
    assert np.allclose(means.soft_iou, thesis.soft_iou, atol=1e-5)


@pytest.mark.parametrize(("how", "said"), DAMAGES.items())
def test_damaged_tables_are_named(tmp_path: Path, how: str, said: str) -> None:
    folder = study_folder(tmp_path, *STUDIES[1])
    shutil.copytree(study_folder(SHIPPED, *STUDIES[1]), folder)
    damage(folder, how)
    with pytest.raises(BadFile, match=said):
        load_study([tmp_path], *STUDIES[1])


def test_an_unknown_study_says_which_there_are() -> None:
    with pytest.raises(MissingData) as caught:
        load_study([SHIPPED], "mnist-1000", "digits")
    assert "mnist-60000 on mnist-test+noise-0.2-s0" in caught.value.allowed


def test_an_unfinished_series_is_not_tabulated(study: Study, tmp_path: Path) -> None:
    with pytest.raises(MissingData, match="have not been evaluated"):
        analyse(study, Engine("cpu", tmp_path))


def test_tables_of_another_version_or_without_a_column_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write_frame(path, pandas.DataFrame({"x": [1.0]}), {"seed": 3})
    assert read_frame(path, ["x"])[1]["seed"] == 3
    with pytest.raises(BadFile, match="lacks the columns y"):
        read_frame(path, ["y"])
    pandas.DataFrame({"x": [1.0]}).to_parquet(path)
    with pytest.raises(BadFile, match="version None"):
        read_frame(path)


def test_a_short_trial_run_does_not_hide_the_whole_study(tmp_path: Path) -> None:
    trial, engine = Study(Plan(weights="mnist-55000", seeds=(333,), levels=1), DIGITS, 250), Engine("cpu", tmp_path)
    list(evaluate(trial, engine))
    tables = write_tables(trial, engine)
    assert tables.correlations.value.isna().all()  # two levels have no correlation
    assert "undefined" in summary(tables)
    assert load_study([tmp_path], *STUDIES[1]).facts["levels"] == 1
    assert load_study([tmp_path, SHIPPED], *STUDIES[1]).facts["levels"] == 25


def test_means_without_empty_maps_are_those_of_the_images(engine: Engine) -> None:
    """Exact for the study that is included, whose tables know nothing of it."""
    study, images = (read(engine.roots, "mnist-55000", "digits+noise-0.2-s0") for read in (load_study, load_images))
    thesis = study.levels[study.levels.series == "iterative-reset"].set_index(["seed", "level"])
    expected = images[~images["empty"]].groupby(["seed", "level"]).soft_iou.mean().reindex(thesis.index)
    np.testing.assert_allclose(thesis.soft_iou_without_empty, expected, atol=1e-4)
    assert thesis.empty_maps.tolist() == images.groupby(["seed", "level"])["empty"].sum().reindex(thesis.index).tolist()
    mean = study.mean_series().set_index("level")
    assert (mean.maps == 15_000).all()
    np.testing.assert_allclose(mean.overlap_without_empty, expected.groupby("level").mean(), atol=1e-4)
