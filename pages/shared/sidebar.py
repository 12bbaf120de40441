"""Widgets -> specs. Every widget is bound to the address under the name that `address.PARAMETERS` gives it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core import CamSpec, ImageRef, ModelSpec, PruningSpec, SparsightError, VariantSpec
from core.protocols.lukkien import WEIGHTS_LEFT
from core.pruning import CRITERIA
from core.results import MaskReport
from core.saliency import CAMS
from core.specs import SCHEDULES, SCOPES, TARGETS
from pages.shared import cached, present
from pages.shared.address import PARAMETERS, RATIOS, Choice
from pages.shared.gallery import image_choice
from pages.shared.story import percent
from pages.shared.widgets import asked, choice, number, segments, steps

SLIDERS = {"percent": "sparsity", "ratio": "ratio", "level": "level"}
UNITS = {"percent": "Removed", "ratio": "Compression ratio", "level": "Level"}
OTHER_PARAMETERS = 22  # biases of the thesis CNN, which are never pruned


@dataclass(frozen=True, kw_only=True)
class View:
    """What the sidebar asks for.

    image is None while an own image is awaited, trouble says why one was refused; opacity is a share.
    """

    variant: VariantSpec
    image: ImageRef | None
    cam: CamSpec
    opacity: float
    trouble: SparsightError | None = None


def view(stage: DeltaGenerator | None = None) -> View:
    """Draws the sidebar and returns what is asked for. stage: where the slider stands instead, when it is shown to a room."""
    with st.sidebar:
        amount = stage or st.container()  # the slider stands first, but needs to know the schedule
        image, trouble = image_choice()
        model, family = _network()
        cam, opacity = _heatmap(has_label=image is None or image.source == "digits")
        with amount:
            pruning = _amount(family)
            variant = VariantSpec(model=model, pruning=pruning)
            _counted(cached.report(variant), pruning)
    return View(variant=variant, image=image, cam=cam, opacity=opacity, trouble=trouble)


def _amount(family: PruningSpec) -> PruningSpec:
    """The slider, in the unit that the person chooses, and what it asks for."""
    if not present.on():
        st.subheader("Sparsity")
    unit = segments("Unit", "unit", label_visibility="collapsed", on_change=_carry_over)
    if unit == "level":
        level = int(number(UNITS[unit], "level", help="Each level removes 20 % of what the one before has left."))
        sparsity = 1 - WEIGHTS_LEFT[level] / WEIGHTS_LEFT[0]
    elif unit == "ratio":
        sparsity = sparsity_of_ratio(float(steps(UNITS[unit], "ratio", help="All parameters / parameters left.")))
    else:
        sparsity = number(UNITS[unit], "sparsity", format="%.1f %%", help="Share of the prunable weights that is removed.") / 100
    if present.on() and not (present.hidden(SLIDERS[unit]) or present.locked(SLIDERS[unit])):
        _clicker(unit)
    return PruningSpec.at_level(nearest_level(sparsity)) if family.schedule == "iterative-reset" else replace(family, sparsity=sparsity)


def _clicker(unit: str) -> None:
    """Two buttons that a presenter's clicker presses too: it sends Page Up and Page Down."""
    with st.container(horizontal=True, gap="small"):
        st.button("Less", key="_less", icon=":material/remove:", shortcut="PageUp", on_click=_move, args=(unit, -1))
        st.button("More", key="_more", icon=":material/add:", shortcut="PageDown", on_click=_move, args=(unit, 1))


def _move(unit: str, by: int) -> None:
    """One step of the slider: 5 points, a level, or the next ratio."""
    name = SLIDERS[unit]
    known, now = PARAMETERS[name], st.session_state[name]
    if isinstance(known, Choice):
        place = known.names.index(now) + by
        st.session_state[name] = known.names[max(0, min(place, len(known.names) - 1))]
    else:
        wide = 1 if unit == "level" else 5
        st.session_state[name] = type(now)(max(known.low, min(known.high, now + by * wide)))


def _carry_over() -> None:
    """Sets the slider of the new unit to where the old one stood, so that changing the unit changes no picture much.

    The only callback: a widget's value can be set by nothing else.
    """
    sparsity = st.session_state.get("_counted_sparsity")
    if sparsity is None:
        return
    st.session_state["sparsity"] = round(sparsity * 100, 1)
    st.session_state["level"] = nearest_level(sparsity)
    st.session_state["ratio"] = f"{min(RATIOS, key=lambda ratio: abs(sparsity_of_ratio(ratio) - sparsity)):g}"


def sparsity_of_ratio(ratio: float) -> float:
    """The sparsity whose compression ratio (all parameters / parameters left) is this."""
    total = WEIGHTS_LEFT[0]
    return min(1.0, max(0.0, 1 - ((total + OTHER_PARAMETERS) / ratio - OTHER_PARAMETERS) / total))


def nearest_level(sparsity: float) -> int:
    """The level of the trained series whose number of weights left is nearest."""
    left = (1 - sparsity) * WEIGHTS_LEFT[0]
    return min(range(len(WEIGHTS_LEFT)), key=lambda level: abs(WEIGHTS_LEFT[level] - left))


def _counted(mask: MaskReport, pruning: PruningSpec) -> None:
    """All four ways to say how much is left, counted from the tensors."""
    st.session_state["_counted_sparsity"] = mask.sparsity
    at = nearest_level(mask.sparsity)
    level = f"**level {at}**" if WEIGHTS_LEFT[at] == mask.kept else f"near **level {at}**"
    st.caption(
        f"**{percent(mask.sparsity)}** sparsity, **{percent(mask.density)}** density,  \n"
        f"**{mask.compression_ratio:.3g}×** smaller, {level}"
        + (" (nearest trained)" if pruning.level is not None and st.session_state.get("unit", asked("unit")) != "level" else "")
    )


def _network() -> tuple[ModelSpec, PruningSpec]:
    """The trained network, and how it is pruned; the amount is still missing (a sparsity of 0 stands for it)."""
    st.subheader("Pruning")
    schedule = segments("Schedule", "schedule", help=_listed({name: SCHEDULES[name] for name in PARAMETERS["schedule"].names}))
    if schedule == "iterative-reset":
        family = PruningSpec.at_level(0)
    else:
        criterion = segments("Criterion", "criterion", help=_listed({name: entry.summary for name, entry in CRITERIA.items()}))
        scope = segments("Scope", "scope", help=_listed(SCOPES))
        family = PruningSpec.one_shot(0.0, scope, criterion)
    seed = segments("Model seed", "seed", help="The same network trained three times from different random beginnings.")
    return ModelSpec(seed=int(seed)), family


def _heatmap(has_label: bool) -> tuple[CamSpec, float]:
    st.subheader("Heatmap")
    method = choice("Method", "cam")
    entry = CAMS[method]
    st.caption(f":{'gray' if entry.facts['cost'] == 'one pass' else 'orange'}-badge[{entry.facts['cost']}] {entry.summary}")
    target = segments("Target class", "target", help=_listed(TARGETS))
    if target == "label" and not has_label:
        st.caption("Your own image has no label: the class that the dense network predicts is used.")
        target = "dense"
    opacity = number("Opacity", "opacity", format="%d %%")
    return CamSpec(method=method, target=target), opacity / 100


def _listed(texts: dict[str, str]) -> str:
    return "\n".join(f"- **{name}**: {text}" for name, text in texts.items())
