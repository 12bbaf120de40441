"""What participants will see: texts, and the first questions of the first participant."""

from __future__ import annotations

import streamlit as st
from pandas import DataFrame

from core.study.design import ITEM
from core.study.folder import Study
from core.study.spec import KINDS, PAIRS
from pages.parts.common.markdown import plain

MOST = 3  # questions of each task


def section(study: Study) -> None:
    """Draws the section."""
    st.markdown(
        "The texts that participants read, and some of the questions, with the names of the networks, which "
        "participants never see. To try the real pages, start the server and open its link; **Withdraw** there "
        "deletes your answers and gives the place back."
    )
    texts = study.spec.texts
    with st.expander("Consent", expanded=True):
        st.text(texts.consent)
    design = study.answers.design()
    first = design[design["slot"] == 0]
    for task in study.spec.tasks:
        st.subheader(KINDS[task.kind], anchor=False)
        st.text(texts.instructions(task.kind))
        shown = first[(first["task"] == task.kind) & (first["kind"] == ITEM)].head(MOST)
        for row in shown.to_dict("records"):
            _question(study, row)
    with st.expander("After the last answer"):
        st.text(texts.debrief)
    _balance(design)


def _question(study: Study, row: dict) -> None:
    label = study.classes[int(row["label"])]
    with st.container(border=True):
        if row["task"] not in PAIRS:
            _picture(study, row["picture"], "part of a picture")
            st.caption(f"Class: {plain(label)}. Variant: {plain(row['less'])}. Participants see neither.")
            return
        left, right = ("less", "more") if row["left"] == "less" else ("more", "less")
        for column, name, alt in zip(
            st.columns(3),
            (row[f"{left}_picture"], row["picture"], row[f"{right}_picture"]),
            ("explanation on the left", "the picture", "explanation on the right"),
            strict=True,
        ):
            with column:
                _picture(study, name, alt)
        st.caption(
            f"Both networks say {plain(label)}. Left: {plain(row[left])}, right: {plain(row[right])}. "
            "Participants do not see which is which."
        )


def _picture(study: Study, name: str, alt: str) -> None:
    path = study.pictures / name
    if path.is_file():
        st.image(str(path), width=200, alt=alt)
    else:
        st.caption("This picture is missing.")


def _balance(design: DataFrame) -> None:
    items = design[design["kind"] == ITEM]
    counts, slots = items.groupby("item").size(), items["slot"].nunique()
    pairs = items[items["more"] != ""]
    left = (pairs["left"] == "less").mean() if len(pairs) else None
    often = f"{counts.min():,}" + (f" to {counts.max():,}" if counts.max() > counts.min() else "")
    text = f"The design has {slots:,} places of {len(design) // slots:,} questions. Every item is asked {often} times."
    st.caption(text + (f" The less pruned network stands on the left in {left:.1%} of the pairs." if left else ""))
