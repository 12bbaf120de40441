"""Passwords: kept as a hash that only the owner of the file reads, and how often they may be
guessed.
"""

from __future__ import annotations

import os
import time
from collections import OrderedDict
from contextlib import suppress
from pathlib import Path
from threading import Lock

from argon2 import PasswordHasher, extract_parameters
from argon2.exceptions import Argon2Error, InvalidHashError

from core.base.atomic import replacing
from core.base.errors import BadSpec
from core.base.numbers import counted

SHORTEST = 8  # characters
SALT_BYTES, HASH_BYTES = 16, 32
FREE = 3  # attempts without a wait
LONGEST_WAIT_S = 3600.0
MOST_KEYS = 10_000


def hashed(text: str) -> str:
    """Return the hash of a new password, with its salt and costs. Raises BadSpec for a short
    one.
    """
    if len(text) < SHORTEST:
        raise BadSpec(
            f"A password of {counted(len(text), 'character')} is too short.",
            f"It needs at least {SHORTEST}.",
            "Choose a longer one, such as four random words.",
        )
    return PasswordHasher(salt_len=SALT_BYTES, hash_len=HASH_BYTES).hash(text)


def is_hash(kept: str) -> bool:
    """Whether a text is the whole hash of a password."""
    with suppress(ValueError, KeyError):
        found = extract_parameters(kept)
        return (found.salt_len, found.hash_len) == (SALT_BYTES, HASH_BYTES)
    return False


def is_password(kept: str, text: str) -> bool:
    """Whether the text is the password of this hash. The time it takes tells nothing of how
    much of it is right.
    """
    with suppress(Argon2Error, InvalidHashError):
        return PasswordHasher().verify(kept, text)
    return False


def keep_private(path: Path, text: str) -> None:
    """Write a file that only its owner reads (mode 0600). Raises OSError."""
    with replacing(path) as part:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)


def kept_private(path: Path) -> str:
    """Return the text of such a file; "" if it cannot be read."""
    with suppress(OSError, UnicodeDecodeError):
        return path.read_text(encoding="utf-8")
    return ""


class Attempts:
    """Failed attempts by who makes them: after a few, each doubles the wait before the next.

    Args:
        free: attempts without a wait. longest_s: the longest wait.
    """

    def __init__(self, free: int = FREE, longest_s: float = LONGEST_WAIT_S) -> None:
        self._free, self._longest_s = free, longest_s
        self._failed: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._lock = Lock()

    def wait_s(self, who: str) -> float:
        """Return how long somebody has to wait before the next attempt; 0 for not at all."""
        with self._lock:
            _, until = self._failed.get(who, (0, 0.0))
        return max(0.0, until - time.monotonic())

    def failed(self, who: str) -> None:
        """Count a failed attempt."""
        with self._lock:
            number = self._failed.pop(who, (0, 0.0))[0] + 1
            doublings = min(number - self._free, 64)  # a float holds no more
            wait = min(self._longest_s, 2.0**doublings) if number >= self._free else 0.0
            self._failed[who] = (number, time.monotonic() + wait)
            while len(self._failed) > MOST_KEYS:
                self._failed.popitem(last=False)

    def succeeded(self, who: str) -> None:
        """Forget the failed attempts."""
        with self._lock:
            self._failed.pop(who, None)
