"""How people reach a study: the address of this machine in its network, and a QR code of it."""

from __future__ import annotations

import ipaddress
import socket

EVERYWHERE, HERE = "0.0.0.0", "127.0.0.1"
FAR_AWAY = "192.0.2.1"  # reserved for documentation (RFC 5737): nothing is sent there


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


def link(host: str, port: int) -> str:
    """Return the address that people open, of a server that listens at `host`."""
    name = (local_address() or HERE) if host in (EVERYWHERE, "::") else host
    return f"http://[{name}]:{port}/" if ":" in name else f"http://{name}:{port}/"


def qr_code(text: str) -> str:
    """Draw a QR code as SVG, black on white with its quiet zone, so that it is read in dark rooms
    and on dark pages too.
    """
    import segno

    made = segno.make(text, error="m", micro=False)
    return str(made.svg_inline(scale=10, border=4, dark="#000000", light="#ffffff", omitsize=True))
