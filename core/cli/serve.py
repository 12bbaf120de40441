"""`python -m core serve`: the pages for a class, locked for visitors, within limits."""

from __future__ import annotations

import getpass
import os
import re
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from core.base.errors import BadSpec, SparsightError
from core.base.listening import listening
from core.base.numbers import counted, duration, size
from core.base.options import option
from core.base.settings import REPOSITORY, Settings
from core.base.text import Part, Rows
from core.classroom import password
from core.classroom.limits import Limits, names, variable
from core.classroom.status import STALE_S, ended, running
from core.cli.app import COMPUTING, Computing
from core.cli.structure import FLAT, Flag
from core.cli.writing import check_writable

HOST, PORT = "127.0.0.1", 8501
LAST_PORT = 65535
NAME = re.compile(r"[\w.-]*|\[?[0-9a-fA-F:.]+\]?")  # of a host, or its address; empty between two commas
HERE = (HOST, "localhost", "::1")


@dataclass(frozen=True, kw_only=True)
class Served:
    """Where the pages are served, and within which limits."""

    host: str | None = option(
        None,
        "Address to listen on; 0.0.0.0 lets other machines in. By default SPARSIGHT_HOST, else 127.0.0.1.",
    )
    port: int | None = option(None, "Port to listen on. By default SPARSIGHT_PORT, else 8501.")
    names: str | None = option(
        None, "Host names of the server, separated by commas, such as lab.example.org. By default SPARSIGHT_HOSTS."
    )
    slow_at_once: int | None = option(
        None, "Slow questions computed at once, for all together. By default SPARSIGHT_SLOW_AT_ONCE, else 2."
    )
    slow_s: int | None = option(
        None, "Longest time of a slow question in seconds. By default SPARSIGHT_SLOW_S, else 300."
    )
    uploads: int | None = option(
        None, "Images that a visitor may keep uploaded; 0 switches uploads off. By default SPARSIGHT_UPLOADS, else 20."
    )
    upload_bytes: str | None = option(
        None, "Bytes of a visitor's uploads. By default SPARSIGHT_UPLOAD_BYTES, else 100MB."
    )
    all_upload_bytes: str | None = option(
        None, "Bytes of all visitors' uploads. By default SPARSIGHT_ALL_UPLOAD_BYTES, else 1GB."
    )


class NotServing(SparsightError):
    """No locked server is running with this cache folder."""


SERVED = Served()


def serve(
    *,
    set_password: Annotated[Flag, Parameter(help="Set the teacher's password, and start nothing.")] = False,
    status: Annotated[Flag, Parameter(help="Say what running servers do, and start nothing.")] = False,
    served: Annotated[Served, FLAT] = SERVED,
    common: Annotated[Computing, FLAT] = COMPUTING,
) -> None:
    """Serve the pages for a class, until Ctrl-C. Visitors change nothing; the teacher unlocks.

    The password is asked for, or read from standard input.
    """
    if set_password and status:
        raise BadSpec("Both --set-password and --status are given.", "Each does one thing.", "Omit one of them.")
    if set_password:
        _password(common)
    elif status:
        _status(common)
    else:
        _start(served, common)


def _password(common: Computing) -> None:
    folder = common.settings.folder
    if sys.stdin.isatty():
        first, again = getpass.getpass("Password: "), getpass.getpass("Again: ")
        if first != again:
            raise BadSpec("The two passwords differ.", "Both must be the same.", "Try again.")
    else:
        first = sys.stdin.readline().rstrip("\n")
    password.set_password(folder, first)
    common.output.say({"set": True}, "The teacher's password is set. It unlocks a session on the page Settings.")


def _start(served: Served, common: Computing) -> None:
    """Become the server: signals reach it directly, and nothing is left if it is killed."""
    settings, host, port = common.settings, _host(served), _port(served)
    check_writable(settings.folder)
    host_names, limits = _host_names(served), Limits.of({name: _given(served, name) for name in names()}, _named)
    with listening(host, port):  # explains here what the server itself would not
        pass
    lines = [f"Limits: {_in_words(limits)}."]
    if nobody := password.problem(settings.folder):
        lines.append(nobody)
    if host in HERE:
        lines.append("Only this machine will reach it; --host 0.0.0.0 lets others in.")
    facts = {"host": host, "port": port, "has_password": not nobody, "limits": vars(limits)}
    common.output.say(facts, "\n".join(lines))
    os.chdir(REPOSITORY)  # where Streamlit finds its configuration
    os.execve(sys.executable, _command(host, port), environment(settings, limits, host_names))


def _command(host: str, port: int) -> list[str]:
    where = ["--server.address", host, "--server.port", str(port)]
    return [sys.executable, "-m", "streamlit", "run", "app.py", *where]


def environment(settings: Settings, limits: Limits, host_names: str | None) -> dict[str, str]:
    """Return the environment of the server. Only this command's options and its own environment
    decide; what would open the server is removed.
    """
    given: Mapping[str, Any] = {
        "SPARSIGHT_CACHE": settings.folder.absolute(),
        "SPARSIGHT_DEVICE": settings.device,
        "SPARSIGHT_PRECISION": settings.precision,
        "SPARSIGHT_DEVICE_BYTES": settings.device_bytes,
        "SPARSIGHT_RAM_BYTES": settings.ram_bytes,
        "SPARSIGHT_DISK_BYTES": settings.disk_bytes,
        "SPARSIGHT_PLUGINS": os.pathsep.join(map(str, settings.plugins)),
        "SPARSIGHT_HOSTS": host_names,
        "SPARSIGHT_PHOTOS": (photos := os.environ.get("SPARSIGHT_PHOTOS")) and Path(photos).absolute(),
    }
    own = {name: str(value) for name, value in given.items() if value not in (None, "")}
    kept = {name: value for name, value in os.environ.items() if name != "SPARSIGHT_OPEN"}
    return kept | own | limits.environment() | {"SPARSIGHT_CLASSROOM": "1", "SPARSIGHT_LOCKED": "1"}


def _given(served: Served, name: str) -> Any:
    value = getattr(served, name)
    return os.environ.get(variable(name)) if value is None else value


def _named(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _host(served: Served) -> str:
    return served.host or os.environ.get("SPARSIGHT_HOST") or HOST


def _host_names(served: Served) -> str | None:
    """Return the names, separated by commas. Raises BadSpec."""
    given = served.names or os.environ.get("SPARSIGHT_HOSTS")
    for name in (given or "").split(","):
        if not NAME.fullmatch(name.strip()):
            raise BadSpec(
                f"--names cannot hold '{name.strip()[:40]}'.",
                "A name of the server has no http://, no port and no path.",
                "Write lab.example.org, for example.",
            )
    return given


def _port(served: Served) -> int:
    given = _given(served, "port")
    text = str(PORT if given in (None, "") else given)
    if not (text.isascii() and text.isdecimal() and len(text) < 6 and 1 <= int(text) <= LAST_PORT):
        raise BadSpec(f"--port cannot be '{text[:40]}'.", f"It is a number from 1 to {LAST_PORT}.", "Write 8501.")
    return int(text)


def _in_words(limits: Limits) -> str:
    uploads = (
        f"{counted(limits.uploads, 'upload')} a visitor, {size(limits.upload_bytes)} together",
        f"{size(limits.all_upload_bytes)} of uploads of all visitors",
    )
    slow = f"{counted(limits.slow_at_once, 'slow question')} at once, {duration(limits.slow_s)} each"
    return "; ".join((slow, *(uploads if limits.uploads else ("no uploads",))))


def _status(common: Computing) -> None:
    found, killed = running(common.settings.folder), ended(common.settings.folder)
    gone = [_last_words(facts) for facts in killed]
    if not found:
        raise NotServing(
            " ".join(("No server is running with this cache folder.", *gone)),
            "Each locked server writes its counts to that folder every two seconds.",
            "Start one with `python -m core serve`, or name its folder with --folder.",
        )
    common.output.say(
        {"servers": found, "killed": killed}, [*(part for facts in found for part in _parts(facts)), *gone]
    )


def _last_words(facts: dict[str, Any]) -> str:
    """Say that a server is gone that has not said so itself."""
    ago = duration(max(1.0, time.time() - facts["written"]))
    return f"The one on port {facts['port']} was killed: its process {facts['process']} last wrote {ago} ago."


def _parts(facts: dict[str, Any]) -> list[Part]:
    """Return what one server says, as text and tables."""
    up, slow = facts["written"] - facts["begun"], facts.get("slow questions", {})
    uploads = facts.get("uploads", {})
    silent_s = time.time() - facts["written"]
    rows = [
        ("up for", str(timedelta(seconds=round(up)))),
        *([("silent for", duration(silent_s))] if silent_s > STALE_S else []),
        ("visitors connected", f"{facts.get('visitors', {}).get('connected', 0):,}"),
        ("pages drawn", _times(facts["pages"])),
        ("questions", _times(facts["work"])),
        ("slow questions", f"{slow.get('computing', 0):,} being computed, {slow.get('waiting', 0):,} in the queue"),
        ("uploads", f"{uploads.get('files', 0):,}, {size(uploads.get('bytes', 0))}"),
        ("most memory of the process", size(facts["process_peak_bytes"])),
    ]
    tiers = [
        (part["name"], f"{size(part['bytes'])} of {size(part['budget_bytes'])}", _wait(part["waiting"]))
        for part in facts["memory"]
    ]
    memory = [Rows(tiers, title="Memory")] if tiers else []
    return [Rows(rows, title=f"Port {facts['port']}, process {facts['process']}"), *memory]


def _wait(number: int) -> str:
    return f"{counted(number, 'question')} waiting for room" if number else ""


def _times(found: Mapping[str, Any]) -> str:
    if not found["n"]:
        return "none yet"
    return f"{found['n']:,}; of the last: median {found['median_s']:.2f} s, 95th percentile {found['p95_s']:.2f} s"
