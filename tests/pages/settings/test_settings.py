"""Settings: what is in use, and limits that a person sets."""

from __future__ import annotations

from pathlib import Path

from streamlit.testing.v1 import AppTest

from pages.parts.common import engine
from tests.pages.conftest import open_page

MEGABYTE = 10**6


def opened() -> AppTest:
    app = open_page("settings")
    assert not app.exception
    assert not app.error
    return app


def test_limits_hold_at_once_and_for_the_whole_server(own_cache: Path) -> None:
    open_page("home")
    app = opened()
    app.number_input(key="_device_mb").set_value(64)
    app.number_input(key="_ram_mb").set_value(128)
    next(button for button in app.button if button.label == "Apply").click().run()
    assert not app.exception
    store = engine.engine().store
    assert (store.budgets.device_bytes, store.budgets.ram_bytes) == (64 * MEGABYTE, 128 * MEGABYTE)
    device, ram = store.parts()
    assert (device.budget_bytes, ram.budget_bytes) == (64 * MEGABYTE, 128 * MEGABYTE)
    assert 0 < device.bytes <= device.budget_bytes
    assert ram.bytes <= ram.budget_bytes
    assert opened().number_input(key="_device_mb").value == 64


def test_memory_is_shown_as_the_engine_counts_it() -> None:
    app = opened()
    parts = engine.engine().parts()
    assert list(app.table[0].value["cache"]) == [part.name for part in parts]
    assert list(app.table[0].value["entries"]) == [f"{part.entries:,}" for part in parts]
