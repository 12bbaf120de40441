"""The researcher's password, the sessions that it opens, and how often it may be guessed."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections import OrderedDict
from contextlib import suppress
from threading import Lock

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from itsdangerous import BadSignature, TimestampSigner

from core.base.atomic import replacing
from core.base.errors import BadSpec
from core.study.folder import Study
from core.study.tables import unwritable

PASSWORD, SECRET = "password", "session-secret"
SHORTEST = 8  # characters
SESSION_S = 12 * 3600
FREE = 3  # attempts without a wait
LONGEST_WAIT_S = 3600.0
MOST_ADDRESSES = 10_000


def set_password(study: Study, text: str) -> None:
    """Keep the hash of a password; whoever is logged in must log in again.

    Raises BadSpec for a short one, CacheNotWritable.
    """
    if len(text) < SHORTEST:
        raise BadSpec(
            f"The password has {len(text)} characters.",
            f"It has at least {SHORTEST}.",
            "Choose a longer one, such as four random words.",
        )
    _keep(study, PASSWORD, PasswordHasher().hash(text))


def has_password(study: Study) -> bool:
    return (study.home / PASSWORD).is_file()


def _keep(study: Study, name: str, text: str) -> None:
    path = study.home / name
    try:
        with replacing(path) as part:
            part.touch(mode=0o600)
            part.write_text(text, encoding="utf-8")
    except OSError as error:
        raise unwritable(path, error) from error


def _kept(study: Study, name: str) -> str:
    with suppress(OSError):
        return (study.home / name).read_text(encoding="utf-8")
    return ""


def is_password(study: Study, text: str) -> bool:
    with suppress(Argon2Error, InvalidHashError):
        return PasswordHasher().verify(_kept(study, PASSWORD), text)
    return False


class Sessions:
    """Signed sessions of the researcher. A new password ends all of them."""

    def __init__(self, study: Study) -> None:
        self.study = study
        if not _kept(study, SECRET):
            _keep(study, SECRET, secrets.token_urlsafe(32))

    def begin(self) -> str:
        """Return the value of a new session's cookie."""
        return self._signer().sign(secrets.token_urlsafe(16)).decode()

    def is_valid(self, value: str) -> bool:
        if not value or not has_password(self.study):
            return False
        with suppress(BadSignature):
            self._signer().unsign(value, max_age=SESSION_S)
            return True
        return False

    def form_token(self, value: str) -> str:
        """Return what a form of this session carries, which other sites cannot know."""
        return self._signer("form").get_signature(value.encode()).decode()

    def is_form_of(self, value: str, token: str) -> bool:
        return secrets.compare_digest(self.form_token(value), token)

    def _signer(self, use: str = "session") -> TimestampSigner:
        key = _kept(self.study, SECRET) + _kept(self.study, PASSWORD)
        return TimestampSigner(key, salt=use, digest_method=hashlib.sha256)


class Attempts:
    """Failed attempts by address: after a few, each doubles the wait before the next."""

    def __init__(self) -> None:
        self._failed: OrderedDict[str, tuple[int, float]] = OrderedDict()
        self._lock = Lock()

    def wait_s(self, address: str) -> float:
        """Return how long an address has to wait before its next attempt; 0 for not at all."""
        with self._lock:
            _, until = self._failed.get(address, (0, 0.0))
        return max(0.0, until - time.monotonic())

    def failed(self, address: str) -> None:
        with self._lock:
            number = self._failed.pop(address, (0, 0.0))[0] + 1
            wait = min(LONGEST_WAIT_S, 2.0 ** (number - FREE)) if number >= FREE else 0.0
            self._failed[address] = (number, time.monotonic() + wait)
            while len(self._failed) > MOST_ADDRESSES:
                self._failed.popitem(last=False)

    def succeeded(self, address: str) -> None:
        with self._lock:
            self._failed.pop(address, None)
