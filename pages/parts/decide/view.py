"""Decide's parameters and controls: the candidates, the images, and what a network may lose."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import streamlit as st

from core import CamSpec, DataSpec, ModelSpec, VariantSpec
from core.data.datasets import DATASETS
from core.data.folders import PREFIX
from core.engine.reference_name import candidate_name
from core.engine.reference_text import DENSE, read_reference
from core.figures.candidates import COST_TITLES
from core.figures.names import at_start
from core.models.cards import Card
from core.saliency import CAMS
from core.specs.images import DIGIT_NOISE
from core.sweeps.candidates import MOST
from core.sweeps.decision import BROKEN_BELOW, USUAL_COST, Limits
from core.sweeps.spots import TOLERANCE
from pages.parts.common import access, address, engine, references, titles
from pages.parts.common.parameters import Choice, Number, Parameter, Text
from pages.parts.common.widgets import choice, current, number, several, text, toggle
from pages.parts.sidebar import photo_sets
from pages.parts.sidebar.group import group
from pages.parts.sidebar.model import model_choice, network_line
from pages.parts.sidebar.reference import offered, reference_choice, reference_line

SHARED = ("model", "weights", "seed", "ref")  # parameters of Explore
DIGITS, OWN_PATH = "digits", "path"
FILTERS = "way.filter-global-magnitude"
USUAL_LEVELS, USUAL_SHARES = (3, 6, 10), (10, 20, 30)
ANY = 100.0  # percent: not limited
IMAGES = ("50", "100", "200", "500", "1000", "2000", "5000", "all")
MOST_LOCKED = 4  # of IMAGES, on a server that everybody shares
OWN_SET = "Folder or zip file"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What the sidebar and the list of candidates ask. data: None until there are images."""

    model: ModelSpec
    reference: VariantSpec
    candidates: tuple[VariantSpec, ...]
    data: DataSpec | None
    images: int | None
    cam: CamSpec


def parameters() -> dict[str, Parameter]:
    """Returns the parameters of this page for the requested network."""
    known = address.known()
    entry = known["ref"]
    assert isinstance(entry, references.ReferenceText)
    sets = _sets(entry.model)
    own: dict[str, Parameter] = {
        "candidates": references.ReferenceTexts((), model=entry.model),
        "on": Choice(next(iter(sets), ""), tuple(sets), titles=sets),
        "images": Choice("500", IMAGES[:MOST_LOCKED] if access.locked() else IMAGES, titles={"all": "all"}),
        "noise": address.PARAMETERS["noise"],
        "cam": Choice("grad-cam", tuple(CAMS), titles=titles.of(CAMS)),
        "cost": Choice(
            USUAL_COST, tuple(COST_TITLES), titles={key: at_start(each) for key, each in COST_TITLES.items()}
        ),
        "loss": Number(100 * TOLERANCE, 0.0, 100.0, 0.5),
        "changed": Number(ANY, 0.0, ANY, 0.5),
        "broken": Number(ANY, 0.0, ANY, 0.5),
        "threshold": Number(BROKEN_BELOW, 0.0, 1.0, 0.05),
    }
    path: dict[str, Parameter] = {} if access.locked() else {OWN_PATH: Text("", ())}
    return {name: known[name] for name in SHARED} | own | path


def _sets(model: ModelSpec) -> dict[str, str]:
    """Returns the titles of the data sets that the network can be asked about, by name."""
    if engine.card(model).reads_digits:
        return {DIGITS: DATASETS[DIGITS].title}
    found = {
        name: DATASETS[name].title if name in DATASETS else "The server's photographs"
        for name in photo_sets.fitting(model)
    }
    return found if access.locked() else found | {OWN_PATH: OWN_SET}


def controls() -> Asked:
    """Draws the sidebar and the list of candidates."""
    with st.sidebar:
        with group("Network", ":material/hub:") as state_settings:
            model = model_choice(address.known())
            reference_choice(model)
            state_settings(network_line(model) + reference_line(model))
        known = parameters()
        with group("Images", ":material/image:") as state_settings:
            data = _images(model, known)
            count = choice("Number of images", "images", known, help="From every class in proportion.")
            state_settings(f"{_sets(model).get(current('on', known), 'none')}, {count}")
        with group("Heatmap", ":material/gradient:") as state_settings:
            method = choice("Method", "cam", known)
            state_settings(CAMS[method].title)
    reference = read_reference(current("ref", known), VariantSpec(model=model), engine.catalogue())
    return Asked(
        model=model,
        reference=reference or VariantSpec(model=model),
        candidates=_candidates(model, known),
        data=data,
        images=None if count == "all" else int(count),
        cam=CamSpec(method=method),
    )


def _images(model: ModelSpec, known: dict[str, Parameter]) -> DataSpec | None:
    """Draws the choice of the images."""
    entry = known["on"]
    assert isinstance(entry, Choice)
    if not engine.card(model).reads_digits:
        access.offers(access.PATHS)
    if not entry.names:
        st.caption(photo_sets.how_to_get_one("A decision", model))
        return None
    name = choice("Images", "on", known)
    if name == DIGITS:
        noisy = toggle("Background noise", "noise", known, help="As in the thesis: uniform, up to 0.2.")
        return DataSpec(name=DIGITS, noise=DIGIT_NOISE if noisy else 0.0)
    if name != OWN_PATH:
        return DataSpec(name=photo_sets.fitting(model)[name])
    path = text(
        "Path",
        OWN_PATH,
        known,
        placeholder="/home/me/photos",
        help="A folder or zip file on this machine, with one folder per class. Photographs without classes: put them"
        " all into one folder of any name; the decision is then on changed answers.",
    ).strip()
    return DataSpec(name=f"{PREFIX}{path}") if path else None


def _candidates(model: ModelSpec, known: dict[str, Parameter]) -> tuple[VariantSpec, ...]:
    """Draws the list of candidates; the usual ones if none is chosen."""
    entry = known["candidates"]
    assert isinstance(entry, references.ReferenceTexts)
    texts = listed(model, tuple(current("candidates", known)))
    names = {each: title_of(each, model) for each in texts}
    chosen = several(
        "Candidates",
        "candidates",
        {"candidates": replace(entry, names=tuple(names), titles=names)},
        placeholder=f"default: {', '.join(title_of(each, model) for each in usual(model))}",
        max_selections=MOST,
        help="Levels of its series, sparsities, other networks on this machine, your own ones included.",
    )
    found = [_variant(each, model) for each in chosen or usual(model)]
    return tuple(dict.fromkeys(found))


def listed(model: ModelSpec, chosen: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Returns the texts of candidates that are offered, and of those that are chosen."""
    filters = [f"sparsity.{share},{FILTERS}" for share in USUAL_SHARES]
    return tuple(dict.fromkeys(each for each in (*offered(model), *filters, *usual(model), *chosen) if each != DENSE))


def usual(model: ModelSpec) -> tuple[str, ...]:
    """Returns the candidates of a new view: a few levels of the series, or a few sparsities."""
    series = engine.series_of(model)
    levels = tuple(f"level.{level}" for level in USUAL_LEVELS if series and level <= series.last)
    top = 100 * max(engine.card(model).grid)
    shares = tuple(f"sparsity.{share}" for share in USUAL_SHARES if share <= top)
    return (*levels, shares[-1]) if levels else shares


def title_of(written: str, model: ModelSpec) -> str:
    """Returns what people read for a candidate."""
    variant = _variant(written, model)
    return _title(variant, model, engine.card(variant.model))


@lru_cache(maxsize=1000)
def _title(variant: VariantSpec, model: ModelSpec, card: Card) -> str:
    """card: of the candidate; another one of the same name has another title."""
    return candidate_name(engine.catalogue(), variant, model)


def _variant(written: str, model: ModelSpec) -> VariantSpec:
    dense = VariantSpec(model=model)
    return read_reference(written, dense, engine.catalogue()) or dense


def limits() -> tuple[Limits, str]:
    """Draws what a network may lose, and what it should save; also returns the cost's name."""
    known = parameters()
    columns = st.columns([1.2, 1, 1.05, 1.3, 1], gap="medium")
    with columns[0]:
        cost = choice("Least", "cost", known, help="What the recommended network should have the least of.")
    with columns[1]:
        loss = number(
            "Accuracy loss",
            "loss",
            known,
            format="%.1f points",
            help="By how much accuracy may be lower than the reference's. Where images have no labels, this many"
            " percent of the answers may change. Fix limits before you look at results.",
        )
    with columns[2]:
        changed = number(
            "Changed answers",
            "changed",
            known,
            format="%.1f %%",
            help="On how many images the answer may be another than the reference's. 100 %: on any.",
        )
    with columns[3]:
        broken = number(
            "Broken explanations",
            "broken",
            known,
            format="%.1f %%",
            help="On how many images the heatmap may be unlike the reference's. 100 %: on any.",
        )
    with columns[4]:
        threshold = number(
            "Broken below",
            "threshold",
            known,
            help="Pearson correlation with the reference's heatmap. A lower one counts as broken.",
        )
    found = Limits(
        accuracy=loss / 100,
        changed=None if changed == ANY else changed / 100,
        broken=None if broken == ANY else broken / 100,
        threshold=threshold,
    )
    return found, cost
