"""The researcher's password and the sessions that it opens."""

from __future__ import annotations

import hashlib
import secrets
from contextlib import suppress

from itsdangerous import BadSignature, TimestampSigner

from core.base import passwords
from core.study.folder import Study
from core.study.tables import unwritable

PASSWORD, SECRET = "password", "session-secret"
SESSION_S = 12 * 3600


def set_password(study: Study, text: str) -> None:
    """Keep the hash of a password; whoever is logged in must log in again.

    Raises BadSpec for a short one, CacheNotWritable.
    """
    _keep(study, PASSWORD, passwords.hashed(text))


def has_password(study: Study) -> bool:
    """Whether a password is set; a damaged one must be set again."""
    return passwords.is_hash(_kept(study, PASSWORD))


def _keep(study: Study, name: str, text: str) -> None:
    path = study.home / name
    try:
        passwords.keep_private(path, text)
    except OSError as error:
        raise unwritable(path, error) from error


def _kept(study: Study, name: str) -> str:
    return passwords.kept_private(study.home / name)


def is_password(study: Study, text: str) -> bool:
    return passwords.is_password(_kept(study, PASSWORD), text)


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
