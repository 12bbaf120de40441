"""Choices of the thesis: every combination once, as the study and slow definitions give it."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest

from core.base.errors import BadFile, MissingData
from core.base.settings import shipped_folder
from core.data.digit_inputs import DigitInputs
from core.disk.frames import write_frame
from core.engine.engine import Engine
from core.figures.plots import specification
from core.protocols.lukkien.choices import CHOICES, THESIS, Said, combinations, sweep_of
from core.protocols.lukkien.images import Cell, Study, evaluate
from core.protocols.lukkien.protocol import PUBLISHED, Plan
from core.protocols.lukkien.sensitivity import MEAN, Sensitivity, analyse, is_of, load_sensitivity, table_path, write
from core.protocols.lukkien.sensitivity_text import choices_text, counts, facts, summary
from core.protocols.lukkien.study import evaluation_data
from core.protocols.lukkien.tables import load_study
from core.saliency.capture import capture, own_class
from core.specs import PruningSpec
from core.stats.correlation import correlation
from core.sweeps.sweep import Sweep
from tests.reference import fitting as slow_fitting
from tests.reference import measures as slow
from tests.reference import saliency as slow_saliency

DATA = evaluation_data("mnist-55000")
PLAN = Plan(weights="mnist-55000", seeds=(333, 334))
LEVELS = (0, 12, 16, 20)  # far enough apart that a few images tell their accuracies
IMAGES = 40
ASKED = replace(sweep_of(PLAN, DATA, IMAGES), prunings=tuple(map(PruningSpec.at_level, LEVELS)))


class FewLevels(Study):
    def cells(self, series: str) -> list[Cell]:
        return [cell for cell in super().cells(series) if cell.level in LEVELS]


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Sweep:
    made = Sweep(Engine(folder=tmp_path_factory.mktemp("sensitivity"), device="cpu"), ASKED)
    list(made.run())
    return made


@pytest.fixture(scope="module")
def result(sweep: Sweep) -> Sensitivity:
    *_, (done, total, found) = analyse(sweep)
    assert done == total
    assert found is not None
    return found


@pytest.fixture(scope="module")
def included() -> Sensitivity:
    return load_sensitivity([shipped_folder()], "mnist-55000", DATA.key)


def test_every_combination_is_there_once(result: Sensitivity) -> None:
    sizes = [len(choice.options) for choice in CHOICES.values()]
    assert len(combinations()) == math.prod(sizes) == 168
    for series in ("333", "334", MEAN):
        assert result.of(series)[list(CHOICES)].to_dict("records") == combinations()
    assert len(result.rows) == 3 * 168


def test_the_combination_of_the_thesis_is_the_study(result: Sensitivity, tmp_path: Path) -> None:
    study, own = FewLevels(replace(PLAN, seeds=(333,)), DATA, IMAGES), Engine("cpu", tmp_path)
    list(evaluate(study, own))
    found = study.read(own, "iterative-reset")
    assert found is not None
    tables = [frame for frame, _ in found]
    accuracy = [(frame.predicted_noisy == frame.label).mean() for frame in tables]
    overlap = [frame.soft_iou.mean() for frame in tables]
    row = result.thesis("333")
    np.testing.assert_allclose(row.overlaps, overlap, rtol=1e-5)
    np.testing.assert_allclose(result.facts["accuracy"]["333"], accuracy)
    assert row.pearson == pytest.approx(correlation("pearson", accuracy, overlap).value, abs=1e-4)
    fitted = result.of("333").set_index(list(CHOICES))
    for name in ("best-threshold-per-image", "top-p-of-ink", "histogram-matched"):
        place = tuple((THESIS | {"overlap": name}).values())
        np.testing.assert_allclose(fitted.loc[place].overlaps, [frame[name].mean() for frame in tables], rtol=1e-5)


def test_a_combination_is_what_the_definitions_give(result: Sensitivity, sweep: Sweep) -> None:
    """Grad-CAM after the pooling for the label, over every digit, in plain loops."""
    model = sweep.spec.models[1]
    whole, rows = sweep.inputs(model), sweep.rows(model)
    assert isinstance(whole, DigitInputs)
    labels, values = whole.labels[rows], {name: [] for name in CHOICES["overlap"].options}
    with sweep.engine.store.borrow(PLAN.variant(334, LEVELS[2])) as network:
        seen = capture(network, "pool2", whole.seen[rows][:, None], lambda logits: labels)
    for place, row in enumerate(rows.tolist()):
        cells = slow_saliency.grad_cam(seen.activations[place].numpy(), seen.gradients[place].numpy())
        ink = whole.clean[row].flatten().tolist()
        flat = slow_saliency.heatmap(cells, 28, 28).ravel().astype(np.float32).tolist()
        values["soft-iou"].append(slow.soft_iou(flat, ink))
        values["soft-iou-from-zero"].append(slow.soft_iou(slow_saliency.heatmap_from_zero(cells, 28, 28).ravel(), ink))
        values["iou-above-20"].append(slow.jaccard(flat, ink, 0.2))
        values["iou-above-50"].append(slow.jaccard(flat, ink, 0.5))
        values["top-p-of-ink"].append(slow_fitting.top_p_of_ink(flat, ink))
    rows_of = result.of("334").set_index(list(CHOICES))
    for name in ("soft-iou", "soft-iou-from-zero", "iou-above-20", "iou-above-50", "top-p-of-ink"):
        found = rows_of.loc["pool2", "grad-cam", "label", name, "zero"].overlaps[2]
        assert found == pytest.approx(np.mean(values[name]), abs=2e-3 if name.startswith("iou") else 1e-4)
    assert own_class(seen.logits).ne(labels).any()  # so that the label is not the network's own class for all


def test_the_mean_and_what_one_choice_moves(result: Sensitivity) -> None:
    rows = result.of().set_index(list(CHOICES))
    place = tuple(THESIS.values())
    seeds = np.stack([result.thesis(seed).overlaps for seed in ("333", "334")])
    np.testing.assert_allclose(rows.loc[place].overlaps, seeds.mean(axis=0), rtol=1e-6)
    spreads = []
    for others in product(*(choice.options for name, choice in CHOICES.items() if name != "empty")):
        values = [rows.loc[(*others, kept)].pearson for kept in CHOICES["empty"].options]
        spreads.append(max(values) - min(values))
    shift = result.shifts().loc["empty"]
    assert shift["mean"] == pytest.approx(np.mean(spreads), abs=1e-6)
    assert (shift["largest"], shift["comparisons"]) == (pytest.approx(max(spreads), abs=1e-6), 84)
    assert len(result.as_stated()) == math.prod(
        len(choice.options) for choice in CHOICES.values() if choice.said is not Said.STATED
    )


def test_the_table_is_read_as_it_was_written(result: Sensitivity, tmp_path: Path) -> None:
    path = write(tmp_path, result)
    again = load_sensitivity([tmp_path], "mnist-55000", DATA.key)
    assert again.rows.pearson.equals(result.rows.pearson)
    assert again.facts["images"] == IMAGES
    assert load_study([tmp_path, shipped_folder()], "mnist-55000", DATA.key).facts["test_images"] == 5000  # not hidden
    both = load_sensitivity([tmp_path, shipped_folder()], "mnist-55000", DATA.key)
    assert both.facts["images"] == 1000  # a trial does not hide it
    write_frame(path, result.rows[1:], result.facts)
    with pytest.raises(BadFile, match="other combinations"):
        load_sensitivity([tmp_path], "mnist-55000", DATA.key)
    with pytest.raises(MissingData, match="protocol sensitivity lukkien --train-on 60000"):
        load_sensitivity([tmp_path], "mnist-60000", DATA.key)


def test_a_sweep_that_is_not_done_is_named(tmp_path: Path) -> None:
    unfinished = Sweep(Engine(folder=tmp_path, device="cpu"), ASKED)
    with pytest.raises(MissingData, match="resumes"):
        next(analyse(unfinished))


def test_the_included_table_is_small_and_agrees_with_the_study(included: Sensitivity) -> None:
    path = table_path(shipped_folder(), "mnist-55000", DATA.key)
    assert path.stat().st_size < 150_000
    assert included.series == ("333", "334", "335", MEAN)
    correlations = load_study([shipped_folder()], "mnist-55000", DATA.key).correlations
    study = correlations.query("levels == 'all' and fitting == 'soft-iou' and coefficient == 'pearson'")
    for series, value in zip(study.series, study.value, strict=True):
        row = included.thesis(series)
        assert row.pearson_low - 0.01 <= value <= row.pearson_high + 0.01
        assert row["levels"] == 26


def test_text_and_facts_count_the_same(included: Sensitivity) -> None:
    found, text = facts(included), summary(included)
    rows = included.of()
    assert found["counts"][MEAN]["all"] == counts(rows)
    assert len(found["rows"]) == 4 * 168
    assert f"Of 168 intervals, {(rows.pearson_low > 0).sum()} lie above 0" in text
    assert f"{(rows.pearson >= PUBLISHED['pearson']).sum()} of 168 combinations reach the published 0.960" in text
    assert len(choices_text(included).rows) == 1 + sum(len(choice.options) for choice in CHOICES.values())


def test_the_figure_has_every_combination_and_alternative_text(included: Sensitivity) -> None:
    figure, rows = specification.curve(included), included.of()
    points = {
        x: y
        for part in figure.data
        if part.name in ("interval without 0", "interval with 0", "the thesis, as read here")
        for x, y in zip(part.x, part.y, strict=True)
    }
    assert [points[place] for place in range(168)] == sorted(rows.pearson)
    marks = [x for part in figure.data if part.yaxis == "y2" for x in part.x]
    assert all(marks.count(place) == len(CHOICES) for place in range(168))  # one option of each choice
    assert f"{PUBLISHED['pearson']:.3f}" in figure.layout.annotations[0].text
    alt = specification.alternative(included)
    assert "168 combinations" in alt
    assert f"{(rows.pearson >= PUBLISHED['pearson']).sum()} of 168 combinations" in alt


def test_a_table_of_other_networks_is_not_taken_for_these(included: Sensitivity, tmp_path: Path) -> None:
    engine = Engine("cpu", tmp_path)
    sweep = Sweep(engine, sweep_of(Plan(weights="mnist-55000"), DATA))
    assert is_of(included, sweep)
    key = sweep.variants[3].key
    tensors, about = engine.store.files.load(key)
    name = next(name for name in tensors if name.startswith("kept/"))
    engine.store.files.save(key, tensors | {name: tensors[name] * 2}, about)
    assert not is_of(included, Sweep(Engine("cpu", tmp_path), sweep.spec))
