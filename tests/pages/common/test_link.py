"""The address is that of the view, whenever a newer run takes over."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pages.parts.common import link
from pages.parts.common.state import State


class Overtaken(BaseException):
    """A newer run takes over, as Streamlit lets it at most of its calls."""


class Session:
    """A session of Streamlit, as far as addresses go: its copy of the address, which only some runs
    take from the browser, and the browser's.
    """

    def __init__(self) -> None:
        self.kept: dict[str, list[str]] = {}
        self.browser: dict[str, list[str]] = {}
        self.state, self.session_state, self.left = State(), dict[str, str](), 0
        self.query_params = self

    def call(self) -> State:
        """A call at which a newer run may take over."""
        self.left -= 1
        if not self.left:
            raise Overtaken
        return self.state

    def __iter__(self) -> Iterator[str]:
        return iter(self.kept)

    def get_all(self, name: str) -> list[str]:
        return self.kept[name]

    def from_dict(self, address: dict[str, list[str]]) -> None:
        self.kept = dict(address)
        self.call()  # before anything is sent
        self.browser = dict(address)

    def run(self, sparsity: str, until: int, reads_browser: bool) -> None:
        """A run of a page that shows this sparsity, until a call at which a newer one takes over;
        to its end if there are fewer.
        """
        if reads_browser:
            self.kept = dict(self.browser)
        self.left = until
        self.state.address.clear()
        self.state.address["sparsity"] = sparsity
        try:
            link.write()
            link.write(whole=True)
        except Overtaken:
            pass


runs = st.lists(st.tuples(st.sampled_from(["40", "60"]), st.integers(1, 9), st.booleans()), max_size=8)


@given(runs, st.sampled_from(["40", "60"]), st.booleans())
def test_the_last_run_leaves_its_own_address(
    before: list[tuple[str, int, bool]], sparsity: str, reads_browser: bool
) -> None:
    session = Session()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(link, "st", SimpleNamespace(query_params=session, session_state=session.session_state))
        patch.setattr(link, "state", session.call)
        for each in before:
            session.run(*each)
        session.run(sparsity, 0, reads_browser)
    assert session.browser == {"sparsity": [sparsity]}
