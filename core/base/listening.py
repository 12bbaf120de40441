"""Where a server listens: a port of this machine, and the address under which others reach it."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator
from contextlib import contextmanager

from core.base.errors import BadSpec

FAR_AWAY = "192.0.2.1"  # reserved for documentation (RFC 5737): nothing is sent there


@contextmanager
def listening(host: str, port: int) -> Iterator[socket.socket]:
    """Listen at an address inside the block; port 0 takes a free one. Raises BadSpec if it cannot
    be used.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
            listener.listen(256)
        except (OSError, UnicodeError) as error:  # UnicodeError: no name of a host
            raise BadSpec(
                f"The server cannot listen at {host}, port {port} ({getattr(error, 'strerror', '') or error}).",
                "The address must be one of this machine, and no other program may use the port.",
                "If the port is taken, choose another one or stop the program that uses it. If the address is wrong, "
                "write 127.0.0.1, for this machine alone, or 0.0.0.0, for its network.",
            ) from error
        yield listener


def local_address() -> str | None:
    """Return the address under which other machines of the local network reach this one; None
    without a network.

    Asks the system which of its addresses it would use; nothing is sent.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        try:
            asked.connect((FAR_AWAY, 9))
            found = str(asked.getsockname()[0])
        except OSError:
            return None
    address = ipaddress.ip_address(found)
    return None if address.is_loopback or address.is_unspecified else found
