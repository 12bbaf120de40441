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
LONGEST_NAME = 120  # characters
MARKUP = re.compile(f"[{re.escape(string.punctuation)}]")


def html_of(text: str) -> Markup:
    """Return a text in Markdown as HTML."""
    return Markup(_reader().render(text))


def html_of_line(text: str) -> Markup:
    """Return a sentence in Markdown as HTML without a paragraph around it."""
    return Markup(_reader().renderInline(text))


def literal(name: object) -> str:
    """Return a name from a file or a person as Markdown that shows it as it is, on one line."""
    text = " ".join("".join(sign if sign.isprintable() else " " for sign in str(name)).split())
    text = text if len(text) <= LONGEST_NAME else f"{text[: LONGEST_NAME - 1].rstrip()}…"
    return MARKUP.sub(r"\\\g<0>", text)


@cache
def _reader() -> MarkdownIt:
    return MarkdownIt("zero", {"html": False}).enable([*RULES])
