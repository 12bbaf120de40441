"""`core.plots` has a function for every figure of the app, and each draws a real answer."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import pandas
import plotly.graph_objects as go
import pytest

import core
from core import CamSpec, DataSpec, Engine, ImageRef, PruningSpec, VariantSpec
from core.base.settings import REPOSITORY
from core.figures import plots
from core.figures.plots.lessons import Frame, Line, Spread
from core.figures.still_axes import written
from core.figures.stills import still
from core.protocols.googlenet import tables as googlenet
from core.units.included import unit_study

PRUNED = VariantSpec(pruning=PruningSpec.one_shot(0.7))
IMAGE = ImageRef(name="3500")
NOISY = DataSpec(noise=0.2)
FRAME = Frame(title="Shares (n = 2)", x="level", y="share")
EPOCHS = [{"stage": "epoch", "level": 0, "epoch": 1, "loss": 0.5, "correct": 90, "total": 100}]
DRAWN = re.compile(r"\b(?:plots|plots_\w+)\.([a-z]\w*)\(|figures\.plots\.series import (curve)\b")


def of_explore(engine: Engine) -> Iterator[tuple[str, Callable[[], go.Figure]]]:
    answer = engine.compare(PRUNED, IMAGE, CamSpec())
    steps = tuple(engine.follow(engine.series(PRUNED)[::10], IMAGE, CamSpec()))
    accuracies = engine.accuracy_curve(PRUNED, NOISY)
    shares = [(report.sparsity, accuracy.fraction) for report, accuracy in accuracies]
    yield "kept_weights", lambda: plots.kept_weights(answer.mask)
    yield "series_curve", lambda: plots.series_curve(shares, shares, answer.mask, 5000)
    yield "probabilities", lambda: plots.probabilities(answer, engine.card(PRUNED.model).classes)
    yield "threshold_curve", lambda: plots.threshold_curve(answer, 0.5)
    yield "followed", lambda: plots.followed(steps)
    yield "typical", lambda: plots.typical([answer.agreement], answer.agreement, ("Grad-CAM", "Layer-CAM"), 1)
    yield "one_at_a_time", lambda: plots.one_at_a_time(["conv1.weight"], [answer], 3)
    sweep = core.Sweep(engine, core.known_sweeps(engine.roots)["less-is-more"].read())
    yield "sweep_means", lambda: plots.sweep_means(core.sweep_answers.summary(sweep), "right")
    curves = core.sweep_curves.curves(sweep.spec, [*core.sweep_answers.parts(sweep)], ["right", "soft-iou"])
    yield "sweep_plane", lambda: plots.sweep_plane(curves, ["right", "soft-iou"], "box")
    asked = core.candidates.Decision(candidates=(PRUNED,), reference=PRUNED.dense, images=10)
    measured = core.candidates.measure_candidates(engine, asked, engine.folder)
    yield "candidates_pareto", lambda: plots.candidates_pareto(core.decision.decide(measured, core.decision.Limits()))
    yield "accuracy_curves", lambda: plots.accuracy_curves({"one-shot": accuracies})


def of_breaks(engine: Engine) -> Iterator[tuple[str, Callable[[], go.Figure]]]:
    sweep = core.Sweep(engine, core.known_sweeps(engine.roots)["forgotten-digits"].read())
    family = next(iter(core.sweep_families.families(sweep, ("agrees", "pearson")).values()))
    broken = list(core.sweep_breaks.by_threshold(family.rows, "pearson", (0.1, 0.5)))
    (population,) = core.sweep_forgotten.populations(sweep, "pearson").values()
    forgotten = list(core.sweep_forgotten.by_sparsity(population, "pearson"))
    yield "breaks_alive", lambda: plots.breaks_alive(broken[0])
    yield "breaks_thresholds", lambda: plots.breaks_thresholds(broken, 0.5)
    yield "breaks_order", lambda: plots.breaks_order(broken, 0.5)
    yield "breaks_heatmaps", lambda: plots.breaks_heatmaps({"Grad-CAM++": broken[0]})
    yield "forgotten_images", lambda: plots.forgotten_images(forgotten, 0.9)
    yield "forgotten_classes", lambda: plots.forgotten_classes(forgotten[1])


def of_protocols(engine: Engine) -> Iterator[tuple[str, Callable[[], go.Figure]]]:
    study = core.load_study(engine.roots, *core.found_studies(engine.roots)[0])
    choices = core.load_sensitivity(engine.roots, "mnist-55000", "digits+noise-0.2-s0")
    yield "study_specification", lambda: plots.study_specification(choices)
    series = [core.series_tables.load(engine.catalogue, core.series_images.found(engine.roots)[0])]
    small = googlenet.load(engine.roots, googlenet.found(engine.roots)[0])
    for name in ("study_curves", "study_scatter", "study_map_statistics", "study_correct_against_wrong"):
        yield name, lambda name=name: getattr(plots, name)(study)
    yield "retrained_curve", lambda: plots.retrained_curve(series)
    for name in ("without_retraining", "retrained", "epochs", "methods"):
        yield f"googlenet_{name}", lambda name=name: getattr(plots, f"googlenet_{name}")(small)
    yield "googlenet_interpretability", lambda: plots.googlenet_interpretability(small, "pixels")
    units = unit_study("digits", engine)
    of_units, networks = core.unit_answers.units(units, "conv2"), core.unit_answers.summary(units)
    one = of_units[of_units.network == units.variants[5].key]
    yield "units_distribution", lambda: plots.units_distribution(one, one, "pixels", {"untrained": 0.7})
    yield "units_against_sparsity", lambda: plots.units_against_sparsity(networks, "pixels", 0.5)
    yield "units_map", lambda: plots.units_map(one, "pixels")
    yield "training_loss", lambda: plots.training_loss(EPOCHS)
    yield "training_accuracy", lambda: plots.training_accuracy(EPOCHS)


def of_people() -> Iterator[tuple[str, Callable[[], go.Figure]]]:
    task = core.analyse(core.published_frame(), thorough=False).tasks[0]
    yield "people_shares", lambda: plots.people_shares(core.share_rows(task))
    predictors = pandas.DataFrame(
        [{"measure": "pearson", "label": "2 against 1", "value": 0.2, "low": 0.1, "high": 0.3, "n": 20}]
    )
    yield "people_predictors", lambda: plots.people_predictors(predictors)


def of_lessons() -> Iterator[tuple[str, Callable[[], go.Figure]]]:
    line = Line(name="kept", colour=plots.PRUNED, x=[0, 1], y=[1.0, 0.5])
    spread = Spread(name="kept", colour=plots.PRUNED, values=[0.1], low=[0.0], high=[0.2])
    yield "lesson_lines", lambda: plots.lesson_lines(FRAME, [line])
    yield "lesson_bars", lambda: plots.lesson_bars(FRAME, ["a"], [0.5])
    yield "lesson_scatter", lambda: plots.lesson_scatter(FRAME, [(0.9, 0.2, 0)])
    yield "lesson_race", lambda: plots.lesson_race(FRAME, ["7"], [0.5], [None])
    yield "lesson_spreads", lambda: plots.lesson_spreads(FRAME, ["a"], [spread])
    yield "lesson_changes", lambda: plots.lesson_changes(FRAME, [0.1, -0.1], 0.0)
    yield "lesson_bounds", lambda: plots.lesson_bounds(FRAME, [1], [spread])


def test_every_function_draws_a_real_answer(engine: Engine) -> None:
    drawn = dict([*of_explore(engine), *of_breaks(engine), *of_protocols(engine), *of_people(), *of_lessons()])
    assert set(drawn) == set(plots.FIGURES)
    for name, draw in drawn.items():
        figure = draw()
        assert isinstance(figure, go.Figure), name
        assert figure.data, name
        assert figure.layout.title.text, name
        _is_still_drawn(figure, name)


def _is_still_drawn(figure: go.Figure, name: str) -> None:
    """The still picture has the words of the figure, and the same bytes whenever it is drawn."""
    drawn = still(figure)
    words = {text.text for text in ElementTree.fromstring(drawn).iter("{http://www.w3.org/2000/svg}text")}
    for line in written(figure.layout.title.text).split("\n"):
        assert line in words, name
    shown = [trace for trace in figure.data if trace.name and trace.showlegend is not False]
    for trace in shown if figure.layout.showlegend else ():
        assert written(trace.name) in words, name
    assert drawn == still(figure), name


def figures_of_pages() -> set[str]:
    """The functions of core.figures.plots that pages call."""
    texts = [path.read_text(encoding="utf-8") for path in Path(REPOSITORY / "pages").rglob("*.py")]
    return {first or second for text in texts for first, second in DRAWN.findall(text)}


def test_every_figure_of_a_page_is_public() -> None:
    public = {inner for _, inner in plots.FIGURES.values()} | set(plots.FIGURES)
    found = figures_of_pages()
    assert {"kept_weights", "curves", "race", "without_retraining", "loss"} <= found
    # A page draws one figure of a retrained series, notebooks draw it from whole tables. A page as
    # a file and an alternative text are no figures.
    assert found - public <= {"alternative", "curve", "offline_page", "positions", "with_floor", "with_floor_at_top"}


def test_every_function_says_what_it_shows() -> None:
    for name in plots.FIGURES:
        assert getattr(plots, name).__doc__, name
        assert f"`{name}`" in plots.__doc__, name


def test_names_are_listed_and_an_unknown_one_is_an_attribute_error() -> None:
    assert set(plots.__all__) <= set(dir(plots))
    with pytest.raises(AttributeError, match="no attribute 'pie'"):
        plots.pie  # noqa: B018 - reading it is the test


def test_a_band_holds_the_interval_and_nothing_without_weights(engine: Engine) -> None:
    curve = engine.accuracy_curve(PRUNED, NOISY)
    high, low, line = plots.accuracy_curves({"<b>": curve}).data
    assert line.name == "&lt;b&gt;"
    some = [(report, accuracy) for report, accuracy in curve if report.kept]
    assert len(some) < len(curve)
    assert list(line.y) == [accuracy.fraction for _, accuracy in some]
    assert list(low.y) == [accuracy.low for _, accuracy in some]
    assert list(high.y) == [accuracy.high for _, accuracy in some]
