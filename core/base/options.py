"""Options of a command as the fields of a frozen dataclass: type, default and help text.

Rooms below the command line declare their options so, without knowing its library.
"""

from __future__ import annotations

from dataclasses import field
from typing import Any


def option(default: Any, text: str) -> Any:
    """A field with a default and a help text."""
    return field(default=default, metadata={"help": text})


def required(text: str) -> Any:
    """A field that a person must give."""
    return field(metadata={"help": text})
