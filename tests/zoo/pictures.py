"""Image files."""

from __future__ import annotations

from tests.zoo.case import Case

CASES: tuple[Case, ...] = ()
