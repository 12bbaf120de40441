"""Sentences in Markdown as HTML: bold, italic, `code`, lists and paragraphs, and nothing else.

Links, pictures and HTML stay the characters that they are, so a name from a file can load nothing.
"""

from __future__ import annotations

import re
import string
from functools import cache

from markdown_it import MarkdownIt
from markupsafe import Markup

RULES = ("emphasis", "backticks", "list", "escape", "newline")
LONGEST_NAME, LONGEST = 120, 10_000  # characters: of a name, of a paragraph
MARKUP = re.compile(f"[{re.escape(string.punctuation)}]")


def html_of(text: str) -> Markup:
    """Return a text in Markdown as HTML."""
    return Markup(_reader().render(text))


def literal(name: object, most: int = LONGEST_NAME) -> str:
    """Return a text from a file or a person as Markdown that shows it as it is, on one line.

    most: characters; a longer one is cut.
    """
    text = " ".join("".join(sign if sign.isprintable() else " " for sign in str(name)).split())
    text = text if len(text) <= most else f"{text[: most - 1].rstrip()}…"
    return MARKUP.sub(r"\\\g<0>", text)


@cache
def _reader() -> MarkdownIt:
    return MarkdownIt("zero", {"html": False}).enable([*RULES])
