"""A visitor without a browser: speaks Streamlit's websocket protocol, as its script in one does."""

from __future__ import annotations

import http.client
import time
import uuid
from collections.abc import Callable
from contextlib import ExitStack
from http.cookies import SimpleCookie
from urllib.parse import urlsplit

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Element_pb2 import Element
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from bench.load.shown import Run, Shown
from core.base.errors import SparsightError

PATIENCE_S = 120.0
TOKEN = "_streamlit_xsrf"
SETTLED_S = 0.1  # a page that runs again by itself does so at once


class NoAnswer(SparsightError):
    """The server closed the connection, or did not answer."""


class Visitor:
    """One session. Not for several threads.

    Args:
        home: address of the server, http://HOST:PORT.
    """

    def __init__(self, home: str) -> None:
        self._place = urlsplit(home)
        self._token = self._new_token()
        with ExitStack() as opened:
            self._socket = opened.enter_context(
                connect(
                    f"ws://{self._place.netloc}/_stcore/stream",
                    subprotocols=["streamlit"],  # type: ignore[list-item]
                    max_size=None,
                    open_timeout=PATIENCE_S,
                    ping_interval=None,
                )
            )
            self._opened = opened.pop_all()
        self._pages: dict[str, str] = {}  # hash by name in the address
        self._page, self._hash, self._query, self.session = "", "", "", ""
        self._run, self._asked = Run(), 0.0
        self._widgets: dict[str, Element] = {}  # by id, of the last complete page
        self._fragments: dict[str, tuple[float, float]] = {}  # that run by themselves: interval, next time

    def close(self) -> None:
        """Leave, as a closed tab does."""
        self._opened.close()

    def open(self, page: str, query: str = "") -> Shown:
        """Open a page of the app by its name in the address."""
        self._page, self._query, self._hash = page, query, self._pages.get(page, "")
        return self._answered(self._rerun())

    def set(self, key: str, value: float | str) -> Shown:
        """Set a widget by its key: a number, or the title of a choice."""
        return self._answered(self._rerun(self._state(key, value)))

    def hurry(self, key: str, value: float | str) -> None:
        """Set a widget without waiting for the answer."""
        self._send(self._rerun(self._state(key, value)))

    def upload(self, key: str, name: str, data: bytes) -> Shown:
        """Upload a file with the widget of this key."""
        asked = BackMsg()
        asked.file_urls_request.request_id = str(uuid.uuid4())
        asked.file_urls_request.file_names.append(name)
        asked.file_urls_request.session_id = self.session
        begun = time.monotonic()
        self._send(asked)
        found = self._until(lambda message: message.WhichOneof("type") == "file_urls_response")
        urls = found.file_urls_response.file_urls[0]
        self._put(urls.upload_url, name, data)
        state = WidgetState(id=self._element(key)[1])
        info = state.file_uploader_state_value.uploaded_file_info.add()
        info.name, info.size, info.file_id = name, len(data), urls.file_id
        info.file_urls.CopyFrom(urls)
        return self._answered(self._rerun(state), begun)

    def pause(self, seconds: float) -> None:
        """Look at the page, which may go on by itself."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._again()
            self._receive(min(left, 0.2))

    def press(self, label: str) -> Shown:
        """Press a button by its label."""
        state = WidgetState(id=self._button(label), trigger_value=True)
        return self._answered(self._rerun(state))

    def offers(self, label: str) -> bool:
        """Return whether the page has a button with this label."""
        return bool(self._button(label))

    @property
    def address(self) -> str:
        """The address of the view, with its page."""
        return f"{self._page}?{self._query}"

    def choices(self, key: str) -> tuple[str, ...]:
        """Return the titles that a select box offers."""
        return tuple(self._element(key)[0].selectbox.options)

    def has(self, key: str) -> bool:
        """Return whether the page shows a widget of this key."""
        return any(widget.endswith(f"-{key}") for widget in self._widgets)

    def _button(self, label: str) -> str:
        """Return the id of a button, "" if there is none."""
        buttons = (widget.button for widget in self._widgets.values() if widget.WhichOneof("type") == "button")
        return next((button.id for button in buttons if button.label == label), "")

    def _element(self, key: str) -> tuple[Element, str]:
        for widget, element in self._widgets.items():
            if widget.endswith(f"-{key}"):
                return element, widget
        raise NoAnswer(f"{self._page} shows no widget '{key}'.", "A visitor sets what a page shows.", "Look at it.")

    def _state(self, key: str, value: float | str) -> WidgetState:
        element, widget = self._element(key)
        state, kind = WidgetState(id=widget), element.WhichOneof("type")
        if kind == "slider" and isinstance(value, str):
            state.string_array_value.data.append(value)
        elif kind == "slider":
            state.double_array_value.data.append(float(value))
        elif kind == "button_group":
            state.string_array_value.data.append(str(value))
        elif kind == "button":
            state.trigger_value = True
        else:
            state.string_value = str(value)
        return state

    def _rerun(self, *states: WidgetState, fragment: str = "") -> BackMsg:
        message = BackMsg()
        asked = message.rerun_script
        asked.query_string, asked.page_script_hash, asked.fragment_id = self._query, self._hash, fragment
        asked.page_name = "" if self._hash else self._page
        asked.is_auto_rerun = bool(fragment)
        asked.widget_states.widgets.extend(states)
        asked.context_info.url = f"{self._place.scheme}://{self._place.netloc}/{self._page}"
        return message

    def _send(self, message: BackMsg) -> None:
        try:
            self._socket.send(message.SerializeToString())
        except ConnectionClosed as error:
            raise _closed(error) from error

    def _again(self) -> None:
        """Run the fragments whose time has come."""
        for fragment, (every_s, due) in self._fragments.items():
            if time.monotonic() >= due:
                self._fragments[fragment] = every_s, time.monotonic() + every_s
                self._send(self._rerun(fragment=fragment))

    def _answered(self, asked: BackMsg, begun: float | None = None) -> Shown:
        """Send a question; return the page when its last run has ended.

        Raises NoAnswer.
        """
        self._run, self._asked = Run(), time.monotonic() if begun is None else begun
        self._fragments.clear()
        self._send(asked)
        while True:
            self._until(lambda message: self._run.begun and _succeeded(message))
            complete_s = time.monotonic() - self._asked
            if not self._receive(SETTLED_S, _begins):
                return self._shown(complete_s)

    def _until(self, wanted: Callable[[ForwardMsg], bool]) -> ForwardMsg:
        end = time.monotonic() + PATIENCE_S
        while (left := end - time.monotonic()) > 0:
            if found := self._receive(left, wanted):
                return found
        raise NoAnswer("The server does not answer.", f"It had {PATIENCE_S:g} s.", "Look at its log.")

    def _receive(self, most_s: float, wanted: Callable[[ForwardMsg], bool] = lambda message: True) -> ForwardMsg | None:
        """Receive messages until a wanted one; None if none comes in time."""
        end = time.monotonic() + most_s
        while (left := end - time.monotonic()) > 0:
            try:
                data = self._socket.recv(timeout=left, decode=False)
            except TimeoutError:
                return None
            except ConnectionClosed as error:
                raise _closed(error) from error
            message = ForwardMsg.FromString(data)
            self._take(message, len(data))
            if wanted(message):
                return message
        return None

    def _take(self, message: ForwardMsg, size: int) -> None:
        kind, run = message.WhichOneof("type"), self._run
        run.bytes += size
        if _begins(message):
            self._begin(message)
        elif kind == "delta":
            run.draw(tuple(message.metadata.delta_path), message.delta, time.monotonic() - self._asked)
        elif kind == "navigation":
            self._pages = {
                "" if page.is_default else page.url_pathname: page.page_script_hash
                for page in message.navigation.app_pages
            }
            self._hash = message.navigation.page_script_hash
        elif kind == "page_info_changed":
            self._query = message.page_info_changed.query_string
        elif kind == "auto_rerun":
            every_s = message.auto_rerun.interval
            self._fragments[message.auto_rerun.fragment_id] = every_s, time.monotonic() + every_s
        elif kind == "stop_auto_rerun":
            for fragment in message.stop_auto_rerun.fragment_ids:
                self._fragments.pop(fragment, None)

    def _begin(self, message: ForwardMsg) -> None:
        self.session = message.new_session.initialize.session_id or self.session
        self._run = Run(begun=True, bytes=self._run.bytes)
        self._fragments.clear()

    def _shown(self, complete_s: float) -> Shown:
        self._widgets = self._run.widgets()
        return self._run.shown(self.address, complete_s)

    def _put(self, path: str, name: str, data: bytes) -> None:
        """Send a file as a browser's form does. Raises NoAnswer if it is refused."""
        bound = uuid.uuid4().hex
        head = f'--{bound}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
        body = head.encode() + data + f"\r\n--{bound}--\r\n".encode()
        headers = {"Cookie": f"{TOKEN}={self._token}", "X-Xsrftoken": self._token}
        headers["Content-Type"] = f"multipart/form-data; boundary={bound}"
        reply, said = self._request("PUT", path, body, headers)
        if reply.status >= 300:
            raise NoAnswer(f"The upload was refused: {reply.status} {said[:200]}", "", "Look at the limits.")

    def _new_token(self) -> str:
        """Return the token that a browser finds in a cookie and sends with each upload."""
        reply, _ = self._request("GET", "/_stcore/health", b"", {})
        cookie = SimpleCookie(reply.headers.get("Set-Cookie", ""))
        return cookie[TOKEN].value if TOKEN in cookie else ""

    def _request(
        self, method: str, path: str, body: bytes, headers: dict[str, str]
    ) -> tuple[http.client.HTTPResponse, str]:
        connection = http.client.HTTPConnection(self._place.netloc, timeout=PATIENCE_S)
        try:
            connection.request(method, path, body, headers)
            reply = connection.getresponse()
            return reply, reply.read().decode(errors="replace")
        finally:
            connection.close()


def _begins(message: ForwardMsg) -> bool:
    """Whether a run of a whole page begins."""
    return message.WhichOneof("type") == "new_session" and not message.metadata.run.fragment_ids


def _succeeded(message: ForwardMsg) -> bool:
    return (
        message.WhichOneof("type") == "script_finished" and message.script_finished == ForwardMsg.FINISHED_SUCCESSFULLY
    )


def _closed(error: ConnectionClosed) -> NoAnswer:
    return NoAnswer(f"The server closed the connection ({error}).", "A visitor's connection stays.", "Look at its log.")
