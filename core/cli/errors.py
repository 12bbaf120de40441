"""Errors of an invalid command line: what is wrong, the rule, what to do next."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Literal, get_args, get_origin

from cyclopts import App, ArgumentCollection, CycloptsError
from cyclopts import exceptions as problems

from core.base.errors import SparsightError
from core.base.suggestions import listed, nearest
from core.cli.structure import commands_of, options_of

# Options of earlier versions -> their current names; of several names, the first that the command
# has.
RENAMED_OPTIONS = {
    "--leave-out": ("--held-out",),
    "--epochs-limit": ("--epochs",),
    "--first-epochs": ("--dense-epochs",),
    "--set-name": ("--data-name",),
    "--photos-name": ("--data-name",),
    "--photos": ("--evaluate-on",),
    "--rate": ("--learning-rate",),
    "--rates": ("--learning-rate-schedule", "--sparsities"),
    "--pace": ("--schedule",),
    "--retraining": ("--schedule",),
}
NOUNS = ("command", "action", "protocol")  # kind of a word, by its position
KINDS = {int: "a whole number, such as 3", float: "a number, such as 0.5"}
MAY_BE_EMPTY = ("--exclude", "--augment")  # lists
Parts = tuple[str, str, str]


class Misuse(SparsightError):
    """An invalid command line."""


def explain(app: App, error: CycloptsError, words: Sequence[str]) -> Misuse:
    """Explain the library's error in three parts."""
    wrong, allowed, next_step = _parts(app, error, words)
    return Misuse(wrong, allowed, next_step or help_line(app, words))


def help_line(app: App, words: Sequence[str]) -> str:
    """Return the line that refers to --help."""
    return f"Run `{' '.join((app.name[0], *app.parse_commands(list(words))[0]))} --help`."


def _parts(app: App, error: CycloptsError, words: Sequence[str]) -> Parts:
    match error:
        case problems.UnknownOptionError():
            return _unknown_option(app, error.token.keyword or error.token.value, words)
        case problems.UnknownCommandError():
            return unknown_command(app, (error.unused_tokens or [""])[0], words)
        case problems.UnusedCliTokensError():
            word = (error.unused_tokens or [""])[0]
            return f"'{word}' is one argument too many.", "A value with spaces in it needs quotes.", ""
        case problems.CoercionError() if error.argument and error.token:
            return _bad_value(error.argument, error.token.value, error.target_type)
        case problems.MissingArgumentError() if error.argument:
            own = options_of(app.parse_commands(list(words))[1][-1])
            unknown = [word for word in words if word.startswith("--") and word.split("=")[0] not in own]
            if unknown:  # it was probably meant for the missing one
                return _unknown_option(app, unknown[0], words)
            return _missing(error.argument, words)
    return f"{str(error).rstrip('.')}.", "", ""


def _unknown_option(app: App, written: str, words: Sequence[str]) -> Parts:
    option = written.split("=")[0]
    own = [*options_of(app.parse_commands(list(words))[1][-1])]
    if new := next((name for name in RENAMED_OPTIONS.get(option, ()) if name in own), None):
        return f"The option '{option}' has another name.", f"It is now '{new}'.", f"Write '{new}' instead."
    near = nearest(option, own) or nearest(option, options_of(app))
    return f"There is no option '{option}' here.", "", f"Did you mean '{near}'?" if near else ""


def unknown_command(app: App, word: str, words: Sequence[str]) -> Parts:
    chain, apps, _ = app.parse_commands(list(words))
    noun, known = NOUNS[len(chain)], commands_of(apps[-1])
    if not word or word.startswith("-"):
        return f"The {noun} is missing.", listed(known), ""
    near = nearest(word, known)
    return f"There is no {noun} '{word}'.", listed(known), f"Did you mean '{near}'?" if near else ""


def _bad_value(argument: Any, value: str, kind: Any) -> Parts:
    if get_origin(kind) is Literal:
        noun, known = argument.name.strip("-").lower(), get_args(kind)
        near = nearest(value, known)
        return f"There is no {noun} '{value}'.", listed(known), f"Did you mean '{near}'?" if near else ""
    return f"{argument.name} cannot be '{value}'.", f"It takes {KINDS.get(kind, 'another kind of value')}.", ""


def _missing(argument: Any, words: Sequence[str]) -> Parts:
    name = argument.name
    if any(word.split("=")[0] in argument.names for word in words):
        return f"{name} has no value.", f"A value that begins with a hyphen is written as {name}=VALUE.", ""
    return f"{name} is missing.", "The command needs it.", ""


def check_values(app: App, commands: Sequence[str], arguments: ArgumentCollection) -> None:
    """Reject values that the library would accept: an empty value, which it would read as the
    current folder; an empty list; a fraction for a whole number, which it would round.

    Raises Misuse.
    """
    for argument in arguments:
        for token in argument.tokens:
            name = token.keyword or argument.name
            empty = token.keyword is not None and token.value == "" and bool not in _kinds(argument.hint)
            if (empty or not (token.keyword or token.value)) and argument.name not in MAY_BE_EMPTY:
                raise Misuse(
                    f"{name} has an empty value.",
                    "Every option needs a value.",
                    "Provide one, or omit the option for its default.",
                )
            if token.value and int in _kinds(argument.hint) and not re.fullmatch(r"[+-]?\d+", token.value):
                raise Misuse(*_bad_value(argument, token.value, int)[:2], "Correct the value.")


def _kinds(hint: Any) -> set[Any]:
    return {hint} | {kind for part in get_args(hint) for kind in _kinds(part)}


def only_one(arguments: ArgumentCollection) -> None:
    """Validate a group of mutually exclusive options. Raises Misuse."""
    given = [argument.tokens[0].keyword or argument.name for argument in arguments if argument.tokens]
    if len(given) > 1:
        raise Misuse(
            f"{' and '.join(given)} cannot be used together.",
            "These options exclude each other.",
            "Remove one of them.",
        )
