"""How much is removed: one slider in the chosen unit, and the same amount in all other units."""

from __future__ import annotations

import math
from dataclasses import replace

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core import ModelSpec, PruningSpec
from core.engine import amounts
from core.figures.wording import asks_for_something
from core.models.cards import Series
from core.models.trained_levels import last_level
from core.results import MaskReport
from core.specs import TRAINED, n_of_m
from pages.parts.common import engine, present, titles
from pages.parts.common.address import of_model
from pages.parts.common.parameters import Choice, Number
from pages.parts.common.state import state
from pages.parts.common.story import percent
from pages.parts.common.widgets import Known, current, number, segments, steps, toggle

SLIDERS = {"percent": "sparsity", "ratio": "ratio", "level": "level"}
LABELS = {"percent": "Sparsity", "ratio": "Compression ratio", "level": "Level"}
FEW_LEVELS = 8  # a help text lists at most this many
WHY_FINE = (
    "Without retraining, networks for photographs lose most of their accuracy early, so the slider ends at {top:g} %."
    " Retrained networks stay accurate at higher sparsities."
)


def amount_choice(
    family: PruningSpec, model: ModelSpec, stage: DeltaGenerator, below: DeltaGenerator
) -> tuple[PruningSpec, DeltaGenerator]:
    """Draws the slider on the stage.

    Returns:
        The family with the chosen amount, and the container for `counted`.
    """
    known = of_model(model.name, model.weights)
    pattern = n_of_m(family.granularity)
    if pattern:
        stage.caption(
            f"**{family.granularity}** fixes the sparsity: {pattern[0]} of every {pattern[1]} weights are kept."
        )
        return family, below.container()
    with below.container(horizontal=True, vertical_alignment="center", gap="small"):
        counts = st.container(width="stretch")
        unit = segments(
            "Unit", "unit", known, label_visibility="collapsed", width="content", on_change=_carry_over, args=(model,)
        )
        in_percent = unit == "percent" and family.schedule == "one-shot"
        slider = "fine" if in_percent and _is_fine(model, known) else SLIDERS[unit]
        if present.on() and not (present.hidden(slider) or present.locked(slider)):
            _clicker(slider, known)
    with stage:
        sparsity = _slider(unit, slider, family, model)
    if family.schedule in TRAINED:
        return replace(family, level=nearest_level(sparsity, model)), counts
    return replace(family, sparsity=sparsity), counts


def _slider(unit: str, name: str, family: PruningSpec, model: ModelSpec) -> float:
    """Draws the slider of a unit; returns the requested sparsity."""
    known, label = of_model(model.name, model.weights), LABELS[unit]
    if unit == "level":
        return series_here(model).targets[_level(name, model, known)]
    if unit == "ratio":
        return amounts.sparsity_of_ratio(
            engine.card(model), float(steps(label, name, known, help="All parameters / remaining parameters."))
        )
    if counts_groups(family):
        label = f"{titles.GRANULARITY[family.granularity]} removed"
    return number(label, name, known, format="%.1f %%") / 100


def counts_groups(pruning: PruningSpec) -> bool:
    """Whether the amount is a share of kernels, channels or filters rather than of weights."""
    return pruning.is_one_shot and pruning.granularity != "weight" and n_of_m(pruning.granularity) is None


def _level(name: str, model: ModelSpec, known: Known) -> int:
    """Draws the slider over the levels that are trained so far; returns the level."""
    series, usual = series_here(model), known[name]
    assert isinstance(usual, Number)
    if series.last == 0:  # nothing to choose from
        st.caption("Only level 0, the dense network, is trained so far.")
        return 0
    entry = Number(min(usual.default, series.last), 0, series.last)
    if st.session_state.get(name, 0) > series.last:
        st.session_state[name] = series.last  # chosen for a longer series
    level = int(number(LABELS["level"], name, {**known, name: entry}, help=_levels(series)))
    if series.last < usual.high:
        st.caption(f"Levels 0 to {series.last} of {usual.high:g} are trained so far.")
    return level


def counted(place: DeltaGenerator, mask: MaskReport) -> None:
    """Writes how much is left in all units, counted from the tensors.

    Stores the requested sparsity for `_carry_over`.
    """
    model, pruning = mask.variant.model, mask.variant.pruning
    at_level = pruning.level is not None and engine.series_of(model) is not None
    asked = mask.sparsity if pruning.sparsity is None else pruning.sparsity
    state().view.sparsity = series_here(model).targets[pruning.level or 0] if at_level else asked
    line = f"**{percent(mask.sparsity)}** sparsity"
    if counts_groups(pruning):
        groups = titles.GRANULARITY[pruning.granularity].lower()
        line = f"**{percent(asked)}** of the {groups} = **{percent(mask.sparsity)}** of the weights"
    line += f", **{mask.compression_ratio:.3g}×** compression"
    place.caption(line + _in_levels(model, mask, pruning) + _zeros_before(mask))


def _zeros_before(mask: MaskReport) -> str:
    """Describes what was requested, what was zero before and what this pruning removed, where these
    numbers differ.
    """
    if not mask.was_sparse:
        return ""
    text = f"  \n**{percent(mask.sparsity_before)}** of the weights were zero before"
    if not asks_for_something(mask) or mask.variant.pruning.sparsity is None:
        return f"{text}."
    return (
        f"{text}. You asked for {percent(mask.variant.pruning.sparsity)}, and this pruning removed **{mask.removed:,}**"
        " further weights."
    )


def _in_levels(model: ModelSpec, mask: MaskReport, pruning: PruningSpec) -> str:
    if engine.series_of(model) is None:
        return ""
    if pruning.level is None:
        at = nearest_level(mask.sparsity, model)
        return f", {'' if weights_left(model)[at] == mask.kept else 'near '}**level {at}**"
    by_slider = current("unit", of_model(model.name, model.weights)) == "level"
    return f", **level {pruning.level}**" + ("" if by_slider else " (nearest trained)")


def _is_fine(model: ModelSpec, known: Known) -> bool:
    """Whether the slider covers only low sparsities, as suits networks without retraining; a toggle
    extends it to 100 %.
    """
    top = max(engine.card(model).grid) * 100
    if top >= 100:
        return False
    if state().is_new and "sparsity" in st.query_params and "wide" not in st.query_params:
        st.session_state["wide"] = True  # a link may name a sparsity beyond the fine slider
    return not toggle(
        "Up to 100 %", "wide", known, help=WHY_FINE.format(top=top), on_change=_open_or_close, args=(top,)
    )


def _open_or_close(top: float) -> None:
    """Sets the other slider to the position of this one."""
    sparsity = (state().view.sparsity or 0.0) * 100
    st.session_state["sparsity"], st.session_state["fine"] = round(sparsity, 1), min(top, round(sparsity * 2) / 2)


def _carry_over(model: ModelSpec) -> None:
    """Sets the slider of the new unit to the nearest position, so that changing the unit hardly
    changes the pictures.

    Runs in callbacks: only they can set the value of a widget.
    """
    sparsity, known = state().view.sparsity, of_model(model.name, model.weights)
    if sparsity is None:
        return
    fine, ratios = known["fine"], known["ratio"]
    assert isinstance(fine, Number)
    assert isinstance(ratios, Choice)
    st.session_state["sparsity"] = round(sparsity * 100, 1)
    st.session_state["fine"] = min(fine.high, round(sparsity * 200) / 2)
    st.session_state["ratio"] = min(
        ratios.names, key=lambda ratio: abs(amounts.sparsity_of_ratio(engine.card(model), float(ratio)) - sparsity)
    )
    if engine.series_of(model) is not None:
        st.session_state["level"] = nearest_level(sparsity, model)


def _clicker(slider: str, known: Known) -> None:
    """Draws two buttons that a presentation clicker can press: it sends Page Up and Page Down."""
    with st.container(horizontal=True, gap="small", width="content"):
        st.button(
            "Less", key="_less", icon=":material/remove:", shortcut="PageUp", on_click=_move, args=(known, slider, -1)
        )
        st.button(
            "More", key="_more", icon=":material/add:", shortcut="PageDown", on_click=_move, args=(known, slider, 1)
        )


def _move(known: Known, slider: str, by: int) -> None:
    """Moves the slider by one step: 5 points, one level, or the next ratio."""
    entry, now = known[slider], st.session_state[slider]
    if isinstance(entry, Choice):
        place = entry.names.index(now) + by
        st.session_state[slider] = entry.names[max(0, min(place, len(entry.names) - 1))]
    elif isinstance(entry, Number):
        wide = {"level": 1, "fine": 2.5}.get(slider, 5)
        st.session_state[slider] = type(now)(max(entry.low, min(entry.high, now + by * wide)))


def nearest_level(sparsity: float, model: ModelSpec) -> int:
    """Returns the level of the trained series whose sparsity is closest."""
    targets = series_here(model).targets
    return min(range(len(targets)), key=lambda level: abs(targets[level] - sparsity))


def weights_left(model: ModelSpec) -> tuple[int, ...]:
    """Returns the number of prunable weights left at each level of the trained series."""
    found = engine.card(model)
    total = sum(math.prod(found.shapes[name]) for name in found.prunable)
    return tuple(round(total * (1 - target)) for target in series_here(model).targets)


def series_here(model: ModelSpec) -> Series:
    """Returns the levels of the series that are trained so far, or all if none is."""
    series = engine.series_of(model)
    assert series is not None  # called only where a level was chosen
    last = last_level(engine.catalogue(), model)
    return series if last is None else replace(series, targets=series.targets[: last + 1])


def _levels(series: Series) -> str:
    """Describes the levels for a help text."""
    if series.last > FEW_LEVELS:
        return (
            f"Level 0 is dense, level 1 removes {percent(series.targets[1])}, level {series.last} removes"
            f" {percent(series.targets[-1])}."
        )
    return (
        "Removed: " + ", ".join(f"level {level} {percent(target)}" for level, target in enumerate(series.targets)) + "."
    )
