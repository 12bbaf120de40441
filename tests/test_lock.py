"""The lock file is that of requirements.txt: its versions, a hash for everything, no address."""

from __future__ import annotations

import re
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from core.base.settings import REPOSITORY

DIRECT = [line.split("#")[0].strip() for line in (REPOSITORY / "requirements.txt").read_text().splitlines()]
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


@cache
def locked() -> dict[str, list[tuple[Requirement, int]]]:
    """Each package's versions, for different systems, with the number of their hashes."""
    text = (REPOSITORY / "requirements.lock").read_text().replace("\\\n", " ")
    found: dict[str, list[tuple[Requirement, int]]] = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            one = Requirement(line.split("--hash")[0])
            found.setdefault(canonicalize_name(one.name), []).append((one, len(HASH.findall(line))))
    return found


@pytest.mark.parametrize("line", [line for line in DIRECT if line])
def test_every_direct_dependency_is_locked_at_its_version(line: str) -> None:
    wanted = Requirement(line)
    for one, _ in locked()[canonicalize_name(wanted.name)]:
        assert one.specifier == wanted.specifier


def test_every_package_has_one_version_here_and_hashes() -> None:
    assert len(locked()) > len(DIRECT)
    for name, versions in locked().items():
        here = [one for one, _ in versions if one.marker is None or one.marker.evaluate()]
        assert len(here) <= 1, name
        for one, hashes in versions:
            assert hashes > 0, name
            assert re.fullmatch(r"==[\w.+!]+", str(one.specifier)), name


def test_what_the_packages_of_this_machine_need_is_locked() -> None:
    for versions in locked().values():
        for one, _ in versions:
            if one.marker is not None and not one.marker.evaluate():
                continue
            for text in _requires(one.name):
                needed = Requirement(text)
                if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                    assert canonicalize_name(needed.name) in locked(), f"{one.name} needs {needed.name}"


def _requires(name: str) -> list[str]:
    """What an installed package says it needs; nothing of one that another build has replaced."""
    with suppress(PackageNotFoundError):
        return distribution(name).requires or []
    return []


def test_no_address_is_named() -> None:
    assert "://" not in (REPOSITORY / "requirements.lock").read_text()
