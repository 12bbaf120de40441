"""Small changes that make a valid input hostile. A `random.Random` decides everything."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from random import Random

LONG = 100_000
NUMBERS = (
    "nan",
    "-inf",
    "1e400",
    "-1",
    "-0",
    "9" * 5000,
    "0x10",
    "٣",
    "½",
    "²",
    "1_0",
    "1,5",
    "2026-13-01",
    str(2**63),
)
MARKUP = ("<script>alert(1)</script>", "![](http://127.0.0.1:9/x)", "[a](javascript:alert(1))", "**", "$x^2$", "`", "#")
SIGNS = (
    "\0",
    "a\0b",
    "\u202egnp.exe",
    "\ud800",
    "\udcff",
    "\x1b[31m",
    "\r\n",
    "\u2028",
    "🦊",
    "\ufeff",
    "e\u0301",
    "'",
    '"',
    "\\",
)
ELSE = ("", " ", "null", "true", "[]", "{}", "*", "~", "%00", "%s", "{0}", "-", "--", "a" * LONG, "'; DROP TABLE x; --")
CODE = (
    '!!python/object/apply:os.system ["touch {marker}"]',
    "!!python/object/apply:builtins.open [{marker}, w]",
    "!!python/name:os.system",
    "&a [*a]",
    "&a {{b: *a}}",
    "!!binary aGk=",
    "!!set {{a, b}}",
    "<<: *none",
    "? [a]",
)
LEVELS = (1, 2, 3, 4, 5)


def strange(draw: Random) -> str:
    """Return a text that few expect: a number, markup, signs, a path, or something else."""
    kind = draw.randrange(5)
    return path(draw) if kind == 4 else draw.choice((NUMBERS, MARKUP, SIGNS, ELSE)[kind])


def path(draw: Random) -> str:
    """Return a name that leads elsewhere, from a folder at an unknown depth."""
    up = draw.choice(("../", "..\\", "%2e%2e/", "x/../../")) * draw.choice(LEVELS)
    return draw.choice(
        (f"{up}outside/made", f"{up}outside/secret.txt", "/etc/passwd", "C:\\made", "//host/made", "~/made")
    )


def nested(draw: Random) -> str:
    """Return lists in lists."""
    depth = draw.choice((50, 2_000, LONG))
    opening, closing = draw.choice((("[", "]"), ("{a: ", "}"), ('{"a":', "}"), ("(", ")")))
    return opening * depth + draw.choice(("", "1" + closing * depth))


def damaged(content: bytes, draw: Random) -> bytes:
    """Return the bytes cut off, flipped, shortened, lengthened or replaced."""
    return draw.choice(BYTES)(content, draw)


def _cut(content: bytes, draw: Random) -> bytes:
    return content[: draw.randrange(len(content) + 1)]


def _flipped(content: bytes, draw: Random) -> bytes:
    made = bytearray(content)
    for _ in range(draw.choice((1, 1, 3, 50)) if made else 0):
        made[draw.randrange(len(made))] ^= 1 << draw.randrange(8)
    return bytes(made)


def _head_flipped(content: bytes, draw: Random) -> bytes:
    return _flipped(content[:64], draw) + content[64:]


def _shortened(content: bytes, draw: Random) -> bytes:
    first, last = sorted(draw.randrange(len(content) + 1) for _ in range(2))
    return content[:first] + content[last:]


def _repeated(content: bytes, draw: Random) -> bytes:
    first, last = sorted(draw.randrange(len(content) + 1) for _ in range(2))
    return content[:last] + content[first:]


def _claiming(content: bytes, draw: Random) -> bytes:
    """A number somewhere is huge, most often near the beginning, where sizes stand."""
    place = draw.randrange(min(len(content), draw.choice((40, 200, len(content)))) + 1)
    number = draw.choice((b"\xff" * 8, b"\xff" * 4, b"\x7f\xff\xff\xff", struct.pack("<I", 2_000_000_000), b"\0" * 4))
    return content[:place] + number + content[place + len(number) :]


def _lengthened(content: bytes, draw: Random) -> bytes:
    return content + draw.randbytes(draw.choice((1, 100, LONG)))


def _replaced(content: bytes, draw: Random) -> bytes:
    return draw.choice((b"", b"\0" * len(content), draw.randbytes(len(content)), b"\xff\xfe" + content, b"PK\x05\x06"))


BYTES: tuple[Callable[[bytes, Random], bytes], ...] = (
    _cut,
    _flipped,
    _flipped,
    _head_flipped,
    _shortened,
    _repeated,
    _claiming,
    _lengthened,
    _replaced,
)


def rewritten(text: str, draw: Random, code: str = "") -> str:
    """Return the text with one to three words, lines or values replaced. code: a file that none of
    it may make.
    """
    for _ in range(draw.choice((1, 1, 2, 3))):
        text = draw.choice(TEXTS)(text, draw)
    if code and draw.random() < 0.2:
        text = word(text, draw, draw.choice(CODE).format(marker=code))
    return text


def word(text: str, draw: Random, new: str) -> str:
    """Return the text with one of its words replaced."""
    words = list(re.finditer(r"[\w.@-]+", text))
    if not words:
        return new
    one = draw.choice(words)
    return text[: one.start()] + new + text[one.end() :]


def _strange_word(text: str, draw: Random) -> str:
    return word(text, draw, strange(draw))


def _nested_word(text: str, draw: Random) -> str:
    return word(text, draw, nested(draw))


def _other_word(text: str, draw: Random) -> str:
    """One of its own words in place of another."""
    words = re.findall(r"[\w.@-]+", text)
    return word(text, draw, draw.choice(words)) if words else text


def _lines(text: str, draw: Random) -> str:
    """A line is missing, comes twice, elsewhere, or is indented."""
    lines = text.split("\n")
    place = draw.randrange(len(lines))
    line = lines.pop(place)
    extra = draw.choice(([], [line, line], ["  " + line], [line.strip()], [strange(draw)]))
    where = draw.choice((place, draw.randrange(len(lines) + 1)))
    return "\n".join([*lines[:where], *extra, *lines[where:]])


def _sign(text: str, draw: Random) -> str:
    place = draw.randrange(len(text) + 1)
    return text[:place] + strange(draw)[:100] + text[place + draw.randrange(2) :]


def _cut_text(text: str, draw: Random) -> str:
    return text[: draw.randrange(len(text) + 1)]


TEXTS: tuple[Callable[[str, Random], str], ...] = (
    _strange_word,
    _strange_word,
    _strange_word,
    _nested_word,
    _other_word,
    _lines,
    _sign,
    _cut_text,
)


def as_bytes(text: str, draw: Random) -> bytes:
    """Return the text as a file may hold it: most often UTF-8, surrogates included."""
    code = draw.choice(("utf-8", "utf-8", "utf-8", "utf-8", "utf-16", "latin-1"))
    return text.encode(code, "surrogatepass" if code.startswith("utf") else "replace")
