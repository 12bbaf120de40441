"""What this server allows, set by the environment of its process. Only this module decides.

SPARSIGHT_LOCKED=1     visitors can view everything but change nothing on this machine
SPARSIGHT_CLASSROOM=1  the same, and a teacher unlocks their own session with a password
SPARSIGHT_OPEN=1       serving beyond this machine without the lock is intended
SPARSIGHT_HOSTS        additional host names of the server, separated by commas
"""

from __future__ import annotations

import ipaddress
import os
import re
from urllib.parse import urlsplit

import streamlit as st

from core.base.errors import SparsightError
from core.classroom.limits import Limits
from pages.parts.common import teacher

# What a locked server switches off, as the subject of a sentence.
TRAINING, DELETION, OWN_WEIGHTS = "Training", "Deleting networks and runs", "Adding your own weights"
PATHS = "Naming a folder of the server"
STUDIES, SWEEPS, DOWNLOADS, LIMITS, EXPORT = (
    "Running studies",
    "Starting sweeps",
    "Downloading weights",
    "Changing memory limits",
    "Exporting views of the server's own photographs",
)
HOW_TO_UNLOCK = "The person who runs it can restart it without SPARSIGHT_LOCKED=1."
TEACHER_UNLOCKS = "The teacher can unlock it under Settings."
NO_UPLOADS = "Uploads are switched off on this server."
LOOPBACK_NAMES = ("localhost",)
EVERY_INTERFACE = ("", "0.0.0.0", "::")
ABSOLUTE_PATH = re.compile(r"(?<![\w.:/])(?:[A-Za-z]:)?[/\\](?:[^/\\\s'\"]+[/\\])+")


class Locked(SparsightError):
    """A locked server does not allow the action."""


class Exposed(SparsightError):
    """The server would listen beyond this machine without a lock: anyone who reaches it could
    train, delete and fill the disk.
    """


def locks() -> bool:
    """Whether this server locks what visitors can do."""
    return _is_set("SPARSIGHT_LOCKED") or classroom()


def classroom() -> bool:
    """Whether a teacher can unlock their session."""
    return _is_set("SPARSIGHT_CLASSROOM")


def locked() -> bool:
    """Whether this session can only view."""
    return locks() and not (classroom() and teacher.is_here())


def limits() -> Limits | None:
    """Returns the limits of a server for many; None for one person's own. Raises BadSpec."""
    return Limits.from_environment() if locks() else None


def require(action: str) -> None:
    """Raises Locked unless this server allows the action (one of the constants above).

    Every function that changes something calls this.
    """
    if locked():
        raise Locked("This server is locked.", f"{action} is switched off.", how_to_unlock())


def offers(action: str, unlocking: str = "") -> bool:
    """Whether to draw the controls of an action; writes a sentence instead if the server does not
    allow it.

    Args:
        unlocking: how a teacher unlocks it, where it is not under Settings.
    """
    if locked():
        how = unlocking if unlocking and classroom() else how_to_unlock()
        st.caption(f":material/lock: This server is locked: {action[0].lower()}{action[1:]} is switched off. {how}")
    return not locked()


def how_to_unlock() -> str:
    """Says who can unlock this server, and how."""
    return TEACHER_UNLOCKS if classroom() else HOW_TO_UNLOCK


def takes_uploads() -> bool:
    """Whether this session may upload images."""
    bounds = limits()
    return bounds is None or bounds.uploads > 0 or not locked()


def without_paths(text: str) -> str:
    """Removes file paths from a text if the server is locked."""
    return ABSOLUTE_PATH.sub("…/", text) if locked() else text


def address() -> str:
    """Returns the address the server listens on; "" for every network interface."""
    return st.get_option("server.address") or ""


def check_exposure(address: str) -> None:
    """Raises Exposed for an address beyond this machine without the lock or explicit permission."""
    if _is_loopback(address) or locks() or _is_set("SPARSIGHT_OPEN"):
        return
    where = "every network interface" if address in EVERY_INTERFACE else address
    raise Exposed(
        f"Sparsight does not listen on {where}: anyone who reaches it could train, delete networks and fill the disk.",
        "An unlocked server listens on this machine only (127.0.0.1).",
        "Set SPARSIGHT_LOCKED=1 to serve others; set SPARSIGHT_OPEN=1 to allow them everything.",
    )


def allows_host(header: str, address: str) -> bool:
    """Whether the Host header of a request is a name of this server.

    A foreign web page whose name resolves to this server (DNS rebinding) sends a foreign name. IP
    addresses cannot be rebound: beyond loopback all are accepted, because the server cannot know
    all of its own.
    """
    host = _hostname(header)
    return bool(host) and (
        host in host_names(address) or _is_loopback(host) or (_is_ip(host) and not _is_loopback(address))
    )


def host_names(address: str) -> tuple[str, ...]:
    """The names by which this server can be reached."""
    configured = (
        address,
        st.get_option("browser.serverAddress") or "",
        *os.environ.get("SPARSIGHT_HOSTS", "").split(","),
    )
    names = (name.strip().strip("[]").lower().rstrip(".") for name in configured)
    return tuple(dict.fromkeys((*LOOPBACK_NAMES, *(name for name in names if name not in EVERY_INTERFACE))))


def foreign_host(address: str) -> str:
    """Returns the message for requests with an unknown host name."""
    return (
        f"This is not a name of this Sparsight server. It can be reached as {', '.join(host_names(address))} or by its"
        " address. The person who runs it can add a name: SPARSIGHT_HOSTS=name, or `serve --names name`."
    )


def _hostname(header: str) -> str:
    """Returns the host of a Host header without its port; "" if the header is invalid."""
    try:
        parts = urlsplit(f"//{header}")
        _ = parts.port  # raises ValueError for an invalid port
    except ValueError:
        return ""
    only_host = parts.username is None and not (parts.path or parts.query or parts.fragment)
    return (parts.hostname or "").rstrip(".") if only_host else ""


def _is_loopback(host: str) -> bool:
    return host in LOOPBACK_NAMES or (_is_ip(host) and ipaddress.ip_address(host).is_loopback)


def _is_ip(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_set(variable: str) -> bool:
    return os.environ.get(variable, "") not in ("", "0")
