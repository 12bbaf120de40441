"""The GoogLeNet study's figures show the numbers of its tables, for finished and unfinished
studies.
"""

from __future__ import annotations

import pytest
from pandas import DataFrame

from core.figures.plots import googlenet as plots_vonrad
from core.protocols.googlenet.interpretability import beside_accuracy
from core.protocols.googlenet.protocol import PRUNINGS, RATES
from core.protocols.googlenet.tables import EPOCHS, LEVELS, SCORES, Scores, VonradTables
from core.stats.intervals import wilson

TOTAL, PARAMETERS, MACS = 400, 1000, 50_000


def row(pruning: str, retraining: str, rate: float, correct: int, seed: int = 0) -> dict[str, object]:
    low, high = wilson(correct, TOTAL)
    left, macs = round(PARAMETERS * (1 - rate)), round(MACS * (1 - rate / 2))
    given = {
        "seed": seed,
        "pruning": pruning,
        "retraining": retraining,
        "level": 1 + RATES.index(rate) if rate else 0,
        "rate": rate,
        "sparsity": rate,
        "correct": correct,
        "total": TOTAL,
        "accuracy": correct / TOTAL,
        "low": low,
        "high": high,
        "parameters": PARAMETERS,
        "parameters_left": left,
        "multiply_adds": MACS,
        "multiply_adds_left": macs,
        "physical_parameters": float(left),
        "physical_multiply_adds": float(macs),
    }
    return {name: given.get(name, 0) for name in LEVELS}


def tables(prunings: tuple[str, ...] = ("unstructured", "filters"), seeds: tuple[int, ...] = (0,)) -> VonradTables:
    rows = [row("dense", "dense", 0.0, 360 + seed, seed) for seed in seeds]
    rows += [
        row(pruning, how, rate, round(350 * (1 - rate)) + 3 * place + seed, seed)
        for seed in seeds
        for pruning in prunings
        for place, how in enumerate(("none", "one-shot", "iterative"))
        for rate in RATES
    ]
    epochs = [
        {
            "seed": seed,
            "pruning": pruning,
            "retraining": "one-shot",
            "level": 5,
            "rate": 0.89,
            "epoch": epoch,
            "loss": 1.0,
            "correct": 30 * epoch + seed,
            "total": 200,
        }
        for seed in seeds
        for pruning in prunings
        for epoch in (1, 2, 3)
    ]
    epochs += [
        {
            "seed": seed,
            "pruning": "dense",
            "retraining": "dense",
            "level": 0,
            "rate": 0.0,
            "epoch": epoch,
            "loss": 1.0,
            "correct": right,
            "total": 200,
        }
        for seed in seeds
        for epoch, right in ((1, 150), (2, 180), (3, 170))
    ]
    facts = {"runs": {str(seed): {"classes": list("abcde")} for seed in seeds}}
    return VonradTables("a@b", facts, DataFrame(rows, columns=list(LEVELS)), DataFrame(epochs, columns=list(EPOCHS)))


def scored(study: VonradTables) -> VonradTables:
    """The same study, its networks' units scored by pixels."""
    columns = [f"{name}-pixels" for name in ("mis", "low", "high", "right", "shuffled", "weighted")]
    found = []
    for place, row in enumerate(study.levels.itertuples()):
        mis = 0.55 + 0.002 * place
        head = (row.seed, row.pruning, row.retraining, row.level, row.rate, "own", "retrained", row.rate, 200)
        found.append((*head, row.correct // 2, 30, place % 4, 0.5, mis, mis - 0.01, mis + 0.02, 0.6, 0.5, mis))
    untrained = (0, "untrained", "untrained", 0, 0.0, "random", "none", 0.0, 200, 20, 30, 0, 0.0)
    found.append((*untrained, 0.62, 0.61, 0.63, 0.6, 0.5, 0.6))
    facts = {
        "n": 200,
        "tasks": 10,
        "comparable": False,
        "layers": ["conv1", "conv2"],
        "similarities": ["pixels"],
        "relevance_images": 100,
    }
    rows = DataFrame(found, columns=[*SCORES, *columns])
    scores = Scores(rows, {"runs": {str(seed): facts for seed in study.seeds()}})
    return VonradTables(study.model, study.facts, study.levels, study.epochs, scores)


def lines(figure: object) -> list:
    return [trace for trace in figure.data if trace.x is not None and trace.x[0] is not None]


def test_without_retraining_shows_counts_and_intervals() -> None:
    study = tables()
    figure = plots_vonrad.without_retraining(study)
    assert [trace.name for trace in lines(figure)] == ["unstructured", "filters"]
    for trace, pruning in zip(lines(figure), ("unstructured", "filters"), strict=True):
        rows = study.series(pruning, "none", 0)
        assert list(trace.x) == [0.0, *RATES]
        assert list(trace.y) == list(rows.accuracy)
        assert [y - below for y, below in zip(trace.y, trace.error_y.arrayminus, strict=True)] == pytest.approx(
            list(rows.low)
        )
        assert [y + above for y, above in zip(trace.y, trace.error_y.array, strict=True)] == pytest.approx(
            list(rows.high)
        )


def test_iterative_and_one_shot_are_told_apart_and_named_once() -> None:
    figure = plots_vonrad.iterative_and_one_shot(tables(seeds=(0, 1)))
    assert len(lines(figure)) == 2 * 2 * 2
    assert {trace.line.dash for trace in lines(figure)} == {"solid", "dash"}
    assert sorted(trace.name for trace in figure.data if trace.showlegend is not False) == [
        "filters",
        "iterative",
        "one-shot",
        "unstructured",
    ]


def test_the_curve_counts_validation_images() -> None:
    figure = plots_vonrad.curve(tables())
    assert "n = 200" in figure.layout.title.text
    assert list(lines(figure)[0].y) == [0.15, 0.3, 0.45]
    assert figure.layout.shapes[0].y0 == 0.9  # the dense network on the same images, its best epoch
    assert "No network pruned by 70 %" in plots_vonrad.curve(tables(), 0.7).layout.title.text


@pytest.mark.parametrize("cost", plots_vonrad.COSTS)
def test_methods_stand_over_their_share_of_the_dense_networks_cost(cost: str) -> None:
    study = tables()
    column = plots_vonrad.COSTS[cost][0]
    figure = plots_vonrad.methods(study, cost)
    assert len(lines(figure)) == 6
    whole = PARAMETERS if "parameters" in column else MACS
    assert list(lines(figure)[0].x) == pytest.approx(
        [value / whole for value in study.series("unstructured", "none", 0)[column]]
    )
    assert lines(figure)[0].x[0] == 1


def test_interpretability_stands_over_the_rate_a_line_a_method() -> None:
    """The paper's figure 5."""
    study = scored(tables())
    figure = plots_vonrad.interpretability(study, "pixels")
    drawn, rows = lines(figure), beside_accuracy(study)
    assert len(drawn) == 2 * 3
    for trace in drawn:
        pruning, retraining = next(
            (pruning, how)
            for pruning in PRUNINGS
            for how in plots_vonrad.DASHES
            if trace.hovertemplate.endswith(f"<extra>{plots_vonrad.NAMES[pruning]}, {how}</extra>")
        )
        own = rows[(rows.pruning == "dense") | ((rows.pruning == pruning) & (rows.retraining == retraining))]
        own = own.sort_values("rate")
        assert list(trace.x) == [0.0, *RATES] == list(own.rate)
        assert list(trace.y) == list(own["mis-pixels"])
        assert list(trace.customdata[:, 0]) == list(own.accuracy)
        assert list(trace.y - trace.error_y.arrayminus) == pytest.approx(list(own["low-pixels"]))
        assert list(trace.y + trace.error_y.array) == pytest.approx(list(own["high-pixels"]))
    assert [shape.y0 for shape in figure.layout.shapes] == [0.55, 0.62, 0.5]  # dense, untrained, random exemplars
    assert "n = 30 units, 200 images" in figure.layout.title.text
    named = [trace.name for trace in figure.data if trace.showlegend is not False]
    assert sorted(named) == ["filters", "iterative", "not retrained", "one-shot", "unstructured"]


def test_two_seeds_have_a_line_each() -> None:
    assert len(lines(plots_vonrad.interpretability(scored(tables(seeds=(0, 1))), "pixels"))) == 2 * 2 * 3


def test_dense_and_chance_are_lines() -> None:
    heights = [shape.y0 for shape in plots_vonrad.without_retraining(tables()).layout.shapes]
    assert heights == [0.9, 0.2]


@pytest.mark.long
def test_an_unfinished_study_is_drawn_as_far_as_it_is() -> None:
    study = tables()
    for rows in range(1, len(study.levels)):
        part = VonradTables(study.model, study.facts, study.levels.head(rows), study.epochs.head(0))
        for draw in (
            plots_vonrad.without_retraining,
            plots_vonrad.iterative_and_one_shot,
            plots_vonrad.curve,
            plots_vonrad.methods,
        ):
            assert draw(part).layout.title.text


def test_every_pruning_looks_different() -> None:
    assert len(set(plots_vonrad.COLOURS.values())) == len(set(plots_vonrad.SYMBOLS.values())) == len(PRUNINGS)
