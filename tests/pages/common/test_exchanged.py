"""Networks and photographs that change on disk while the app runs: no page shows what the old ones
answered.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core import CamSpec, Engine, ImageRef
from pages.parts.common import engine
from tests.data.made_sets import folder_files, jpeg, photograph, write_folder
from tests.pages.conftest import OpenPage, open_page, words
from tests.small_networks import LEVEL, MODEL, write_level, write_series

VIEW = {
    "model": MODEL.name,
    "weights": MODEL.weights,
    "level": "1",
    "cam": "grad-cam",
    "photo": "coffee",
    "target": "class",
}


def pictures(app: AppTest) -> list[str]:
    assert not app.exception
    assert not app.error, app.error[0].value
    return [image.url for element in app.get("image") for image in element.proto.imgs if "sparsity" in image.alt]


def anew(explore: OpenPage, **view: str) -> AppTest:
    """The same view in an app that has just been started."""
    st.cache_data.clear()
    st.cache_resource.clear()
    return explore(**view)


def delete_in_the_app() -> None:
    app = open_page("retrain")
    next(button for button in app.button if button.label == "Delete networks").click().run()
    assert not app.error, app.error[0].value
    assert MODEL.name not in engine.catalogue()


@pytest.mark.parametrize("deleted", ["in the app", pytest.param("by another process", marks=pytest.mark.long)])
def test_a_network_trained_anew_under_its_old_name(explore: OpenPage, own_cache: Path, deleted: str) -> None:
    write_series(own_cache, ("ant", "bee"), seed=1)
    app = explore(**VIEW, **{"class": "bee"})
    before = pictures(app)
    assert app.selectbox(key="class").options == ["ant", "bee"]
    if deleted == "in the app":
        delete_in_the_app()
    else:
        shutil.rmtree(own_cache / MODEL.name)
    write_series(own_cache, ("cat", "dog"), seed=2)
    app = explore(**VIEW, **{"class": "dog"})
    after = pictures(app)
    assert "cannot be used" not in words(app)
    assert app.selectbox(key="class").options == ["cat", "dog"]
    answer = Engine("cpu", own_cache).compare(
        LEVEL, ImageRef(source="gallery", name="coffee"), CamSpec(method="grad-cam", target=1)
    )
    assert f"**{('cat', 'dog')[answer.pruned.prediction.top]}**" in app.header[0].value
    assert after == pictures(anew(explore, **VIEW, **{"class": "dog"}))
    assert len(set(before) & set(after)) == 1  # the input


def test_a_level_and_a_photograph_that_are_replaced(
    explore: OpenPage, own_cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_series(own_cache, ("ant", "bee"), seed=1)
    home = write_folder(tmp_path / "photos", folder_files(("ant", "bee")))
    monkeypatch.setenv("SPARSIGHT_PHOTOS", str(home))
    view = VIEW | {"source": "folder", "row": "2", "target": "dense"}
    seen = [pictures(explore(**view))]
    write_level(own_cache, LEVEL, seed=2)
    seen.append(pictures(explore(**view)))
    (home / "ant" / "1.JPEG").write_bytes(jpeg(photograph(207)))
    seen.append(pictures(explore(**view)))
    (home / "ant" / "00.JPEG").write_bytes(jpeg(photograph(105)))  # now the second one is another
    app = explore(**view)
    seen.append(pictures(app))
    assert len({tuple(each) for each in seen}) == 4
    assert seen[-1] == pictures(anew(explore, **view))
