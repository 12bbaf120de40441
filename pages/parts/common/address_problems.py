"""Messages about invalid parts of an address."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping

from streamlit.delta_generator import DeltaGenerator

from pages.parts.common.markdown import message
from pages.parts.common.parameters import Choice, Number, Parameter, Several

# On every page: presenting, and exercises with hidden or locked controls (names separated by
# commas).
PRESENT = Choice("0", ("0", "1"))
EXERCISE = {"hide": "hidden", "lock": "locked"}


def problems(
    query: Mapping[str, str], parameters: Mapping[str, Parameter], drawn: Container[str] | None = None
) -> list[str]:
    """Returns one sentence for each invalid part of the address.

    Args:
        drawn: parameters whose values are on the screen; replacements are named for these only.
            None: all.
    """
    found = []
    for name, text in query.items():
        if name in EXERCISE:
            found += [
                f"`{name}={_short(wrong)}`: this page has no such control, so nothing is {EXERCISE[name]}."
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
            found.append(f"`{_short(name)}` is not a parameter of this page; it was ignored.")
        elif problem := parameters[name].problem(text):
            used = f" Used instead: `{name}={_short(_instead(parameters[name], text))}`."
            shown = drawn is None or name in drawn or _is_only_one(parameters[name])
            found.append(f"`{name}={_short(text)}` cannot be used: {problem}{used if shown else ''}")
    return found


def _is_only_one(parameter: Parameter) -> bool:
    """Whether there is nothing to choose, so that no control is drawn."""
    return isinstance(parameter, Choice) and len(parameter.names) == 1


def _instead(parameter: Parameter, text: str) -> str:
    """Returns the replacement of an invalid value as text of an address."""
    return parameter.instead(text) if isinstance(parameter, Number) else parameter.said


def say_problems(
    place: DeltaGenerator, query: Mapping[str, list[str]], parameters: Mapping[str, Parameter]
) -> Callable[[Container[str]], None]:
    """Warns about invalid parts of an address at this place.

    Returns:
        A function that names their replacements; to be called with the names of the parameters
        that the page has drawn.
    """

    def say(drawn: Container[str]) -> None:
        if found := _unknown_names(query, parameters) + problems(_single(query, parameters), parameters, drawn):
            lines = "\n".join(f"- {message(line)}" for line in found)
            place.warning(f"**Parts of the address were ignored.**\n{lines}", icon=":material/link_off:")

    say(())
    return say


def _single(query: Mapping[str, list[str]], parameters: Mapping[str, Parameter]) -> dict[str, str]:
    """Returns the parameters with a single value."""
    return {name: texts[-1] for name, texts in query.items() if not isinstance(parameters.get(name), Several)}


def _unknown_names(query: Mapping[str, list[str]], parameters: Mapping[str, Parameter]) -> list[str]:
    """Returns one sentence for each unknown name among several."""
    return [
        f"`{name}={_short(text)}` cannot be used: {parameter.problem(text)} It was ignored."
        for name, texts in query.items()
        if isinstance(parameter := parameters.get(name), Several)
        for text in texts
        if parameter.problem(text)
    ]


def usable(always: Mapping[str, list[str]], parameters: Mapping[str, Parameter]) -> dict[str, str]:
    """Returns the valid part of the parameters of every page: presenting and exercises."""
    texts = {name: each[-1] for name, each in always.items()}
    names = {name: ",".join(part for part in _listed(texts.get(name, "")) if part in parameters) for name in EXERCISE}
    presenting = texts.get("present", "")
    return names | {"present": "" if PRESENT.problem(presenting) else presenting}


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _short(text: str, most: int = 40) -> str:
    text = "".join(sign for sign in text if sign.isprintable() and sign != "`")
    return text if len(text) <= most else text[:most] + "..."
