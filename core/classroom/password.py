"""The teacher's password: kept as a hash in the cache folder, and how often it may be guessed."""

from __future__ import annotations

import math
from pathlib import Path
from threading import Lock

from core.base import passwords
from core.base.errors import CacheNotWritable, SparsightError

PLACE = Path("classroom", "password")
COMMAND = "python -m core serve --set-password"
FREE, FREE_IN_ALL = 3, 20  # attempts without a wait, of one session and of all together
LONGEST_WAIT_S = 60.0  # a teacher who mistypes, or whose class guesses, never waits longer


class WrongPassword(SparsightError):
    """A password that does not unlock the server, or one attempt too many."""


def set_password(folder: Path, text: str) -> None:
    """Keep the hash of the teacher's password; readable by its owner only.

    Args:
        folder: the cache folder.
    Raises:
        BadSpec: it is too short. CacheNotWritable.
    """
    kept = passwords.hashed(text)
    try:
        passwords.keep_private(folder / PLACE, kept)
    except OSError as error:
        raise CacheNotWritable(
            f"The password cannot be stored in {folder} ({error.strerror or error}).",
            "Its hash is kept in the cache folder.",
            "Free some space, or name another folder with --folder.",
        ) from error


def problem(folder: Path) -> str:
    """Return why nobody can unlock the server, and what to do; "" if the teacher can."""
    path = folder / PLACE
    if not path.is_file():
        return f"No password is set, so nobody can unlock it: `{COMMAND}`."
    if not passwords.is_hash(passwords.kept_private(path)):
        return f"The file of the password is damaged, so nobody can unlock it. Set the password again: `{COMMAND}`."
    return ""


class Door:
    """Lets the teacher in. Wrong passwords are counted for each session and for all together: a
    new session is free, so only the second count stops a program that guesses.
    """

    def __init__(self) -> None:
        self._each = passwords.Attempts(FREE, LONGEST_WAIT_S)
        self._all = passwords.Attempts(FREE_IN_ALL, LONGEST_WAIT_S)
        self._checking = Lock()  # a check takes 64 MB: one at a time

    def open(self, folder: Path, session: str, text: str) -> None:
        """Return if the text is the teacher's password. Raises WrongPassword; an empty text is no
        attempt.
        """
        if not text:
            raise WrongPassword("The password is missing.", "It unlocks this session.", "Enter it, then press Unlock.")
        with self._checking:
            if wait_s := max(self._each.wait_s(session), self._all.wait_s("")):
                raise WrongPassword(
                    "There were too many attempts.",
                    "Each wrong password doubles the wait before the next attempt.",
                    f"Wait {math.ceil(wait_s)} s, then try again.",
                )
            if not passwords.is_password(passwords.kept_private(folder / PLACE), text):
                self._each.failed(session)
                self._all.failed("")
                raise WrongPassword(
                    "This is not the password.",
                    "Try again.",
                    "The person who runs the server sets it with `python -m core serve --set-password`.",
                )
            self._each.succeeded(session)
            self._all.succeeded("")
