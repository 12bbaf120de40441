"""Pruned networks that a person keeps on disk: read back bit by bit, under a budget, sound after
damage and on a full disk.
"""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from core.base.errors import BadSpec, CacheNotWritable
from core.disk.files import Files
from core.engine.engine import Engine
from core.specs import PruningSpec, VariantSpec
from core.store.kept_variants import KeptVariants
from core.store.sources import Sources

HALF = VariantSpec(pruning=PruningSpec.one_shot(0.5))
LONG = VariantSpec(
    pruning=PruningSpec.one_shot(
        0.25, scope="layer", overrides=(("fc.weight", 0.1),), excluded=("conv1.weight",), granularity="filter"
    )
)


def state(engine: Engine, variant: VariantSpec) -> dict[str, torch.Tensor]:
    with engine.store.borrow(variant) as network:
        return {name: values.clone() for name, values in network.state_dict().items()}


@pytest.fixture
def fresh(tmp_path: Path) -> Engine:
    return Engine("cpu", tmp_path)


@pytest.mark.parametrize("variant", [HALF, LONG], ids=["weights", "filters"])
def test_what_is_kept_is_read_and_not_computed(
    tmp_path: Path, variant: VariantSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Engine("cpu", tmp_path)
    wanted, report, path = state(first, variant), first.report(variant), first.keep(variant)
    assert path.is_relative_to(tmp_path)
    assert path.stat().st_size == first.store.kept.bytes
    monkeypatch.setattr(Sources, "index", lambda *_: pytest.fail("it was computed"))
    second = Engine("cpu", tmp_path)
    found = state(second, variant)
    assert all(torch.equal(values, found[name]) for name, values in wanted.items())
    assert second.report(variant) == report


@pytest.mark.parametrize("damage", ["truncated", "flipped", "another variant's counts"])
def test_a_damaged_file_is_computed_anew(tmp_path: Path, damage: str) -> None:
    first = Engine("cpu", tmp_path)
    wanted, report, path = state(first, HALF), first.report(HALF), first.keep(HALF)
    content = bytearray(path.read_bytes())
    if damage == "truncated":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "flipped":
        content[-1] ^= 1
        path.write_bytes(content)
    else:
        tensors, facts = first.store.files.load(first.store.kept._key(HALF))
        first.store.files.save(first.store.kept._key(HALF), tensors, facts | {"format": 99})
    second = Engine("cpu", tmp_path)
    assert second.report(HALF) == report
    found = state(second, HALF)
    assert all(torch.equal(values, found[name]) for name, values in wanted.items())


def test_only_one_shot_variants_are_kept(fresh: Engine) -> None:
    for variant in (VariantSpec(), VariantSpec(pruning=PruningSpec.at_level(3))):
        with pytest.raises(BadSpec, match="cannot be kept"):
            fresh.keep(variant)
    assert fresh.store.kept.bytes == 0


def test_what_was_not_read_for_longest_goes(fresh: Engine) -> None:
    variants = [VariantSpec(pruning=PruningSpec.one_shot(share)) for share in (0.5, 0.51, 0.52)]
    paths = [fresh.keep(variant) for variant in variants]
    for age, path in zip((30, 20, 10), paths, strict=True):
        os.utime(path, (path.stat().st_atime - age, path.stat().st_mtime - age))
    out = {name: values.clone() for name, values in state(fresh, variants[0]).items()}
    # Used now: the second is the oldest.
    assert fresh.store.kept.read_into(variants[0], fresh.store.stamps.of(variants[0]), out)
    small = KeptVariants(fresh.store.files, sum(path.stat().st_size for path in paths) + 100)
    newest = replace(fresh.report(VariantSpec(pruning=PruningSpec.one_shot(0.53))))
    small.save(newest, state(fresh, newest.variant), fresh.store.mask(newest.variant), fresh.store.stamps.of(HALF))
    assert [path.is_file() for path in paths] == [True, False, True]
    assert small.bytes <= small.budget_bytes


def test_those_that_another_process_deletes_meanwhile_count_nothing(
    fresh: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, real = fresh.keep(HALF), Files.keys
    monkeypatch.setattr(Files, "keys", lambda self, prefix="": [*real(self, prefix), f"{prefix}gone"])
    assert fresh.store.kept.bytes == path.stat().st_size
    assert fresh.keep(LONG).is_file()


def test_one_that_is_larger_than_the_budget_is_said(fresh: Engine) -> None:
    small = KeptVariants(fresh.store.files, 1000)
    with pytest.raises(BadSpec, match="takes") as caught:
        small.save(fresh.report(HALF), state(fresh, HALF), fresh.store.mask(HALF), fresh.store.stamps.of(HALF))
    assert "SPARSIGHT_DISK_BYTES" in caught.value.next_step
    assert small.bytes == 0


def test_a_full_disk_is_said_and_loses_nothing(fresh: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    path = fresh.keep(HALF)
    before = path.read_bytes()

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    for variant in (HALF, LONG):
        with pytest.raises(CacheNotWritable, match="No space"):
            fresh.keep(variant)
    assert path.read_bytes() == before
    assert [found.name for found in path.parent.iterdir()] == [path.name]  # nothing half written


def test_the_disk_budget_comes_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARSIGHT_DISK_BYTES", "5MB")
    assert Engine("cpu", tmp_path).store.kept.budget_bytes == 5 * 10**6
