"""Text from outside (names in files and addresses, messages that quote them) as Markdown that shows
it literally.

Streamlit reads nearly every label as Markdown: a class called "![x](http://...)" would load a
picture in the browser of whoever looks. Whatever did not come from this program's own code passes
here once, where it enters the screen.
"""

from __future__ import annotations

import re

MOST_CHARACTERS = 80  # of a name
# Signs of markup. An underscore within a word is none, as in "squeezenet1_0".
SIGNS = re.compile(r"[\\`*\[\]<$~]|(?<![^\W_])_|_(?![^\W_])|&(?=[#\w])|!(?=\[|$)")
BEGINNING = re.compile(r"^(\d*)([-+=#>]|(?<=\d)[.)])")  # of a list, a heading or a quotation
CODE = re.compile(r"(?<!`)`[^`]+`(?!`)")
# Streamlit turns these into links, icons and emoji after it has read the Markdown, where a
# backslash helps no more.
LATER = re.compile(r"https?:(?=//)|www(?=\.)|(?<=:)(?=[\w+-])|@(?=[-\w]+\.)", re.IGNORECASE)
NOTHING = "\u2060"  # a word joiner: shows nothing, breaks nothing


def plain(name: object, most: int = MOST_CHARACTERS) -> str:
    """A name on one line, literally, and cut where it is longer than `most` characters."""
    text = _printable(name)
    return _begun(_escaped(text if len(text) <= most else f"{text[: most - 1].rstrip()}…"))


def message(text: str) -> str:
    """A message on one line, literally except for `code`."""
    text, parts, start = _printable(text), [], 0
    for code in CODE.finditer(text):
        parts += [_escaped(text[start : code.start()]), code[0]]
        start = code.end()
    return _begun("".join([*parts, _escaped(text[start:])]))


def _printable(text: object) -> str:
    """Without line breaks, control characters, half characters of damaged file names, and marks
    that reverse the direction of writing.
    """
    return " ".join("".join(sign if sign.isprintable() else " " for sign in str(text)).split())


def _escaped(text: str) -> str:
    return SIGNS.sub(r"\\\g<0>", LATER.sub(lambda found: found[0] + NOTHING, text))


def _begun(text: str) -> str:
    return BEGINNING.sub(r"\1\\\2", text)
