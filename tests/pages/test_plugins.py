"""The app with plugins, in a process of its own: pages read registries when they are imported."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from core.base.settings import REPOSITORY

GOOD = """
import torch
from core.measures.base import MEASURES
from core.models.cards import InputRule
from core.models.modules import ModuleFacts, card_of
from core.models.zoo import MODELS
from core.pruning.scores import CRITERIA
from core.saliency.cams import native

@CRITERIA.register("my-criterion", "My criterion", "Small weights go first.", needs="weights")
def my_criterion(evidence):
    return {name: evidence.mean(name, values.abs()) for name, values in evidence.weights.items()}

@native("my-cam", "My method", "The sum of the channels.", "ours")
def my_cam(activations, gradients):
    return activations.sum(1)

torch.manual_seed(0)
net = torch.nn.Sequential(
    torch.nn.Conv2d(3, 4, 3, stride=8), torch.nn.ReLU(), torch.nn.ConvTranspose2d(4, 4, 2),
    torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(4, 2),
)
facts = ModuleFacts(target_layer="1", input=InputRule(size_px=(64, 64)), classes=("left", "right"))
MODELS.register("my-net", "My network", "Of a test.")(card_of(net, facts))
"""
LOOK = """
import json, os, sys
sys.argv = ["app.py", "--plugins", sys.argv[1]]
import pages.parts.common  # as the server does before it shows a page
from streamlit.testing.v1 import AppTest

def page(name, **address):
    app = AppTest.from_file("app.py", default_timeout=120).switch_page(f"pages/{name}.py")
    for part, value in address.items():
        app.query_params[part] = value
    app.run()
    kinds = (app.title, app.header, app.markdown, app.caption, app.warning, app.error)
    return {
        "boxes": {box.label: list(box.options) for box in app.selectbox},
        "words": [str(each.value) for kind in kinds for each in kind],
        "errors": [each.value for each in app.error] + [str(each.value) for each in app.exception],
        "warnings": [each.value for each in app.warning],
    }

found = {"explore": page("explore", model="my-net", cam="my-cam", criterion="my-criterion", layer="1")}
found["settings"] = page("settings")
os.environ["SPARSIGHT_LOCKED"] = "1"
found["locked"] = page("explore", model="my-net")
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict]:
    """What the pages show with a good plugin and one with an error."""
    home = tmp_path_factory.mktemp("plugins")
    (home / "good.py").write_text(GOOD)
    (home / "bad.py").write_text("x = 1\nunknown\n")
    files = os.pathsep.join((str(home / "bad.py"), str(home / "good.py")))
    environment = os.environ | {"SPARSIGHT_CACHE": str(home / "cache"), "PYTHONPATH": str(REPOSITORY)}
    done = subprocess.run(
        [sys.executable, "-c", LOOK, files],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert f"Sparsight: The plugin {home / 'bad.py'}, line 2: NameError" in done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_select_boxes_list_what_a_plugin_registers(seen: dict[str, dict]) -> None:
    page = seen["explore"]
    assert page["errors"] == []
    assert "My network" in page["boxes"]["Network"]
    assert "My criterion" in page["boxes"]["Criterion"]
    assert "My method" in page["boxes"]["Method"]


def test_the_networks_notes_say_what_is_never_pruned(seen: dict[str, dict]) -> None:
    (note,) = [text for text in seen["explore"]["words"] if "cannot prune" in text]
    assert "2.weight" in note


def test_a_broken_plugin_is_a_warning_beside_the_list_of_networks(seen: dict[str, dict]) -> None:
    (warning,) = seen["explore"]["warnings"]
    assert "line 2: NameError: name 'unknown' is not defined" in warning
    assert "other plugins are" in warning
    assert any("good.py" in text and "my-net" in text for text in seen["settings"]["words"])
    assert warning in seen["settings"]["warnings"]


def test_visitors_of_a_locked_server_have_the_plugins_and_no_details(seen: dict[str, dict]) -> None:
    page = seen["locked"]
    assert page["errors"] == page["warnings"] == []
    assert "My network" in page["boxes"]["Network"]
    assert any("could not be loaded. Its log says why." in text for text in page["words"])
    assert not any("NameError" in text or "bad.py" in text for text in page["words"])
