"""Pages run without a browser (AppTest), on the shipped networks and an empty cache folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60  # the first run imports torch
OpenPage = Callable[..., AppTest]


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A cache folder of its own for each test, and no engine left over from another one."""
    monkeypatch.setenv("SPARSIGHT_CACHE", str(tmp_path / "cache"))
    from pages.shared import cached

    st.cache_data.clear()
    st.cache_resource.clear()
    cached._ANSWERS.clear()
    yield tmp_path / "cache"
    st.cache_resource.clear()


DIGITS = {"model": "thesis-cnn", "cam": "grad-cam", "layer": "relu2"}  # a view of the thesis CNN


@pytest.fixture
def explore() -> OpenPage:
    """Opens Explore with an address: explore(sparsity="90"), an address from before addresses stated the network."""

    def opened(**address: str) -> AppTest:
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=PATIENCE_S)
        app.run().switch_page("pages/explore.py")
        for name, value in address.items():
            app.query_params[name] = value
        return app.run()

    return opened


def words(app: AppTest) -> str:
    """All text on the page."""
    kinds = (app.title, app.header, app.subheader, app.markdown, app.caption, app.warning, app.error, app.info)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def pictures_at(app: AppTest) -> set[str]:
    """The counted sparsity that the four pictures carry in their alt texts."""
    alts = [image.alt for element in app.get("image") for image in element.proto.imgs if "sparsity" in image.alt]
    assert len(alts) == 4
    return {alt.split(" at ")[-1].split("one at ")[-1] for alt in alts}


@pytest.fixture
def curves() -> OpenPage:
    """Opens Curves with an address: curves(axis="density")."""

    def opened(**address: str) -> AppTest:
        app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=PATIENCE_S)
        app.run().switch_page("pages/curves.py")
        for name, value in address.items():
            app.query_params[name] = value
        return app.run()

    return opened
