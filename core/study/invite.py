"""How people reach a study: the address of this machine in its network, and a QR code of it."""

from __future__ import annotations

from core.base.listening import local_address

EVERYWHERE, HERE = "0.0.0.0", "127.0.0.1"


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
