"""The teacher's password: unlocks this session of a server for a class."""

from __future__ import annotations

import streamlit as st

from pages.parts.common import access, frame, present, teacher

LONGEST = 200  # characters
# The button says what submits; "Press Enter to submit form" would stand beneath a narrow field.
STYLE = "<style>[data-testid=stForm] [data-testid=InputInstructions] { display: none; }</style>"


def section() -> None:
    """Draws the password of a server for a class; nothing elsewhere."""
    if not access.classroom() or present.on():
        return
    st.header("Teacher", anchor=False)
    if teacher.is_here():
        _unlocked()
    elif nobody := teacher.problem():
        st.caption(f":material/lock: This server is locked. {nobody}")
    else:
        _locked()


def how_to_unlock() -> str:
    """Returns what other sections of this page say of unlocking."""
    return teacher.problem() or "The teacher enters the password above, under **Teacher**."


def _unlocked() -> None:
    st.markdown(
        "**This session is unlocked.** You can train, delete, change limits and name folders. Everybody else sees a"
        " locked server. Closing this tab locks it again."
    )
    st.button("Lock", key="_lock", icon=":material/lock:", on_click=teacher.lock)


def _locked() -> None:
    st.caption(
        ":material/lock: This server is locked: visitors can look and try, but not train, delete, add weights, run"
        " studies, name folders or change limits. The teacher's password unlocks all of this, in this tab only."
    )
    st.html(STYLE)
    with st.form("_teacher", clear_on_submit=True, border=False, width=320):
        password = st.text_input("Password", type="password", max_chars=LONGEST, autocomplete="off", key="_password")
        pressed = st.form_submit_button("Unlock", icon=":material/lock_open:")
    if not pressed:
        return
    with frame.explained():
        teacher.unlock(password)
        st.rerun()
