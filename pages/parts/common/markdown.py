"""Escapes external text (names in files and addresses, messages that quote them) so that Markdown
shows it literally.

Streamlit reads nearly every label as Markdown: a class called "![x](http://...)" would load an
image in the visitor's browser. All text that does not come from this program's own code is escaped
once, where it is displayed.
"""

from __future__ import annotations

import re

MOST_CHARACTERS = 80  # of a name
# Markup characters. An underscore within a word, as in "squeezenet1_0", is none.
SIGNS = re.compile(r"[\\`*\[\]<$~]|(?<![^\W_])_|_(?![^\W_])|&(?=[#\w])|!(?=\[|$)")
BEGINNING = re.compile(r"^(\d*)([-+=#>]|(?<=\d)[.)])")  # of a list, a heading or a quotation
CODE = re.compile(r"(?<!`)`[^`]+`(?!`)")
# Streamlit turns these into links, icons and emoji after parsing the Markdown, so a backslash does
# not escape them.
LATER = re.compile(r"https?:(?=//)|www(?=\.)|(?<=:)(?=[\w+-])|@(?=[-\w]+\.)", re.IGNORECASE)
NOTHING = "\u2060"  # a word joiner: shows nothing, breaks nothing


def plain(name: object, most: int = MOST_CHARACTERS) -> str:
    """Escapes a name on one line, truncated to `most` characters."""
    text = _printable(name)
    return _begun(_escaped(text if len(text) <= most else f"{text[: most - 1].rstrip()}…"))


def message(text: str) -> str:
    """Escapes a message on one line, except for `code`."""
    text, parts, start = _printable(text), [], 0
    for code in CODE.finditer(text):
        parts += [_escaped(text[start : code.start()]), code[0]]
        start = code.end()
    return _begun("".join([*parts, _escaped(text[start:])]))


def _printable(text: object) -> str:
    """Removes line breaks, control characters, surrogates of damaged file names, and marks that
    reverse the writing direction.
    """
    return " ".join("".join(sign if sign.isprintable() else " " for sign in str(text)).split())


def _escaped(text: str) -> str:
    return SIGNS.sub(r"\\\g<0>", LATER.sub(lambda found: found[0] + NOTHING, text))


def _begun(text: str) -> str:
    return BEGINNING.sub(r"\1\\\2", text)
