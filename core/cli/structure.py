"""The form of options on the command line, and the lists of commands and options."""

from __future__ import annotations

from typing import Annotated, Any

from cyclopts import App, Parameter

FLAT = Parameter(name="*")  # the fields of a dataclass as options
Flag = Annotated[bool, Parameter(negative=())]


def _default(value: Any) -> str | None:
    """Return a default as it is written on the command line; None if it is not worth showing."""
    if value is None or value is False or value in ("", ()):
        return None
    return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)


PARAMETERS = Parameter(
    negative_iterable=(), consume_multiple=True, allow_repeating=True, show_default=_default, show_choices=False
)


def commands_of(app: App) -> list[str]:
    """Return the names of the commands of an application or a group."""
    return [name for name in app if not name.startswith("-")]


def options_of(app: App) -> dict[str, Any]:
    """Return every option of a command, or of all commands of a group, with its argument."""
    own = app.assemble_argument_collection(default_parameter=PARAMETERS) if app.default_command else ()
    options = {name: argument for argument in own for name in argument.names if name.startswith("--")}
    for name in commands_of(app):
        options |= {option: argument for option, argument in options_of(app[name]).items() if option not in options}
    return options
