"""The door: what is in use, and limits that a person sets."""

from __future__ import annotations

import gc
from pathlib import Path

from streamlit.testing.v1 import AppTest

from pages.parts.common import engine
from pages.parts.common.frame import PAGES
from tests.pages.conftest import open_page, words

MEGABYTE = 10**6


def opened() -> AppTest:
    app = open_page("home")
    assert not app.exception
    assert not app.error
    return app


def test_every_page_is_offered_with_what_it_answers() -> None:
    app = opened()
    for _, _, _, answer in PAGES[1:]:
        assert answer in words(app)


def test_limits_hold_at_once_and_for_the_whole_server(own_cache: Path) -> None:
    app = opened()
    app.number_input(key="_device_mb").set_value(64)
    app.number_input(key="_ram_mb").set_value(128)
    next(button for button in app.button if button.label == "Apply").click().run()
    assert not app.exception
    store = engine.engine().store
    assert (store.budgets.device_bytes, store.budgets.ram_bytes) == (64 * MEGABYTE, 128 * MEGABYTE)
    device, ram = store.parts()
    assert (device.budget_bytes, ram.budget_bytes) == (64 * MEGABYTE, 128 * MEGABYTE)
    assert device.bytes <= device.budget_bytes
    assert ram.bytes <= ram.budget_bytes
    assert opened().number_input(key="_device_mb").value == 64


def test_the_search_for_garbage_after_each_run_spares_the_libraries() -> None:
    opened()
    assert gc.get_freeze_count() > 100_000  # torch and pandas alone are more
    assert len(gc.get_objects()) < gc.get_freeze_count()
