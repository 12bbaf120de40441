"""What a page shows stays at its place when the page runs again: an element that moves is drawn
anew, which flashes and takes the keyboard's focus away.
"""

from __future__ import annotations

import pytest
from streamlit.testing.v1.element_tree import Block

from pages.parts.common.frame import PAGES
from tests.pages.conftest import open_page

NAMES = ["home" if file == "app.py" else file.removeprefix("pages/").removesuffix(".py") for file, _, _ in PAGES]


def places(block: Block) -> dict[int, object]:
    """The kinds of all elements below a block, by their places; but empty ones, and styles and the
    still picture of a chart, which have places of their own.
    """
    found = {
        place: (child.type, places(child)) if isinstance(child, Block) else child.type
        for place, child in block.children.items()
    }
    return {place: kind for place, kind in found.items() if kind not in ("empty", "html", ("flex_container", {}))}


@pytest.mark.parametrize("name", NAMES)
def test_the_second_run_moves_nothing(name: str) -> None:
    app = open_page(name)
    before = places(app.main), places(app.sidebar)
    app.run()
    assert (places(app.main), places(app.sidebar)) == before


def test_a_warning_at_one_sparsity_moves_nothing() -> None:
    app = open_page("explore", model="efficientnet-lite0", photo="cat", fine="50")
    before, warned = {place: child.type for place, child in app.main.children.items()}, len(app.warning)
    app.slider(key="fine").set_value(58.0).run()
    assert len(app.warning) > warned
    assert {place: child.type for place, child in app.main.children.items()} == before
