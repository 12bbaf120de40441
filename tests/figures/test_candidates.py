"""What a decision says: sentences follow the numbers, and the command exports that network."""

from __future__ import annotations

import shlex
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.engine.engine import Engine
from core.figures.candidates import (
    COST_TITLES,
    about,
    decision_cells,
    decision_frame,
    decision_sentences,
    export_command,
)
from core.figures.plots import candidates_pareto
from core.specs import PruningSpec, VariantSpec
from core.sweeps.decision import COSTS, Limits, decide
from core.sweeps.floor import Floor
from tests.sweeps.made_candidates import made

FLOOR = Floor(seeds=(1, 2), mean=0.4, low=0.3, high=0.5, n=90)


def said(limits: Limits = Limits(), cost: str = "size", **more: object) -> str:  # noqa: B008 - it is frozen
    measured = made(1000, [(50, range(5), 0.9), (10, range(200), 0.1), (20, range(22), 0.8)], **more)  # type: ignore[arg-type]
    return "\n".join(decision_sentences(replace(measured, floor=FLOOR), decide(measured, limits, cost)))


def test_the_recommendation_comes_with_its_uncertainty() -> None:
    text = said()
    first, second = (VariantSpec(pruning=PruningSpec.one_shot(share)).key for share in (0.01, 0.02))
    assert text.startswith(f"**Ship {first}**: its file size is 50 bytes, 50.0 % of the reference's 100 bytes.")
    assert "Its accuracy is 0.5 points lower (at most" in text
    assert f"**{second}** is surely beyond a limit: its accuracy is 20.0 points lower (at least" in text
    assert "has a smaller file size (20 bytes), but cannot be told from the limit with 1,000 images" in text
    assert "corrected for 3 candidates (Holm)" in text
    assert "seeds 1 and 2 agree by 0.40" in text


def test_no_recommendation_is_said_and_why() -> None:
    text = said(Limits(accuracy=0.001))
    assert text.startswith("**No candidate is surely within the limits** on 1,000 images")
    assert "What was found of accuracy is beyond the limit, but not surely." in text


def test_without_labels_it_says_so() -> None:
    assert "there is **no accuracy**" in said(labels=-1)
    assert "of its answers change" in said(labels=-1)


def test_a_time_that_may_be_the_references_is_not_praised() -> None:
    measured = made(1000, [(95, (), 1.0)])
    text = "\n".join(decision_sentences(measured, decide(measured, Limits(), "latency")))
    assert text.startswith(
        "**No candidate within the limits surely has a smaller time of one image than the reference**"
    )
    assert "cannot be told from the reference: their 95 % intervals overlap." in text
    assert "only channels that can be removed do" in text
    clear = made(1000, [(50, (), 1.0), (51, (), 1.0)])
    text = "\n".join(decision_sentences(clear, decide(clear, Limits(), "latency")))
    assert text.startswith("**Ship")
    assert f"cannot be told from {VariantSpec(pruning=PruningSpec.one_shot(0.02)).key}: their" in text


def test_a_network_that_saves_nothing_is_not_recommended() -> None:
    measured = made(1000, [(100, (), 1.0)])
    found = decide(measured, Limits(), "size")
    assert not found.saves
    text = "\n".join(decision_sentences(measured, found))
    assert text.startswith("**No candidate within the limits has a smaller file size than the reference** (100 bytes)")
    assert not decision_frame(measured, found).recommended.any()
    assert decision_cells(found)["Verdict"] == ["", "cheapest within the limits"]


@given(st.integers(1, 10_000_000))
def test_an_estimate_is_rounded_up_to_two_figures(images: int) -> None:
    number = int(about(images).replace(",", ""))
    assert images <= number <= 1.1 * images + 1
    assert len(str(number).rstrip("0")) <= 2


def test_the_table_has_the_numbers() -> None:
    measured = made(1000, [(50, range(5), 0.9), (10, range(200), 0.1)])
    found = decide(measured, Limits(broken=0.1), "size")
    frame = decision_frame(measured, found)
    assert frame.role.tolist() == ["reference", "candidate", "candidate"]
    assert frame.recommended.tolist() == [False, True, False]
    assert frame.accuracy.tolist() == [1.0, 0.995, 0.8]
    assert frame.changed[1:].tolist() == [0.005, 0.2]
    assert frame.accuracy_difference_bound_low[1] < -0.005 < frame.accuracy_difference_bound_high[1]
    assert not frame.drop(columns="images_needed")[1:2].drop(columns="noise_floor").isna().any(axis=None)
    cells = decision_cells(found)
    assert {len(column) for column in cells.values()} == {3}
    assert cells["Verdict"] == ["", "recommended", "beyond a limit"]


@pytest.mark.parametrize("cost", COSTS)
def test_every_cost_has_a_title_and_a_figure(cost: str) -> None:
    measured = made(100, [(50, range(5), 0.9), (10, range(50), 0.1)])
    found = decide(measured, Limits(accuracy=0.3), cost)
    figure = candidates_pareto(found)
    shown = [point for trace in figure.data[1:] for point in trace.x]
    assert sorted(shown) == [10, 50, 100]
    assert COST_TITLES[cost][1:] in figure.layout.xaxis.title.text
    assert len(figure.data[0].x) == sum(each.on_front for each in found.networks)


@pytest.mark.parametrize(
    "pruning",
    [
        PruningSpec(),
        PruningSpec.at_level(7),
        PruningSpec.one_shot(0.35, "layer", "random", granularity="filter"),
        PruningSpec.one_shot(None, granularity="2:4", excluded=("fc.weight",)),
    ],
)
def test_the_command_exports_that_network(engine: Engine, pruning: PruningSpec) -> None:
    from core.cli.main import build

    variant = VariantSpec(pruning=pruning)
    words = shlex.split(export_command(variant, is_smaller=True))
    assert words[:3] == ["python", "-m", "core"]
    command, bound, _ = build().parse_args(words[3:], print_error=False, exit_on_error=False)
    bound.apply_defaults()
    assert command.__name__ == "export"
    assert bound.arguments["network"].variant(engine.catalogue) == variant
    assert bound.arguments["options"].smaller


def test_what_no_command_states_has_none() -> None:
    by_hand = PruningSpec.one_shot(0.5, overrides=(("fc.weight", 0.1),))
    assert export_command(VariantSpec(pruning=by_hand), is_smaller=False) == ""
