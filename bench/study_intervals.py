"""Bench of the analysis of human studies: how often the offered intervals hold the true value, and
how often the offered tests reject what is true, over simulated studies.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import pandas

from bench.measure import BENCHES, line
from core.base.draws import entropy, numpy_generator
from core.engine.engine import Engine
from core.stats.clustered import ClusteredInterval
from core.stats.intervals import wilson
from core.study.analysis import Analysis, analyse
from core.study.behaviour import Behaviour, average_person, centre
from core.study.design import ITEM, Design
from core.study.naming import NamingResult
from core.study.prediction import predict_answers
from core.study.presets import PRESETS
from core.study.simulate import item_effects, planned_design, simulate
from core.study.spec import StudySpec
from core.study.strengths import TaskStrengths
from core.study.votes import PairResult

STUDIES = 200
MEASURES = ("confidence", "map-mean", "map-gini")  # filled with noise here
POPULATION, THESE = "all images", "these images"
LEVEL = 0.05
ITEMS = 50_000  # of the true agreement
ROUNDING = 1e-9
CAREFUL = Behaviour(careless=0, dropout=0)
Row = dict[str, Any]
Held = tuple[str, str, bool | None]  # what, of what it is, whether it held (None: undefined)


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """What is simulated: a study with participants who behave in one way."""

    name: str
    preset: str
    participants: int
    behaviour: Behaviour

    @property
    def spec(self) -> StudySpec:
        return PRESETS[self.preset].value()


SCENARIOS = (
    Scenario(name="class, images alike", preset="class", participants=30, behaviour=replace(CAREFUL, item_sd=0)),
    Scenario(name="class", preset="class", participants=30, behaviour=CAREFUL),
    Scenario(name="class, 65 %", preset="class", participants=30, behaviour=replace(CAREFUL, preference=0.65)),
    Scenario(name="small class", preset="class", participants=10, behaviour=CAREFUL),
    Scenario(name="digits", preset="digits", participants=50, behaviour=CAREFUL),
)


@BENCHES.register(
    "study-intervals",
    "Intervals of human studies",
    "Simulated studies: how often the 95 % intervals of the analysis hold the true value, and its tests reject what is"
    " true.",
)
def study_intervals(engine: Engine, n: int | None, scenarios: tuple[Scenario, ...] = SCENARIOS) -> Row:
    """`intervals`: `covered` of `n` defined ones, with Wilson's 95 % interval, for the true value
    over other participants and `these images`, or `all images` of their kind. `tests`: rejected of
    `n` true null hypotheses at the 5 % level. `undefined`: left out. Participants differ by 0.5 on
    the logit scale and images by 0.5, unless they are `alike`; measures are noise. ours_s: one
    analysis."""
    studies, took = n or STUDIES, []
    held: dict[tuple[str, str, str, str], list[bool | None]] = defaultdict(list)
    for scenario in scenarios:
        design = planned_design(scenario.spec)
        for number in range(studies):
            seed = entropy("bench study", scenario.name, number)
            rows = simulate(design, scenario.behaviour, participants=scenario.participants, seed=seed)
            began = time.perf_counter()
            found = analyse(rows)
            took.append(time.perf_counter() - began)
            for kind, results in _results(scenario, design, rows, found, seed):
                for what, target, right in results:
                    held[kind, scenario.name, what, target].append(right)
    parts: dict[str, Any] = {
        kind: [_row(key, results) for key, results in held.items() if key[0] == kind] for kind in ("intervals", "tests")
    }
    return line("study-intervals", engine.device, took, studies=studies, **parts)


def _row(key: tuple[str, str, str, str], results: list[bool | None]) -> Row:
    kind, scenario, what, target = key
    defined = [bool(each) for each in results if each is not None]
    share = sum(defined) / len(defined) if defined else None
    bounds = [round(each, 3) for each in wilson(sum(defined), len(defined))] if defined else None
    name = "covered" if kind == "intervals" else "rejected"
    row = {"scenario": scenario, "what": what, "of": target, name: share if share is None else round(share, 3)}
    return row | {"range": bounds, "n": len(defined), "undefined": len(results) - len(defined)}


def _results(
    scenario: Scenario, design: Design, rows: pandas.DataFrame, found: Analysis, seed: int
) -> Iterator[tuple[str, list[Held]]]:
    """Yield what held and what was rejected in one study."""
    behaviour = scenario.behaviour
    null = behaviour.preference == 0.5
    for task in found.tasks:
        if task.naming:
            yield "intervals", _naming(task.naming, behaviour)
            p = task.naming.comparisons[0].difference.p
            yield "tests", [("2x2 test", "objects named", None if p is None else p < LEVEL)]
            continue
        pair = task.pairs[0]
        ways = {
            "Wilson": (pair.votes.low, pair.votes.high),
            "GEE": _bounds(pair.gee),
            "participants": _bounds(pair.by_participant),
            "participants and images": _bounds(pair.crossed),
        }
        truth = {POPULATION: behaviour.preference, THESE: _share_here(design, behaviour, seed, pair)}
        net = (2 * behaviour.preference - 1) * (1 - behaviour.ties)
        yield (
            "intervals",
            [
                *(
                    (f"share, {way}", of, _holds(given, true))
                    for way, given in ways.items()
                    for of, true in truth.items()
                ),
                ("net preference, participants", POPULATION, _holds(_bounds(pair.net), net)),
            ],
        )
        if task.agreement:
            bounds = task.agreement.low, task.agreement.high
            yield "intervals", [("alpha, images", POPULATION, _holds(bounds, _alpha(behaviour)))]
        if null:
            yield "tests", _rejected(pair, ways)
            yield "intervals", _strengths(task.strengths)
    if null:
        yield "tests", _noise(rows, design, seed)


def _holds(bounds: tuple[float | None, float | None], true: float) -> bool | None:
    low, high = bounds
    return None if low is None or high is None else low - ROUNDING <= true <= high + ROUNDING


def _bounds(found: ClusteredInterval | None) -> tuple[float | None, float | None]:
    return (None, None) if found is None else (found.low, found.high)


def _naming(found: NamingResult, behaviour: Behaviour) -> list[Held]:
    test = found.comparisons[0].difference
    held: list[Held] = [("difference of shares, Newcombe", "objects named", _holds((test.low, test.high), 0.0))]
    for each in found.variants:
        true = behaviour.right_of(each.variant)
        held.append(("share right, Wilson", "objects named", _holds((each.low, each.high), true)))
        held.append(("share right, GEE", "objects named", _holds(_bounds(each.gee), true)))
    return held


def _rejected(pair: PairResult, ways: dict[str, tuple[float | None, float | None]]) -> list[Held]:
    """Return the tests of a preference of 1/2, which is true over all images."""
    p_values = {
        "chi-square test": pair.votes.p,
        "sign test": pair.votes.p_exact,
        "sign test, ties halved": pair.votes.p_ties_halved,
    }
    found: list[Held] = [(name, POPULATION, None if p is None else p < LEVEL) for name, p in p_values.items()]
    for way, bounds in ways.items():
        held = _holds(bounds, 0.5)
        found.append((f"interval, {way}", POPULATION, None if held is None else not held))
    return found


def _strengths(found: TaskStrengths | None) -> list[Held]:
    """Return whether intervals hold strengths of 0, which are true without any preference."""
    if found is None or found.fitted.strengths is None:
        return []
    return [
        *(("strengths, participants", POPULATION, _holds((each.low, each.high), 0.0)) for each in found.intervals),
        *(("strengths, Wald", POPULATION, _holds((each.low, each.high), 0.0)) for each in found.fitted.strengths),
    ]


def _noise(rows: pandas.DataFrame, design: Design, seed: int) -> list[Held]:
    """Relate measures that are noise to the answers about the first pair."""
    first = design.items.iloc[0]
    own = rows[(rows["task"] == first["task"]) & (rows["less"] == first["less"]) & (rows["more"] == first["more"])]
    images = np.sort(own["image"].unique())
    draw = numpy_generator("bench measures", seed)
    measures = pandas.DataFrame(
        {name: draw.standard_normal(2 * len(images)) for name in MEASURES}
        | {"image": np.tile(images, 2), "variant": np.repeat([first["less"], first["more"]], len(images))}
    )
    held: list[Held] = []
    found = predict_answers(own, measures)
    for each in found:
        rank, odds = each.rank, each.odds
        inside = _holds((rank.interval.low, rank.interval.high), 0.0)
        held.append(("rank correlation, p", "noise", None if rank.p is None else rank.p < LEVEL))
        held.append(("rank correlation, interval", "noise", None if inside is None else not inside))
        held.append(("odds ratio, p", "noise", None if odds.p is None else odds.p < LEVEL))
    adjusted = [each.p_adjusted for each in found if each.p_adjusted is not None]
    held.append(("odds ratio, any adjusted p", "noise", min(adjusted) < LEVEL if adjusted else None))
    return held


def _share_here(design: Design, behaviour: Behaviour, seed: int, pair: PairResult) -> float:
    """Return the true share over all participants and the images of this study."""
    items = design.items
    own = (
        (items["kind"] == ITEM)
        & (items["task"] == pair.task)
        & (items["less"] == pair.less)
        & (items["more"] == pair.more)
    )
    effects = item_effects(design, behaviour, seed)[items.loc[own, "item"].to_numpy()]
    prefers, ties = (
        average_person(centre(share, behaviour.sd) + effects[:, k], behaviour.person_sd)
        for k, share in enumerate((behaviour.preference, behaviour.ties))
    )
    return float(((1 - ties) * prefers).sum() / (1 - ties).sum())


@lru_cache(maxsize=10)
def _alpha(behaviour: Behaviour) -> float:
    """Return the true alpha: of two participants about one image, over all images."""
    effects = behaviour.item_sd * numpy_generator("bench alpha").standard_normal((ITEMS, 2))
    prefers, ties = (
        average_person(centre(share, behaviour.sd) + effects[:, k], behaviour.person_sd)
        for k, share in enumerate((behaviour.preference, behaviour.ties))
    )
    shares = np.stack([(1 - ties) * prefers, ties, (1 - ties) * (1 - prefers)])
    differ, differ_anywhere = 1 - (shares**2).sum(axis=0).mean(), 1 - (shares.mean(axis=1) ** 2).sum()
    return float(1 - differ / differ_anywhere)
