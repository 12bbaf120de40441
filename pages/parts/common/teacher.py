"""The teacher's session: unlocked by the password, for this session alone, until it ends or is
locked again.
"""

from __future__ import annotations

import threading
from weakref import WeakSet

from streamlit.runtime.scriptrunner import get_script_run_ctx

from core.base.settings import Settings
from core.classroom import password
from core.classroom.password import Door
from pages.parts.common.state import Owner, state

# Of this process, not of Streamlit's caches: a visitor's message can clear those.
_door = Door()
_teachers: WeakSet[Owner] = WeakSet()
_changed = threading.Lock()


def is_here() -> bool:
    """Whether this session is the teacher's. Only a page's own thread has a session."""
    return get_script_run_ctx(suppress_warning=True) is not None and state().owner in _teachers


def is_session(session_id: str) -> bool:
    """Whether the session of this id is a teacher's."""
    with _changed:
        return any(owner.session_id == session_id for owner in _teachers)


def problem() -> str:
    """Returns why no teacher can unlock this server; "" if one can."""
    return password.problem(Settings.from_environment().folder)


def unlock(password: str) -> None:
    """Unlocks this session. Raises WrongPassword."""
    owner = state().owner
    _door.open(Settings.from_environment().folder, owner.session_id, password)
    with _changed:
        _teachers.add(owner)


def lock() -> None:
    """Locks this session again."""
    with _changed:
        _teachers.discard(state().owner)
