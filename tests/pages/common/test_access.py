"""A locked server changes nothing for its visitors; an unlocked one stays on this machine; only its
own names reach it.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.jobs.jobs import Jobs
from pages.parts.common import access, engine
from pages.parts.retrain import runs
from pages.parts.sidebar import photo_sets
from tests.pages.conftest import OpenPage, open_page, words

LOCKED = "This server is locked"


@pytest.fixture
def locked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARSIGHT_LOCKED", "1")


def controls(app: AppTest) -> set[str]:
    """What a visitor could use, by its label."""
    return {
        node.label
        for kind in ("button", "text_input", "number_input", "file_uploader", "text_area")
        for node in app.get(kind)
    }


@pytest.mark.parametrize(
    ("page", "gone"),
    [
        ("settings", {"Networks on the device (MB)", "Dense weights in RAM (MB)", "Apply"}),
        ("retrain", {"Start training", "Estimate cost", "Photographs"}),
    ],
)
def test_a_locked_page_says_what_is_switched_off(page: str, gone: set[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert gone <= controls(open_page(page))
    monkeypatch.setenv("SPARSIGHT_LOCKED", "1")
    app = open_page(page)
    assert LOCKED in words(app)
    assert not gone & controls(app)
    assert not app.exception


@pytest.mark.usefixtures("locked")
def test_visitors_are_not_told_to_run_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPARSIGHT_PHOTOS", raising=False)
    said = photo_sets.how_to_get_one("Accuracy", engine.catalogue().default_model("efficientnet-lite0"))
    assert said == "Accuracy needs a data set of photographs, and this server has none."


def test_own_weights_and_downloads_are_switched_off(locked: None, explore: OpenPage) -> None:
    app = open_page("my_networks")
    assert "adding your own weights is switched off" in words(app)
    assert not app.get("file_uploader")
    app = explore(model="vgg16")
    assert "downloading weights is switched off" in words(app)
    assert not any(label.startswith("Download") for label in controls(app))


def test_a_request_that_needs_no_control_is_refused_too(locked: None, own_cache: Path) -> None:
    runs.begin(("retrain", {}, "nothing"))
    assert Jobs(own_cache).all() == []


def test_runs_of_a_locked_server_are_seen_but_not_touched(locked: None, own_cache: Path) -> None:
    job = Jobs(own_cache).folder / "retrain-1"
    job.mkdir(parents=True)
    (job / "job.json").write_text('{"kind": "retrain", "title": "A run", "arguments": {}, "begun": 0}')
    (job / "failed.json").write_text('["/srv/secret/photographs is no folder."]')
    (job / "log.txt").write_text("secret")
    app = open_page("retrain")
    assert "A run" in words(app)
    assert "secret" not in words(app) + "".join(code.value for code in app.code)
    assert not {"Resume", "Delete"} & controls(app)


def test_the_folder_of_a_locked_server_is_not_named(
    locked: None, explore: OpenPage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from core.data.gallery import gallery_image

    (tmp_path / "espresso").mkdir()
    gallery_image("coffee").save(tmp_path / "espresso" / "coffee.png")
    monkeypatch.setenv("SPARSIGHT_PHOTOS", str(tmp_path))
    app = explore(model="efficientnet-lite0", source="folder", cam="grad-cam")
    assert "label **espresso**" in words(app)
    assert "exporting views" in words(app)
    assert not app.code
    assert str(tmp_path) not in words(app)


@pytest.mark.parametrize(
    ("address", "variable", "allowed"),
    [
        ("127.0.0.1", "", True),
        ("localhost", "", True),
        ("::1", "", True),
        ("0.0.0.0", "", False),
        ("", "", False),
        ("::", "", False),
        ("192.168.1.7", "", False),
        ("lab.example", "", False),
        ("0.0.0.0", "SPARSIGHT_LOCKED", True),
        ("", "SPARSIGHT_OPEN", True),
    ],
)
def test_an_unlocked_server_stays_on_this_machine(
    address: str, variable: str, allowed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if variable:
        monkeypatch.setenv(variable, "1")
    if allowed:
        access.check_exposure(address)
        return
    with pytest.raises(access.Exposed, match="SPARSIGHT_LOCKED=1"):
        access.check_exposure(address)


@pytest.mark.parametrize(
    ("host", "address", "allowed"),
    [
        ("localhost:8501", "127.0.0.1", True),
        ("127.0.0.1", "127.0.0.1", True),
        ("[::1]:8501", "127.0.0.1", True),
        ("LOCALHOST.", "127.0.0.1", True),
        ("lab.example", "127.0.0.1", True),
        ("evil.example:8501", "127.0.0.1", False),
        ("localhost.evil.example", "127.0.0.1", False),
        ("192.168.1.7", "127.0.0.1", False),
        ("192.168.1.7:8501", "0.0.0.0", True),
        ("evil.example", "0.0.0.0", False),
        ("lecture", "lecture", True),
        ("", "127.0.0.1", False),
        ("localhost:port", "127.0.0.1", False),
        ("user@localhost", "127.0.0.1", False),
        ("localhost/evil", "127.0.0.1", False),
        ("[::1", "127.0.0.1", False),
    ],
)
def test_hosts(host: str, address: str, allowed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARSIGHT_HOSTS", "lab.example, other.example")
    assert access.allows_host(host, address) is allowed


@pytest.mark.parametrize(
    ("page", "address"),
    [
        ("explore", {"model": "efficientnet-lite0", "source": "folder:{home}"}),
        ("explore", {"model": "{home}/weights.pt"}),
        ("curves", {"of": "sweep:{home}/sweep.yaml"}),
        ("curves", {"of": "../../{home}"}),
        ("units", {"study": "{home}"}),
        ("compare", {"model": "efficientnet-lite0", "source": "folder:{home}"}),
    ],
)
def test_an_address_names_no_file_of_this_machine(
    locked: None, page: str, address: dict[str, str], tmp_path: Path
) -> None:
    from core.data.gallery import gallery_image

    home = tmp_path / "private"
    (home / "espresso").mkdir(parents=True)
    gallery_image("coffee").save(home / "espresso" / "coffee.png")
    app = open_page(page, **{name: value.format(home=home) for name, value in address.items()})
    assert not app.exception
    assert "espresso" not in words(app)
    assert str(tmp_path) not in words(app).replace(address.get("of", "").format(home=home), "")
