"""How much is removed: one slider in the unit that a person chooses, and all the other ways to say it."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import lru_cache

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core import ModelSpec, PruningSpec, amounts
from core.models.zoo import card, named
from core.results import MaskReport
from core.specs import n_of_m
from pages.shared import present
from pages.shared.address import of_model
from pages.shared.kinds import Choice, Number
from pages.shared.story import percent
from pages.shared.widgets import Known, asked, number, segments, steps, toggle

SLIDERS = {"percent": "sparsity", "ratio": "ratio", "level": "level"}
UNITS = {"percent": "Removed", "ratio": "Compression ratio", "level": "Level"}
WHY_FINE = (
    "Without retraining, networks for photographs lose most right answers early: the slider ends at {top:g} %. Retraining carries further."
)


def amount_choice(family: PruningSpec, model: ModelSpec) -> tuple[PruningSpec, DeltaGenerator]:
    """The slider; what it asks for, the family with its amount; and the place where `counted` says how much that is."""
    known = of_model(model.name)
    if not present.on():
        st.subheader("Sparsity")
    pattern = n_of_m(family.granularity)
    if pattern:
        st.caption(f"**{family.granularity}** has an amount of its own: {pattern[0]} of every {pattern[1]} weights stay.")
        return family, st.container()
    unit = segments("Unit", "unit", known, label_visibility="collapsed", on_change=_carry_over, args=(model,))
    place, counts = st.container(), st.container()
    slider = "fine" if unit == "percent" and _is_fine(model, known) else SLIDERS[unit]
    with place:
        sparsity = _slider(unit, slider, model)
        if present.on() and not (present.hidden(slider) or present.locked(slider)):
            _clicker(slider, known)
    if family.schedule == "iterative-reset":
        return PruningSpec.at_level(nearest_level(sparsity, model)), counts
    return replace(family, sparsity=sparsity), counts


def _slider(unit: str, name: str, model: ModelSpec) -> float:
    """The slider of a unit; the sparsity that it asks for."""
    known, label = of_model(model.name), UNITS[unit]
    if unit == "level":
        lefts = weights_left(model)
        level = int(number(label, name, known, help="Each level removes 20 % of what the one before has left."))
        return 1 - lefts[level] / lefts[0]
    if unit == "ratio":
        return amounts.sparsity_of_ratio(card(model), float(steps(label, name, known, help="All parameters / parameters left.")))
    return number(label, name, known, format="%.1f %%", help="Share of what is pruned (weights, kernels, filters) that goes.") / 100


def counted(place: DeltaGenerator, mask: MaskReport) -> None:
    """All ways to say how much is left, counted from the tensors."""
    model, pruning = mask.variant.model, mask.variant.pruning
    st.session_state["_counted_sparsity"] = mask.sparsity
    lines = f"**{percent(mask.sparsity)}** sparsity, **{percent(mask.density)}** density,  \n**{mask.compression_ratio:.3g}×** smaller"
    place.caption(lines + _in_levels(model, mask, pruning))


def _in_levels(model: ModelSpec, mask: MaskReport, pruning: PruningSpec) -> str:
    if card(model).levels is None:
        return ""
    at = nearest_level(mask.sparsity, model)
    exact = weights_left(model)[at] == mask.kept
    by_slider = st.session_state.get("unit", asked("unit")) == "level"
    return f", {'' if exact else 'near '}**level {at}**" + (" (nearest trained)" if pruning.level is not None and not by_slider else "")


def _is_fine(model: ModelSpec, known: Known) -> bool:
    """Whether the slider runs over the first part only, as networks without retraining need it; a switch opens the rest."""
    top = max(card(model).grid) * 100
    if top >= 100:
        return False
    if not {"wide", "_kept"} & set(st.session_state) and "sparsity" in st.query_params:
        st.session_state["wide"] = True  # a link that names a sparsity means it; not one that another network has left there
    wide = toggle("Up to 100 %", "wide", known, on_change=_open_or_close, args=(top,))
    if not wide and not present.on():
        st.caption(WHY_FINE.format(top=top))
    return not wide


def _open_or_close(top: float) -> None:
    """The other slider starts where this one stood."""
    sparsity = st.session_state.get("_counted_sparsity", 0.0) * 100
    st.session_state["sparsity"], st.session_state["fine"] = round(sparsity, 1), min(top, round(sparsity * 2) / 2)


def _carry_over(model: ModelSpec) -> None:
    """Sets the slider of the new unit to where the old one stood, so that changing the unit changes no picture much.

    Callbacks only here: a widget's value can be set by nothing else.
    """
    sparsity, known = st.session_state.get("_counted_sparsity"), of_model(model.name)
    if sparsity is None:
        return
    fine, ratios = known["fine"], known["ratio"]
    assert isinstance(fine, Number)
    assert isinstance(ratios, Choice)
    st.session_state["sparsity"] = round(sparsity * 100, 1)
    st.session_state["fine"] = min(fine.high, round(sparsity * 200) / 2)
    st.session_state["ratio"] = min(ratios.names, key=lambda ratio: abs(amounts.sparsity_of_ratio(card(model), float(ratio)) - sparsity))
    if card(model).levels is not None:
        st.session_state["level"] = nearest_level(sparsity, model)


def _clicker(slider: str, known: Known) -> None:
    """Two buttons that a presenter's clicker presses too: it sends Page Up and Page Down."""
    with st.container(horizontal=True, gap="small"):
        st.button("Less", key="_less", icon=":material/remove:", shortcut="PageUp", on_click=_move, args=(known, slider, -1))
        st.button("More", key="_more", icon=":material/add:", shortcut="PageDown", on_click=_move, args=(known, slider, 1))


def _move(known: Known, slider: str, by: int) -> None:
    """One step of the slider: 5 points, a level, or the next ratio."""
    entry, now = known[slider], st.session_state[slider]
    if isinstance(entry, Choice):
        place = entry.names.index(now) + by
        st.session_state[slider] = entry.names[max(0, min(place, len(entry.names) - 1))]
    elif isinstance(entry, Number):
        wide = {"level": 1, "fine": 2.5}.get(slider, 5)
        st.session_state[slider] = type(now)(max(entry.low, min(entry.high, now + by * wide)))


def nearest_level(sparsity: float, model: ModelSpec) -> int:
    """The level of the trained series whose number of weights left is nearest."""
    lefts = weights_left(model)
    return min(range(len(lefts)), key=lambda level: abs(lefts[level] - (1 - sparsity) * lefts[0]))


def weights_left(model: ModelSpec) -> tuple[int, ...]:
    """Prunable weights left at each level of the trained series: a fifth goes, and one more (OpenLTH's rule)."""
    return _lefts(model.name)


@lru_cache(maxsize=200)
def _lefts(name: str) -> tuple[int, ...]:
    found = named(name)
    lefts = [sum(math.prod(found.shapes[weight]) for weight in found.prunable)]
    for _ in range(found.levels or 0):
        lefts.append(lefts[-1] - math.ceil(lefts[-1] / 5) - 1)
    return tuple(lefts)
