"""Home: a live example, and the ways from there."""

from __future__ import annotations

import gc

from streamlit.testing.v1 import AppTest

from pages.parts.common import address
from pages.parts.common.engine import spare_libraries
from tests.pages.conftest import open_page, pictures_at


def opened() -> AppTest:
    app = open_page("home")
    assert not app.exception
    assert not app.error
    return app


def test_the_slider_moves_the_example() -> None:
    app = opened()
    assert pictures_at(app) == {"30.0000% sparsity"}
    assert "espresso" in app.header[0].value
    app.slider(key="amount").set_value(45.0).run()
    assert pictures_at(app) == {"45.0000% sparsity"}
    assert "changes its answer" in app.header[0].value
    assert app.query_params["amount"] == "45"


def test_the_example_opens_in_explore() -> None:
    app = opened()
    app.slider(key="amount").set_value(20.0).run()
    explore = open_page("explore", **(address.start() | {"fine": "20"}))
    assert pictures_at(app) == pictures_at(explore)
    assert app.header[0].value == explore.header[0].value


def test_the_search_for_garbage_after_each_run_spares_the_libraries() -> None:
    gc.unfreeze()  # as in a new process; those of other tests would count otherwise
    opened()
    spare_libraries()
    assert gc.get_freeze_count() > 100_000  # torch and pandas alone are more
    assert len(gc.get_objects()) < gc.get_freeze_count()
