"""The cost of a pruned network: counted when the section is opened, timed on a click."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core import VariantSpec
from core.base.numbers import size
from core.results import CostReport, Latency
from pages.parts.common import engine
from pages.parts.common.background import background
from pages.parts.common.frame import guarded
from pages.parts.common.markdown import message
from pages.parts.common.waiting import follow, wait
from pages.parts.explore.take_away import take_away

CANNOT_SAY = "–"


@guarded
def cost_panel(variant: VariantSpec) -> None:
    """Draws the costs of the dense network, of the pruned one with its zeros in place, and of the
    pruned one with its empty channels removed.
    """
    timing = engine.cost("timing", variant, True)
    place, timed = st.empty(), background().find(timing)
    dense = wait(engine.cost("dense cost", variant.dense, False), place).answer
    report = dense and (
        (timed and timed.answer) or wait(engine.cost("cost", variant, False), place, follows_slider=True).answer
    )
    if report is None:
        return
    place.table(_rows(report, dense))
    for note in report.notes:
        st.caption(message(note))
    follow(timing, "Measure inference time", _explain)
    take_away(variant, smaller=report.physical_parameters is not None)


def _explain(reports: Sequence[CostReport]) -> None:
    if latency := reports[0].latency:
        st.caption(
            f"Inference time: median of {latency.n} passes on {latency.device}, with the 95th percentile (p95). The"
            " networks are measured in turn."
        )


def _rows(report: CostReport, dense: CostReport) -> dict[str, list[str]]:
    small, gone = report.physical_parameters, report.physical_zeros
    rows = {
        "Parameters": (dense.parameters, report.parameters, small),
        "Non-zero parameters": (
            dense.parameters - dense.zeros,
            report.parameters - report.zeros,
            None if small is None or gone is None else small - gone,
        ),
        "Multiply-adds per image": (dense.macs, report.macs, report.physical_macs),
        "Multiply-adds per image without zeros": (dense.macs_left, report.macs_left, report.physical_macs_left),
    }
    table = {"": list(rows), "dense": [], "pruned, zeros in place": [], "pruned, empty channels removed": []}
    columns = list(table.values())[1:]
    for values in rows.values():
        for column, value in zip(columns, values, strict=True):
            column.append(CANNOT_SAY if value is None else f"{value:,}")
    files = {
        "File size, all values": (dense.dense_file_bytes, report.dense_file_bytes, report.physical_file_bytes),
        "File size, kept values and mask": (None, report.sparse_file_bytes, None),
    }
    for name, counts in files.items():
        table[""].append(name)
        for column, count in zip(columns, counts, strict=True):
            column.append(_size(count))
    table[""].append("Inference time per image")
    for column, latency in zip(columns, (report.dense_latency, report.latency, report.physical_latency), strict=True):
        column.append(_time(latency))
    return table


def _size(count: int | None) -> str:
    return CANNOT_SAY if count is None else size(count)


def _time(latency: Latency | None) -> str:
    return CANNOT_SAY if latency is None else f"{latency.median_ms:.3g} ms (p95 {latency.p95_ms:.3g})"
