"""Short checksums, which tell damaged facts and rows from whole ones. Whatever a number or a name
on a screen is read from carries one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

CHECK = "check"  # the name under which a checksum lies beside what it is of
DIGITS = 16


def check_of(content: Any) -> str:
    """Return the checksum of anything that JSON can hold; equal content has the same one."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:DIGITS]


def checked(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts with their checksum."""
    return {**facts, CHECK: check_of(_without(facts))}


def is_whole(facts: Mapping[str, Any]) -> bool:
    """Return whether facts are those that `checked` was given. False if they have no checksum."""
    return facts.get(CHECK) == check_of(_without(facts))


def _without(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if name != CHECK}
