"""Curves of trained series: parameters, controls, and the sentences around the figures."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import streamlit as st

from core import CamSpec, ModelSpec, PruningSpec, SparsightError, VariantSpec
from core.figures import series_text
from core.figures.plots.series import AXES, Drawn, Look
from core.figures.series_text import Rows
from core.protocols.series.images import METHOD, Place
from core.protocols.series.tables import GROUPS, IMAGES, QUANTITIES, SeriesTables
from pages.parts.common import engine, frame, series_data, titles
from pages.parts.common.markdown import message, plain
from pages.parts.common.network_links import explore_link
from pages.parts.common.parameters import Choice, Parameter, Several
from pages.parts.common.series_data import FITS
from pages.parts.common.widgets import Known, choice, current, segments, several, toggle

THESIS, EVERY = "thesis", "all"
SIMILAR = tuple(name for name, each in QUANTITIES.items() if each.group == "similarity")
MEASURED = {name: each.title for name, each in QUANTITIES.items()}
TABS = GROUPS | {"explore": "Each level in Explore"}


@dataclass(frozen=True, kw_only=True)
class View:
    """The settings of the controls. places: the series. only: a class or "all". counted: a key of
    IMAGES.
    """

    places: tuple[Place, ...]
    axis: str
    only: str
    counted: str
    published: bool
    similar: str
    fit: str

    @property
    def look(self) -> Look:
        return Look(axis=self.axis, published=self.published and self.only == EVERY)


def parameters(found: tuple[Place, ...], more: Mapping[str, str] = MappingProxyType({})) -> dict[str, Parameter]:
    """Returns the parameters for the model and data set in the address. more: what else there is to
    choose from, and what people read for it.
    """
    models = tuple(dict.fromkeys(place.model.name for place in found))
    known: dict[str, Parameter] = {
        "of": Choice(THESIS, (THESIS, *models, *more), titles=_networks() | dict(more)),
        "published": Choice("true", ("true", "false")),
    }
    data = tuple(dict.fromkeys(place.data_name for place in found if place.model.name == _now("of", known))) or (
        "none",
    )
    known["on"] = Choice(data[0], data)
    own = tuple(
        place for place in found if (place.model.name, place.data_name) == (_now("of", known), _now("on", known))
    )
    tabs = tuple(name for name in TABS if name != "truth" or series_data.has_truth(own))
    classes = tuple(dict.fromkeys(name for place in own for name in engine.card(place.model).classes))
    return known | {
        "group": Choice("answers", tabs, titles=TABS),
        "runs": Several(tuple(map(run_name, own))),
        "along": Choice("conv", tuple(AXES), titles=AXES),
        "only": Choice(EVERY, (EVERY, *classes), titles={EVERY: "All classes"}),
        "counted": Choice("all", tuple(IMAGES), titles={"all": "All", "right": "Correct at all levels"}),
        "similar": Choice("soft-iou-of-maps", SIMILAR, titles=MEASURED),
        "fit": Choice("pointing-game", FITS, titles=MEASURED),
    }


def _networks() -> dict[str, str]:
    """Returns the display names of the networks."""
    return {THESIS: "The thesis, on MNIST"} | titles.of(engine.catalogue())


def _now(name: str, known: Known) -> str:
    """Returns the value of a control before it is drawn."""
    return str(current(name, known))


def run_name(place: Place) -> str:
    """Returns the name of a series in an address: "merkle-layer.0"."""
    return f"{place.model.weights}.{place.model.seed}"


def what(known: Known) -> str:
    """Draws the choice between the thesis and retrained models, if there are any."""
    entry = known["of"]
    assert isinstance(entry, Choice)
    if len(entry.names) == 1:
        return THESIS
    with st.sidebar:
        st.subheader("Networks", anchor=False)
        return choice(
            "Networks",
            "of",
            known,
            label_visibility="collapsed",
            help="The studies of the papers, retrained networks, and sweeps.",
        )


def controls(found: tuple[Place, ...], known: Known) -> View:
    """Draws the sidebar of a retrained model."""
    with st.sidebar:
        of, on = (
            _now("of", known),
            choice("Photographs", "on", known, help="The data set that the networks were evaluated on."),
        )
        own = tuple(place for place in found if (place.model.name, place.data_name) == (of, on))
        runs = several("Series", "runs", known, placeholder="all", help=_runs(own))
        st.subheader("Figures", anchor=False)
        axis = choice(
            "Horizontal axis", "along", known, help="\n".join(f"- **{name}**: {text}" for name, text in AXES.items())
        )
        similar = choice(
            "Similarity to the dense map", "similar", known, help=QUANTITIES[_now("similar", known)].summary
        )
        fit = _now("fit", known)
        if series_data.has_truth(own):
            fit = choice("Fit to the object", "fit", known, help=QUANTITIES[fit].summary)
        only = choice("Class", "only", known)
        counted = segments(
            "Images", "counted", known, help="\n".join(f"- **{name}**: {text}" for name, text in IMAGES.items())
        )
        published = toggle(
            "Published values", "published", known, help="Less is More: VGG-16, 224 pixels, Imagenette at full size."
        )
    chosen = tuple(place for place in own if not runs or run_name(place) in runs)
    return View(places=chosen, axis=axis, only=only, counted=counted, published=published, similar=similar, fit=fit)


def _runs(own: tuple[Place, ...]) -> str:
    """Describes each run for a help text."""
    texts = {place.model.weights: engine.card(place.model).weights.get(place.model.weights) for place in own}
    return "\n".join(f"- **{plain(run)}**: {message(known.summary)}" for run, known in texts.items() if known)


def tables(view: View) -> dict[Place, SeriesTables]:
    """Returns the readable series and reports errors of the others."""
    found = {}
    for place in view.places:
        try:
            found[place] = series_data.table(place)
        except SparsightError as error:
            frame.show(error)
    return found


def rows(view: View, found: dict[Place, SeriesTables]) -> Rows:
    """Returns every quantity of every level for the chosen images; omits series without such
    images.
    """
    answers = {}
    for place, table in found.items():
        try:
            answers[place] = series_data.levels(table, "" if view.only == EVERY else view.only, view.counted)
        except SparsightError as error:
            st.warning(
                f"**{series_text.run_title(place, plain)}**: {message(error.wrong)}", icon=":material/filter_alt_off:"
            )
    return answers


def drawn(answers: Rows) -> list[Drawn]:
    return [Drawn(run=place.model.weights, seed=place.model.seed, rows=frame) for place, frame in answers.items()]


def links(place: Place, table: SeriesTables) -> str:
    """Returns links to every level of a series in Explore; "" if its networks are not on this
    machine.
    """
    series = engine.series_of(place.model)
    if series is None or place.model.seed not in series.seeds:
        return ""
    found = [(level, facts["compression_of_convolutions"]) for level, facts in table.facts.items()]
    parts = [f"[{ratio:.3g}x]({level_link(place.model, level)})" for level, ratio in sorted(found)]
    return f"{series_text.run_title(place, plain)}: {' · '.join(parts)}{_whose(table, [level for level, _ in found])}"


def level_link(model: ModelSpec, level: int) -> str:
    """Returns the address of a level in Explore."""
    return explore_link(
        VariantSpec(model=model, pruning=PruningSpec.at_level(level, "retrained")), CamSpec(method=METHOD)
    )


def _whose(table: SeriesTables, levels: list[int]) -> str:
    """Returns a note for links to networks other than those of the table."""
    try:
        return "" if series_data.is_of(table, levels) else " (retrained since: not the networks drawn above)"
    except SparsightError:
        return " (some of these networks cannot be read on this machine)"
