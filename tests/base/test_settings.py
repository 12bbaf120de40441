"""Settings: read from the environment once, overridden by options, never written back."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from core.base.errors import BadSpec
from core.base.settings import REPOSITORY, Settings
from core.engine.engine import Engine
from core.store.budgets import Budgets


def test_the_environment_is_read_and_empty_variables_count_as_not_set() -> None:
    assert Settings.from_environment({}) == Settings(folder=REPOSITORY / "models_cache")
    assert Settings.from_environment({"SPARSIGHT_CACHE": "", "SPARSIGHT_RAM_BYTES": ""}) == Settings.from_environment(
        {}
    )
    environment = {
        "SPARSIGHT_CACHE": "/x",
        "SPARSIGHT_DEVICE": "cpu",
        "SPARSIGHT_PRECISION": "bfloat16",
        "SPARSIGHT_DEVICE_BYTES": "2GB",
        "SPARSIGHT_RAM_BYTES": "512 MB",
        "SPARSIGHT_DISK_BYTES": "1000",
    }
    assert Settings.from_environment(environment) == Settings(
        folder=Path("/x"),
        device="cpu",
        precision="bfloat16",
        device_bytes=2 * 10**9,
        ram_bytes=512 * 10**6,
        disk_bytes=1000,
    )


def test_options_override_the_environment() -> None:
    settings = Settings.from_environment({"SPARSIGHT_DEVICE": "cuda", "SPARSIGHT_RAM_BYTES": "1GB"})
    values = {"device": "cpu", "ram_bytes": None, "disk_bytes": "5MB", "folder": None}
    assert settings.override(values, str) == dataclasses.replace(settings, device="cpu", disk_bytes=5 * 10**6)


@pytest.mark.parametrize("name", ["device_bytes", "ram_bytes", "disk_bytes"])
def test_a_bad_number_of_bytes_is_named_as_the_person_wrote_it(name: str) -> None:
    variable = f"SPARSIGHT_{name.upper()}"
    with pytest.raises(BadSpec, match=f"{variable} cannot be 'much'") as caught:
        Settings.from_environment({variable: "much"})
    assert caught.value.allowed
    assert caught.value.next_step
    with pytest.raises(BadSpec, match="--ram cannot be 'much'"):
        Settings.from_environment({}).override({name: "much"}, lambda _: "--ram")


def test_an_engine_is_as_its_settings_say_and_arguments_go_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPARSIGHT_DEVICE", "nothing")  # not asked
    settings = Settings(folder=tmp_path, device="cpu", precision="bfloat16", ram_bytes=123, disk_bytes=456)
    engine = Engine(settings=settings)
    assert (str(engine.device), engine.folder, engine.store.precision) == ("cpu", tmp_path, "bfloat16")
    assert (Budgets.usual(engine.device, settings).ram_bytes, engine.store.budgets.disk_bytes) == (123, 456)
    other = Engine(folder=tmp_path / "other", precision="float32", settings=settings)
    assert (other.folder, other.store.precision) == (tmp_path / "other", "float32")
