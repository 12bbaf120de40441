"""Options of a command as fields of a frozen dataclass: type, default and help text.

Rooms below the command line declare their options this way, without its library.
"""

from __future__ import annotations

from dataclasses import field
from typing import Any


def option(default: Any, text: str) -> Any:
    """Declare a field with a default and a help text."""
    return field(default=default, metadata={"help": text})


def required(text: str) -> Any:
    """Declare a required field."""
    return field(metadata={"help": text})
