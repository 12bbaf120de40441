"""The command line's parser: errors in three parts, with the command or option that was probably
meant.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from typing import NoReturn

from core.base.errors import SparsightError
from core.base.suggestions import listed, nearest

KINDS = {"int": "a whole number, such as 3", "float": "a number, such as 0.5"}


class Misuse(SparsightError):
    """A command line that is no command of ours."""


class Parser(argparse.ArgumentParser):
    """Reports errors in three parts. Raises Misuse where argparse would print and exit."""

    options: tuple[str, ...] = ()  # of all commands, for suggestions

    def error(self, message: str) -> NoReturn:
        """Explains argparse's message; one that no pattern fits is reported as it is."""
        for pattern, explain in EXPLAINED.items():
            if found := re.fullmatch(pattern, message, re.DOTALL):
                wrong, allowed, next_step = explain(self, found)
                raise Misuse(wrong, allowed, next_step or self.help_line)
        raise Misuse(f"{message[0].upper()}{message[1:]}.", "", self.help_line)

    @property
    def help_line(self) -> str:
        """Where to read on."""
        return f"Run `{self.prog} --help`."


Parts = tuple[str, str, str]


def check_words(words: Sequence[str]) -> None:
    """Raises Misuse for an empty value, such as of a variable that is not set: "" would else read
    as the current folder.
    """
    for before, word in zip(("", *words), words, strict=False):
        option, equals, value = word.partition("=")
        if word and not (option.startswith("--") and equals and not value):
            continue
        name = option if word else before if before.startswith("--") else "An argument"
        raise Misuse(
            f"{name} has an empty value.",
            "Every option needs a value.",
            "Give it one, or leave the option out for its default.",
        )


def _choice(parser: Parser, found: re.Match[str]) -> Parts:
    known = tuple(re.findall(r"[\w-]+", found[3]))
    near = nearest(found[2], known)
    return f"There is no {found[1].lower()} '{found[2]}'.", listed(known), f"Did you mean '{near}'?" if near else ""


def _option(parser: Parser, found: re.Match[str]) -> Parts:
    option = found[1].split("=")[0]
    near = nearest(option, parser.options)
    return f"There is no option '{option}' here.", "", f"Did you mean '{near}'?" if near else ""


def _surplus(parser: Parser, found: re.Match[str]) -> Parts:
    return f"'{found[1]}' is one word too many.", "A value with spaces in it needs quotes.", ""


def _type(parser: Parser, found: re.Match[str]) -> Parts:
    return f"{found[1]} cannot be {found[3]}.", f"It takes {KINDS[found[2]]}.", ""


def _no_value(parser: Parser, found: re.Match[str]) -> Parts:
    return f"{found[1]} has no value.", f"A value that begins with a hyphen is written as {found[1]}=VALUE.", ""


def _together(parser: Parser, found: re.Match[str]) -> Parts:
    return (
        f"{found[1]} and {found[2]} cannot be used together.",
        "Each of them answers the same question.",
        "Leave one out.",
    )


def _missing(parser: Parser, found: re.Match[str]) -> Parts:
    return f"Something is missing: {found[1]}.", "The command needs it.", ""


# Argparse's message -> how it is explained.
EXPLAINED = {
    r"argument (\w+): invalid choice: '(.*?)'.* \(choose from (.*)\)": _choice,
    r"unrecognized arguments: (--\S+).*": _option,
    r"unrecognized arguments: (.*)": _surplus,
    r"argument ([^:]+): invalid (int|float) value: (.*)": _type,
    r"argument ([^:]+): expected (?:one|at least one) argument": _no_value,
    r"argument ([^:]+): not allowed with argument (.*)": _together,
    r"the following arguments are required: (.*)": _missing,
}
