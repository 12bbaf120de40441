"""Pages run without a browser (AppTest), on the shipped networks and an empty cache folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache as cached
from functools import partial
from pathlib import Path

import pytest
import streamlit as st
from streamlit.components.v2 import manifest_scanner
from streamlit.testing.v1 import AppTest, local_script_runner

from core import VariantSpec
from pages.parts.common import state

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60  # the first run imports torch
OpenPage = Callable[..., AppTest]


@pytest.fixture(scope="session", autouse=True)
def _one_look_for_components() -> Iterator[None]:
    """Every AppTest looks through all installed packages for components, which takes 0.5 s; they
    stay the same.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", cached(manifest_scanner.scan_component_manifests))
        yield


@pytest.fixture(scope="session", autouse=True)
def _runs_are_waited_for_without_looking() -> Iterator[None]:
    """AppTest looks a thousand times a second whether the page is done, which slows it down."""
    look = local_script_runner.require_widgets_deltas

    def wait(runner: local_script_runner.LocalScriptRunner, timeout: float = 3) -> None:
        thread = runner._script_thread
        if thread is not None:
            thread.join(timeout)
        look(runner, timeout if runner.script_stopped() else 0)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(local_script_runner, "require_widgets_deltas", wait)
        yield


@pytest.fixture(scope="session")
def shared_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The cache folder of all tests that leave it as it is: they share one engine."""
    return tmp_path_factory.mktemp("shared") / "cache"


@pytest.fixture(autouse=True)
def cache(
    request: pytest.FixtureRequest, shared_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """The folder that the pages' engine uses: the shared one, or for tests that ask for `own_cache`
    an empty one and a new engine.
    """
    own = "own_cache" in request.fixturenames
    folder = tmp_path / "cache" if own else shared_cache
    monkeypatch.setenv("SPARSIGHT_CACHE", str(folder))
    monkeypatch.setattr("pages.parts.common.waiting.REST_S", 0)  # no slider moves on by itself
    monkeypatch.setattr("pages.parts.common.waiting.PATIENCE_S", PATIENCE_S)
    monkeypatch.setattr("pages.parts.common.first_figure.REST_S", 0)  # no browser draws meanwhile
    monkeypatch.setattr("pages.parts.explore.photos.FOLLOWED_AT_ONCE", 0)  # a curve takes seconds
    if own:
        forget_all()
    yield folder
    if own:
        forget_all()


@pytest.fixture
def own_cache(cache: Path) -> Path:
    """An empty cache folder for this test alone, and a new engine."""
    return cache


def forget_all() -> None:
    from pages.parts.common import engine

    engine.forget()
    st.cache_resource.clear()


DIGITS = {"model": "thesis-cnn", "cam": "grad-cam", "layer": "relu2"}  # a view of the thesis CNN


def open_page(name: str, patience_s: float = PATIENCE_S, **address: str | list[str]) -> AppTest:
    """A page as a link opens it: open_page("explore", sparsity="90"); "home" is the first one."""
    app = AppTest.from_file(str(ROOT / "app.py"), default_timeout=patience_s)
    if name != "home":
        app.switch_page(f"pages/{name}.py")
    for part, value in address.items():
        app.query_params[part] = value
    return app.run()


@pytest.fixture
def explore() -> OpenPage:
    """Opens Explore with an address: explore(sparsity="90"), an address from before addresses
    stated the network.
    """
    return partial(open_page, "explore")


def words(app: AppTest) -> str:
    """All text on the page."""
    kinds = (app.title, app.header, app.subheader, app.markdown, app.caption, app.warning, app.error, app.info)
    return "\n".join(str(element.value) for kind in kinds for element in kind)


def pictures_at(app: AppTest) -> set[str]:
    """The counted sparsity that the four pictures carry in their alt texts."""
    alts = [image.alt for element in app.get("image") for image in element.proto.imgs if "sparsity" in image.alt]
    assert len(alts) == 4
    return {alt.split(" at ")[-1].split("one at ")[-1] for alt in alts}


def shown_by(app: AppTest) -> VariantSpec:
    """The variant whose pictures Explore has drawn."""
    shown = state.of(app.session_state).view.shown
    assert shown
    return shown[0]


@pytest.fixture
def curves() -> OpenPage:
    """Opens Curves with an address: curves(axis="density")."""
    return partial(open_page, "curves")
