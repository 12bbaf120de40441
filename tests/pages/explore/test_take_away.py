"""A pruned network leaves Explore: as a network of one's own, and as files."""

from __future__ import annotations

import io
import json
import zipfile

import pytest
from streamlit.testing.v1 import AppTest

from core.portable import formats
from pages.parts.common import engine, state
from tests.pages.conftest import DIGITS, OpenPage, open_page, words
from tests.pages.explore.test_explore_photos import to_the_end

SAVE, PREPARE = "Save the smaller network as one of your own", "Prepare the download"
FILTERS = DIGITS | {"granularity": "filter", "scope": "layer", "excluded": "classifier", "sparsity": "50"}

pytestmark = pytest.mark.usefixtures("own_cache")


def opened(app: AppTest) -> AppTest:
    app.session_state["open_cost"] = True
    return sound(app.run())


def sound(app: AppTest) -> AppTest:
    assert not app.exception
    assert not app.error
    return app


def labels(app: AppTest) -> set[str]:
    return {button.label for button in app.button}


def own_networks() -> list[str]:
    return [name for name in engine.catalogue() if name.startswith("own-")]


def test_a_smaller_network_is_saved_opened_and_deleted(explore: OpenPage) -> None:
    app = opened(explore(**FILTERS, digit="3"))
    sound(to_the_end(app, SAVE))
    (name,) = own_networks()
    title = engine.catalogue()[name].title
    assert title == "Small digit CNN (thesis), seed 333, 50 % of filters removed"
    assert f"Saved as **{title}**" in words(app)
    assert SAVE not in labels(app)
    app = sound(app.button(key="_open_smaller").click().run())
    assert app.selectbox(key="model").value == name
    assert "Small digit CNN" in app.header[0].value
    assert app.selectbox(key="ref").value == "model.thesis-cnn/mnist-55000/333"
    assert "of 12 filters of the full architecture are removed" in words(app)
    assert "1,106 parameters" in words(app)
    address = {part: app.query_params[part] for part in ("model", "ref", "fine", "layer", "cam")}
    shown = app.header[0].value
    again = sound(open_page("explore", **address))
    assert again.selectbox(key="model").value == name
    assert again.header[0].value.split(",")[0] == shown.split(",")[0]
    app = sound(app.switch_page("pages/my_networks.py").run())
    app = sound(app.button(key=f"_delete_{name}").click().run())
    assert own_networks() == []
    app = sound(app.switch_page("pages/explore.py").run())
    assert app.selectbox(key="model").value == "efficientnet-lite0"
    app = opened(explore(**FILTERS, digit="3"))
    assert SAVE in labels(app)  # what was saved before is gone


def test_a_level_is_opened_beside_itself(explore: OpenPage) -> None:
    app = opened(explore(**DIGITS, schedule="iterative-reset", unit="level", level="20"))
    sound(to_the_end(app, SAVE))
    app = sound(app.button(key="_open_smaller").click().run())
    assert app.selectbox(key="ref").value == "model.thesis-cnn/mnist-55000/333,level.20"


def test_a_network_without_empty_channels_is_only_downloaded(explore: OpenPage) -> None:
    app = opened(explore(**DIGITS, sparsity="10"))
    assert SAVE not in labels(app)
    assert PREPARE in labels(app)
    assert not [toggle for toggle in app.toggle if toggle.key == "_export_smaller"]


@pytest.mark.parametrize("smaller", [True, pytest.param(False, marks=pytest.mark.long)])
def test_a_network_is_downloaded(explore: OpenPage, monkeypatch: pytest.MonkeyPatch, smaller: bool) -> None:
    monkeypatch.setattr(formats, "find_spec", lambda name: None)  # of the packages for ONNX
    app = opened(explore(**FILTERS))
    app.toggle(key="_export_smaller").set_value(smaller).run()
    sound(to_the_end(app, PREPARE))
    assert any(button.proto.label.startswith("Download ") for button in app.get("download_button"))
    text = words(app)
    assert "largest difference of the outputs: network.py" in text
    assert "network.onnx is left out: onnx, onnxscript, onnxruntime missing" in text.replace("\\", "")
    content = state.of(app.session_state).waiting.tasks["export"].answer.path.read_bytes()
    facts = json.loads(zipfile.ZipFile(io.BytesIO(content)).read("network.json"))
    assert facts["counts"]["parameters"] == (1106 if smaller else 2346)


def test_a_locked_server_saves_nothing(explore: OpenPage, monkeypatch: pytest.MonkeyPatch) -> None:
    app = opened(explore(**FILTERS))
    sound(to_the_end(app, SAVE))
    (name,) = own_networks()
    monkeypatch.setenv("SPARSIGHT_LOCKED", "1")
    app = opened(explore(**(FILTERS | {"sparsity": "30"})))
    assert SAVE not in labels(app)
    assert PREPARE in labels(app)
    assert "adding your own weights is switched off" in words(app)
    app = sound(open_page("my_networks"))
    assert f"_delete_{name}" not in {button.key for button in app.button}
