"""The command line's parser: what is wrong with the words, in three parts, with the nearest word that there is."""

from __future__ import annotations

import argparse
import difflib
import re
from typing import NoReturn

from core.errors import SparsightError


class Misuse(SparsightError):
    """Words that make no command."""


class Parser(argparse.ArgumentParser):
    """Says what is wrong in three parts and suggests the nearest word. Raises Misuse where argparse would print and exit."""

    options: tuple[str, ...] = ()  # of all commands, for suggestions

    def error(self, message: str) -> NoReturn:
        help_line = f"Run `{self.prog} --help`."
        if found := re.search(r"argument (\w+): invalid choice: '(.*?)'.* \(choose from (.*)\)", message):
            noun, wrong, known = found[1].lower(), found[2], tuple(re.findall(r"[\w-]+", found[3]))
        elif found := re.search(r"unrecognized arguments: (--\S+)", message):
            noun, wrong, known = "option", found[1].split("=")[0], self.options
        else:
            raise Misuse(f"{message[0].upper()}{message[1:]}.", "", help_line)
        nearest = difflib.get_close_matches(wrong, known, n=1, cutoff=0.4)
        raise Misuse(
            f"There is no {noun} '{wrong}' here.",
            f"Known: {', '.join(known)}." if noun != "option" else "",
            f"Did you mean '{nearest[0]}'?" if nearest else help_line,
        )
