"""The view in the address bar: names, defaults and allowed values of its parameters. They are a public format, pinned by a test.

Streamlit's `bind="query-params"` keeps widgets and address equal and leaves defaults out, but resets what it cannot use without
a word. So the address is checked here before the first widget is drawn, and what was not used is said.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st

from core.models.zoo import MODELS
from core.pruning import CRITERIA
from core.saliency import CAMS
from core.specs import SCOPES, TARGETS

CARD = MODELS["thesis-cnn"].value
RATIOS = (1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 12.0, 16.0, 20.0, 24.0, 32.0, 40.0, 48.0, 64.0, 80.0, 100.0)


@dataclass(frozen=True)
class Choice:
    """One of some names; `default` is left out of the address."""

    default: str
    names: tuple[str, ...]

    def problem(self, text: str) -> str | None:
        """What is wrong with this value, or None."""
        if text in self.names or (set(self.names) == {"true", "false"} and text.lower() in self.names):
            return None
        if text.replace(" ", "+") in self.names:
            return "in an address + stands for a space; write it as %2B."
        near = difflib.get_close_matches(text.strip(), self.names, n=1, cutoff=0.6)
        known = f"did you mean {near[0]}?" if near else f"known: {', '.join(self.names)}."
        return f"there is no such choice; {known}"


@dataclass(frozen=True)
class Number:
    """A number from `low` to `high`; whole unless `step` is a fraction."""

    default: float
    low: float
    high: float
    step: float = 1

    def problem(self, text: str) -> str | None:
        """What is wrong with this value, or None."""
        whole = isinstance(self.step, int)
        allowed = f"{'a whole number' if whole else 'a number'} from {self.low:g} to {self.high:g}"
        try:
            value = int(text) if whole else float(text)
        except ValueError:
            return f"allowed is {allowed}."
        if not math.isfinite(value) or not self.low <= value <= self.high:
            return f"allowed is {allowed}."
        return None


def _ratio_names() -> tuple[str, ...]:
    return tuple(f"{ratio:g}" for ratio in RATIOS)


PARAMETERS: dict[str, Choice | Number] = {
    "unit": Choice("percent", ("percent", "ratio", "level")),
    "sparsity": Number(70.0, 0.0, 100.0, 0.1),
    "ratio": Choice("3", _ratio_names()),
    "level": Number(5, 0, CARD.levels or 0),
    "source": Choice("digits", ("digits", "own")),
    "digit": Choice("7", CARD.classes),
    "nth": Number(1, 1, 500),
    "noise": Choice("true", ("true", "false")),
    "seed": Choice(str(CARD.seeds[0]), tuple(map(str, CARD.seeds))),
    "schedule": Choice("one-shot", ("one-shot", "iterative-reset")),
    "criterion": Choice("magnitude", tuple(CRITERIA)),
    "scope": Choice("global", tuple(SCOPES)),
    "cam": Choice("grad-cam++", tuple(CAMS)),
    "target": Choice("dense", tuple(TARGETS)),
    "opacity": Number(65, 0, 100, 5),
    "threshold": Number(0.5, 0.0, 1.0, 0.02),
}
# On every page: a lecture, and an exercise in which single controls are hidden or locked (names, with commas between).
PRESENT = Choice("0", ("0", "1"))
EXERCISE = {"hide": "hidden", "lock": "locked"}


def problems(query: Mapping[str, str], parameters: Mapping[str, Choice | Number] = PARAMETERS) -> list[str]:
    """One plain sentence for each part of the address that cannot be used. parameters: of the page; Explore's when left out."""
    found = []
    for name, text in query.items():
        if name in EXERCISE:
            found += [
                f"`{name}={_short(wrong)}`: this page has no control of that name, so nothing is {EXERCISE[name]}."
                for wrong in _listed(text)
                if wrong not in parameters
            ]
        elif name == "present":
            found += [f"`present={_short(text)}` cannot be used: write `present=1` to present."] if PRESENT.problem(text) else []
        elif name not in parameters:
            found.append(f"`{_short(name)}` is no part of this page's address; it was left out.")
        elif problem := parameters[name].problem(text):
            parameter = parameters[name]
            default = f"{parameter.default:g}" if isinstance(parameter, Number) else parameter.default
            found.append(f"`{name}={_short(text)}` cannot be used: {problem} Used instead: `{name}={default}`.")
    return found


def check(parameters: Mapping[str, Choice | Number] = PARAMETERS) -> None:
    """Reads the address before the first widget, takes out what cannot be used, and says so."""
    query = st.query_params.to_dict()
    found = problems(query, parameters)
    for name, text in query.items():
        if name in EXERCISE:
            _keep_known(name, text, parameters)
            continue
        if name == "present":
            if PRESENT.problem(text):
                del st.query_params[name]
            continue
        unknown = name not in parameters
        if unknown or (parameters[name].problem(text) and name not in st.session_state):
            del st.query_params[name]
    if found:
        lines = "\n".join(f"- {line}" for line in found)
        st.warning(f"**Parts of the address were not used.**\n{lines}", icon=":material/link_off:")


def _keep_known(name: str, text: str, parameters: Mapping[str, Choice | Number]) -> None:
    """Takes out what no control is called, so that it is said once."""
    known = [part for part in _listed(text) if part in parameters]
    if known != _listed(text):
        st.query_params[name] = ",".join(known)


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _short(text: str, most: int = 40) -> str:
    text = "".join(sign for sign in text if sign.isprintable() and sign != "`")
    return text if len(text) <= most else text[:most] + "..."
