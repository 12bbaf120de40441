"""Messages that a browser's protocol allows and a server for many does not obey."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.testclient import TestClient
from starlette.websockets import WebSocket, WebSocketDisconnect
from streamlit.proto.BackMsg_pb2 import BackMsg

from pages.parts.common.counters import counters
from pages.parts.common.messages import REFUSED, Messages

OBEYED = BackMsg(app_heartbeat=True).SerializeToString()


def arrived(*sent: bytes) -> list[bytes]:
    """What reaches Streamlit of these messages."""
    found: list[bytes] = []

    async def stream(websocket: WebSocket) -> None:
        await websocket.accept()
        try:
            while True:
                found.append(await websocket.receive_bytes())
        except WebSocketDisconnect:
            await websocket.close()

    client = TestClient(Messages(Starlette(routes=[WebSocketRoute("/_stcore/stream", stream)])))
    with client.websocket_connect("/_stcore/stream") as connection:
        assert counters.more["visitors"]() == {"connected": 1}
        for message in sent:
            connection.send_bytes(message)
    assert counters.more["visitors"]() == {"connected": 0}
    return found


@pytest.mark.parametrize("name", REFUSED)
def test_nobody_clears_the_caches_of_all(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    message = BackMsg(**{name: True}).SerializeToString()
    monkeypatch.setenv("SPARSIGHT_LOCKED", "1")
    assert arrived(message, OBEYED, message) == [OBEYED]
    monkeypatch.delenv("SPARSIGHT_LOCKED")
    assert arrived(message, OBEYED) == [message, OBEYED]


def test_what_is_no_message_is_left_to_streamlit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARSIGHT_LOCKED", "1")
    assert arrived(b"\xff\xff\xff", b"", OBEYED) == [b"\xff\xff\xff", b"", OBEYED]
