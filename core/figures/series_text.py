"""Sentences from the tables of trained series, for pages and reports."""

from __future__ import annotations

from pandas import DataFrame

from core.base.numbers import percent, score
from core.figures.wording import Name
from core.models.cards import WEIGHTS_TITLES
from core.protocols.series.images import Place
from core.protocols.series.tables import QUANTITIES, SeriesTables

Rows = dict[Place, DataFrame]  # as `SeriesTables.levels` returns them


def run_title(place: Place, name: Name = str) -> str:
    """Return the name of a series in a sentence, as Markdown."""
    return f"{name(WEIGHTS_TITLES.get(place.model.weights, place.model.weights))}, seed {place.model.seed}"


def headline(answers: Rows, name: Name = str) -> str:
    """Return the first series in one sentence."""
    place, frame = next(iter(answers.items()))
    at = frame.pivot(index="level", columns="quantity", values="value")
    ratios = frame.drop_duplicates("level").set_index("level").conv_ratio
    near = at.accuracy[at.accuracy >= at.accuracy.iloc[0] - 0.05].index.max()
    last = at.index.max()
    alike = (
        f"; there the overlap with the dense network's maps is {score(at['soft-iou-of-maps'][near])} (soft IoU)"
        if near
        else ""
    )
    return (
        f"{run_title(place, name)}: with convolutions compressed by up to **{ratios[near]:.3g}×**, accuracy stays"
        f" within five points of {percent(at.accuracy.iloc[0])}{alike}. At {ratios[last]:.3g}× it is"
        f" **{percent(at.accuracy[last])}**."
    )


def course(answers: Rows, quantity: str, name: Name = str) -> str:
    """Return the last value of a quantity of the first series beside the dense network's; "" if
    there is none.
    """
    place, frame = next(iter(answers.items()))
    rows = frame[frame.quantity == quantity].sort_values("level")
    if rows.empty:
        return ""
    first, last = rows.iloc[0], rows.iloc[-1]
    return (
        f"{QUANTITIES[quantity].title}: {first.value:.3g} in the dense network, **{last.value:.3g}** at"
        f" {last.conv_ratio:.3g}× ({run_title(place, name)})."
    )


def gains(found: dict[Place, SeriesTables], name: Name = str) -> list[str]:
    """Test whether accuracy rises at the first step, as published. One sentence per series that
    has the level, at a significance level of 0.05 over all of them.
    """
    asked = [
        place
        for place, table in found.items()
        if place.model.weights.startswith("merkle-") and {0, 1} <= set(table.facts)
    ]
    lines = []
    for place in asked:
        more, fewer, p = found[place].gained(1)
        lines.append(
            f"- **{run_title(place, name)}**: at 2x, {more} images are correct that the dense network gets wrong, and "
            f"{fewer} the other way round: {_verdict(more, fewer, p, len(asked))} (exact McNemar p = {p:.2g})."
        )
    return lines


def _verdict(more: int, fewer: int, p: float, tests: int) -> str:
    """Return the result after Bonferroni correction for this many tests."""
    if p >= 0.05:
        return "no significant change"
    name = "a gain" if more > fewer else "a loss"
    return (
        name
        if p < 0.05 / tests
        else f"not significant after correction for {tests} tests; without the correction, {name}"
    )
