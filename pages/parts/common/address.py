"""The view in the address bar: names, defaults and allowed values of its parameters. They are a
public format, pinned by a test.

Streamlit's `bind="query-params"` keeps widgets and address equal and leaves defaults out, but
resets what it cannot use without a word. So the address is checked here before the first widget is
drawn, and what was not used is said.

Defaults are part of the format and never change. What a new view begins with is another thing: an
address without any parameter opens START. Network, method and target layer are stated in every
address; one that leaves them out is from before they were, and keeps the meaning that it had.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress

import streamlit as st
from streamlit.errors import StreamlitAPIException

from core import SparsightError
from core.data.datasets import photo_sets
from core.data.gallery import GALLERY
from core.models.cards import RANDOM, Card
from core.models.layers import Layer
from core.models.zoo import MODELS
from core.pruning import CRITERIA
from core.saliency import CAMS
from core.specs import GRANULARITIES, REPAIRS, SCOPES, TARGETS, ModelSpec
from pages.parts.common import engine, history
from pages.parts.common.by_card import by_card
from pages.parts.common.markdown import message
from pages.parts.common.parameters import Choice, Number, Parameter, Several, Stated, said
from pages.parts.common.series_parameters import of_weights
from pages.parts.common.state import state

FIRST_MODEL = "thesis-cnn"
START_MODEL = "efficientnet-lite0"
START = {"photo": "coffee", "fine": 30.0, "cam": "grad-cam"}  # the view of a bare address, of that model
# The target layer of addresses that leave it out, where it is not the one that the card names
# today.
LAYERS_BEFORE = {"relu2": "conv2", "_swish.head": "_bn1", "features": "features.norm5"}
FOLDER = "folder"  # as a source: the photographs that SPARSIGHT_PHOTOS names
PHOTO_SETS = photo_sets()
MORE_PATTERNS = ("1:4", "4:8")  # beside those of GRANULARITIES
RATIOS = (
    1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 12.0, 16.0, 20.0, 24.0, 32.0, 40.0, 48.0, 64.0, 80.0,
    100.0,
)  # fmt: skip
FINE_RATIOS = (1.0, 1.02, 1.05, 1.08, 1.1, 1.15, 1.2, 1.25, 1.3, 1.4, 1.5, 1.6, 1.8, 2.0, 2.25, 2.5)

CARD = MODELS[FIRST_MODEL].value


def _names(ratios: tuple[float, ...]) -> tuple[str, ...]:
    return tuple(f"{ratio:g}" for ratio in ratios)


def layer_names(card: Card) -> tuple[str, ...]:
    """What can be left alone: two layers by their place, all by their names."""
    return "first", "classifier", *(name.removesuffix(".weight") for name in card.prunable)


def by_hand(card: Card) -> dict[str, Parameter]:
    """Layers with an amount of their own, and the amount of each in percent."""
    names = tuple(name.removesuffix(".weight") for name in card.prunable)
    return {"byhand": Several(names), **{f"amount.{name}": Number(50.0, 0.0, 100.0, 0.5) for name in names}}


def layers_of(model: str) -> dict[str, Layer]:
    """The target layers of a model by name, in the order in which they run."""
    return {layer.name: layer for layer in engine.catalogue().named(model).layers}


def _layer_choice(card: Card) -> Stated:
    usual, layers = card.target_layer, [layer.name for layer in card.layers]
    before = LAYERS_BEFORE.get(usual, usual)
    return Stated(before if before in layers else usual, tuple(dict.fromkeys((*layers, usual))), usual)


PARAMETERS: dict[str, Parameter] = {
    "model": Stated(FIRST_MODEL, tuple(MODELS), FIRST_MODEL),
    "weights": Choice(next(iter(CARD.weights)), (next(iter(CARD.weights)),)),
    "unit": Choice("percent", ("percent", "ratio", "level")),
    "sparsity": Number(70.0, 0.0, 100.0, 0.1),
    "fine": Number(25.0, 0.0, 60.0, 0.5),
    "wide": Choice("false", ("true", "false")),
    "ratio": Choice("3", _names(RATIOS)),
    "level": Number(5, 0, CARD.levels or 0),
    "source": Choice("digits", ("digits", "own")),
    "photo": Choice("cat", tuple(GALLERY)),
    "row": Number(1, 1, 99_999),
    "digit": Choice("7", CARD.classes),
    "nth": Number(1, 1, 500),
    "noise": Choice("true", ("true", "false")),
    "seed": Choice(str(CARD.seeds[0]), tuple(map(str, CARD.seeds))),
    "schedule": Choice("one-shot", ("one-shot", "iterative-reset")),
    "granularity": Choice("weight", (*GRANULARITIES, *MORE_PATTERNS)),
    "excluded": Several(layer_names(CARD)),
    **by_hand(CARD),
    "repair": Choice("none", tuple(REPAIRS)),
    "criterion": Choice("magnitude", tuple(CRITERIA)),
    "scope": Choice("global", tuple(SCOPES)),
    "cam": Stated("grad-cam++", tuple(CAMS), "grad-cam"),
    "layer": _layer_choice(CARD),
    "target": Choice("dense", (*TARGETS, "class")),
    "class": Choice(CARD.classes[0], CARD.classes),
    "outline": Choice("false", ("true", "false")),
    "opacity": Number(65, 0, 100, 5),
    "threshold": Number(0.5, 0.0, 1.0, 0.02),
}


@by_card
def of_model(name: str, weights: str = "") -> dict[str, Parameter]:
    """The parameters of a view of this model: the same names everywhere; choices, ranges and
    defaults as the model allows.

    weights: decide which seeds, schedules and levels there are; the model's first weights when left
    out.
    """
    if name == FIRST_MODEL:
        return PARAMETERS
    found = engine.catalogue().named(name)
    top, first = max(found.grid), found.first_model(name).weights
    shared = {name: entry for name, entry in PARAMETERS.items() if name not in by_hand(CARD)}
    return shared | {
        "ratio": Choice("1.25", _names(FINE_RATIOS)) if top < 1 else PARAMETERS["ratio"],
        "fine": Number(min(25.0, top * 100), 0.0, top * 100, 0.5),
        "source": PARAMETERS["source"]
        if found.reads_digits
        else Choice("gallery", ("gallery", "own", FOLDER, *PHOTO_SETS)),
        "weights": Choice(
            first, tuple(dict.fromkeys((*found.weights, RANDOM))) if not found.reads_digits else (first,)
        ),
        **of_weights(ModelSpec(name=name, weights=weights or first)),
        "excluded": Several(layer_names(found)),
        **by_hand(found),
        "layer": _layer_choice(found),
        "class": Choice(class_names(name)[0], class_names(name)),
    }


@by_card
def class_names(model: str) -> tuple[str, ...]:
    """The classes of a model, each by a name of its own: two cranes become "crane (134)" and "crane
    (517)".
    """
    names = engine.catalogue().named(model).classes
    counts = Counter(names)
    return tuple(name if counts[name] == 1 else f"{name} ({index})" for index, name in enumerate(names))


def model_asked() -> str:
    """The model of this view: the address says it, else what was chosen before, else the first
    one.
    """
    for text in (st.query_params.get("model"), st.session_state.get("model")):
        if text and _is_model(text):
            return str(text)
    return FIRST_MODEL


def _is_model(name: str) -> bool:
    """Whether there is such a model: a listed one, or any other CNN of torchvision."""
    try:
        return engine.catalogue().named(name) is not None
    except SparsightError:
        return False


def weights_asked(model: str) -> str:
    """The weights of this view, where the model has them: as the address says, else as was chosen
    before, else its first ones.
    """
    entry = of_model(model)["weights"]
    assert isinstance(entry, Choice)
    texts = (st.query_params.get("weights"), st.session_state.get("weights"))
    return next((text for text in texts if text in entry.names), entry.default)


def known() -> dict[str, Parameter]:
    """The parameters of a view of the model that is asked for.

    More models than the registered ones can be asked for by name.
    """
    model = model_asked()
    return of_model(model, weights_asked(model)) | {
        "model": Stated(FIRST_MODEL, tuple(dict.fromkeys((*engine.catalogue(), model))), FIRST_MODEL)
    }


STATED = ("model", "cam", "layer")


def complete(parameters: Callable[[], Mapping[str, Parameter]] = known) -> None:
    """Gives the widgets, and the address, what an address leaves out that every address states.
    Called before the first widget.

    parameters: of the page, for the model that is asked for.
    """
    completion = state().address
    if completion.again:
        st.session_state.update(completion.again)
        completion.again = {}
        return
    query = st.query_params
    if all(name in query for name in STATED):
        return
    bare = not set(query) - {"present"}
    if "model" not in query:
        st.session_state["model"] = START_MODEL if bare else FIRST_MODEL
    found = parameters()
    meant = {"model": st.session_state["model"]} if "model" not in query else {}
    meant |= {name: found[name].default for name in STATED[1:] if name not in query}
    if bare:
        meant |= {"layer": MODELS[START_MODEL].value.target_layer} | {
            name: value for name, value in START.items() if name in found
        }
    st.session_state.update(meant)
    completion.completed = meant
    with suppress(StreamlitAPIException):  # a parameter whose widget is on the page already: Streamlit writes it then
        query.update({name: said(value) for name, value in meant.items()})


def settle() -> None:
    """Runs the page once more where the widgets did not take what `complete` gave them. Called
    after the last widget.

    After the browser's Back, Streamlit resets a widget that the address leaves out, whatever the
    page has set.
    """
    completion = state().address
    meant, completion.completed = completion.completed, {}
    if any(st.session_state.get(name) != value for name, value in meant.items()):
        completion.again = meant
        st.rerun()


# On every page: a lecture, and an exercise in which single controls are hidden or locked (names,
# with commas between).
PRESENT = Choice("0", ("0", "1"))
EXERCISE = {"hide": "hidden", "lock": "locked"}


def problems(query: Mapping[str, str], parameters: Mapping[str, Parameter] = PARAMETERS) -> list[str]:
    """One plain sentence for each part of the address that cannot be used. parameters: of the page;
    Explore's when left out.
    """
    found = []
    for name, text in query.items():
        if name in EXERCISE:
            found += [
                f"`{name}={_short(wrong)}`: this page has no control of that name, so nothing is {EXERCISE[name]}."
                for wrong in _listed(text)
                if wrong not in parameters
            ]
        elif name == "present":
            found += (
                [f"`present={_short(text)}` cannot be used: write `present=1` to present."]
                if PRESENT.problem(text)
                else []
            )
        elif name not in parameters:
            found.append(f"`{_short(name)}` is no part of this page's address; it was left out.")
        elif problem := parameters[name].problem(text):
            used = _short(_instead(parameters[name], text))
            found.append(f"`{name}={_short(text)}` cannot be used: {problem} Used instead: `{name}={used}`.")
    return found


def _instead(parameter: Parameter, text: str) -> str:
    """What is used for a value that cannot be, as an address says it."""
    return parameter.instead(text) if isinstance(parameter, Number) else parameter.said


def check(parameters: Mapping[str, Parameter] = PARAMETERS) -> None:
    """Reads the address of a page that was just opened, takes out what cannot be used, and says so.
    Called before the first widget.

    From then on the widgets write the address: what another network leaves behind there is nobody's
    mistake.
    """
    if not state().is_new:
        return
    query = {name: st.query_params.get_all(name) for name in st.query_params}
    usable = {name: texts for name, told in query.items() if (texts := _usable(name, told, parameters))}
    if usable != query:
        history.start_from(usable)
    if found := _unknown_names(query, parameters) + problems(_single(query, parameters), parameters):
        lines = "\n".join(f"- {message(line)}" for line in found)
        st.warning(f"**Parts of the address were not used.**\n{lines}", icon=":material/link_off:")


def _single(query: Mapping[str, list[str]], parameters: Mapping[str, Parameter]) -> dict[str, str]:
    """The parts that have one value."""
    return {name: texts[-1] for name, texts in query.items() if not isinstance(parameters.get(name), Several)}


def _usable(name: str, texts: list[str], parameters: Mapping[str, Parameter]) -> list[str]:
    """What stays of a part of the address, or stands in its place; nothing where it is left out."""
    parameter, text = parameters.get(name), texts[-1]
    if name in EXERCISE:
        known = ",".join(part for part in _listed(text) if part in parameters)
        return [known] if known else []
    if name == "present":
        return [] if PRESENT.problem(text) else [text]
    if parameter is None:
        return []
    if isinstance(parameter, Several):
        return [each for each in texts if not parameter.problem(each)]
    if not parameter.problem(text):
        return [text]
    used = _instead(parameter, text)
    return [used] if isinstance(parameter, Stated) or used != parameter.said else []


def _unknown_names(query: Mapping[str, list[str]], parameters: Mapping[str, Parameter]) -> list[str]:
    """A sentence for each unknown name among several."""
    return [
        f"`{name}={_short(text)}` cannot be used: {parameter.problem(text)} It was left out."
        for name, texts in query.items()
        if isinstance(parameter := parameters.get(name), Several)
        for text in texts
        if parameter.problem(text)
    ]


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _short(text: str, most: int = 40) -> str:
    text = "".join(sign for sign in text if sign.isprintable() and sign != "`")
    return text if len(text) <= most else text[:most] + "..."
