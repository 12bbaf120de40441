"""A port of this machine that a server is about to use."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from core.base.errors import BadSpec


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
                "A port serves one program, and the address is one of this machine.",
                "Choose another port, or stop the program that uses it.",
            ) from error
        yield listener
