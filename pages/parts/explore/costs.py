"""What a pruned network costs: counted at once when somebody looks, timed on a click."""

from __future__ import annotations

import streamlit as st

from core import VariantSpec
from core.base.text import size
from core.results import CostReport, Latency
from pages.parts.common import engine
from pages.parts.common.markdown import message

CANNOT_SAY = "–"


def cost_panel(variant: VariantSpec) -> None:
    """Numbers of the dense network, of the pruned one with its zeros in place, and after empty
    channels were really taken out.
    """
    place, notes = st.empty(), st.container()
    timed = st.session_state.setdefault("_timed", set())
    with place:
        st.caption("Measuring, which takes some seconds ..." if variant.key in timed else "Counting ...")
    report = engine.cost(variant, variant.key in timed)
    place.table(_rows(report, engine.cost(variant.dense, False)))
    for note in report.notes:
        notes.caption(message(note))
    if variant.key not in timed:
        st.button(
            "Measure the time of one image",
            icon=":material/timer:",
            on_click=timed.add,
            args=(variant.key,),
            help="The networks in turn, up to 30 rounds, on this machine as busy as it is now.",
        )
    elif report.latency:
        st.caption(
            f"Time of one image: median of {report.latency.n} passes, taken in turn, on {report.latency.device}; beside"
            " it the 95th percentile."
        )


def _rows(report: CostReport, dense: CostReport) -> dict[str, list[str]]:
    small, gone = report.physical_parameters, report.physical_zeros
    rows = {
        "Parameters": (dense.parameters, report.parameters, small),
        "Parameters that are not zero": (
            dense.parameters - dense.zeros,
            report.parameters - report.zeros,
            None if small is None or gone is None else small - gone,
        ),
        "Multiply-adds of one image": (dense.macs, report.macs, report.physical_macs),
        "Multiply-adds, zeros left out": (dense.macs_left, report.macs_left, report.physical_macs_left),
    }
    table = {"": list(rows), "dense": [], "pruned, zeros in place": [], "empty channels taken out": []}
    columns = list(table.values())[1:]
    for values in rows.values():
        for column, value in zip(columns, values, strict=True):
            column.append(CANNOT_SAY if value is None else f"{value:,}")
    files = {
        "File, every value": (dense.dense_file_bytes, report.dense_file_bytes, report.physical_file_bytes),
        "File, kept values and mask": (None, report.sparse_file_bytes, None),
    }
    for name, counts in files.items():
        table[""].append(name)
        for column, count in zip(columns, counts, strict=True):
            column.append(_size(count))
    table[""].append("Time of one image")
    for column, latency in zip(columns, (report.dense_latency, report.latency, report.physical_latency), strict=True):
        column.append(_time(latency))
    return table


def _size(count: int | None) -> str:
    return CANNOT_SAY if count is None else size(count)


def _time(latency: Latency | None) -> str:
    return CANNOT_SAY if latency is None else f"{latency.median_ms:.3g} ms (p95 {latency.p95_ms:.3g})"
