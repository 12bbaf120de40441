"""The GoogLeNet study in Curves: five figures, two tables, the findings of the paper, and our
reading of what it leaves open.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from core.figures import googlenet_text
from core.figures.plots import googlenet as plots_vonrad
from core.figures.plots.googlenet import COSTS
from core.protocols.googlenet import interpretability
from core.protocols.googlenet import tables as vonrad_tables
from core.protocols.googlenet.protocol import CURVE_RATE
from core.protocols.googlenet.published import FINDINGS
from core.protocols.googlenet.summary import headline, methods, percent, published
from core.protocols.googlenet.tables import VonradTables
from core.units.embeddings import OFFLINE, SIMILARITIES
from pages.parts.common import charts, engine, present, reports, titles
from pages.parts.common.markdown import message, plain
from pages.parts.common.parameters import Choice, Parameter
from pages.parts.common.widgets import choice, tabs

if TYPE_CHECKING:
    from core.report import Report

TABS = {
    "accuracy": "Accuracy",
    "savings": "What does it save?",
    "units": "Does interpretability survive?",
    "paper": "What the paper finds",
}
NAME = "GoogLeNet study"  # as a choice beside the thesis and the retrained networks


def there(folders: Sequence[Path] = ()) -> list[str]:
    """Returns the networks whose tables are available: computed here or included."""
    return vonrad_tables.found(folders or engine.engine().roots)


def choices() -> tuple[str, ...]:
    """Returns NAME if the study has tables."""
    return (NAME,) if there() else ()


def parameters(folders: Sequence[Path] = ()) -> dict[str, Parameter]:
    """Returns the parameters: the network of the study, the cost on the horizontal axis, and
    who judges how similar images are.
    """
    names = tuple(there(folders)) or ("none",)
    costs = {name: text[0].upper() + text[1:] for name, (_, text) in COSTS.items()}
    return {
        "network": Choice(names[0], names, titles={name: _title(name) for name in names}),
        "cost": Choice("parameters", tuple(COSTS), titles=costs),
        "judge": Choice(OFFLINE[0], tuple(SIMILARITIES), titles=titles.of(SIMILARITIES)),
        "part": Choice("accuracy", tuple(TABS), titles=TABS),
    }


def _title(model: str) -> str:
    return googlenet_text.network_title(model, engine.catalogue())


def page() -> None:
    """Draws the whole page, with its choice in the sidebar."""
    known = parameters()
    with st.sidebar:
        model = choice("Network and photographs", "network", known)
    show(model)


def show(model: str, folders: Sequence[Path] = ()) -> None:
    """Draws the figures. folders: with the tables; by default the engine's."""
    tables = vonrad_tables.load(folders or engine.engine().roots, model)
    seed = tables.seeds()[0]
    st.header(headline(tables, seed), anchor=False)
    tab, content = tabs("part", parameters(folders))
    with content:
        if tab == "accuracy":
            _accuracies(tables)
            st.caption(googlenet_text.origin(tables, seed, plain(_title(tables.model))))
        elif tab == "savings":
            _methods(tables)
        elif tab == "units":
            _units(tables)
        else:
            _reading(tables, seed)
    if not present.on():
        reports.button(lambda: _report(tables), "googlenet")


def _report(tables: VonradTables) -> Report:
    from core.report.googlenet import of_tables

    return of_tables(engine.engine(), tables)


def _accuracies(tables: VonradTables) -> None:
    left, right = st.columns(2, gap="large")
    with left:
        charts.chart(
            plots_vonrad.without_retraining(tables),
            "without-retraining",
            "Accuracy by pruning rate before any retraining, one line per pruning method",
        )
    with right:
        charts.chart(
            plots_vonrad.iterative_and_one_shot(tables),
            "retrained",
            "Accuracy by pruning rate, retrained iteratively and one-shot",
        )
    charts.chart(
        plots_vonrad.curve(tables), "epochs", f"Accuracy over epochs after one-shot pruning by {percent(CURVE_RATE, 0)}"
    )
    _not_as_published(tables)


def _not_as_published(tables: VonradTables) -> None:
    for seeds, said in googlenet_text.departures(tables).items():
        st.caption(f"**Not as published{seeds}:** {message(said)}")


def _methods(tables: VonradTables) -> None:
    cost = choice("Cost", "cost", parameters(), help="Zeros alone save no time; only removed channels do.")
    charts.chart(
        plots_vonrad.methods(tables, cost), "methods", f"Accuracy against {COSTS[cost][1]}, one point per network"
    )
    st.markdown(f"**Pruned by {percent(CURVE_RATE, 0)}**, as requested; *removed* is counted over all prunable weights")
    st.dataframe(
        [googlenet_text.cells(row) for row in methods(tables).to_dict("records")],
        hide_index=True,
        width="stretch",
        height="content",
    )
    st.caption(f"{googlenet_text.INTERVALS} {published()}")


def _units(tables: VonradTables) -> None:
    if tables.units is None:
        st.info(
            "The units of these networks are not scored. `python -m core protocol run googlenet` scores them with"
            " `--units 2000`.",
            icon=":material/info:",
        )
        return
    judge = choice("Judge of similarity", "judge", parameters(), help="Scores by different judges are not comparable.")
    if judge not in interpretability.judges(tables):
        st.info(f"{SIMILARITIES[judge].title} has not judged these networks.", icon=":material/info:")
        return
    charts.chart(
        plots_vonrad.interpretability(tables, judge),
        "interpretability",
        "Mean confidence of the units' tasks by pruning rate, one line per pruning and retraining",
    )
    found = interpretability.related(tables, judge)
    st.markdown(f"**{interpretability.QUESTION}** {message(interpretability.answer(found, judge))}")
    st.markdown(message(interpretability.near_chance(tables, judge)))
    st.dataframe([googlenet_text.relation(each) for each in found], hide_index=True, width="stretch", height="content")
    st.caption(
        f"{message(interpretability.origin(tables))} Bars: 95 % intervals over units and tasks, not over seeds. The"
        " paper's figure 5 shows the same; its values are not known."
    )
    _not_as_published(tables)


def _reading(tables: VonradTables, seed: int) -> None:
    st.markdown("".join(f"\n- {finding}" for finding in FINDINGS))
    st.caption(googlenet_text.ours(tables, seed, plain(_title(tables.model))))
    with st.expander("What the paper leaves open, and how we read it", icon=":material/menu_book:"):
        st.markdown("".join(f"\n- {message(reading)}" for reading in tables.facts["runs"][str(seed)]["readings"]))
