"""Add a candidate: a network, how it is pruned, and how much."""

from __future__ import annotations

import streamlit as st

from core import ModelSpec, VariantSpec
from core.base.errors import BadSpec
from core.engine.reference_text import DENSE, read_reference
from core.pruning import CRITERIA
from core.specs import GRANULARITIES, SCOPES, n_of_m
from pages.parts.common import engine, frame, titles
from pages.parts.common.widgets import current
from pages.parts.decide.view import parameters, title_of, usual
from pages.parts.sidebar.reference import offered

AMOUNTS = {"sparsity": "Pruned one-shot", "level": "A level of its series", "dense": "As it is"}


def section(model: ModelSpec) -> None:
    """Draws the form."""
    with st.popover("Add a candidate", icon=":material/add:"):
        networks = [DENSE, *(text for text in offered(model) if text.startswith(("seed.", "model.")))]
        network = st.selectbox(
            "Network",
            networks,
            key="_add_network",
            format_func=lambda text: "This network" if text == DENSE else title_of(text, model),
        )
        kind = st.segmented_control(
            "Amount",
            list(AMOUNTS),
            default="sparsity",
            required=True,
            key="_add_amount",
            format_func=AMOUNTS.__getitem__,
        )
        amount = {"sparsity": _way, "level": _level, "dense": lambda: ""}[kind]()
        text = ",".join(part for part in ("" if network == DENSE else network, amount) if part) or DENSE
        st.button("Add", key="_add_candidate", type="primary", on_click=_add, args=(model, text))


def _level() -> str:
    return f"level.{st.number_input('Level', 0, 999, 5, key='_add_level')}"


def _way() -> str:
    """Draws how the network is pruned, and how much; returns it as the text of a candidate."""
    granularity = st.selectbox(
        "What is removed",
        list(GRANULARITIES),
        key="_add_granularity",
        format_func=lambda name: titles.GRANULARITY.get(name, name),
    )
    criterion = st.selectbox(
        "Criterion", list(CRITERIA), key="_add_criterion", format_func=titles.of(CRITERIA).__getitem__
    )
    if n_of_m(granularity):
        return f"way.{granularity}-global-{criterion}"
    scope = st.selectbox("Scope", list(SCOPES), key="_add_scope", format_func=titles.SCOPES.__getitem__)
    share = st.number_input("Sparsity (%)", 0.0, 100.0, 25.0, 1.0, key="_add_share")
    return f"sparsity.{share:g},way.{granularity}-{scope}-{criterion}"


def _add(model: ModelSpec, text: str) -> None:
    """Adds a candidate to the list, in which all are then named."""
    with frame.explained():
        if read_reference(text, VariantSpec(model=model), engine.catalogue()) is None:
            raise BadSpec(
                "This is the network itself, before pruning.",
                "A candidate is another network, or a pruned one.",
                "Choose an amount, or another network.",
            )
        chosen = list(current("candidates", parameters())) or list(usual(model))
        st.session_state["candidates"] = list(dict.fromkeys((*chosen, text)))
