"""How options look on the command line, and which commands and options there are."""

from __future__ import annotations

from typing import Annotated, Any

from cyclopts import App, Parameter

FLAT = Parameter(name="*")  # the fields of a dataclass as options
Flag = Annotated[bool, Parameter(negative=())]


def _default(value: Any) -> str | None:
    """A default as a person would write it; None for one that says nothing."""
    if value is None or value is False or value in ("", ()):
        return None
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)


PARAMETERS = Parameter(
    negative_iterable=(), consume_multiple=True, allow_repeating=True, show_default=_default, show_choices=False
)


def commands_of(app: App) -> list[str]:
    """Names of the commands of an application or a group."""
    return [name for name in app if not name.startswith("-")]


def options_of(app: App) -> dict[str, Any]:
    """Every option of a command or, of a group, of all its commands; with what it is."""
    own = app.assemble_argument_collection(default_parameter=PARAMETERS) if app.default_command else ()
    found = {name: argument for argument in own for name in argument.names if name.startswith("--")}
    for name in commands_of(app):
        found |= {option: argument for option, argument in options_of(app[name]).items() if option not in found}
    return found
